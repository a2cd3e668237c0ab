"""The matcher: it never guesses."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ehr_bridge.matching import (
    Basis,
    HeaderIdentity,
    MatchKind,
    OrderFacts,
    PatientFacts,
    Population,
    Rules,
    add_order,
    match_study,
)
from ehr_bridge.matching.dates import parse_da
from tests.unit.order_steps import with_step

ASA = PatientFacts(uuid.uuid4(), "MRN-1", None, "Lindqvist", "Åsa", date(1961, 3, 14), "female")
ORDER = OrderFacts(uuid.uuid4(), "ACC-1", "2.25.1", False, ASA)
OTHER = OrderFacts(uuid.uuid4(), "ACC-2", "2.25.2", False, replace(ASA, id=uuid.uuid4(), mrn="MRN-2"))
TWIN = replace(ASA, id=uuid.uuid4(), mrn="MRN-8", given_name="Svea")
BOLD = Rules(automatic=Basis.DEMOGRAPHICS)
HEADER = HeaderIdentity("1.2.3", "ACC-1", "MRN-1", "", "LINDQVIST^ASA", "19610314", "F")
WALK_IN = replace(HEADER, accession_number="")


def test_accession_number_and_patient_agree_is_exact() -> None:
    """The ordinary case."""
    match = match_study(HEADER, [ORDER])
    assert (match.kind, match.order_id, match.patient_id) == (MatchKind.EXACT, ORDER.id, ASA.id)
    assert (match.score, match.basis, match.is_automatic) == (1.0, Basis.ORDER, True)
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
def test_accession_number_of_another_person_is_ambiguous(changes: dict[str, Any]) -> None:
    """A key whose patient disagrees is never linked."""
    assert match_study(replace(HEADER, **changes), [ORDER]).kind is MatchKind.AMBIGUOUS


@pytest.mark.parametrize(
    "changes",
    [
        {"patient_id": "MRN-9"},
        {"patient_birth_date": "19550727"},
        {"patient_sex": "M"},
        {"patient_name": "OTHER^NAME"},
    ],
)
def test_one_disagreement_is_probable_and_left_to_a_person(changes: dict[str, Any]) -> None:
    """A typing error looks like this; so does a brother."""
    assert match_study(replace(HEADER, **changes), [ORDER]).kind is MatchKind.PROBABLE


def test_keys_that_point_to_two_orders_are_ambiguous_and_name_none() -> None:
    """Study UID of one order, accession number of another."""
    match = match_study(replace(HEADER, study_instance_uid="2.25.2"), [ORDER, OTHER])
    assert (match.kind, match.order_id) == (MatchKind.AMBIGUOUS, None)


def test_cancelled_order_is_ambiguous() -> None:
    """Images for an order that should not exist need a person."""
    assert match_study(HEADER, [replace(ORDER, is_cancelled=True)]).kind is MatchKind.AMBIGUOUS


def test_mrn_name_and_birth_date_of_a_patient_without_order_are_exact() -> None:
    """The patient is certain, and there is no order to answer."""
    match = match_study(WALK_IN, [], [ASA])
    assert (match.kind, match.order_id, match.patient_id) == (MatchKind.EXACT, None, ASA.id)
    assert (match.basis, match.is_automatic) == (Basis.PATIENT_ID, True)


def test_mrn_alone_is_not_enough() -> None:
    """The right number with nothing beside it links nothing."""
    header = replace(WALK_IN, patient_name="", patient_birth_date="", patient_sex="")
    match = match_study(header, [], [ASA])
    assert (match.kind, match.is_automatic) == (MatchKind.AMBIGUOUS, False)


@pytest.mark.parametrize("automatic", list(Basis))
@pytest.mark.parametrize(
    "changes",
    [
        {"patient_name": "OTHER^NAME", "patient_birth_date": "19900101"},
        {"patient_name": "LINDQVIST^SVEN", "patient_birth_date": "19900101"},
        {"patient_name": "OTHER^NAME", "patient_birth_date": ""},
        {"patient_sex": "M"},
    ],
)
def test_mrn_of_somebody_else_is_never_linked(changes: dict[str, Any], automatic: Basis) -> None:
    """An ID that points to another name and birth date waits for a person, whatever the settings; a brother's too."""
    match = match_study(replace(WALK_IN, **changes), [], [ASA], rules=Rules(automatic=automatic))
    assert (match.kind, match.is_automatic) == (MatchKind.AMBIGUOUS, False)


