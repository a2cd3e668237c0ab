"""Rejecting images, taking that back, and deciding about what other systems rejected.

Only rows are written here, with the audit event; `moving` moves the files, at once and after a kill -9.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Page, by_time, fetch_page, in_period
from ehr_bridge.db.states import RejectedFile, RejectionReason, RejectionStatus
from ehr_bridge.db.tables.results.rejections import RejectedImage, Rejection
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.reporting.states import KEY_OBJECT_SELECTION
from ehr_bridge.services import audit
from ehr_bridge.services.archive.rejected_images import RejectedImages
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.identity.persons import Person, person_of
from ehr_bridge.services.jobs.study_jobs import require_idle
from ehr_bridge.services.studies.listing import find_study
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, without


@dataclass(frozen=True, slots=True)
class Wish:
    """Which images to reject: a whole series, or these."""

    reason: RejectionReason
    comment: str | None = None
    series_instance_uid: str | None = None
    sop_instance_uids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectionFilters:
    """Which rejections to list; None is any."""

    status: RejectionStatus | None = None
    study_instance_uid: str | None = None
    patients: frozenset[uuid.UUID] | None = None
    """All records of one person."""
    order_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RejectionView:
    rejection: Rejection
    person: Person
    """Whose study it is now."""
    images: Sequence[RejectedImage]


SORTS = by_time("requested_at", Rejection.requested_at.expression, Rejection.id.expression)


class Rejections:
    def __init__(self, fresh: Fresh, rejected: RejectedImages, clock: Callable[[], datetime], node: str) -> None:
        self._fresh = fresh
        self._rejected = rejected
        self._clock = clock
        self._node = node

    def reject(self, study_instance_uid: str, wish: Wish, origin: Origin) -> RejectionView:
        """Say that images are not to be used; their files are moved next.

        Raises:
            NotFound: the archive holds no such study, or not these images of it.
            Conflict: a job is working on the study.
        """
        now = self._clock()
        with self._fresh.write() as session:
            study = find_study(session, study_instance_uid)
            require_idle(session, study)
            images = _instances(session, study, wish)
            rejection = Rejection(
                id=uuid.uuid4(),
                study_id=study.id,
                status=RejectionStatus.REJECTED,
                reason=wish.reason,
                comment=wish.comment,
                number_of_images=len(images),
                requested_by=origin.actor,
                requested_at=now,
                node=self._node,
                is_due=True,
            )
            rejection.study = study
            session.add(rejection)
            session.flush()
            session.add_all(image_of(rejection, one, RejectedFile.DUE, now) for one in images)
            _note(session, "images.rejected", rejection, origin, now)
            session.flush()
            view = _view(session, rejection)
        self._rejected.changed()
        return view

    def get(self, rejection_id: uuid.UUID) -> RejectionView:
        """Raises NotFound, also when its study is hidden."""
        with self._fresh.read() as session:
            return _view(session, find_rejection(session, rejection_id))

    def search(
        self,
        filters: RejectionFilters,
        limit: int,
        offset: int,
        closed: Closed = NOTHING,
        sort: str | None = None,
    ) -> Page[RejectionView]:
        """Rejections of studies that are here, latest first unless asked otherwise. Raises InvalidInput when the list
        cannot be sorted like that."""
        query = select(Rejection).join(Study, Study.id == Rejection.study_id)
        query = query.where(Study.deleted_at.is_(None), without(Study.patient_id, closed))
        query = query.where(*in_period(Rejection.requested_at.expression, filters.since, filters.until))
        if filters.status is not None:
            query = query.where(Rejection.status == filters.status)
        if filters.study_instance_uid is not None:
            query = query.where(Study.study_instance_uid == filters.study_instance_uid)
        if filters.patients is not None:
            query = query.where(Study.patient_id.in_(filters.patients))
        if filters.order_id is not None:
            query = query.where(Study.answers.any(order_id=filters.order_id))
        with self._fresh.read() as session:
            page = fetch_page(session, query.order_by(*SORTS.order(sort)), limit, offset)
            return Page([_view(session, one) for one in page.items], page.total, limit, offset)

    def undo(self, rejection_id: uuid.UUID, reason: str, origin: Origin) -> RejectionView:
        """Take a rejection back: the images return to the study, as it is now.

        Raises:
            NotFound: there is no such rejection.
            Conflict: it is not in force, its files are still being moved, or a job is working on the study.
        """
        return self._decide(
            rejection_id, RejectionStatus.REJECTED, RejectionStatus.UNDONE, "images.rejection_undone", reason, origin
        )

    def confirm(self, rejection_id: uuid.UUID, origin: Origin) -> RejectionView:
        """Do what another system's note says. Raises like `undo`."""
        return self._decide(
            rejection_id, RejectionStatus.PROPOSED, RejectionStatus.REJECTED, "images.rejected", None, origin
        )

    def decline(self, rejection_id: uuid.UUID, reason: str | None, origin: Origin) -> RejectionView:
        """Leave the images in use that another system's note says are rejected. Raises like `undo`."""
        before, after = RejectionStatus.PROPOSED, RejectionStatus.DECLINED
        return self._decide(rejection_id, before, after, "images.rejection_declined", reason, origin)

    def _decide(
        self,
        rejection_id: uuid.UUID,
        before: RejectionStatus,
        after: RejectionStatus,
        action: str,
        reason: str | None,
        origin: Origin,
    ) -> RejectionView:
        now = self._clock()
        with self._fresh.write() as session:
            rejection = find_rejection(session, rejection_id)
            if rejection.status != before:
                raise Conflict("rejection_state", f"This rejection is {rejection.status}; it cannot become {after}.")
            if after != RejectionStatus.DECLINED:
                require_idle(session, rejection.study)
            if after == RejectionStatus.UNDONE and _is_moving(session, rejection):
                raise Conflict("rejection_running", "The images are still being put aside; try again in a moment.")
            rejection.status = after
            rejection.decided_by, rejection.decided_at, rejection.decision_reason = origin.actor, now, reason
            if after == RejectionStatus.UNDONE:
                _move(session, rejection, RejectedFile.OUT, RejectedFile.RETURNING, now)
                _move(session, rejection, RejectedFile.DUE, RejectedFile.BACK, now)  # it has never left
            elif after == RejectionStatus.REJECTED:
                _confirm(session, rejection, now)
            if after != RejectionStatus.DECLINED:
                rejection.is_due, rejection.retry_at, rejection.failure = True, None, None
            _note(session, action, rejection, origin, now)
            session.flush()
            view = _view(session, rejection)
        self._rejected.changed()
        return view


