"""The audit trail, for auditors."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from flask import Response
from pydantic import AfterValidator, Field, model_validator
from sqlalchemy.orm import Session

from ehr_bridge.api.filters import (
    At,
    ByOrder,
    ByPatient,
    ByStudy,
    Former,
    OfStudy,
    Sort,
    at_or_after,
    before,
    formerly,
    id_of_order,
    records_of,
    sorted_by,
)
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, closed, origin, services
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import (
    EmptyIsNone,
    GivenMoment,
    Input,
    Issuer,
    ListOf,
    Model,
    Moment,
    Problem,
)
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.services import audit
from ehr_bridge.services.audit.about import NamedStudy, numbers_of, studies_of
from ehr_bridge.services.audit.anchors import Anchor, read_anchors
from ehr_bridge.services.audit.codes import AUDIT_CODES
from ehr_bridge.services.audit.trail import SORTS, AuditFilters
from ehr_bridge.services.identity.persons import Person, persons_of
from ehr_bridge.services.registry.numbers import as_uuid
from ehr_bridge.wrong_values import HEX_SHA256, written

LARGEST_ID = 2**63 - 1

blueprint = Blueprint("audit", "Audit")


def _is_written(action: str) -> str:
    if action not in AUDIT_CODES:
        raise ValueError(f"one of {', '.join(sorted(AUDIT_CODES))}")
    return action


Actor = Annotated[Annotated[str, Field(max_length=255)] | None, EmptyIsNone]
Action = Annotated[Annotated[str, Field(max_length=64), AfterValidator(_is_written)] | None, EmptyIsNone]


class AuditQuery(OfStudy):
    actor: Actor = None
    action: Action = None
    since: At = at_or_after("Events")
    until: At = before("Events")
    sort: Sort = sorted_by(SORTS)
    study_instance_uid: Former = formerly("study")
    patient_id: Former = formerly("patient")


class AuditedStudyAnswer(Model):
    """What the study is called now."""

    study_description: str | None
    study_date: date | None
    modalities: list[str]


class AuditEventAnswer(Model):
    id: int = Field(description="Number of the event in the audit trail")
    at: Moment
    actor: str
    action: str
    outcome: str
    patient_id: str | None
    order_id: str | None
    study_instance_uid: str | None
    address: str | None
    detail: dict[str, Any]
    patient: PersonAnswer | None = Field(
        description="Who `patient_id` is now; not part of the trail. Null for a caller who may not see this patient"
    )
    study: AuditedStudyAnswer | None = Field(
        description="What `study_instance_uid` is called now; null where it is not here, or not for this caller"
    )
    accession_number: str | None = Field(
        description="Of the order `order_id`, for a caller who may see its patient; not part of the trail"
    )


class AuditList(ListOf[AuditEventAnswer]):
    pass


class ExportQuery(Input):
    form: Literal["csv", "dicom", "fhir"] = Field(alias="format", description="dicom: PS3.15 A.5; fhir: R4 AuditEvent")
    patient: ByPatient = None
    issuer: Issuer = None
    order: ByOrder = None
    study: ByStudy = None
    actor: Actor = None
    action: Action = None
    since: Annotated[GivenMoment | None, EmptyIsNone] = Field(None, alias="from", description="Included")
    until: Annotated[GivenMoment | None, EmptyIsNone] = Field(None, alias="to", description="Not included")
    after_id: int = Field(0, ge=0, le=LARGEST_ID, description="Only events behind this number")
    limit: int = Field(1000, ge=1, le=10_000)

    @property
    def records(self) -> frozenset[uuid.UUID] | None:
        return records_of(self.patient, self.issuer)

    @property
    def named_order_id(self) -> uuid.UUID | None:
        return id_of_order(self.order)


class VerifyQuery(Input):
    """A head that was kept elsewhere, to be found again; both or neither."""

    known_id: int | None = Field(None, ge=1, le=LARGEST_ID, description="`head.id` of an earlier answer")
    known_hash: str | None = Field(
        None, pattern=written("^[0-9a-f]{64}$", HEX_SHA256), description="`head.hash` of the same answer"
    )

    @model_validator(mode="after")
    def _both_or_neither(self) -> VerifyQuery:
        if (self.known_id is None) != (self.known_hash is None):
            raise ValueError("send known_id and known_hash together")
        return self

    def anchors(self) -> list[Anchor]:
        if self.known_id is None or self.known_hash is None:
            return []
        return [Anchor(self.known_id, self.known_hash)]


class HeadAnswer(Model):
    """The newest verified event; whoever keeps it can prove later that nothing before it was changed."""

    id: int = Field(description="Number of the event in the audit trail")
    hash: str


class VerificationAnswer(Model):
    ok: bool
    events: int
    broken_at: int | None
    reason: Literal["altered", "missing", "cut_off", "rewritten", "anchors_altered"] | None
    head: HeadAnswer | None
    anchors: int


@blueprint.get("/audit", responses={200: AuditList, 404: Problem, 409: Problem, 422: Problem})
def list_audit_events(query: AuditQuery) -> Response:
    """Audit events, newest first"""
    filters = _filters(query)
    may_know = caller().may(Permission.READ)
    with services().database.read() as session:
        page = audit.search(session, filters, query.limit, query.offset, query.sort)
        named = _named(session, page.items) if may_know else Named({}, {}, {})
        items = [_answer(event, named) for event in page.items]
    return answer(AuditList(items=items, total=page.total, limit=page.limit, offset=page.offset))


def _filters(query: AuditQuery | ExportQuery) -> AuditFilters:
    """A number is looked up only for callers who may read patients; the trail itself holds ids only."""
    for name in (query.patient, query.order):
        if name is not None and as_uuid(name) is None:
            caller().require(Permission.READ)
    return AuditFilters(
        actor=query.actor,
        action=query.action,
        study_instance_uid=query.study,
        order_id=query.named_order_id,
        patients=_records(query),
        since=query.since,
        until=query.until,
    )


def _records(query: AuditQuery | ExportQuery) -> frozenset[uuid.UUID] | None:
    """By id also of a patient who is restricted: whoever reads the trail sees who looked at them."""
    key = None if query.patient is None else as_uuid(query.patient)
    return query.records if key is None else services().patients.records_of_id(key)


@blueprint.get("/audit/verify", responses={200: VerificationAnswer, 422: Problem})
def verify_audit(query: VerifyQuery) -> Response:
    """Verify that every event is there and unaltered, and agrees with the anchors outside the database"""
    anchors = services().anchors
    known = itertools.chain(query.anchors(), read_anchors(anchors.path, anchors.keys))
    with services().database.read() as session:
        return answer(VerificationAnswer.model_validate(audit.verify(session, known)))


@dataclass(frozen=True, slots=True)
class Named:
    """By the ids and UIDs of the trail."""

    persons: Mapping[str, Person]
    studies: Mapping[str, NamedStudy]
    numbers: Mapping[str, str]


def _named(session: Session, events: Sequence[AuditEvent]) -> Named:
    hidden = closed().patients
    return Named(
        persons_of(session, (event.patient_id for event in events), hidden),
        studies_of(session, (event.study_instance_uid for event in events), services().sight.unseen(caller())),
        numbers_of(session, (event.order_id for event in events), hidden),
    )


def _answer(event: AuditEvent, named: Named) -> AuditEventAnswer:
    person = named.persons.get(event.patient_id or "")
    study = named.studies.get(event.study_instance_uid or "")
    of_event = AuditEventAnswer.model_fields.keys() - {"patient", "study", "accession_number"}
    return AuditEventAnswer(
        **{name: getattr(event, name) for name in of_event},
        patient=None if person is None else PersonAnswer.model_validate(person),
        study=None if study is None else AuditedStudyAnswer.model_validate(study),
        accession_number=named.numbers.get(event.order_id or ""),
    )


def _text(media_type: str) -> dict[str, Any]:
    return {media_type: {"schema": {"type": "string"}}}


EXPORTED: dict[str, Any] = {
    "description": "Events, oldest first. A header `Link` with rel=next is there when more follow",
    "content": _text("text/csv") | _text("application/xml") | {"application/fhir+json": {"schema": {"type": "object"}}},
    "headers": {"Link": {"description": "RFC 8288, the next page", "schema": {"type": "string"}}},
}


@blueprint.get("/audit/export", responses={200: EXPORTED, 404: Problem, 409: Problem, 422: Problem})
def export_audit_events(query: ExportQuery) -> Response:
    """Audit events as CSV, as DICOM audit messages or as FHIR AuditEvents; the export itself is audited"""
    filters = _filters(query)
    hidden = closed().patients if caller().may(Permission.READ) else None
    page = services().audit_export.page(query.form, filters, query.after_id, query.limit, origin(), hidden)
    response = Response(page.content, content_type=page.media_type)
    if page.last_id is not None:
        wish = query.model_dump(mode="json", by_alias=True, exclude_none=True) | {"after_id": page.last_id}
        response.headers["Link"] = f'</api/v1/audit/export?{urlencode(wish)}>; rel="next"'
    return response
