"""What is wrong with a request is said in words: every pattern of the document, and every kind of wrong value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core.core_schema import ErrorType

from ehr_bridge.api.app import openapi_document
from ehr_bridge.api.http.schemas import Input
from ehr_bridge.settings import SettingsError, load_settings, variables
from ehr_bridge.wrong_values import FALLBACK, SENTENCES, told, words_of
from tests.api.conftest import Api

RAW = re.compile(r"\^|\$|\[|\\|\{|Input should|should (have|match)|pattern|Extra inputs|pydantic|NoneType|UUID")
"""What a person should not read: regular expressions and pydantic's own phrases."""
WRONG: list[Any] = [
    *(None, "", " ", "§", "x" * 5000, "2026-13-45", "2026-01-01T00:00:00", "25:00:00", "nonsense", "\ud800"),
    *(-1, 0, 10**30, 1.5, float("inf"), True, [], [None], ["§"], ["a"] * 2000, {}, {"a": 1}),
]
LONG = {
    ("AuditQuery", "action"): "every action that the trail has, so that a mistyped one is found",
    ("ExportQuery", "action"): "likewise",
    ("DeliveryQuery", "type"): "every event that there is, likewise",
    ("DestinationBody", "events.0"): "likewise",
}
"""Fields whose fault is told at greater length."""


def patterns(part: object) -> Iterator[dict[str, Any]]:
    """Every schema of the document with a pattern."""
    if isinstance(part, list):
        for inner in part:
            yield from patterns(inner)
    elif isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield part
        for inner in part.values():
            yield from patterns(inner)


def test_every_pattern_in_the_document_has_words_and_fails_in_words() -> None:
    """The same words in both places, and no sign of the expression."""
    found = list(patterns(openapi_document()))
    assert len({schema["pattern"] for schema in found}) >= 7
    for schema in found:
        words = words_of(schema["pattern"])
        assert words, schema
        assert words.lower() in schema["description"].lower()
        assert not RAW.search(words), words
        adapter = TypeAdapter(Annotated[str, Field(pattern=schema["pattern"])])
        with pytest.raises(ValidationError) as refusal:
            adapter.validate_python("§ never right §")
        assert told(refusal.value) == [("body", f"write {words}")]


def inputs() -> list[type[BaseModel]]:
    """Every model of a request."""
    openapi_document()  # imports all routes

    def below(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    return list(dict.fromkeys(kind for kind in below(Input) if kind.__module__.startswith("ehr_bridge.")))


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.__name__) for kind in inputs()])
def test_every_wrong_value_of_every_field_is_told_in_words_of_ours(kind: type[BaseModel]) -> None:
    """Whatever pydantic calls the fault; a fault without a sentence would be told as `FALLBACK`."""
    names = [(field.alias or name) for name, field in kind.model_fields.items()]
    whole: list[object] = [{}, {"§": 1}, 5, [], "text", None]
    for wrong in [*({name: value} for name in names for value in WRONG), *whole]:
        try:
            kind.model_validate(wrong)
        except ValidationError as error:
            for field, message in told(error):
                assert message != FALLBACK, (error.errors(), field)
                assert not RAW.search(message), (message, wrong)
                assert len(message) < 300 or (kind.__name__, field) in LONG


def test_a_wrong_setting_is_told_in_words_too() -> None:
    """At the start, to who wrote it."""
    problems = []
    for name in variables():
        for wrong in (" ", "§", "-1", "x" * 300, "{", "[1]", "1e400"):
            try:
                load_settings({name: wrong})
            except SettingsError as error:
                problems += error.problems
    told_values = [problem.partition(": ")[2] for problem in problems]
    assert "write 127.0.0.1 or 0.0.0.0" in told_values
    assert [said for said in told_values if said == FALLBACK or "Input should" in said or "pattern" in said] == []


def test_every_sentence_is_of_an_error_that_pydantic_has() -> None:
    """A new version may rename one."""
    assert set(SENTENCES) <= set(get_args(ErrorType))


def test_the_answer_says_it(api: Api) -> None:
    """In a query, a path, a body, and an item of a batch."""
    for answer, field, message in (
        (api.get("/api/v1/orders?status=done", "doctor"), "status", "write a state, or several with commas between: "),
        (api.get("/api/v1/dicom/studies/1.2.x", "doctor"), "study_uid", "write a UID: numbers with dots between"),
        (api.get("/api/v1/orders?limit=0", "doctor"), "limit", "write 1 or more"),
        (api.get("/api/v1/jobs/x", "doctor"), "job_id", "write an id as an answer gave it, such as "),
        (api.call("PUT", "/api/v1/orders/A1", "service", json={}), "mrn", "it is required"),
    ):
        assert answer.status_code == 422
        told_of = {error["field"]: error["message"] for error in answer.json["errors"]}
        assert told_of[field].startswith(message), told_of
    batch = api.call("POST", "/api/v1/patients/batch", "service", json={"items": [{"mrn": "M1", "family_name": 5}]})
    assert batch.json["items"][0]["error"]["errors"] == [{"field": "family_name", "message": "write text"}]
