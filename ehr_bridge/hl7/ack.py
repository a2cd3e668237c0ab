"""Acknowledgements (HL7 v2, chapter 2.9.2, original mode): MSH, MSA, and ERR for everything that is not `AA`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from ehr_bridge.hl7.escapes import USUAL, escape
from ehr_bridge.hl7.faults import MEANINGS, Code, Fault
from ehr_bridge.hl7.text import msh_18
from ehr_bridge.hl7.timestamps import written

OURS = "EHR-BRIDGE"
_OWN_TEXT = (2, 5)
"""Since this version ERR has a field for each thing it says."""
MOST_TEXT = 250


@dataclass(frozen=True, slots=True)
class Header:
    """What the acknowledgement takes over from the header of the message, as far as it could be read."""

    sending: tuple[str, str] = ("", "")
    receiving: tuple[str, str] = ("", "")
    event: str = ""
    control_id: str = ""
    processing_id: str = "P"
    version: str = "2.5.1"
    codec: str = "utf-8"

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(map(int, re.findall(r"\d+", self.version)))


def header_in(data: bytes) -> Header:
    """The header of a message that cannot be read as a whole, as far as its first line says anything."""
    line = re.split(rb"[\r\n]", data.lstrip(b"\x0b\r\n "), maxsplit=1)[0].decode("ascii", "replace")
    if not line.startswith("MSH") or len(line) < 8:
        return Header()
    fields = line.split(line[3])
    fields += [""] * (12 - len(fields))

    def first(text: str) -> str:
        return re.split(r"[\^~&]", text)[0].strip()

    return Header(
        (first(fields[2]), first(fields[3])),
        (first(fields[4]), first(fields[5])),
        fields[8].partition("^")[2].partition("^")[0].strip(),
        first(fields[9]),
        first(fields[10]) or "P",
        first(fields[11]) or "2.5.1",
    )


def acknowledge(header: Header, own_id: str, at: datetime, fault: Fault | None = None) -> bytes:
    """The acknowledgement: `AA`, or `AE` or `AR` with what the matter is. `own_id` is its own control id."""
    code = "AA" if fault is None else "AR" if fault.is_rejected else "AE"
    text = "" if fault is None else escape(fault.text[:MOST_TEXT])
    us, facility = header.receiving
    lines = [
        _joined(
            "MSH",
            USUAL.msh_2,
            escape(us) or OURS,
            escape(facility),
            *map(escape, header.sending),
            written(at),
            "",
            "^".join(filter(None, ("ACK", escape(header.event), "ACK" if header.event else ""))),
            own_id,
            escape(header.processing_id),
            escape(header.version),
            *[""] * 5,
            msh_18(header.codec),
        ),
        _joined("MSA", code, escape(header.control_id), text),
    ]
    if fault is not None:
        lines.append(_err(header, fault, text))
    return ("\r".join(lines) + "\r").encode(header.codec, "replace")


def _err(header: Header, fault: Fault, text: str) -> str:
    """Before version 2.5 all of it stood in ERR-1; a receiver passes over the fields that it does not know."""
    code, place = Code(fault.code), fault.place
    coded = f"{code}^{MEANINGS[code]}^HL70357"
    where = [] if place is None else [place.segment, str(place.occurrence)]
    if place is not None and place.field:
        where.append(str(place.field))
    old = ""
    if header.numbers < _OWN_TEXT:
        old = "^".join([*where, *[""] * (3 - len(where)), coded.replace("^", "&")])
    parts = [*where, "1", str(place.component)] if place is not None and place.component else where
    return _joined("ERR", old, "^".join(parts), coded, "E", "", "", "", text)


def _joined(*fields: str) -> str:
    return "|".join(fields).rstrip("|")
