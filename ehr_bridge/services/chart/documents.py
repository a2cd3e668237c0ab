"""Attached documents: lists of them, and their content as it came."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any

import pydicom
from PIL import Image
from pydicom.encaps import generate_frames
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from ehr_bridge.auth.caller import Caller
from ehr_bridge.db.database import Database
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.paging import Key, Page, Sorts, fetch_page, of_ids
from ehr_bridge.db.tables.results.attached import AttachedDocument
from ehr_bridge.db.tables.studies import Study, StudyOrder
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.documents.papers import PDF
from ehr_bridge.documents.pictures import JPEG, PNG
from ehr_bridge.errors import NotFound, Unavailable
from ehr_bridge.services import audit
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.audit.trail import Origin, study_event
from ehr_bridge.services.identity.persons import Person, person_of_study
from ehr_bridge.services.studies.listing import find_viewable, stored
from ehr_bridge.services.visibility.asker import require_open
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, without

SORTS = Sorts(
    {
        "dated": Key(AttachedDocument.dated.expression, date.fromisoformat),
        "attached_at": Key(AttachedDocument.attached_at.expression, datetime.fromisoformat),
    },
    "-dated",
    of_ids(AttachedDocument.id.expression),
)


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document, whose it is now, and the study that holds it."""

    document: AttachedDocument
    study: Study
    person: Person


@dataclass(frozen=True, slots=True)
class DocumentFilters:
    """Which documents to list; None is any."""

    patients: frozenset[uuid.UUID] | None = None
    """All records of one person."""
    order_id: uuid.UUID | None = None
    study_instance_uid: str | None = None
    kind: str | None = None
    since: date | None = None
    until: date | None = None
    closed: Closed = NOTHING


@dataclass(frozen=True, slots=True)
class Content:
    """A document's file."""

    view: DocumentView
    media_type: str
    data: bytes


class Documents:
    def __init__(self, database: Database, fresh: Fresh, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._fresh = fresh
        self._clock = clock

    def search(self, filters: DocumentFilters, limit: int, offset: int, sort: str | None) -> Page[DocumentView]:
        """Documents whose study is there, the newest first."""
        with self._fresh.read() as session:
            page = fetch_page(session, _query(filters).order_by(*SORTS.order(sort)), limit, offset)
            uids = [row.study_instance_uid for row in page.items]
            of_rows = select(Study).where(Study.study_instance_uid.in_(uids))
            studies = {study.study_instance_uid: study for study in session.scalars(of_rows)}
            return page.of([view_of(session, row, studies[row.study_instance_uid]) for row in page.items])

    def get(self, document_id: uuid.UUID) -> DocumentView:
        """Raises NotFound; NotPermitted when the caller may not see its patient."""
        with self._fresh.read() as session:
            return _find(session, document_id)

    def content(
        self, document_id: uuid.UUID, archive: Archive, caller: Caller, origin: Origin, *, is_download: bool
    ) -> Content:
        """The file, as it came or, of a picture that was decoded, as a PNG. It is audited.

        Raises:
            NotFound: there is none, or its study is not this caller's to see.
            NotPermitted: its patient is restricted to others.
            Unavailable: the archive does not give it out.
        """
        with self._fresh.read() as session:
            view = _find(session, document_id)
            find_viewable(session, view.study.study_instance_uid, caller)
            of_study = select(Instance.orthanc_instance_id).where(Instance.study_id == view.study.id)
            stored_as = session.scalar(of_study.where(Instance.sop_instance_uid == view.document.sop_instance_uid))
        try:
            media_type, data = content_of(archive.read(stored_as or ""))
        except LookupError:
            detail = "The archive does not give out this document; try again, and tell an administrator if it stays so."
            raise Unavailable("archive_unavailable", detail) from None
        action = "document.downloaded" if is_download else "document.opened"
        with self._database.write() as session:
            event = study_event(action, view.study, {"document_id": str(document_id)})
            audit.append(session, origin, event, self._clock())
        return Content(view, media_type, data)


def view_of(session: Session, row: AttachedDocument, study: Study) -> DocumentView:
    """A document with what lists show of its study."""
    return DocumentView(row, study, person_of_study(study))


def content_of(file: bytes) -> tuple[str, bytes]:
    """Media type and bytes of the document in a DICOM file of ours. Raises LookupError when there is none in it."""
    dataset = pydicom.dcmread(BytesIO(file))
    if "EncapsulatedDocument" in dataset:
        return PDF, bytes(dataset.EncapsulatedDocument)[: dataset.EncapsulatedDocumentLength]
    if "PixelData" not in dataset:
        raise LookupError("no document")
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        return JPEG, next(generate_frames(dataset.PixelData, number_of_frames=1)).rstrip(b"\0")
    mode, size = ("L" if dataset.SamplesPerPixel == 1 else "RGB"), (int(dataset.Columns), int(dataset.Rows))
    picture = BytesIO()
    Image.frombytes(mode, size, dataset.PixelData[: size[0] * size[1] * len(mode)]).save(
        picture, "PNG", compress_level=1
    )
    return PNG, picture.getvalue()


def _find(session: Session, document_id: uuid.UUID) -> DocumentView:
    row = session.get(AttachedDocument, document_id)
    study = None
    if row is not None:
        study = session.scalar(stored().where(Study.study_instance_uid == row.study_instance_uid))
    if row is None or study is None:
        raise NotFound("document_not_found", "There is no such document, or it was deleted.")
    require_open(study.patient_id)
    return view_of(session, row, study)


def _query(filters: DocumentFilters) -> Select[Any]:
    document = AttachedDocument
    there = stored().with_only_columns(Study.study_instance_uid).where(Study.is_document)
    if filters.patients is not None:
        there = there.where(Study.patient_id.in_(filters.patients))
    if filters.order_id is not None:
        there = there.where(Study.id.in_(select(StudyOrder.study_id).where(StudyOrder.order_id == filters.order_id)))
    if filters.closed.patients:
        there = there.where(without(Study.patient_id, filters.closed))
    if filters.study_instance_uid is not None:
        there = there.where(Study.study_instance_uid == filters.study_instance_uid)
    query = select(document).where(document.study_instance_uid.in_(there))
    if filters.kind is not None:
        query = query.where(document.kind == filters.kind)
    if filters.since is not None:
        query = query.where(document.dated >= filters.since)
    return query if filters.until is None else query.where(document.dated <= filters.until)
