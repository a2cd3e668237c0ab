"""From the bytes of a message to its text: which character set, and where segments begin.

Messages say their character set in MSH-18 (HL7 table 0211), say nothing, or say another than they use; so the bytes
have a say too. How it was decided is kept with the message.
"""

from __future__ import annotations

import codecs
import re
from enum import StrEnum
from typing import NamedTuple

from ehr_bridge.hl7.faults import Code, Fault, Place

MSH_18 = Place("MSH", 1, 18)
_NAMES = {
    **{f"8859{n}": f"iso8859-{n}" for n in range(1, 16) if n != 12},
    "ASCII": "ascii",
    "ISOIR6": "ascii",
    "ISOIR100": "iso8859-1",
    "ISOIR192": "utf-8",
    "UNICODE": "utf-8",
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "LATIN1": "iso8859-1",
    "CP1252": "cp1252",
    "WINDOWS1252": "cp1252",
    "GB180302000": "gb18030",
    "KSX1001": "euc_kr",
    "BIG5": "big5",
}
"""Codecs by the names of HL7 table 0211 and those seen in the field, without blanks and punctuation."""
_WRITTEN = {"ascii": "ASCII", "utf-8": "UNICODE UTF-8", "gb18030": "GB 18030-2000", "euc_kr": "KS X 1001"}
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}(?![A-Z0-9])")


class How(StrEnum):
    """How the character set of a message was decided."""

    DECLARED = "declared"
    """MSH-18 says it."""
    RECOGNISED = "recognised"
    """MSH-18 is empty, unknown or wrong, and all bytes are valid UTF-8."""
    SOURCE = "source"
    """As configured for the source."""


class Decoded(NamedTuple):
    text: str
    codec: str
    how: How


def codec_named(name: str) -> str | None:
    """The codec of a character set, by any of its names; None when it is unknown."""
    return _NAMES.get(re.sub(r"[^A-Z0-9]", "", name.upper()))


def msh_18(codec: str) -> str:
    """What MSH-18 says of text in this codec."""
    return _WRITTEN.get(codec) or (f"8859/{codec.partition('-')[2]}" if codec.startswith("iso8859-") else codec.upper())


def decode(data: bytes, of_source: str | None) -> Decoded:
    """The text of a message: as MSH-18 says, if the bytes agree; else as UTF-8, if they are; else as the source writes.

    Raises Fault when it is no HL7 message, or its characters cannot be read.
    """
    data = data.strip(b"\x0b\x1c\r\n\t ").removeprefix(codecs.BOM_UTF8)
    if data[:3] in (b"BHS", b"FHS"):
        text = "batches and files are not taken; send each message in a frame of its own"
        raise Fault(Code.MESSAGE_TYPE, text, is_rejected=True)
    if data[:3] != b"MSH" or len(data) < 8:
        raise Fault(Code.SEQUENCE, "it does not begin with MSH, so it is no HL7 v2 message", is_rejected=True)
    if b"\x00" in data:
        raise Fault(Code.DATA_TYPE, "it has characters NUL, which no field can hold")
    declared = codec_named(_declared(data))
    for codec, how in ((declared, How.DECLARED), ("utf-8", How.RECOGNISED), (of_source, How.SOURCE)):
        if codec is None:
            continue
        try:
            return Decoded(data.decode(codec), codec, how)
        except UnicodeDecodeError:
            continue
    raise Fault(
        Code.DATA_TYPE,
        "its characters are neither what MSH-18 says, nor UTF-8, nor what is configured for the source",
        MSH_18,
    )


def _declared(data: bytes) -> str:
    """The first repetition of MSH-18, from bytes that may be in any extension of ASCII."""
    header = re.split(rb"[\r\n]", data, maxsplit=1)[0].split(data[3:4])
    if len(header) < 18:
        return ""
    repetition = header[1][1:2] or b"~"
    return header[17].split(repetition)[0].decode("ascii", "replace")


def segments(text: str) -> list[str]:
    """The segments of a message, whatever ends its lines. A line that begins no segment continues the one before: some
    senders break lines inside a field."""
    found: list[list[str]] = []
    for line in re.split(r"[\r\n]+", text):
        if _SEGMENT.match(line) and (len(line) == 3 or line[3] == text[3]):
            found.append([line])
        elif line.strip() and found:
            found[-1].append(line)
    return [" ".join(lines) for lines in found]