def test_mrn_of_one_and_name_of_another_patient_is_ambiguous() -> None:
    """Somebody picked the wrong line of the worklist."""
    match = match_study(replace(WALK_IN, patient_id=TWIN.mrn), [], [ASA, TWIN], rules=BOLD)
    assert (match.kind, match.is_automatic) == (MatchKind.AMBIGUOUS, False)


RARE = Population(10_000, {"f:lindqvist": 1, "g:asa": 1, "f:berg": 1})
MARRIED = replace(WALK_IN, patient_name="BERG^ASA", patient_birth_date="")


def test_another_family_name_without_a_date_of_birth_waits() -> None:
    """It may be a marriage, or somebody else of the same given name under a wrong number."""
    assert not match_study(MARRIED, [], [ASA], RARE, BOLD).is_automatic


def test_two_of_three_that_fit_somebody_else_better_stop_the_mrn() -> None:
    """The mother's number, and the day on which her daughter of the same family name was born."""
    mother, daughter = replace(ASA, birth_date=date(1930, 1, 1)), replace(TWIN, given_name="Svea Åse")
    assert match_study(WALK_IN, [], [mother], RARE, BOLD).is_automatic
    match = match_study(WALK_IN, [], [mother, daughter], RARE, BOLD)
    assert (match.kind, match.is_automatic) == (MatchKind.AMBIGUOUS, False)


def test_accession_number_of_one_and_mrn_of_another_patient_is_ambiguous() -> None:
    """Even when name and birth date fit the order."""
    match = match_study(replace(HEADER, patient_id=TWIN.mrn), [ORDER], [ASA, TWIN])
    assert (match.kind, match.is_automatic) == (MatchKind.AMBIGUOUS, False)


def test_name_and_birth_date_alone_are_automatic_only_where_a_setting_allows_it() -> None:
    """Off unless the deployer wants it."""
    header = replace(WALK_IN, patient_id="")
    allowed, default = match_study(header, [], [ASA], rules=BOLD), match_study(header, [], [ASA])
    assert (allowed.kind, allowed.basis, allowed.is_automatic) == (MatchKind.PROBABLE, Basis.DEMOGRAPHICS, True)
    assert default == replace(allowed, is_automatic=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"patient_name": "LINDQVIST^SVEA"},
        {"patient_name": "LINDQVIST^"},
        {"patient_name": "LINDQVIST^A"},
        {"patient_birth_date": "19550727"},
        {"patient_birth_date": ""},
        {"patient_sex": "M"},
        {"patient_id": "1000471"},
    ],
)
def test_likeness_that_relatives_and_namesakes_share_is_not_automatic(changes: dict[str, Any]) -> None:
    """Twins share family name and birth date, namesakes the name; numbers given one after the other are neighbours'."""
    asa = replace(ASA, mrn="1000470")
    header = replace(WALK_IN, patient_id="", patient_name="LINDQVIST^SVEA") if "patient_id" in changes else WALK_IN
    match = match_study(replace(header, **{"patient_id": "", **changes}), [], [asa], rules=BOLD)
    assert not match.is_automatic


def test_a_slip_in_the_date_of_birth_without_the_mrn_waits() -> None:
    """A namesake may be born a day later; day and month exchanged are the same day, written otherwise."""
    asa = replace(ASA, birth_date=date(1961, 3, 4))
    header = replace(WALK_IN, patient_id="", patient_birth_date="19610305")
    assert not match_study(header, [], [asa], RARE, BOLD).is_automatic
    assert match_study(replace(header, patient_birth_date="19610403"), [], [asa], RARE, BOLD).is_automatic


