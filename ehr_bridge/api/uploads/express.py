"""A short way for the route that is called for every image: a raw file to POST /api/v1/dicom/upload.

A study of 500 slices is 500 such requests, and routing and typed validation take as long for each as the work itself
(ADR 0007). Decisions, access table and answers are the same; a test sends the same requests both ways and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ehr_bridge.api.http import problems
from ehr_bridge.api.http.access import admit
from ehr_bridge.api.http.limits import count_upload, headers_of
from ehr_bridge.api.http.request_ids import Wsgi
from ehr_bridge.api.metrics.counting import ROUTE
from ehr_bridge.api.uploads.door import DICOM_TYPES, UploadRequest, outcome_body, respond, take_upload
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.uploads.arrivals import UploadOutcome

METHOD, PATH = "POST", "/api/v1/dicom/upload"
CONDITIONS = frozenset({"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_UNMODIFIED_SINCE"})
"""What this way does not honour; the application refuses it in words."""
CREATED = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]


class Express:
    """WSGI middleware: handles raw uploads itself and passes everything else on."""

    def __init__(self, app: Wsgi, services: Services, archive: Archive) -> None:
        self._app = app
        self._services = services
        self._archive = archive

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != METHOD:
            return self._app(environ, start_response)
        if environ.get("CONTENT_TYPE") not in DICOM_TYPES or not CONDITIONS.isdisjoint(environ):
            return self._app(environ, start_response)
        environ[ROUTE] = PATH
        try:
            outcome = self._take(environ)
        except Exception as error:
            response = problems.from_exception(error)
        else:
            if outcome.status == "success":
                start_response("201 CREATED", CREATED + headers_of(environ))
                return [outcome_body(outcome)]
            response = respond(outcome)
        response.headers["Cache-Control"] = "no-store"
        response.headers.extend(headers_of(environ))
        return response(environ, start_response)

    def _take(self, environ: dict[str, Any]) -> UploadOutcome:
        caller = admit(self._services.authenticator, METHOD, PATH, environ.get("HTTP_AUTHORIZATION"))
        assert caller is not None  # the route is not public
        count_upload(self._services.rate_limits, environ, caller)
        media_type = environ["CONTENT_TYPE"]
        return take_upload(
            self._services,
            self._archive,
            UploadRequest(
                media_type=media_type,
                content_type=media_type,
                header=lambda name: environ.get("HTTP_" + name.upper().replace("-", "_")),
                body=environ["wsgi.input"].read(),
                origin=Origin(caller.subject, environ.get("REMOTE_ADDR")),
                closed=self._services.restrictions.closed_to(caller),
            ),
        )
