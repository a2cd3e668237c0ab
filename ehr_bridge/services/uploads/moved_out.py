"""Which images a person has moved out of a study: when they come again, a person decides."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.modifications import SplitInstance
from ehr_bridge.errors import RefusedInstance


def moved_out(session: Session, study_id: uuid.UUID) -> frozenset[str]:
    """SOP Instance UIDs of the images that were moved out of a study, or are about to be."""
    moved = select(SplitInstance.sop_instance_uid).where(SplitInstance.study_id == study_id, SplitInstance.is_moved)
    return frozenset(session.scalars(moved))


def came_back() -> RefusedInstance:
    return RefusedInstance(
        "moved_out",
        "A person moved this image to another study, because it is another patient's or order's. It is kept in "
        "quarantine, where a person decides.",
    )
