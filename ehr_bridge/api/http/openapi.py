"""Completes the OpenAPI document from the access table, the table of errors and the examples.

Routes are described beside their code. What all of them share (who may call, the form of errors, paging) is added here,
so that no route can forget it.
"""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

from ehr_bridge.api.away.columns import COLUMNS, headers_of
from ehr_bridge.api.away.tables import BYTES, ROWS
from ehr_bridge.api.document import bodies, sample_values, vocabulary
from ehr_bridge.api.document.refusals import codes_of, statuses_of
from ehr_bridge.api.http.access import ACCESS, OF_SHARE, PUBLIC, SIGNED_IN, VIEWER
from ehr_bridge.api.http.examples import EXAMPLES, PARAMETER_EXAMPLES
from ehr_bridge.api.http.examples_links import LINK_EXAMPLES
from ehr_bridge.api.http.examples_system import MESSAGE_EXAMPLES, SYSTEM_EXAMPLES
from ehr_bridge.api.http.limits import LEFT, POLICY, may_tell
from ehr_bridge.api.http.problems import CODES, MEDIA_TYPE, TITLES, type_of
from ehr_bridge.request_id import HEADER

DESCRIPTION = """Makes the PACS speak to the EHR: patients and orders come in, images are matched, corrected and stored,
doctors get links that open exactly their studies.

Send `Authorization: Bearer <JWT>`. Errors are problem details (RFC 9457) with a stable `code`, and a `type` that is
the address of a page with cause and cure. Lists are paged with `limit` and `offset`. Moments are ISO 8601 in UTC.
Every answer has an `X-Request-Id`.
A request that is refused before it reaches a route (a body that is
too large, form data, a compressed body) answers 403 without a body."""

SCHEMES: dict[str, Any] = {
    "bearer": {
        "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
        "description": "A token of the EHR, one of `POST /api/v1/auth/login`, or a service key",
    },
    "basic": {"type": "http", "scheme": "basic", "description": "The one service account of the deployer"},
}  # fmt: skip
REFUSED_BEFORE = "Refused before it reached the route, as what is larger than the server takes; without a body"

