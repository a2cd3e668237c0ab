"""Counts the requests to our routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

from ehr_bridge.api.http.request_ids import Wsgi
from ehr_bridge.meters import REQUEST_SECONDS, REQUESTS

ROUTE = "ehr_bridge.route"
"""Where the application leaves the route of a request, as the access table writes it: no identifier is in it."""
UNKNOWN = "unknown"
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"})


class Counting:
    """WSGI middleware, outside all others. A streamed answer counts until it begins."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        began, started = perf_counter(), ["5"]

        def started_with(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., Any]:
            started[0] = status[0]
            write: Callable[..., Any] = start_response(status, headers, *filter(None, [exc_info]))
            return write

        try:
            return self._app(environ, started_with)
        finally:
            method = environ["REQUEST_METHOD"]
            where = method if method in METHODS else UNKNOWN, environ.get(ROUTE, UNKNOWN)
            REQUESTS.add(*where, f"{started[0]}xx")
            REQUEST_SECONDS.note(perf_counter() - began, *where)
