"""The engines of one database, by what they are for."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

WRITE = "ehr_bridge_write"
"""Execution option of connections that write."""


@dataclass(frozen=True, slots=True)
class Engines:
    plain: Engine
    """Transactions as they are usual."""
    reading: Engine
    """What a session of it changes is not kept, or refused."""
    writing: Engine
    """A transaction begins with the writer's turn."""
    relaxed: Engine
    """A power cut may lose the last transactions."""
    asking: Engine
    """As `writing`, for who begins with a statement: it may be sent with the turn, so there is none before it."""

    @property
    def different(self) -> list[Engine]:
        """Each pool of connections once."""
        return list({id(one.pool): one for one in (self.relaxed, self.writing, self.reading, self.plain)}.values())

    def dispose(self) -> None:
        for engine in self.different:
            engine.dispose()
