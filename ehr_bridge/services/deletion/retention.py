"""Retention as people do it: a rule proposes, one person requests many deletions at once, another decides about them.

A batch is many ordinary requests that were written together. Each has its own events, is decided by the rules of a
single one, and can be restored by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select, union
from sqlalchemy.orm import Session

from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Position
from ehr_bridge.db.states import DeletionStatus
from ehr_bridge.db.tables.access import Viewing
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import BridgeError, Conflict, NotFound, NotPermitted
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.deletion.proposals import Proposals, proposed, read_proposals
from ehr_bridge.services.deletion.steps import approve, open_request, show_again
from ehr_bridge.services.deletion.years_kept import YearsKept
from ehr_bridge.services.jobs.study_jobs import require_idle
from ehr_bridge.services.studies.listing import StudyView, views_of
from ehr_bridge.services.visibility.deleted_studies import HiddenStudies
from ehr_bridge.services.visibility.restrictions import Closed, without

READS = ("study.viewed", "study.downloaded", "study.sent", "share.opened")
MOST_BATCHES = 50
SAMPLE = 5
NOT_PROPOSED, READ = "not_proposed", "study_read"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A study that was left as it is, and why: a word of this module or the code of a refusal."""

    study_instance_uid: str
    code: str


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a batch, or of the part of it that waited."""

    batch_id: uuid.UUID | None
    """None when nothing was requested."""
    number_of_studies: int
    left_out: list[LeftOut]


@dataclass(frozen=True, slots=True)
class Batch:
    """The requests of a batch that wait for a decision."""

    batch_id: uuid.UUID
    requested_by: str
    requested_at: datetime
    reason: str
    number_of_studies: int
    number_of_instances: int
    first_date: date | None
    last_date: date | None
    sample: list[StudyView]


class Retention:
    def __init__(
        self,
        fresh: Fresh,
        clock: Callable[[], datetime],
        hidden: HiddenStudies,
        grace: timedelta,
        note_viewings: Callable[[], None],
    ) -> None:
        """`note_viewings` writes down what is being viewed at this moment."""
        self._note_viewings = note_viewings
        self._fresh = fresh
        self._clock = clock
        self._hidden = hidden
        self._grace = grace

    def proposals(
        self, rules: YearsKept, closed: Closed, limit: int, after: Position | None = None
    ) -> tuple[Proposals, datetime]:
        """What the rules propose, and when that was read; with `after`, the page behind that position."""
        now = self._clock()
        with self._fresh.read() as session:
            return read_proposals(session, rules, now.date(), closed, limit, after), now

    def request(
        self,
        rules: YearsKept,
        study_uids: Sequence[str],
        seen_at: datetime,
        reason: str,
        closed: Closed,
        origin: Origin,
    ) -> Done:
        """Request the deletion of these studies as one batch; each is hidden from now on.

        Left out: what the rules do not propose any more, what somebody else has read since `seen_at`, and what a job is
        working on.
        """
        now, batch_id = self._clock(), uuid.uuid4()
        left_out: list[LeftOut] = []
        hidden: list[str] = []
        self._note_viewings()
        with self._fresh.write() as session:
            of_these = proposed(rules, now.date(), closed).where(Study.study_instance_uid.in_(study_uids))
            due = {study.study_instance_uid: study for study in session.scalars(of_these)}
            read = _read_since(session, list(due), seen_at, origin.actor)
            for uid in dict.fromkeys(study_uids):
                code = NOT_PROPOSED if uid not in due else READ if uid in read else _busy(session, due[uid])
                if code is not None:
                    left_out.append(LeftOut(uid, code))
                    continue
                rule = rules.rule_of(due[uid].modalities)
                words = f"{reason} ({rules} years)"
                open_request(session, due[uid], words, origin, now, batch_id, rule=rule)
                hidden.append(uid)
        self._hidden.changed(*hidden)
        return Done(batch_id if hidden else None, len(hidden), left_out)

    def batches(self, own: str | None, closed: Closed) -> list[Batch]:
        """The batches that wait for a decision, latest first: all, or those of one person."""
        pending = _pending(closed)
        if own is not None:
            pending = pending.where(DeletionRequest.requested_by == own)
        asked = DeletionRequest.batch_id, DeletionRequest.requested_by, DeletionRequest.requested_at
        query = (
            pending.with_only_columns(
                *asked,
                func.min(DeletionRequest.reason).label("reason"),
                func.count().label("number"),
                func.sum(Study.number_of_instances).label("images"),
                func.min(Study.study_date).label("first"),
                func.max(Study.study_date).label("last"),
            )
            .group_by(*asked)
            .order_by(DeletionRequest.requested_at.desc(), DeletionRequest.batch_id)
            .limit(MOST_BATCHES)
        )
        with self._fresh.read() as session:
            return [
                Batch(
                    row.batch_id,
                    row.requested_by,
                    row.requested_at,
                    row.reason,
                    row.number,
                    row.images,
                    row.first,
                    row.last,
                    _sample(session, pending.where(DeletionRequest.batch_id == row.batch_id)),
                )
                for row in session.execute(query).all()
            ]

    def approve(self, batch_id: uuid.UUID, number: int, closed: Closed, origin: Origin) -> Done:
        """Approve the requests of a batch that wait, each as by itself; the grace period of each begins.

        Left out, and waiting still: those on hold, and those whose study has changed since it was requested.

        Raises:
            NotFound: no request of such a batch waits.
            NotPermitted: it is the caller's own.
            Conflict: another number of requests waits than the `number` that the caller has seen.
        """

        def one(session: Session, request: DeletionRequest, now: datetime) -> None:
            study = request.study
            is_same = (study.patient_id, study.order_id) == (request.patient_id, request.order_id)
            if request.late_instances or not is_same:
                raise Conflict("changed_since_request", "The study has changed since its deletion was requested.")
            approve(session, request, origin, now, self._grace)

        return self._each(batch_id, number, closed, origin, one)

    def reject(self, batch_id: uuid.UUID, number: int, reason: str | None, closed: Closed, origin: Origin) -> Done:
        """Reject the requests of a batch that wait; their studies are shown again. Raises like `approve`."""
        return self._each(
            batch_id, number, closed, origin, _back(DeletionStatus.REJECTED, "deletion.rejected", origin, reason)
        )

    def withdraw(self, batch_id: uuid.UUID, number: int, closed: Closed, origin: Origin) -> Done:
        """Withdraw the caller's own requests of a batch; their studies are shown again. Raises like `approve`, and
        NotPermitted when it is somebody else's."""
        return self._each(
            batch_id,
            number,
            closed,
            origin,
            _back(DeletionStatus.WITHDRAWN, "deletion.withdrawn", origin, None),
            is_own=True,
        )

    def _each(
        self,
        batch_id: uuid.UUID,
        number: int,
        closed: Closed,
        origin: Origin,
        one: Callable[[Session, DeletionRequest, datetime], None],
        is_own: bool = False,
    ) -> Done:
        now = self._clock()
        changed: list[str] = []
        left_out: list[LeftOut] = []
        with self._fresh.write() as session:
            waiting = list(session.scalars(_pending(closed).where(DeletionRequest.batch_id == batch_id)))
            _require_fit(waiting, number, origin, is_own)
            for request in waiting:
                try:
                    one(session, request, now)
                except BridgeError as refused:
                    left_out.append(LeftOut(request.study_instance_uid, refused.code))
                else:
                    changed.append(request.study_instance_uid)
        self._hidden.changed(*changed)
        return Done(batch_id, len(changed), left_out)


