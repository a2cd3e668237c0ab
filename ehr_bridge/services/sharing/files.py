"""The files of reports in a study, which people outside do not see.

A study has the files of every version: unsigned ones, those that a later one replaces, and those in doubt. Whoever was
given a share reads the signed reports by the route that is made for it, and none of these files.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.results.documents import ReportDocument


class ReportFiles:
    """Asked for each request with the token of a share. Their UIDs are written down before they are stored, so none is
    seen for a moment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, studies: Iterable[str]) -> frozenset[str]:
        """The series of all documents that these studies have, had or will have. Raises Unavailable."""
        query = select(ReportDocument.series_instance_uid).where(ReportDocument.study_instance_uid.in_(studies))
        with self._database.read() as session:
            return frozenset(session.scalars(query))