TAGS = {
    "Patients": "Patients, sent by the EHR.",
    "Matching": "Whose a study is, as the judge would say it on arrival.",
    "Orders": "Imaging orders, sent by the EHR.",
    "Dashboard": "The day and what waits, in numbers that are the totals of lists; how long examinations take.",
    "Documents": "Papers and photographs of patients and orders.",
    "Printing": "Labels of patients, orders and specimens, and what is printed of the pages.",
    "Uploads": "Files come in; the log of what came.",
    "DICOMweb": "Doors that other systems know.",
    "Studies": "What the archive holds.",
    "Tags": "What a stored study says of itself, and changing it with a reason and a way back.",
    "Reconciliation": "Studies without a certain link, and people who say whose they are.",
    "Rejection": "Images that are not to be used: rejected with a reason, kept apart, taken back (IHE IOCM).",
    "Quarantine": "Files that are kept but not in the archive, and people who say whose they are, or nobody's.",
    "Changes": "What changed of patients and orders, the studies that follow, and taking it back.",
    "Notices": "What others have done that concerns the caller: given, taken, decided, withdrawn, critical.",
    "Events": "What happened to patients, orders and studies, in order, for systems that keep in step.",
    "HL7": "Messages of HL7 v2, sent here or over MLLP.",
    "Deletion": "Asked by one person, decided by another, restorable for a while; legal holds.",
    "Sharing": "Links by which people outside see one study, with its signed reports.",
    "Viewer": "Links and tokens that open studies in the viewer.",
    "Interfaces": "Other systems: modalities and what they report, destinations that are told what happens here.",
    "Reports": "Reports of studies: written, signed, amended; each version stays as it was issued.",
    "Privacy": "Patients whom only named people may see, and the way past that in an emergency.",
    "Audit": "Who did what, when and from where; append-only and chained.",
    "Accounts": "Sign-in for places without their own identity provider.",
    "System": "Health, this document, and a page to try it.",
}
PARAMETERS = {
    "limit": "How many at most",
    "offset": "How many to leave out at the beginning",
    "patient": "MRN, or our id",
    "order": "Accession number, or our id",
    "patient_id": "MRN, or our id",
    "study_uid": "StudyInstanceUID (0020,000D)",
    "study_instance_uid": "StudyInstanceUID (0020,000D)",
    "accession_number": "AccessionNumber (0008,0050)",
    "upload_id": "As the upload answered it",
    "glass_id": "As breaking the glass answered it",
    "reviewed": "no: those nobody looked at yet",
    "token_id": "As the making of the token answered it",
    "status": "State of the order",
    "link_status": "Linked, unlinked, or to be looked at by a person",
    "actor": "Subject of the token, or `ae:` and an AE title",
    "action": "As in docs/audit.md",
    "from": "Included; with time zone",
    "to": "Not included; with time zone",
    "X-Patient-Id": "MRN or our id: the files are of this patient, whatever they say",
    "X-Order-Id": "Accession number or our id: the files are for this order",
    "X-Accession-Number": "Names the order too",
    "X-Upload-Source": "manual, api, cd_import or modality",
    "X-Upload-Id": "A UUID that joins files sent one by one into one upload",
    "X-Upload-Total": "How many files the upload will have; one that fell silent before is closed as partial",
    "X-File-Name": "Percent-encoded",
    "Content-Digest": "sha-256 of the one file (RFC 9530): what arrives as anything else is refused",
}
ALL_EXAMPLES = EXAMPLES | LINK_EXAMPLES | MESSAGE_EXAMPLES | SYSTEM_EXAMPLES
MEDIA_TYPE_OF_STOW = "application/dicom+json"
"""STOW-RS reports failures with 409 in its own format."""
SUCCESS = {
    "200": "As asked",
    "201": "Made, or stored",
    "202": "Taken; some of it failed",
    "204": "Done",
    "302": "It is there",
}
REQUEST_ID = {
    HEADER: {
        "description": "The caller's own, if it was 1 to 128 of A-Z a-z 0-9 . _ : / + = @ -; else a new one",
        "schema": {"type": "string"},
    }
}
DRAFT = "draft-ietf-httpapi-ratelimit-headers-10; not where the request was refused before it counted"
RATE_LIMIT = {
    POLICY: {
        "description": f"The limits that count this request: requests `q` in `w` seconds. {DRAFT}",
        "schema": {"type": "string"},
        "example": '"upload";q=20000;w=60',
    },
    LEFT: {
        "description": f"What is left of them: requests `r`, until `t` seconds from now. {DRAFT}",
        "schema": {"type": "string"},
        "example": '"upload";r=19997;t=48',
    },
}
PROBLEM = "#/components/schemas/Problem"
USUAL = {
    400: "malformed_json",
    401: "token_missing",
    403: "permission_missing",
    422: "invalid_request",
    503: "database_unavailable",
}


def complete(document: dict[str, Any], has_basic: bool) -> dict[str, Any]:
    """Add to the document, in place, what is common to all routes; `has_basic` as in `openapi_document`."""
    document["info"]["description"] = DESCRIPTION
    document["servers"] = [{"url": "/", "description": "This server"}]
    used = [tag["name"] for tag in document.get("tags", [])]
    document["tags"] = [{"name": name, "description": TAGS.get(name, name)} for name in used]
    schemes = SCHEMES if has_basic else {"bearer": SCHEMES["bearer"]}
    document["components"]["securitySchemes"] = deepcopy(schemes)
    document["paths"].setdefault("/api/v1/openapi.json", {"get": deepcopy(_THIS_DOCUMENT)})
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete_operation(operation, method.upper(), path, [{name: []} for name in schemes])
            document["components"]["schemas"] |= _problems(operation, method.upper(), path)
    vocabulary.describe(document["components"]["schemas"])
    vocabulary.describe_patterns(document)
    sample_values.give_examples(document["components"]["schemas"], ALL_EXAMPLES)
    for name, schema in document["components"]["schemas"].items():
        if name in ALL_EXAMPLES:
            schema["examples"] = [ALL_EXAMPLES[name]]
    return document


_THIS_DOCUMENT: dict[str, Any] = {
    "tags": ["System"],
    "summary": "This document",
    "operationId": "get_openapi",
    "responses": {
        "200": {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}}
    },
}


