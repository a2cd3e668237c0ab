"""Carries modifications out: the job behind `modify-tags` and its undo, a little at a time, in the worker.

A job first looks whether every instance can be changed, and touches nothing if one cannot. Then each is replaced by
itself (`replacing`), its row in the ledger written before and after. Everything a job must know stands in the ledger
and the spool, so a killed process continues where it was. Instances that were on their way meanwhile are looked for
once more a little later.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from ehr_bridge.db.database import Database
from ehr_bridge.db.modifications import Modification, ModificationInstance
from ehr_bridge.dicom import Change, Header, coerce, keep_former, read_header
from ehr_bridge.dicom.values import wanted_value
from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.services.claims import Claims
from ehr_bridge.services.intake import MODIFYING_SYSTEM
from ehr_bridge.services.modifications import HOLDS, UNDER_WAY
from ehr_bridge.services.modified_rows import begin, fail, finish, follow, rows_of
from ehr_bridge.services.recorder import Recorder
from ehr_bridge.services.replacing import StoredFiles, digest, drop_duplicate, former_file, replace
from ehr_bridge.services.spool import Spool
from ehr_bridge.services.spool_keeping import SpoolKeeper

LOGGER = logging.getLogger(__name__)
SWEEP_AFTER = timedelta(seconds=10)
"""Longer than any node remembers a decision (`Claims`), and than storing one instance takes."""


class ModificationJobs:
    """The one who carries jobs out on a node. Not for several threads at once: the worker's."""

    def __init__(
        self,
        database: Database,
        archive: StoredFiles,
        spool: Spool,
        claims: Claims,
        recorder: Recorder,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._archive = archive
        self._spool = spool
        self._claims = claims
        self._recorder = recorder
        self._clock = clock
        self._keeper = SpoolKeeper(database, archive, spool, clock)
        self._is_fresh = True
        self._looked_at: dict[uuid.UUID, set[str]] = {}

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
        swept_by = self._clock() - SWEEP_AFTER
        unswept = (
            Modification.status.in_(HOLDS) & Modification.swept_at.is_(None) & (Modification.finished_at < swept_by)
        )
        query = select(Modification).where(or_(Modification.status.in_(UNDER_WAY), unswept))
        with self._database.read() as session:
            jobs = list(session.scalars(query.order_by(Modification.requested_at)))
        if not jobs:
            self._looked_at.clear()
            return []
        try:
            node = self._spool.node
        except OSError as error:
            raise Unavailable(
                "archive_unavailable", "The folder for files being modified cannot be written."
            ) from error
        return [job for job in jobs if job.node in (None, node)]

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
                begun = begin(session, job.id, self._spool.node, checked)
            self._claims.forget()
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
        self._claims.forget()
        self._looked_at.pop(job.id, None)
        return True

    def _check(self, job: Modification, until: float) -> int | RefusedInstance | None:
        """How many instances there are, why one of them cannot be changed, or None when the time is over."""
        looked_at = self._looked_at.setdefault(job.id, set())
        undone = self._undone(job)
        ids = self._archive.instances_of(job.study_instance_uid)
        for instance_id in ids:
            if instance_id in looked_at:
                continue
            if time.monotonic() > until:
                return None
            try:
                self._new_form(job, undone, instance_id, self._archive.read(instance_id))
            except RefusedInstance as refusal:
                return refusal
            except LookupError:
                continue
            looked_at.add(instance_id)
        return len(ids)

    def _replace_all(self, job: Modification, until: float) -> bool:
        """One look at the archive after another, until one finds nothing more to do; False when the time is over."""
        looked_at = self._looked_at.setdefault(job.id, set())
        undone = self._undone(job)
        with self._database.read() as session:
            rows = rows_of(session, job.id)
        for row in rows:
            if row.status == "pending":
                self._carry_out(row)
        while True:
            self._recorder.flush()
            with self._database.read() as session:
                rows = rows_of(session, job.id)
            settled = {row.orthanc_instance_id_after for row in rows}
            settled |= {row.orthanc_instance_id_before for row in rows if row.status == "refused"}
            moved = {row.orthanc_instance_id_before: row.orthanc_instance_id_after for row in rows}
            ids = self._archive.instances_of(job.study_instance_uid)
            to_do = [i for i in ids if i not in settled and i not in looked_at]
            if not to_do:
                return True
            for instance_id in to_do:
                if time.monotonic() > until:
                    return False
                if instance_id in moved:  # sent again under its old identity, after it had moved
                    drop_duplicate(self._archive, instance_id, moved[instance_id])
                else:
                    self._modify(job, undone, instance_id)
                looked_at.add(instance_id)

    def _modify(self, job: Modification, undone: _Undone | None, instance_id: str) -> None:
        try:
            before = self._archive.read(instance_id)
        except LookupError:
            return
        try:
            after, changes = self._new_form(job, undone, instance_id, before)
        except RefusedInstance as refusal:
            self._write_row(_row(job, instance_id, before, before, (), "refused", refusal.code))
            return
        if after == before:
            return
        row = _row(job, instance_id, before, after, changes, "pending")
        row.orthanc_instance_id_after = self._id_after(instance_id, before, after, undone)
        if former_file(after, row) != before:
            raise AssertionError("the former bytes cannot be kept")
        self._write_row(row)
        try:
            self._spool.put(row.id, after)
        except OSError as error:
            raise Unavailable(
                "archive_unavailable", "The folder for files being modified cannot be written."
            ) from error
        self._carry_out(row)

    def _carry_out(self, row: ModificationInstance) -> None:
        replace(self._archive, self._spool, row)
        with self._database.write() as session:
            follow(session, row)

    def _new_form(
        self, job: Modification, undone: _Undone | None, instance_id: str, data: bytes
    ) -> tuple[bytes, tuple[Change, ...]]:
        """What an instance is to become; the same bytes when it is right as it is.

        Raises:
            RefusedInstance: it cannot.
        """
        wanted = job.wanted
        if undone is not None:
            row = undone.rows.get(instance_id)
            if row is not None:
                return _former_form(row, data)
            wanted = undone.wanted_for(read_header(data), wanted)  # it came later, and got the new values on its way in
        coerced = coerce(
            read_header(data), wanted, when=self._clock(), modifying_system=MODIFYING_SYSTEM, reason="CORRECT"
        )
        return coerced.data, coerced.changes

    def _undone(self, job: Modification) -> _Undone | None:
        if job.undoes_id is None:
            return None
        with self._database.read() as session:
            rows = rows_of(session, job.undoes_id)
            wanted = session.get_one(Modification, job.undoes_id).wanted
        return _Undone({row.orthanc_instance_id_after: row for row in rows if row.status == "done"}, wanted)

    def _id_after(self, instance_id: str, before: bytes, after: bytes, undone: _Undone | None) -> str:
        if undone is not None and instance_id in undone.rows:
            return undone.rows[instance_id].orthanc_instance_id_before
        same = read_header(before).patient_id == read_header(after).patient_id
        return instance_id if same else ""  # the archive says which, when it has it

    def _write_row(self, row: ModificationInstance) -> None:
        with self._database.write() as session:
            session.add(row)

    def _archive_study(self, job: Modification) -> str | None:
        """The archive's id of the study as it is now."""
        for instance_id in self._archive.instances_of(job.study_instance_uid):
            try:
                return self._archive.parent_study(instance_id)
            except LookupError:
                continue
        return None


@dataclass(frozen=True, slots=True)
class _Undone:
    """The modification that an undo takes back."""

    rows: dict[str, ModificationInstance]
    """By the id each instance has since."""
    wanted: dict[str, str]

    def wanted_for(self, header: Header, former: dict[str, str]) -> dict[str, str]:
        """The former values of the attributes in which an instance says what the modification wanted."""
        return {
            keyword: value
            for keyword, value in former.items()
            if header.text(keyword) == wanted_value(keyword, self.wanted[keyword]).value
        }


def _former_form(row: ModificationInstance, data: bytes) -> tuple[bytes, tuple[Change, ...]]:
    before = former_file(data, row) if digest(data) == row.sha256_after else None
    if before is None:
        raise RefusedInstance("changed_since", "The archive holds another file than the modification left.")
    return before, tuple(Change(change["tag"], change["after"], change["before"]) for change in row.changes)


def _row(
    job: Modification,
    instance_id: str,
    before: bytes,
    after: bytes,
    changes: tuple[Change, ...],
    status: str,
    error_code: str | None = None,
) -> ModificationInstance:
    former = keep_former(before, after)
    return ModificationInstance(
        id=uuid.uuid4(),
        modification_id=job.id,
        orthanc_instance_id_before=instance_id,
        orthanc_instance_id_after=instance_id,
        sha256_before=digest(before),
        sha256_after=digest(after),
        same_at_start=former.same_at_start,
        same_at_end=former.same_at_end,
        former=former.packed,
        changes=[{"tag": c.keyword, "before": c.before, "after": c.after} for c in changes],
        status=status,
        error_code=error_code,
    )
