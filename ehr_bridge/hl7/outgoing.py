"""Messages that are sent: what the state of an order is now, and what a report says. Pure: from values to bytes.

A message is rendered once and sent unchanged as often as it takes; its number (MSH-10) follows from the event.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ehr_bridge.dicom.transliteration import transliterated
from ehr_bridge.hl7.ack import OURS
from ehr_bridge.hl7.escapes import USUAL, escape
from ehr_bridge.hl7.text import msh_18
from ehr_bridge.hl7.timestamps import written
from ehr_bridge.reporting.report import Signer, Version
from ehr_bridge.reporting.states import AMENDMENTS, ReportStatus

SEXES = {"male": "M", "female": "F", "other": "O"}
"""Table 0001; `U` for all else."""
ORDER_STATES = {
    "scheduled": "SC",
    "arrived": "SC",
    "in_progress": "IP",
    "completed": "CM",
    "reported": "CM",
    "cancelled": "CA",
}
"""ORC-5 (table 0038) by our state."""
LOINC = "LN"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
"""A frame, a segment or a receiver would end at them."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Of one message to one receiver."""

    event_id: uuid.UUID
    at: datetime
    """With the offset of the site."""
    receiver: str
    codec: str = "utf-8"

    @property
    def control_id(self) -> str:
        """MSH-10, 20 characters: the same for the same event."""
        return self.event_id.hex[:20].upper()


@dataclass(frozen=True, slots=True)
class Person:
    """Whose order or report it is."""

    mrn: str
    issuer: str | None
    family_name: str | None
    given_name: str | None
    middle_name: str | None
    prefix: str | None
    suffix: str | None
    birth_date: date | None
    sex: str


@dataclass(frozen=True, slots=True)
class OrderedStudy:
    """What is said of an order."""

    accession_number: str
    placer_order_number: str | None
    description: str
    procedure_code: str | None
    modality: str
    ordered_by: str | None
    """As DICOM writes a name."""
    status: str


def order_status(envelope: Envelope, person: Person, order: OrderedStudy, *, as_omg: bool = False) -> bytes:
    """ORM^O01 (version 2.3.1), or OMG^O19 (2.5.1): ORC-1 is SC (status changed), ORC-5 the state."""
    state = ORDER_STATES[order.status]
    lines = [
        _msh(envelope, "OMG^O19^OMG_O19" if as_omg else "ORM^O01", "2.5.1" if as_omg else "2.3.1"),
        _pid(person),
        _segment("PV1", "1", "N"),
        _orc("SC", order, state, envelope),
        _segment("OBR", *_obr(order)),
    ]
    return _message(lines, envelope.codec)


def report_result(envelope: Envelope, person: Person, orders: Sequence[OrderedStudy], version: Version) -> bytes:
    """ORU^R01 (version 2.5.1) with the whole text under each order that the report answers. OBR-25 is P, F, or C for
    whatever replaces an earlier version; one that was withdrawn says so in its text, and its OBX-11 is W."""
    lines = [_msh(envelope, "ORU^R01^ORU_R01", "2.5.1"), _pid(person), _segment("PV1", "1", "N")]
    status = _result_status(version)
    for number, order in enumerate(orders, 1):
        lines += [
            _orc("RE", order, "A" if version.status is ReportStatus.PRELIMINARY else "CM", envelope),
            _segment("OBR", *_of_report(number, order, envelope, version, status)),
            *_remarks(version),
            *_observations(version, "W" if version.status is ReportStatus.ENTERED_IN_ERROR else status),
        ]
    return _message(lines, envelope.codec)


def _result_status(version: Version) -> str:
    if version.status is ReportStatus.PRELIMINARY:
        return "P"
    is_later = version.status in AMENDMENTS or version.status is ReportStatus.ENTERED_IN_ERROR
    return "C" if is_later else "F"


def _of_report(number: int, order: OrderedStudy, envelope: Envelope, version: Version, status: str) -> list[str]:
    fields = _obr(order, number)
    issued = written(version.issued_at.astimezone(envelope.at.tzinfo))
    fields += [""] * (32 - len(fields))
    fields[6], fields[21], fields[24] = issued, issued, status
    fields[31] = _interpreter(version.signer or version.author)
    return fields


def _remarks(version: Version) -> list[str]:
    if not version.reason:
        return []
    return [_segment("NTE", "1", "L", f"{version.status.replace('_', ' ')}: {escape(version.reason)}")]


def _observations(version: Version, status: str) -> list[str]:
    rows: list[tuple[str, str, str]] = []
    if version.study_instance_uid:
        rows.append(("ST", "113014^DICOM Study^DCM", escape(version.study_instance_uid)))
    if version.status is ReportStatus.ENTERED_IN_ERROR:
        said = "This report was entered in error and is withdrawn."
        rows.append(("FT", f"18748-4^{escape(version.title)}^{LOINC}", said))
    else:
        for section in version.sections:
            system = LOINC if section.code[:1].isdigit() else "L"
            rows.append(("FT", f"{escape(section.code)}^{escape(section.title)}^{system}", escape(section.text)))
    return [
        _segment("OBX", str(number), kind, name, "", text, "", "", "", "", "", status)
        for number, (kind, name, text) in enumerate(rows, 1)
    ]


def _obr(order: OrderedStudy, number: int = 1) -> list[str]:
    """Fields 1 to 24."""
    fields = [""] * 24
    fields[0], fields[1] = str(number), escape(order.placer_order_number or "")
    fields[2] = fields[17] = escape(order.accession_number)
    fields[3] = f"{escape(order.procedure_code or order.description)}^{escape(order.description)}"
    fields[15] = _ordering(order)
    fields[23] = escape(order.modality)
    return fields


def _orc(control: str, order: OrderedStudy, state: str, envelope: Envelope) -> str:
    placer, filler = escape(order.placer_order_number or ""), escape(order.accession_number)
    at = written(envelope.at)
    return _segment("ORC", control, placer, filler, "", state, "", "", "", at, "", "", _ordering(order))


def _ordering(order: OrderedStudy) -> str:
    """XCN without a number: family, given, middle, suffix, prefix."""
    parts = [*(order.ordered_by or "").split("=")[0].split("^"), "", "", "", ""]
    family, given, middle, prefix, suffix = parts[:5]
    return "^".join(["", *map(escape, (family, given, middle, suffix, prefix))]).rstrip("^")


def _interpreter(person: Signer) -> str:
    """NDL: its first component is a CNN, of which the name as it is printed stands for the family name."""
    return f"{escape(person.subject)}&{escape(person.name)}"


def _pid(person: Person) -> str:
    number = f"{escape(person.mrn)}^^^{escape(person.issuer or '')}^MR"
    parts = (person.family_name, person.given_name, person.middle_name, person.suffix, person.prefix)
    name = "^".join(escape(part or "") for part in parts).rstrip("^")
    born = "" if person.birth_date is None else person.birth_date.strftime("%Y%m%d")
    return _segment("PID", "1", "", number, "", name, "", born, SEXES.get(person.sex, "U"))


def _msh(envelope: Envelope, kind: str, version: str) -> str:
    head = [f"MSH|{USUAL.msh_2}", OURS, "", escape(envelope.receiver), "", written(envelope.at), "", kind]
    return "|".join([*head, envelope.control_id, "P", version, *[""] * 5, msh_18(envelope.codec)])


def _segment(*fields: str) -> str:
    return "|".join(fields).rstrip("|")


def _message(lines: Sequence[str], codec: str) -> bytes:
    text = "\r".join(_CONTROLS.sub(" ", line) for line in lines) + "\r"
    return transliterated(text, codec).encode(codec, "replace")
