"""Moves the files of rejected images out of the archive and back, and keeps the notes: a chore of the worker.

A file is written beside the archive, durably, before it leaves it; and it is in the archive again before it is removed
there. Each step has a state in its row, so killed anywhere, the next run goes on.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import LinkStatus, RejectedFile
from ehr_bridge.db.tables.results.rejections import RejectedImage, Rejection
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.dicom import read_header
from ehr_bridge.errors import BridgeError, Unavailable
from ehr_bridge.services.archive.quarantine import Quarantine, code_in, name_of, sha256_of
from ehr_bridge.services.archive.storing import STORAGE_FULL, Archive
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.identity.attributes import read_identity
from ehr_bridge.services.intake.intake import Intake
from ehr_bridge.services.jobs.leases import free_for, take_lease
from ehr_bridge.services.jobs.study_jobs import under_way
from ehr_bridge.services.rejection.foreign import ForeignNotes
from ehr_bridge.services.rejection.notes import Notes
from ehr_bridge.services.uploads.arrivals import Delivery, Door
from ehr_bridge.services.uploads.settling import settle_studies
from ehr_bridge.services.verdict.judge import NOTHING_SAID, Confirmation, find_known, verdict_on_more

LOGGER = logging.getLogger(__name__)
CODE, IN_DOUBT = "rejected", "rejected_in_doubt"
"""In the names of kept files; the second of an image that named somebody else than its study, which nobody had decided
about: that is said again when it returns."""
IN_ONE_GO = 2.0
"""Seconds for which one request, or one run of the worker, moves files: a whole series goes on in the worker, and no
other chore waits long for it."""
AT_ONCE = 100
"""Kept files that one transaction gives up."""
SOON, LATER = timedelta(seconds=1), timedelta(seconds=30)
IN_QUARANTINE = frozenset({"study_of_another_patient", "same_uid_other_content", "moved_out"})
"""Refusals after which the file of a returning image is for a person to decide about."""
DONE = (RejectedFile.BACK, RejectedFile.PURGED)


class Wait(Exception):
    """Nothing can be done for so long; says why, as a code."""

    def __init__(self, code: str, pause: timedelta = SOON) -> None:
        super().__init__(code)
        self.pause = pause


class OfOneImage(Wait):
    """The other images can go on."""


class TimeIsOver(Exception):
    """The rest is moved by the next run."""


class Moving:
    def __init__(
        self,
        database: Database,
        folder: Quarantine,
        intake: Intake,
        notes: Notes,
        foreign: ForeignNotes,
        clock: Callable[[], datetime],
        node: Callable[[], str],
    ) -> None:
        """`node` is the name of this node in leases."""
        self._database = database
        self._folder = folder
        self._intake = intake
        self._notes = notes
        self._foreign = foreign
        self._clock = clock
        self._node = node
        self._one_at_a_time = threading.Lock()
        self._failed: dict[uuid.UUID, dict[str, OfOneImage]] = {}
        """Images that were tried in vain in rounds that are not at their end."""

    def run(self, archive: Archive) -> int:
        """Do what is due and no other node does, and look at notes of others; returns how many were finished. Raises
        Unavailable when the database or the archive is away; nothing is lost, and it continues later."""
        self._intake.rejected.refresh()
        self._foreign.run(archive)
        now = self._clock()
        query = select(Rejection.id).where(Rejection.is_due, free_for(Rejection, self._node(), now))
        query = query.where(or_(Rejection.retry_at.is_(None), Rejection.retry_at <= now))
        with self._database.read() as session:
            due = session.scalars(query.order_by(func.coalesce(Rejection.retry_at, Rejection.requested_at))).all()
        until, finished = time.monotonic() + IN_ONE_GO, 0
        for one in due:
            finished += self.carry_out(one, archive, until)
            if time.monotonic() >= until:
                break  # those that failed have their next turn after the others
        return finished

    def carry_out(self, rejection_id: uuid.UUID, archive: Archive, until: float | None = None) -> bool:
        """Move the files of one rejection, for about two seconds; False when there is more to do, or another node does
        it. Raises Unavailable."""
        with self._one_at_a_time:
            if not take_lease(self._database, Rejection, rejection_id, self._node(), self._clock()):
                return False
            failed = self._failed.pop(rejection_id, {})
            try:
                self._carry_out(rejection_id, archive, until or time.monotonic() + IN_ONE_GO, failed)
            except TimeIsOver:
                self._failed[rejection_id] = failed
                return False
            except Wait as wait:
                self._later(rejection_id, str(wait), wait.pause)
                return False
            except Exception as error:
                if isinstance(error, Unavailable) and error.code != STORAGE_FULL:
                    raise
                failure = error.code if isinstance(error, BridgeError) else type(error).__name__
                LOGGER.error("rejection %s: %s", rejection_id, failure)
                self._later(rejection_id, failure, LATER)
                return False
        return True

    def _carry_out(
        self, rejection_id: uuid.UUID, archive: Archive, until: float, failed: dict[str, OfOneImage]
    ) -> None:
        with self._database.read() as session:
            rejection = session.get_one(Rejection, rejection_id)
            images = session.scalars(select(RejectedImage).where(RejectedImage.rejection_id == rejection_id)).all()
        self._require_at_rest(rejection)
        tried = 0
        for image in images:
            if image.status in (RejectedFile.DUE, RejectedFile.KEPT) and image.sop_instance_uid not in failed:
                _require_time(until, tried)
                tried += 1
                with _noted(failed, image):
                    self._take_out(rejection, image, archive)
        with self._database.read() as session:
            rejection = session.get_one(Rejection, rejection_id)
        for image in images:
            if image.status is RejectedFile.RETURNING and image.sop_instance_uid not in failed:
                _require_time(until, tried)
                tried += 1
                with _noted(failed, image):
                    self._put_back(rejection, image, archive)
        while self._tidy(rejection_id):
            _require_time(until, 1)
        if rejection.study.deleted_at is None:
            self._notes.settle(rejection, archive)
        elif any(image.status is not RejectedFile.PURGED for image in images):
            raise Wait("study_deleted", LATER)
        if failed:
            raise next(iter(failed.values()))
        with self._database.write() as session:
            mine = session.get_one(Rejection, rejection_id)
            if mine.status == rejection.status:  # else somebody has decided meanwhile
                mine.is_due, mine.retry_at, mine.failure = False, None, None
            mine.leased_until = None

    def _require_at_rest(self, rejection: Rejection) -> None:
        """Raises Wait while a job works on the study's files."""
        with self._database.read() as session:
            if under_way(session, rejection.study_id) is not None:
                raise Wait("modification_running")

    def _take_out(self, rejection: Rejection, image: RejectedImage, archive: Archive) -> None:
        self._require_at_rest(rejection)
        with self._database.read() as session:
            instance = _instance(session, rejection, image)
        if instance is not None:
            try:
                data = archive.read(instance.orthanc_instance_id)
            except LookupError:
                archive.answers()
                if image.status is RejectedFile.DUE:
                    raise OfOneImage("file_damaged", LATER) from None
            else:
                name = self._announce(rejection, image, data)
                if name is None:
                    return  # taken back, or its study is permanently deleted
                self._folder.put(data, code_in(name))
                with self._database.write() as session:
                    mine = _row(session, image)
                    if mine.status not in (RejectedFile.DUE, RejectedFile.KEPT):
                        return  # the same
                    mine.file_name, mine.status, mine.moved_at = name, RejectedFile.KEPT, self._clock()
                    mine.orthanc_instance_id, mine.size_bytes = instance.orthanc_instance_id, len(data)
                archive.delete(instance.orthanc_instance_id)
        now = self._clock()
        with self._database.write() as session:
            mine = _row(session, image)
            if mine.status in (RejectedFile.RETURNING, RejectedFile.BACK) and instance is not None:
                archive.store(data)  # this node slept for longer than its lease, and has removed what was in use again
            if mine.status not in (RejectedFile.DUE, RejectedFile.KEPT):
                return
            if instance is None and mine.status is RejectedFile.DUE:
                mine.status = RejectedFile.BACK  # it was gone before it could be rejected
            else:
                if instance is not None:
                    known = Instance.orthanc_instance_id == instance.orthanc_instance_id
                    session.execute(delete(Instance).where(known))
                mine.status = RejectedFile.OUT
            mine.moved_at = now
            session.flush()
            _count(session, rejection, now)

    def _announce(self, rejection: Rejection, image: RejectedImage, data: bytes) -> str | None:
        """The name of the kept file, written down before the file: none is there that no row knows. None when the image
        is not to be taken out any more."""
        with self._database.write() as session:
            code = IN_DOUBT if self._is_in_doubt(session, rejection, data) else CODE
            name, mine = name_of(data, code), _row(session, image)
            if mine.status not in (RejectedFile.DUE, RejectedFile.KEPT):
                return None
            former = mine.file_name
            if former in (None, name):
                mine.file_name = name
                return name
            mine.status, looked = RejectedFile.DUE, time.time()  # a job has changed the image since it was kept
            is_of_no_use = _users(session, former) == 1
        if former is not None and is_of_no_use:
            self._folder.drop(former, looked)
        with self._database.write() as session:
            _row(session, image).file_name = None
        return self._announce(rejection, image, data)

    def _is_in_doubt(self, session: Session, rejection: Rejection, data: bytes) -> bool:
        """Whether a file names somebody else than its study, and no person has decided about that."""
        known = find_known(session, rejection.study.study_instance_uid)
        if known is None or known.study.link_status == LinkStatus.LINKED:
            return False
        identity = read_identity(read_header(data))
        return verdict_on_more(session, known, identity, NOTHING_SAID, self._intake.matching).contradicts

    def _put_back(self, rejection: Rejection, image: RejectedImage, archive: Archive) -> None:
        study = rejection.study
        if study.deleted_at is not None:
            raise Wait("study_deleted", LATER)
        self._intake.rejected.refresh()
        name = image.file_name or ""
        try:
            data = self._folder.read(name)
        except LookupError:
            raise OfOneImage("file_damaged", LATER) from None
        if hashlib.sha256(data).hexdigest() != sha256_of(name):
            raise OfOneImage("file_damaged", LATER)
        whose = NOTHING_SAID
        if study.patient_id is not None and code_in(name) != IN_DOUBT:
            whose = Confirmation(str(study.order_id) if study.order_id else None, str(study.patient_id))
        origin = Origin(rejection.decided_by or "ehr-bridge")
        delivery = Delivery(rejection.id, Door.UPLOAD, "manual", origin, whose)
        outcome = self._intake.receive([(None, data)], delivery, archive).instances[0]
        if outcome.has_failed and outcome.error_code not in IN_QUARANTINE:
            raise OfOneImage(outcome.error_code or "refused_by_archive", LATER)
        now = self._clock()
        with self._database.write() as session:
            mine = _row(session, image)
            mine.status, mine.moved_at = RejectedFile.BACK, now
            _count(session, rejection, now)

    def _tidy(self, rejection_id: uuid.UUID) -> bool:
        """The kept files of images that are back or permanently deleted are needed no more. Whether there may be
        more of them."""
        query = select(RejectedImage).where(RejectedImage.rejection_id == rejection_id)
        query = query.where(RejectedImage.status.in_(DONE), RejectedImage.file_name.is_not(None)).limit(AT_ONCE)
        with self._database.write() as session:
            images, looked = session.scalars(query).all(), time.time()
            names = {image.file_name for image in images if image.file_name is not None}
            for image in images:
                image.file_name = None
            session.flush()
            used = select(RejectedImage.file_name).where(RejectedImage.file_name.in_(names))
            names -= set(session.scalars(used))
        for name in names:
            self._folder.drop(name, looked)
        return len(images) == AT_ONCE

    def _later(self, rejection_id: uuid.UUID, failure: str, pause: timedelta) -> None:
        with self._database.write() as session:
            mine = session.get_one(Rejection, rejection_id)
            mine.failure, mine.retry_at, mine.leased_until = failure[:64], self._clock() + pause, None


def _require_time(until: float, tried: int) -> None:
    """Raises TimeIsOver, but not before one image was tried."""
    if tried and time.monotonic() >= until:
        raise TimeIsOver


@contextmanager
def _noted(failed: dict[str, OfOneImage], image: RejectedImage) -> Iterator[None]:
    try:
        yield
    except OfOneImage as wait:
        failed[image.sop_instance_uid] = wait


def _users(session: Session, name: str | None) -> int:
    session.flush()
    query = select(func.count()).select_from(RejectedImage).where(RejectedImage.file_name == name)
    return session.scalar(query) or 0


def _row(session: Session, image: RejectedImage) -> RejectedImage:
    return session.get_one(RejectedImage, (image.rejection_id, image.sop_instance_uid))


def _instance(session: Session, rejection: Rejection, image: RejectedImage) -> Instance | None:
    query = select(Instance).where(
        Instance.study_id == rejection.study_id, Instance.sop_instance_uid == image.sop_instance_uid
    )
    return session.scalars(query.limit(1)).first()


def _count(session: Session, rejection: Rejection, now: datetime) -> None:
    """The study's counts, and those of its orders, are of what can be seen."""
    settle_studies(session, [rejection.study_id])
    session.get_one(Study, rejection.study_id).updated_at = now
