"""Studies: list and look up."""

from __future__ import annotations

import uuid
from dataclasses import asdict, replace
from datetime import date
from typing import Annotated

from flask import Response
from pydantic import AfterValidator, Field

from ehr_bridge.api.cursors import CursorList, CursorQuery, counts
from ehr_bridge.api.filters import (
    MEANINGS,
    ByAccession,
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
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.matching.names import read_query
from ehr_bridge.services.studies.listing import StudyView
from ehr_bridge.services.studies.search import SORTS, Slice, StudyFilters

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
    return _few_words(text)


def _few_words(text: str) -> str:
    if len(read_query(text)) > 8:
        raise ValueError("at most 8 words")
    return text


class StudyPageQuery(CursorQuery):
    """The filters of studies, without those that name a patient, an order or a study."""

    q: Annotated[Annotated[str, Field(max_length=128), AfterValidator(_few_words)] | None, EmptyIsNone] = Field(
        None, description=MEANINGS["q"]
    )
    patient_name: Annotated[
        Annotated[str, Field(max_length=128), AfterValidator(_name_to_search)] | None, EmptyIsNone
    ] = Field(None, description="As people type it: `given family`, `family, given`, beginnings of words, * and ?")
    modality: Annotated[Annotated[str, Field(max_length=16)] | None, EmptyIsNone] = Field(
        None, description="Studies with at least one series of it, such as CT"
    )
    link_status: Annotated[LinkStatus | None, EmptyIsNone] = None
    damaged: bool | None = Field(None, description="Whether a stored file of it was found missing or changed")
    since: Annotated[GivenDay | None, EmptyIsNone] = at_or_after("Study Date (0008,0020)", "a day")
    until: Annotated[GivenDay | None, EmptyIsNone] = before("Study Date (0008,0020)", "a day, included")
    sort: Sort = sorted_by(SORTS)
    study_date_from: Former = formerly("from")
    study_date_to: Former = formerly("to")

    def filters(self) -> StudyFilters:
        """Raises NotFound, Conflict and NotPermitted like `records_of`, where a patient or order is named."""
        return StudyFilters(
            text=self.q,
            patient_name=self.patient_name,
            modality=self.modality,
            link_status=self.link_status,
            study_date_from=self.since,
            study_date_to=self.until,
            is_damaged=self.damaged,
            updated_since=self.updated_since,
            closed=closed(),
        )


class StudyQuery(StudyPageQuery, OfStudy):
    accession_number: ByAccession = None
    patient_id: Former = formerly("patient")
    mrn: Former = formerly("patient")

    def filters(self) -> StudyFilters:
        return replace(
            super().filters(),
            patients=self.records,
            order_id=self.named_order_id,
            study_instance_uid=self.study,
            accession_number=self.accession_number,
        )


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
    is_document: bool = Field(description="A paper or photograph that somebody attached, not images of a modality")
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


@blueprint.get("/studies", responses={200: StudyList, 404: Problem, 409: Problem, 422: Problem})
def list_studies(query: StudyQuery) -> Response:
    """List studies, latest arrival first"""
    return _list(query.filters(), query)


@blueprint.get("/studies/patient/<patient>", responses={200: StudyList, 404: Problem, 409: Problem, 422: Problem})
def list_studies_of_patient(path: PatientPath, query: StudiesOfPatientQuery) -> Response:
    """The studies of one patient, by id or MRN"""
    return _list(replace(query.filters(), patients=records_of(path.patient, query.issuer)), query)


@blueprint.get("/studies/order/<order>", responses={200: StudyList, 404: Problem, 422: Problem})
def list_studies_of_order(path: OrderPath, query: StudyPageQuery) -> Response:
    """The studies linked to one order, by id or accession number"""
    return _list(replace(query.filters(), order_id=id_of_order(path.order)), query)


@blueprint.get("/studies/accession/<accession_number>", responses={200: StudyList, 422: Problem})
def list_studies_of_accession(path: AccessionPath, query: StudyPageQuery) -> Response:
    """The studies listed under an accession number, linked to its order or not"""
    return _list(replace(query.filters(), accession_number=path.accession_number), query)


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


def slice_of(query: StudyPageQuery) -> Slice:
    return Slice(query.limit, query.offset, query.sort, query.after)


def _list(filters: StudyFilters, query: StudyPageQuery) -> Response:
    page = services().studies.search(filters, slice_of(query))
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
        is_document=study.is_document,
        link_status=study.link_status,
        linked_by=view.linked_by,
        deleted_at=study.deleted_at,
        created_at=study.created_at,
        updated_at=study.updated_at,
        number_in_quarantine=view.number_in_quarantine,
    )
