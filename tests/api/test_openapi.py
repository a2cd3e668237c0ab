"""The OpenAPI document: complete, with examples that hold, and a page that needs no other host."""

from __future__ import annotations

import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate
from pydantic import BaseModel

from ehr_bridge.api.app import openapi_document
from ehr_bridge.api.document.refusals import OF_ROUTE
from ehr_bridge.api.document.sample_values import SAMPLES, is_plain
from ehr_bridge.api.document.vocabulary import WORDS
from ehr_bridge.api.http.access import ACCESS, PUBLIC
from ehr_bridge.api.http.openapi import ALL_EXAMPLES as EXAMPLES
from ehr_bridge.api.http.openapi import REFUSED_BEFORE, problem_of
from ehr_bridge.api.http.problems import CODES, MEDIA_TYPE
from tests.api.conftest import Api
from tests.unit.doc_steps import model


@pytest.fixture
def document(read_api: Api) -> dict[str, Any]:
    return dict(read_api.get("/api/v1/openapi.json").json)


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(m.upper(), p, o) for p, methods in document["paths"].items() for m, o in methods.items()]


def test_an_independent_validator_finds_the_document_valid(document: dict[str, Any]) -> None:
    """OpenAPI 3.1, by people who do not know us."""
    assert document["openapi"].startswith("3.1.")
    validate(document)


def test_two_routes_never_differ_only_in_the_names_of_their_parameters(document: dict[str, Any]) -> None:
    """OpenAPI 3.1 section 4.8.8: templates of the same shape are identical, and invalid."""
    shapes = [re.sub(r"\{\w+\}", "{}", path) for path in document["paths"]]
    assert len(shapes) == len(set(shapes))


VERBS = (
    "agree|amend|approve|assign|begin|break|cancel|change|claim|close|compare|correct|create|delete|discard|download|drop|"
    "echo|exchange|export|find|get|give|issue|keep|link|list|login|logout|match|merge|open|modify|note|patch|place|preview|print|put|read|refuse|register|reject|"
    "release|reopen|replay|request|resend|restore|restrict|retry|review|revoke|save|send|set|sign|split|store|undo|unlink|"
    "unmerge|update|upload|validate|verify|withdraw"
)


def test_every_operation_is_called_as_a_person_would_name_the_method(document: dict[str, Any]) -> None:
    """A verb, then what it is done to; nothing of paths or modules. Each has one tag, which becomes a class."""
    named = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(named) == len(set(named))
    for _, path, operation in operations(document):
        name = operation["operationId"]
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name), name
        assert re.fullmatch(VERBS, name.split("_")[0]), name
        assert len(name.split("_")) <= 5, name
        assert "_api_v1" not in name, name
        assert len(operation["tags"]) == 1, path
    assert {"create_account", "list_studies", "get_order", "put_patient", "upload_file"} <= set(named)


def test_every_route_says_what_it_is_who_may_and_what_it_answers(document: dict[str, Any]) -> None:
    """Summary, tag, permission, success, and the refusals that every guarded route can speak."""
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert set(operation["tags"]) <= set(tags), where
        assert any(status < "400" for status in operation["responses"]), where
        need = ACCESS[method, path]
        if need == PUBLIC:
            assert operation["security"] == [], where
        else:
            assert {"bearer": []} in operation["security"], where
            assert {"401", "403", "503"} <= set(operation["responses"]), where
            assert need in ("signed in", "viewer token") or f"`{need}`" in operation["description"], where
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (where, parameter["name"])
    assert all(len(text) > 10 for text in tags.values())


def test_every_error_is_a_problem_with_an_example_that_exists(document: dict[str, Any]) -> None:
    """The right media type, and a code of the table with its status."""
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            assert response["description"], (method, path, status)
            if status < "400" or response["description"] == REFUSED_BEFORE:
                continue
            if "application/dicom+json" in response["content"]:
                continue
            example = response["content"]["application/problem+json"]["example"]
            assert CODES[example["code"]].status == int(status) == example["status"]


def test_only_the_ways_to_sign_in_that_are_configured_are_listed() -> None:
    """A tool that reads the document offers no service account that nobody made."""
    plain, with_basic = openapi_document(), openapi_document(has_basic=True)
    assert set(plain["components"]["securitySchemes"]) == {"bearer"}
    assert set(with_basic["components"]["securitySchemes"]) == {"bearer", "basic"}
    for document in (plain, with_basic):
        known = document["components"]["securitySchemes"]
        used = {name for _, _, operation in operations(document) for way in operation["security"] for name in way}
        assert used == set(known)


TEXT = {"text/csv", "text/html", "text/plain", "application/xml"}


def test_whatever_is_not_json_or_text_is_bytes_and_a_body_must_be_sent(document: dict[str, Any]) -> None:
    """Uploads, downloads, pictures, STOW: a generated client neither decodes nor quotes them."""
    binary = set()
    for method, path, operation in operations(document):
        request = operation.get("requestBody", {"content": {}, "required": True})
        assert request["required"] is True, path
        answers = [response.get("content", {}) for response in operation["responses"].values()]
        for content in (request["content"], *answers):
            for media_type, body in content.items():
                if not media_type.endswith(("/json", "+json")) and media_type not in TEXT:
                    assert body["schema"].items() >= {"type": "string", "format": "binary"}.items(), (path, media_type)
                    binary.add((method, media_type))
    assert binary >= {("POST", "application/dicom"), ("POST", "multipart/related"), ("POST", "application/zip")}
    assert binary >= {("GET", "application/zip"), ("GET", "image/png")}