def test_a_slip_in_the_mrn_needs_a_setting() -> None:
    """Name and birth date the same, one digit of the number wrong."""
    asa, header = replace(ASA, mrn="1000470"), replace(WALK_IN, patient_id="1008470")
    assert not match_study(header, [], [asa]).is_automatic
    near = match_study(header, [], [asa], rules=Rules(automatic=Basis.NEAR_PATIENT_ID))
    assert (near.kind, near.basis, near.is_automatic) == (MatchKind.PROBABLE, Basis.NEAR_PATIENT_ID, True)


def test_a_common_name_says_less_than_a_rare_one() -> None:
    """Ten thousand patients, a thousand of that name and many of that birthday."""
    header = replace(WALK_IN, patient_id="")
    many = Population(10_000, {"f:lindqvist": 1_000, "g:asa": 1_000, "d:19610314": 50})
    rare = Population(10_000, {"f:lindqvist": 1, "g:asa": 1, "d:19610314": 1})
    assert match_study(header, [], [ASA], rare, BOLD).is_automatic
    assert not match_study(header, [], [ASA], many, BOLD).is_automatic


def test_a_registered_twin_asks_for_more_certainty() -> None:
    """A common given name may be a slip of the pen for the twin's."""
    header = replace(WALK_IN, patient_id="", patient_sex="")
    some = Population(10_000, {"f:lindqvist": 2, "g:asa": 300, "d:19610314": 2})
    assert match_study(header, [], [ASA], some, BOLD).is_automatic
    assert not match_study(header, [], [ASA, TWIN], some, BOLD).is_automatic


def test_candidates_left_out_keep_all_but_an_mrn_from_being_automatic() -> None:
    """More patients share a key than were looked at."""
    assert not match_study(replace(WALK_IN, patient_id=""), [], [ASA], rules=BOLD, is_complete=False).is_automatic
    assert match_study(WALK_IN, [], [ASA], rules=BOLD, is_complete=False).is_automatic


def test_the_only_open_order_of_that_modality_and_time_is_the_one() -> None:
    """A modality without worklist: patient, modality and date lead to the order."""
    header = replace(WALK_IN, modality="MR", study_date="20261124")
    match = match_study(header, [], [ASA])
    fitting = with_step(ORDER, modality="MR", scheduled_on=date(2026, 11, 26))
    others = [
        with_step(replace(fitting, id=uuid.uuid4()), modality="CT"),
        with_step(replace(fitting, id=uuid.uuid4()), scheduled_on=date(2026, 12, 24)),
        replace(fitting, id=uuid.uuid4(), is_cancelled=True),
    ]
    found = add_order(header, match, [*others, fitting])
    assert (found.kind, found.order_id, found.is_automatic) == (MatchKind.EXACT, ORDER.id, True)
    assert add_order(header, match, others) == match


def test_two_open_orders_that_fit_are_a_question() -> None:
    """Two MR in one week."""
    header = replace(WALK_IN, modality="MR", study_date="20261124")
    fitting = with_step(ORDER, modality="MR", scheduled_on=date(2026, 11, 24))
    match = add_order(header, match_study(header, [], [ASA]), [fitting, replace(fitting, id=uuid.uuid4())])
    assert (match.kind, match.order_id, match.is_automatic) == (MatchKind.AMBIGUOUS, None, False)


def test_an_accession_number_that_no_order_has_leaves_the_patient_certain() -> None:
    """It is of another system, or of an order that the EHR tells later: no open order is guessed."""
    header = replace(WALK_IN, accession_number="RIS-99", modality="MR", study_date="20261124")
    fitting = with_step(ORDER, modality="MR", scheduled_on=date(2026, 11, 24))
    match = add_order(header, match_study(header, [], [ASA]), [fitting])
    assert (match.kind, match.patient_id, match.order_id) == (MatchKind.EXACT, ASA.id, None)
    assert match.is_automatic
    assert (match.evidence[-1].field, match.evidence[-1].agrees) == ("AccessionNumber", None)


