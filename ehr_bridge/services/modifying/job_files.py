"""The file work of a job: makes the new forms of a study's files, first into the spool, then into the archive.

`runner` knows the progress and the schedule.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import FileStatus, JobKind
from ehr_bridge.db.tables.modifications import Modification, ModificationInstance, Split
from ehr_bridge.dicom.changing.references import NewUids
from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.services.archive.own_documents import documents_of
from ehr_bridge.services.coercion.rules import CoercionRules
from ehr_bridge.services.fixity.check import CHANGED_WHEN_DAMAGED, FixityCheck
from ehr_bridge.services.intake.recorder import Recorder
from ehr_bridge.services.jobs.replacing import OTHER_CONTENT, Elsewhere, StoredFiles, former_file, read_file, replace
from ehr_bridge.services.jobs.spool import Spool
from ehr_bridge.services.modifying.moving import files_of, ids_to_move, moving_of, new_uids
from ehr_bridge.services.modifying.new_files import NewForm, Undone, id_after, ledger_row, moved, new_form
from ehr_bridge.services.modifying.rows import follow, rows_of
from ehr_bridge.services.uploads.ways_in import UNKNOWN, WayIn, ways_in

LOGGER = logging.getLogger(__name__)

type Hold = Callable[[Modification], None]
"""Renews this node's lease on a job; raises `LeaseLost` when another node has it."""


class JobFiles:
    """The files of stored studies, for the worker."""

    def __init__(
        self,
        database: Database,
        archive: StoredFiles,
        spool: Spool,
        recorder: Recorder,
        clock: Callable[[], datetime],
        coercion: CoercionRules,
        keep: Callable[[bytes, str], object],
    ) -> None:
        """`keep` stores a file, with the reason, for people to examine (quarantine)."""
        self._database = database
        self._archive = archive
        self._spool = spool
        self._recorder = recorder
        self._clock = clock
        self._coercion = coercion
        self._keep = keep
        self._checks = FixityCheck(database, clock)
        self._uids: tuple[uuid.UUID, NewUids] | None = None

    def prepare(self, job: Modification, undone: Undone | None, ids: list[str], hold: Hold) -> None:
        """Put the new form of these instances into the spool, and their former bytes into the ledger, where they
        change. The row of each follows its file at once: one that has no row for long is cleared away."""
        ways = self.ways_in(job)
        for instance_id in ids:
            hold(job)
            before = b""
            try:
                found = read_file(self._archive, instance_id)
                if found is None:
                    continue
                before = found
                after, changes, _ = self.new_form(job, undone, instance_id, before, ways)
            except RefusedInstance as refusal:
                self._write_down(ledger_row(job, instance_id, before, before, (), "refused", refusal.code))
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
                raise no_folder() from error
            hold(job)
            self._write_down(row)

    def _write_down(self, row: ModificationInstance) -> None:
        with self._database.write() as session:
            session.add(row)

    def carry_out(self, job: Modification, rows: list[ModificationInstance], hold: Hold) -> None:
        """Replace instances by their prepared forms.

        Raises:
            Unavailable: the archive is away.
            Elsewhere: one of the images is in another node's spool; the others are done.
            LeaseLost: another node runs the job.
        """
        failure: Unavailable | Elsewhere | None = None
        touched = []
        for row in rows:
            hold(job)
            try:
                replace(self._archive, self._spool, row, partial(self._take_place, row), prove=bool(self.moves_to(job)))
            except Elsewhere as error:  # this one stays pending
                failure = error
                continue
            except Unavailable as error:  # this one and the following stay pending
                failure = error
                break
            touched.append(row)
        hold(job)
        with self._database.write() as session:
            for row in touched:
                follow(session, row)
        if failure is not None:
            raise failure

    def _take_place(self, row: ModificationInstance, data: bytes) -> None:
        """Keep and record what arrived while the instance of `row` was replaced; then it may be removed."""
        self.set_aside(data)
        with self._database.write() as session:
            row.error_code = OTHER_CONTENT
            session.merge(row)

    def set_aside(self, data: bytes) -> None:
        """Keep, durably, another image that arrived under the identity of one that a job is working on."""
        try:
            self._keep(data, OTHER_CONTENT)
        except OSError as error:
            raise no_folder() from error
        LOGGER.error("another image came under the UID of one that was being modified; it is in the quarantine folder")

    def new_form(
        self, job: Modification, undone: Undone | None, instance_id: str, data: bytes, ways: Mapping[str, WayIn]
    ) -> NewForm:
        """The new form of a file. Raises RefusedInstance when there cannot be one."""
        way_in = ways.get(instance_id, UNKNOWN)
        form = new_form(job, undone, instance_id, data, self._clock(), self._coercion, way_in)
        return form if job.kind != JobKind.SPLIT else moved(form, self._new_uids(job), job, self._clock())

    def _new_uids(self, job: Modification) -> NewUids:
        """Of the split whose images are worked on just now."""
        if self._uids is None or self._uids[0] != job.id:
            with self._database.read() as session:
                moving = moving_of(session, job)
                assert moving is not None
                self._uids = job.id, new_uids(session, moving.split, job.study_instance_uid)
        return self._uids[1]

    def moves_to(self, job: Modification) -> str | None:
        """The other study whose images a job changes: a split, or its undo."""
        with self._database.read() as session:
            moving = moving_of(session, job)
            return moving.split.target_study_instance_uid if moving is not None else None

    def ways_in(self, job: Modification) -> Mapping[str, WayIn]:
        """The ways in of the images that are recorded by now."""
        self._recorder.flush()
        with self._database.read() as session:
            return ways_in(session, job.study_id)

    def undone(self, job: Modification) -> Undone | None:
        """The modification that an undo undoes; None for any other job."""
        if job.undoes_id is None:
            return None
        with self._database.read() as session:
            undone = session.get_one(Modification, job.undoes_id)
            split = session.get(Split, job.undoes_id)
            by_id = files_of(session, split) if split is not None else _own_files(session, undone)
        return Undone(by_id, undone.wanted, undone.study_before.get("patient_ids", []))

    def ids(self, job: Modification) -> list[str]:
        """The archive's ids of the study's instances, without documents of reports, which are made again instead; of a
        split, the images that it moves."""
        with self._database.read() as session:
            moving = moving_of(session, job)
            if moving is not None:
                return ids_to_move(session, moving)
        ids = self._archive.instances_of(job.study_instance_uid)
        with self._database.read() as session:
            own = documents_of(session, job.study_instance_uid)
        return [instance_id for instance_id in ids if instance_id not in own]

    def archive_study(self, job: Modification) -> str | None:
        """The archive's present id of the study; if there are two with its UID, the one recorded before."""
        former, first = job.link_after and job.link_after.orthanc_study_id, None
        for instance_id in self.ids(job):
            try:
                found = self._archive.parent_study(instance_id)
            except LookupError:
                continue
            if former in (None, found):
                return found
            first = first or found
        return first


def _own_files(session: Session, undone: Modification) -> dict[str, Sequence[ModificationInstance]]:
    done = (row for row in rows_of(session, undone.id) if row.status == FileStatus.DONE)
    return {row.orthanc_instance_id_after: (row,) for row in done}


def no_folder() -> Unavailable:
    return Unavailable("archive_unavailable", "The folder for files being modified cannot be written.")
