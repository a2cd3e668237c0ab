"""An EHR that hears what is sent to it by HL7, FHIR and webhook: read with libraries that others wrote (python-hl7,
fhir.resources, cloudevents, standardwebhooks). It drops doubles by their numbers, as receivers are told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import hl7
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from fhir.resources.R4B.bundle import Bundle
from standardwebhooks.webhooks import Webhook

from tests.support.receivers import Receiver, read_request

VT, END = b"\x0b", b"\x1c\r"
TRANSACTION_ANSWER = b'{"resourceType":"Bundle","type":"transaction-response"}'


@dataclass
class Inbox:
    """What has come by one door."""

    heard: dict[str, Any] = field(default_factory=dict)
    """As the library read it, by its number, in the order in which each came first."""
    doubles: int = 0
    faults: list[str] = field(default_factory=list)
    _contents: dict[str, bytes] = field(default_factory=dict)

    def take(self, number: str, content: bytes, read: Any) -> None:
        if number not in self.heard:
            self.heard[number], self._contents[number] = read, content
            return
        self.doubles += 1
        if self._contents[number] != content:
            self.faults.append(f"{number} came again and says something else")


class Ehr:
    """Three doors on this machine; all of them can be away, and something can happen before an answer."""

    def __init__(self) -> None:
        self.messages, self.resources, self.webhooks = Inbox(), Inbox(), Inbox()
        self.is_away = False
        self.secret = ""
        """Of the webhook; it is told when its destination is made."""
        self.before_answer: Callable[[], None] = lambda: None
        """Called when something was taken; what raises leaves it unanswered."""
        self._lock = threading.Lock()
        doors = (self._hear_messages, self._hear_resources, self._hear_webhooks)
        self._receivers = [Receiver(one) for one in doors]
        self.hl7_port, self.fhir_port, self.webhook_port = (one.port for one in self._receivers)

    @property
    def inboxes(self) -> Mapping[str, Inbox]:
        return {"hl7": self.messages, "fhir": self.resources, "webhook": self.webhooks}

    def close(self) -> None:
        for one in self._receivers:
            one.close()

    def reports(self) -> list[hl7.Message]:
        return [one for one in self.messages.heard.values() if str(one.segment("MSH")[9]).startswith("ORU")]

    def order_states(self) -> list[str]:
        """ORC-5 of the messages about orders."""
        found = [one for one in self.messages.heard.values() if str(one.segment("MSH")[9]).startswith("ORM")]
        return [str(one.segment("ORC")[5]) for one in found]

    def diagnostic_reports(self) -> list[Any]:
        resources = [one.entry[0].resource for one in self.resources.heard.values()]
        return [one for one in resources if one.get_resource_type() == "DiagnosticReport"]

    def _hear_messages(self, connection: socket.socket) -> None:
        data = b""
        while (more := connection.recv(65_536)) and not self.is_away:
            data += more
            while END in data:
                frame, _, data = data.partition(END)
                self._take_message(connection, frame.removeprefix(VT))

    def _take_message(self, connection: socket.socket, content: bytes) -> None:
        message = hl7.parse(content.decode())
        with self._lock:
            self.messages.take(str(message.segment("MSH")[10]), content, message)
            self.before_answer()
        connection.sendall(VT + str(message.create_ack("AA")).encode() + END)

    def _hear_resources(self, connection: socket.socket) -> None:
        def take(_headers: dict[str, str], body: bytes) -> None:
            bundle = Bundle.model_validate_json(body)
            self.resources.take(str(bundle.identifier and bundle.identifier.value), body, bundle)

        self._serve(connection, take, TRANSACTION_ANSWER)

    def _hear_webhooks(self, connection: socket.socket) -> None:
        def take(headers: dict[str, str], body: bytes) -> None:
            Webhook(self.secret).verify(body.decode(), headers)
            event = from_structured(HTTPMessage(headers, body), JSONFormat(), CloudEvent)
            self.webhooks.take(headers["webhook-id"], body, event)

        self._serve(connection, take)

    def _serve(
        self, connection: socket.socket, take: Callable[[dict[str, str], bytes], None], answer: bytes = b""
    ) -> None:
        while (request := read_request(connection)) is not None:
            if self.is_away:
                connection.sendall(b"HTTP/1.1 503 Away\r\nContent-Length: 0\r\n\r\n")
                continue
            with self._lock:
                take(*request)
                self.before_answer()
            connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer)
