"""Documents of patients and orders: attached, listed, and given out as they came."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote

from flask import Response, request
from flask_openapi3 import RawModel
from pydantic import BaseModel, BeforeValidator, Field

from ehr_bridge.api.document.bodies import BINARY
from ehr_bridge.api.filters import OfStudy, Sort, at_or_after, before, sorted_by
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, closed, origin, services
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import (
    EmptyIsNone,
    GivenDay,
    Input,
    IssuerQuery,
    ListOf,
    Moment,
    OrderIds,
    PatientRef,
    Problem,
    Text64,
)
from ehr_bridge.api.registry.orders import OrderPath
from ehr_bridge.api.registry.patients import PatientPath
from ehr_bridge.api.uploads.multipart import decode_file_name
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.api.writing.repeats import repeatable_file
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.states import LinkStatus
from ehr_bridge.documents.kinds import Kind
from ehr_bridge.documents.making import MEDIA_TYPES
from ehr_bridge.services.chart.attaching import Sent
from ehr_bridge.services.chart.documents import SORTS, DocumentFilters, DocumentView
from ehr_bridge.services.verdict.judge import Confirmation

blueprint = Blueprint("documents", "Documents")
SENDING: dict[str | int, type[BaseModel] | dict[Any, Any] | None] = dict.fromkeys(
    (400, 404, 409, 413, 415, 422, 503), Problem
)
TITLE, KIND, DATE, FILE_NAME = "X-Document-Title", "X-Document-Kind", "X-Document-Date", "X-File-Name"
PATIENT = "X-Patient-Id"

KindWord = Literal["referral", "consent", "outside_report", "laboratory", "questionnaire", "photo", "other"]


class DocumentBody(RawModel):
    mimetypes = [*MEDIA_TYPES]  # noqa: RUF012


def _decoded(value: object) -> object:
    return unquote(value) if isinstance(value, str) else value


Encoded = BeforeValidator(_decoded)


class OwnDate(Input):
    """Generators of clients know no dates in headers, so that one is read here."""

    dated: Annotated[GivenDay | None, EmptyIsNone] = None


class SaidOfDocument(BaseModel):
    """What a sender may say about a document."""

    title: Annotated[Text64 | None, EmptyIsNone, Encoded] = Field(
        None, alias=TITLE, description="At most 64 characters, percent-encoded UTF-8. Left out: the kind in words"
    )
    kind: KindWord = Field(
        "other",
        alias=KIND,
        description="What it is; a `photo` becomes a VL Photographic Image, every other picture a Secondary Capture",
    )
    dated: str = Field("", alias=DATE, description="The day of the document itself, as 2026-01-31. Left out: today")
    file_name: str | None = Field(None, alias=FILE_NAME, description="For the upload log, percent-encoded UTF-8")


class SaidOfOrderDocument(SaidOfDocument):
    """The EHR may give the order to somebody else while the sender looks at it: then it is refused."""

    patient: Annotated[PatientRef | None, EmptyIsNone] = Field(None, alias=PATIENT, description="The order's patient")


class DocumentPath(Input):
    document_id: uuid.UUID


class DocumentQuery(OfStudy):
    kind: Annotated[KindWord | None, EmptyIsNone] = None
    since: Annotated[GivenDay | None, EmptyIsNone] = at_or_after("The document's own date", "a day")
    until: Annotated[GivenDay | None, EmptyIsNone] = before("The document's own date", "a day, included")
    sort: Sort = sorted_by(SORTS)


class ContentQuery(Input):
    download: bool = Field(False, description="To keep it; needs `download` beside `view`")


class DocumentAnswer(PersonAnswer):
    """A document, the patient and orders it is of now, and the study that holds it."""

    id: uuid.UUID
    kind: KindWord
    title: str
    content_type: str = Field(description="Of the file as it came")
    size_bytes: int
    sha256: str
    warnings: list[Literal["active_content", "encrypted"]] = Field(
        description="Of a PDF: it holds scripts, programs or files, or needs a password. It is kept as it came"
    )
    dated: date = Field(description="Of the document itself")
    attached_by: str
    attached_at: Moment
    patient_id: uuid.UUID | None
    order_id: uuid.UUID | None
    order_ids: OrderIds
    link_status: LinkStatus
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str


class DocumentList(ListOf[DocumentAnswer]):
    pass


@blueprint.post(
    "/patients/<patient>/documents",
    responses={200: DocumentAnswer, 201: DocumentAnswer, **SENDING},
)
@repeatable_file(TITLE, KIND, DATE)
def upload_patient_document(
    path: PatientPath, query: IssuerQuery, header: SaidOfDocument, raw: DocumentBody
) -> Response:
    """Attach a PDF, JPEG or PNG to a patient

    It becomes a DICOM file in a study of its own. The same bytes of the same kind again: the same document (200).
    """
    patients = services().patients
    named = patients.get(patients.named(path.patient, query.issuer))
    return _attach(Confirmation(patient=str(named.id)), header)


@blueprint.post(
    "/orders/<order>/documents",
    responses={200: DocumentAnswer, 201: DocumentAnswer, **SENDING},
)
@repeatable_file(TITLE, KIND, DATE, PATIENT)
def upload_order_document(path: OrderPath, header: SaidOfOrderDocument, raw: DocumentBody) -> Response:
    """Attach a PDF, JPEG or PNG to an order and its patient

    It becomes a DICOM file in a study of its own, with the accession number. The order still waits for its images.
    With `X-Patient-Id` it is refused when the order is another patient's by now.
    """
    patient = services().patients.certain_if_any(header.patient)
    return _attach(Confirmation(order=path.order, patient=patient), header)


@blueprint.get("/documents", responses={200: DocumentList, 404: Problem, 409: Problem, 422: Problem})
def list_documents(query: DocumentQuery) -> Response:
    """Documents of patients and orders, newest first"""
    filters = DocumentFilters(
        query.records, query.named_order_id, query.study, query.kind, query.since, query.until, closed()
    )
    page = services().results.documents.search(filters, query.limit, query.offset, query.sort)
    return answer(DocumentList.of(page, _answer))


@blueprint.get("/documents/<document_id>", responses={200: DocumentAnswer, 404: Problem, 422: Problem})
def get_document(path: DocumentPath) -> Response:
    """What is known about one document"""
    return answer(_answer(services().results.documents.get(path.document_id)))


@blueprint.get(
    "/documents/<document_id>/content",
    responses={
        200: {"description": "The file", "content": {media: {"schema": BINARY} for media in MEDIA_TYPES}},
        404: Problem,
        422: Problem,
        503: Problem,
    },
)
def get_document_content(path: DocumentPath, query: ContentQuery) -> Response:
    """The document itself

    A PDF is as it came, to the byte. A picture is without what cameras write beside it, and upright.
    """
    if query.download and not caller().may(Permission.DOWNLOAD):
        raise caller().lacks(frozenset({Permission.DOWNLOAD}))
    found = services().results.documents.content(
        path.document_id, archive(), caller(), origin(), is_download=query.download
    )
    ending = found.media_type.partition("/")[2].replace("jpeg", "jpg")
    name = f"{found.view.document.title}.{ending}"
    plain = "".join(c for c in name if c.isascii() and (c.isalnum() or c in " .-_")).strip() or f"document.{ending}"
    response = Response(found.data, content_type=found.media_type)
    response.headers["Content-Disposition"] = (
        f"{'attachment' if query.download else 'inline'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _attach(to: Confirmation, said: SaidOfDocument) -> Response:
    file_name = decode_file_name(said.file_name)
    dated = OwnDate.model_validate({"dated": said.dated}).dated
    sent = Sent(request.get_data(), request.mimetype, Kind(said.kind), said.title, dated, file_name)
    attached = services().results.attaching.attach(sent, to, origin(), archive())
    return answer(_answer(attached.view), 201 if attached.is_new else 200)


def _answer(view: DocumentView) -> DocumentAnswer:
    document, study = view.document, view.study
    of_row = {name: getattr(document, name) for name in DocumentAnswer.model_fields if hasattr(document, name)}
    return DocumentAnswer(
        **of_row,
        **asdict(view.person),
        patient_id=study.patient_id,
        order_id=study.order_id,
        order_ids=list(study.order_ids),
        link_status=study.link_status,
    )
