"""Keys of orders, and whether the images are those that an order asks for."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ehr_bridge.matching import (
    Basis,
    Evidence,
    HeaderIdentity,
    Match,
    MatchKind,
    OrderFacts,
    PatientFacts,
    Rules,
    StepFacts,
    add_order,
    match_study,
)
from ehr_bridge.matching.kinds import (
    BODY_PARTS,
    MODALITIES,
    SIDES,
    answering_modalities,
    compare_modalities,
    compare_terms,
)
from ehr_bridge.matching.order_keys import keys_of, pointed_to
from tests.unit.order_steps import with_step, with_steps

ASA = PatientFacts(uuid.uuid4(), "1000471", None, "Lindqvist", "Åsa", date(1961, 3, 14), "female")
ORDER = OrderFacts(uuid.uuid4(), "ACC-1", "2.25.1", False, ASA, (StepFacts(None, "CR", date(2026, 11, 24)),))
OTHER = replace(ORDER, id=uuid.uuid4(), accession_number="ACC-2", scheduled_study_instance_uid="2.25.2")
HEADER = HeaderIdentity("1.2.3", "ACC-1", "1000471", "", "LINDQVIST^ASA", "19610314", "F")


def lines(match: Match) -> dict[str, Evidence]:
    return {line.field: line for line in match.evidence}


@pytest.mark.parametrize("key", ["scheduled_procedure_step_id", "requested_procedure_id"])
@pytest.mark.parametrize("told", [None, "OURS-77"])
def test_a_step_that_no_order_here_has_says_nothing(key: str, told: str | None) -> None:
    """As a dcm4che worklist writes it: SPS2032, of a RIS that nobody told us about."""
    said: dict[str, Any] = {key: told}
    unknown: dict[str, Any] = {key: "SPS2032"}
    order = with_step(ORDER, **said) if key == "scheduled_procedure_step_id" else replace(ORDER, **said)
    match = match_study(replace(HEADER, **unknown), [order])
    assert (match.kind, match.is_automatic, match.score) == (MatchKind.EXACT, True, 1.0)
    keyword = {"scheduled_procedure_step_id": "ScheduledProcedureStepID"}.get(key, "RequestedProcedureID")
    assert (lines(match)[keyword].agrees, lines(match)[keyword].grade) == (None, "silent")


@pytest.mark.parametrize(("told", "said"), [("SPS2032", "SPS2032"), ("SPS2032", "sps2032 "), (None, "ACC-1")])
def test_the_orders_own_step_agrees(told: str | None, said: str) -> None:
    """Told by the EHR; its accession number where nothing was told."""
    header = replace(HEADER, accession_number="", scheduled_procedure_step_id=said)
    match = match_study(header, [with_step(ORDER, scheduled_procedure_step_id=told)])
    assert (match.kind, lines(match)["ScheduledProcedureStepID"].agrees) == (MatchKind.EXACT, True)


def found(
    named: Sequence[OrderFacts], steps: Sequence[OrderFacts], procedures: Sequence[OrderFacts] = (), **said: Any
) -> list[OrderFacts]:
    header = replace(HEADER, scheduled_procedure_step_id="1", **said)
    by_procedure = {"scheduled_procedure_step_id": steps, "requested_procedure_id": procedures}
    keys = keys_of(header, Rules())
    return pointed_to(named, {key: by_procedure[key] for key in by_procedure if key in keys}, keys)


def test_a_step_of_another_order_contradicts() -> None:
    """Both are ours: a person looks."""
    one, two = ORDER, with_step(OTHER, scheduled_procedure_step_id="1")
    assert found([one], [two]) == [one, two]
    assert match_study(HEADER, [one, two]).kind is MatchKind.AMBIGUOUS


def test_a_step_that_many_orders_have_points_to_none() -> None:
    """Step "1" of every procedure; with the procedure it is one order's."""
    first, second = (with_step(one, scheduled_procedure_step_id="1") for one in (ORDER, OTHER))
    of_procedure = replace(second, requested_procedure_id="RP-2")
    assert found([], [first, second]) == []
    assert found([first], [first, second]) == [first]
    assert found([], [first, of_procedure], [of_procedure], requested_procedure_id="RP-2") == [of_procedure]
    third = replace(ORDER, id=uuid.uuid4(), accession_number="ACC-3")
    assert found([third], [first, second]) == [third], "its own step was not told"
    told = with_step(third, scheduled_procedure_step_id="2")
    assert found([told], [first, second]) == [told, first, second], "its own step is another"


