"""The adapter between Orthanc's callbacks and WSGI: arguments, bodies, codes that can be sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from flask import Flask, Response, request

from plugin.serving.wsgi import SENDABLE, WsgiAdapter


class Output:
    """Remembers what was answered, and is as strict as Orthanc."""

    def __init__(self) -> None:
        self.headers: list[tuple[str, str]] = []
        self.status, self.body, self.media_type = 0, b"", ""

    def SetHttpHeader(self, name: str, value: str) -> None:
        self.headers.append((name, value))

    def AnswerBuffer(self, body: bytes, media_type: str) -> None:
        self.status, self.body, self.media_type = 200, body, media_type

    def SendHttpStatus(self, status: int, body: bytes) -> None:
        assert status in SENDABLE and status != 200
        self.status, self.body = status, body

    def SendHttpStatusCode(self, status: int) -> None:
        assert status in SENDABLE
        self.status = status

    def SendMethodNotAllowed(self, methods: str) -> None:
        self.status, self.headers = 405, [("Allow", methods)]


app = Flask(__name__)


@app.route("/echo/<path:rest>", methods=["GET", "POST", "PUT", "DELETE"])
def echo(rest: str) -> dict[str, Any]:
    return {
        "rest": rest,
        "args": request.args.to_dict(),
        "body": request.get_data().decode(),
        "method": request.method,
        "peer": request.remote_addr,
        "header": request.headers.get("X-Thing"),
        "type": request.content_type,
    }


@app.route("/status/<int:code>")
def status(code: int) -> Response:
    return Response("body" if code != 204 else "", status=code, content_type="text/words")


TOLD = {"name": "João Müller", "note": '"\\" 山田 \U0001f9b4 é\n'}


@app.route("/told/<int:code>")
def told(code: int) -> Response:
    return Response(json.dumps(TOLD, ensure_ascii=False), status=code, content_type="application/json")


def call(uri: str, method: str = "GET", decoded: bool = False, **parts: Any) -> Output:
    adapter, output = WsgiAdapter(app, lambda: "10.0.0.9"), Output()
    adapter.arguments_are_decoded = decoded
    adapter(output, uri, **({"method": method, "headers": {"host": "pacs:8042"}, "get": {}} | parts))
    return output


def answered(output: Output) -> dict[str, Any]:
    return dict(json.loads(output.body))


def test_arguments_are_decoded_once_on_either_orthanc() -> None:
    """1.12.7 hands them over raw, 1.13.0 decoded; the application sees the same."""
    raw = call("/echo/x", get={"q": "M%C3%BCller%2C+J%26K", "a%3Db": "100%25"})
    decoded = call("/echo/x", decoded=True, get={"q": "Müller, J&K", "a=b": "100%"})
    assert answered(raw)["args"] == answered(decoded)["args"] == {"q": "Müller, J&K", "a=b": "100%"}


def test_path_body_headers_and_peer_arrive() -> None:
    """Bytes stay bytes; names of headers are lower case in Orthanc."""
    output = call(
        "/echo/Åsa/100%",
        "POST",
        body=b"data",
        headers={"host": "h", "x-thing": "1", "content-type": "application/dicom"},
    )
    seen = answered(output)
    assert (seen["rest"], seen["body"], seen["header"]) == ("Åsa/100%", "data", "1")
    assert (seen["peer"], seen["type"]) == ("10.0.0.9", "application/dicom")
    assert output.media_type == "application/json"


def test_delete_without_body_and_get_without_arguments_arrive() -> None:
    """What Orthanc leaves out of the request."""
    adapter, output = WsgiAdapter(app, lambda: None), Output()
    adapter(output, "/echo/x", method="DELETE", headers={})
    assert answered(output)["method"] == "DELETE"


@pytest.mark.parametrize(
    ("code", "sent"),
    [
        *((code, code) for code in (200, 201, 204, 304, 401, 404, 413, 422, 503)),
        *((429, 503), (418, 400), (451, 400), (301, 302), (308, 307), (507, 500), (502, 500)),
    ],
)
def test_a_code_orthanc_cannot_send_becomes_one_it_can(code: int, sent: int) -> None:
    """An unknown code would end in an empty reply."""
    output = call(f"/status/{code}")
    assert output.status == sent


def test_json_that_is_not_200_is_ascii() -> None:
    """Orthanc adds text/plain behind our type: read as Latin-1 or as UTF-8, it must be the same."""
    output = call("/told/201")
    assert ("Content-Type", "application/json") in output.headers
    assert output.body.isascii()
    assert answered(output) == TOLD
    assert all(name.lower() != "content-length" for name, _ in output.headers)


def test_json_that_is_200_goes_out_as_it_is() -> None:
    """It has one type, ours."""
    output = call("/told/200")
    assert "João Müller".encode() in output.body
    assert answered(output) == TOLD


def test_what_is_neither_200_nor_json_has_the_one_type_orthanc_gives_it() -> None:
    """text/plain; a type of ours would be a second one."""
    output = call("/status/422")
    assert output.body == b"body"
    assert all(name.lower() != "content-type" for name, _ in output.headers)


def test_405_tells_the_methods() -> None:
    """Orthanc has a call of its own for it."""
    output = call("/status/200", "DELETE")
    assert output.status == 405
    assert "GET" in dict(output.headers)["Allow"]


def test_an_application_that_breaks_off_is_closed() -> None:
    """close() is called whatever happens (PEP 3333)."""
    closed: list[bool] = []

    class Broken:
        def __iter__(self) -> Iterable[bytes]:
            raise RuntimeError

        def close(self) -> None:
            closed.append(True)

    def broken(_environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        start("200 OK", [])
        return Broken()

    with pytest.raises(RuntimeError):
        WsgiAdapter(broken, lambda: None)(Output(), "/", method="GET", headers={})
    assert closed == [True]


class StreamOutput(Output):
    """Takes pieces as Orthanc does."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def StartStreamAnswer(self, media_type: str) -> None:
        self.status, self.media_type = 200, media_type

    def SendStreamChunk(self, piece: bytes) -> None:
        assert self.status == 200
        if len(self.pieces) == 2:
            raise ConnectionError("the client hung up")
        self.pieces.append(piece)


class Stream:
    is_streamed = True

    def __init__(self, *pieces: bytes) -> None:
        self.left, self.is_closed = list(pieces), False

    def __iter__(self) -> Iterator[bytes]:
        while self.left:
            yield self.left.pop(0)

    def close(self) -> None:
        self.is_closed = True


def stream(body: Stream, status: str = "200 OK") -> StreamOutput:
    def application(_environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        start(status, [("Content-Type", "application/zip"), ("X-Thing", "1")])
        return body

    output = StreamOutput()
    WsgiAdapter(application, lambda: None)(output, "/", method="GET", headers={})
    return output


def test_a_marked_body_is_sent_piece_by_piece() -> None:
    """Nothing is put together in memory."""
    body = Stream(b"one", b"two")
    output = stream(body)
    assert (output.pieces, output.body, output.media_type) == ([b"one", b"two"], b"", "application/zip")
    assert ("X-Thing", "1") in output.headers and body.is_closed


def test_a_client_that_hangs_up_stops_the_making_of_the_rest() -> None:
    """The body is closed and the pieces behind are never asked for."""
    body = Stream(b"1", b"2", b"3", b"4")
    with pytest.raises(ConnectionError):
        stream(body)
    assert body.is_closed and body.left == [b"4"]


def test_an_error_is_never_streamed() -> None:
    """Streams are 200 only."""
    output = stream(Stream(b"no"), "404 Not Found")
    assert (output.status, output.body, output.pieces) == (404, b"no", [])
