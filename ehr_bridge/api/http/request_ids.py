"""Gives every request an id and every answer the header `X-Request-Id`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ehr_bridge import request_id

type Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class RequestIds:
    """WSGI middleware. A streamed answer is still being produced when this returns, so its id stays with the thread
    until the server ends the request."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request_id.begin(environ.get("HTTP_X_REQUEST_ID"))
        request_id.follow(environ.get("HTTP_TRACEPARENT"))

        def started(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., Any]:
            named = [*headers, (request_id.HEADER, request_id.current() or "")]
            write: Callable[..., Any] = start_response(status, named, *filter(None, [exc_info]))
            return write

        result = self._app(environ, started)
        if not getattr(result, "is_streamed", False):
            request_id.end()
        return result
