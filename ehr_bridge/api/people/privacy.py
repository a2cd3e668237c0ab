"""Restricted patients and breaking the glass."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Literal

from flask import Response
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from ehr_bridge.api.filters import At, OfPatient, Sort, at_or_after, before, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, origin, services
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import (
    EmptyIsNone,
    Input,
    ListOf,
    Model,
    Moment,
    PatientRef,
    Problem,
    Text64,
    Uid,
    no_control_characters,
)
from ehr_bridge.api.registry.patients import PatientPath
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.services.identity.persons import persons_of
from ehr_bridge.services.privacy import GLASS_SORTS, RESTRICTION_SORTS, GlassView, Named, PrivacyWish, RestrictionView

blueprint = Blueprint("privacy", "Privacy", "/api/v1/access")

Words = Annotated[
    str, StringConstraints(min_length=3, max_length=255, strip_whitespace=True), AfterValidator(no_control_characters)
]
Known = Annotated[
    PersonAnswer | None, Field(description="Null for a caller who may not see this patient: the number alone is told")
]
Subject = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(no_control_characters)]


class GlassPath(Input):
    glass_id: uuid.UUID


class RestrictionBody(Input):
    reason: Words
    staff: list[Subject] = Field(max_length=1000, description="Subjects of tokens, as the audit trail names people")


class RestrictionAnswer(Model):
    patient_id: uuid.UUID
    mrn: str
    patient: Known
    reason: str
    staff: list[str]
    restricted_by: str
    restricted_at: Moment


class OpennessAnswer(Model):
    patient_id: uuid.UUID
    is_restricted: bool = Field(description="Only named people may see this patient")
    is_open: bool = Field(description="The caller may see this patient now")
    open_until: Moment | None = Field(description="When the glass that the caller broke ends; null where none is why")


class RestrictionList(ListOf[RestrictionAnswer]):
    pass


class BreakGlassBody(Input):
    """Exactly one of patient_id, order_id and study_instance_uid."""

    patient_id: PatientRef | None = Field(None, description="MRN or our id")
    order_id: Annotated[Text64 | None, EmptyIsNone] = Field(None, description="Id or accession number of an order")
    study_instance_uid: Uid | None = None
    reason: Words
    minutes: int = Field(60, ge=5, le=240)

    @model_validator(mode="after")
    def _one_name(self) -> BreakGlassBody:
        if [self.patient_id, self.order_id, self.study_instance_uid].count(None) != 2:
            raise ValueError("name exactly one of patient_id, order_id and study_instance_uid")
        return self


class GlassAnswer(Model):
    id: uuid.UUID
    patient_id: uuid.UUID
    mrn: str
    patient: Known
    subject: str
    reason: str
    opened_at: Moment
    expires_at: Moment
    reviewed_by: str | None
    reviewed_at: Moment | None
    review_note: str | None


class GlassList(ListOf[GlassAnswer]):
    pass


class RestrictionQuery(OfPatient):
    since: At = at_or_after("Restrictions")
    until: At = before("Restrictions")
    sort: Sort = sorted_by(RESTRICTION_SORTS)


class GlassQuery(OfPatient):
    since: At = at_or_after("Openings")
    until: At = before("Openings")
    sort: Sort = sorted_by(GLASS_SORTS)
    reviewed: Annotated[Literal["no"] | None, EmptyIsNone] = Field(None, description="no: those nobody looked at yet")


class ReviewBody(Input):
    note: Annotated[Words | None, EmptyIsNone] = None


@blueprint.put(
    "/restrictions/<patient>",
    responses={200: RestrictionAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
def restrict_patient(path: PatientPath, body: RestrictionBody) -> Response:
    """Let only named people see a patient"""
    patient = services().patients.certain(path.patient)
    view = services().privacy.restrict(patient, body.reason, body.staff, origin())
    return answer(_shown(RestrictionAnswer, [view])[0])


@blueprint.delete("/restrictions/<patient>", responses={204: None, 404: Problem, 409: Problem, 422: Problem})
def release_patient(path: PatientPath) -> Response:
    """Lift the restriction of a patient"""
    services().privacy.release(services().patients.certain(path.patient), origin())
    return Response(status=204)


@blueprint.get("/restrictions", responses={200: RestrictionList, 404: Problem, 409: Problem, 422: Problem})
def list_restrictions(query: RestrictionQuery) -> Response:
    """Restricted patients, latest first"""
    wish = PrivacyWish(query.records, query.since, query.until)
    page = services().privacy.restricted(wish, query.limit, query.offset, query.sort)
    items = _shown(RestrictionAnswer, page.items)
    return answer(RestrictionList(items=items, total=page.total, limit=page.limit, offset=page.offset))


@blueprint.get("/patients/<patient>", responses={200: OpennessAnswer, 404: Problem, 409: Problem, 422: Problem})
def get_standing(path: PatientPath) -> Response:
    """Whether a patient is restricted, and open to the caller"""
    patient_id, standing = services().privacy.standing(services().patients.certain(path.patient), caller())
    return answer(
        OpennessAnswer(
            patient_id=patient_id,
            is_restricted=standing.is_restricted,
            is_open=standing.is_open,
            open_until=standing.open_until,
        )
    )


@blueprint.post(
    "/break-glass",
    responses={201: GlassAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem, 503: Problem},
)
def break_glass(body: BreakGlassBody) -> Response:
    """Open a restricted patient for a limited time, on the record"""
    lasts = timedelta(minutes=body.minutes)
    patient = services().patients.certain_if_any(body.patient_id)
    whom = Named(patient, body.order_id, body.study_instance_uid)
    view = services().privacy.break_glass(whom, body.reason, lasts, caller(), origin())
    return answer(_shown(GlassAnswer, [view])[0], 201)


@blueprint.get("/break-glass", responses={200: GlassList, 404: Problem, 409: Problem, 422: Problem})
def list_broken_glasses(query: GlassQuery) -> Response:
    """Who broke the glass, for whom and why, latest first"""
    wish = PrivacyWish(query.records, query.since, query.until, query.reviewed == "no")
    page = services().privacy.glasses(wish, query.limit, query.offset, query.sort)
    items = _shown(GlassAnswer, page.items)
    return answer(GlassList(items=items, total=page.total, limit=page.limit, offset=page.offset))


@blueprint.post(
    "/break-glass/<glass_id>/review",
    responses={200: GlassAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
def review_broken_glass(path: GlassPath, body: ReviewBody) -> Response:
    """Mark a broken glass as reviewed"""
    view = services().privacy.review(path.glass_id, body.note, origin())
    return answer(_shown(GlassAnswer, [view])[0])


def _shown[T: (RestrictionAnswer, GlassAnswer)](
    model: type[T], views: Sequence[RestrictionView | GlassView]
) -> list[T]:
    """Who guards privacy need not be on the list of a patient, and then reads the number alone."""
    hidden = services().restrictions.closed_to(caller()).patients
    ids = [str(view.patient_id) for view in views] if caller().may(Permission.READ) else []
    with services().database.read() as session:
        persons = persons_of(session, ids, hidden)
    known = {key: PersonAnswer.model_validate(person) for key, person in persons.items()}
    return [model.model_validate(asdict(view) | {"patient": known.get(str(view.patient_id))}) for view in views]
