"""Keys with which candidates are found and values counted, without reading every patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from ehr_bridge.matching.dates import digits_of, parse_da, swapped
from ehr_bridge.matching.ids import plain_id
from ehr_bridge.matching.model import NAME_PARTS, HeaderIdentity, PatientFacts
from ehr_bridge.matching.names import drawn_together
from ehr_bridge.matching.person_names import PersonName, read_names, sound

KEY_LENGTH = 80
MOST_PAIRS = 9
"""Pairs of words of one name that become keys; no person's name has more."""
EVERYBODY = ""
"""The key that every patient has: its count is the size of the population."""


def patient_keys(patient: PatientFacts) -> set[str]:
    """The keys stored for a patient: those that find it (`header_keys`), and those that are counted
    (`asked_values`)."""
    name = known_name(patient)
    keys = {EVERYBODY, *_name_keys([name])}
    keys |= {f"f:{word}" for word in name.family} | {f"g:{word}" for word in name.given}
    keys |= number_key(patient.mrn)
    if patient.birth_date is not None:
        keys.add(f"d:{patient.birth_date:%Y%m%d}")
    return {key[:KEY_LENGTH] for key in keys}


def is_counted(key: str) -> bool:
    """Whether the number of patients with this key is informative; an MRN belongs to one."""
    return not key.startswith("i:")


def header_keys(header: HeaderIdentity) -> set[str]:
    """The keys that a header asks for; a patient who shares any of them is a candidate.

    The plain MRN, the date of birth (as it is, and with day and month swapped), and the sound of each pair of family
    and given name, in any order.
    """
    keys = number_key(header.patient_id)
    if digits_of(header.patient_birth_date):
        keys.add(f"d:{digits_of(header.patient_birth_date)}")
    born = parse_da(header.patient_birth_date)
    if born is not None and (other := swapped(born)) is not None:
        keys.add(f"d:{other:%Y%m%d}")
    keys.update(_name_keys(read_names(header.patient_name)))
    return {key[:KEY_LENGTH] for key in keys}


def finding_keys(patient: PatientFacts) -> set[str]:
    """The `patient_keys` that a header asks for."""
    return {key for key in patient_keys(patient) if key.startswith(("i:", "d:", "n:"))}


def study_keys(header: HeaderIdentity) -> set[str]:
    """The keys that find a waiting study when a patient or order changes: `header_keys` and order numbers."""
    ids = [header.scheduled_procedure_step_id, header.requested_procedure_id]
    for one in header.requests:
        ids += [one.accession_number, one.scheduled_procedure_step_id, one.requested_procedure_id]
    return header_keys(header) | order_keys(header.study_instance_uid, header.accession_number, *ids)


def order_keys(*numbers: str | None) -> set[str]:
    """Numbers and UIDs of an order, or those in a header, without case, blanks and leading zeros."""
    plain = {(number or "").strip().casefold().lstrip("0") for number in numbers} - {""}
    return {f"o:{number}"[:KEY_LENGTH] for number in plain}


def number_key(mrn: str) -> set[str]:
    """The key of an MRN alone."""
    return {f"i:{plain_id(mrn)}"[:KEY_LENGTH]} if plain_id(mrn) else set()


def known_name(patient: PatientFacts) -> PersonName:
    """The patient's name in the EHR."""
    return PersonName.of(*(getattr(patient, part) or "" for part in NAME_PARTS))


def asked_values(header: HeaderIdentity) -> set[str]:
    """The values of a header whose counts the match needs, in either place of the name."""
    names = read_names(header.patient_name)
    words = {word for name in names for word in (*name.family, *name.given)}
    words |= {drawn_together(word) for word in words} | {long for name in names for _, long in name.spelled}
    values = {f"{place}:{word}" for word in words for place in "fg"}
    return {EVERYBODY, *values, *filter(is_counted, header_keys(header))}


def _name_keys(names: Iterable[PersonName]) -> Iterator[str]:
    for name in names:
        pairs = list(product(name.family, name.given))[:MOST_PAIRS]
        for family, given in pairs:
            yield "n:" + " ".join(sorted((sound(family), sound(given))))
