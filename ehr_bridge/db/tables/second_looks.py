"""Tables of studies that wait for a link: the keys that find them, and whose turn it is to be judged again."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import Base
from ehr_bridge.db.tables.match_keys import KEY
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study


class StudyMatchKey(Base):
    """A key that a study shares with patients or orders it may belong to; for studies without a certain link, or with
    an unknown accession number.

    Keys of studies that have been linked since may remain; queries must check the link status too.
    """

    __tablename__ = "study_match_keys"
    __table_args__ = (Index("ix_study_match_keys_key", "key", "study_id"),)

    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Study.id, ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(KEY, primary_key=True)


class SecondLook(Base):
    """A study that must be judged again, because something changed that may have caused its doubt."""

    __tablename__ = "second_looks"

    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Study.id, ondelete="CASCADE"), primary_key=True)
    turn: Mapped[uuid.UUID]
    """Changes with each request, so that a judge removes only the turn it has seen."""
    cause: Mapped[str] = mapped_column(String(24))
    patient_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Patient.id))
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(Order.id))
    """What changed last."""
    asked_at: Mapped[datetime] = mapped_column(index=True)
    """When it was first requested since it was last judged."""
