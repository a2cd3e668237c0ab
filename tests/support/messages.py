"""HL7 v2 messages of a site that does not exist, in the shapes of IHE RAD-1, RAD-2, RAD-4, RAD-12 and RAD-48."""

from __future__ import annotations

import itertools

_NUMBERS = itertools.count(1)
PERSON = "Lindqvist^Åsa^Maria^^Dr.^^L"
PHYSICIAN = "7002^Ekström^Maria^^^Dr."


def segment(name: str, fields: dict[int, str]) -> str:
    """A segment with these fields by number."""
    return "|".join([name, *(fields.get(number, "") for number in range(1, max(fields) + 1))])


def message(
    kind: str,
    *segments: str,
    control_id: str | None = None,
    version: str = "2.5.1",
    charset: str = "UNICODE UTF-8",
    sender: str = "HIS|NORTHWING",
) -> str:
    """A message of this type (MSH-9); without `control_id` with a new one."""
    number = control_id or f"M{next(_NUMBERS):06}"
    header = f"MSH|^~\\&|{sender}|PACS|NORTHWING|20260301083000+0100||{kind}|{number}|P|{version}||||||{charset}"
    return "\r".join([header.rstrip("|"), *segments]) + "\r"


def pid(mrn: str = "MRN-1", name: str = PERSON) -> str:
    return segment("PID", {1: "1", 3: f"{mrn}^^^NORTHWING^MR", 5: name, 7: "19610314", 8: "F"})


def adt(event: str = "A08", mrn: str = "MRN-1", name: str = PERSON, **header: str) -> str:
    return message(f"ADT^{event}^ADT_A01", f"EVN|{event}|20260301083000", pid(mrn, name), **header)


def merge(event: str, mrn: str, prior: str, **header: str) -> str:
    segments = (f"EVN|{event}|20260301083000", pid(mrn), f"MRG|{prior}^^^NORTHWING^MR||||||Lindqvist^Asa")
    return message(f"ADT^{event}^ADT_A39", *segments, **header)


def orm(control: str = "NW", accession: str = "ACC-1", mrn: str = "MRN-1", state: str = "SC", **header: str) -> str:
    """RAD-4 as HL7 v2.3.1 has it: everything in OBR, the Study Instance UID in ZDS."""
    numbers = {2: f"P-{accession}^HIS", 3: f"F-{accession}^RIS"}
    when = "1^once^^202603021015^^S"
    return message(
        "ORM^O01",
        pid(mrn),
        "PV1|1|O|||||7001^Berg^Nils",
        segment("ORC", numbers | {1: control, 5: state, 7: when, 12: PHYSICIAN}),
        segment("OBR", numbers | {1: "1", 4: "MRBRAIN^MR brain^LOCAL", 16: PHYSICIAN, 18: accession, 27: when}
                | {19: f"RP-{accession}", 20: f"SP-{accession}", 24: "MR"}),
        f"ZDS|{uid_of(accession)}^RIS^Application^DICOM",
        **{"version": "2.3.1", "charset": "8859/1", **header},
    )  # fmt: skip


def omi(control: str = "NW", accession: str = "ACC-1", mrn: str = "MRN-1", **header: str) -> str:
    """RAD-4 as HL7 v2.5.1 has it: the appointment in TQ1, the rest in IPC."""
    numbers = {2: f"P-{accession}^HIS", 3: f"F-{accession}^RIS"}
    return message(
        "OMI^O23^OMI_O23",
        pid(mrn),
        segment("ORC", numbers | {1: control, 5: "SC"}),
        segment("TQ1", {1: "1", 7: "202603021015+0100", 9: "S^Stat^HL70485"}),
        segment("OBR", numbers | {1: "1", 4: "MRBRAIN^MR brain^LOCAL", 16: PHYSICIAN}),
        f"IPC|{accession}|RP-{accession}|{uid_of(accession)}|SP-{accession}|MR|||Room 2|MR2",
        **header,
    )


def oru(
    *observations: str,
    status: str = "F",
    accession: str = "ACC-1",
    mrn: str = "MRN-1",
    number: str = "R-77",
    issued: str = "20260302120000+0100",
    name: str = PERSON,
    **header: str,
) -> str:
    """A teleradiology service's report (RAD-128); each observation is OBX-2, OBX-3 and OBX-5."""
    said = observations or (
        "FT|59776-5^Findings^LN||No midline shift.\\.br\\Ventricles of normal width.",
        "TX|&IMP^Impression||Normal CT of the head.",
    )
    interpreter = "9001&Nyström&Karin&&&Dr."
    fields = {
        1: "1",
        2: "",
        3: number,
        4: "CTHEAD^CT head^LOCAL",
        18: accession,
        22: issued,
        25: status,
        32: interpreter,
    }
    lines = [f"OBX|{place}|{one}||||||{status}" for place, one in enumerate(said, 1)]
    header = {"sender": "TELERAD|FARNORTH"} | header
    return message("ORU^R01^ORU_R01", pid(mrn, name), "ORC|RE", segment("OBR", fields), *lines, **header)


def siu(event: str, accession: str = "ACC-1", at: str = "202603031400", **header: str) -> str:
    schedule = {1: "A-1", 11: f"^^^{at}", 26: f"P-{accession}^HIS", 27: f"{accession}^RIS"}
    return message(f"SIU^{event}^SIU_S12", segment("SCH", schedule), pid(), **header)


def uid_of(accession: str) -> str:
    """The Study Instance UID that the order filler gives the order."""
    return f"2.25.{int.from_bytes(accession.encode())}"


def encoded(text: str) -> bytes:
    """As a message says in MSH-18; else UTF-8."""
    header = text.partition("\r")[0].split("|")
    return text.encode("latin1" if header[17:18] == ["8859/1"] else "utf-8")
