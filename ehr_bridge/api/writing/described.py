"""Describes the headers of `conditions` for every operation: what is shown carries an ETag, what honours it says so."""

from __future__ import annotations

from typing import Any

from flask import Flask

from ehr_bridge.api.http.context import plain_path
from ehr_bridge.api.http.schemas import Versioned
from ehr_bridge.api.writing.conditions import IF_MATCH, IF_NONE_MATCH, WRITING, honours_conditions
from ehr_bridge.api.writing.repeats import IDEMPOTENCY_KEY, is_repeatable

EXAMPLE = '"5f0c2f6e1f7a4b0f8d3c9e2b7a6d5c41"'
ETAG = {
    "ETag": {
        "description": "Changes with whatever is shown; for `If-Match` and `If-None-Match`",
        "schema": {"type": "string"},
        "example": EXAMPLE,
    }
}
SAME = "What is shown is what `If-None-Match` names; without a body"
READING = {IF_NONE_MATCH: "The ETag of what you have; when it is still shown, the answer is 304"}
REPEATING = {
    IDEMPOTENCY_KEY: "Your own for this request, such as a UUID. Sent again within 24 hours, it has no second effect "
    "and answers what the first one did, with `Idempotent-Replayed: true`"
}
CHANGING = {
    IF_MATCH: "The ETag of what you saw; when it has changed since, the answer is 412 and nothing is changed",
    IF_NONE_MATCH: "`*`: only if there is none yet, else the answer is 412",
}


type Routes = set[tuple[str, str]]


def marked(app: Flask) -> tuple[Routes, Routes]:
    """The routes that honour conditions and those that may be repeated, as the access table writes them."""
    routes = [
        (app.view_functions[rule.endpoint], (method, plain_path(rule.rule)))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & WRITING
    ]
    honouring = {route for view, route in routes if honours_conditions(view)}
    return honouring, {route for view, route in routes if is_repeatable(view)}


def describe_conditions(document: dict[str, Any], honouring: Routes, repeatable: Routes) -> None:
    """Add to the document, in place, the headers and answers of conditions and of Idempotency-Key."""
    versioned = {f"#/components/schemas/{one.__name__}" for one in _below(Versioned)}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            shows = _shows(operation, versioned)
            if method == "get" and shows:
                _add(operation, READING)
                operation["responses"]["304"] = {"description": SAME, "headers": dict(ETAG)}
            if (method.upper(), path) in repeatable:
                _add(operation, REPEATING)
                operation["responses"].setdefault("409", {})
            if (method.upper(), path) in honouring:
                _add(operation, CHANGING if method == "put" else {IF_MATCH: CHANGING[IF_MATCH]})
                operation["responses"]["412"] = {}
            if method.upper() in WRITING:
                operation["responses"].setdefault("422", {})


def _shows(operation: dict[str, Any], versioned: set[str]) -> bool:
    """Whether an answer of the operation carries an ETag; it is described there."""
    shows = False
    for status, response in operation["responses"].items():
        content = response.get("content", {}).get("application/json", {})
        if status < "300" and content.get("schema", {}).get("$ref") in versioned:
            response["headers"] = response.get("headers", {}) | ETAG
            shows = True
    return shows


def _add(operation: dict[str, Any], headers: dict[str, str]) -> None:
    operation.setdefault("parameters", []).extend(
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in headers.items()
    )


def _below(kind: type[Versioned]) -> set[type[Versioned]]:
    return {one for child in kind.__subclasses__() for one in (child, *_below(child))}
