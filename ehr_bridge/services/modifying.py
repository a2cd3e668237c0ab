"""Carries modifications out: the job behind `modify-tags` and its undo, a little at a time, in the worker.

A job first looks whether every instance can be changed, and touches nothing if one cannot. Then all new forms are
prepared, and each is put in its place (`replacing`). Everything a job must know stands in the ledger and the spool, so
a killed process continues where it was. Instances that were on their way meanwhile are looked for once more a little
later.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.modifications import Modification, ModificationInstance
from ehr_bridge.dicom import read_header
from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.matching import Rules
from ehr_bridge.services.coercion_rules import CoercionRules
from ehr_bridge.services.fixity import CHANGED_WHEN_DAMAGED, FixityCheck
from ehr_bridge.services.following import set_off
from ehr_bridge.services.modified_rows import Seen, begin, fail, finish, follow, rows_of
from ehr_bridge.services.new_forms import NewForm, Undone, id_after, ledger_row, new_form
from ehr_bridge.services.recorder import Recorder
from ehr_bridge.services.replacing import OTHER_CONTENT, StoredFiles, drop_again, former_file, replace
from ehr_bridge.services.spool import Spool
from ehr_bridge.services.spool_keeping import SpoolKeeper
from ehr_bridge.services.study_jobs import UNDER_WAY, UNSWEPT
from ehr_bridge.services.ways_in import UNKNOWN, WayIn, ways_in

LOGGER = logging.getLogger(__name__)
SWEEP_AFTER = timedelta(seconds=10)
"""Longer than any node remembers a decision (`Claims`), and than storing one instance takes."""
AT_ONCE = 16
"""Instances that share a transaction."""
UNFINISHED = select(Modification.id).where(Modification.status.in_(("waiting", *UNDER_WAY)) | UNSWEPT).limit(1)
"""Whatever there may be to do, now or later. Asked four times a second, so it is made once."""


class ModificationJobs:
    """The one who carries jobs out on a node. Not for several threads at once: the worker's."""

    def __init__(
        self,
        database: Database,
        archive: StoredFiles,
        spool: Spool,
        matching: Rules,
        recorder: Recorder,
        clock: Callable[[], datetime],
        coercion: CoercionRules,
        keep: Callable[[bytes, str], object],
    ) -> None:
        """`keep` puts a file, and why, where people look for what the archive could not take."""
        self._matching = matching
        self._coercion = coercion
        self._keep = keep
        self._database = database
        self._archive = archive
        self._spool = spool
        self._recorder = recorder
        self._clock = clock
        self._keeper = SpoolKeeper(database, archive, spool, clock)
        self._checks = FixityCheck(database, clock)
        self._is_fresh = True
        self._looked_at: dict[uuid.UUID, set[str]] = {}
        self._patient_ids: dict[uuid.UUID, set[str]] = {}
        self._doubted: set[uuid.UUID] = set()

    def run(self, seconds: float = 1.0) -> int:
        """Go on with whatever is to be done, for about that long; answers how many jobs are left.

        Raises:
            Unavailable: the database or the archive is away; nothing is lost, and it goes on later.
        """
        until = time.monotonic() + seconds
        if self._is_fresh:
            self._keeper.compare()
            self._is_fresh = False
        jobs = self._due()
        left, failure = 0, None
        for job in jobs:
            try:
                left += not self._advance(job, until)
            except Exception as error:  # one that cannot go on holds no other up
                left, failure = left + 1, failure or error
        self._keeper.release()
        if failure is not None:
            raise failure
        return left

    def _due(self) -> list[Modification]:
        jobs = self._under_way()
        if not jobs:
            self._looked_at.clear()
            self._patient_ids.clear()
            self._doubted.clear()
            return []
        try:
            node = self._spool.node
        except OSError as error:
            raise _no_folder() from error
        return [job for job in jobs if job.node in (None, node)]

    def _under_way(self) -> list[Modification]:
        with self._database.read() as session:
            if session.scalar(UNFINISHED) is None:
                return []
        set_off(self._database, self._matching, self._clock())
        swept_by = self._clock() - SWEEP_AFTER
        to_sweep = UNSWEPT & (Modification.finished_at < swept_by)
        query = select(Modification).where(Modification.status.in_(UNDER_WAY) | to_sweep)
        with self._database.read() as session:
            return list(session.scalars(query.order_by(Modification.requested_at)))

    def _advance(self, job: Modification, until: float) -> bool:
        """Whether the job came to its end before the time was over."""
        if job.status == "queued":
            checked = self._check(job, until)
            if checked is None:
                return False
            if isinstance(checked, RefusedInstance):
                with self._database.write() as session:
                    fail(session, job.id, checked.code, self._clock())
                return True
            with self._database.write() as session:
                seen = Seen(checked, self._patient_ids.pop(job.id, set()), job.id in self._doubted)
                begun = begin(session, job.id, self._spool.node, seen, self._clock())
            if begun is None:
                return True
            job = begun
            self._looked_at.pop(job.id, None)
        if not self._replace_all(job, until):
            return False
        self._archive.refresh(job.study_instance_uid)
        study = self._archive_study(job)
        with self._database.write() as session:
            finish(session, job.id, study, self._clock())
        self._looked_at.pop(job.id, None)
        return True

    def _check(self, job: Modification, until: float) -> int | RefusedInstance | None:
        """How many instances there are, why one of them cannot be changed, or None when the time is over."""
        looked_at = self._looked_at.setdefault(job.id, set())
        patient_ids = self._patient_ids.setdefault(job.id, set())
        undone = self._undone(job)
        ids = self._archive.instances_of(job.study_instance_uid)
        ways = self._ways_in(job)
        for instance_id in ids:
            if instance_id in looked_at:
                continue
            try:
                before = self._archive.read(instance_id)
                if instance_id in ways:  # nobody has said yet that any other is of this study's patient
                    patient_ids.add(read_header(before).patient_id)
                form = self._new_form(job, undone, instance_id, before, ways)
                if form.is_doubted:
                    self._doubted.add(job.id)
            except RefusedInstance as refusal:
                return refusal
            except LookupError:
                continue
            looked_at.add(instance_id)
            if time.monotonic() > until:
                return None
        return len(ids)

    def _replace_all(self, job: Modification, until: float) -> bool:
        """Prepare whatever is not, then replace whatever is prepared, until the archive shows nothing more to do.

        False when the time is over. Preparing changes nothing that anybody sees, so it comes first: the time in which
        a study is half old and half new is as short as it can be.
        """
        looked_at = self._looked_at.setdefault(job.id, set())
        undone = self._undone(job)
        while True:
            self._recorder.flush()
            with self._database.read() as session:
                rows = rows_of(session, job.id)
            pending = [row for row in rows if row.status == "pending"]
            settled = {row.orthanc_instance_id_after for row in rows}
            settled |= {row.orthanc_instance_id_before for row in rows if row.status != "done"}
            moved = {row.orthanc_instance_id_before: row.orthanc_instance_id_after for row in rows}
            ids = self._archive.instances_of(job.study_instance_uid)
            to_do = [i for i in ids if i not in settled and i not in looked_at]
            again = [i for i in to_do if i in moved]  # sent under their old identity after they had moved
            for instance_id in again:
                drop_again(self._archive, instance_id, moved[instance_id], self._set_aside)
            looked_at.update(again)
            if fresh := [i for i in to_do if i not in moved][:AT_ONCE]:
                self._prepare(job, undone, fresh)
                looked_at.update(fresh)
            elif pending:
                self._carry_out(pending[:AT_ONCE])
            elif not again:
                return True
            if time.monotonic() > until:
                return False

    def _prepare(self, job: Modification, undone: Undone | None, ids: list[str]) -> None:
        """Put the new form of these instances into the spool and the way back into the ledger, where they need one."""
        rows: list[ModificationInstance] = []
        ways = self._ways_in(job)
        for instance_id in ids:
            try:
                before = self._archive.read(instance_id)
                after, changes, _ = self._new_form(job, undone, instance_id, before, ways)
            except LookupError:
                continue
            except RefusedInstance as refusal:
                rows.append(ledger_row(job, instance_id, before, before, (), "refused", refusal.code))
                continue
            if after == before:
                continue
            is_whole = self._checks.is_as_stored(instance_id, before)
            code = None if is_whole else CHANGED_WHEN_DAMAGED
            row = ledger_row(job, instance_id, before, after, changes, "pending", code)
            row.orthanc_instance_id_after = id_after(instance_id, before, after, undone)
            if former_file(after, row) != before:
                raise AssertionError("the former bytes cannot be kept")
            try:
                self._spool.put(row.id, after)
            except OSError as error:
                raise _no_folder() from error
            rows.append(row)
        if rows:
            with self._database.write() as session:
                session.add_all(rows)

    def _carry_out(self, rows: list[ModificationInstance]) -> None:
        failure: Unavailable | None = None
        touched = []
        for row in rows:
            try:
                replace(self._archive, self._spool, row, partial(self._take_place, row))
            except Unavailable as error:  # this one and those behind it stay pending
                failure = error
                break
            touched.append(row)
        with self._database.write() as session:
            for row in touched:
                follow(session, row)
        if failure is not None:
            raise failure

    def _take_place(self, row: ModificationInstance, data: bytes) -> None:
        """Keep what came while the instance of `row` was replaced, and write down that it did; then it may go."""
        self._set_aside(data)
        with self._database.write() as session:
            row.error_code = OTHER_CONTENT
            session.merge(row)

    def _set_aside(self, data: bytes) -> None:
        try:
            self._keep(data, OTHER_CONTENT)
        except OSError as error:
            raise _no_folder() from error
        LOGGER.error("another image came under the UID of one that was being modified; it is in the quarantine folder")

    def _new_form(
        self, job: Modification, undone: Undone | None, instance_id: str, data: bytes, ways: Mapping[str, WayIn]
    ) -> NewForm:
        way_in = ways.get(instance_id, UNKNOWN)
        return new_form(job, undone, instance_id, data, self._clock(), self._coercion, way_in)

    def _ways_in(self, job: Modification) -> Mapping[str, WayIn]:
        """Those of the images that are written down by now."""
        self._recorder.flush()
        with self._database.read() as session:
            return ways_in(session, job.study_id)

    def _undone(self, job: Modification) -> Undone | None:
        if job.undoes_id is None:
            return None
        with self._database.read() as session:
            rows = rows_of(session, job.undoes_id)
            undone = session.get_one(Modification, job.undoes_id)
        by_id = {row.orthanc_instance_id_after: row for row in rows if row.status == "done"}
        return Undone(by_id, undone.wanted, undone.study_before.get("patient_ids", []))

    def _archive_study(self, job: Modification) -> str | None:
        """The archive's id of the study as it is now; of two with one UID, the one it was known by before."""
        former, first = (job.link_after or {}).get("orthanc_study_id"), None
        for instance_id in self._archive.instances_of(job.study_instance_uid):
            try:
                found = self._archive.parent_study(instance_id)
            except LookupError:
                continue
            if former in (None, found):
                return found
            first = first or found
        return first


def _no_folder() -> Unavailable:
    return Unavailable("archive_unavailable", "The folder for files being modified cannot be written.")
