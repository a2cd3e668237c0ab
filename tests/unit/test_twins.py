"""Two of Orthanc's studies with one UID: a look-up hears of the recorded one, everything else goes on as it came."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ehr_bridge.errors import Unavailable
from plugin.storing.twins import Twins

UID = "1.2.3"
STUDY = {"StudyInstanceUID": UID}
SERIES = STUDY | {"SeriesInstanceUID": "1.2.3.4"}
INSTANCE = SERIES | {"SOPInstanceUID": "1.2.3.4.5"}


class Orthanc:
    class OrthancException(Exception):
        pass

    def RestApiGet(self, path: str) -> str:
        assert path.endswith("/study")
        return json.dumps({"ID": "own" if "/own" in path else "other"})


def only_own(level: str, query: dict[str, str], found: list[Any], home: str | None = "own") -> list[Any]:
    answer = Twins(Orthanc(), lambda uid: home if uid == UID else None).only_own(
        {"Level": level, "Query": query}, json.dumps(found).encode()
    )
    return list(json.loads(answer))


@pytest.mark.parametrize(("level", "query"), [("Study", STUDY), ("Series", SERIES), ("Instance", INSTANCE)])
def test_of_two_the_recorded_one_is_heard_of(level: str, query: dict[str, str]) -> None:
    """Expanded or not; at every level that DICOMweb looks up."""
    own, other = ("own", "other") if level == "Study" else ("own-1", "other-1")
    assert only_own(level, query, [other, own]) == [own]
    assert only_own(level, query, [{"ID": other, "X": 1}, {"ID": own, "X": 1}]) == [{"ID": own, "X": 1}]


@pytest.mark.parametrize(
    ("level", "query"),
    [("Series", STUDY), ("Study", STUDY | {"PatientName": "A*"}), ("Study", {}), ("Patient", {"PatientID": "7"})],
)
def test_what_is_no_look_up_is_left_alone(level: str, query: dict[str, str]) -> None:
    """Lists and searches say what there is."""
    assert only_own(level, query, ["other", "own"]) == ["other", "own"]


def test_where_nothing_is_recorded_nothing_is_left_out() -> None:
    """Or where nobody can say just now."""
    assert only_own("Study", STUDY, ["a", "b"], home=None) == ["a", "b"]
    assert only_own("Study", STUDY, ["a", "b"], home="c") == ["a", "b"]

    def away(_: str) -> str:
        raise Unavailable("database_unavailable", "away")

    answer = Twins(Orthanc(), away).only_own({"Level": "Study", "Query": STUDY}, b'["a","b"]')
    assert answer == b'["a","b"]'


def test_one_answer_asks_nobody() -> None:
    """As nearly always."""

    def never(_: str) -> str:
        raise AssertionError("asked")

    for answer in (b"[]", b'["a"]', b'[{"ID": "a", "Type": "Study"}]'):
        assert Twins(Orthanc(), never).only_own({"Level": "Study", "Query": STUDY}, answer) == answer
