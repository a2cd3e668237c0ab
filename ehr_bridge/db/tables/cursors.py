"""The table of read positions in logs."""

from __future__ import annotations

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import Base

ORTHANC_CHANGES = "orthanc_changes"
"""The cursor in the archive's own log of changes."""


class Cursor(Base):
    """How far a reader has read a log; one row per reader."""

    __tablename__ = "cursors"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