@pytest.mark.parametrize(
    ("said", "known", "kind"),
    [
        ("CR", "CR", MatchKind.EXACT),
        ("DX", "CR", MatchKind.EXACT),
        ("CT", "PT", MatchKind.EXACT),
        ("PT", "CT", MatchKind.EXACT),
        ("MR", "MRI", MatchKind.EXACT),
        ("SR", "CR", MatchKind.EXACT),
        ("OT", "CR", MatchKind.EXACT),
        ("", "CR", MatchKind.EXACT),
        ("MR", "CR", MatchKind.PROBABLE),
        ("CT", "MR", MatchKind.PROBABLE),
        ("US", "MG", MatchKind.PROBABLE),
    ],
)
def test_images_of_another_family_wait(said: str, known: str, kind: MatchKind) -> None:
    """An MR for a chest X-ray is asked about; what says nothing of images is not."""
    match = match_study(replace(HEADER, modality=said), [with_step(ORDER, modality=known)])
    assert (match.kind, match.is_automatic) == (kind, kind is MatchKind.EXACT)
    if kind is MatchKind.PROBABLE:
        line = lines(match)["Modality"]
        assert (line.agrees, line.grade) == (False, "other")
        assert said in line.detail
        assert known in line.detail


@pytest.mark.parametrize(
    ("said", "known", "grade"),
    [
        ("CHEST", "CHEST", "same"),
        ("chest", "CHEST", "form"),
        ("L SPINE", "LSPINE", "form"),
        ("BRAIN", "HEAD", "form"),
        ("HAND", "WRIST", "form"),
        ("ABDOMEN", "CHEST", "other"),
        ("HIP", "KNEE", "other"),
        ("FOOT", "HAND", "other"),
        ("CSPINE", "LSPINE", "other"),
        ("WHOLEBODY", "CHEST", "silent"),
        ("Protocol 7", "CHEST", "silent"),
        ("", "CHEST", "silent"),
    ],
)
def test_body_parts(said: str, known: str, grade: str) -> None:
    """The same, its parts and its neighbours; what is no term says nothing."""
    match = match_study(replace(HEADER, body_part=said), [replace(ORDER, body_part=known)])
    line = lines(match).get("BodyPartExamined")
    assert (line.grade if line else "silent") == grade
    assert match.is_automatic is (grade != "other")


@pytest.mark.parametrize(
    ("said", "known", "is_clear"), [("L", "L", 1), ("L", "B", 1), ("B", "R", 1), ("U", "L", 1), ("R", "L", 0)]
)
def test_sides(said: str, known: str, is_clear: int) -> None:
    """The left knee is not the right one."""
    match = match_study(replace(HEADER, laterality=said), [replace(ORDER, laterality=known)])
    assert match.is_automatic is bool(is_clear)


def test_families_are_symmetric_and_every_term_is_of_its_own_kind() -> None:
    """Whatever is compared with whatever."""
    for families in (MODALITIES, BODY_PARTS, SIDES):
        terms = sorted(frozenset().union(*families))
        for one in terms:
            assert compare_terms(one, one, families, {}) == "same"
            for other in terms:
                assert compare_terms(one, other, families, {}) == compare_terms(other, one, families, {})
    for term, answers in answering_modalities().items():
        assert all(compare_modalities(one, term) in ("same", "form") for one in answers)


def test_an_open_order_of_the_family_is_found_where_none_has_the_very_modality() -> None:
    """DX for CR; but of a CT and a PET order, CT images answer the CT."""
    header = replace(HEADER, accession_number="", modality="DX", study_date="20261124")
    match = match_study(header, [], [ASA])
    assert match.basis is Basis.PATIENT_ID
    assert add_order(header, match, [ORDER]).order_id == ORDER.id
    assert add_order(header, match, [with_step(ORDER, modality="MR")]).order_id is None
    assert add_order(header, match, [replace(ORDER, body_part="KNEE")]).order_id == ORDER.id
    assert add_order(replace(header, body_part="CHEST"), match, [replace(ORDER, body_part="KNEE")]).order_id is None
    both = [with_step(ORDER, modality="PT"), with_step(OTHER, modality="CT")]
    assert add_order(replace(header, modality="CT"), match, both).order_id == OTHER.id


SEVERAL = with_steps(
    ORDER, StepFacts("S-1", "CT", date(2026, 11, 24)), StepFacts("S-2", "US", date(2026, 12, 24)), StepFacts(None, "XX")
)


