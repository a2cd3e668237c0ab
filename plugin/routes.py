"""The gate's table: method and path to what is asked of the caller. What it does not list is closed to everybody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

GET, POST, PUT, DELETE = 1, 2, 3, 4
"""Orthanc's HttpMethod, as the filter gets it."""


class Need(Enum):
    """What a route asks of whoever calls it."""

    NOTHING = auto()
    """Static files: no token."""
    APPLICATION = auto()
    """Ours: the WSGI application authenticates and answers 401 or 403 itself."""
    VIEW = auto()
    """The permission to view; a study-bound token gets only its own studies (see `plugin.find`)."""
    VIEW_STUDY = auto()
    """The permission to view the study named in the path."""
    VIEW_ARGUMENT = auto()
    """The permission to view the study named by the GET argument studyUID (WADO-URI, PS3.18 section 9)."""


@dataclass(frozen=True, slots=True)
class Route:
    methods: frozenset[int]
    path: re.Pattern[str]
    need: Need


def _route(methods: set[int], path: str, need: Need) -> Route:
    return Route(frozenset(methods), re.compile(path), need)


ROUTES: tuple[Route, ...] = (
    _route(
        {GET}, r"/dicom-web/studies/(?P<study>[0-9.]+)(/[^*?\\\n]*)?", Need.VIEW_STUDY
    ),  # no path names a series by *
    _route({GET, POST, PUT, DELETE}, r"/api/v1(/[\s\S]*)?", Need.APPLICATION),
    _route({GET}, r"/dicom-web/(studies|series|instances)", Need.VIEW),
    _route({GET}, r"/wado", Need.VIEW_ARGUMENT),
    _route({POST}, r"/instances", Need.APPLICATION),
    _route({GET}, r"/((ehr|ohif)(/.*)?)?", Need.NOTHING),
)
"""First match counts; the busiest stands first."""


def find_route(method: int, path: str) -> tuple[Need, str | None] | None:
    """What a request needs and the study its path names; None when it is closed.

    `path` is Orthanc's normalised, percent-decoded path; one trailing slash is ignored, as Orthanc's router does.
    """
    if len(path) > 1 and path.endswith("/"):
        path = path[:-1]
    for route in ROUTES:
        match = route.path.fullmatch(path)
        if match is not None and method in route.methods:
            return route.need, match.groupdict().get("study")
    return None
