"""The matcher: it never guesses."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_bridge.matching import HeaderIdentity, MatchKind, OrderFacts, PatientFacts, match_study
from ehr_bridge.matching.compare import name_parts, parse_da

ASA = PatientFacts(uuid.uuid4(), "MRN-1", None, "Lindqvist", "Åsa", date(1961, 3, 14), "female")
ORDER = OrderFacts(uuid.uuid4(), "ACC-1", "2.25.1", False, ASA)
OTHER = OrderFacts(uuid.uuid4(), "ACC-2", "2.25.2", False, replace(ASA, id=uuid.uuid4(), mrn="MRN-2"))
HEADER = HeaderIdentity("1.2.3", "ACC-1", "MRN-1", "", "LINDQVIST^ASA", "19610314", "F")


def test_accession_number_and_patient_agree_is_exact() -> None:
    """The ordinary case."""
    match = match_study(HEADER, [ORDER])
    assert (match.kind, match.order_id, match.patient_id) == (MatchKind.EXACT, ORDER.id, ASA.id)
    assert match.score == 1.0
    assert all(e.detail for e in match.evidence)


def test_study_uid_given_to_the_order_and_patient_agree_is_exact() -> None:
    """A modality that took its UID from the worklist but lost the accession number."""
    header = replace(HEADER, accession_number="", study_instance_uid="2.25.1")
    assert match_study(header, [ORDER]).kind is MatchKind.EXACT


def test_no_patient_id_but_name_and_birth_date_agree_is_exact() -> None:
    """An ID that is missing is not an ID that is wrong."""
    assert match_study(replace(HEADER, patient_id=""), [ORDER]).kind is MatchKind.EXACT


@pytest.mark.parametrize(
    "changes",
    [
        {"patient_id": "MRN-9", "patient_name": "SOMEBODY^ELSE"},
        {"patient_id": "MRN-9", "patient_birth_date": "19900101"},
        {"patient_name": "SOMEBODY^ELSE", "patient_birth_date": "19900101"},
        {"patient_id": "", "patient_name": "SOMEBODY^ELSE"},
        {"patient_id": "MRN-9", "patient_name": "", "patient_birth_date": "", "patient_sex": ""},
    ],
)
def test_accession_number_of_another_person_is_ambiguous(changes: dict[str, str]) -> None:
    """A key whose patient disagrees is never linked."""
    assert match_study(replace(HEADER, **changes), [ORDER]).kind is MatchKind.AMBIGUOUS


@pytest.mark.parametrize(
    "changes",
    [
        {"patient_id": "MRN-9"},
        {"patient_birth_date": "19610315"},
        {"patient_sex": "M"},
        {"patient_name": "OTHER^NAME"},
        {"study_instance_uid": "2.25.1", "accession_number": "ACC-7"},
    ],
)
def test_one_disagreement_is_probable_and_left_to_a_person(changes: dict[str, str]) -> None:
    """A typing error looks like this; so does a brother."""
    assert match_study(replace(HEADER, **changes), [ORDER]).kind is MatchKind.PROBABLE


def test_keys_that_point_to_two_orders_are_ambiguous_and_name_none() -> None:
    """Study UID of one order, accession number of another."""
    match = match_study(replace(HEADER, study_instance_uid="2.25.2"), [ORDER, OTHER])
    assert (match.kind, match.order_id) == (MatchKind.AMBIGUOUS, None)


def test_cancelled_order_is_ambiguous() -> None:
    """Images for an order that should not exist need a person."""
    assert match_study(HEADER, [replace(ORDER, is_cancelled=True)]).kind is MatchKind.AMBIGUOUS


def test_patient_without_order_is_only_probable() -> None:
    """The right MRN alone links nothing."""
    match = match_study(HEADER, [], [ASA])
    assert (match.kind, match.order_id, match.patient_id) == (MatchKind.PROBABLE, None, ASA.id)


def test_mrn_of_somebody_with_another_name_is_ambiguous() -> None:
    """An ID that points to somebody else's name is never linked."""
    assert match_study(replace(HEADER, patient_name="OTHER^NAME"), [], [ASA]).kind is MatchKind.AMBIGUOUS


def test_same_mrn_of_another_issuer_is_a_disagreement() -> None:
    """A number means nothing without who gave it."""
    order = replace(ORDER, patient=replace(ASA, issuer="HOSPITAL-A"))
    assert match_study(replace(HEADER, issuer_of_patient_id="HOSPITAL-B"), [order]).kind is MatchKind.PROBABLE


def test_nothing_known_is_none() -> None:
    """A study from outside."""
    assert match_study(HEADER, []).kind is MatchKind.NONE


def test_names_are_compared_without_case_accents_order_and_punctuation() -> None:
    """Müller^Anna-Lena is ANNA LENA MULLER."""
    assert name_parts("Müller^Anna-Lena") == name_parts("ANNA LENA MULLER") == {"muller", "anna", "lena"}
    assert name_parts("Yamada^Tarou=山田^太郎=やまだ^たろう") == {"yamada", "tarou"}


@pytest.mark.parametrize("text", ["", "1961", "19611332", "UNKNOWN", "1961031４"])
def test_birth_dates_that_are_none_are_silent_not_wrong(text: str) -> None:
    """Real headers hold many things."""
    assert parse_da(text) is None


text_values = st.sampled_from(["", "MRN-1", "MRN-2", "X"])
identities = st.builds(
    HeaderIdentity,
    study_instance_uid=st.sampled_from(["1.2", "2.25.1", "2.25.2"]),
    accession_number=st.sampled_from(["", "ACC-1", "ACC-2", "ACC-9"]),
    patient_id=text_values,
    issuer_of_patient_id=st.sampled_from(["", "A", "B"]),
    patient_name=st.sampled_from(["", "LINDQVIST^ASA", "Lindqvist", "X^Y"]),
    patient_birth_date=st.sampled_from(["", "19610314", "19620314", "bad"]),
    patient_sex=st.sampled_from(["", "F", "M", "O"]),
)


@given(identities, st.permutations([ORDER, OTHER]))
def test_the_verdict_does_not_depend_on_the_order_of_candidates(
    header: HeaderIdentity, orders: list[OrderFacts]
) -> None:
    """Whichever row the database returns first."""
    assert match_study(header, orders) == match_study(header, list(reversed(orders)))


@given(identities)
def test_exact_is_never_said_against_a_contradiction(header: HeaderIdentity) -> None:
    """Whatever the header holds: exact means that no comparison disagrees."""
    match = match_study(header, [ORDER])
    if match.kind is MatchKind.EXACT:
        assert all(e.agrees is not False for e in match.evidence)
        assert header.patient_id == ASA.mrn or (header.patient_id == "" and header.patient_name)


@given(identities)
def test_two_orders_are_never_exact(header: HeaderIdentity) -> None:
    """Two candidates are a question, not an answer."""
    assert match_study(header, [ORDER, OTHER]).kind is MatchKind.AMBIGUOUS