def image_of(rejection: Rejection, instance: Instance, status: RejectedFile, now: datetime) -> RejectedImage:
    return RejectedImage(
        rejection_id=rejection.id,
        sop_instance_uid=instance.sop_instance_uid,
        series_instance_uid=instance.series_instance_uid,
        sop_class_uid=instance.sop_class_uid or "",
        status=status,
        orthanc_instance_id=instance.orthanc_instance_id,
        size_bytes=instance.size_bytes,
        moved_at=now,
    )


def _instances(session: Session, study: Study, wish: Wish) -> list[Instance]:
    """Raises NotFound unless all that is named is here."""
    query = select(Instance).where(Instance.study_id == study.id)
    if wish.series_instance_uid is not None:
        query = query.where(Instance.series_instance_uid == wish.series_instance_uid)
    if wish.sop_instance_uids:
        query = query.where(Instance.sop_instance_uid.in_(wish.sop_instance_uids))
    found = {one.sop_instance_uid: one for one in session.scalars(query.order_by(Instance.received_at))}
    if not found or not found.keys() >= set(wish.sop_instance_uids):
        raise NotFound("instance_not_found", "The study has no such images; they may be rejected already.")
    if any(one.sop_class_uid == KEY_OBJECT_SELECTION for one in found.values()):
        raise Conflict("rejection_state", "A key object note is no image; it cannot be rejected.")
    return list(found.values())


def _confirm(session: Session, rejection: Rejection, now: datetime) -> None:
    """Those of the named images that are here now."""
    query = select(Instance).where(Instance.study_id == rejection.study_id)
    here = {one.sop_instance_uid: one for one in session.scalars(query)}
    images = session.scalars(select(RejectedImage).where(RejectedImage.rejection_id == rejection.id)).all()
    for image in images:
        instance = here.get(image.sop_instance_uid)
        image.status, image.moved_at = RejectedFile.BACK if instance is None else RejectedFile.DUE, now
        if instance is not None:
            image.orthanc_instance_id, image.sop_class_uid = instance.orthanc_instance_id, instance.sop_class_uid or ""


def _is_moving(session: Session, rejection: Rejection) -> bool:
    moving = RejectedImage.status == RejectedFile.KEPT
    query = select(RejectedImage).where(RejectedImage.rejection_id == rejection.id, moving)
    return session.scalars(query.limit(1)).first() is not None


def _move(session: Session, rejection: Rejection, before: RejectedFile, after: RejectedFile, now: datetime) -> None:
    which = RejectedImage.rejection_id == rejection.id
    moved = update(RejectedImage).where(which, RejectedImage.status == before)
    session.execute(moved.values(status=after, moved_at=now))


def find_rejection(session: Session, rejection_id: uuid.UUID) -> Rejection:
    """Raises NotFound, also when its study is hidden."""
    rejection = session.get(Rejection, rejection_id)
    if rejection is None:
        raise NotFound("rejection_not_found", "There is no such rejection.")
    find_study(session, rejection.study.study_instance_uid)
    return rejection


def _view(session: Session, rejection: Rejection) -> RejectionView:
    return RejectionView(rejection, person_of(rejection.study.patient, {}), images_of(session, rejection))


def images_of(session: Session, rejection: Rejection) -> Sequence[RejectedImage]:
    """In the order in which they are shown."""
    query = select(RejectedImage).where(RejectedImage.rejection_id == rejection.id)
    return session.scalars(query.order_by(RejectedImage.sop_instance_uid)).all()


def _note(session: Session, action: str, rejection: Rejection, origin: Origin, now: datetime) -> None:
    detail = {
        "rejection_id": str(rejection.id),
        "reason": rejection.reason.value,
        "instances": rejection.number_of_images,
    }
    audit.append(session, origin, audit.study_event(action, rejection.study, detail), now)
