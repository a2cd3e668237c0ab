"""Finds out the SOP Class of instances that were recorded before their class was."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select, update

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services.uploads.settling import settle_studies

AT_ONCE = 100


class SopClasses:
    def __init__(self, database: Database, sop_class_of: Callable[[str], str | None]) -> None:
        """`sop_class_of` asks the archive for that of an instance; None when it is gone."""
        self._database = database
        self._sop_class_of = sop_class_of

    def run(self) -> None:
        """Some of those that are left. What the archive does not know is not asked for again."""
        query = select(Instance.orthanc_instance_id, Instance.study_id).where(Instance.sop_class_uid.is_(None))
        with self._database.read() as session:
            found = session.execute(query.order_by(Instance.orthanc_instance_id).limit(AT_ONCE)).all()
        if not found:
            return
        classes = {row[0]: (self._sop_class_of(row[0]) or "")[:64] for row in found}
        with self._database.write() as session:
            for key, sop_class_uid in classes.items():
                one = update(Instance).where(Instance.orthanc_instance_id == key)
                session.execute(one.values(sop_class_uid=sop_class_uid))
            settle_studies(session, {row[1] for row in found})
