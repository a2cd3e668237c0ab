"""What messages ask for: by the shipped mappings and by a site's own; what does not fit is refused by its place."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ehr_bridge.hl7.ack import Header, acknowledge, header_in
from ehr_bridge.hl7.faults import Code, Fault, Place
from ehr_bridge.hl7.message import DELETED, Message
from ehr_bridge.hl7.profile import SHIPPED, ProfileError, load_profile
from ehr_bridge.hl7.reading import Act, Kind, Reading, header_of, read, require_readable
from ehr_bridge.hl7.sources import Source, Sources, Tls, load_sources
from ehr_bridge.hl7.text import decode
from ehr_bridge.settings import SettingsError
from tests.support.messages import adt, encoded, merge, message, omi, orm, oru, pid, segment, siu, uid_of

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
SAME = {
    "placer_order_number": "P-ACC-1",
    "requested_procedure_id": "RP-ACC-1",
    "scheduled_procedure_step_id": "SP-ACC-1",
    "scheduled_study_instance_uid": uid_of("ACC-1"),
    "modality": "MR",
    "description": "MR brain",
    "procedure_code": "MRBRAIN",
    "priority": "S",
    "ordered_by": "Ekström^Maria^^Dr.",
}


def opened(text: str) -> Message:
    return Message(decode(encoded(text), None))


def reading(text: str, source: Source | None = None) -> Reading:
    opening = opened(text)
    require_readable(opening)
    return read(opening, source or Sources().unlisted(opening.header.text(12)))


def refusal(text: str, source: Source | None = None) -> Fault:
    with pytest.raises(Fault) as refused:
        reading(text, source)
    return refused.value


def values(text: str, source: Source | None = None) -> dict[str, Any]:
    patient = reading(text, source).patient
    assert patient is not None
    return dict(patient.values)


def test_both_editions_of_rad_4_say_the_same_order() -> None:
    """v2.3.1 in OBR and ZDS, v2.5.1 in IPC and TQ1; each time in its own way."""
    for text, at in ((orm(), "2026-03-02T10:15:00+00:00"), (omi(), "2026-03-02T09:15:00+00:00")):
        found = reading(text)
        (order,) = found.orders
        assert (order.act, order.accession_number) == (Act.PLACE, "ACC-1")
        assert {name: order.values[name] for name in SAME} == SAME
        assert order.values["scheduled_at"] == at
        assert found.patient is not None and found.patient.number[:2] == ("MRN-1", "NORTHWING")
    assert reading(omi()).orders[0].values["station_ae_title"] == "MR2"
    assert str(reading(orm()).orders[0].places["accession_number"]) == "OBR-18"
    assert str(reading(omi()).orders[0].places["accession_number"]) == "IPC-1"


@pytest.mark.parametrize(
    ("control", "state", "act", "status"),
    [
        ("NW", "SC", Act.PLACE, None),
        ("XO", "SC", Act.CHANGE, None),
        ("XO", "CM", Act.CHANGE, "completed"),
        ("CA", "", Act.CANCEL, None),
        ("DC", "IP", Act.CANCEL, None),
        ("SC", "CM", Act.STATE, "completed"),
        ("SC", "CA", Act.CANCEL, None),
    ],
)
def test_order_control_says_what_is_done(control: str, state: str, act: Act, status: str | None) -> None:
    """With the state of the order, where that says more."""
    (order,) = reading(orm(control, state=state)).orders
    assert (order.act, order.values.get("status")) == (act, status)


def test_a_state_that_images_cause_is_not_taken_over() -> None:
    """By rule ignored, and said so."""
    found = reading(orm("SC", state="IP"))
    assert (found.kind, found.orders) == (Kind.IGNORED, ()) and "ORC-5" in found.notes[0]


def test_absent_stays_and_two_quotes_delete() -> None:
    """Three things a field can say: a value, nothing, that there is none."""
    sent = message("ADT^A08", 'PID|1||MRN-1^^^N^MR||Lindqvist^Åsa||""|')
    assert values(sent) == {
        "family_name": "Lindqvist",
        "given_name": "Åsa",
        "middle_name": None,
        "prefix": None,
        "suffix": None,
        "birth_date": None,
    }
    assert values(message("ADT^A08", "PID|1||MRN-1")) == {}
    assert values(message("ADT^A08", 'PID|1||MRN-1||""|||""'))["sex"] == "unknown"
    first = opened(message("ADT^A08", 'PID|1||||A^""^C|')).first("PID")
    assert first is not None
    assert [first.value(5, 1), first.value(5, 2), first.value(5, 4), first.value(30)] == ["A", DELETED, None, None]


def test_the_legal_name_is_the_name() -> None:
    """Where PID-5 is repeated."""
    name = "Åsa i Backen^^^^^^A~Lindqvist^Åsa^^^^^L"
    assert values(adt(name=name))["family_name"] == "Lindqvist"


def test_a_birthday_of_which_only_the_year_is_known_is_left_out_and_said_so() -> None:
    """It is no error of the sender, and no day."""
    found = reading(message("ADT^A08", "PID|1||MRN-1||||1961|F"))
    assert found.patient is not None and found.patient.values == {"sex": "female"}
    assert found.notes == ("PID-7 does not say the whole day, and is left out",)


def test_which_number_is_the_mrn_is_configured_or_certain() -> None:
    """Never the first that comes."""
    two = message("ADT^A08", "PID|1||77^^^CLINIC^MR~MRN-1^^^NORTHWING&1.2.3&ISO^MR||Lindqvist")
    assert refusal(two).code == Code.UNKNOWN_KEY
    source = Sources().unlisted("2.5.1")
    for authority in ("northwing", "1.2.3"):
        patient = reading(two, replace(source, authority=authority)).patient
        assert patient is not None and patient.number[:2] == ("MRN-1", "NORTHWING")
    fault = refusal(two, replace(source, authority="ELSEWHERE"))
    assert (fault.code, str(fault.place)) == (Code.UNKNOWN_KEY, "PID-3.4")
    one = reading(message("ADT^A08", "PID|1||9^^^X^PI~MRN-1^^^NORTHWING^MR")).patient
    assert one is not None and one.number.mrn == "MRN-1"
    assert refusal(message("ADT^A08", "PID|1||")).code == Code.MISSING


def test_several_obr_are_several_orders_or_steps_of_one() -> None:
    """By their accession numbers; an OBR without an ORC shares the one before."""
    several = message("ORM^O01", pid(), *_order("ACC-1", "S1"), *_order("ACC-2", "S2"), version="2.3.1")
    assert [order.accession_number for order in reading(several).orders] == ["ACC-1", "ACC-2"]
    steps = message("ORM^O01", pid(), *_order("ACC-1", "S1"), *_order("ACC-1", "S2", "CT")[1:], version="2.3.1")
    (order,) = reading(steps).orders
    assert order.values["scheduled_procedure_step_id"] == "S1"
    assert order.values["further_steps"] == [{"scheduled_procedure_step_id": "S2", "modality": "CT"}]
    in_ipc = omi() + "IPC|ACC-1|RP-1|1.2.3|S2|CT|||Room 1|CT1\r"
    further = reading(in_ipc).orders[0].values["further_steps"]
    assert [step["scheduled_procedure_step_id"] for step in further] == ["S2"]
    unlike = message("ORM^O01", pid(), *_order("ACC-1", "S1"), *_order("ACC-1", "S2", control="CA"), version="2.3.1")
    assert refusal(unlike).code == Code.DUPLICATE_KEY


def _order(accession: str, step: str, modality: str = "MR", control: str = "NW") -> list[str]:
    return [
        f"ORC|{control}|P-{accession}",
        segment("OBR", {2: f"P-{accession}", 4: "X^Brain", 18: accession, 20: step, 24: modality}),
    ]


def test_merges_appointments_and_what_is_passed_over() -> None:
    """Each kind with what it needs."""
    found = reading(merge("A40", "MRN-2", "MRN-1"))
    assert (found.kind, found.patient and found.patient.number.mrn) == (Kind.MERGE, "MRN-2")
    assert found.prior is not None and found.prior.number.mrn == "MRN-1"
    assert reading(merge("A47", "MRN-2", "MRN-1")).kind == Kind.NEW_NUMBER
    (order,) = reading(siu("S13")).orders
    assert (order.act, order.placer_order_number, order.filler_order_number) == (Act.CHANGE, "P-ACC-1", "ACC-1")
    assert order.values == {"scheduled_at": "2026-03-03T14:00:00+00:00"}
    assert [reading(siu(event)).orders[0].act for event in ("S15", "S26")] == [Act.CANCEL, Act.CANCEL]
    assert reading(adt("A03")).kind == Kind.IGNORED


@pytest.mark.parametrize(
    ("text", "code", "place", "is_rejected"),
    [
        (message("MDM^T02", pid()), "200", "MSH-9", True),
        (message("ORU^R03", pid()), "201", "MSH-9", True),
        (message("ADT^A24", pid()), "201", "MSH-9.2", True),
        (message("ORM^O02", pid()), "201", "MSH-9", True),
        (message("SIU^S20", pid()), "201", "MSH-9", True),
        (adt().replace("|P|2.5.1", "|X|2.5.1"), "202", "MSH-11", True),
        (adt(version="3.0"), "203", "MSH-12", True),
        (adt(control_id=" "), "101", "MSH-10", False),
        (adt(control_id="9" * 200), "102", "MSH-10", False),
        (message("ADT^A08"), "100", "PID", False),
        (message("ADT^A40", pid()), "100", "MRG", False),
        (message("ORM^O01", pid()), "100", "ORC", False),
        (orm("RE"), "103", "ORC-1", False),
        (orm(""), "101", "ORC-1", False),
        (orm().replace("202603021015", "2026-03-02 10:15"), "102", "ORC-7", False),
        (adt().replace("19610314|F", "19610231|F"), "102", "PID-7", False),
        (adt().replace("19610314|F", "19610314|X"), "103", "PID-8", False),
        (siu("S12", at=""), "101", "SCH-11", False),
        ("MSH|^^^^|A|B\rPID|1", "100", "MSH-2", False),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_place(text: str, code: str, place: str, is_rejected: bool) -> None:
    """Codes of HL7 table 0357."""
    fault = refusal(text)
    assert (fault.code, str(fault.place), fault.is_rejected) == (code, place, is_rejected)


def test_an_acknowledgement_says_whose_it_is_and_in_which_characters() -> None:
    """MSA-2 is MSH-10; sender and receiver change places; MSH-18 as the message is written."""
    header = header_of(opened(adt(control_id=r"C\S\1", charset="")))
    lines = acknowledge(header, "A1", AT).decode().split("\r")
    assert lines == [
        "MSH|^~\\&|PACS|NORTHWING|HIS|NORTHWING|20260301083000+0000||ACK^A08^ACK|A1|P|2.5.1||||||UNICODE UTF-8",
        "MSA|AA|C\\S\\1",
        "",
    ]


@pytest.mark.parametrize(
    ("version", "old"), [("2.3.1", "OBR^1^18^102&Data type error&HL70357"), ("2.5.1", ""), ("2.10", "")]
)
def test_a_refusal_always_says_which_in_err(version: str, old: str) -> None:
    """In one field before version 2.5, in several from then on."""
    fault = Fault(Code.DATA_TYPE, "at most 16 | characters", Place("OBR", 1, 18))
    text = acknowledge(Header(control_id="7", version=version), "A1", AT, fault).decode()
    assert "\rMSA|AE|7|at most 16 \\F\\ characters\r" in text
    assert f"\rERR|{old}|OBR^1^18|102^Data type error^HL70357|E||||at most 16 \\F\\ characters\r" in text
    rejected = Fault(Code.SEQUENCE, "garbage", is_rejected=True)
    assert "\rMSA|AR||garbage\rERR||" in acknowledge(header_in(b"garbage"), "A1", AT, rejected).decode()


def test_the_header_of_a_message_that_cannot_be_read_is_still_answered() -> None:
    """By its number."""
    header = header_in(b"\x0bMSH|^~\\&|HIS|N^1.2|PACS|N|2026||ADT^A08|77^x|P|2.3\r\xff\xff")
    assert (header.sending, header.event, header.control_id, header.version) == (("HIS", "N"), "A08", "77", "2.3")
    assert header_in(b"MSH|^~\\&|HIS").control_id == ""


def test_the_library_never_logs_what_fields_say(caplog: pytest.LogCaptureFixture) -> None:
    """An unknown escape sequence is no reason to repeat a name."""
    with caplog.at_level(logging.DEBUG):
        assert values(adt(name=r"Lind\Cxx\qvist^Åsa"))["family_name"] == r"Lind\Cxx\qvist"
    assert "qvist" not in caplog.text


def test_shipped_mappings_are_there_and_whole() -> None:
    """Their names stand in the documentation."""
    assert set(SHIPPED) == {"rad-4-2.3.1", "rad-4-2.5.1"}
    assert load_profile("rad-4-2.5.1").order["modality"][0] == ("IPC", 5, 1, 1)


def test_a_site_maps_what_it_writes_elsewhere(tmp_path: Path) -> None:
    """Its own places and words, on top of a shipped mapping."""
    file = tmp_path / "north.toml"
    file.write_text(
        'extends = "rad-4-2.3.1"\n[order]\naccession_number = ["ORC-3"]\n[terms.modality]\nnmr = "MR"\nMR = "CT"\n'
    )
    source = replace(Sources().unlisted("2.3.1"), profile=load_profile("north.toml", tmp_path))
    (order,) = reading(orm(), source).orders
    assert (order.accession_number, order.values["modality"]) == ("F-ACC-1", "CT")
    assert order.values["description"] == "MR brain"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[orders]", "unknown table [orders]"),
        ('[order]\nacession = ["OBR-18"]', "unknown field acession"),
        ('[order]\nmodality = ["OBR.24"]', "order.modality: 'OBR.24' names no field"),
        ("[order]\nmodality = [24]", "order.modality: a list of places"),
        ("[order]\nmodality = {}", "order.modality: a list of places"),
        ('order = "x"', "[order] is a table"),
        ('[terms.mrn]\nA = "B"', "unknown field mrn"),
        ("[terms.sex]\nM = 1", "terms.sex"),
        ('extends = "x.toml"', "x.toml' extends itself"),
        ('extends = "none.toml"', "neither rad-4-2.3.1, rad-4-2.5.1 nor a file"),
        ("extends = 1", "extends"),
        ("= 1", "not TOML"),
    ],
)
def test_a_mapping_that_is_wrong_is_refused_by_name(tmp_path: Path, text: str, problem: str) -> None:
    """Before the server starts."""
    (tmp_path / "x.toml").write_text(text)
    with pytest.raises(ProfileError, match=re.escape(problem)):
        load_profile("x.toml", tmp_path)


SOURCE = {
    "name": '"north"',
    "application": '"HIS"',
    "facility": '"NORTHWING"',
    "profile": '"rad-4-2.5.1"',
    "addresses": '["10.1.0.0/16", "::1"]',
    "charset": '"latin1"',
}


def listed(tmp_path: Path, *entries: dict[str, str]) -> Sources:
    file = tmp_path / "sources.toml"
    lines = [line for entry in entries for line in ("[[source]]", *(f"{key} = {text}" for key, text in entry.items()))]
    file.write_text("\n".join(lines))
    return load_sources(file, "Europe/Berlin")


def test_sources_are_told_apart_by_address_application_and_facility(tmp_path: Path) -> None:
    """An IPv4 address is the same when IPv6 writes it."""
    files = ("server.pem", "server.key", "clients.pem")
    for name in files:
        (tmp_path / name).touch()
    tls = '{ certificate = "server.pem", key = "server.key", clients = "clients.pem" }'
    more = SOURCE | {"name": '"south"', "facility": '"S"', "time_zone": '"America/New_York"', "tls": tls}
    sources = listed(tmp_path, SOURCE, more | {"addresses": '["10.2.0.1"]', "silence_minutes": "30"})
    assert [source.name for source in sources.at("::ffff:10.1.2.3")] == ["north"]
    assert sources.at("10.2.0.2") == ()
    south = sources.named("HIS", "S")
    assert south is not None and south.silence_minutes == 30
    assert south.tls == Tls(*(tmp_path / name for name in files))
    with pytest.raises(SettingsError, match="source 'south': tls: must be that of source 'north'"):
        listed(tmp_path, SOURCE, more)
    assert [str(source.time_zone) for source in sources.known] == ["Europe/Berlin", "America/New_York"]
    assert sources.named("HIS", "S", sources.at("10.1.0.1")) is None


def test_a_source_that_may_bring_no_reports_brings_orders_only(tmp_path: Path) -> None:
    """The reason says which line of its entry it is."""
    source = listed(tmp_path, SOURCE | {"reports": "false"}).known[0]
    assert reading(adt(), source).kind == Kind.PATIENT
    with pytest.raises(Fault, match="reports = false") as refused:
        reading(oru(), source)
    assert (refused.value.code, refused.value.is_rejected) == (Code.MESSAGE_TYPE, True)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"charset": None}, "source 'north': charset: is missing"),
        ({"charset": '"klingon"'}, "source 'north': charset:"),
        ({"profile": '"none"'}, "source 'north': profile: 'none' is neither"),
        ({"addresses": '["10.1.0.1/16"]'}, "source 'north': addresses:"),
        ({"addresses": "[]"}, "source 'north': addresses:"),
        ({"colour": '"red"'}, "source 'north': colour: unknown"),
        ({"reports": '"no"'}, "source 'north': reports: true or false"),
        ({"silence_minutes": "0"}, "source 'north': silence_minutes:"),
        ({"time_zone": '"Mars/Base"'}, "source 'north': time_zone:"),
        ({"tls": "true"}, "source 'north': tls: {"),
        ({"tls": '{ certificate = "a", key = "b", clients = "c" }'}, "is no file"),
        ({"authority": "7"}, "source 'north': authority:"),
        ({"name": None}, "source 1: name: is missing"),
    ],
)
def test_a_source_that_is_wrong_is_refused_by_name(
    tmp_path: Path, changes: dict[str, str | None], problem: str
) -> None:
    """The variable, the source and the field."""
    entry = {key: text for key, text in (SOURCE | changes).items() if text is not None}
    with pytest.raises(SettingsError, match=re.escape(problem)) as refused:
        listed(tmp_path, entry)
    assert str(refused.value).startswith("EHR_BRIDGE_HL7_SOURCES: source ")


def test_two_sources_cannot_be_the_same(tmp_path: Path) -> None:
    """Nobody could tell whose message it is."""
    for other in (SOURCE | {"name": '"south"'}, SOURCE | {"facility": '"S"'}):
        with pytest.raises(SettingsError, match="another source has"):
            listed(tmp_path, SOURCE, other)


@pytest.mark.parametrize("text", ["", "x = 1", "[[source]", "[[source]]\n[other]", "source = 1", "source = [1]"])
def test_a_file_that_is_no_list_of_sources_is_refused(tmp_path: Path, text: str) -> None:
    """And so is one that is not there."""
    (tmp_path / "sources.toml").write_text(text)
    for file in (tmp_path / "sources.toml", tmp_path / "none.toml"):
        with pytest.raises(SettingsError, match="EHR_BRIDGE_HL7_SOURCES"):
            load_sources(file, "UTC")
