"""`python -m tests.support.web_types` writes plugin/web/openapi.json, from which the TypeScript types are made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ehr_bridge.api.app import openapi_document
from ehr_bridge.api.http.limits import LEFT, POLICY
from ehr_bridge.request_id import HEADER

FILE = Path(__file__).resolve().parents[2] / "plugin" / "web" / "openapi.json"
WORDS = ("description", "example", "examples", "operationId", "tags", "security", "title")
"""Keys that no type depends on: leaving them out keeps the file small and its changes readable."""


def shapes() -> str:
    """The part of the OpenAPI document that types depend on, as text that changes only when they do."""
    document = openapi_document()  # a route's own form of problems is an `allOf`; no page tells them apart
    for methods in document["paths"].values():
        for operation in methods.values():
            operation["responses"] = {s: r for s, r in operation["responses"].items() if s < "400"}
            for response in operation["responses"].values():
                for header in (HEADER, POLICY, LEFT):  # no page reads them
                    response["headers"].pop(header, None)
                if not response["headers"]:
                    del response["headers"]
    schemas = {name: s for name, s in document["components"]["schemas"].items() if "allOf" not in s}
    kept = {
        "openapi": document["openapi"],
        "info": {"title": document["info"]["title"], "version": "1"},
        "paths": _without_words(document["paths"]),
        "components": {"schemas": _without_words(schemas)},
    }
    return json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _without_words(node: Any, names: bool = False) -> Any:
    """The same without texts for people; `names` says that the keys are names of fields, which all stay."""
    if isinstance(node, dict):
        return {k: _without_words(v, k == "properties") for k, v in node.items() if names or k not in WORDS}
    if isinstance(node, list):
        return [_without_words(each) for each in node]
    return node


if __name__ == "__main__":
    FILE.write_text(shapes(), encoding="utf-8")
