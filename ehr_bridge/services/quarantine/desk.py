"""People decide about files in quarantine: to whom one belongs, or that it belongs to nobody.

A file that is given is stored under the same rules as any other, as confirmed by the person who gives it. Where it must
not join the study in its UIDs, it gets other UIDs: the same ones for all files of one stray study given to one patient
or order, so that they form one study again, and giving twice changes nothing. The former UIDs are in the file and its
row.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Page, by_time, fetch_page, in_period
from ehr_bridge.db.tables.quarantine import QuarantinedFile
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.dicom import Header, read_header, renumber
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.matching import Rules
from ehr_bridge.matching.issuers import issuer_key
from ehr_bridge.services import audit
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.coercion.originals import MODIFYING_SYSTEM
from ehr_bridge.services.intake.intake import Intake
from ehr_bridge.services.intake.quarantine_records import QuarantineRecords
from ehr_bridge.services.linking.reconciliation_views import CandidateView, view_header
from ehr_bridge.services.quarantine.deciding import deciding, require_free
from ehr_bridge.services.quarantine.given_uids import by_tag, new_uids, uids_of
from ehr_bridge.services.uploads.arrivals import Delivery, Door, InstanceOutcome
from ehr_bridge.services.uploads.quarantined import DISCARDED, GIVEN, WAITING
from ehr_bridge.services.verdict.judge import Confirmation, resolve
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed

NEVER_STORED = frozenset(
    {
        "nested_too_deep",
        "too_many_elements",
        "malformed",
        "truncated",
        "inflated_too_large",
        "empty_file",
        "not_dicom",
        "damaged",
    }
)
"""Reasons for quarantine of a file that cannot be given: it is unreadable, or would crash the server."""


@dataclass(frozen=True, slots=True)
class QuarantineFilters:
    status: str | None = WAITING
    code: str | None = None
    study_instance_uid: str | None = None
    patients: frozenset[uuid.UUID] | None = None
    """All records of the person to whom a file was given."""
    order_id: uuid.UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    closed: Closed = NOTHING


SORTS = by_time("received_at", QuarantinedFile.received_at.expression, QuarantinedFile.id.expression)


@dataclass(frozen=True, slots=True)
class QuarantineView:
    """A row with the archived study that has its Study Instance UID, and the patient it was given to."""

    file: QuarantinedFile
    study: Study | None
    owner: Patient | None
    """Of that study."""
    patient: Patient | None
    order: Order | None

    @property
    def can_be_given(self) -> bool:
        return self.file.status == WAITING and self.file.code not in NEVER_STORED


class QuarantineDesk:
    def __init__(
        self,
        database: Database,
        records: QuarantineRecords,
        intake: Intake,
        rules: Rules,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._rules = rules
        self._records = records
        self._intake = intake
        self._clock = clock
        self._one_at_a_time = threading.Lock()

    def search(
        self, filters: QuarantineFilters, limit: int, offset: int, sort: str | None = None
    ) -> Page[QuarantineView]:
        """Files in quarantine, latest first unless asked otherwise. Raises InvalidInput when the list cannot be sorted
        like that."""
        self._records.flush()
        with self._database.read() as session:
            page = fetch_page(session, _query(filters).order_by(*SORTS.order(sort)), limit, offset)
            views = [_view(session, row) for row in page.items]
            return Page(views, page.total, limit, offset)

    def get(self, quarantine_id: uuid.UUID) -> QuarantineView:
        """Raises NotFound."""
        self._records.flush()
        with self._database.read() as session:
            return _view(session, _find(session, quarantine_id))

    def compare(self, quarantine_id: uuid.UUID, with_whom: Confirmation) -> CandidateView:
        """Compare a waiting file with the order or patient it could be given to.

        Raises:
            NotFound: the file, the patient or the order do not exist.
            Conflict: it no longer waits, is not in the folder, is unreadable, or order and patient do not belong
            together.
        """
        self._records.flush()
        with self._database.read() as session:
            row = _givable(session, quarantine_id)
            patient, order = resolve(session, with_whom)
            return view_header(session, read_header(self._bytes_of(row)), patient, order, self._rules)

    def give(
        self, quarantine_id: uuid.UUID, to: Confirmation, reason: str, origin: Origin, archive: Archive
    ) -> QuarantineView:
        """Store a waiting file as an image of this patient or order.

        If the process is killed in between, the file still waits and can be given again.

        Raises:
            NotFound: the file, the patient or the order do not exist.
            Conflict: it no longer waits, is not in the folder, or contradicts what is recorded.
            RefusedInstance: it cannot be stored.
            Unavailable: the database or the archive is away.
        """
        with self._one_at_a_time, deciding(self._database, self._clock, quarantine_id):
            with self._database.read() as session:
                row = _givable(session, quarantine_id)
                patient, order = resolve(session, to)
                data = self._bytes_of(row)
                header = read_header(data)
                leaves = _leaves(session, header, patient, order)
            uids = new_uids(row, header, leaves, patient, order)
            if uids:
                source = origin.actor[:64]
                data = renumber(
                    header, by_tag(uids), when=self._clock(), modifying_system=MODIFYING_SYSTEM, source=source
                )
            outcome = self._store(row, data, to, origin, archive)
            given = {"orthanc_instance_id": outcome.orthanc_instance_id, **uids_of(read_header(data))}
            with self._database.write() as session:
                row = _waiting(session, quarantine_id)
                self._decide(session, row, GIVEN, reason, origin)
                row.patient_id, row.order_id = patient.id, order.id if order else None
                row.given = given
                detail = {**_detail(row), "uids_changed": sorted(uids)}
                event = Event(
                    "quarantine.given", "success", patient.id, row.order_id, given["study_instance_uid"], detail
                )
                audit.append(session, origin, event, self._clock())
        return self.get(quarantine_id)

    def discard(self, quarantine_id: uuid.UUID, reason: str, origin: Origin) -> QuarantineView:
        """Discard a waiting file that belongs to nobody. It stays on the disk for the grace period of deletions.

        Raises:
            NotFound: there is no such file.
            Conflict: it no longer waits.
        """
        with self._database.write() as session:
            row = _waiting(session, quarantine_id)
            require_free(row, self._clock())
            self._decide(session, row, DISCARDED, reason, origin)
            event = Event("quarantine.discarded", study_instance_uid=row.study_instance_uid, detail=_detail(row))
            audit.append(session, origin, event, self._clock())
        return self.get(quarantine_id)

    def reopen(self, quarantine_id: uuid.UUID, reason: str, origin: Origin) -> QuarantineView:
        """Undo a decision: the file waits again. An image that was stored from it stays until it is unlinked or
        deleted.

        Raises:
            NotFound: there is no such file.
            Conflict: it waits, or its bytes are gone.
        """
        with self._database.write() as session:
            row = _find(session, quarantine_id)
            if row.status == WAITING:
                raise Conflict("quarantine_decided", "This file was not decided about yet.")
            self._bytes_of(row)
            event = Event("quarantine.reopened", study_instance_uid=row.study_instance_uid, detail=_detail(row))
            audit.append(session, origin, event, self._clock())
            row.status, row.reason, row.decided_by, row.decided_at = WAITING, reason, origin.actor, self._clock()
            row.patient_id = row.order_id = row.given = None
        return self.get(quarantine_id)

    def _bytes_of(self, row: QuarantinedFile) -> bytes:
        try:
            return self._records.folder.read(row.file_name)
        except LookupError:
            detail = "The file is not in the folder of files in quarantine; see whether that folder is there."
            raise Conflict("quarantine_file_away", detail) from None

    def _store(
        self, row: QuarantinedFile, data: bytes, to: Confirmation, origin: Origin, archive: Archive
    ) -> InstanceOutcome:
        """Store it like an upload that the person confirmed."""
        delivery = Delivery(row.id, Door.UPLOAD, "manual", origin, to)
        outcome = self._intake.receive([(None, data)], delivery, archive).instances[0]
        if outcome.has_failed:
            raise Conflict(outcome.error_code or "refused_by_archive", outcome.error_message or "It cannot be stored.")
        return outcome

    def _decide(self, session: Session, row: QuarantinedFile, status: str, reason: str, origin: Origin) -> None:
        row.status, row.reason, row.decided_by, row.decided_at = status, reason, origin.actor, self._clock()


def whom_it_names(session: Session, quarantine_id: uuid.UUID | None) -> list[uuid.UUID | None]:
    """Every patient that a file in quarantine reveals: by its study, its Patient ID, and to whom it was given."""
    row = session.get(QuarantinedFile, quarantine_id)
    if row is None:
        return []
    of_study = select(Study.patient_id).where(Study.study_instance_uid == row.study_instance_uid)
    by_mrn = session.execute(select(Patient.id, Patient.issuer_key).where(Patient.mrn == row.mrn)).all()
    issuer = issuer_key(row.said.get("IssuerOfPatientID"))
    of_issuer = [one.id for one in by_mrn if issuer and one.issuer_key == issuer]
    return [row.patient_id, *session.scalars(of_study), *(of_issuer or [one.id for one in by_mrn])]


def _query(filters: QuarantineFilters) -> Select[QuarantinedFile]:
    file = QuarantinedFile
    conditions = in_period(file.received_at.expression, filters.since, filters.until)
    if filters.patients is not None:
        conditions.append(file.patient_id.in_(filters.patients))
    if filters.order_id is not None:
        conditions.append(file.order_id == filters.order_id)
    if filters.status is not None:
        conditions.append(file.status == filters.status)
    if filters.code is not None:
        conditions.append(file.code == filters.code)
    if filters.study_instance_uid is not None:
        given = file.given["study_instance_uid"].as_string() == filters.study_instance_uid
        conditions.append(or_(file.study_instance_uid == filters.study_instance_uid, given))
    if filters.closed.patients:
        mrns = select(Patient.mrn).where(Patient.id.in_(filters.closed.patients))
        studies = select(Study.study_instance_uid).where(Study.patient_id.in_(filters.closed.patients))
        conditions.append(file.mrn.is_(None) | file.mrn.not_in(mrns) | _names_an_open_patient(filters.closed))
        conditions.append(file.study_instance_uid.is_(None) | file.study_instance_uid.not_in(studies))
        conditions.append(file.patient_id.is_(None) | file.patient_id.not_in(filters.closed.patients))
    return select(file).where(*conditions)


def _names_an_open_patient(closed: Closed) -> ColumnElement[bool]:
    """The file names the issuer of its number, and the number is that of an unrestricted patient."""
    issuer = func.lower(func.trim(QuarantinedFile.said["IssuerOfPatientID"].as_string()))
    return exists().where(
        Patient.mrn == QuarantinedFile.mrn,
        Patient.issuer_key != "",
        Patient.issuer_key == issuer,
        Patient.id.not_in(closed.patients),
    )


def _view(session: Session, row: QuarantinedFile) -> QuarantineView:
    study = _stored_study(session, row.study_instance_uid)
    return QuarantineView(
        row,
        study,
        study.patient if study is not None else None,
        session.get(Patient, row.patient_id) if row.patient_id else None,
        session.get(Order, row.order_id) if row.order_id else None,
    )


def _stored_study(session: Session, study_instance_uid: str | None) -> Study | None:
    stored = select(Study).where(Study.orthanc_study_id.is_not(None), Study.deleted_at.is_(None))
    return session.scalar(stored.where(Study.study_instance_uid == study_instance_uid))


def _find(session: Session, quarantine_id: uuid.UUID) -> QuarantinedFile:
    row = session.get(QuarantinedFile, quarantine_id)
    if row is None:
        raise NotFound("quarantine_not_found", "There is no such file in quarantine.")
    return row


def _waiting(session: Session, quarantine_id: uuid.UUID) -> QuarantinedFile:
    row = _find(session, quarantine_id)
    if row.status != WAITING:
        raise Conflict("quarantine_decided", f"{row.decided_by} decided about this file already: it is {row.status}.")
    return row


def _givable(session: Session, quarantine_id: uuid.UUID) -> QuarantinedFile:
    row = _waiting(session, quarantine_id)
    if row.code in NEVER_STORED:
        raise Conflict("quarantine_unreadable", "This file cannot be stored; discard it.")
    return row


def _leaves(session: Session, header: Header, patient: Patient, order: Order | None) -> bool:
    """Whether the file must leave the study in its UIDs, which is another patient's or answers another order."""
    study = session.scalar(select(Study).where(Study.study_instance_uid == header.study_instance_uid))
    if study is None:
        return False
    return study.patient_id != patient.id or (order is not None and order.id not in study.order_ids)


def _detail(row: QuarantinedFile) -> dict[str, Any]:
    return {"quarantine_id": str(row.id), "code": row.code, "sha256": row.sha256}
