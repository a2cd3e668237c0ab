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


class SchemaFloor(Base):
    """The last migration after which older versions can no longer serve; one row, written by each migration."""

    __tablename__ = "schema_floor"

    revision: Mapped[str] = mapped_column(String(32), primary_key=True)
