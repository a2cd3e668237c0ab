"""The audit trail, for those who keep watch."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from ehr_bridge.api.context import answer, services
from ehr_bridge.api.schemas import EmptyIsNone, GivenMoment, Model, Moment, PageQuery, Problem
from ehr_bridge.services import audit
from ehr_bridge.services.audit import AuditFilters

blueprint = APIBlueprint(
    "audit",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="Audit")],
    abp_security=[{"bearer": []}],
    abp_responses={401: Problem, 403: Problem},
)


class AuditQuery(PageQuery):
    actor: Annotated[str | None, EmptyIsNone] = None
    action: Annotated[str | None, EmptyIsNone] = None
    study_instance_uid: Annotated[str | None, EmptyIsNone] = None
    patient_id: Annotated[str | None, EmptyIsNone] = None
    since: Annotated[GivenMoment | None, EmptyIsNone] = Field(None, alias="from")
    until: Annotated[GivenMoment | None, EmptyIsNone] = Field(None, alias="to")


class AuditEventAnswer(Model):
    id: int
    at: Moment
    actor: str
    action: str
    outcome: str
    patient_id: str | None
    order_id: str | None
    study_instance_uid: str | None
    address: str | None
    detail: dict[str, Any]


class AuditList(Model):
    items: list[AuditEventAnswer]
    total: int
    limit: int
    offset: int


class VerificationAnswer(Model):
    ok: bool
    events: int
    broken_at: int | None


@blueprint.get("/audit", responses={200: AuditList, 422: Problem})
def list_events(query: AuditQuery) -> Response:
    """Audit events, newest first"""
    filters = AuditFilters(**query.model_dump(exclude={"limit", "offset"}))
    with services().database.read() as session:
        page = audit.search(session, filters, query.limit, query.offset)
        items = [AuditEventAnswer.model_validate(event) for event in page.items]
    return answer(AuditList(items=items, total=page.total, limit=page.limit, offset=page.offset))


@blueprint.get("/audit/verify", responses={200: VerificationAnswer})
def verify_chain() -> Response:
    """Whether every event is there and unaltered"""
    with services().database.read() as session:
        return answer(VerificationAnswer.model_validate(audit.verify(session)))
