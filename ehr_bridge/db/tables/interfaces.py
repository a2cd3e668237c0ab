"""Tables of the systems that this one speaks DICOM with."""

from __future__ import annotations

from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import Base, Dated


class Modality(Dated, Base):
    """An application entity that an administrator has registered, and what it may do here."""

    __tablename__ = "modalities"

    ae_key: Mapped[str] = mapped_column(String(16), primary_key=True)
    """The AE title in capitals: Orthanc compares titles without regard to case, so two that differ in it are one."""
    ae_title: Mapped[str] = mapped_column(String(16))
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int]
    may: Mapped[list[Any]]
    """What it may do (`ehr_bridge.db.states.May`), sorted."""
    charset: Mapped[str | None] = mapped_column(String(16))
    """Character set of its own, for the worklist on the port of MPPS."""
    description: Mapped[str | None] = mapped_column(String(255))
