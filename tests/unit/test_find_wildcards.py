"""Wildcards where PS3.4 knows none, and what else Orthanc refuses: an answer, never an error of the server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from plugin.serving.find import ScopedFind
from tests.support.sight import sight


class OrthancException(Exception):
    """As orthanc-python raises it: a code and its description."""


class Refusing:
    """Answers like Orthanc: with one study, or with an error when it does not like a value."""

    OrthancException = OrthancException

    def __init__(self, code: int = 3) -> None:
        self.code = code
        self.questions: list[dict[str, Any]] = []

    def RestApiPost(self, _path: str, body: bytes) -> bytes:
        question = json.loads(body)
        self.questions.append(question)
        if any(c in value for key, value in question["Query"].items() for c in "*?" if key != "PatientName"):
            raise OrthancException(self.code, "Parameter out of range")
        return b'["study"]'


class Output:
    answer: Any = None

    def AnswerBuffer(self, body: str | bytes, _media_type: str) -> None:
        self.answer = json.loads(body)


class Nurse(Authenticator):
    def __init__(self) -> None:
        pass

    def authenticate(self, _authorization: str | None) -> Caller:
        return Caller("n", "n", ("nurse",), frozenset({Permission.VIEW}))


def ask(orthanc: Refusing, query: dict[str, str]) -> Any:
    output = Output()
    route = ScopedFind(orthanc, Nurse(), sight(), lambda _: None)
    body = json.dumps({"Level": "Study", "Query": query, "Limit": 5}).encode()
    route(output, "/tools/find", method="POST", headers={"authorization": "Bearer x"}, body=body)
    return output.answer


@pytest.mark.parametrize("value", ["*", "**", " * "])
@pytest.mark.parametrize("key", ["StudyInstanceUID", "0020000d", "SOPClassUID", "StudyDate"])
def test_a_star_alone_matches_everything(key: str, value: str) -> None:
    """Universal matching, for every kind of value; the rest of the question stays."""
    orthanc = Refusing()
    assert ask(orthanc, {key: value, "PatientName": "Lind*"}) == ["study"]
    assert orthanc.questions == [{"Level": "Study", "Query": {"PatientName": "Lind*"}, "Limit": 5}]


@pytest.mark.parametrize("query", [{"StudyInstanceUID": "1.2.*"}, {"0020000D": "?"}, {"StudyDate": "2026*-"}], ids=str)
def test_a_wildcard_in_a_value_that_has_none_matches_nothing(query: dict[str, str]) -> None:
    """No study has a UID with a star in it."""
    assert ask(Refusing(), query) == []


@pytest.mark.parametrize("key", ["SOPInstanceUID", "InstanceNumber", "0020,0013", "0020-0013", "00280008"])
def test_no_study_is_found_by_what_only_an_instance_has(key: str) -> None:
    """Orthanc's database would fail; a key without a value is no condition and goes on."""
    orthanc = Refusing()
    assert (ask(orthanc, {key: "1"}), orthanc.questions) == ([], [])
    assert ask(orthanc, {key: ""}) == ["study"]


def test_other_errors_of_orthanc_stay_errors() -> None:
    """An index that is away is not an empty archive."""
    with pytest.raises(OrthancException):
        ask(Refusing(code=14), {"StudyInstanceUID": "1.2.*"})
