"""The table of radiation doses, as the files of studies state them."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import Double, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import Base
from ehr_bridge.db.tables.studies import Study


class StudyDose(Base):
    """What a study with X-rays says of its dose; every value is None where its files do not say it."""

    __tablename__ = "study_doses"
    __table_args__ = (
        Index("ix_study_doses_due", "study_id", sqlite_where=text("is_due"), postgresql_where=text("is_due")),
    )

    study_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Study.id, ondelete="CASCADE"), primary_key=True)
    is_due: Mapped[bool] = mapped_column(default=True)
    """Its files are to be read: they are new, or have changed since they were."""
    read_at: Mapped[datetime | None]
    source: Mapped[str | None] = mapped_column(String(8))
    """`report`: a radiation dose structured report; `images`: attributes of its images; None: neither says a dose."""
    ctdi_vol: Mapped[float | None] = mapped_column(Double)
    """The largest mean CTDIvol of its acquisitions, in mGy."""
    dlp: Mapped[float | None] = mapped_column(Double)
    """The dose length product of all of them, in mGy·cm."""
    dap: Mapped[float | None] = mapped_column(Double)
    """The dose area product of all exposures, in Gy·cm²."""
    agd: Mapped[float | None] = mapped_column(Double)
    """The average glandular dose of an exposure, in mGy: the mean of all that say it."""