@pytest.mark.parametrize("said", ["S-1", "s-2 ", "ACC-1"])
def test_each_step_of_an_order_leads_to_it(said: str) -> None:
    """The second one as well as the first; and none of them contradicts another."""
    header = replace(HEADER, accession_number="", scheduled_procedure_step_id=said)
    match = match_study(header, [SEVERAL])
    assert (match.kind, match.order_id, match.is_automatic) == (MatchKind.EXACT, ORDER.id, True)
    assert lines(match)["ScheduledProcedureStepID"].agrees is True
    assert match_study(replace(header, accession_number="ACC-1"), [SEVERAL]).is_automatic


def test_only_a_step_of_another_order_contradicts_one_of_several() -> None:
    """A step that nobody here has says nothing; one of another order is a question, whichever of its steps it is."""
    unknown = match_study(replace(HEADER, scheduled_procedure_step_id="S-9"), [SEVERAL])
    assert (unknown.is_automatic, lines(unknown)["ScheduledProcedureStepID"].agrees) == (True, None)
    theirs = with_steps(OTHER, StepFacts("T-1", "CT"), StepFacts("1", "CT"))
    assert found([SEVERAL], [theirs]) == [SEVERAL, theirs]
    assert found([theirs], []) == [theirs], "its own second step"
    assert match_study(HEADER, [SEVERAL, theirs]).kind is MatchKind.AMBIGUOUS


def test_images_are_of_the_kind_of_any_step() -> None:
    """CT and ultrasound of one order; an MR is neither, and is compared with the first."""
    for said in ("CT", "PT", "US"):
        assert match_study(replace(HEADER, modality=said), [SEVERAL]).is_automatic
    other = match_study(replace(HEADER, modality="MR"), [with_steps(SEVERAL, *SEVERAL.steps[:2])])
    assert (other.kind, dict(lines(other)["Modality"].values)["ehr"]) == (MatchKind.PROBABLE, "CT")


def test_an_open_order_is_found_by_the_step_whose_appointment_is_close() -> None:
    """An ultrasound on the day of the CT is not the one of a month later."""
    header = replace(HEADER, accession_number="", modality="US", study_date="20261223")
    match = match_study(header, [], [ASA])
    assert add_order(header, match, [SEVERAL]).order_id == ORDER.id
    assert add_order(replace(header, study_date="20261124"), match, [SEVERAL]).order_id is None
    assert add_order(replace(header, study_date="20261124", modality="CT"), match, [SEVERAL]).order_id == ORDER.id


WHOLE = replace(ASA, family_name="DINH QUANG KHIEM", given_name=None, birth_date=None)


@pytest.mark.parametrize(
    ("said", "family", "given"),
    [
        ("DINH QUANG KHIEM", "DINH QUANG KHIEM", None),
        ("Dinh Quang Khiem^", "DINH QUANG KHIEM", None),
        ("DINH^QUANG KHIEM", "DINH QUANG KHIEM", None),
        ("DINH QUANG KHIEM", "Dinh", "Quang Khiem"),
        ("SUKARNO", "Sukarno", None),
        ("SUKARNO", None, "Sukarno"),
        ("^SUKARNO", None, "Sukarno"),
        ("^SUKARNO", "Sukarno", None),
    ],
)
def test_what_is_whole_on_both_sides_is_whole(said: str, family: str | None, given: str | None) -> None:
    """A name that one side does not divide is the name; with the MRN and nothing against it the study is linked."""
    patient = replace(WHOLE, family_name=family, given_name=given)
    header = replace(HEADER, accession_number="", patient_name=said, patient_birth_date="")
    match = match_study(header, [], [patient])
    assert (match.kind, match.basis, match.is_automatic) == (MatchKind.EXACT, Basis.PATIENT_ID, True)
    assert lines(match)["PatientName"].grade in ("same", "form")


@pytest.mark.parametrize("said", ["DINH QUANG", "DINH", "DINH^QUANG", "KHIEM^NGUYEN", "SUKARNOPUTRI"])
def test_part_of_a_whole_name_is_not_the_name(said: str) -> None:
    """Without a birth date it waits, as before; and without the MRN a whole name alone is never enough."""
    header = replace(HEADER, accession_number="", patient_name=said, patient_birth_date="")
    assert not match_study(header, [], [WHOLE]).is_automatic
    bold = Rules(automatic=Basis.DEMOGRAPHICS)
    unnumbered = replace(header, patient_name="DINH QUANG KHIEM", patient_id="", patient_birth_date="19610314")
    assert not match_study(unnumbered, [], [replace(WHOLE, birth_date=date(1961, 3, 14))], rules=bold).is_automatic
