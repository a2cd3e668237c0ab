"""What is sent to destinations, and receivers that understand it."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ehr_bridge.hl7.ack import acknowledge, header_in
from ehr_bridge.hl7.faults import Fault
from ehr_bridge.hl7.framing import Frames, framed
from ehr_bridge.services.delivery.queue import Waiting
from tests.support.receivers import Behaviour

AT = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
MESSAGE = b"MSH|^~\\&|PACS|X|RIS|X|20261129090000||ORM^O01|4711|P|2.3.1\r"


def waiting(**values: Any) -> Waiting:
    usual = dict.fromkeys(Waiting.__dataclass_fields__)
    event = {"event_id": uuid.uuid4(), "seq": 7, "type": "order.status", "time": datetime.now(UTC)}
    return Waiting(**usual | event | {"id": 1, "data": {"order_id": str(uuid.uuid4())}, "attempts": 0} | values)  # type: ignore[arg-type]


def acknowledging(fault: Fault | None = None, change: Callable[[bytes], bytes] = lambda ack: ack) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        frames = Frames(1_000_000)
        while data := connection.recv(65_536):
            for frame in frames.feed(data):
                connection.sendall(framed(change(acknowledge(header_in(frame.content), "A1", AT, fault))))

    return behave
