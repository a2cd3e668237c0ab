"""Records that were merged into one person: all of them, and the survivor."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.registry import Patient


def survivors(session: Session, ids: Collection[uuid.UUID] | Select[tuple[uuid.UUID]]) -> Mapping[uuid.UUID, uuid.UUID]:
    """Every record of the persons with these records, including merged ones, each with the surviving record."""
    up = select(Patient.id.label("record"), Patient.merged_into_id.label("into")).where(Patient.id.in_(ids))
    above = up.cte("above", recursive=True)
    above = above.union(select(Patient.id, Patient.merged_into_id).join(above, Patient.id == above.c.into))
    tops = select(above.c.record).where(above.c.into.is_(None))
    down = select(Patient.id.label("record"), Patient.id.label("survivor")).where(Patient.id.in_(tops))
    below = down.cte("below", recursive=True)
    below = below.union(select(Patient.id, below.c.survivor).join(below, Patient.merged_into_id == below.c.record))
    return {row.record: row.survivor for row in session.execute(select(below))}
