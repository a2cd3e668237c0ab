"""The routes of Orthanc and its plugins that the gate opens to nobody, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass

from plugin.serving.routes import DELETE, GET, POST, PUT

EVERY_METHOD = frozenset({GET, POST, PUT, DELETE})


@dataclass(frozen=True, slots=True)
class ClosedRoute:
    """A route that is closed to everybody, and why."""

    methods: frozenset[int]
    path: re.Pattern[str]
    why: str


def _closed(path: str, why: str, methods: frozenset[int] = EVERY_METHOD) -> ClosedRoute:
    return ClosedRoute(methods, re.compile(path), why)


_RESOURCE = r"/(?:patients|studies|series|instances)/[^/]+"
BODY = "names resources in its body, where the gate cannot see them"
PAST_US = "changes or deletes images past the judge and the audit trail"
OUT = "reaches other hosts, or knows how to"
OTHERS = "tells of resources that are not the caller's, one by one or all of them"
SERVER = "governs the server itself"
UNUSED = "has a better way of ours, or none who needs it"

CLOSED: tuple[ClosedRoute, ...] = (
    _closed("/(?:patients|studies|series|instances)", OTHERS, frozenset({GET})),
    _closed(r"/patients/[^/]+(?:/(?:studies|series|instances|instances-tags|shared-tags|statistics|module))?", OTHERS),
    _closed(r"/(?:studies|series|instances)/[^/]+", PAST_US, frozenset({DELETE})),
    _closed(rf"{_RESOURCE}/patient", "lists all studies of the patient", frozenset({GET})),
    _closed(r"/studies/[^/]+/module-patient", UNUSED),
    _closed(rf"{_RESOURCE}/(?:anonymize|modify|reconstruct|protected)", PAST_US),
    _closed(r"/studies/[^/]+/(?:merge|split)", BODY),
    _closed(rf"{_RESOURCE}/(?:archive|media)", "GET /api/v1/dicom/download does it, with permission and audit"),
    _closed(rf"{_RESOURCE}/labels(?:/[^/]+)?", PAST_US),
    _closed(rf"{_RESOURCE}/metadata(?:/[^/]+)?", "tells who sent it from where, and can be written"),
    _closed(
        rf"{_RESOURCE}/attachments(?:/[^/]+(?:/(?:compress|compressed-data|compressed-md5|compressed-size|data|info"
        r"|is-compressed|md5|size|uncompress|verify-md5))?)?",
        "reads and replaces stored files whole",
    ),
    _closed(r"/instances/[^/]+/export", "writes to the server's disk"),
    _closed(r"/instances/[^/]+/content/.*", UNUSED),
    _closed(r"/instances/[^/]+/(?:matlab|numpy|pdf)", UNUSED),
    _closed(r"/instances/[^/]+/frames/[^/]+/(?:matlab|numpy|raw|raw\.gz)", UNUSED),
    _closed(r"/series/[^/]+/numpy", UNUSED),
    _closed(r"/(?:changes|exports|statistics)", OTHERS),
    _closed(r"/jobs(?:/[^/]+(?:/[^/]+)?)?", "holds other people's archives; can be cancelled, and repeated"),
    _closed(r"/modalities(?:/[^/]+(?:/[^/]+)?)?", OUT),
    _closed(r"/peers(?:/[^/]+(?:/[^/]+)?)?", OUT),
    _closed(r"/queries(?:/.*)?", OUT),
    _closed(r"/storage-commitment/[^/]+(?:/remove)?", OUT),
    _closed(r"/plugins(?:/[^/]+)?", SERVER),
    _closed(r"/system", SERVER),
    _closed(r"/tools", SERVER),
    _closed(
        r"/tools/(?:find|lookup|count-resources|labels|reconstruct|invalidate-tags|create-dicom"
        r"|bulk-anonymize|bulk-content|bulk-delete|bulk-modify|create-archive|create-media|create-media-extended)",
        BODY,
    ),
    _closed(r"/tools/dicom-echo", OUT),
    _closed(
        r"/tools/(?:execute-script|reset|shutdown|metrics|log-level(?:-[a-z]+)?|default-encoding"
        r"|accepted-sop-classes|accepted-transfer-syntaxes|unknown-sop-class-accepted|dicom-conformance|generate-uid"
        r"|now|now-local)",
        SERVER,
    ),
    _closed(
        r"/dicom-web/studies(?:/[^/]*)?",
        "POST /api/v1/dicom-web/studies does it, with the judge",
        frozenset({POST, PUT, DELETE}),
    ),
    _closed(r"/dicom-web/servers(?:/.*)?", OUT),
    _closed(r"/dicom-web/(?:info|app/.*)", UNUSED),
    _closed(r"/studies/[^/]+/update-dicomweb-cache", UNUSED),
)


def why_closed(method: int, path: str) -> str | None:
    """Why a route of the server is closed; None when the table does not list it."""
    for route in CLOSED:
        if method in route.methods and route.path.fullmatch(path):
            return route.why
    return None
