"""The gate's table: method and path to what is required of the caller, for every route of the server.

What the table does not open is closed. Tests list the closed routes of a real server with the reasons
(tests/support/closed_routes.py): a route that nobody has considered fails the build.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum, auto

GET, POST, PUT, DELETE = 1, 2, 3, 4
"""Orthanc's HttpMethod, as the filter gets it."""


class Need(StrEnum):
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
    a group `whole` means that all its instances are read, and `every` that something is made of all of a study."""

    methods: frozenset[int]
    path: re.Pattern[str]
    need: Need


@dataclass(frozen=True, slots=True)
class Found:
    """The open route of a request, and what its path identifies."""

    need: Need
    study: str | None = None
    series: str | None = None
    instance: str | None = None
    resource: str | None = None
    whole: str | None = None
    every: str | None = None


def _route(methods: set[int], path: str, need: Need) -> Route:
    return Route(frozenset(methods), re.compile(path), need)


UID = r"[0-9]+(?:\.[0-9]+)*"
ID = r"[0-9a-f]{8}(?:-[0-9a-f]{8}){4}"
"""Orthanc's id: a SHA-1 of the DICOM identifiers, in groups of eight."""
_PICTURE = "rendered|thumbnail"
_FRAMES = rf"frames(?:/[0-9]+(?:,[0-9]+)*(?:/(?:{_PICTURE}))?)?"
_TAG = "[0-9a-fA-F]{4},?[0-9a-fA-F]{4}"
_BULK = rf"bulk/{_TAG}(?:/[0-9]+/{_TAG})*"
"""Bulk data, also within sequence items: as Orthanc writes it in metadata (ggggeeee), and the other form it accepts."""
_INSTANCE = rf"/instances/(?P<instance>{UID})(?:/(?:{_FRAMES}|metadata|{_PICTURE}|{_BULK}))?"
_SERIES = rf"/series/(?P<series>{UID})(?:{_INSTANCE}|/(?:metadata|instances|{_PICTURE}))"
_OF_FRAME = "preview|rendered|image-uint8|image-uint16|image-int16"
_OF_INSTANCE = f"file|tags|simplified-tags|header|module|statistics|study|series|frames|{_OF_FRAME}"

ROUTES: tuple[Route, ...] = (
    _route(
        {GET},
        rf"/dicom-web/studies/(?P<study>{UID})(?:{_SERIES}|/(?:(?P<every>metadata|{_PICTURE})|series|instances))",
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
