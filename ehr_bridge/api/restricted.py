"""Keeps callers away from restricted patients on every route that names one: in its path, its query or its body.

Works by the names of parameters, so that a new route is covered when it uses the names that all routes use. Lists are
narrowed where they are made (`ehr_bridge.services.restrictions.without`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.auth.caller import Caller
from ehr_bridge.db.deletions import DeletionRequest
from ehr_bridge.db.identity_changes import IdentityChange
from ehr_bridge.db.models import Order, Study, StudyLink
from ehr_bridge.db.modifications import Modification
from ehr_bridge.db.uploads import DicomUploadLog
from ehr_bridge.errors import NotPermitted
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.links import as_id
from ehr_bridge.services.patients import as_uuid
from ehr_bridge.services.quarantine_desk import whom_it_names
from ehr_bridge.services.restrictions import Closed

BRINGING = frozenset({"/api/v1/dicom/upload", "/api/v1/dicom/upload-multiple", "/api/v1/dicom/upload-zip"})
"""Whoever brings images may name for whom; that is no look at anybody."""

type Finder = Callable[[Session, str], list[uuid.UUID | None]]


def require_open(services: Services, caller: Caller, path: str, named: Mapping[str, Any]) -> None:
    """Refuse what names a patient that the caller may not see. Free of charge when there is none.

    Raises:
        NotPermitted `patient_restricted`.
    """
    closed = services.restrictions.closed_to(caller)
    if not closed.patients or path in BRINGING or path.startswith("/api/v1/access/"):
        return
    for name, values in named.items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str) and _is_closed(services, closed, name, value.strip()):
                raise NotPermitted(
                    "patient_restricted",
                    "This patient is restricted to named people. In an emergency, break the glass and say why.",
                )


def require_past_open(services: Services, closed: Closed, study_instance_uid: str) -> None:
    """Refuse what tells whose a study was, when it was, or was asked to be, a patient's whom the caller may not see.

    Raises:
        NotPermitted `patient_restricted`.
    """
    if not closed.patients:
        return
    with services.database.read() as session:
        if closed.patients.isdisjoint(_ever_of_study(session, study_instance_uid)):
            return
    raise NotPermitted(
        "patient_restricted",
        "What this study said before is of a patient who is restricted to named people.",
    )


def _is_closed(services: Services, closed: Closed, name: str, value: str) -> bool:
    if name in {"patient_id", "id_or_mrn", "mrn", "into"}:
        return services.restrictions.patient(value) in closed.patients
    finder = FINDERS.get(name)
    if finder is None:
        return False
    with services.database.read() as session:
        return not closed.patients.isdisjoint(finder(session, value))


def _of_study(session: Session, value: str) -> list[uuid.UUID | None]:
    return list(session.scalars(select(Study.patient_id).where(Study.study_instance_uid == value)))


def _ever_of_study(session: Session, value: str) -> set[uuid.UUID | None]:
    """Whose the study is and was, and whose it was asked to be, whatever became of that."""
    of_study = Study.study_instance_uid == value
    facts = select(StudyLink.patient_id).join(Study, StudyLink.study_id == Study.id).where(of_study)
    asked = select(Modification.link_before, Modification.link_after).join(Study, Modification.study_id == Study.id)
    links = [link for sides in session.execute(asked.where(of_study)) for link in sides if link is not None]
    return {*_of_study(session, value), *session.scalars(facts), *(as_id(link["patient_id"]) for link in links)}


def _of_order(session: Session, value: str) -> list[uuid.UUID | None]:
    key = as_uuid(value)
    query = select(Order.patient_id).where((Order.accession_number == value) | (Order.id == key))
    return list(session.scalars(query))


def _of_upload(session: Session, value: str) -> list[uuid.UUID | None]:
    return list(session.scalars(select(DicomUploadLog.patient_id).where(DicomUploadLog.upload_id == as_uuid(value))))


def _of_deletion(session: Session, value: str) -> list[uuid.UUID | None]:
    query = select(Study.patient_id).join(DeletionRequest, DeletionRequest.study_id == Study.id)
    return list(session.scalars(query.where(DeletionRequest.id == as_uuid(value))))


def _of_modification(session: Session, value: str) -> list[uuid.UUID | None]:
    query = select(Study.patient_id).join(Modification, Modification.study_id == Study.id)
    return list(session.scalars(query.where(Modification.id == as_uuid(value))))


def _of_quarantine(session: Session, value: str) -> list[uuid.UUID | None]:
    return whom_it_names(session, as_uuid(value))


def _of_change(session: Session, value: str) -> list[uuid.UUID | None]:
    return list(session.scalars(select(IdentityChange.patient_id).where(IdentityChange.id == as_uuid(value))))


FINDERS: Mapping[str, Finder] = {
    "study_uid": _of_study,
    "study_instance_uid": _of_study,
    "study_instance_uids": _of_study,
    "compare": _of_study,
    "id_or_accession_number": _of_order,
    "accession_number": _of_order,
    "accession": _of_order,
    "order_id": _of_order,
    "upload_id": _of_upload,
    "deletion_id": _of_deletion,
    "modification_id": _of_modification,
    "job_id": _of_modification,
    "quarantine_id": _of_quarantine,
    "change_id": _of_change,
}
