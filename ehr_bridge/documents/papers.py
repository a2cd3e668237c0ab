"""PDF files as they come in: whether it is one and whole, and what a reader should be warned of. Nothing is changed."""

from __future__ import annotations

import re
import zlib
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from ehr_bridge.errors import InvalidInput

PDF = "application/pdf"
ACTIVE, ENCRYPTED = "active_content", "encrypted"
"""Warnings: it can run scripts or start programs in a viewer that lets it; it cannot be read without a password."""
END = 4096
"""Bytes at the end in which the trailer must be; some writers add a few."""
MOST_INFLATED = 16 * 1024 * 1024
"""Of all its object streams together, in and out; what is behind that is not looked at. So a file that was made to be
slow costs no more than a large one."""
MOST_STREAMS = 1000
"""Of objects that are compressed together; also those that cannot be read count."""
MOST_ESCAPES = 100_000
"""Letters of names that are written as `#4A`."""
STEP = 64 * 1024
_ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|RichMedia|EmbeddedFiles?|SubmitForm|ImportData|GoToE)\b")
_ENCRYPT = re.compile(rb"/Encrypt\b")
_HEX = re.compile(rb"#([0-9A-Fa-f]{2})")
_OBJECTS = re.compile(rb"/ObjStm\b")
_STREAM = re.compile(rb"[^>]{0,400}>>\s{0,16}stream\r?\n")


@dataclass(frozen=True, slots=True)
class Paper:
    """A PDF, to the byte as it came."""

    content: bytes
    warnings: tuple[str, ...] = ()


def unreadable(what: str) -> InvalidInput:
    return InvalidInput("document_unreadable", what)


def read_pdf(data: bytes) -> Paper:
    """Raises InvalidInput `document_unreadable` when it is no PDF from its first byte on, or its end is missing."""
    if not data.startswith(b"%PDF-"):
        raise unreadable("This file is not a PDF: it does not begin like one.")
    if b"startxref" not in data[-END:]:
        raise unreadable("The end of this PDF is missing; send it again.")
    plain = b"\n".join([data, *_object_streams(data)])
    said = _HEX.sub(lambda found: bytes([int(found[1], 16)]), plain, MOST_ESCAPES)
    warnings = [name for name, sign in ((ACTIVE, _ACTIVE), (ENCRYPTED, _ENCRYPT)) if sign.search(said)]
    return Paper(data, tuple(warnings))


def _object_streams(data: bytes) -> list[bytes]:
    """Objects that are compressed together, as far as they are deflated, and not more than `MOST_INFLATED` of them."""
    found, left_in, left_out = list[bytes](), MOST_INFLATED, MOST_INFLATED
    for sign in islice(_OBJECTS.finditer(data), MOST_STREAMS):
        if (begin := _STREAM.match(data, sign.end())) is None:
            continue
        at, inflating = begin.end(), zlib.decompressobj()
        found.append(b"")
        with suppress(zlib.error):
            while not inflating.eof and at < len(data) and left_in > 0 and left_out > 0:
                part = data[at : at + STEP]
                at, left_in = at + len(part), left_in - len(part)
                more = inflating.decompress(part, left_out)
                found[-1] += more
                left_out -= len(more)
    return found
