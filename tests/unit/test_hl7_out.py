"""HL7 messages that we send: read back by others' parser and our own, and sent to receivers that behave badly."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import hl7
import pytest

from ehr_bridge.db.states import DestinationKind
from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.hl7.ack import Header, acknowledge, header_in
from ehr_bridge.hl7.escapes import unescape
from ehr_bridge.hl7.faults import Code, Fault
from ehr_bridge.hl7.framing import Frames, framed
from ehr_bridge.hl7.outgoing import Envelope, OrderedStudy, Person, order_status, report_result
from ehr_bridge.reporting.report import Section, Signer, Version
from ehr_bridge.reporting.states import ReportStatus
from ehr_bridge.services.delivery.outcomes import Kind, Outcome
from plugin.sending.hl7 import Hl7
from tests.support.receivers import Behaviour, Receiver
from tests.unit.sending_steps import acknowledging

AT = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
ENVELOPE = Envelope(uuid.UUID("5f0c1f52-6c5b-4a3e-9d0c-5ad6f0b5a7d1"), AT, "ris")
PERSON = Person("MRN|1", "NORTH^WING", "Müller-Łukasz", "Åsa", None, "Dr.", None, date(1961, 3, 14), "female")
ORDER = OrderedStudy("ACC-1", "PL-7", "MR Schädel & Hals", "MRBRAIN", "MR", "Ekström^Maria", "completed")
VERSION = Version(
    uuid.UUID(int=1),
    1,
    ReportStatus.FINAL,
    "MR Schädel",
    "de",
    (Section("59776-5", "Befund", "Zeile 1\nZeile 2 | A^B\x0b\x1c\r"), Section("note", "Anmerkung", "Ω")),
    Signer("rita", "Dr. Rita Meyer"),
    AT,
    "1.2.3",
    ("ACC-1",),
    Signer("rita", "Dr. Rita Meyer"),
)
PATIENT, SHORT = 60.0, 0.5
"""Seconds for an answer: one that comes, however busy the machine is; one that is waited for in vain."""
type Listen = Callable[[Behaviour], Receiver]


def parsed(content: bytes, codec: str = "utf-8") -> Any:
    return hl7.parse(content.decode(codec))


def test_the_state_of_an_order_is_read_by_others() -> None:
    for as_omg, kind, version in ((False, "ORM^O01", "2.3.1"), (True, "OMG^O19^OMG_O19", "2.5.1")):
        message = parsed(order_status(ENVELOPE, PERSON, ORDER, as_omg=as_omg))
        msh, orc, obr, pid = (message.segment(name) for name in ("MSH", "ORC", "OBR", "PID"))
        assert (str(msh[9]), str(msh[12]), str(msh[18])) == (kind, version, "UNICODE UTF-8")
        assert str(msh[10]) == "5F0C1F526C5B4A3E9D0C" and len(str(msh[10])) <= 20
        assert [str(orc[number]) for number in (1, 2, 3, 5)] == ["SC", "PL-7", "ACC-1", "CM"]
        assert (str(obr[3]), str(obr[18]), str(obr[24])) == ("ACC-1", "ACC-1", "MR")
        assert unescape(str(obr[4])) == "MRBRAIN^MR Schädel & Hals"
        assert unescape(str(pid[3])) == "MRN|1^^^NORTH^WING^MR"
        assert (str(pid[5]), str(pid[7]), str(pid[8])) == ("Müller-Łukasz^Åsa^^^Dr.", "19610314", "F")
    states = {one: str(parsed(order_status(ENVELOPE, PERSON, replace(ORDER, status=one))).segment("ORC")[5])
              for one in ("scheduled", "in_progress", "completed", "cancelled")}  # fmt: skip
    assert states == {"scheduled": "SC", "in_progress": "IP", "completed": "CM", "cancelled": "CA"}


def test_a_report_is_whole_in_one_message() -> None:
    message = parsed(report_result(ENVELOPE, PERSON, [ORDER], VERSION))
    assert str(message.segment("MSH")[9]) == "ORU^R01^ORU_R01"
    obr = message.segment("OBR")
    assert (str(obr[22]), str(obr[25]), str(obr[32])) == ("20261129090000+0000", "F", "rita&Dr. Rita Meyer")
    rows = [
        (str(one[2]), unescape(str(one[3])), unescape(str(one[5])), str(one[11])) for one in message.segments("OBX")
    ]
    assert rows == [
        ("ST", "113014^DICOM Study^DCM", "1.2.3", "F"),
        ("FT", "59776-5^Befund^LN", "Zeile 1\nZeile 2 | A^B  \n", "F"),
        ("FT", "note^Anmerkung^L", "Ω", "F"),
    ]


@pytest.mark.parametrize(
    ("status", "obr_25", "obx_11"),
    [
        (ReportStatus.PRELIMINARY, "P", "P"),
        (ReportStatus.FINAL, "F", "F"),
        (ReportStatus.AMENDED, "C", "C"),
        (ReportStatus.CORRECTED, "C", "C"),
        (ReportStatus.APPENDED, "C", "C"),
        (ReportStatus.ENTERED_IN_ERROR, "C", "W"),
    ],
)
def test_receivers_that_know_only_p_f_and_c_understand_each(status: ReportStatus, obr_25: str, obx_11: str) -> None:
    version = replace(VERSION, status=status, reason=None if status in ("final", "preliminary") else "Seite | links")
    message = parsed(report_result(ENVELOPE, PERSON, [ORDER], version))
    assert str(message.segment("OBR")[25]) == obr_25
    assert {str(one[11]) for one in message.segments("OBX")} == {obx_11}
    text = str(message)
    assert ("Zeile 1" in text) == (status is not ReportStatus.ENTERED_IN_ERROR)
    if version.reason:
        assert unescape(str(message.segment("NTE")[3])) == f"{status.replace('_', ' ')}: Seite | links"


def test_a_report_of_several_orders_stands_under_each() -> None:
    second = replace(ORDER, accession_number="ACC-2")
    message = parsed(report_result(ENVELOPE, PERSON, [ORDER, second], VERSION))
    assert [str(one[3]) for one in message.segments("OBR")] == ["ACC-1", "ACC-2"]
    assert len(message.segments("OBX")) == 6


def test_a_receiver_with_latin_letters_gets_what_they_can_hold() -> None:
    """Nothing vanishes: what Latin-1 lacks is written with the letters that stand for it."""
    content = order_status(replace(ENVELOPE, codec="iso8859-1"), PERSON, ORDER)
    message = parsed(content, "latin-1")
    assert (str(message.segment("MSH")[18]), str(message.segment("PID")[5])) == ("8859/1", "Müller-Lukasz^Åsa^^^Dr.")


@pytest.fixture
def listen() -> Iterator[Listen]:
    opened: list[Receiver] = []

    def start(behaviour: Behaviour) -> Receiver:
        opened.append(Receiver(behaviour))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def to(port: int, networks: list[Any] | None = None) -> Destination:
    allowed = ["127.0.0.0/8"] if networks is None else networks
    return Destination(kind=DestinationKind.HL7, host="127.0.0.1", port=port, tls=False, allow_networks=allowed)


def content_of(number: int = 1) -> bytes:
    return order_status(replace(ENVELOPE, event_id=uuid.UUID(int=number << 64)), PERSON, ORDER)


def send(transport: Hl7, port: int, number: int = 1) -> Outcome:
    return transport.send(to(port), None, content_of(number))  # type: ignore[arg-type]


def test_messages_go_one_after_the_other_on_one_connection(listen: Listen) -> None:
    receiver = listen(acknowledging())
    transport = Hl7(PATIENT)
    assert [send(transport, receiver.port, number).kind for number in range(1, 6)] == [Kind.SENT] * 5
    assert receiver.connections == 1


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (Fault(Code.UNKNOWN_KEY, "no such order"), Kind.REFUSED, "AE 204 no such order"),
        (Fault(Code.MISSING, "PID-5"), Kind.REFUSED, "AE 101 PID-5"),
        (Fault(Code.VERSION, "2.5.1"), Kind.REFUSED, "AE 203 2.5.1"),
        (Fault(Code.LOCKED, "in use"), Kind.FAILED, "AE 206 in use"),
        (Fault(Code.INTERNAL, "disk full"), Kind.FAILED, "AE 207 disk full"),
    ],
)
def test_what_is_refused_is_told_from_what_passes(listen: Listen, fault: Fault, kind: Kind, said: str) -> None:
    outcome = send(Hl7(PATIENT), listen(acknowledging(fault)).port)
    assert (outcome.kind, outcome.said) == (kind, said)


def test_an_old_receiver_says_its_code_in_err_1(listen: Listen) -> None:
    ack = acknowledge(Header(version="2.3.1", control_id=header_in(content_of()).control_id), "A", AT,
                      Fault(Code.LOCKED, "in use"))  # fmt: skip
    assert send(Hl7(PATIENT), listen(acknowledging(change=lambda _ack: ack)).port).kind is Kind.FAILED


def test_an_acknowledgement_of_another_message_is_none(listen: Listen) -> None:
    receiver = listen(acknowledging(change=lambda ack: ack.replace(b"MSA|AA|", b"MSA|AA|X")))
    transport = Hl7(PATIENT)
    outcome = send(transport, receiver.port)
    assert (outcome.kind, outcome.said) == (Kind.AWAY, "its answer acknowledges another message")
    send(transport, receiver.port)
    assert receiver.connections == 2


def test_one_that_comes_too_late_is_never_taken_for_that_of_the_next_message(listen: Listen) -> None:
    """The connection on which it would come is closed; the message is sent again on another."""
    given_up = threading.Event()

    def late(connection: socket.socket) -> None:
        frames = Frames(1_000_000)
        while data := connection.recv(65_536):
            for frame in frames.feed(data):
                given_up.wait(60)
                connection.sendall(framed(acknowledge(header_in(frame.content), "A1", AT)))

    receiver = listen(late)
    transport = Hl7(SHORT)
    assert "no acknowledgement within" in send(transport, receiver.port, 1).said
    given_up.set()
    transport._seconds = PATIENT
    assert [send(transport, receiver.port, number).kind for number in (1, 2)] == [Kind.SENT] * 2
    assert receiver.connections == 2


def test_a_second_acknowledgement_belongs_to_no_message(listen: Listen) -> None:
    """A receiver that answers everything twice."""
    receiver = listen(acknowledging(change=lambda ack: ack + b"\x1c\r\x0b" + ack))
    transport = Hl7(PATIENT)
    for number in (1, 2, 3):
        assert send(transport, receiver.port, number).kind is Kind.SENT
        time.sleep(0.05)


def _hangs_up(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"\x0bMSH|^~\\&|RIS")


def _no_hl7(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(framed(b"HTTP/1.1 200 OK"))
    connection.recv(1)


def _endless(connection: socket.socket) -> None:
    connection.recv(65_536)
    while True:
        connection.sendall(b"\x0b" + b"x" * 100_000)


def _dripping(connection: socket.socket) -> None:
    connection.recv(65_536)
    while True:
        connection.sendall(b"M")
        time.sleep(0.05)


@pytest.mark.parametrize("behaviour", [_hangs_up, _no_hl7, _endless, _dripping])
def test_a_receiver_that_does_not_answer_properly_is_away(listen: Listen, behaviour: Behaviour) -> None:
    assert send(Hl7(SHORT), listen(behaviour).port).kind is Kind.AWAY


def test_a_kept_connection_that_the_receiver_has_closed_is_made_anew(listen: Listen) -> None:
    def once(connection: socket.socket) -> None:
        frame = next(iter(Frames(1_000_000).feed(connection.recv(65_536))))
        connection.sendall(framed(acknowledge(header_in(frame.content), "A1", AT)))

    receiver = listen(once)
    transport = Hl7(PATIENT)
    assert [send(transport, receiver.port, number).kind for number in (1, 2, 3)] == [Kind.SENT] * 3
    assert receiver.connections == 3


def test_only_addresses_of_the_named_networks_are_called(listen: Listen) -> None:
    receiver = listen(acknowledging())
    outcome = Hl7(PATIENT).send(to(receiver.port, []), None, content_of())  # type: ignore[arg-type]
    assert (outcome.kind, receiver.connections) == (Kind.AWAY, 0)
