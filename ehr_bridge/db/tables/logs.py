"""The tables of what is read in order: events for other systems, and how far readers of logs are."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import UID, Base
from ehr_bridge.db.types import BigId

ORTHANC_CHANGES = "orthanc_changes"
"""The cursor in the archive's own log of changes."""


class Cursor(Base):
    """How far a reader has read a log; one row per reader."""

    __tablename__ = "cursors"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


class FeedEvent(Base):
    """One fact about a patient, an order or a study, written in its transaction by `db.facts` alone.

    Ids only: no MRN, accession number or name. The newest row is never deleted, so that numbers go on.
    """

    __tablename__ = "events"

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    """1, 2, 3 … without gaps, in the order of the commits."""
    id: Mapped[uuid.UUID]
    """The event's name wherever else it is sent."""
    type: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime] = mapped_column(index=True)
    patient_id: Mapped[uuid.UUID | None]
    """Whose fact it is; of what is no longer a patient's, whose it was."""
    order_id: Mapped[uuid.UUID | None]
    study_instance_uid: Mapped[str | None] = mapped_column(UID)
    data: Mapped[dict[str, Any]]
