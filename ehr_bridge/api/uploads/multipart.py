"""Bodies of type multipart/related (RFC 2387; STOW-RS, PS3.18 section 8.6.1.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from urllib.parse import unquote

from requests_toolbelt.multipart.decoder import (
    ImproperBodyPartContentException,
    MultipartDecoder,
    NonMultipartContentTypeException,
)

from ehr_bridge.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Part:
    media_type: str
    file_name: str | None
    content: bytes


def read_parts(content_type: str, body: bytes) -> Iterator[Part]:
    """The parts of a multipart body, in order. Raises InvalidInput when there is no boundary, or the body does not
    follow it."""
    header = _header(content_type)
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary or not body.rstrip().endswith(f"--{boundary}--".encode()):
        raise InvalidInput(
            "malformed_multipart", "Give the boundary in Content-Type and end the body with --boundary--."
        )
    try:
        parts = MultipartDecoder(body, f'multipart/related; boundary="{boundary}"').parts
    except (ImproperBodyPartContentException, NonMultipartContentTypeException, IndexError) as error:
        raise InvalidInput(
            "malformed_multipart", "Separate the headers of each part from its content by an empty line."
        ) from error
    for part in parts:
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in part.headers.items()}
        yield Part(
            media_type=_header(headers.get("content-type", "application/octet-stream")).get_content_type(),
            file_name=_file_name(headers),
            content=part.content,
        )


def decode_file_name(raw: str | None) -> str | None:
    """A percent-encoded UTF-8 file name; separators of its folders stay as they are."""
    if not raw:
        return None
    return re.sub(r"[\x00-\x1f\x7f]", "", unquote(raw))[:255] or None


def _header(value: str) -> Message:
    message = Message()
    message["content-type"] = value
    return message


def _file_name(headers: dict[str, str]) -> str | None:
    if disposition := headers.get("content-disposition"):
        message = Message()
        message["content-disposition"] = disposition
        if name := message.get_filename():
            return decode_file_name(name)
    return decode_file_name(headers.get("content-location"))