def _complete_operation(operation: dict[str, Any], method: str, path: str, ways: list[dict[str, Any]]) -> None:
    need = ACCESS.get((method, path), PUBLIC)
    operation["tags"] = operation["tags"][:1]  # a tag of its own comes before its blueprint's
    responses: dict[str, Any] = operation["responses"]
    if need == PUBLIC:
        operation["security"] = []
        who = "Needs no token."
    else:
        operation["security"] = ways
        by_token = {
            SIGNED_IN: "Needs any user token.",
            VIEWER: "Needs a viewer token.",
            OF_SHARE: "Needs a `share token`, the viewer token of a share that was opened.",
        }
        who = by_token.get(need, f"Needs the permission `{need}`.")
        for status in ("401", "403", "503"):
            responses.setdefault(status, {})
    for status in statuses_of(operation["operationId"]):
        responses.setdefault(status, {})
    if "{" in path:
        responses.setdefault("404", {})  # a value with a slash in it makes another path
    operation["description"] = " ".join(filter(None, [operation.get("description"), who]))
    if method == "GET" and not operation.get("parameters"):
        responses.pop("422", None)
    if all(status < "400" for status in responses):
        responses["403"] = {"description": REFUSED_BEFORE}
    for parameter in operation.get("parameters", []):
        _complete_parameter(parameter)
    if body := operation.get("requestBody"):
        body["required"] = True
        bodies.say_what_bytes_are(body["content"])
    if method == "GET" and path in COLUMNS:
        _say_that_it_is_a_table_too(responses["200"], headers_of(path))
    for status, response in responses.items():
        if status < "400":
            if response.get("description") in ("OK", "Created", "No Content", "Found"):
                response["description"] = SUCCESS[status]
        elif MEDIA_TYPE_OF_STOW not in response.get("content", {}) and response.get("description") != REFUSED_BEFORE:
            codes = codes_of(operation["operationId"], method, path, int(status))
            responses[status] = _problem(int(status), codes, problem_of(operation["operationId"]))
        told = RATE_LIMIT if may_tell(method, path, status) else {}
        responses[status].setdefault("headers", {}).update(REQUEST_ID | told)
    operation["responses"] = dict(sorted(responses.items()))


def _say_that_it_is_a_table_too(response: dict[str, Any], columns: list[str]) -> None:
    what = f"With `format=csv`, in UTF-8 with a byte order mark. Its columns: {', '.join(columns)}"
    response["content"]["text/csv"] = {"schema": {"type": "string", "description": what}}
    response["headers"] = {
        ROWS: {"description": "Rows of the table, without its header line", "schema": {"type": "integer"}},
        BYTES: {"description": "Bytes of the table: what is shorter was cut off", "schema": {"type": "integer"}},
    }


def _complete_parameter(parameter: dict[str, Any]) -> None:
    name = parameter["name"]
    if not parameter.get("description"):
        parameter["description"] = PARAMETERS.get(name, re.sub(r"[_-]", " ", name).capitalize())
    if name in PARAMETER_EXAMPLES:
        parameter["example"] = PARAMETER_EXAMPLES[name]


def _problem(status: int, codes: list[str], problem: str) -> dict[str, Any]:
    code = USUAL[status] if USUAL.get(status) in codes else codes[0]
    example = {
        "type": type_of(code),
        "title": TITLES[status],
        "status": status,
        "detail": CODES[code].cause,
        "code": code,
    }
    answer: dict[str, Any] = {
        "description": f"{TITLES[status]}. Codes: {', '.join(f'`{c}`' for c in codes)}",
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{problem}"}, "example": example}},
    }
    if status == 401:
        answer["headers"] = {
            "WWW-Authenticate": {"description": "RFC 6750", "schema": {"type": "string"}},
            "Retry-After": {"description": "Seconds; with `account_locked` only", "schema": {"type": "string"}},
        }
    if status == 503:
        answer["headers"] = {"Retry-After": {"description": "Seconds", "schema": {"type": "string"}}}
    return answer


def problem_of(operation_id: str) -> str:
    """The name of the schema of a route's problems: `GetOrderProblem`."""
    return "".join(word.capitalize() for word in operation_id.split("_")) + "Problem"


def _problems(operation: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """The schema of a route's problems: each code that it can answer with, and no other."""
    statuses = [s for s, r in operation["responses"].items() if MEDIA_TYPE in r.get("content", {})]
    codes = [code for s in statuses for code in codes_of(operation["operationId"], method, path, int(s))]
    narrowed = {"type": "object", "properties": {"code": {"type": "string", "enum": codes}}}
    return {problem_of(operation["operationId"]): {"allOf": [{"$ref": PROBLEM}, narrowed]}} if codes else {}
