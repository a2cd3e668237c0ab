"""Patients as the EHR sends them: upsert by issuer and MRN, find, search."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Key, Page, Position, Sorts, fetch_sorted, of_ids
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.errors import BridgeError, Conflict
from ehr_bridge.matching import NAME_PARTS
from ehr_bridge.matching.issuers import Authority, issuer_key, readings
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.identity.match_index import index_patients
from ehr_bridge.services.identity.merged_records import survivors
from ehr_bridge.services.identity.study_index import index_studies_of_patients
from ehr_bridge.services.registry.desk import EHR, Teller, Why, note_desk, note_ehr, require_reason, why
from ehr_bridge.services.registry.emergency import is_identified_by
from ehr_bridge.services.registry.numbers import (
    as_uuid,
    configured_issuer,
    find_patient_record,
    is_same_issuer,
    locked,
    look_up,
    patient_not_found,
    record_of_authority,
    record_of_the_one,
    with_issuer,
)
from ehr_bridge.services.registry.searching import BY_NAME, among_found, number_fits, person_fits
from ehr_bridge.services.registry.staleness import note_moment, require_newer
from ehr_bridge.services.visibility.asker import require_open
from ehr_bridge.services.visibility.restrictions import NOTHING, Closed, count_up, without

SORTS = Sorts(
    {
        "patient_name": (*BY_NAME, Key(Patient.mrn.expression)),
        "mrn": Key(Patient.mrn.expression),
        "birth_date": Key(Patient.birth_date.expression, date.fromisoformat),
        "created_at": Key(Patient.created_at.expression, datetime.fromisoformat),
        "updated_at": Key(Patient.updated_at.expression, datetime.fromisoformat),
    },
    "patient_name",
    of_ids(Patient.id.expression),
)


@dataclass(frozen=True, slots=True)
class PatientWish:
    """Which patients to find; None matches all."""

    text: str | None = None
    """Names, a birth date or part of an MRN (`searching.person_fits`), or of an order's accession number."""
    patient_id: uuid.UUID | None = None
    updated_since: datetime | None = None
    closed: Closed = NOTHING


@dataclass(frozen=True, slots=True)
class PatientData:
    """A patient's data from the EHR; None is unknown (emergency patients)."""

    family_name: str | None
    given_name: str | None
    birth_date: date | None
    sex: str
    issuer: str | None
    middle_name: str | None = None
    prefix: str | None = None
    suffix: str | None = None


@dataclass(frozen=True, slots=True)
class ToldPatient:
    """What the EHR, or the desk, tells of one patient."""

    mrn: str
    data: PatientData
    as_of: datetime | None = None
    """When it knew this (`staleness.require_newer`)."""
    teller: Teller = EHR


type Outcome[Row] = tuple[Row, bool] | BridgeError
"""What became of one upsert: the row, and whether it is new; or why it was refused."""


class Listener(Protocol):
    """Informed of changes of patients, within the transaction."""

    def patients_told(
        self,
        session: Session,
        told: Sequence[tuple[Patient, Mapping[str, Any] | None]],
        origin: Origin,
        now: datetime,
        whys: Mapping[uuid.UUID, Why] | None = None,
    ) -> None:
        """Each with the former values of its changed fields; None for a new patient. `whys`: why, by patient; those
        without one come from the EHR."""


@dataclass(frozen=True, slots=True)
class _Change:
    patient: Patient
    fields: list[str]
    before: Mapping[str, Any] | None
    shares_number: bool
    """Another issuer's patient has the same number."""
    teller: Teller
    settled: Sequence[str]
    """Fields in which the desk had differed from the EHR, until now."""

    @property
    def event(self) -> Event:
        action = "patient.created" if self.before is None else "patient.updated"
        said: dict[str, Any] = {"settled": self.settled} if self.settled else {}
        said |= {"reason": self.teller.reason} if self.teller.is_desk and self.teller.reason else {}
        return Event(action, patient_id=self.patient.id, detail={"fields": self.fields, **said})

    @property
    def why(self) -> Why:
        return why(self.teller, [name for name in self.settled if name in self.fields])


