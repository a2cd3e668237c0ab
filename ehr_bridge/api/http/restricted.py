"""Keeps callers away from restricted patients on every route that names one: in its path, query or body.

Patients, orders and studies are refused where they are found (`visibility.asker`), and lists are filtered where they
are built (`visibility.restrictions.without`). This second check goes by the names of parameters; it also covers what is
found by other ids, such as an upload or a deletion. Every route parameter is in `FINDERS` or `PATIENTS`,
or in the list of tests/unit/test_restricted_names.py, which compares them with the OpenAPI document.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.auth.caller import Caller
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.identity_changes import IdentityChange
from ehr_bridge.db.tables.interfaces import Sending
from ehr_bridge.db.tables.logs import ReceivedMessage
from ehr_bridge.db.tables.modifications import Modification, Split
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.db.tables.results.attached import AttachedDocument
from ehr_bridge.db.tables.results.rejections import Rejection
from ehr_bridge.db.tables.studies import Study, StudyLink
from ehr_bridge.db.tables.uploads import DicomUploadLog
from ehr_bridge.db.tables.viewing import Share
from ehr_bridge.errors import NotPermitted
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.interfaces.performed_listing import patients_of
from ehr_bridge.services.quarantine.desk import whom_it_names
from ehr_bridge.services.registry.numbers import as_uuid, with_issuer
from ehr_bridge.services.reporting.rows import patients_of as patients_of_report
from ehr_bridge.services.visibility.asker import patient_restricted
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed

BRINGING = frozenset({"/api/v1/dicom/upload", "/api/v1/dicom/upload-multiple", "/api/v1/dicom/upload-zip"})
"""Whoever sends images may name the patient they are for; that reveals nothing."""
ASKING_AHEAD = "/api/v1/match"
"""Asks what would happen to images: the caller may name any patient, and learns nothing about a restricted one."""
OF_ACCESS = "/api/v1/access/"
"""Manages who may see whom."""
PATIENTS = frozenset({"patient_id", "mrn", "into", "patient"})

type Finder = Callable[[Session, str], list[uuid.UUID | None]]


def closed_on(services: Services, caller: Caller, path: str) -> Closed:
    """What the caller may not find by this route."""
    if path in BRINGING or path == ASKING_AHEAD or path.startswith(OF_ACCESS):
        return NOTHING
    return services.restrictions.closed_to(caller)


def require_open(services: Services, closed: Closed, named: Mapping[str, Any], issuer: str | None = None) -> None:
    """Refuse names of a patient whom the caller may not see. Costs nothing when no patient is restricted.

    `issuer` is that of numbers without one. Raises NotPermitted `patient_restricted`.
    """
    if not closed.patients:
        return
    for name, values in named.items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str) and _is_closed(services, closed, name, value.strip(), issuer):
                raise patient_restricted()


def require_past_open(services: Services, closed: Closed, study_instance_uid: str) -> None:
    """Refuse data about a study that is or was a patient's whom the caller may not see, or for which such a patient was
    once requested. Raises NotPermitted `patient_restricted`."""
    if not closed.patients:
        return
    with services.database.read() as session:
        if closed.patients.isdisjoint(_ever_of_study(session, study_instance_uid)):
            return
    raise NotPermitted(
        "patient_restricted",
        "The former values of this study are those of a patient who is restricted to named people.",
    )


def _is_closed(services: Services, closed: Closed, name: str, value: str, issuer: str | None) -> bool:
    if name in PATIENTS:
        return services.restrictions.patient(with_issuer(value, issuer)) in closed.patients
    finder = FINDERS.get(name)
    if finder is None:
        return False
    with services.database.read() as session:
        return not closed.patients.isdisjoint(finder(session, value))


def _of_study(session: Session, value: str) -> list[uuid.UUID | None]:
    return list(session.scalars(select(Study.patient_id).where(Study.study_instance_uid == value)))


def _ever_of_study(session: Session, value: str) -> set[uuid.UUID | None]:
    """The patients of a study: present, former, and those once requested, whatever became of the request; and those to
    whom a split gave images of it."""
    given = select(Split.patient_id).join(Modification, Modification.id == Split.modification_id)
    given = given.join(Study, Modification.study_id == Study.id).where(Study.study_instance_uid == value)
    return {*_past_of_study(session, value), *session.scalars(given)}


def _past_of_study(session: Session, value: str) -> set[uuid.UUID | None]:
    """Those whose values its files may have had; for a study that a split made, those of the former study too."""
    former = select(Modification.study_instance_uid).join(Split, Split.modification_id == Modification.id)
    sources = session.scalars(former.where(Split.target_study_instance_uid == value)).all()
    before = {one for source in sources for one in _past_of_study(session, source)}
    of_study = Study.study_instance_uid == value
    facts = select(StudyLink.patient_id).join(Study, StudyLink.study_id == Study.id).where(of_study)
    asked = select(Modification.link_before, Modification.link_after).join(Study, Modification.study_id == Study.id)
    links = [link for sides in session.execute(asked.where(of_study)) for link in sides if link is not None]
    return {*_of_study(session, value), *session.scalars(facts), *(link.patient_id for link in links), *before}


def _of_order(session: Session, value: str) -> list[uuid.UUID | None]:
    key = as_uuid(value)
    query = select(Order.patient_id).where((Order.accession_number == value) | (Order.id == key))
    return list(session.scalars(query))


def _of_upload(session: Session, value: str) -> list[uuid.UUID | None]:
    return list(session.scalars(select(DicomUploadLog.patient_id).where(DicomUploadLog.upload_id == as_uuid(value))))


def _of_study_of(model: type[DeletionRequest | Sending | Rejection]) -> Finder:
    """By the id of a row that belongs to a study."""
    query = select(Study.patient_id).join(model, model.study_id == Study.id)
    return lambda session, value: list(session.scalars(query.where(model.id == as_uuid(value))))


def _of_job(session: Session, value: str) -> list[uuid.UUID | None]:
    """For a split, and its undo, those of both studies."""
    of_study = select(Study.patient_id).join(Modification, Modification.study_id == Study.id)
    splits = select(Split.patient_id, Study.patient_id)
    splits = splits.join(Modification, Split.modification_id.in_((Modification.id, Modification.undoes_id)))
    splits = splits.outerjoin(Study, Study.id == Split.target_study_id)
    is_asked = Modification.id == as_uuid(value)
    of_split = [one for row in session.execute(splits.where(is_asked)) for one in row]
    return [*session.scalars(of_study.where(is_asked)), *of_split]


def _of_quarantine(session: Session, value: str) -> list[uuid.UUID | None]:
    return whom_it_names(session, as_uuid(value))


def _of_message(session: Session, value: str) -> list[uuid.UUID | None]:
    return list(session.scalars(select(ReceivedMessage.patient_id).where(ReceivedMessage.id == as_uuid(value))))


def _of_change(session: Session, value: str) -> list[uuid.UUID | None]:
    return list(session.scalars(select(IdentityChange.patient_id).where(IdentityChange.id == as_uuid(value))))


def _of_report(session: Session, value: str) -> list[uuid.UUID | None]:
    key = as_uuid(value)
    return [] if key is None else patients_of_report(session, key)


def _of_share(session: Session, value: str) -> list[uuid.UUID | None]:
    return list(session.scalars(select(Share.patient_id).where(Share.id == as_uuid(value))))


def _of_document(session: Session, value: str) -> list[uuid.UUID | None]:
    document = select(AttachedDocument.study_instance_uid).where(AttachedDocument.id == as_uuid(value))
    return list(session.scalars(select(Study.patient_id).where(Study.study_instance_uid.in_(document))))


FINDERS: Mapping[str, Finder] = {
    "study_uid": _of_study,
    "study_instance_uid": _of_study,
    "study": _of_study,
    "study_instance_uids": _of_study,
    "compare": _of_study,
    "order": _of_order,
    "accession_number": _of_order,
    "order_id": _of_order,
    "order_ids": _of_order,
    "upload_id": _of_upload,
    "deletion_id": _of_study_of(DeletionRequest),
    "modification_id": _of_job,
    "job_id": _of_job,
    "sending_id": _of_study_of(Sending),
    "quarantine_id": _of_quarantine,
    "rejection_id": _of_study_of(Rejection),
    "change_id": _of_change,
    "message_id": _of_message,
    "step_uid": patients_of,
    "report_id": _of_report,
    "document_id": _of_document,
    "share_id": _of_share,
}
