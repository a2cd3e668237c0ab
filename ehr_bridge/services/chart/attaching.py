"""Attaches documents: what came becomes a DICOM file in a study of its own, and goes through the intake like an image.

The row with its UIDs is written first. Sent again after a crash, or by somebody who has pressed twice, the same bytes
for the same patient and order become the same file, of which the archive keeps the first.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.fresh import Fresh
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.results.attached import AttachedDocument
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.documents.kinds import TITLES, Kind
from ehr_bridge.documents.making import Sheet, dicom_file, read_content
from ehr_bridge.errors import Conflict, InvalidInput
from ehr_bridge.services import audit
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.audit.trail import Origin, study_event
from ehr_bridge.services.chart.documents import DocumentView, view_of
from ehr_bridge.services.identity.attributes import wanted_values
from ehr_bridge.services.intake.intake import Intake
from ehr_bridge.services.uploads.arrivals import Delivery, Door
from ehr_bridge.services.verdict.judge import Confirmation, resolve


@dataclass(frozen=True, slots=True)
class Sent:
    """A document as somebody has sent it."""

    content: bytes
    media_type: str
    kind: Kind
    title: str | None = None
    dated: date | None = None
    """None: today."""
    file_name: str | None = None


@dataclass(frozen=True, slots=True)
class Attached:
    view: DocumentView
    is_new: bool
    """False: these bytes were attached there before."""


class Attaching:
    def __init__(
        self,
        database: Database,
        fresh: Fresh,
        intake: Intake,
        clock: Callable[[], datetime],
        new_uid: Callable[[], str],
        zone: tzinfo,
        organization: str,
    ) -> None:
        self._database = database
        self._fresh = fresh
        self._intake = intake
        self._clock = clock
        self._new_uid = new_uid
        self._zone = zone
        self._organization = organization

    def attach(self, sent: Sent, to: Confirmation, origin: Origin, archive: Archive) -> Attached:
        """Store a document for this patient, or this order and its patient.

        Raises:
            InvalidInput: it is not what it is said to be, damaged or too large; RefusedInstance of the archive.
            NotFound: there is no such patient or order.
            NotPermitted: the caller may not see this patient.
            Conflict: the order is cancelled.
            Unavailable: the database or the archive is away; send it again.
        """
        content = read_content(sent.content, sent.media_type, self._intake.max_file_bytes)
        with self._database.write() as session:
            patient, order = resolve(session, to)
            row, is_new = self._row(session, sent, patient, order, origin)
            row.warnings = list(content.warnings)
            sheet = self._sheet(row, patient, order)
            whom = Confirmation(str(order.id) if order else None, str(patient.id), is_document=True)
        delivery = Delivery(row.id, Door.UPLOAD, "manual", origin, whom)
        try:
            outcome = self._intake.receive([(sent.file_name, dicom_file(sheet, content))], delivery, archive).instances[
                0
            ]
            if outcome.has_failed:
                code, detail = outcome.error_code or "refused_by_archive", outcome.error_message or ""
                raise InvalidInput(code, detail) if code == "too_large" else Conflict(code, detail)
        except (InvalidInput, Conflict):
            self._forget(row.id)
            raise
        with self._fresh.write() as session:
            row = session.get_one(AttachedDocument, row.id)
            study = session.scalars(select(Study).where(Study.study_instance_uid == row.study_instance_uid)).one()
            if row.stored_at is None:
                row.stored_at = self._clock()
                said = {"document_id": str(row.id), "kind": row.kind, "content_type": row.content_type}
                audit.append(session, origin, study_event("document.attached", study, said), self._clock())
            return Attached(view_of(session, row, study), is_new)

    def _row(
        self, session: Session, sent: Sent, patient: Patient, order: Order | None, origin: Origin
    ) -> tuple[AttachedDocument, bool]:
        """The row of this document, written now unless the same was attached there before and is there still."""
        digest = hashlib.sha256(sent.content).hexdigest()
        asked = AttachedDocument
        same = select(asked).where(
            asked.asked_patient_id == patient.id, asked.sha256 == digest, asked.kind == sent.kind
        )
        same = same.where(asked.asked_order_id == order.id if order else asked.asked_order_id.is_(None))
        for row in session.scalars(same.order_by(asked.attached_at, asked.id)):
            study = session.scalar(select(Study).where(Study.study_instance_uid == row.study_instance_uid))
            if study is None or _is_still_there(study, patient, order):
                return row, row.stored_at is None
        now = self._clock()
        row = AttachedDocument(
            id=uuid.uuid4(),
            asked_patient_id=patient.id,
            asked_order_id=order.id if order else None,
            study_instance_uid=self._new_uid(),
            series_instance_uid=self._new_uid(),
            sop_instance_uid=self._new_uid(),
            kind=sent.kind,
            title=sent.title or TITLES[sent.kind],
            content_type=sent.media_type,
            size_bytes=len(sent.content),
            sha256=digest,
            warnings=[],
            dated=sent.dated or now.astimezone(self._zone).date(),
            attached_by=origin.actor,
            attached_at=now,
        )
        session.add(row)
        session.flush()
        return row, True

    def _sheet(self, row: AttachedDocument, patient: Patient, order: Order | None) -> Sheet:
        return Sheet(
            row.study_instance_uid,
            row.series_instance_uid,
            row.sop_instance_uid,
            Kind(row.kind),
            row.title,
            row.dated,
            row.attached_at.astimezone(self._zone),
            wanted_values(patient, order),
            order.requested_procedure_id if order else None,
            order.scheduled_procedure_step_id if order else None,
            self._organization,
        )

    def _forget(self, document_id: uuid.UUID) -> None:
        """Nothing was stored: there is no such document."""
        with self._database.write() as session:
            row = session.get(AttachedDocument, document_id)
            if row is not None and row.stored_at is None:
                session.delete(row)


def _is_still_there(study: Study, patient: Patient, order: Order | None) -> bool:
    """Whether it was neither deleted nor moved to somebody else since."""
    if study.deleted_at is not None or study.patient_id != patient.id:
        return False
    return order is None or order.id in study.order_ids
