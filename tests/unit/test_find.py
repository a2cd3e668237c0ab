"""Narrowing /tools/find: whatever the question, only the token's studies are left."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.serving.find import is_within, narrow, without_odd_sequences

A, B, C = "1.2.840.1", "1.2.840.12", "1.9"
OWN = frozenset({A, B})

names = st.sampled_from(["StudyInstanceUID", "studyinstanceuid", "0020000d", "0020000D", "0020,000d", "0020-000D"])
values = st.sampled_from(["", "*", A, B, C, f"{A}\\{C}", f"{A},{B}", "1.2*", "1.2.840.1?", "?.9", f" {A} "])
others = st.dictionaries(st.sampled_from(["PatientID", "00100020", "Modality"]), st.text(max_size=5), max_size=2)


@given(st.dictionaries(names, values, max_size=3), others, st.sampled_from(["Study", "Series", "Instance"]))
def test_the_answer_is_about_own_studies_only(uids: dict[str, str], rest: dict[str, str], level: str) -> None:
    """Every spelling, several at once: never wider than the token, never wider than the question."""
    narrowed = narrow({"Level": level, "Query": uids | rest, "Limit": 3}, OWN)
    if narrowed is None:
        return
    query: dict[str, Any] = dict(narrowed["Query"])
    asked = set(query.pop("StudyInstanceUID").split("\\"))
    assert asked and asked <= OWN
    assert query == rest
    assert narrowed["Limit"] == 3
    for value in uids.values():
        if value.strip():
            patterns = [p.strip() for p in value.replace(",", "\\").split("\\")]
            assert all(any(fnmatch.fnmatchcase(uid, p) for p in patterns) for uid in asked)


def test_a_question_about_another_study_has_no_answer() -> None:
    """Not even an empty look into the archive."""
    assert narrow({"Level": "Study", "Query": {"StudyInstanceUID": C}}, OWN) is None


def test_a_question_about_patients_has_no_answer() -> None:
    """A study UID cannot bound it."""
    assert narrow({"Level": "Patient", "Query": {}}, OWN) is None


def test_no_question_about_studies_means_all_own() -> None:
    """As OHIF asks for priors."""
    narrowed = narrow({"Level": "Study", "Query": {"PatientID": "P"}}, OWN)
    assert narrowed is not None and set(narrowed["Query"]["StudyInstanceUID"].split("\\")) == OWN


def test_a_question_within_the_own_studies_may_go_on_as_it_came() -> None:
    """As WADO-RS looks an instance up; two spellings of the key must both stay within."""
    assert is_within({"Level": "Instance", "Query": {"StudyInstanceUID": A, "0020000d": f"{B}\\{A}"}}, OWN)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"StudyInstanceUID": ""},
        {"StudyInstanceUID": C},
        {"StudyInstanceUID": A, "0020000d": C},
        {"StudyInstanceUID": A, "studyinstanceuid": ""},
        {"StudyInstanceUID": f"{A},{C}"},
        {"StudyInstanceUID": f"{A}*"},
        {"StudyInstanceUID": f" {A} {C}"},
    ],
)
def test_a_question_that_could_leave_the_own_studies_is_narrowed(query: dict[str, str]) -> None:
    """Whichever of its keys Orthanc heeds."""
    assert not is_within({"Level": "Series", "Query": query}, OWN)


def test_a_question_about_patients_is_never_within() -> None:
    """A study UID cannot bound it."""
    assert not is_within({"Level": "Patient", "Query": {"StudyInstanceUID": A}}, OWN)


def test_one_file_with_a_sequence_for_a_number_does_not_hide_all_others() -> None:
    """Its accession number is left out; sequences that are some, and unknown ones, stay."""
    text = {"Name": "x", "Type": "String", "Value": "1"}
    sequence = {"Name": "x", "Type": "Sequence", "Value": []}
    tags = {"0008,0050": sequence, "0020,000d": text, "0008,1110": sequence, "0009,1001": sequence}
    answer = [
        {"ID": "a", "MainDicomTags": dict(tags), "RequestedTags": dict(tags)},
        {"ID": "b", "MainDicomTags": {}},
        "c",
    ]
    found = json.loads(without_odd_sequences(json.dumps(answer).encode()))
    assert [sorted(found[0][name]) for name in ("MainDicomTags", "RequestedTags")] == [
        ["0008,1110", "0009,1001", "0020,000d"]
    ] * 2
    assert found[1:] == answer[1:]
