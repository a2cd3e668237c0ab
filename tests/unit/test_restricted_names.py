"""Every parameter of a route is known to the second net that keeps callers away from restricted patients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ehr_bridge.api.app import openapi_document
from ehr_bridge.api.http.restricted import ASKING_AHEAD, BRINGING, FINDERS, OF_ACCESS, PATIENTS

NAMES_NOBODY = frozenset((
    "action", "active", "actor", "ae_title", "after", "after_id", "allow_networks", "approximate_age", "as_of",
    "also", "assigned_to", "take_over", "columns", "day", "filters", "is_shared", "view_id",
    "birth_date", "body_part", "changes", "charset", "code", "control_id", "current_password", "cursor", "decision",
    "delivery_id", "description", "dry_run", "enabled", "events", "expected", "family_name", "file_name", "format",
    "from", "full_name", "further_steps", "given_name", "host", "Idempotency-Key", "If-Match", "If-None-Match",
    "instances", "is_one_of_several",
    "is_ehr", "issuer", "items", "key_id", "kind", "known_hash", "known_id", "laterality", "limit", "link_status",
    "match", "max_uses", "may", "middle_name", "modality", "must_change_password", "name", "new_password", "newest",
    "not_before", "offset", "on_behalf_of", "operations", "order_message", "ordered_by", "partial", "password",
    "patient_name", "placer_order_number", "policy", "port", "prefix", "priority", "priors", "procedure_code", "q",
    "reason", "requested_procedure_id", "roles", "scheduled_at", "scheduled_from", "scheduled_procedure_step_id",
    "scheduled_study_instance_uid", "scheduled_to", "series", "session_seconds", "sex", "sha256", "since", "sort",
    "source", "source_address", "state", "states", "station_ae_title", "status", "study_date_from", "study_date_to",
    "suffix",
    "tls", "to", "token", "token_id", "ttl_seconds", "type", "updated_since", "upload_source", "upload_status",
    "uploaded_by", "url", "username", "waiting", "X-Reason",
    "at", "author", "critical", "language", "level", "modalities", "mrrt", "read_back", "required", "template", "told",
    "begun", "being_written", "note", "number", "report", "sections", "text", "title", "unread", "urgency",
    "until", "waits_for", "was_reached", "way",
    "ca_certificates", "reports_from", "position", "download", "X-Document-Date",
    "X-Document-Kind", "X-Document-Title", "X-File-Name",
    "copies", "count", "page",
    "damaged", "days", "dose", "leg", "metric", "undescribed", "pin", "secret",
    "X-Patient-Id",  # of a document: only compared with the patient of the order in the path
    "comment", "series_instance_uid", "sop_instance_uids",  # of the study in the path
    "rules", "least_age", "seen_at", "number_of_studies",
    "batch_id",  # its requests are read without those of closed patients
))  # fmt: skip
"""Parameters that name no patient: limits, kinds, texts to write, search terms of lists."""


def fields_of(schema: dict[str, Any], document: dict[str, Any], seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The names of everything that a body may hold, however deep."""
    name = schema.get("$ref", "").rpartition("/")[2]
    if name and name not in seen:
        yield from fields_of(document["components"]["schemas"][name], document, seen | {name})
    for field, inner in schema.get("properties", {}).items():
        yield field
        yield from fields_of(inner, document, seen)
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from fields_of(inner, document, seen)
    if "items" in schema:
        yield from fields_of(schema["items"], document, seen)


def named(operation: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
    yield from (parameter["name"] for parameter in operation.get("parameters", ()))
    for body in operation.get("requestBody", {}).get("content", {}).values():
        yield from fields_of(body.get("schema", {}), document)


def test_every_parameter_of_a_route_finds_a_patient_or_is_known_to_name_nobody() -> None:
    """A new one is put into a list here or in `ehr_bridge.api.http.restricted` by whoever knows what it names."""
    document = openapi_document()
    known = {*FINDERS, *PATIENTS, *NAMES_NOBODY}
    unknown, used = set(), set()
    for path, operations in document["paths"].items():
        if path in BRINGING or path == ASKING_AHEAD or path.startswith(OF_ACCESS):
            continue  # they may name a closed patient
        for operation in operations.values():
            names = set(named(operation, document))
            unknown |= {(path, name) for name in names - known}
            used |= names
    assert unknown == set()
    assert NAMES_NOBODY - used == set(), "a name that no route has any more"
    assert not NAMES_NOBODY & {*FINDERS, *PATIENTS}


def test_the_net_knows_names_in_bodies_as_well() -> None:
    """The check above would not pass for want of seeing them."""
    document = openapi_document()
    link = document["paths"]["/api/v1/reconciliation/{study_uid}/link"]["post"]
    assert {"study_uid", "order_id", "patient_id", "reason"} <= set(named(link, document))
