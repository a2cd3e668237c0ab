"""The upload log, and the limits of uploads."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal, cast

from flask import Response, current_app
from pydantic import Field

from ehr_bridge.api.filters import (
    At,
    ByOrder,
    ByPatient,
    ByStudy,
    Former,
    PageQuery,
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
    Input,
    Issuer,
    Model,
    PathPatientRef,
    Problem,
)
from ehr_bridge.api.uploads.answers import (
    UploadDetailAnswer,
    UploadEntryList,
    upload_detail,
    upload_entries,
)
from ehr_bridge.api.uploads.options import Source
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.uploads.log import SORTS, UploadFilters
from ehr_bridge.settings import MEGABYTE

ARCHIVE = "ehr_bridge_archive"
Short = Annotated[str, Field(max_length=255)]

blueprint = Blueprint("uploads", "Uploads", "/api/v1/dicom")


class UploadPath(Input):
    upload_id: uuid.UUID


class UploadFilterQuery(PageQuery):
    """What the log can be asked, apart from the patient."""

    order: ByOrder = None
    study: ByStudy = None
    issuer: Issuer = None
    uploaded_by: Annotated[Short | None, EmptyIsNone] = Field(
        None, description="Subject of the token, or `ae:` and an AE title"
    )
    upload_source: Annotated[Source | None, EmptyIsNone] = None
    upload_status: Annotated[Literal["success", "partial", "failed"] | None, EmptyIsNone] = None
    source_address: Annotated[Short | None, EmptyIsNone] = Field(None, description="Network address of the sender")
    file_name: Annotated[Short | None, EmptyIsNone] = Field(None, description="A part of the name of any of its files")
    since: At = at_or_after("Uploads")
    until: At = before("Uploads")
    sort: Sort = sorted_by(SORTS)
    study_instance_uid: Former = formerly("study")


class UploadsQuery(UploadFilterQuery):
    patient: ByPatient = None


class PatientUploadsPath(Input):
    patient: PathPatientRef


class UploadLimitsAnswer(Model):
    """Limits of one request; a larger body is refused before it is read."""

    max_file_bytes: int = Field(description="Most bytes of one file (MAX_DICOM_FILE_SIZE_MB)")
    max_upload_bytes: int = Field(description="Most bytes of all files of one request (MAX_UPLOAD_SIZE_MB)")
    max_files: int = Field(description="Most files in one request (MAX_DICOM_FILES_PER_UPLOAD)")


@blueprint.get("/upload-limits", responses={200: UploadLimitsAnswer})
def get_upload_limits() -> Response:
    """The limits of files and uploads"""
    settings = services().settings
    return answer(
        UploadLimitsAnswer(
            max_file_bytes=settings.max_dicom_file_size_mb * MEGABYTE,
            max_upload_bytes=settings.max_upload_size_mb * MEGABYTE,
            max_files=settings.max_dicom_files_per_upload,
        )
    )


@blueprint.get("/uploads", responses={200: UploadEntryList, 404: Problem, 409: Problem, 422: Problem})
def list_uploads(query: UploadsQuery) -> Response:
    """The upload log, newest first"""
    return _list(query, query.patient)


@blueprint.get("/uploads/patient/<patient>", responses={200: UploadEntryList, 404: Problem, 409: Problem, 422: Problem})
def list_uploads_of_patient(path: PatientUploadsPath, query: UploadFilterQuery) -> Response:
    """The upload log of one patient (id or MRN)"""
    return _list(query, path.patient)


@blueprint.get("/uploads/<upload_id>", responses={200: UploadDetailAnswer, 404: Problem, 422: Problem})
def get_upload(path: UploadPath) -> Response:
    """One upload with its files"""
    return answer(upload_detail(path.upload_id, services().uploads.get(path.upload_id)))


def _list(query: UploadFilterQuery, patient: str | None) -> Response:
    names = ("uploaded_by", "upload_source", "upload_status", "source_address", "file_name", "since", "until")
    filters = UploadFilters(
        patients=records_of(patient, query.issuer),
        order_id=id_of_order(query.order),
        study_instance_uid=query.study,
        **{name: getattr(query, name) for name in names},
    )
    return answer(upload_entries(services().uploads.search(filters, query.limit, query.offset, closed(), query.sort)))


def archive() -> Archive:
    return cast(Archive, current_app.extensions[ARCHIVE])
