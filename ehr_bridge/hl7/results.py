"""Reports in a message (ORU^R01; IHE RAD-28 and RAD-128): each OBR with what follows it, as its sender wrote it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from ehr_bridge.hl7 import timestamps
from ehr_bridge.hl7.faults import Code, Fault, Place
from ehr_bridge.hl7.grouping import Group
from ehr_bridge.hl7.message import Message, Segment
from ehr_bridge.hl7.sources import Source
from ehr_bridge.hl7.values import find
from ehr_bridge.reporting.received import PDF, File, Received, joined
from ehr_bridge.reporting.states import ReportStatus

STATUSES = {
    "P": ReportStatus.PRELIMINARY,
    "R": ReportStatus.PRELIMINARY,
    "A": ReportStatus.PRELIMINARY,
    "F": ReportStatus.FINAL,
    "C": ReportStatus.CORRECTED,
    "X": ReportStatus.ENTERED_IN_ERROR,
    "W": ReportStatus.ENTERED_IN_ERROR,
    "D": ReportStatus.ENTERED_IN_ERROR,
}
"""OBR-25 (table 0123) and OBX-11 (table 0085): by our status."""
NOT_YET = frozenset({"O", "I", "S"})
"""Nothing is reported yet."""
TAKEN_BACK = frozenset({"W", "D"})
ANSWERS = frozenset({"OK", "UA", "OC", "OD", "OF", "OH", "OR"})
"""ORC-1 of a message that answers an order, and reports nothing."""
STUDY = frozenset({"113014", "110180"})
"""DICOM codes under which OBX-3 names the study."""
PARTS = {"GDT": ("59776-5", "Findings"), "IMP": ("19005-8", "Impression"), "ADT": ("55107-7", "Addendum")}
"""Suffixes of OBX-3 (chapter 7, observation identifier suffixes): LOINC code and heading."""
UID = re.compile(r"\d+(\.\d+){3,}")
MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,100}")
TEXTS = frozenset({"TX", "FT", "ST"})
LONGEST_NUMBER = 255


@dataclass(frozen=True, slots=True)
class ResultTold:
    """A report, and the numbers of what it is a report of."""

    received: Received
    place: Place
    accession_number: str | None
    placer_order_number: str | None
    filler_order_number: str | None
    """May be our accession number, where a message says it only so."""
    study_instance_uid: str | None


def results_of(message: Message, source: Source, notes: list[str]) -> tuple[ResultTold, ...]:
    """Those that have something to say. Raises Fault."""
    found: dict[str, ResultTold] = {}
    groups = list(_groups(message))
    if not groups:
        raise Fault(Code.SEQUENCE, "it has no OBR, so it is no report", Place("OBR"))
    for group in groups:
        told = _result(group, message, source, notes)
        if told is not None:
            key = told.received.number
            found[key] = told if key not in found else _together(found[key], told)
    return tuple(found.values())


def _groups(message: Message) -> Iterator[Group]:
    """Each OBR with the ORC before and the segments behind it."""
    common: dict[str, Segment] = {}
    own: list[Segment] = []
    is_open = False
    for segment in message.segments:
        begins = segment.name == "ORC" or (segment.name == "OBR" and any(one.name == "OBR" for one in own))
        if begins and is_open:
            yield Group(tuple(own), common)
            own, is_open = [], False
        if segment.name in ("ORC", "OBR") or own:
            own.append(segment)
        else:
            common.setdefault(segment.name, segment)
        is_open = is_open or segment.name == "OBR"
    if is_open:
        yield Group(tuple(own), common)


def _result(group: Group, message: Message, source: Source, notes: list[str]) -> ResultTold | None:
    obr, orc = group.first("OBR"), group.first("ORC")
    assert obr is not None
    if orc is not None and orc.text(1) in ANSWERS:
        notes.append("ORC-1 answers an order, and is no report")
        return None
    said = _status(obr, group)
    if said in NOT_YET:
        notes.append("OBR-25 says that nothing is reported yet")
        return None
    wanted = {name: source.profile.order[name] for name in ("accession_number", "placer_order_number")}
    numbers = find(group, wanted, source, notes).values
    filler = obr.text(3) or (orc.text(3) if orc is not None else "") or None
    uid = _study(group, source, notes)
    number = filler or numbers.get("placer_order_number") or numbers.get("accession_number") or uid
    if number is None:
        raise Fault(Code.MISSING, "OBR-3 has no number, so its versions could not be told apart", obr.place(3))
    if len(number) > LONGEST_NUMBER:
        raise Fault(Code.DATA_TYPE, f"OBR-3 has more than {LONGEST_NUMBER} characters", obr.place(3))
    parts, files = _content(group, notes)
    issued = _issued(obr, message, source)
    received = Received(
        number,
        STATUSES[said],
        said,
        _author(obr, group),
        joined(parts),
        tuple(files),
        obr.text(4, 2) or obr.text(4, 5) or None,
        None,
        *issued,
    )
    return ResultTold(
        received,
        obr.place(),
        numbers.get("accession_number"),
        numbers.get("placer_order_number"),
        filler,
        uid,
    )


def _status(obr: Segment, group: Group) -> str:
    """Of the whole; what is taken back in every OBX is withdrawn."""
    each = [one.text(11) for one in group.own if one.name == "OBX" and not _names_study(one)]
    if each and all(one in TAKEN_BACK for one in each):
        return each[0]
    said = obr.text(25) or next(filter(None, each), "")
    if not said:
        raise Fault(Code.MISSING, "OBR-25 does not say how far the report is", obr.place(25))
    if said not in STATUSES and said not in NOT_YET:
        known = ", ".join([*STATUSES, *sorted(NOT_YET)])
        raise Fault(Code.NOT_IN_TABLE, f"OBR-25 is none of {known}", obr.place(25))
    return said


def _study(group: Group, source: Source, notes: list[str]) -> str | None:
    """The one study that it names; None where it names none or several."""
    named = {one.text(5) for one in group.own if one.name == "OBX" and _names_study(one) and one.text(5)}
    if not named:
        wanted = {"scheduled_study_instance_uid": source.profile.order["scheduled_study_instance_uid"]}
        said = find(group, wanted, source, notes).values.get("scheduled_study_instance_uid")
        named = {said} if said else set()
    if len(named) > 1:
        notes.append("it names several studies; the order says which it is of")
        return None
    return next(iter(named), None)


def _names_study(obx: Segment) -> bool:
    return obx.text(3) in STUDY or obx.text(3, 2).casefold() in {"dicom study", "study instance uid"}


def _content(group: Group, notes: list[str]) -> tuple[list[tuple[str, str, str]], list[File]]:
    """Code, heading and text of each part, and the files."""
    parts: list[tuple[str, str, str]] = []
    files: list[File] = []
    heading = ("note", "Remarks")
    for one in group.own:
        if one.name == "NTE":
            parts.append((*heading, _whole(one, 3)))
        if one.name != "OBX" or _names_study(one):
            continue
        kind, heading = one.text(2) or "TX", _heading(one)
        if kind == "ED":
            file = _file(one)
            if file.content_type == "text/plain":
                parts.append((*heading, file.content.decode("utf-8", "replace")))
            else:
                files.append(file)
        elif kind == "RP":
            notes.append(f"{one.place(5)} is a link, which is not followed")
            parts.append((*heading, _whole(one, 5)))
        elif not (UID.fullmatch(one.text(5)) and "uid" in heading[1].casefold()):
            parts.append((*heading, _said(one, kind, heading)))
    return parts, files


def _heading(obx: Segment) -> tuple[str, str]:
    code, suffix = obx.text(3), obx.text(3, 1, 2)
    if suffix in PARTS:
        return PARTS[suffix][0], obx.text(3, 2) or PARTS[suffix][1]
    return code or suffix or "report", obx.text(3, 2) or code


def _said(obx: Segment, kind: str, heading: tuple[str, str]) -> str:
    """A text as it is; a coded or measured value in one line."""
    if kind in TEXTS:
        text = _whole(obx, 5)
        return f"{text} {obx.text(6)}".strip() if kind == "ST" else text
    if kind in ("CE", "CWE", "CNE", "CF"):
        return obx.text(5, 2) or obx.text(5)
    return f"{_whole(obx, 5).replace('^', ' ').strip()} {obx.text(6)}".strip()


def _whole(segment: Segment, field: int) -> str:
    """All of a field, each repetition as a line; a delimiter that nobody escaped stays in the text."""
    return "\n".join(segment.whole(field))


def _file(obx: Segment) -> File:
    data = "".join(obx.text(5, 5).split())
    try:
        coding = obx.text(5, 4).casefold()
        if coding in ("a", "ascii"):
            content = _whole(obx, 5).split("^", 4)[-1].encode()
        else:
            content = bytes.fromhex(data) if coding == "hex" else base64.b64decode(data, validate=True)
    except (ValueError, binascii.Error):
        raise Fault(Code.DATA_TYPE, f"{obx.place(5)} is a file that is not encoded as it says", obx.place(5)) from None
    if not content:
        raise Fault(Code.MISSING, f"{obx.place(5)} is a file without content", obx.place(5))
    said = (obx.text(5, 3) if "/" in obx.text(5, 3) else f"{obx.text(5, 2)}/{obx.text(5, 3)}").lower()
    kind = PDF if content.startswith(b"%PDF-") else said if MEDIA_TYPE.fullmatch(said) else "application/octet-stream"
    return File(obx.text(3, 2) or obx.text(3) or "Report", kind, content)


def _author(obr: Segment, group: Group) -> str:
    """Who interpreted it: OBR-32, else who is responsible for an observation (OBX-16)."""
    given = [obr.text(32, 1, part) for part in (6, 3, 4, 2, 5, 7)]
    if not any(given) and (family := obr.text(32, 2)) and not family[:1].isdigit():
        given = [obr.text(32, part) for part in (6, 3, 4, 2, 5, 7)]
    if not any(given):
        observer = next((one for one in group.own if one.name == "OBX" and one.text(16, 2)), None)
        given = [] if observer is None else [observer.text(16, part) for part in (6, 3, 4, 2, 5, 7)]
    return " ".join(filter(None, given)) or obr.text(32)


def _issued(obr: Segment, message: Message, source: Source) -> tuple[datetime | None, datetime | None, bool]:
    """When it was issued (OBR-22), else when the message was made: the earliest and the latest moment that this can
    mean, and whether it is the message's."""
    for said, is_of_message in ((obr.text(22), False), (message.header.text(7), True)):
        try:
            first, last = (read(said, source.time_zone) for read in (timestamps.moment, timestamps.latest))
        except ValueError:
            continue
        return first, last, is_of_message
    return None, None, False


def _together(first: ResultTold, further: ResultTold) -> ResultTold:
    """One report in two OBR: its text in the one and its PDF in the other, for example."""
    placer, uid = (
        {getattr(one, name) for one in (first, further)} - {None}
        for name in ("placer_order_number", "study_instance_uid")
    )
    is_same = (first.accession_number, first.received.said) == (further.accession_number, further.received.said)
    if not is_same or len(placer) > 1 or len(uid) > 1:
        text = "two reports of the message have one number, and do not agree on what they are"
        raise Fault(Code.DUPLICATE_KEY, text, further.place)
    both = first.received, further.received
    sections = joined([(one.code, one.title, one.text) for part in both for one in part.sections])
    files = (*both[0].files, *both[1].files)
    author = both[0].author or both[1].author
    received = replace(both[0], sections=sections, files=files, author=author)
    order, study = next(iter(placer), None), next(iter(uid), None)
    return replace(first, received=received, placer_order_number=order, study_instance_uid=study)
