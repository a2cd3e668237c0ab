"""The bucket with the images, and the folder in which files wait for it: one of each for all nodes."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.tables.base import Base


class ObjectStorage(Base):
    """One row. In the database, so that all nodes and each backup have it."""

    __tablename__ = "object_storage"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    """Always the same."""
    bucket_id: Mapped[str | None] = mapped_column(String(64))
    """What `ehr-bridge.id` in the bucket says."""
    folder_id: Mapped[str | None] = mapped_column(String(64))
    """What `ehr-bridge.id` in the folder of the images says; what waits there is nowhere else."""
