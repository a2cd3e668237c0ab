"""Whether a document is a resource as R4 describes it.

`fhir.resources` knows the elements, their types and cardinality; its R4B models have the same elements as R4 for every
resource here. It does not check codes, and takes null for what is required, so that is checked here. It is loaded at
the first write, because that takes half a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import BaseModel, ValidationError

from ehr_bridge.errors import InvalidInput
from ehr_bridge.wrong_values import SENTENCES

MODULES = {
    "Patient": "patient",
    "ServiceRequest": "servicerequest",
    "DiagnosticReport": "diagnosticreport",
    "Subscription": "subscription",
}
"""Of the types that can be written. A Bundle may hold others, which are not read."""
CODES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "Patient": {"gender": frozenset({"male", "female", "other", "unknown"})},
    "ServiceRequest": {
        "status": frozenset({"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"}),
        "priority": frozenset({"routine", "urgent", "asap", "stat"}),
    },
    "DiagnosticReport": {
        "status": frozenset(
            {"registered", "partial", "preliminary", "final", "amended", "corrected", "appended", "cancelled"}
            | {"entered-in-error", "unknown"}
        ),
    },
    "Bundle": {"type": frozenset({"transaction", "batch"})},
    "Subscription": {"status": frozenset({"requested", "active", "error", "off"})},
}
"""Required bindings of elements that are read."""
REQUIRED = {
    "ServiceRequest": ("status", "intent", "subject"),
    "DiagnosticReport": ("status", "code", "subject"),
    "Bundle": ("type",),
    "Subscription": ("status", "reason", "criteria", "channel"),
}
MOST_FAULTS = 20
WORDS = {kind: sentence for kind, sentence in SENTENCES.items() if "{" not in sentence}
OTHERWISE = "it is not as R4 describes it"


def require_resource(name: str, document: Any) -> dict[str, Any]:
    """The document, if it is a resource of this type. Raises InvalidInput `resource_invalid`, with the elements."""
    if not isinstance(document, dict) or document.get("resourceType") != name:
        raise _invalid([(name, f"send a resource of the type {name}")])
    faults = [(f"{name}.{one}", "is required") for one in REQUIRED.get(name, ()) if not document.get(one)]
    for element, allowed in CODES.get(name, {}).items():
        said = document.get(element)
        if said is not None and (not isinstance(said, str) or said not in allowed):
            faults.append((f"{name}.{element}", f"one of {', '.join(sorted(allowed))}"))
    if document.get("modifierExtension"):
        faults.append((f"{name}.modifierExtension", "this server knows no modifier extension, and ignores none"))
    if faults:
        raise _invalid(faults)
    if name not in MODULES:
        return document
    try:
        _model(name).model_validate(document)
    except ValidationError as error:
        raise _invalid(_told(name, error)) from None
    return document


def load_models() -> None:
    """Load what checks resources, if it is not loaded yet."""
    for name in MODULES:
        _model(name)


def _model(name: str) -> type[BaseModel]:
    module = import_module(f"fhir.resources.R4B.{MODULES[name]}")
    model: type[BaseModel] = getattr(module, name)
    return model


def _told(name: str, error: ValidationError) -> list[tuple[str, str]]:
    """Elements and what is wrong with them; never the values."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    places = [".".join([name, *(str(part) for part in one["loc"])]) for one in found[:MOST_FAULTS]]
    return [(place, WORDS.get(one["type"], OTHERWISE)) for place, one in zip(places, found, strict=False)]


def _invalid(faults: list[tuple[str, str]]) -> InvalidInput:
    return InvalidInput("resource_invalid", "; ".join(f"{field}: {why}" for field, why in faults) + ".", tuple(faults))
