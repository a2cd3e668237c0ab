"""What the caller is told: what others have done that concerns them."""

from __future__ import annotations

import uuid

from flask import Response
from pydantic import Field

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, closed, origin, services
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import GivenMoment, Input, Moment, Problem, Versioned
from ehr_bridge.db.states import DeletionStatus, NoticeKind
from ehr_bridge.services.identity.persons import person_of
from ehr_bridge.services.notices.notices import Told

blueprint = Blueprint("notices", "Notices")


class NoticeAnswer(PersonAnswer):
    """Whose it is now; null where nobody's."""

    id: uuid.UUID
    kind: NoticeKind = Field(description="Why the caller is told")
    at: Moment = Field(description="When it happened")
    actor: str = Field(description="Who did it")
    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None
    accession_number: str | None
    report_id: uuid.UUID | None
    study_instance_uid: str | None
    deletion_status: DeletionStatus | None = Field(description="Of `deletion_decided`: what it is now")
    is_seen: bool = Field(description="Whether the caller has seen it")


class NoticeList(Versioned):
    items: list[NoticeAnswer] = Field(
        description="Of the last 30 days, the latest first, 100 at most; of more, those that were not seen"
    )
    unseen: int = Field(description="How many the caller has not seen, of all")


class SeenBody(Input):
    until: GivenMoment = Field(description="`at` of the latest notice that was shown as not seen")


@blueprint.get("/notices", responses={200: NoticeList})
def list_notices() -> Response:
    """What others have done that concerns the caller"""
    found = services().results.notices.of(caller().subject, closed())
    return answer(NoticeList(items=[_answer(one) for one in found.items], unseen=found.unseen))


@blueprint.post("/notices/seen", responses={204: None, 400: Problem, 415: Problem, 422: Problem})
def note_notices_seen(body: SeenBody) -> Response:
    """Say that the caller has seen what they were shown until then; again changes nothing"""
    services().results.notices.see(caller().subject, closed(), body.until, origin())
    return Response(status=204)


def _answer(one: Told) -> NoticeAnswer:
    notice = one.notice
    whose = vars(PersonAnswer.model_validate(person_of(one.patient, {})))
    return NoticeAnswer(
        **whose,
        id=notice.id,
        kind=notice.kind,
        at=notice.at,
        actor=notice.actor,
        patient_id=None if one.patient is None else one.patient.id,
        order_id=notice.order_id,
        accession_number=one.accession_number,
        report_id=notice.report_id,
        study_instance_uid=notice.study_instance_uid,
        deletion_status=one.deletion_status,
        is_seen=notice.seen_at is not None,
    )