def _pending(closed: Closed) -> Select[DeletionRequest]:
    query = select(DeletionRequest).join(Study, Study.id == DeletionRequest.study_id)
    return query.where(
        DeletionRequest.status == DeletionStatus.PENDING,
        DeletionRequest.batch_id.is_not(None),
        without(DeletionRequest.patient_id, closed),
        without(Study.patient_id, closed),
    )


def _sample(session: Session, requests: Select[DeletionRequest]) -> list[StudyView]:
    """The oldest of them, as lists show them."""
    ids = requests.with_only_columns(Study.id).order_by(Study.study_date_key, Study.id).limit(SAMPLE)
    return views_of(session, list(session.scalars(ids)))


def _require_fit(waiting: Sequence[DeletionRequest], number: int, origin: Origin, is_own: bool) -> None:
    if not waiting:
        raise NotFound("batch_not_found", "No deletion request of this batch waits for a decision.")
    is_mine = waiting[0].requested_by == origin.actor
    if is_own and not is_mine:
        raise NotPermitted("not_own_request", "Only the person who requested the deletion can withdraw the request.")
    if is_mine and not is_own:
        raise NotPermitted(
            "own_request", "You cannot decide about your own requests; withdraw them, or ask a second person."
        )
    if len(waiting) != number:
        raise Conflict("batch_changed", f"{len(waiting)} requests of this batch wait now, not {number}; look again.")


def _read_since(session: Session, study_uids: Sequence[str], moment: datetime, actor: str) -> set[str | None]:
    """Those that somebody else has looked at, downloaded or sent since, or is looking at: a viewing becomes an event
    some minutes after its end."""
    done = select(AuditEvent.study_instance_uid).where(
        AuditEvent.study_instance_uid.in_(study_uids),
        AuditEvent.at >= moment,
        AuditEvent.action.in_(READS),
        AuditEvent.actor != actor,
    )
    under_way = select(Viewing.study_instance_uid).where(
        Viewing.study_instance_uid.in_(study_uids), Viewing.last_read_at >= moment, Viewing.actor != actor
    )
    return set(session.scalars(union(done, under_way)))


def _busy(session: Session, study: Study) -> str | None:
    try:
        require_idle(session, study)
    except Conflict as refused:
        return refused.code
    return None


def _back(
    status: DeletionStatus, action: str, origin: Origin, reason: str | None
) -> Callable[[Session, DeletionRequest, datetime], None]:
    def one(session: Session, request: DeletionRequest, now: datetime) -> None:
        decision: Mapping[str, Any] = {"decided_by": origin.actor, "decided_at": now, "decision_reason": reason}
        show_again(session, request, status, action, origin, now, decision)

    return one
