"""Patients as the EHR tells them: upsert by MRN, look up, search."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.models import Patient
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.matching import NAME_PARTS, HeaderIdentity
from ehr_bridge.services import audit
from ehr_bridge.services.asker import require_open
from ehr_bridge.services.audit import Event, Origin
from ehr_bridge.services.like import ESCAPE, escaped
from ehr_bridge.services.match_index import index_patient
from ehr_bridge.services.paging import Page, fetch_page
from ehr_bridge.services.restrictions import NOTHING, Closed, without
from ehr_bridge.services.study_index import index_studies_of_patient


@dataclass(frozen=True, slots=True)
class PatientData:
    """What an EHR may say of a patient; None is unknown (emergency patients)."""

    family_name: str | None
    given_name: str | None
    birth_date: date | None
    sex: str
    issuer: str | None
    middle_name: str | None = None
    prefix: str | None = None
    suffix: str | None = None


class Listener(Protocol):
    """Who must hear, within the transaction, what a patient says anew."""

    def patient_told(
        self, session: Session, patient: Patient, before: Mapping[str, Any] | None, origin: Origin, now: datetime
    ) -> None:
        """`before` is None for a new patient, else the former values of the fields that changed."""


class Patients:
    def __init__(self, database: Database, clock: Callable[[], datetime], listener: Listener) -> None:
        self._database = database
        self._clock = clock
        self._listener = listener

    def upsert(self, mrn: str, data: PatientData, origin: Origin) -> tuple[Patient, bool]:
        """The patient with that MRN, as `data` says; and whether it is new. Saying the same twice changes nothing.

        A number means nothing without who gave it. What is told without an issuer is of the issuer on record, and a
        record without one gets the first that is told.

        Raises:
            Conflict: the number is another issuer's, so of somebody else; or the record was merged into another.
        """
        now = self._clock()
        with self._database.write() as session:
            patient = session.scalar(select(Patient).where(Patient.mrn == mrn).with_for_update())
            created = patient is None
            if patient is not None and patient.merged_into_id is not None:
                raise Conflict("patient_merged", "This record was merged into another; change the one that survived.")
            if patient is not None:
                data = replace(data, issuer=_issuer(patient, data.issuer))
            if patient is None:
                patient = Patient(id=uuid.uuid4(), mrn=mrn, created_at=now, updated_at=now)
            changed = [name for name in PatientData.__slots__ if getattr(patient, name) != getattr(data, name)]
            if not changed and not created:
                return patient, False
            before = None if created else {name: getattr(patient, name) for name in changed}
            for name in changed:
                setattr(patient, name, getattr(data, name))
            patient.updated_at = now
            session.add(patient)
            if not created and set(NAME_PARTS) & set(changed):
                index_studies_of_patient(session, patient.id)
            index_patient(session, patient)
            action = "patient.created" if created else "patient.updated"
            audit.append(session, origin, Event(action, patient_id=patient.id, detail={"fields": changed}), now)
            self._listener.patient_told(session, patient, before, origin, now)
            return patient, created

    def get(self, id_or_mrn: str) -> Patient:
        """The record itself, also one that was merged into another. Raises NotFound."""
        with self._database.read() as session:
            return find_patient_record(session, id_or_mrn)

    def search(self, text: str, limit: int, offset: int, closed: Closed = NOTHING) -> Page[Patient]:
        """Patients whose MRN begins with `text` or whose names contain each of its words."""
        query = select(Patient).where(without(Patient.id, closed))
        query = query.order_by(Patient.family_name, Patient.given_name, Patient.middle_name, Patient.mrn)
        for word in text.replace(",", " ").replace("^", " ").split():
            pattern = escaped(word)
            query = query.where(
                or_(
                    Patient.mrn.ilike(f"{pattern}%", escape=ESCAPE),
                    Patient.family_name.ilike(f"%{pattern}%", escape=ESCAPE),
                    Patient.given_name.ilike(f"%{pattern}%", escape=ESCAPE),
                    Patient.middle_name.ilike(f"%{pattern}%", escape=ESCAPE),
                )
            )
        with self._database.read() as session:
            return fetch_page(session, query, limit, offset)


def _issuer(patient: Patient, told: str | None) -> str | None:
    """The issuer of a record that is told again.

    Raises:
        Conflict: another one is told; the two are two people with one number.
    """
    if told is None or (patient.issuer is not None and is_same_issuer(told, patient.issuer)):
        return patient.issuer
    if patient.issuer is not None:
        raise Conflict(
            "mrn_of_another_issuer",
            f"This MRN is on record as given by '{patient.issuer}': with another issuer it is another patient's. "
            "Nothing was changed.",
        )
    return told


def is_same_issuer(one: str, other: str) -> bool:
    """Whether two names of an assigning authority are one, apart from case and blanks around."""
    return one.strip().casefold() == other.strip().casefold()


def find_patient(session: Session, id_or_mrn: str) -> Patient:
    """The patient with that MRN, or else with that id; of a record that was merged, the one that survived.

    Raises:
        NotFound: there is neither.
        NotPermitted: whoever asks may not see this patient (`services.asker`).
    """
    return survivor_of(session, find_patient_record(session, id_or_mrn))


def survivor_of(session: Session, patient: Patient) -> Patient:
    """The record that stands for this one: itself, unless it was merged into another."""
    while patient.merged_into_id is not None:
        patient = session.get_one(Patient, patient.merged_into_id)
    return patient


def find_patient_record(session: Session, id_or_mrn: str) -> Patient:
    """The record with that MRN, or else with that id.

    Raises:
        NotFound: there is neither.
        NotPermitted: whoever asks may not see this patient (`services.asker`).
    """
    patient = session.scalar(select(Patient).where(Patient.mrn == id_or_mrn))
    if patient is None and (key := as_uuid(id_or_mrn)) is not None:
        patient = session.get(Patient, key)
    if patient is None:
        raise NotFound("patient_not_found", "No patient has this MRN or id; register the patient first.")
    require_open(patient.id)
    return patient


def mrns_of(session: Session, patient: Patient) -> list[str]:
    """The MRNs that stand for a record: its own, and those of all records that were merged into it."""
    merged = session.scalars(select(Patient).where(Patient.merged_into_id == patient.id)).all()
    return [patient.mrn, *(mrn for record in merged for mrn in mrns_of(session, record))]


def of_survivor(session: Session, identity: HeaderIdentity) -> HeaderIdentity:
    """What a header says, with the patient ID that stands for its own since a merge.

    The same number of another issuer is another number: it stays what it is.
    """
    record = session.scalar(select(Patient).where(Patient.mrn == identity.patient_id)) if identity.patient_id else None
    if record is None or record.merged_into_id is None:
        return identity
    issuer = identity.issuer_of_patient_id
    if issuer and record.issuer and not is_same_issuer(issuer, record.issuer):
        return identity
    survivor = survivor_of(session, record)
    if issuer and record.issuer:
        issuer = survivor.issuer or ""
    return replace(identity, patient_id=survivor.mrn, issuer_of_patient_id=issuer)


def as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
