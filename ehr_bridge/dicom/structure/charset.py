"""Specific Character Set (0008,0005): from bytes to text and back, with pydicom's tables.

Reading refuses nothing: bytes that cannot be decoded become replacement characters. Writing returns None for what a set
cannot represent. Rules: PS3.5 section 6.1, PS3.3 section C.12.1.1.2.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from pydicom.charset import (
    STAND_ALONE_ENCODINGS,
    decode_bytes,
    default_encoding,
    encode_string,
    python_encoding,
)
from pydicom.valuerep import TEXT_VR_DELIMS

from ehr_bridge.dicom.structure.encoding import BLOCK_VRS

DEFAULT: Final[tuple[str, ...]] = (str(default_encoding),)
"""What pydicom and Orthanc assume when nothing is declared: Latin-1, of which only ASCII is legal."""

UTF8_TERM: Final = "ISO_IR 192"
NUL_SIGN: Final = "\u2400"
_KANA: Final = str(python_encoding["ISO_IR 13"])
_ESCAPE: Final = b"\x1b"
_MOST_ESCAPES: Final = 10_000
"""Escape sequences in one value; decoding each takes microseconds, and a value may be as long as its file."""
_GB2312: Final = str(python_encoding["ISO 2022 IR 58"])
_GB2312_ESCAPE: Final = "\x1b$)A"
"""Python's decoder leaves this in the text, although pydicom relies on its removal."""


@lru_cache(maxsize=256)
def encodings_of(raw: bytes) -> tuple[str, ...]:
    """The Python encodings for a raw (0008,0005); never empty.

    Misspelled terms are understood, unknown ones become the default repertoire; sets without code extensions are used
    alone (PS3.5 section 6.1.2.5).
    """
    terms = [_corrected(term) for term in _terms(raw)]
    if len(terms) > 1:
        if terms[0] in STAND_ALONE_ENCODINGS:
            terms = terms[:1]
        terms = [term for i, term in enumerate(terms) if not i or term not in STAND_ALONE_ENCODINGS]
    return tuple(str(python_encoding.get(term, default_encoding)) for term in terms) or DEFAULT


def unknown_terms(raw: bytes) -> bool:
    """Whether a raw (0008,0005) names a set that PS3.3 section C.12.1.1.2 does not define."""
    return any(term not in python_encoding for term in _terms(raw))


def _terms(raw: bytes) -> list[str]:
    return [term.strip(" \0") for term in raw.decode("latin-1").split("\\")]


def _corrected(term: str) -> str:
    if term in python_encoding:
        return term
    if re.match(r"ISO[^_]IR", term):
        return "ISO_IR" + term[6:]
    if re.match(r"ISO.2022.IR.", term):
        return "ISO 2022 IR " + term[12:]
    return term


def decode(raw: bytes, encodings: tuple[str, ...]) -> str:
    """The text of raw bytes, padding included; what cannot be decoded becomes a replacement character."""
    if not 0 < raw.count(_ESCAPE) <= _MOST_ESCAPES:
        return raw.decode(encodings[0], "replace")
    text = str(decode_bytes(raw, encodings, TEXT_VR_DELIMS))
    return text.replace(_GB2312_ESCAPE, "") if _GB2312 in encodings else text


def visible(text: str) -> str:
    """The text with a visible sign for each NUL: only damaged text contains one, and PostgreSQL cannot store it."""
    return text.replace("\0", NUL_SIGN) if "\0" in text else text


def decode_exactly(raw: bytes, encodings: tuple[str, ...], vr: str) -> str | None:
    """The text of raw bytes when there is exactly one reading of it, else None.

    JIS X 0201 (ISO_IR 13) has a yen sign and an overline where ASCII has backslash and tilde. Which of the two was
    meant cannot be known, except for the backslash between values.
    """
    try:
        text = decode(raw, encodings) if _ESCAPE in raw else raw.decode(encodings[0])
    except UnicodeDecodeError:
        return None
    if "\ufffd" in text or "\x1b" in text:
        return None
    if _KANA in encodings and ("~" in text or (vr in BLOCK_VRS and "\\" in text)):
        return None
    return text


def is_same_in_every_set(raw: bytes, encodings: tuple[str, ...]) -> bool:
    """Whether bytes read the same in every declared set: ASCII without escapes, yen sign and overline."""
    if not raw.isascii() or _ESCAPE in raw:
        return False
    return _KANA not in encodings or (b"~" not in raw and b"\\" not in raw)


def encode(text: str, encodings: tuple[str, ...], vr: str) -> bytes | None:
    """The bytes of one value in the declared sets, or None when they cannot represent it.

    Every answer has been decoded again and compared. The default repertoire is ASCII only (PS3.5 section 6.1.2.1),
    though readers take it for Latin-1.
    """
    if text.isascii():
        return None if _KANA in encodings and "~" in text else text.encode("ascii")
    try:
        raw = _in_first_set(text, encodings) if len(encodings) == 1 else _extended(text, encodings, vr)
    except UnicodeEncodeError:
        return None
    return raw if raw and decode_exactly(raw, encodings, vr) == text else None


def _in_first_set(text: str, encodings: tuple[str, ...]) -> bytes:
    """The bytes of text without escape sequences; empty when single-byte Japanese cannot represent it. Raises
    UnicodeEncodeError."""
    first = encodings[0]
    raw = text.encode("ascii" if first == DEFAULT[0] else first)
    return raw if first != _KANA or len(raw) == len(text) else b""


def _extended(text: str, encodings: tuple[str, ...], vr: str) -> bytes:
    """The bytes of a value in several sets, with escape sequences; empty when that is not possible.

    Each part of a name starts in the first set again (PS3.5 section 6.1.2.5.3), and the group before the first equals
    sign uses only that set (PS3.5 section 6.2.1.1). Raises UnicodeEncodeError.
    """
    if vr == "PN":
        first_group, equals, others = text.partition("=")
        raw = _in_first_set(first_group, encodings)
        if first_group and not raw:
            return b""
        parts = re.split(r"([\^=])", equals + others)
    else:
        raw, parts = b"", [text]
    for part in filter(None, parts):
        if not all(_representable(character, encodings) for character in set(part)):
            return b""
        encoded = encode_string(part, encodings)
        if encodings[0] == DEFAULT[0] and not encoded.split(_ESCAPE, 1)[0].isascii():
            return b""
        raw += encoded
    return raw


def _representable(character: str, encodings: tuple[str, ...]) -> bool:
    for encoding in encodings:
        try:
            character.encode("ascii" if encoding == DEFAULT[0] else encoding)
        except UnicodeEncodeError:
            continue
        return True
    return False
