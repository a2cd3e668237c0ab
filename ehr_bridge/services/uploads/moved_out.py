"""Which images a person has moved out of a study: when they come again, a person decides."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.modifications import SplitInstance
from ehr_bridge.dicom import Header
from ehr_bridge.errors import RefusedInstance

MOVED_OUT = "moved_out"
"""Its code: what is refused with it lies in quarantine."""


@dataclass(frozen=True, slots=True)
class MovedOut:
    """What a person moved out of a study, or is about to."""

    images: frozenset[str] = frozenset()
    series: frozenset[str] = frozenset()
    """Those that were moved whole: what comes later of them belongs to whom they were given to."""
    left: frozenset[str] = frozenset()
    """Images of such a series that could not be moved."""

    def has(self, header: Header) -> bool:
        """Whether this image is one of them."""
        image = header.sop_instance_uid
        return image in self.images or (header.series_instance_uid in self.series and image not in self.left)


NOTHING_MOVED = MovedOut()


def moved_out(session: Session, study_id: uuid.UUID) -> MovedOut:
    """What was moved out of this study and not brought back."""
    one = SplitInstance
    moved = select(one.sop_instance_uid, one.series_instance_uid, one.of_whole_series)
    rows = session.execute(moved.where(one.study_id == study_id, one.is_moved)).all()
    if not rows:
        return NOTHING_MOVED
    series = frozenset(series for _, series, is_whole in rows if is_whole)
    stay = select(one.sop_instance_uid).where(one.study_id == study_id, ~one.is_moved, one.of_whole_series)
    left = frozenset(session.scalars(stay)) if series else frozenset()
    return MovedOut(frozenset(image for image, _, _ in rows), series, left)


def came_back() -> RefusedInstance:
    return RefusedInstance(
        "moved_out",
        "A person moved this image to another study, because it is another patient's or order's. It is kept in "
        "quarantine, where a person decides.",
    )
