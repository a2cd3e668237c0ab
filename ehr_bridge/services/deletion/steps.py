"""The steps of a deletion request: allowed transitions, opening one, and its audit events."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from ehr_bridge.db.states import DeletionStatus
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Conflict, NotPermitted
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.deletion.holds import require_no_hold
from ehr_bridge.services.identity.persons import said_by

TRANSITIONS: dict[DeletionStatus, frozenset[DeletionStatus]] = {
    DeletionStatus.PENDING: frozenset({DeletionStatus.APPROVED, DeletionStatus.REJECTED, DeletionStatus.WITHDRAWN}),
    DeletionStatus.APPROVED: frozenset({DeletionStatus.PENDING, DeletionStatus.RESTORED, DeletionStatus.PURGING}),
    DeletionStatus.PURGING: frozenset({DeletionStatus.PURGED}),
    DeletionStatus.PURGED: frozenset(),
    DeletionStatus.REJECTED: frozenset(),
    DeletionStatus.WITHDRAWN: frozenset(),
    DeletionStatus.RESTORED: frozenset(),
}
"""Allowed transitions. Back to pending: images arrived after the approval, which nobody has approved of."""


KEEPS_FACTS = frozenset(
    {DeletionStatus.REJECTED, DeletionStatus.WITHDRAWN, DeletionStatus.RESTORED, DeletionStatus.PURGING}
)
"""Final states: images that are sent under the study's UID later are not what was decided about."""


def move(request: DeletionRequest, status: DeletionStatus) -> None:
    """Change the state of a request. Raises Conflict when the transition is not allowed."""
    if status not in TRANSITIONS[request.status]:
        raise Conflict("deletion_state", f"This request is {request.status}; it cannot become {status}.")
    request.status = status
    if status in KEEPS_FACTS:
        request.facts = facts_of(request.study)


def facts_of(study: Study) -> dict[str, Any]:
    """The facts of a study on which a decision is based, as JSON."""
    return {
        "modalities": list(study.modalities),
        "study_date": study.study_date.isoformat() if study.study_date else None,
        "study_description": study.study_description,
        "number_of_series": study.number_of_series,
        "number_of_instances": study.number_of_instances,
        "said": said_by(study),
    }


def open_request(
    session: Session,
    study: Study,
    reason: str,
    origin: Origin,
    now: datetime,
    batch_id: uuid.UUID | None = None,
    **detail: object,
) -> DeletionRequest:
    """A new pending request that hides the study, written within the caller's transaction."""
    request = DeletionRequest(
        id=uuid.uuid4(),
        study_id=study.id,
        study_instance_uid=study.study_instance_uid,
        status=DeletionStatus.PENDING,
        reason=reason,
        patient_id=study.patient_id,
        order_id=study.order_id,
        requested_by=origin.actor,
        requested_at=now,
        late_instances=0,
        batch_id=batch_id,
    )
    request.study = study
    study.deleted_at = now
    session.add(request)
    note(session, "deletion.requested", request, origin, now, **detail)
    return request


def approve(session: Session, request: DeletionRequest, origin: Origin, now: datetime, grace: timedelta) -> None:
    """Approve somebody else's request, within the caller's transaction; the grace period begins.

    Raises:
        NotPermitted: it is the caller's own.
        Conflict: it is not pending, or the study is under legal hold.
    """
    if request.requested_by == origin.actor:
        raise NotPermitted("own_request", "You cannot approve your own request; ask a second person.")
    require_no_hold(session, request.study_id)
    move(request, DeletionStatus.APPROVED)
    request.decided_by, request.decided_at, request.purge_after = origin.actor, now, now + grace
    note(session, "deletion.approved", request, origin, now, purge_after=request.purge_after.isoformat())


def show_again(
    session: Session,
    request: DeletionRequest,
    status: DeletionStatus,
    action: str,
    origin: Origin,
    now: datetime,
    decision: Mapping[str, Any],
) -> None:
    """End a request before the purge, within the caller's transaction. Raises Conflict when it is too late."""
    move(request, status)
    for name, value in decision.items():
        setattr(request, name, value)
    request.study.deleted_at = None
    note(session, action, request, origin, now)


def approve_at_once(session: Session, request: DeletionRequest, origin: Origin, now: datetime) -> None:
    """Approve a pending request without a second person and without grace, within the caller's transaction: only for
    images that are known to be of no patient."""
    move(request, DeletionStatus.APPROVED)
    request.decided_by, request.decided_at, request.purge_after = origin.actor, now, now
    note(session, "deletion.approved", request, origin, now, purge_after=now.isoformat())


def note(
    session: Session, action: str, request: DeletionRequest, origin: Origin, now: datetime, **detail: object
) -> None:
    """The audit event of one step; each holds the study's counts."""
    of_batch = {} if request.batch_id is None else {"batch_id": str(request.batch_id)}
    event = Event(
        action,
        patient_id=request.patient_id,
        order_id=request.order_id,
        study_instance_uid=request.study_instance_uid,
        detail={
            "deletion_id": str(request.id),
            "series": request.study.number_of_series,
            "instances": request.study.number_of_instances,
            **of_batch,
            **detail,
        },
    )
    audit.append(session, origin, event, now)
