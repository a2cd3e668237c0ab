"""Cursors for PostgreSQL that do no work nobody asks for.

Parameters are numbered (`$1`), as the server has them. psycopg would read a statement with `%s` again each time it is a
long one, to write it so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import psycopg


class LeanCursor(psycopg.RawCursor[Any]):
    @property
    def description(self) -> Any:
        """SQLAlchemy looks at the columns of the first answer of a statement only, of the others whether there are
        any."""
        if self.pgresult is None or not self.pgresult.nfields:
            return super().description
        return _Columns(lambda: super(LeanCursor, self).description or ())


class _Columns(Sequence[Any]):
    """Described when somebody looks at them."""

    def __init__(self, describe: Callable[[], Sequence[Any]]) -> None:
        self._describe = describe

    @cached_property
    def _described(self) -> Sequence[Any]:
        return self._describe()

    def __getitem__(self, place: Any) -> Any:
        return self._described[place]

    def __len__(self) -> int:
        return len(self._described)