class Patients:
    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime],
        listener: Listener,
        authorities: tuple[Authority, ...] = (),
    ) -> None:
        """`authorities`: the issuers of MRNs, if there are several; none: all numbers are of one authority."""
        self._database = database
        self._clock = clock
        self._listener = listener
        self._authorities = authorities

    @property
    def authorities(self) -> tuple[Authority, ...]:
        """The issuers of MRNs; empty if there is only one."""
        return self._authorities

    def upsert(
        self, mrn: str, data: PatientData, origin: Origin, as_of: datetime | None = None, teller: Teller = EHR
    ) -> tuple[Patient, bool]:
        """Create or update the patient with that MRN; returns whether it is new. Repeating a call changes nothing.
        `as_of` is when the EHR knew this (`staleness.require_newer`).

        A number means nothing without its issuer. With several authorities each has its own patient for a number. With
        one, a number sent without issuer is that of the recorded issuer, and a record without issuer gets the first one
        sent.

        Raises:
            Conflict: the number is another issuer's, or the issuer cannot be determined; or the record was merged; or
                what was told last is newer.
            InvalidInput: with several authorities, the issuer is missing or none of them; or `as_of` lies ahead; or the
                desk gives no reason (`desk.require_reason`).
            NotPermitted: the caller may not see this patient (`visibility.asker`).
        """
        (outcome,) = self.upsert_all([ToldPatient(mrn, data, as_of, teller)], origin)
        if isinstance(outcome, BridgeError):
            raise outcome
        return outcome

    def upsert_all(self, told: Sequence[ToldPatient], origin: Origin) -> list[Outcome[Patient]]:
        """Like `upsert`, for several patients in one transaction; a refusal concerns its item only. Each MRN may come
        once."""
        now = self._clock()
        outcomes: list[Outcome[Patient]] = []
        changes: list[_Change] = []
        with self._database.write() as session:
            records: defaultdict[str, list[Patient]] = defaultdict(list)
            for record in locked(session, sorted(one.mrn for one in told)):
                records[record.mrn].append(record)
            for one in told:
                try:
                    patient, change = self._take(one, records[one.mrn], now)
                except BridgeError as refusal:
                    outcomes.append(refusal)
                    continue
                outcomes.append((patient, change is not None and change.before is None))
                changes += [] if change is None else [change]
            if changes:
                self._write(session, changes, origin, now)
        return outcomes

    def _take(self, told: ToldPatient, records: Sequence[Patient], now: datetime) -> tuple[Patient, _Change | None]:
        """Set what was told on the record, if it differs. Whatever refuses it does so before anything is set."""
        data = told.data
        if self._authorities:
            data = replace(data, issuer=configured_issuer(self._authorities, data.issuer))
        patient = self._told(records, data.issuer)
        is_new = patient is None
        if patient is not None and patient.merged_into_id is not None:
            raise Conflict("patient_merged", "This record was merged into another; change the surviving record.")
        if patient is not None and patient.issuer is not None:
            data = replace(data, issuer=patient.issuer)
        if patient is None:
            patient = Patient(id=uuid.uuid4(), mrn=told.mrn, created_at=now, registered_here=told.teller.is_desk)
        require_newer(patient, told.as_of, now)
        changed = [name for name in PatientData.__slots__ if getattr(patient, name) != getattr(data, name)]
        if not is_new:
            require_reason(patient, told.teller, changed)
        note_moment(patient, told.as_of)
        before = {name: getattr(patient, name) for name in changed}
        for name in changed:
            setattr(patient, name, getattr(data, name))
        settled = _note_teller(patient, told.teller, before)
        if is_identified_by(patient, changed):
            patient.is_unidentified, before["is_unidentified"] = False, True
        if not changed and not settled and not is_new:
            return patient, None
        change = _Change(patient, changed, None if is_new else before, is_new and bool(records), told.teller, settled)
        return patient, change

    def _write(self, session: Session, changes: Sequence[_Change], origin: Origin, now: datetime) -> None:
        session.add_all([change.patient for change in changes])
        if renamed := [
            change.patient.id for change in changes if change.before and not change.before.keys().isdisjoint(NAME_PARTS)
        ]:
            index_studies_of_patients(session, renamed)
        index_patients(session, [change.patient for change in changes])
        audit.append_all(session, origin, [change.event for change in changes], now)
        told = [(change.patient, change.before) for change in changes if change.before is None or change.before]
        whys = {change.patient.id: change.why for change in changes}
        if told:
            self._listener.patients_told(session, told, origin, now, whys)
        if any(change.shares_number for change in changes):
            count_up(session)  # the number alone no longer identifies a patient who may be restricted

    def told(self, mrn: str, issuer: str | None) -> Patient | None:
        """The patient whom `upsert` would update; None when it would create one. Raises like `upsert`."""
        if self._authorities:
            issuer = configured_issuer(self._authorities, issuer)
        return self._told(look_up(self._database, mrn), issuer)

    def number_of(self, text: str, issuer: str | None) -> tuple[str, str | None]:
        """Number and issuer of the record with that id; other text is a number. Raises Conflict and NotPermitted."""
        key = as_uuid(text)
        with self._database.look() as session:
            patient = None if key is None else session.get(Patient, key)
        if patient is None:
            return text, issuer
        require_open(patient.id)
        if issuer and patient.issuer and not is_same_issuer(issuer, patient.issuer):
            raise Conflict("mrn_of_another_issuer", "This patient's number is another issuer's.")
        return patient.mrn, patient.issuer or issuer

    def _told(self, records: Sequence[Patient], issuer: str | None) -> Patient | None:
        patient = record_of_authority(records, str(issuer)) if self._authorities else record_of_the_one(records, issuer)
        require_open(None if patient is None else patient.id)
        return patient

    def named(self, id_or_mrn: str, issuer: str | None) -> str:
        """A number with its issuer, as `find_patient` takes it. Raises InvalidInput when, with several authorities, the
        issuer is none of them."""
        if issuer is not None and self._authorities:
            issuer = configured_issuer(self._authorities, issuer)
        return with_issuer(id_or_mrn, issuer)

    def certain(self, id_or_mrn: str, issuer: str | None = None) -> str:
        """Like `named`, for changes of a patient: with several authorities a number alone is not enough, even if only
        one patient has it so far. Raises InvalidInput when the issuer is then missing or none of them."""
        name = self.named(id_or_mrn, issuer)
        keys = {issuer_key(one.name) for one in self._authorities}
        if keys and as_uuid(name) is None and not any(key in keys for key, _ in readings(name)):
            configured_issuer(self._authorities, None)
        return name

    def certain_if_any(self, id_or_mrn: str | None) -> str | None:
        """Like `certain`, if there is a number."""
        return None if id_or_mrn is None else self.certain(id_or_mrn)

    def get(self, id_or_mrn: str) -> Patient:
        """The record itself, even if it was merged into another. Raises NotFound."""
        with self._database.read() as session:
            return find_patient_record(session, id_or_mrn)

    def records(self, id_or_mrn: str) -> frozenset[uuid.UUID]:
        """Every record of that person: the named one and those it was merged with. Raises NotFound."""
        with self._database.read() as session:
            return frozenset(survivors(session, [find_patient_record(session, id_or_mrn).id]))

    def records_of_id(self, patient_id: uuid.UUID) -> frozenset[uuid.UUID]:
        """The same by id, whether or not the caller may see the patient. Raises NotFound."""
        with self._database.read() as session:
            if session.get(Patient, patient_id) is None:
                raise patient_not_found()
            return frozenset(survivors(session, [patient_id]))

    def search(
        self, wish: PatientWish, limit: int, offset: int, after: Position | None = None, sort: str | None = None
    ) -> Page[Patient]:
        """The patients who pass every filter; by name unless asked otherwise, those without one first. Raises
        InvalidInput when the list cannot be sorted like that or has no position `after`."""
        query = select(Patient).where(without(Patient.id, wish.closed))
        if wish.patient_id is not None:
            query = query.where(Patient.id == wish.patient_id)
        if wish.updated_since is not None:
            query = query.where(Patient.updated_at >= wish.updated_since)
        with self._database.read() as session:
            if wish.text:
                number = number_fits(Order.accession_number.expression, wish.text.strip())
                persons, of_orders = select(Patient.id).where(person_fits(wish.text)), select(Order.patient_id)
                found = among_found(session, Patient.id.expression, persons, of_orders.where(number))
                query = query.where(found)
            return fetch_sorted(session, query, SORTS.chosen(sort), limit, offset, after)


def _note_teller(patient: Patient, teller: Teller, before: Mapping[str, Any]) -> list[str]:
    """What follows of who it was that said it; returns the fields in which the desk had differed until now."""
    if teller.is_desk:
        note_desk(patient, before)
        return []
    settled = note_ehr(patient, teller.said)
    patient.registered_here = False
    return settled
