"""Studies: list and look up."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated, Literal

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from ehr_bridge.api.context import answer, services
from ehr_bridge.api.schemas import EmptyIsNone, Input, Model, Moment, PageQuery, Problem, Uid
from ehr_bridge.services.studies import StudyFilters, StudyView

blueprint = APIBlueprint(
    "studies",
    __name__,
    url_prefix="/api/v1/dicom",
    abp_tags=[Tag(name="Studies")],
    abp_security=[{"bearer": []}],
    abp_responses={401: Problem, 403: Problem},
)

LinkStatus = Literal["linked", "unlinked", "ambiguous"]


class StudyPath(Input):
    study_uid: Uid


class StudyQuery(PageQuery):
    patient_id: Annotated[uuid.UUID | None, EmptyIsNone] = None
    mrn: Annotated[str | None, EmptyIsNone] = None
    accession_number: Annotated[str | None, EmptyIsNone] = None
    study_date_from: Annotated[date | None, EmptyIsNone] = None
    study_date_to: Annotated[date | None, EmptyIsNone] = None
    link_status: Annotated[LinkStatus | None, EmptyIsNone] = None


class StudyAnswer(Model):
    study_instance_uid: str
    orthanc_study_id: str | None
    patient_id: uuid.UUID | None
    mrn: str | None
    patient_name: str | None
    order_id: uuid.UUID | None
    accession_number: str | None
    modalities: list[str]
    study_date: date | None
    study_description: str | None
    number_of_series: int
    number_of_instances: int
    link_status: LinkStatus
    linked_by: str | None
    deleted_at: Moment | None


class StudyList(Model):
    items: list[StudyAnswer]
    total: int
    limit: int
    offset: int


@blueprint.get("/studies", responses={200: StudyList, 422: Problem})
def list_studies(query: StudyQuery) -> Response:
    """List studies, latest arrival first"""
    filters = StudyFilters(**query.model_dump(exclude={"limit", "offset"}))
    page = services().studies.search(filters, query.limit, query.offset)
    return answer(
        StudyList(
            items=[_answer(view) for view in page.items],
            total=page.total,
            limit=page.limit,
            offset=page.offset,
        )
    )


@blueprint.get("/studies/<study_uid>", responses={200: StudyAnswer, 404: Problem, 422: Problem})
def get_study(path: StudyPath) -> Response:
    """One study"""
    return answer(_answer(services().studies.get(path.study_uid)))


def _answer(view: StudyView) -> StudyAnswer:
    study = view.study
    return StudyAnswer(
        study_instance_uid=study.study_instance_uid,
        orthanc_study_id=study.orthanc_study_id,
        patient_id=study.patient_id,
        mrn=view.mrn,
        patient_name=view.patient_name,
        order_id=study.order_id,
        accession_number=view.accession_number,
        modalities=study.modalities,
        study_date=study.study_date,
        study_description=study.study_description,
        number_of_series=study.number_of_series,
        number_of_instances=study.number_of_instances,
        link_status=study.link_status,
        linked_by=view.linked_by,
        deleted_at=study.deleted_at,
    )
