"""Middle name, prefix and suffix: on one side only they say nothing, on both they tell people apart."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from ehr_bridge.matching import Evidence, HeaderIdentity, Match, MatchKind, PatientFacts, Population, match_study
from ehr_bridge.matching.keys import finding_keys, header_keys, patient_keys

JOHN = PatientFacts(uuid.uuid4(), "1000471", None, "Smith", "John", date(1961, 3, 14), "male")
HEADER = HeaderIdentity("1.2.3", "", "1000471", "", "Smith^John", "19610314", "M")


def verdict(said: str, known: str, **header: Any) -> Match:
    """Of a header's name beside the EHR's, whose parts are written with ^."""
    parts = dict(zip(("family_name", "given_name", "middle_name", "prefix", "suffix"), known.split("^"), strict=False))
    told: dict[str, Any] = {name: part or None for name, part in parts.items()}
    patient = replace(JOHN, **told)
    return match_study(replace(HEADER, patient_name=said, **header), [], [patient], Population(50_000))


def name(said: str, known: str) -> Evidence:
    return next(line for line in verdict(said, known).evidence if line.field == "PatientName")


@pytest.mark.parametrize(
    ("said", "known", "grade"),
    [
        ("Smith^John^Quincy^Dr.^MD, PhD", "Smith^John^Quincy^Dr.^MD, PhD", "same"),
        ("Smith^John^Quincy", "Smith^John^Quincy", "same"),
        ("SMITH^JOHN^QUINCY", "Smith^John^Quincy^Dr.", "form"),
        ("Smith^John", "Smith^John^Quincy", "form"),
        ("Smith^John^Quincy", "Smith^John", "form"),
        ("Smith^John^Q", "Smith^John^Quincy", "form"),
        ("Smith^John^Q.", "Smith^John^Quincy Robert", "form"),
        ("Smith^John^Quincy", "Smith^John^Q", "form"),
        ("Smith^John Quincy", "Smith^John^Quincy", "form"),
        ("Smith^John^Quincy", "Smith^John Quincy", "form"),
        ("JOHN QUINCY SMITH", "Smith^John^Quincy", "form"),
        ("JOHN SMITH", "Smith^John^Quincy", "form"),
        ("John^Smith^Quincy", "Smith^John^Quincy", "slip"),
        ("Smith^John^^Dr.", "Smith^John", "form"),
        ("Smith^John", "Smith^John^^Dr.^PhD", "form"),
        ("Smith^John^^Dr.^MD", "Smith^John^^Prof.^PhD", "form"),
        ("Smith^John^^Dr.", "Smith^Dr. John", "form"),
        ("Smith^John^^^Jr.", "Smith^John", "form"),
        ("Smith^John^^^Jr.", "Smith^John^^^II", "form"),
        ("Smith^Jon", "Smith^John^Quincy", "slip"),
        ("Smith^Jon^Quincy", "Smith^John", "slip"),
        ("Smith^John^Quinzy", "Smith^John^Quincy", "slip"),
        ("Smith^John^Quincy", "Smith^John^Robert", "other"),
        ("Smith^John^Quincy", "Smith^John Robert", "other"),
        ("Smith^John^R", "Smith^John^Quincy", "other"),
        ("Smith^Quincy^Anna", "Smith^John^Robert", "other"),
        ("Smith^^Quincy", "Smith^John", "other"),
        ("Smith^John^^^Jr.", "Smith^John^^^Sr.", "other"),
        ("Smith^John^^^III", "Smith^John^^Dr.^MD, Jr.", "other"),
    ],
)
def test_parts_of_names_are_graded(said: str, known: str, grade: str) -> None:
    """Titles and degrees never speak for or against anybody; middle names and generations do where both sides have
    them."""
    assert name(said, known).grade == grade, name(said, known)


@pytest.mark.parametrize("said", ["Smith^John", "Smith^John^Q", "SMITH^JOHN^QUINCY^^MD", "Smith^John^^Dr."])
def test_what_one_side_leaves_out_keeps_no_study_waiting(said: str) -> None:
    """The right number, and a name that agrees as far as both say it."""
    match = verdict(said, "Smith^John^Quincy^^PhD")
    assert (match.kind, match.is_automatic) == (MatchKind.EXACT, True)


@pytest.mark.parametrize(
    ("said", "known"),
    [("Smith^John^^^Sr.", "Smith^John^^^Jr."), ("Smith^John^Robert", "Smith^John^Quincy")],
    ids=["father and son", "brothers"],
)
def test_the_number_alone_does_not_make_them_one(said: str, known: str) -> None:
    """Without a birth date that confirms the number, somebody looks."""
    assert not verdict(said, known, patient_birth_date="").is_automatic


def test_a_middle_name_decides_between_two_of_one_name() -> None:
    """Twins who share the first of their names; a header without the second fits both."""
    maria = replace(JOHN, family_name="Berg", given_name="Maria", sex="female")
    anna, luise = (replace(maria, id=uuid.uuid4(), mrn=middle, middle_name=middle) for middle in ("Anna", "Luise"))
    header = replace(HEADER, patient_id="", patient_name="BERG^MARIA^LUISE", patient_sex="F")
    match = match_study(header, [], [anna, luise], Population(50_000))
    assert (match.patient_id, match.kind) == (luise.id, MatchKind.PROBABLE)
    both = match_study(replace(header, patient_name="BERG^MARIA"), [], [anna, luise], Population(50_000))
    assert both.kind is MatchKind.AMBIGUOUS


def test_a_middle_name_is_among_what_finds_a_patient() -> None:
    """As a word of the given names, wherever either side writes it; prefix and suffix never are."""
    patient = replace(JOHN, middle_name="Quincy", prefix="Dr.", suffix="PhD")
    asked = header_keys(replace(HEADER, patient_id="", patient_birth_date="", patient_name="Smith^Quincy"))
    assert asked & finding_keys(patient)
    assert {"g:john", "g:quincy"} <= patient_keys(patient)
    assert not {"g:dr", "g:phd"} & patient_keys(patient)
