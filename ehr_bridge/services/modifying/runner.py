"""Carries modifications out: the job behind `modify-tags` and its undo, step by step, in the worker.

A job first checks whether every instance can be changed, and changes nothing if one cannot. Then all new forms are
prepared, and each replaces its old one (`replacing`). All progress is in the ledger and the spool, so a killed process
continues where it was. A little later, the job sweeps for instances that were on their way meanwhile.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import UNDER_WAY, UNENDED, FileStatus, JobStatus
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.dicom import read_header
from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.matching import Rules
from ehr_bridge.services.coercion.rules import CoercionRules
from ehr_bridge.services.intake.recorder import Recorder
from ehr_bridge.services.jobs.replacing import (
    Elsewhere,
    StoredFiles,
    drop_again,
    is_untouched,
    read_file,
    take_out_new,
)
from ehr_bridge.services.jobs.spool import Spool
from ehr_bridge.services.jobs.spool_keeping import SpoolKeeper
from ehr_bridge.services.jobs.study_jobs import UNSWEPT
from ehr_bridge.services.linking.following import set_off
from ehr_bridge.services.modifying.attempts import (
    LEASE,
    RENEWED,
    LeaseLost,
    is_free_for,
    leave,
    may_be_tried,
    note_failure,
    take_lease,
    where,
)
from ehr_bridge.services.modifying.job_files import JobFiles, no_folder
from ehr_bridge.services.modifying.rows import Seen, begin, fail, finish, follow, rows_of
from ehr_bridge.services.modifying.stuck import end_given_up

LOGGER = logging.getLogger(__name__)
SWEEP_AFTER = timedelta(seconds=10)
"""Longer than any node caches a decision (`Claims`), and than storing one instance takes."""
AT_ONCE = 16
"""Instances per transaction."""
UNFINISHED = select(Modification.id).where(Modification.status.in_(UNENDED) | UNSWEPT).limit(1)
"""Whether there is anything to do, now or later. Asked four times a second, so the query is built once."""


class ModificationJobs:
    """Runs the jobs on a node. Not thread-safe: only the worker uses it."""

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
        """`keep` stores a file, with the reason, for people to examine (quarantine)."""
        self._matching = matching
        self._database = database
        self._archive = archive
        self._spool = spool
        self._recorder = recorder
        self._clock = clock
        self._keeper = SpoolKeeper(database, archive, spool, clock)
        self._files = JobFiles(database, archive, spool, recorder, clock, coercion, keep)
        self._is_fresh = True
        self._looked_at: dict[uuid.UUID, set[str]] = {}
        self._patient_ids: dict[uuid.UUID, set[str]] = {}
        self._doubted: set[uuid.UUID] = set()
        self._taken_from: dict[uuid.UUID, str] = {}

    def run(self, seconds: float = 1.0) -> int:
        """Continue with whatever is to be done, for about that long; returns how many jobs are left. Raises Unavailable
        when the database or the archive is away; nothing is lost, and it continues later."""
        until = time.monotonic() + seconds
        if self._is_fresh:
            self._keeper.compare()
            self._is_fresh = False
        jobs = self._due()
        left, failure = 0, None
        for job in jobs:
            try:
                left += not self._advance(job, until)
            except Unavailable as error:  # a job that cannot continue does not block the others
                left, failure = left + 1, failure or error
            except LeaseLost:
                self._forget(job)
            except Elsewhere:
                left += 1
                self._leave(job)
            except Exception as error:
                left += 1
                self._note(job, error)
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
            raise no_folder() from error
        now = self._clock()
        return [job for job in jobs if is_free_for(job, node, now)]

    def _under_way(self) -> list[Modification]:
        with self._database.read() as session:
            if session.scalar(UNFINISHED) is None:
                return []
        set_off(self._database, self._matching, self._clock())
        swept_by = self._clock() - SWEEP_AFTER
        to_sweep = UNSWEPT & (Modification.finished_at < swept_by)
        query = select(Modification).where(Modification.status.in_(UNDER_WAY) | to_sweep, may_be_tried(self._clock()))
        with self._database.read() as session:
            return list(session.scalars(query.order_by(Modification.requested_at)))

    def _advance(self, job: Modification, until: float) -> bool:
        """Whether the job ended before the time was over."""
        if job.status == JobStatus.QUEUED:
            checked = self._check(job, until)
            if checked is None:
                return False
            if isinstance(checked, RefusedInstance):
                with self._database.write() as session:
                    fail(session, job.id, checked.code, self._clock())
                return True
            with self._database.write() as session:
                seen = Seen(checked, self._patient_ids.pop(job.id, set()), job.id in self._doubted)
                now = self._clock()
                begun = begin(session, job.id, self._spool.node, seen, now, now + LEASE)
            if begun is None:
                self._forget(job)
                return True
            job = begun
            self._looked_at.pop(job.id, None)
        self._hold(job)
        if job.given_up is not None:
            return self._put_back(job)
        if not self._replace_all(job, until):
            return False
        self._refresh(job)
        study = self._files.archive_study(job)
        with self._database.write() as session:
            finish(session, job.id, study, self._clock())
        self._looked_at.pop(job.id, None)
        return True

    def _refresh(self, job: Modification) -> None:
        for uid in (job.study_instance_uid, self._files.moves_to(job)):
            if uid is not None:
                self._archive.refresh(uid)

    def _hold(self, job: Modification) -> None:
        """Renew this node's lease on the job. Called before each step that changes anything. Raises LeaseLost when
        another node has taken the job over."""
        now, node = self._clock(), self._spool.node
        if job.node not in (None, node):
            LOGGER.warning("job %s is taken over from node %s", job.id, job.node)
            self._forget(job)  # what was examined while it was queued is examined again
            self._taken_from[job.id] = job.node
        if job.node != node or job.leased_until is None or job.leased_until < now + RENEWED:
            with self._database.write() as session:
                take_lease(session, job, node, now)

    def _leave(self, job: Modification) -> None:
        """Wait for the node whose spool has what this one lacks."""
        LOGGER.error("job %s waits for node %s, which has one of its images", job.id, self._taken_from.get(job.id))
        with self._database.write() as session:
            leave(session, job.id, self._taken_from.pop(job.id, None), self._clock())

    def _note(self, job: Modification, error: Exception) -> None:
        """Record that an attempt ended with an unexpected error. Its message may quote a file, so the log only says
        where it was raised."""
        self._forget(job)
        LOGGER.error("job %s cannot go on: %s", job.id, where(error))
        with self._database.write() as session:
            note_failure(session, job.id, error, self._clock())

    def _forget(self, job: Modification) -> None:
        self._looked_at.pop(job.id, None)
        self._patient_ids.pop(job.id, None)
        self._doubted.discard(job.id)

    def _put_back(self, job: Modification) -> bool:
        """End a job that was given up: files between two states are completed, and changed ones get a job to undo it.
        Returns True."""
        with self._database.read() as session:
            pending = [row for row in rows_of(session, job.id) if row.status == FileStatus.PENDING]
        begun = []
        for row in pending:
            if is_untouched(self._archive, row):
                take_out_new(self._archive, row)
                with self._database.write() as session:
                    follow(session, row)
            else:
                begun.append(row)
        self._files.carry_out(job, begun, self._hold)
        self._refresh(job)
        study = self._files.archive_study(job)
        with self._database.write() as session:
            end_given_up(session, job.id, study, self._clock())
        self._forget(job)
        return True

    def _check(self, job: Modification, until: float) -> int | RefusedInstance | None:
        """The number of instances, why one of them cannot be changed, or None when the time is over."""
        looked_at = self._looked_at.setdefault(job.id, set())
        patient_ids = self._patient_ids.setdefault(job.id, set())
        undone = self._files.undone(job)
        ids = self._files.ids(job)
        ways = self._files.ways_in(job)
        for instance_id in ids:
            if instance_id in looked_at:
                continue
            try:
                before = read_file(self._archive, instance_id)
            except RefusedInstance:  # the others are changed all the same: the right patient matters more
                continue
            if before is None:
                continue
            try:
                if instance_id in ways:  # unrecorded instances may belong to another patient
                    patient_ids.add(read_header(before).patient_id)
                form = self._files.new_form(job, undone, instance_id, before, ways)
                if form.is_doubted:
                    self._doubted.add(job.id)
            except RefusedInstance as refusal:
                return refusal
            looked_at.add(instance_id)
            if time.monotonic() > until:
                return None
        return len(ids)

    def _replace_all(self, job: Modification, until: float) -> bool:
        """Prepare all that is not, then replace all that is prepared, until nothing in the archive is left to do.

        False when the time is over. Preparing has no visible effect, so it comes first: the time in which some files of
        a study are old and some new is as short as possible.
        """
        looked_at = self._looked_at.setdefault(job.id, set())
        undone = self._files.undone(job)
        while True:
            self._recorder.flush()
            with self._database.read() as session:
                rows = rows_of(session, job.id)
            pending = [row for row in rows if row.status == FileStatus.PENDING]
            settled = {row.orthanc_instance_id_after for row in rows}
            settled |= {row.orthanc_instance_id_before for row in rows if row.status != FileStatus.DONE}
            moved = {row.orthanc_instance_id_before: row.orthanc_instance_id_after for row in rows}
            ids = self._files.ids(job)
            to_do = [i for i in ids if i not in settled and i not in looked_at]
            again = [i for i in to_do if i in moved]  # sent under their old identity after they had moved
            for instance_id in again:
                drop_again(self._archive, instance_id, moved[instance_id], self._files.set_aside)
            looked_at.update(again)
            if fresh := [i for i in to_do if i not in moved][:AT_ONCE]:
                self._files.prepare(job, undone, fresh, self._hold)
                looked_at.update(fresh)
            elif pending:
                self._files.carry_out(job, pending[:AT_ONCE], self._hold)
            elif not again:
                return True
            if time.monotonic() > until:
                return False
