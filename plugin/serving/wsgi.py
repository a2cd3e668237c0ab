"""From Orthanc's REST callback to a WSGI application and back (PEP 3333).

Works around Orthanc: query arguments arrive decoded or not, depending on its version; some status codes cannot be sent;
and `AnswerBuffer` and `SendHttpStatus` treat the content type differently.
"""

from __future__ import annotations

import io
import json
import re
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from ehr_bridge import request_id

SENDABLE = frozenset(
    {200, 201, 202, 204, 302, 303, 304, 307, *range(400, 405), *range(406, 418), 422, 423, 424, 500, 501, 503}
)
"""Status codes that Orthanc's HTTP server and SendHttpStatus support; others would cause an empty reply."""
INSTEAD = {301: 302, 308: 307, 429: 503}
BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


class WsgiAdapter:
    """Serves one WSGI application under Orthanc. `peer` returns the address of the thread's request; `done` is called
    when it has been answered."""

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        peer: Callable[[], str | None],
        done: Callable[[], None] = lambda: None,
    ) -> None:
        self._app = app
        self._peer = peer
        self._done = done
        self.arguments_are_decoded = False
        """Whether this Orthanc percent-decodes GET arguments; determined by the self-test."""
        self.listener: Callable[[str], None] | None = None
        """Gets the reassembled query strings; for the self-test."""

    def __call__(self, output: Any, uri: str, **request: Any) -> None:
        """Orthanc's REST callback."""
        try:
            self._answer(output, uri, request)
        finally:
            request_id.end()
            self._done()

    def _answer(self, output: Any, uri: str, request: dict[str, Any]) -> None:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[..., Any]:
            started[:] = [int(status[:3]), headers]
            return lambda data: None

        result = self._app(self._environ(uri, request), start_response)
        try:
            if started[0] == 200 and getattr(result, "is_streamed", False):
                send_stream(output, started[1], result)
                return
            body = b"".join(result)
        finally:
            if (close := getattr(result, "close", None)) is not None:
                close()
        send(output, started[0], started[1], body)

    def _environ(self, uri: str, request: dict[str, Any]) -> dict[str, Any]:
        body: bytes = request.get("body") or b""
        headers: dict[str, str] = request["headers"]
        host, _, port = headers.get("host", "localhost").partition(":")
        environ = {
            "REQUEST_METHOD": request["method"],
            "SCRIPT_NAME": "",
            "PATH_INFO": uri.encode("utf-8", "surrogateescape").decode("latin-1"),
            "QUERY_STRING": self._query_string(request.get("get") or {}),
            "CONTENT_TYPE": headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": host,
            "SERVER_PORT": port or "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self._peer() or "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "orthanc.thread": threading.get_native_id(),
        }
        for name, value in headers.items():
            if name not in {"content-type", "content-length"}:
                environ["HTTP_" + name.upper().replace("-", "_")] = value
        if (known := request_id.current()) is not None:  # the gate began the request
            environ["HTTP_X_REQUEST_ID"] = known
        return environ

    def _query_string(self, arguments: dict[str, str]) -> str:
        if self.arguments_are_decoded:
            return urlencode(arguments)
        query = "&".join(f"{key}={value}" for key, value in arguments.items())
        if self.listener is not None:
            self.listener(query)
        return query


def send_stream(output: Any, headers: list[tuple[str, str]], chunks: Iterable[bytes]) -> None:
    """Answer 200 piece by piece; the body ends when the connection closes (docs/orthanc-facts.md).

    The first piece is produced before anything is sent, so that an early failure can still be answered as an error.
    """
    pieces = iter(chunks)
    first = next(pieces, b"")
    output.StartStreamAnswer(_set_headers(output, headers))
    output.SendStreamChunk(first)
    for piece in pieces:
        output.SendStreamChunk(piece)


def _set_headers(output: Any, headers: list[tuple[str, str]]) -> str:
    media_type = "application/octet-stream"
    for name, value in headers:
        if name.lower() == "content-type":
            media_type = value
        elif name.lower() != "content-length":
            output.SetHttpHeader(name, value)
    return media_type


def send(output: Any, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
    """Answer through Orthanc, with a status it can send."""
    if status == 405:
        output.SendMethodNotAllowed(dict(headers).get("Allow", "GET"))
        return
    if status not in SENDABLE:
        status = INSTEAD.get(status, 400 if 400 <= status < 500 else 500)
    media_type = _set_headers(output, headers)
    if status == 200:
        output.AnswerBuffer(body, media_type)
    elif body and "json" in media_type:
        output.SetHttpHeader("Content-Type", media_type)
        output.SendHttpStatus(status, ascii_json(body))
    elif body:
        output.SendHttpStatus(status, body)
    else:
        output.SendHttpStatusCode(status)


def ascii_json(body: bytes) -> bytes:
    """The same JSON in ASCII, everything else as \\u escapes (RFC 8259 section 7).

    Orthanc adds `Content-Type: text/plain` after ours to every answer but 200, and clients that see both take the text
    for Latin-1. In ASCII both readings are the same.
    """
    if body.isascii():
        return body
    return BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], body.decode()).encode("ascii")
