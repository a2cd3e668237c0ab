"""What holds of every verdict, whatever headers and patients hold."""

from __future__ import annotations

import random
import uuid
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ehr_bridge.matching import (
    Basis,
    EvidenceGrade,
    HeaderIdentity,
    MatchKind,
    OrderFacts,
    PatientFacts,
    Population,
    Rules,
    StepFacts,
    add_order,
    judge_order,
    match_study,
)
from ehr_bridge.matching.compare import compare_person
from tests.unit.order_steps import with_step

RANK = {MatchKind.NONE: 0, MatchKind.AMBIGUOUS: 1, MatchKind.PROBABLE: 2, MatchKind.EXACT: 3}
NAMES = ["Lindqvist", "Lindkvist", "Berg", "Müller-Schmidt", "Schmidt", "X", ""]
GIVEN = ["Åsa", "Asa", "Svea", "Anna-Lena", "Anna", "A", ""]
DATES = [date(1961, 3, 14), date(1961, 3, 15), date(1961, 4, 3), date(1990, 1, 1), None]
NUMBERS = ["MRN-1", "MRN-2", "1000471", "1000472", "1009471", "0001000471"]

patients = st.builds(
    PatientFacts,
    id=st.uuids(),
    mrn=st.sampled_from(NUMBERS),
    issuer=st.sampled_from([None, "A", "B"]),
    family_name=st.sampled_from(NAMES).map(lambda text: text or None),
    given_name=st.sampled_from(GIVEN).map(lambda text: text or None),
    birth_date=st.sampled_from(DATES),
    sex=st.sampled_from(["female", "male", "unknown"]),
)
groups = st.lists(patients, max_size=5, unique_by=lambda patient: patient.mrn)
headers = st.builds(
    HeaderIdentity,
    study_instance_uid=st.sampled_from(["1.2", "2.25.1", "2.25.2"]),
    accession_number=st.sampled_from(["", "ACC-1", "acc-1", "ACC-2", "ACC-9"]),
    patient_id=st.sampled_from(["", *NUMBERS]),
    issuer_of_patient_id=st.sampled_from(["", "A", "B"]),
    patient_name=st.builds(lambda f, g: f"{f}^{g}".strip("^"), st.sampled_from(NAMES), st.sampled_from(GIVEN))
    | st.text(max_size=20),
    patient_birth_date=st.sampled_from(["", "19610314", "19610315", "19611403", "19900101"]) | st.text(max_size=8),
    patient_sex=st.sampled_from(["", "F", "M", "O", "?"]),
    scheduled_procedure_step_id=st.sampled_from(["", "", "ACC-1", "SPS2032"]),
    requested_procedure_id=st.sampled_from(["", "", "ACC-2", "RP1026"]),
    modality=st.sampled_from(["", "CR", "DX", "CT", "MR", "SR", "?"]),
    body_part=st.sampled_from(["", "CHEST", "KNEE", "?"]),
    laterality=st.sampled_from(["", "L", "R", "B"]),
)
rules = st.builds(Rules, automatic=st.sampled_from(list(Basis)[:4]))
BOLD = Rules(automatic=Basis.DEMOGRAPHICS)
KEYS = ("study_instance_uid", "accession_number", "scheduled_procedure_step_id", "requested_procedure_id")


def order_of(patient: PatientFacts, number: int = 1) -> OrderFacts:
    asks_for: dict[str, Any] = {"steps": (StepFacts(modality="CR"),), "body_part": "CHEST", "laterality": "L"}
    return OrderFacts(uuid.UUID(int=number), f"ACC-{number}", f"2.25.{number}", False, patient, **asks_for)


@given(headers, groups, rules, st.randoms())
def test_the_verdict_does_not_depend_on_the_order_of_candidates(
    header: HeaderIdentity, group: list[PatientFacts], chosen: Rules, chance: random.Random
) -> None:
    """Whichever row the database returns first."""
    orders = [order_of(patient, number) for number, patient in enumerate(group[:2], 1)]
    mixed, turned = group[:], orders[::-1]
    chance.shuffle(mixed)
    assert match_study(header, [], group, rules=chosen) == match_study(header, [], mixed, rules=chosen)
    assert match_study(header, orders, group, rules=chosen) == match_study(header, turned, mixed, rules=chosen)


