"""The look-up of one instance, asked more cheaply: the answer is the one Orthanc would have given."""

from __future__ import annotations

import json
from typing import Any

import pytest

from plugin.serving.lookups import InstanceLookups

STUDY, SERIES, INSTANCE = "1.2.1", "1.2.1.1", "1.2.1.1.1"
QUESTION: dict[str, Any] = {
    "Level": "Instance",
    "Query": {"SOPInstanceUID": INSTANCE, "SeriesInstanceUID": SERIES, "StudyInstanceUID": STUDY},
    "ResponseContent": ["Metadata"],
}
PARENTS = {"ours": (STUDY, SERIES), "theirs": ("1.2.2", "1.2.2.1")}


class Index:
    """Orthanc's index with instances of one SOPInstanceUID in these series; keeps what it was asked."""

    def __init__(self, *parents: str) -> None:
        self.parents = parents
        self.asked: list[dict[str, Any]] = []

    def ask(self, body: bytes) -> bytes:
        self.asked.append(json.loads(body))
        return json.dumps([{"ID": f"in {parent}", "ParentSeries": parent} for parent in self.parents]).encode()

    def answer(self, question: dict[str, Any]) -> list[str] | None:
        answer = InstanceLookups(self.ask, PARENTS.get).answer(question)
        return None if answer is None else [one["ID"] for one in json.loads(answer)]


def test_an_instance_in_the_named_series_is_found_by_its_own_uid_alone() -> None:
    """One list to look through instead of three; what was asked for is asked for, and the parent."""
    index = Index("ours")
    assert index.answer(QUESTION) == ["in ours"]
    assert index.asked == [
        {"Level": "Instance", "Query": {"SOPInstanceUID": INSTANCE}, "ResponseContent": ["Metadata", "Parent"]}
    ]


@pytest.mark.parametrize(
    ("parents", "found"), [(["theirs"], []), (["ours", "theirs"], ["in ours"]), (["gone"], []), ([], [])]
)
def test_an_instance_of_another_study_or_series_is_not_found(parents: list[str], found: list[str]) -> None:
    """Even when it has the same SOPInstanceUID, and when its series was deleted just now."""
    assert Index(*parents).answer(QUESTION) == found


@pytest.mark.parametrize(
    "change",
    [
        {"Level": "Series"},
        {"Limit": 1},
        {"ResponseContent": ["RequestedTags"]},
        {"Query": {"SOPInstanceUID": INSTANCE}},
        {"Query": QUESTION["Query"] | {"SeriesInstanceUID": "1.2.*"}},
        {"Query": QUESTION["Query"] | {"SOPInstanceUID": f"{INSTANCE}\\1.2.9"}},
        {"Query": QUESTION["Query"] | {"StudyInstanceUID": ""}},
        {"Query": QUESTION["Query"] | {"PatientID": "P"}},
    ],
)
def test_any_other_question_is_left_as_it_is(change: dict[str, Any]) -> None:
    """Lists, wildcards, empty keys and further keys are Orthanc's to understand."""
    index = Index("ours")
    assert index.answer({**QUESTION, **change}) is None
    assert index.asked == []
