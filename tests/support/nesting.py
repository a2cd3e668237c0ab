"""Nested things of any depth, made without recursion, and the requests that carry them to every route."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import jwt

from tests.support import scu
from tests.support.samples import small
from tests.support.server import SECRET
from tests.support.zips import zipped

SHAPES = ["[{}]", '{{"a":{}}}', '[{{"a":{}}}]']
OPEN_ITEM = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
CLOSED = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
CONTENT_SEQUENCE = struct.pack("<HH2sHI", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
PIXEL_DATA = struct.pack("<HH", 0x7FE0, 0x0010)
MOST_IN_A_HEAD = 14_000
"""Of 16 KiB that Orthanc's server takes of a request line and headers; longer ones it cuts off without a word."""


def nest(shape: str, depth: int) -> str:
    """`depth` times the shape around nothing; closed again."""
    before, after = shape.format("\0").split("\0")
    return before * depth + "1" + after * depth


def deep_dataset(data: bytes, depth: int) -> bytes:
    """A dataset or file in explicit VR with that many sequences inside each other (PS3.5 section 7.5)."""
    pixels = data.index(PIXEL_DATA)
    return data[:pixels] + (CONTENT_SEQUENCE + OPEN_ITEM) * depth + CLOSED * depth + data[pixels:]


def deep_store(depth: int) -> scu.Message:
    message = scu.message_of(small())
    return message._replace(dataset=deep_dataset(message.dataset, depth))


def deep_tokens(depth: int) -> Iterator[str]:
    """Nested in the head, read before any signature; in a stranger's claims; in those of who has the secret."""
    text = nest('{{"a":{}}}', depth).encode()
    head = jwt.encode({"sub": "x"}, SECRET, "HS256").split(".")[0]
    encoded = base64.urlsafe_b64encode(text).decode().rstrip("=")
    yield f"{encoded}.e30.x"
    yield f"{head}.{encoded}.x"
    yield jwt.api_jws.encode(text, SECRET, "HS256")


class Probe(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None = None
    must_be_refused: bool = True
    """False where what is nested is a mere text: a search for brackets finds nothing, and that is an answer."""


def part(kind: str, body: bytes) -> bytes:
    return b"--x\r\nContent-Type: " + kind.encode() + b"\r\n\r\n" + body + b"\r\n"


def bodies(depth: int) -> Iterator[tuple[str, bytes]]:
    """Media type and body: JSON, options beside a file, files, a ZIP of one in folders inside each other."""
    for shape in SHAPES:
        yield "application/json", nest(shape, depth).encode()
    options = nest('{{"tags":{}}}', depth).encode()
    related = 'multipart/related; type="application/dicom"; boundary=x'
    deep = deep_dataset(small(), depth)
    yield related, part("application/json", options) + part("application/dicom", small()) + b"--x--\r\n"
    yield related, part("application/dicom", deep) + b"--x--\r\n"
    yield "application/dicom", deep
    yield "application/zip", zipped([("a/" * min(depth, 10_000) + "b.dcm", deep)])
    yield "application/xml", b"<a>" * depth


def texts(depth: int) -> Iterator[str]:
    """What a parser of addresses, headers or patterns might descend into."""
    for one, other in (("[", "]"), ("(", ")"), ("{", "}"), ("%5B", "%5D"), ("a/", ""), ("0040A730.", ""), ("*?", "")):
        if len(one) * depth <= MOST_IN_A_HEAD:
            room = (MOST_IN_A_HEAD - len(one) * depth) // max(len(other), 1)
            yield one * depth + other * min(depth, room)


HEADERS = ("Accept", "Content-Digest", "If-Match", "X-Reason", "X-Patient-Id", "Cookie", "Idempotency-Key", "Range")


def of_a_route(method: str, path: str, depth: int) -> Iterator[Probe]:
    """Everything nested that can be sent to one route, whose path is complete."""
    if method in ("POST", "PUT"):
        for kind, body in bodies(depth):
            yield Probe(method, path, {"Content-Type": kind}, body)
    json = {"Content-Type": "application/json"}
    for text in texts(depth):
        in_path = "/".join((*path.split("/")[:-1], text))
        yield Probe(method, in_path, json, None, False)
        yield Probe(method, f"{path}?q={text}&{text}={text[:1000]}", json, None, False)
    for text, name in zip(texts(depth), HEADERS, strict=False):
        yield Probe(method, path, json | {name: text}, None, False)


def documented_routes(document: dict[str, Any], known: dict[str, str]) -> list[tuple[str, str]]:
    """Method and path of every route of an OpenAPI document, with the names in the path replaced."""
    found = []
    for path, operations in document["paths"].items():
        for name, value in known.items():
            path = path.replace("{" + name + "}", value)
        found += [(method.upper(), path) for method in operations]
    return found
