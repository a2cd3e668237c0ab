"""The nodes that serve this archive, and which versions may serve beside each other."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Double, String
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.states import NodeState, column_of
from ehr_bridge.db.tables.base import Base


class Node(Base):
    """One node; its row is its sign of life. Moments are the database's, so that clocks of nodes do not matter."""

    __tablename__ = "nodes"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    home: Mapped[str] = mapped_column(String(330))
    """The machine and the data directory: a name belongs to one home at a time."""
    version: Mapped[str] = mapped_column(String(32))
    """Of the product."""
    schema_known: Mapped[str] = mapped_column(String(32))
    """The newest schema that this version knows."""
    state: Mapped[NodeState] = mapped_column(column_of(NodeState, "state"))
    started_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    clock_ahead_seconds: Mapped[float] = mapped_column(Double)
    """By how much its clock is ahead of the database's when it was last seen; negative: behind."""
    start_id: Mapped[str | None] = mapped_column(String(80))
    """The boot of its machine and a random part, another one at each start: of two copies of a node one has the row."""
    secret_marks: Mapped[str | None] = mapped_column(String(80))
    """A mark of each secret that it accepts, by which nodes see that theirs differ. It does not tell the secret."""
    shared_folder: Mapped[str | None] = mapped_column(String(64))
    """The id in the folder that nodes share."""
    makes_md5: Mapped[bool | None]
    """Whether its Orthanc makes an MD5 of each file that it stores; from 1.13 on, Orthanc reads no file without one."""


class SchemaFloor(Base):
    """The last migration after which older versions can no longer serve; one row, written by each migration."""

    __tablename__ = "schema_floor"

    revision: Mapped[str] = mapped_column(String(32), primary_key=True)
