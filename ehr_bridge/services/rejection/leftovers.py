"""Clears the folder of rejected images of what a killed process left there: a chore of the worker."""

from __future__ import annotations

import time

from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.results.rejections import RejectedImage
from ehr_bridge.services.archive.quarantine import Quarantine

YOUNG = 60.0
"""Seconds; younger files are looked at later."""


class Leftovers:
    """Files that no row names: their images are back, or were permanently deleted. A name is written down before its
    file, and given up before it; nodes that share the folder may do this side by side."""

    def __init__(self, database: Database, folder: Quarantine) -> None:
        self._database = database
        self._folder = folder

    def clear(self) -> int:
        """Returns how many files were deleted. Raises Unavailable when the database is away."""
        self._folder.tidy()
        looked = time.time()
        names = self._folder.names(YOUNG)
        if not names:
            return 0
        with self._database.read() as session:
            used = set(session.scalars(select(RejectedImage.file_name).where(RejectedImage.file_name.is_not(None))))
        over = [name for name in names if name not in used]
        for name in over:
            self._folder.drop(name, looked)
        return len(over)
