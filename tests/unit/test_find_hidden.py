"""A study that a deletion hides is in no answer of the search, whoever asks, and the pages of a list stay whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.services.visibility.sight import Sight
from plugin.serving.find import ScopedFind
from tests.support.sight import sight

STUDIES = {f"1.2.{n}": f"id-{n}" for n in range(10)}


class FakeOrthanc:
    """Answers /tools/find over ten studies as Orthanc does: in order, with Since and Limit, expanded or not."""

    class OrthancException(Exception):
        pass

    def __init__(self) -> None:
        self.questions: list[dict[str, Any]] = []

    def RestApiPost(self, path: str, body: bytes) -> bytes:
        assert path == "/tools/find"
        question = json.loads(body)
        self.questions.append(question)
        asked = next((v for k, v in question["Query"].items() if k.lower() in ("studyinstanceuid", "0020000d")), "")
        named = set(asked.split("\\")) if asked.strip("*") else set(STUDIES)
        found: list[Any] = [orthanc_id for uid, orthanc_id in STUDIES.items() if uid in named]
        since, limit = question.get("Since", 0), question.get("Limit", 0)
        found = found[since : since + limit] if limit else found[since:]
        if question.get("Expand") or "ResponseContent" in question:
            found = [{"ID": one, "Type": "Study"} for one in found]
        return json.dumps(found).encode()


class Output:
    answer: Any = None

    def AnswerBuffer(self, body: str | bytes, media_type: str) -> None:
        assert media_type == "application/json"
        self.answer = json.loads(body)


class Doorman(Authenticator):
    """Authenticates somebody who may do this, or a token of theirs for `studies`."""

    def __init__(self, studies: frozenset[str] | None, *permissions: Permission, is_share: bool = False) -> None:
        self._studies = studies
        self._is_share = is_share
        self._permissions = frozenset(permissions or {Permission.VIEW})

    def authenticate(self, _authorization: str | None) -> Caller:
        return Caller("x", "x", (), self._permissions, studies=self._studies, is_share=self._is_share)


def find(
    question: dict[str, Any],
    hidden: Sight,
    studies: frozenset[str] | None = None,
    may: tuple[Permission, ...] = (),
    **headers: str,
) -> Any:
    orthanc, output = FakeOrthanc(), Output()
    route = ScopedFind(orthanc, Doorman(studies, *may), hidden, lambda _: None)
    body = json.dumps({"Level": "Study", "Query": {}} | question).encode()
    route(output, "/tools/find", method="POST", headers=headers or {"authorization": "Bearer x"}, body=body)
    return [one["ID"] if isinstance(one, dict) else one for one in output.answer], orthanc.questions


@pytest.mark.parametrize("form", [{}, {"Expand": True}, {"ResponseContent": ["MainDicomTags"]}], ids=str)
def test_a_hidden_study_is_in_no_answer_and_pages_stay_whole(form: dict[str, Any]) -> None:
    """Walking the list page by page gives every other study once, in order."""
    uids = ("1.2.0", "1.2.4", "1.2.5")
    hidden = sight(*uids)
    expected = [orthanc_id for uid, orthanc_id in STUDIES.items() if uid not in uids]
    assert find(form, hidden)[0] == expected
    for limit in (1, 2, 3, 7, 50):
        pages = [find(form | {"Since": since, "Limit": limit}, hidden)[0] for since in range(0, 8, limit)]
        assert [one for page in pages for one in page] == expected, limit
    assert find(form | {"Since": 3}, hidden)[0] == expected[3:]


def test_a_share_finds_no_series_of_a_report_and_pages_stay_whole() -> None:
    """Series and instances; of the study itself nothing is taken away, and others find all."""
    own = frozenset({"1.2.4"})

    class Series(FakeOrthanc):
        def RestApiPost(self, path: str, body: bytes) -> bytes:
            question = json.loads(body)
            self.questions.append(question)
            query = question["Query"]
            if "SeriesInstanceUID" in query:
                return json.dumps([f"id-{uid[-1]}" for uid in query["SeriesInstanceUID"].split("\\")]).encode()
            assert query["StudyInstanceUID"] == "1.2.4"
            found = [f"id-{n}" for n in range(5)]
            since, limit = question.get("Since", 0), question.get("Limit", 0)
            return json.dumps(found[since : since + limit] if limit else found[since:]).encode()

    def ask(level: str, is_share: bool = True, **more: int) -> Any:
        output = Output()
        porter = Doorman(own, is_share=is_share)
        reports = frozenset({"1.7.1", "1.7.2"})
        route = ScopedFind(Series(), porter, sight(), lambda _: None, report_files=lambda _: reports)
        body = json.dumps({"Level": level, "Query": {}} | more).encode()
        route(output, "/tools/find", method="POST", headers={"authorization": "Bearer x"}, body=body)
        return output.answer

    for level in ("Series", "Instance", "series", "Image"):
        assert ask(level) == ["id-0", "id-3", "id-4"], level
        assert [ask(level, Since=n, Limit=1) for n in range(4)] == [["id-0"], ["id-3"], ["id-4"], []]
        assert len(ask(level, is_share=False)) == 5
    assert len(ask("Study")) == 5


@pytest.mark.parametrize("query", ["", "*", "1.2.4\\*"])
def test_wildcards_find_no_hidden_study(query: str) -> None:
    """Nor does an empty value."""
    assert "id-4" not in find({"Query": {"0020000D": query}}, sight("1.2.4"))[0]


def test_a_hidden_study_that_is_named_is_not_found_and_its_neighbours_are() -> None:
    """One by one, or in a list; asked for nothing, Orthanc is not even asked."""
    hidden = sight("1.2.4")
    assert find({"Query": {"StudyInstanceUID": "1.2.4"}}, hidden) == ([], [])
    for spelled in ("1.2.4\\1.2.5", "1.2.5,1.2.4"):
        found, questions = find({"Query": {"studyinstanceuid": spelled}}, hidden)
        assert (found, len(questions)) == (["id-5"], 1)


def test_a_viewer_token_finds_its_other_studies_only() -> None:
    """Made before the deletion was asked for."""
    own = frozenset({"1.2.4", "1.2.5"})
    assert find({}, sight("1.2.4"), own)[0] == ["id-5"]
    assert find({}, sight("1.2.4", "1.2.5"), own) == ([], [])
    assert find({}, sight("1.2.9"), own)[0] == ["id-4", "id-5"]


def test_who_decides_on_deletions_finds_what_waits_for_them_and_nothing_else() -> None:
    """With whatever question; and what is decided is gone, for a token made before too."""
    may = (Permission.VIEW_TO_DECIDE,)
    waiting = sight("1.2.4", waiting={"1.2.5": "rita", "1.2.6": "x"})
    for question in ({}, {"Query": {"StudyInstanceUID": "*"}}, {"Query": {"StudyInstanceUID": "1.2.4\\1.2.5\\1.2.7"}}):
        assert find(question, waiting, may=may)[0] == ["id-5"], question
    own = frozenset({"1.2.5", "1.2.7"})
    assert find({}, waiting, own, may)[0] == ["id-5"]
    for decided in (sight(), sight("1.2.5")):
        assert find({}, decided, own, may) == ([], [])
        assert find({}, decided, may=may) == ([], [])


def test_who_may_view_too_finds_everything_but_what_waits_for_others() -> None:
    both = (Permission.VIEW, Permission.VIEW_TO_DECIDE)
    found = find({}, sight("1.2.4", waiting={"1.2.5": "rita", "1.2.6": "x"}), may=both)[0]
    assert found == [one for uid, one in STUDIES.items() if uid not in ("1.2.4", "1.2.6")]


def test_while_nothing_is_hidden_a_question_goes_on_as_it_came() -> None:
    """One question to Orthanc, unchanged; the same while something is hidden that the question does not name."""
    question = {"Level": "Study", "Query": {"PatientID": "x"}, "Limit": 3, "Since": 2}
    assert find(question, sight())[1] == [question]
    named = {"Level": "Series", "Query": {"StudyInstanceUID": "1.2.5"}}
    assert find(named, sight("1.2.4"))[1] == [named]


def test_orthanc_itself_finds_everything() -> None:
    """Its own look-ups carry no token; the purge must find what it deletes."""
    assert len(find({}, sight("1.2.4"), x="y")[0]) == 10
