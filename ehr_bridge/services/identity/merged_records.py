"""Records that were merged into one person: all of them, and the survivor."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from ehr_bridge.db.rows import Among
from ehr_bridge.db.tables.registry import Patient


def _with_survivors(among: ColumnElement[bool]) -> Select[uuid.UUID, uuid.UUID]:
    """Every record of the persons of these records, each with the surviving one."""
    up = select(Patient.id.label("record"), Patient.merged_into_id.label("into")).where(among)
    above = up.cte("above", recursive=True)
    above = above.union(select(Patient.id, Patient.merged_into_id).join(above, Patient.id == above.c.into))
    tops = select(above.c.record).where(above.c.into.is_(None))
    down = select(Patient.id.label("record"), Patient.id.label("survivor")).where(Patient.id.in_(tops))
    below = down.cte("below", recursive=True)
    below = below.union(select(Patient.id, below.c.survivor).join(below, Patient.merged_into_id == below.c.record))
    return select(below.c.record, below.c.survivor)


_OF_IDS = _with_survivors(Among(Patient.id, "ids"))
"""Made once: to make it takes longer than to ask it."""


def survivors(session: Session, ids: Collection[uuid.UUID] | Select[tuple[uuid.UUID]]) -> Mapping[uuid.UUID, uuid.UUID]:
    """Every record of the persons with these records, including merged ones, each with the surviving record."""
    if isinstance(ids, Select):
        rows = session.execute(_with_survivors(Patient.id.in_(ids)))
    else:
        rows = session.execute(_OF_IDS, {"ids": [*ids]})
    return {row.record: row.survivor for row in rows}