def test_each_route_lists_the_codes_that_it_can_answer_with(document: dict[str, Any]) -> None:
    """As an enum in a schema of its own, which is in use; a code of the table is one with a status of the route."""
    ids = {operation["operationId"]: operation for _, _, operation in operations(document)}
    assert set(OF_ROUTE) <= set(ids)
    for name, operation in ids.items():
        statuses = {s for s, r in operation["responses"].items() if MEDIA_TYPE in r.get("content", {})}
        if not statuses:
            continue
        enum = document["components"]["schemas"][problem_of(name)]["allOf"][1]["properties"]["code"]["enum"]
        assert {str(CODES[code].status) for code in enum} == statuses
        for status in statuses:
            schema = operation["responses"][status]["content"][MEDIA_TYPE]["schema"]
            assert schema == {"$ref": f"#/components/schemas/{problem_of(name)}"}
    order = document["components"]["schemas"]["GetOrderProblem"]["allOf"][1]["properties"]["code"]["enum"]
    assert "order_not_found" in order
    assert "patient_not_found" not in order


def test_every_property_says_what_it_is(document: dict[str, Any]) -> None:
    """In a sentence or a DICOM attribute; moments have their format."""
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        for field, what in schema.get("properties", {}).items():
            assert what["description"], (name, field)
    assert schemas["OrderAnswer"]["properties"]["created_at"]["format"] == "date-time"
    assert set(WORDS) <= {field for schema in schemas.values() for field in schema.get("properties", {})}


def test_every_property_has_an_example_that_its_schema_accepts(document: dict[str, Any]) -> None:
    """Judged by a validator of others; what holds another schema has that one's."""
    schemas = document["components"]["schemas"]
    used = set()
    for name, schema in schemas.items():
        for field, what in schema.get("properties", {}).items():
            parts = [part for part in what.get("anyOf", [what]) if part.get("type") != "null"]
            if not parts or not all(map(is_plain, parts)) or name.endswith("Problem"):
                continue
            for example in what.get("examples", []):
                Draft202012Validator(what, format_checker=FormatChecker()).validate(example)
            assert what.get("example") or [e for e in what.get("examples", []) if e is not None], (name, field)
            used.add(field)
    assert set(SAMPLES) <= used


UNITS = {"_seconds": "second", "_bytes": "byte", "bytes": "byte", "days": "day", "_days": "day", "minutes": "minute"}


def test_every_property_with_a_unit_says_it(document: dict[str, Any]) -> None:
    """Not only in its name."""
    found = 0
    for name, schema in document["components"]["schemas"].items():
        for field, what in schema.get("properties", {}).items():
            for end, unit in UNITS.items():
                if field.endswith(end):
                    assert unit in what["description"].lower(), (name, field)
                    found += 1
    assert found > 10


def test_every_reference_in_the_document_leads_somewhere(api: Api) -> None:
    """No schema is missing."""
    text = api.get("/api/v1/openapi.json").text
    found = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert found <= set(api.get("/api/v1/openapi.json").json["components"]["schemas"])


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_valid_and_complete(name: str) -> None:
    """Against the model of that name; an answer's example has every field."""
    expected = model(name)
    expected.model_validate(EXAMPLES[name])
    if name.endswith("Answer"):
        assert set(EXAMPLES[name]) == set(expected.model_fields)


def test_the_examples_stand_in_the_document(document: dict[str, Any]) -> None:
    """Each at its schema."""
    schemas = document["components"]["schemas"]
    assert set(EXAMPLES) <= set(schemas)
    assert all(schemas[name]["examples"] == [EXAMPLES[name]] for name in EXAMPLES)


def test_the_page_to_try_the_api_names_no_other_host_and_runs_under_a_policy(api: Api) -> None:
    """Hospital networks reach no other host; no script stands in the page itself."""
    answer = api.get("/api/v1/docs", follow_redirects=True)
    assert answer.status_code == 200
    assert re.findall(r"(?:src|href)=\"(?!/api/v1/swagger/)", answer.text) == []
    assert "<script>" not in answer.text
    assert "script-src 'self'; " in answer.headers["Content-Security-Policy"]
    for path in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
        assert api.get(path).status_code == 200, path


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/orders?offset=241665572968398192640",
        "/api/v1/orders?q=%00",
        "/api/v1/patients?q=a%00b",
        "/api/v1/dicom/studies?mrn=%00",
        "/api/v1/audit?actor=%00",
        "/api/v1/patients/a%00b",
        "/api/v1/dicom/uploads/patient/%00",
    ],
)
def test_values_that_no_database_holds_are_refused(api: Api, path: str) -> None:
    """Numbers beyond any list and the character NUL; on both databases alike."""
    answer = api.get(path, "admin", "doctor")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")


def test_a_value_with_a_slash_is_another_path_and_documented_as_404(read_api: Api, document: dict[str, Any]) -> None:
    """Orthanc decodes the path before we see it."""
    assert read_api.get("/api/v1/patients/a/b", "doctor").json["code"] == "route_not_found"
    for method, path, operation in operations(document):
        assert "{" not in path or "404" in operation["responses"], (method, path)


def test_no_two_models_share_a_name(document: dict[str, Any]) -> None:
    """The library would describe one of them in the place of both, and nobody would see which."""
    described = document["components"]["schemas"]
    named: dict[str, set[str]] = {}
    todo: list[type[BaseModel]] = [BaseModel]
    while todo:
        for one in todo.pop().__subclasses__():
            todo.append(one)
            if one.__module__.startswith("ehr_bridge.") and one.__name__ in described:
                named.setdefault(one.__name__, set()).add(one.__module__)
    assert len(named) > 200
    assert {name: sorted(modules) for name, modules in named.items() if len(modules) > 1} == {}