@given(headers, groups, rules)
def test_an_indistinguishable_candidate_keeps_the_verdict_from_being_automatic(
    header: HeaderIdentity, group: list[PatientFacts], chosen: Rules
) -> None:
    """Equal evidence is never exact: the same patient once more, under another number that says as much."""
    match = match_study(header, [], group, rules=chosen)
    twin = next((patient for patient in group if patient.id == match.patient_id), None)
    if twin is None:
        return
    double = replace(twin, id=uuid.uuid4())
    again = match_study(header, [], [*group, double], rules=chosen)
    assert not again.is_automatic
    assert again.kind is not MatchKind.EXACT


@given(headers, groups)
def test_nobody_is_linked_while_name_and_birth_date_fit_somebody_else_better(
    header: HeaderIdentity, group: list[PatientFacts]
) -> None:
    """Whatever the number says: two of family name, given name and birth date are enough to ask a person."""
    match = match_study(header, [], group, rules=BOLD)
    compared = {one.patient.id: one for one in (compare_person(header, person, Population()) for person in group)}
    if not match.is_automatic or match.patient_id is None:
        return
    linked = compared.pop(match.patient_id)
    better = [one for one in compared.values() if one.weight_of_person > linked.weight_of_person]
    assert all(one.agreeing_parts < 2 for one in better)


@given(headers, patients, st.sampled_from(["name", "date", "sex", "number", "images", "part", "side"]), st.booleans())
def test_a_contradiction_never_makes_a_verdict_stronger(
    header: HeaderIdentity, patient: PatientFacts, field: str, with_order: bool
) -> None:
    """Against a patient of whom everything is known, one field of another person."""
    patient = replace(
        patient, family_name="Lindqvist", given_name="Åsa", birth_date=DATES[0], sex="female", issuer=None
    )
    contradictions: dict[str, dict[str, Any]] = {
        "name": {"patient_name": "Quarterman^Zebediah"},
        "date": {"patient_birth_date": "20051231"},
        "sex": {"patient_sex": "M"},
        "number": {"patient_id": "777777777", "issuer_of_patient_id": ""},
        "images": {"modality": "MR"},
        "part": {"body_part": "KNEE"},
        "side": {"laterality": "R"},
    }
    contradiction = contradictions[field]
    orders = [order_of(patient)] if with_order else []
    before = match_study(header, orders, [patient], rules=BOLD)
    after = match_study(replace(header, **contradiction), orders, [patient], rules=BOLD)
    assert RANK[after.kind] <= RANK[before.kind]
    assert after.is_automatic <= before.is_automatic


@given(headers, groups, rules)
def test_exact_is_never_said_against_a_contradiction(
    header: HeaderIdentity, group: list[PatientFacts], chosen: Rules
) -> None:
    """Exact means that no comparison disagrees, and automatic that a patient is named."""
    for orders in ([], [order_of(patient) for patient in group[:1]]):
        match = match_study(header, orders, group, rules=chosen)
        if match.kind is MatchKind.EXACT:
            assert all(line.agrees is not False for line in match.evidence)
        if match.is_automatic:
            assert match.patient_id is not None
            assert chosen.allows(match.basis)
        assert 0 <= match.score <= 1
        assert all(line.detail for line in match.evidence)


@given(headers, patients, patients)
def test_two_orders_are_never_exact(header: HeaderIdentity, one: PatientFacts, other: PatientFacts) -> None:
    """Two candidates are a question, not an answer."""
    match = match_study(header, [order_of(one, 1), order_of(other, 2)], rules=BOLD)
    assert (match.kind, match.is_automatic) == (MatchKind.AMBIGUOUS, False)


@given(headers, patients, patients, st.sampled_from(KEYS))
def test_a_key_of_another_order_always_contradicts(
    header: HeaderIdentity, one: PatientFacts, other: PatientFacts, key: str
) -> None:
    """Whichever key it is, and whatever else agrees."""
    theirs = with_step(replace(order_of(other, 9), requested_procedure_id="R-9"), scheduled_procedure_step_id="S-9")
    known = {"study_instance_uid": "2.25.9", "accession_number": "acc-9", "scheduled_procedure_step_id": "S-9"}
    of_theirs: dict[str, Any] = {key: known.get(key, "R-9")}
    header = replace(header, **of_theirs)
    match = judge_order(header, order_of(one), others=[theirs], rules=BOLD)
    of_another = {"order_other", "order_of_another"}
    assert any(line.agrees is False and of_another & {*line.reasons} for line in match.evidence)
    assert not match.is_automatic


