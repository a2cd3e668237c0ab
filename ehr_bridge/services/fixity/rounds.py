"""The rounds of the fixity checks: every stored file is read again in its turn, damaged ones more often.

No file waits longer than a round takes (`fixity_state`). A server that was off catches up gradually.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.logs import Cursor
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.fixity.check import Files, FixityCheck, files_at_rest
from ehr_bridge.services.fixity.state import FIXITY, ROUND, behind, count_damaged, target

STEP = ROUND // 10_000
"""Least number of files due before the database is queried."""
AT_ONCE = 200
LOOK_AGAIN = timedelta(hours=1)
"""After this time, or a round if that is shorter, a damaged file is read again."""
MOST_DAMAGED = 1_000
"""With this many, a whole disk has failed: the round waits, rather than report each file."""


class FixityRounds:
    """Reads the files on the caller's thread, one `run` after the other."""

    def __init__(self, database: Database, archive: Archive, clock: Callable[[], datetime], days: float) -> None:
        """`days` is the length of a round; 0 turns it off."""
        self._database = database
        self._archive = archive
        self._checks = FixityCheck(database, clock)
        self._clock = clock
        self._days = days
        self._last_read = ""

    def run(self, seconds: float) -> None:
        """Read what is due, for about that long. A killed process only reads its last files again. Raises Unavailable
        when the database or the archive is away; the file that was being read is then not judged."""
        if self._days == 0:
            return
        until = time.monotonic() + seconds
        since = self._clock() - min(LOOK_AGAIN, timedelta(days=self._days))
        for file in self._checks.files(damaged_before(since)):
            if time.monotonic() < until:
                self._checks.check(self._archive, file)
        self._go_on(until)

    def damaged(self) -> int:
        """How many files were damaged when they were last read."""
        with self._database.read() as session:
            return count_damaged(session)

    def _go_on(self, until: float) -> None:
        """Part of the round, at most to its end."""
        goal = target(self._days, self._clock())
        with self._database.read() as session:
            due = behind(session, goal)
            if due < STEP or count_damaged(session) >= MOST_DAMAGED:
                return
        start = position = (goal - due) % ROUND
        end = min(start + due, ROUND)
        after = self._last_read if self._last_read.startswith(f"{start:08x}") else f"{start:08x}"
        files = self._checks.files(in_turn(after, f"{end:08x}" if end < ROUND else "g"))
        for file in files:
            if time.monotonic() >= until:
                break
            self._checks.check(self._archive, file)
            self._last_read = file.orthanc_instance_id
            position = int(self._last_read[:8], 16)
        else:
            position = end if len(files) < AT_ONCE else position
        with self._database.write_relaxed() as session:
            session.merge(Cursor(name=FIXITY, position=goal - due + position - start))


def in_turn(after: str, before: str) -> Files:
    """The next files between two positions in the order of their ids."""
    return (
        files_at_rest()
        .where(
            Instance.orthanc_instance_id > after,
            Instance.orthanc_instance_id < before,
            Instance.damaged_at.is_(None),
        )
        .order_by(Instance.orthanc_instance_id)
        .limit(AT_ONCE)
    )


def damaged_before(since: datetime) -> Files:
    """Damaged files that were not read since then, those first that have waited longest."""
    return files_at_rest().where(Instance.damaged_at < since).order_by(Instance.damaged_at).limit(AT_ONCE)