@pytest.mark.parametrize("said", ["ACC1", "acc 1", "ACC-001", "Acc_1"])
def test_an_accession_number_that_an_order_of_the_patient_nearly_has_is_a_question(said: str) -> None:
    """Not nobody's, and not quite this order's: a person is shown the order."""
    header = replace(WALK_IN, accession_number=said)
    match = add_order(header, match_study(header, [], [ASA]), [OTHER, ORDER])
    assert (match.kind, match.order_id, match.is_automatic) == (MatchKind.PROBABLE, ORDER.id, False)
    assert match.evidence[-1].grade == "slip"
    both = add_order(header, match_study(header, [], [ASA]), [ORDER, replace(ORDER, id=uuid.uuid4())])
    assert (both.kind, both.order_id, both.is_automatic) == (MatchKind.PROBABLE, None, False)


def test_an_accession_number_that_no_order_has_is_no_contradiction_to_the_order_of_another_key() -> None:
    """The study UID came from our worklist, the number from somewhere else."""
    match = match_study(replace(HEADER, study_instance_uid="2.25.1", accession_number="RIS-99"), [ORDER])
    assert (match.kind, match.is_automatic) == (MatchKind.EXACT, True)
    said = {line.field: line.agrees for line in match.evidence}
    assert (said["StudyInstanceUID"], said["AccessionNumber"]) == (True, None)


def test_two_patients_with_one_number_but_for_zeros_are_told_apart_as_written() -> None:
    """0471 and 471 are two people where the EHR says so."""
    one, other = replace(ASA, mrn="471"), replace(ASA, id=uuid.uuid4(), mrn="0471")
    match = match_study(replace(WALK_IN, patient_id="0471"), [], [one, replace(other, family_name="Berg")])
    assert match.kind is MatchKind.AMBIGUOUS
    assert match_study(replace(WALK_IN, patient_id="00471"), [], [one, other]).kind is MatchKind.AMBIGUOUS


def test_same_mrn_of_another_issuer_is_a_disagreement() -> None:
    """A number means nothing without who gave it."""
    order = replace(ORDER, patient=replace(ASA, issuer="HOSPITAL-A"))
    assert match_study(replace(HEADER, issuer_of_patient_id="HOSPITAL-B"), [order]).kind is MatchKind.PROBABLE


def test_step_of_an_order_leads_to_it() -> None:
    """A modality that kept the worklist's step but not the accession number."""
    header = replace(WALK_IN, scheduled_procedure_step_id="ACC-1")
    match = match_study(header, [ORDER])
    assert (match.kind, match.order_id) == (MatchKind.EXACT, ORDER.id)
    assert "ScheduledProcedureStepID" in {line.field for line in match.evidence if line.agrees}


def test_accession_number_of_another_issuer_is_no_key() -> None:
    """The same number at another hospital; the patient is judged without it."""
    rules = Rules(accession_issuer="OUR-EHR")
    header = replace(HEADER, issuer_of_accession_number="ELSEWHERE")
    match = add_order(header, match_study(header, [], [ASA], rules=rules), [], rules)
    assert (match.kind, match.basis, match.is_automatic) == (MatchKind.EXACT, Basis.PATIENT_ID, True)
    ours = match_study(replace(HEADER, issuer_of_accession_number="our-ehr"), [ORDER], rules=rules)
    assert (ours.kind, ours.basis) == (MatchKind.EXACT, Basis.ORDER)


def test_nothing_known_is_none() -> None:
    """A study from outside."""
    assert match_study(HEADER, []).kind is MatchKind.NONE


@pytest.mark.parametrize("text", ["", "1961", "19611332", "UNKNOWN", "1961031４"])
def test_birth_dates_that_are_none_are_silent_not_wrong(text: str) -> None:
    """Real headers hold many things."""
    assert parse_da(text) is None