@given(headers, patients, st.sampled_from(KEYS[1:]), st.booleans())
def test_an_id_that_no_order_here_has_changes_nothing(
    header: HeaderIdentity, patient: PatientFacts, key: str, is_told: bool
) -> None:
    """Whether the order was told an id of its own or not: what is not known here is no contradiction."""
    told: dict[str, Any] = {key: "OURS-1"} if is_told else {}
    order = order_of(patient)
    order = with_step(order, **told) if key == "scheduled_procedure_step_id" else replace(order, **told)
    none: dict[str, Any] = {key: ""}
    theirs: dict[str, Any] = {key: "THEIRS-1"}
    without = match_study(replace(header, **none), [order], rules=BOLD)
    foreign = match_study(replace(header, **theirs), [order], rules=BOLD)
    assert (foreign.kind, foreign.is_automatic, foreign.score) == (without.kind, without.is_automatic, without.score)


@given(headers, groups, rules)
def test_an_accession_number_that_no_order_has_says_nothing_of_the_patient(
    header: HeaderIdentity, group: list[PatientFacts], chosen: Rules
) -> None:
    """Whose a study is, and whether that is certain, is the same without the number."""
    without = match_study(replace(header, accession_number=""), [], group, rules=chosen)
    foreign = replace(header, accession_number="THEIRS-1")
    with_number = add_order(foreign, match_study(foreign, [], group, rules=chosen), [], chosen)
    assert replace(with_number, evidence=without.evidence) == without


@given(headers, patients)
def test_images_that_the_order_does_not_ask_for_are_never_linked_by_themselves(
    header: HeaderIdentity, patient: PatientFacts
) -> None:
    """Whatever else agrees."""
    match = match_study(header, [order_of(patient)], rules=BOLD)
    of_images = {"Modality", "BodyPartExamined", "Laterality"}
    if any(line.field in of_images and line.agrees is False for line in match.evidence):
        assert not match.is_automatic
        assert match.kind is not MatchKind.EXACT


@given(headers, groups, st.booleans())
def test_what_a_line_says_and_its_grade_are_one(
    header: HeaderIdentity, group: list[PatientFacts], with_order: bool
) -> None:
    """The same and form agree, another does not, silence says nothing; a slip that does not agree is an ID's."""
    orders = [order_of(patient) for patient in group[:1]] if with_order else []
    for line in match_study(header, orders, group).evidence:
        if line.grade is EvidenceGrade.SLIP:
            assert line.agrees or (line.agrees is False and line.field == "PatientID")
        else:
            expected = {EvidenceGrade.OTHER: False, EvidenceGrade.SILENT: None}.get(line.grade, True)
            assert line.agrees is expected, line


@given(
    headers, patients, st.sampled_from([("ü", "ue"), ("ö", "oe"), ("å", "aa"), ("ø", "oe"), ("đ", "dj"), ("þ", "th")])
)
def test_a_letter_spelled_out_is_the_letter(
    header: HeaderIdentity, patient: PatientFacts, spelling: tuple[str, str]
) -> None:
    """Whichever side spells it out, the verdict is the one on the very name."""
    letter, long = spelling
    theirs, ours = f"H{long}gberg^Anna", replace(patient, family_name=f"H{letter}gberg", given_name="Anna")
    same = match_study(replace(header, patient_name=f"H{letter}gberg^Anna"), [], [ours], rules=BOLD)
    spelled = match_study(replace(header, patient_name=theirs), [], [ours], rules=BOLD)
    assert (spelled.kind, spelled.is_automatic) == (same.kind, same.is_automatic)
    other = match_study(
        replace(header, patient_name=f"H{letter}gberg^Anna"),
        [],
        [replace(ours, family_name=f"H{long}gberg")],
        rules=BOLD,
    )
    assert (other.kind, other.is_automatic) == (same.kind, same.is_automatic)
