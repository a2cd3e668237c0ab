"""Patients, sent by the EHR or registered at the desk."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated, Literal

from flask import Response
from pydantic import Field, ValidationInfo, field_validator

from ehr_bridge.api.cursors import CursorList, CursorQuery, counts
from ehr_bridge.api.filters import OfPatient, Sort, Words, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, origin, services
from ehr_bridge.api.http.schemas import (
    NAME_LENGTH,
    AsOf,
    BirthDate,
    EmptyIsNone,
    Input,
    Issuer,
    IssuerQuery,
    MiddleName,
    Moment,
    NameAffix,
    NamePart,
    PathPatientRef,
    PathText64,
    Problem,
    Versioned,
)
from ehr_bridge.api.registry.tellers import (
    DIFFERS,
    REGISTERED_HERE,
    EhrSays,
    Reason,
    require_the_desks,
    teller,
)
from ehr_bridge.api.writing.conditions import honours
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.matching import NAME_PARTS
from ehr_bridge.services.registry.desk import Teller
from ehr_bridge.services.registry.patients import SORTS, PatientData, PatientWish

blueprint = Blueprint("patients", "Patients")

Sex = Literal["male", "female", "other", "unknown"]


class MrnPath(Input):
    patient: PathText64 = Field(
        description="The MRN of the patient to register or update; or the id of one who is registered"
    )


class PatientPath(Input):
    patient: PathPatientRef


class NewPatientBody(Input):
    """Who somebody is."""

    family_name: Annotated[NamePart | None, EmptyIsNone] = None
    given_name: Annotated[NamePart | None, EmptyIsNone] = None
    middle_name: Annotated[MiddleName | None, EmptyIsNone] = None
    prefix: Annotated[NameAffix | None, EmptyIsNone] = Field(None, description="Before the name: Dr.")
    suffix: Annotated[NameAffix | None, EmptyIsNone] = Field(None, description="Behind the name: Jr.; MD, PhD")
    birth_date: Annotated[BirthDate | None, EmptyIsNone] = None
    sex: Sex = "unknown"
    issuer: Issuer = None

    @field_validator("middle_name", "prefix", "suffix")
    @classmethod
    def _fits_the_name(cls, part: str | None, info: ValidationInfo) -> str | None:
        """Together with the parts before it and the separators it must fit into a DICOM name."""
        before = NAME_PARTS[: NAME_PARTS.index(info.field_name or "")]
        if part and len("^".join([*(info.data.get(name) or "" for name in before), part])) > NAME_LENGTH:
            raise ValueError(f"the whole name, with ^ between its parts, has at most {NAME_LENGTH} characters")
        return part

    def data(self) -> PatientData:
        """What is said of the patient, without the number."""
        return PatientData(**{name: getattr(self, name) for name in PatientData.__slots__})


class PatientBody(NewPatientBody):
    """Everything but the MRN may be unknown, for emergency patients."""

    as_of: AsOf = None
    reason: Reason = None


class PatientQuery(CursorQuery, OfPatient):
    q: Words = None
    sort: Sort = sorted_by(SORTS)


class PatientAnswer(Versioned):
    id: uuid.UUID
    mrn: str
    issuer: str | None
    family_name: str | None
    given_name: str | None
    middle_name: str | None
    prefix: str | None
    suffix: str | None
    birth_date: date | None
    sex: Sex
    merged_into_id: uuid.UUID | None = Field(description="The record that survived a merge; null for one that stands")
    pending_change_id: uuid.UUID | None = Field(
        description="The correction by which the number may be another person's: stored studies do not follow it, and "
        "nothing is linked to the number automatically, until somebody agrees, refuses or undoes it; null otherwise"
    )
    as_of: Moment | None = Field(description="When the EHR knew what it last told, as far as it said so")
    registered_here: bool = Field(description=REGISTERED_HERE)
    differs_from_ehr: bool = Field(description=DIFFERS)
    ehr_says: EhrSays
    is_unidentified: bool = Field(
        description="An emergency patient whom nobody has identified yet; the name was given here"
    )
    approximate_age: int | None = Field(
        description="In years, as it was judged when an emergency patient was registered; null where nobody said it"
    )
    created_at: Moment
    updated_at: Moment


class PatientList(CursorList):
    items: list[PatientAnswer]


def tags_of_told_patient(mrn: str, issuer: str | None) -> list[str]:
    """Of the patient whom an upsert would update; none where it would register one."""
    patient = services().patients.told(mrn, issuer)
    return [] if patient is None else [patient_answer(patient).etag()]


def _tags_of_told(path: MrnPath, body: PatientBody) -> list[str]:
    return tags_of_told_patient(*services().patients.number_of(path.patient, body.issuer))


@blueprint.put(
    "/patients/<patient>",
    responses={200: PatientAnswer, 201: PatientAnswer, 400: Problem, 409: Problem, 415: Problem, 422: Problem},
)
@honours(_tags_of_told)
def put_patient(path: MrnPath, body: PatientBody) -> Response:
    """Register or update a patient by MRN"""
    with services().fresh.together():  # whom the id names is who is updated
        mrn, issuer = services().patients.number_of(path.patient, body.issuer)
        return tell_patient(mrn, body.model_copy(update={"issuer": issuer}), teller(body.reason))


def tell_patient(mrn: str, body: PatientBody, who: Teller) -> Response:
    """Register or update a patient as the EHR or the desk tells. Raises as `Patients.upsert` says."""
    require_the_desks(who, as_of=body.as_of)
    patient, created = services().patients.upsert(mrn, body.data(), origin(), body.as_of, who)
    return answer(patient_answer(patient), 201 if created else 200)


@blueprint.get("/patients", responses={200: PatientList, 404: Problem, 409: Problem, 422: Problem})
def list_patients(query: PatientQuery) -> Response:
    """Search patients by name, birth date, MRN or accession number; by name"""
    wish = PatientWish(query.q, _id_of(query), query.updated_since, closed())
    page = services().patients.search(wish, query.limit, query.offset, query.after, query.sort)
    return answer(PatientList(items=[patient_answer(one) for one in page.items], **counts(page)))


def _id_of(query: PatientQuery) -> uuid.UUID | None:
    """Of the record that is named itself, even where it was merged into another."""
    if query.patient is None:
        return None
    patients = services().patients
    return patients.get(patients.named(query.patient, query.issuer)).id


@blueprint.get("/patients/<patient>", responses={200: PatientAnswer, 404: Problem, 409: Problem, 422: Problem})
def get_patient(path: PatientPath, query: IssuerQuery) -> Response:
    """One patient by id or MRN"""
    patients = services().patients
    return answer(patient_answer(patients.get(patients.named(path.patient, query.issuer))))


def patient_answer(patient: Patient) -> PatientAnswer:
    values = {name: getattr(patient, name) for name in PatientAnswer.model_fields if name not in _OF_THE_DESK}
    return PatientAnswer(**values, differs_from_ehr=bool(patient.ehr_says), ehr_says=patient.ehr_says or {})


_OF_THE_DESK = frozenset({"differs_from_ehr", "ehr_says"})
