"""Finds patients by id, by MRN, or by issuer and MRN.

Issuer and MRN identify a patient. A number that patients of several issuers have identifies none without its issuer.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from ehr_bridge.db.database import Database
from ehr_bridge.db.like import escaped, like_any_case
from ehr_bridge.db.rows import Among
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.errors import Conflict, InvalidInput, NotFound
from ehr_bridge.matching import HeaderIdentity
from ehr_bridge.matching.issuers import BETWEEN, Authority, authority_named, issuer_key, readings
from ehr_bridge.services.visibility.asker import require_open

MOST_NAMED = 10
"""Authorities listed in the answer to an ambiguous number."""
OF_NUMBERS = select(Patient).where(Among(Patient.mrn, "numbers"))
"""The records with these `numbers`."""
_LOCKED = OF_NUMBERS.with_for_update()
_JUST_READ = "records_of_the_last_number"
_OF_IDS = select(Patient).where(Among(Patient.id, "ids"))


def look_up(database: Database, number: str) -> Sequence[Patient]:
    """The records with that number; within `together` for `locked`, which follows."""
    with database.look() as session:
        just_read: tuple[str, Sequence[Patient]] | None = session.info.get(_JUST_READ)
        if just_read is not None and just_read[0] == number:
            return just_read[1]
        records = session.scalars(OF_NUMBERS, {"numbers": [number]}).all()
        if database.is_joined:
            note_records(session, number, records)
    return records


def note_records(session: Session, number: str, records: Sequence[Patient]) -> None:
    """These are the records with that number, as this transaction has read them in the writer's turn; until one is
    registered or changed (`locked`)."""
    session.info[_JUST_READ] = (number, records)


def locked(session: Session, numbers: Sequence[str]) -> Sequence[Patient]:
    """The records with these numbers, to be changed. They are as they were looked up just before, because the writer's
    turn has not ended since."""
    just_read: tuple[str, Sequence[Patient]] | None = session.info.pop(_JUST_READ, None)
    if just_read is not None and [just_read[0]] == numbers:
        return just_read[1]
    return session.scalars(_LOCKED, {"numbers": numbers}).all()


def keeps_its_spelling(number: str) -> bool:
    """Whether a number arrives in an address as it was sent, or not at all.

    Orthanc's server normalises the decoded path: `A%2F`, `%2FA`, `A.` and `B%2F..%2FA` all arrive as `A`, which is
    another number. A slash inside (`2026/17`) makes another path, so it reaches nobody (docs/adr/0041).
    """
    return not number.endswith(".") and not {"", ".", ".."} & set(number.split("/"))


def with_issuer(id_or_mrn: str, issuer: str | None) -> str:
    """A number with its issuer, as one text; an id needs no issuer."""
    return id_or_mrn if issuer is None or as_uuid(id_or_mrn) is not None else f"{issuer}{BETWEEN}{id_or_mrn}"


def is_same_issuer(one: str, other: str) -> bool:
    """Whether two names of an assigning authority are equal without case and surrounding blanks."""
    return issuer_key(one) == issuer_key(other)


def find_patient(session: Session, id_or_mrn: str) -> Patient:
    """Like `find_patient_record`, but of a merged record the survivor."""
    return survivor_of(session, find_patient_record(session, id_or_mrn))


def survivor_of(session: Session, patient: Patient) -> Patient:
    """The surviving record: itself, unless it was merged into another."""
    while patient.merged_into_id is not None:
        patient = session.get_one(Patient, patient.merged_into_id)
    return patient


def find_patient_record(session: Session, id_or_mrn: str) -> Patient:
    """The record with that id, or else with that MRN; `ISSUER|MRN` is the number of one authority.

    Raises:
        NotFound: there is neither.
        Conflict: several patients have the number, from different authorities.
        NotPermitted: the caller may not see this patient (`visibility.asker`).
    """
    return NamedPatients(session, [id_or_mrn]).find_record(id_or_mrn)


def patient_not_found() -> NotFound:
    return NotFound("patient_not_found", "No patient has this MRN or id; register the patient first.")


def record_of_number(session: Session, text: str) -> Patient | None:
    """The record with this MRN, alone or after its issuer (`ISSUER|MRN`). Raises Conflict when several patients have
    the number, from different authorities."""
    return NamedPatients(session, [text]).record_of_number(text)


class NamedPatients:
    """The records that some texts name, read at once."""

    def __init__(self, session: Session, texts: Iterable[str]) -> None:
        ids = {key: text for text in texts if (key := as_uuid(text)) is not None}
        here = {key: session.identity_map.get(identity_key(Patient, key)) for key in ids}
        self._of_ids = {key: record for key, record in here.items() if isinstance(record, Patient)}
        if asked := sorted(ids.keys() - self._of_ids.keys()):
            self._of_ids |= {record.id: record for record in session.scalars(_OF_IDS, {"ids": asked})}
        self._records: defaultdict[str, list[Patient]] = defaultdict(list)
        numbers = {mrn for text in texts if as_uuid(text) not in self._of_ids for _, mrn in readings(text)}
        for record in session.scalars(OF_NUMBERS, {"numbers": sorted(numbers)}) if numbers else ():
            self._records[record.mrn].append(record)

    def find_record(self, id_or_mrn: str) -> Patient:
        """Like `find_patient_record`."""
        key = as_uuid(id_or_mrn)
        patient = self._of_ids.get(key) if key is not None else None
        if patient is None:
            patient = self.record_of_number(id_or_mrn)
        if patient is None:
            raise patient_not_found()
        require_open(patient.id)
        return patient

    def record_of_number(self, text: str) -> Patient | None:
        """Like the function of that name."""
        records = {
            record.id: record
            for issuer, mrn in readings(text)
            for record in self._records[mrn]
            if issuer in (None, record.issuer_key)
        }
        if len(records) > 1:
            raise ambiguous([*records.values()])
        return next(iter(records.values()), None)


def number_begins(text: str) -> list[ColumnElement[bool]]:
    """Conditions on Patient for a search: each issuer and beginning of an MRN that a text may mean (`ISSUER|MRN`)."""
    named = [(issuer, mrn) for issuer, mrn in readings(text) if issuer is not None]
    return [
        (Patient.issuer_key == issuer) & like_any_case(Patient.mrn.expression, f"{escaped(mrn)}%")
        for issuer, mrn in named
    ]


def ambiguous(records: Sequence[Patient]) -> Conflict:
    """The refusal of a number that several patients have."""
    named = sorted(f"'{record.issuer}'" if record.issuer else "nobody named" for record in records)
    names = ", ".join(named[:MOST_NAMED])
    return Conflict(
        "mrn_ambiguous",
        f"Several patients have this MRN, given by {names}. Name the patient by id, or the number with its "
        "issuer: ISSUER|MRN, or `issuer` in the query of a GET or in the body.",
    )


def mrns_of(session: Session, patient: Patient) -> list[str]:
    """The MRNs of a record: its own, and those of all records that were merged into it."""
    merged = session.scalars(select(Patient).where(Patient.merged_into_id == patient.id)).all()
    return [patient.mrn, *(mrn for record in merged for mrn in mrns_of(session, record))]


def of_survivor(session: Session, identity: HeaderIdentity, known: Sequence[Patient] | None = None) -> HeaderIdentity:
    """A header's identity, with the patient ID that replaces its own since a merge.

    The same number of another issuer is another number, and stays as it is. So does one that several patients have,
    where the header has no issuer. `known` are its `records_of`, if they were already read.
    """
    records = records_of(session, identity) if known is None else known
    if len(records) != 1 or records[0].merged_into_id is None:
        return identity
    record = records[0]
    survivor = survivor_of(session, record)
    issuer = identity.issuer_of_patient_id
    if issuer and record.issuer:
        issuer = survivor.issuer or ""
    return replace(identity, patient_id=survivor.mrn, issuer_of_patient_id=issuer)


def records_of(session: Session, identity: HeaderIdentity) -> list[Patient]:
    """The records, including merged ones, with exactly this number, as far as the header gives the issuer."""
    if not identity.patient_id:
        return []
    records = session.scalars(select(Patient).where(Patient.mrn == identity.patient_id)).all()
    issuer = identity.issuer_of_patient_id
    return [one for one in records if not issuer or not one.issuer or is_same_issuer(issuer, one.issuer)]


def as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def configured_issuer(authorities: Iterable[Authority], told: str | None) -> str:
    """The site's name of an authority. Raises InvalidInput when none is given, or none of the site's."""
    names = ", ".join(one.name for one in authorities)
    if told is None:
        message = f"say who gave the number: {names}"
        detail = f"Several authorities give numbers here; {message}."
        raise InvalidInput("issuer_required", detail, (("issuer", message),))
    found = authority_named(authorities, told)
    if found is None:
        message = f"one of {names}"
        detail = f"No such authority is configured here; use {message}."
        raise InvalidInput("issuer_not_configured", detail, (("issuer", message),))
    return found.name


def record_of_authority(records: Sequence[Patient], issuer: str) -> Patient | None:
    """The record of a number of this authority; None when there is none yet. Raises Conflict when the issuer of a
    recorded number is unknown, so that it may be this one."""
    if any(record.issuer is None for record in records):
        raise Conflict(
            "mrn_without_issuer",
            "This recorded MRN has no issuer yet: an administrator must assign one first. Nothing was changed.",
        )
    return next((record for record in records if is_same_issuer(issuer, record.issuer or "")), None)


def record_of_the_one(records: Sequence[Patient], told: str | None) -> Patient | None:
    """The record of a number at a site with one authority; None when there is none yet. Raises Conflict when another
    issuer is given, so somebody else is meant; or several have the number from former authorities."""
    if told is not None and (same := [one for one in records if is_same_issuer(told, one.issuer or "")]):
        return same[0]
    if len(records) > 1:
        raise ambiguous(records)
    record = records[0] if records else None
    if record is not None and told is not None and record.issuer is not None:
        raise Conflict(
            "mrn_of_another_issuer",
            f"This recorded MRN was issued by '{record.issuer}': with another issuer it is another patient's. "
            "Nothing was changed.",
        )
    return record
