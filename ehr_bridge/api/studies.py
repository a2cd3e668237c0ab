"""Studies: list and look up."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import date
from typing import Annotated

from flask import Response
from pydantic import AfterValidator, BeforeValidator, Field

from ehr_bridge.api.cursors import CursorList, CursorQuery, counts
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, closed, services
from ehr_bridge.api.http.schemas import (
    EmptyIsNone,
    GivenDay,
    Input,
    Issuer,
    Model,
    Moment,
    OrderIds,
    PathText64,
    Problem,
    Uid,
    Versioned,
)
from ehr_bridge.api.registry.patients import PatientPath, Sex
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.db.paging import Page
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.matching.names import read_query
from ehr_bridge.services.studies.listing import StudyView
from ehr_bridge.services.studies.search import DEFAULT_SORT, SORTS, Slice, StudyFilters

blueprint = Blueprint("studies", "Studies", "/api/v1/dicom")


class StudyPath(Input):
    study_uid: Uid


class OrderPath(Input):
    order: PathText64


class AccessionPath(Input):
    accession_number: PathText64


def _name_to_search(text: str) -> str:
    if not any(c.isalnum() or c in "*?" for c in text):
        raise ValueError("name some letters, or * and ?")
    if len(read_query(text)) > 8:
        raise ValueError("at most 8 words")
    return text


class StudyPageQuery(CursorQuery):
    sort: Annotated[str, BeforeValidator(lambda value: value or DEFAULT_SORT)] = Field(
        DEFAULT_SORT, description=f"One of {', '.join(SORTS)}; with - in front, the largest first"
    )


class StudyQuery(StudyPageQuery):
    patient_id: Annotated[uuid.UUID | None, EmptyIsNone] = None
    mrn: Annotated[str | None, EmptyIsNone] = None
    issuer: Issuer = None
    patient_name: Annotated[
        Annotated[str, Field(max_length=128), AfterValidator(_name_to_search)] | None, EmptyIsNone
    ] = Field(None, description="As people type it: `given family`, `family, given`, beginnings of words, * and ?")
    accession_number: Annotated[str | None, EmptyIsNone] = None
    modality: Annotated[Annotated[str, Field(max_length=16)] | None, EmptyIsNone] = Field(
        None, description="Studies with at least one series of it, such as CT"
    )
    study_date_from: Annotated[GivenDay | None, EmptyIsNone] = None
    study_date_to: Annotated[GivenDay | None, EmptyIsNone] = None
    link_status: Annotated[LinkStatus | None, EmptyIsNone] = None


class StudiesOfPatientQuery(StudyPageQuery):
    issuer: Issuer = None


class StudyAnswer(Versioned):
    study_instance_uid: str
    orthanc_study_id: str | None
    patient_id: uuid.UUID | None
    mrn: str | None
    issuer: str | None
    patient_name: str | None
    patient_birth_date: date | None
    patient_sex: Sex
    order_id: uuid.UUID | None
    order_ids: OrderIds
    accession_number: str | None
    accession_numbers: list[str] = Field(description="Those of `order_ids`, in the same order")
    modalities: list[str]
    study_date: date | None
    study_description: str | None
    number_of_series: int
    number_of_instances: int
    link_status: LinkStatus
    linked_by: str | None
    deleted_at: Moment | None
    created_at: Moment
    updated_at: Moment
    number_in_quarantine: int = Field(description="Files in quarantine that name this study and wait for a person")


class StudyList(CursorList):
    items: list[StudyAnswer]


class SeriesAnswer(Model):
    series_instance_uid: str
    number: int | None
    modality: str
    description: str
    number_of_instances: int


class StudySeriesAnswer(Model):
    study_instance_uid: str
    series: list[SeriesAnswer]


@blueprint.get("/studies", responses={200: StudyList, 409: Problem, 422: Problem})
def list_studies(query: StudyQuery) -> Response:
    """List studies, latest arrival first"""
    return _list(services().studies.search(filters_of(query), slice_of(query)))


@blueprint.get("/studies/patient/<patient>", responses={200: StudyList, 404: Problem, 409: Problem, 422: Problem})
def list_studies_of_patient(path: PatientPath, query: StudiesOfPatientQuery) -> Response:
    """The studies of one patient, by id or MRN"""
    patient = services().patients.named(path.patient, query.issuer)
    return _list(services().studies.of_patient(patient, slice_of(query), closed()))


@blueprint.get("/studies/order/<order>", responses={200: StudyList, 404: Problem, 422: Problem})
def list_studies_of_order(path: OrderPath, query: StudyPageQuery) -> Response:
    """The studies linked to one order, by id or accession number"""
    return _list(services().studies.of_order(path.order, slice_of(query), closed()))


@blueprint.get("/studies/accession/<accession_number>", responses={200: StudyList, 422: Problem})
def list_studies_of_accession(path: AccessionPath, query: StudyPageQuery) -> Response:
    """The studies listed under an accession number, linked to its order or not"""
    filters = StudyFilters(accession_number=path.accession_number, closed=closed())
    return _list(services().studies.search(filters, slice_of(query)))


@blueprint.get("/studies/<study_uid>", responses={200: StudyAnswer, 404: Problem, 422: Problem})
def get_study(path: StudyPath) -> Response:
    """One study"""
    return answer(study_answer(services().studies.get(path.study_uid)))


@blueprint.get(
    "/studies/<study_uid>/series", responses={200: StudySeriesAnswer, 404: Problem, 422: Problem, 503: Problem}
)
def list_series(path: StudyPath) -> Response:
    """The series of a study by series number, without its images"""
    services().studies.get(path.study_uid)
    series = [SeriesAnswer.model_validate(held) for held in archive().series_of(path.study_uid)]
    return answer(StudySeriesAnswer(study_instance_uid=path.study_uid, series=series))


def filters_of(query: StudyQuery) -> StudyFilters:
    given = query.model_dump(exclude={"limit", "offset", "cursor", "sort", "issuer"})
    if query.mrn is not None:
        given["mrn"] = services().patients.named(query.mrn, query.issuer)
    return StudyFilters(**given, closed=closed())


def slice_of(query: StudyPageQuery) -> Slice:
    return Slice(query.limit, query.offset, query.sort, query.after)


def _list(page: Page[StudyView]) -> Response:
    items = [study_answer(view) for view in page.items]
    return answer(StudyList(items=items, **counts(page)))


def tags_of_study(study_uid: str) -> list[str]:
    """Raises NotFound."""
    return [study_answer(services().studies.get(study_uid)).etag()]


def study_answer(view: StudyView) -> StudyAnswer:
    study = view.study
    return StudyAnswer(
        study_instance_uid=study.study_instance_uid,
        orthanc_study_id=study.orthanc_study_id,
        patient_id=study.patient_id,
        **asdict(view.person),
        order_id=study.order_id,
        order_ids=list(study.order_ids),
        accession_number=view.accession_number,
        accession_numbers=list(view.accession_numbers),
        modalities=study.modalities,
        study_date=study.study_date,
        study_description=study.study_description,
        number_of_series=study.number_of_series,
        number_of_instances=study.number_of_instances,
        link_status=study.link_status,
        linked_by=view.linked_by,
        deleted_at=study.deleted_at,
        created_at=study.created_at,
        updated_at=study.updated_at,
        number_in_quarantine=view.number_in_quarantine,
    )
