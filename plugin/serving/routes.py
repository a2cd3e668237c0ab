"""The gate's table: method and path to what is required of the caller, for every route of the server.

What the table does not open is closed. It also lists the closed routes, with the reason, so that a test can compare it
with the routes of a real server: a route that nobody has considered fails the build.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

GET, POST, PUT, DELETE = 1, 2, 3, 4
"""Orthanc's HttpMethod, as the filter gets it."""
EVERY_METHOD = frozenset({GET, POST, PUT, DELETE})


class Need(Enum):
    """What a route requires of the caller, and where it names the study."""

    NO_TOKEN = auto()
    """Static files."""
    APPLICATION = auto()
    """Our routes: the WSGI application authenticates and answers 401 or 403 itself."""
    VIEW = auto()
    """The permission to view; a study-bound token gets only its own studies (see `plugin.serving.find`)."""
    VIEW_STUDY = auto()
    """The permission to view the study whose UID is in the path."""
    VIEW_ARGUMENT = auto()
    """The permission to view the study named by the GET argument studyUID (WADO-URI, PS3.18 section 9)."""
    AUDIT = auto()
    """The permission to read the audit trail."""
    VIEW_RESOURCE = auto()
    """The permission to view the study to which Orthanc's id in the path belongs."""


@dataclass(frozen=True, slots=True)
class Route:
    """An open route. A group `study`, `series`, `instance` or `resource` of the pattern identifies what is requested,
    and a group `whole` means that all its instances are read."""

    methods: frozenset[int]
    path: re.Pattern[str]
    need: Need


@dataclass(frozen=True, slots=True)
class ClosedRoute:
    """A route that is closed to everybody, and why."""

    methods: frozenset[int]
    path: re.Pattern[str]
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """The open route of a request, and what its path identifies."""

    need: Need
    study: str | None = None
    series: str | None = None
    instance: str | None = None
    resource: str | None = None
    whole: str | None = None


def _route(methods: set[int], path: str, need: Need) -> Route:
    return Route(frozenset(methods), re.compile(path), need)


def _closed(path: str, why: str, methods: frozenset[int] = EVERY_METHOD) -> ClosedRoute:
    return ClosedRoute(methods, re.compile(path), why)


UID = r"[0-9]+(?:\.[0-9]+)*"
ID = r"[0-9a-f]{8}(?:-[0-9a-f]{8}){4}"
"""Orthanc's id: a SHA-1 of the DICOM identifiers, in groups of eight."""
_PICTURE = "rendered|thumbnail"
_FRAMES = rf"frames(?:/[0-9]+(?:,[0-9]+)*(?:/(?:{_PICTURE}))?)?"
_TAG = "[0-9a-fA-F]{4},?[0-9a-fA-F]{4}"
_BULK = rf"bulk/{_TAG}(?:/[0-9]+/{_TAG})*"
"""Bulk data, also within sequence items: as Orthanc writes it in metadata (ggggeeee), and the other form it accepts."""
_INSTANCE = rf"/instances/(?P<instance>{UID})(?:/(?:{_FRAMES}|metadata|{_PICTURE}|{_BULK}))?"
_SERIES = rf"/series/{UID}(?:{_INSTANCE}|/(?:metadata|instances|{_PICTURE}))"
_OF_FRAME = "preview|rendered|image-uint8|image-uint16|image-int16"
_OF_INSTANCE = f"file|tags|simplified-tags|header|module|statistics|study|series|frames|{_OF_FRAME}"

ROUTES: tuple[Route, ...] = (
    _route(
        {GET},
        rf"/dicom-web/studies/(?P<study>{UID})(?:{_SERIES}|/(?:metadata|series|instances|{_PICTURE}))",
        Need.VIEW_STUDY,
    ),
    _route({GET, POST, PUT, DELETE}, r"/api/v1(/[\s\S]*)?", Need.APPLICATION),
    _route({GET}, rf"/dicom-web/studies/(?P<whole>(?P<study>{UID})(?:/series/(?P<series>{UID}))?)", Need.VIEW_STUDY),
    _route({GET}, r"/dicom-web/(studies|series|instances)", Need.VIEW),
    _route({GET}, r"/wado", Need.VIEW_ARGUMENT),
    _route({POST}, r"/instances", Need.APPLICATION),
    _route({GET}, r"/((ehr|ohif)(/.*)?)?", Need.NO_TOKEN),
    _route({GET}, r"/tools/metrics-prometheus", Need.AUDIT),
    _route(
        {GET},
        rf"/studies/(?P<resource>{ID})(?:/(?:series|instances|statistics|shared-tags|instances-tags|module))?",
        Need.VIEW_RESOURCE,
    ),
    _route(
        {GET},
        rf"/series/(?P<resource>{ID})(?:/(?:study|instances|statistics|shared-tags|instances-tags|module|ordered-slices))?",
        Need.VIEW_RESOURCE,
    ),
    _route(
        {GET},
        rf"/instances/(?P<resource>(?P<instance>{ID}))(?:/(?:{_OF_INSTANCE}|frames/[0-9]+(?:/(?:{_OF_FRAME}))?))?",
        Need.VIEW_RESOURCE,
    ),
)
"""The first match counts; the busiest comes first."""

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


def find_route(method: int, path: str) -> Found | None:
    """What a request needs and what its path identifies; None when it is closed.

    `path` is Orthanc's normalised, percent-decoded path; one trailing slash is ignored, as in Orthanc's router.
    """
    if len(path) > 1 and path.endswith("/"):
        path = path[:-1]
    for route in ROUTES:
        match = route.path.fullmatch(path)
        if match is not None and method in route.methods:
            return Found(route.need, **match.groupdict())
    return None


def why_closed(method: int, path: str) -> str | None:
    """Why a route of the server is closed; None when the table does not list it."""
    for route in CLOSED:
        if method in route.methods and route.path.fullmatch(path):
            return route.why
    return None
