"""Tables by which patients and studies are found: keys for the matcher, with how rare each is, names, SOP Classes.

Derived from `patients` and from what studies say; nothing is lost with them.
"""

from __future__ import annotations

import uuid

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import UID, Base
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.db.tables.studies import Study

KEY = String(80).with_variant(String(80, collation="C"), "postgresql")
"""Compared byte by byte on both engines."""
PART = String(64).with_variant(String(64, collation="C"), "postgresql")
"""Compared byte by byte on both engines, so that an index serves "begins with"."""


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


class StudySopClass(Base):
    """A SOP Class of the images of a study; as `Study.sop_class_key` has them."""

    __tablename__ = "study_sop_classes"
    __table_args__ = (Index("ix_study_sop_classes_sop_class_uid", "sop_class_uid", "study_id"),)

    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Study.id, ondelete="CASCADE"), primary_key=True)
    sop_class_uid: Mapped[str] = mapped_column(UID, primary_key=True)


class StudyName(Base):
    """A folded part of the patient name of a study (`ehr_bridge.matching.names`)."""

    __tablename__ = "study_names"
    __table_args__ = (Index("ix_study_names_part", "part", "place", "study_id"),)

    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Study.id, ondelete="CASCADE"), primary_key=True)
    part: Mapped[str] = mapped_column(PART, primary_key=True)
    place: Mapped[str] = mapped_column(String(8), primary_key=True)
