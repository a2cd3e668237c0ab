"""Tables with which the matcher finds patients and knows how rare a name is; derived from `patients` alone."""

from __future__ import annotations

import uuid

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import Base
from ehr_bridge.db.tables.registry import Patient

KEY = String(80).with_variant(String(80, collation="C"), "postgresql")
"""Compared byte by byte on both engines."""


class PatientMatchKey(Base):
    """A key that a patient shares with headers that may be theirs (`ehr_bridge.matching.keys`)."""

    __tablename__ = "patient_match_keys"
    __table_args__ = (Index("ix_patient_match_keys_key", "key", "patient_id"),)

    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Patient.id, ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(KEY, primary_key=True)


class PatientValueCount(Base):
    """How many patients have a name, a date of birth, a key; '' counts all patients."""

    __tablename__ = "patient_value_counts"

    value: Mapped[str] = mapped_column(KEY, primary_key=True)
    patients: Mapped[int]
