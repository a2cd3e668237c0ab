"""The table for finding studies by patient name: one row per part of a name."""

from __future__ import annotations

import uuid

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import Base
from ehr_bridge.db.tables.studies import Study

PART = String(64).with_variant(String(64, collation="C"), "postgresql")
"""Compared byte by byte on both engines, so that an index serves "begins with"."""


class StudyName(Base):
    """A folded part of the patient name of a study (`ehr_bridge.matching.names`)."""

    __tablename__ = "study_names"
    __table_args__ = (Index("ix_study_names_part", "part", "place", "study_id"),)

    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Study.id, ondelete="CASCADE"), primary_key=True)
    part: Mapped[str] = mapped_column(PART, primary_key=True)
    place: Mapped[str] = mapped_column(String(8), primary_key=True)
