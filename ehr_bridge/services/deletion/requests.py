"""Deletion of a study: one person requests it, another decides, then a grace period and the purge.

From the request on, the study is hidden from everybody but those who decide; a rejection, a withdrawal or a restoration
shows it again as it was.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Page, by_time, fetch_page, in_period
from ehr_bridge.db.states import DeletionStatus
from ehr_bridge.db.tables.deletions import DeletionRequest, has_open_request
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict, NotFound, NotPermitted
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.deletion.holds import hold_in_force, require_no_hold
from ehr_bridge.services.deletion.steps import approve, facts_of, open_request, show_again
from ehr_bridge.services.identity.persons import Person, person_of, person_then
from ehr_bridge.services.jobs.study_jobs import require_idle
from ehr_bridge.services.studies.listing import find_study
from ehr_bridge.services.visibility.deleted_studies import HiddenStudies
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, without


@dataclass(frozen=True, slots=True)
class DeletionView:
    """A request with the facts of its study for the approver."""

    request: DeletionRequest
    person: Person
    """As at the time of the request."""
    accession_number: str | None
    facts: Mapping[str, Any]
    """`steps.facts_of` the study: current while the request is open, then as at its end."""
    on_hold: bool


@dataclass(frozen=True, slots=True)
class DeletionFilters:
    """Which requests to list; None is any."""

    status: str | None = None
    study_instance_uid: str | None = None
    requested_by: str | None = None
    patients: frozenset[uuid.UUID] | None = None
    """All records of one person, at the time of the request."""
    order_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


SORTS = by_time("requested_at", DeletionRequest.requested_at.expression, DeletionRequest.id.expression)


class Deletions:
    def __init__(
        self,
        database: Database,
        hidden: HiddenStudies,
        fresh: Fresh,
        clock: Callable[[], datetime],
        grace: timedelta,
    ) -> None:
        self._database = database
        self._hidden = hidden
        self._fresh = fresh
        self._clock = clock
        self._grace = grace

    def request(self, study_instance_uid: str, reason: str, origin: Origin) -> DeletionView:
        """Request a study's deletion; it is hidden from now on.

        Raises:
            NotFound: the archive holds no such study.
            Conflict: a request for it is open already, it is under legal hold, or a job is working on it.
        """
        now = self._clock()
        with self._fresh.write() as session:
            known = select(Study.id).where(Study.study_instance_uid == study_instance_uid, has_open_request())
            if session.scalar(known) is not None:
                raise Conflict("deletion_requested", "The deletion of this study was already requested.")
            study = find_study(session, study_instance_uid)
            require_no_hold(session, study.id)
            require_idle(session, study)
            request = open_request(session, study, reason, origin, now)
            view = _view(session, request)
        self._hidden.changed(request.study_instance_uid)
        return view

    def search(
        self, filters: DeletionFilters, limit: int, offset: int, closed: Closed = NOTHING, sort: str | None = None
    ) -> Page[DeletionView]:
        """Requests, latest first unless asked otherwise. Raises InvalidInput when the list cannot be sorted like
        that."""
        of_closed = select(Study.id).where(Study.patient_id.in_(closed.patients))
        query = select(DeletionRequest).where(
            without(DeletionRequest.patient_id, closed), DeletionRequest.study_id.not_in(of_closed)
        )
        query = query.where(*in_period(DeletionRequest.requested_at.expression, filters.since, filters.until))
        query = query.order_by(*SORTS.order(sort))
        if filters.patients is not None:
            query = query.where(DeletionRequest.patient_id.in_(filters.patients))
        for name in ("status", "study_instance_uid", "requested_by", "order_id"):
            if (value := getattr(filters, name)) is not None:
                query = query.where(getattr(DeletionRequest, name) == value)
        with self._fresh.read() as session:
            page = fetch_page(session, query, limit, offset)
            return Page([_view(session, request) for request in page.items], page.total, limit, offset)

    def approve(self, request_id: uuid.UUID, origin: Origin) -> DeletionView:
        """Approve somebody else's request; the grace period begins.

        Raises:
            NotFound: there is no such request.
            NotPermitted: it is the caller's own.
            Conflict: it is not pending, or the study is under legal hold.
        """
        now = self._clock()
        with self._database.write() as session:
            request = _find(session, request_id)
            approve(session, request, origin, now, self._grace)
            view = _view(session, request)
        self._hidden.changed(request.study_instance_uid)
        return view

    def reject(self, request_id: uuid.UUID, reason: str | None, origin: Origin) -> DeletionView:
        """Reject a request, possibly one's own; the study is shown again.

        Raises:
            NotFound: there is no such request.
            Conflict: it is not pending.
        """
        decision = {"decided_by": origin.actor, "decided_at": self._clock(), "decision_reason": reason}
        return self._show_again(request_id, DeletionStatus.REJECTED, "deletion.rejected", origin, decision)

    def withdraw(self, request_id: uuid.UUID, origin: Origin) -> DeletionView:
        """Withdraw one's own open request; the study is shown again.

        Raises:
            NotFound: there is no such request.
            NotPermitted: somebody else made it.
            Conflict: it is not pending.
        """
        decision = {"decided_by": origin.actor, "decided_at": self._clock()}
        return self._show_again(request_id, DeletionStatus.WITHDRAWN, "deletion.withdrawn", origin, decision)

    def restore(self, request_id: uuid.UUID, origin: Origin) -> DeletionView:
        """Restore the study of an approved request, before the purge has begun.

        Raises:
            NotFound: there is no such request.
            Conflict: it is not approved, or the purge has begun.
        """
        decision = {"restored_by": origin.actor, "restored_at": self._clock()}
        return self._show_again(request_id, DeletionStatus.RESTORED, "deletion.restored", origin, decision)

    def _show_again(
        self, request_id: uuid.UUID, status: DeletionStatus, action: str, origin: Origin, decision: Mapping[str, Any]
    ) -> DeletionView:
        """End a request before the purge."""
        with self._database.write() as session:
            request = _find(session, request_id)
            if status is DeletionStatus.WITHDRAWN and request.requested_by != origin.actor:
                raise NotPermitted(
                    "not_own_request", "Only the person who requested the deletion can withdraw the request."
                )
            show_again(session, request, status, action, origin, self._clock(), decision)
            view = _view(session, request)
        self._hidden.changed(request.study_instance_uid)
        return view


def _find(session: Session, request_id: uuid.UUID) -> DeletionRequest:
    request = session.get(DeletionRequest, request_id)
    if request is None:
        raise NotFound("deletion_not_found", "There is no such deletion request.")
    return request


def _view(session: Session, request: DeletionRequest) -> DeletionView:
    order = session.get(Order, request.order_id) if request.order_id else None
    facts = request.facts or facts_of(request.study)
    is_nobodys = request.facts is not None and request.patient_id is None
    return DeletionView(
        request=request,
        person=person_of(None, facts["said"])
        if is_nobodys
        else person_then(session, request.study, request.patient_id),
        accession_number=(order.accession_number if order else facts["said"].get("AccessionNumber")) or None,
        facts=facts,
        on_hold=hold_in_force(session, request.study_id) is not None,
    )
