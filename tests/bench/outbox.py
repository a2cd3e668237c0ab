"""How many deliveries a second the outbox drains to receivers on this machine, with 100,000 others that wait for a
destination that is switched off; on both databases.

Four webhooks take all there is at the same time. Then one HL7 receiver takes messages, each with its acknowledgement.
The receivers are a process of their own.
"""

from __future__ import annotations

import multiprocessing
import socket
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import insert

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.rows import table_of
from ehr_bridge.db.states import DeliveryState, DestinationKind
from ehr_bridge.db.tables.logs import Delivery
from ehr_bridge.hl7.ack import acknowledge, header_in
from ehr_bridge.hl7.framing import Frames, framed
from ehr_bridge.services.audit.trail import OURSELVES
from ehr_bridge.services.bundle import Services, build_services
from ehr_bridge.services.delivery.destinations import DestinationData
from ehr_bridge.services.registry.patients import PatientData
from ehr_bridge.services.registry.told_orders import OrderData, ToldOrder
from ehr_bridge.settings import Settings
from plugin.sending.senders import Senders
from tests.bench.listing import empty_postgres, given
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed
from tests.support.receivers import Receiver, answering
from tests.support.server import SECRET

NAME = "outbox_events_per_s"
WEBHOOKS = 4
PENDING = 100_000
PATIENCE = 120
LOCAL = ("127.0.0.0/8",)


def time_outbox(plan: Plan) -> Time:
    """Deliveries a second over all webhooks, on the slower database. Higher is better. Raises Failed."""
    number = max(1_000, min(10_000, plan.iterations // 2))
    rates: dict[str, tuple[float, float]] = {}
    with receivers() as ports, tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        for label, url in (("SQLite", f"sqlite:///{folder}/bench.sqlite3"), ("PostgreSQL", None)):
            with empty_postgres() if url is None else given(url) as address:
                database = Database(address)
                migrate.upgrade(database)
                rates[label] = _rates(database, Path(folder) / label, ports, number)
                database.dispose()
    told = ", ".join(f"{label} {webhooks:.0f} and by HL7 {hl7:.0f}" for label, (webhooks, hl7) in rates.items())
    note = f"{told}; {WEBHOOKS} webhooks at once, then one HL7 receiver; {PENDING} others wait; higher is better"
    return Time(NAME, min(webhooks for webhooks, _ in rates.values()), note, unit="/s")


@contextmanager
def receivers() -> Iterator[tuple[int, int]]:
    """Ports of a webhook and of an HL7 receiver that take everything."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_receive, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _receive(ports: Connection) -> None:
    opened = [Receiver(answering("200 OK")), Receiver(_acknowledging)]
    ports.send(tuple(one.port for one in opened))
    time.sleep(3600)


def _acknowledging(connection: socket.socket) -> None:
    frames = Frames(1_000_000)
    while data := connection.recv(65_536):
        for frame in frames.feed(data):
            connection.sendall(framed(acknowledge(header_in(frame.content), "A", datetime.now(UTC))))


def _rates(database: Database, folder: Path, ports: tuple[int, int], number: int) -> tuple[float, float]:
    folder.mkdir()
    services = build_services(Settings(jwt_secret=SecretStr(SECRET), data_dir=folder), database)
    services.patients.upsert("BENCH-1", PatientData("Bench", None, None, "unknown", None), OURSELVES)
    ordered = ToldOrder("BENCH-1", "BENCH-1", OrderData("MR", "MR brain", None, None))
    order, _ = services.orders.upsert(ordered, OURSELVES)
    url = f"http://127.0.0.1:{ports[0]}/"
    webhook = DestinationData(DestinationKind.WEBHOOK, ("order.status",), url=url, allow_networks=LOCAL)
    keys = [_put(services, f"webhook-{count}", webhook) for count in range(WEBHOOKS)]
    off = DestinationData(DestinationKind.WEBHOOK, ("order.status",), url=url, allow_networks=LOCAL, enabled=False)
    _fill(database, [_put(services, "off", off)], order.id, PENDING)
    senders = Senders(services)
    try:
        first = _drained(services, senders, keys, lambda: _fill(database, keys, order.id, number // WEBHOOKS))
        hl7 = DestinationData(
            DestinationKind.HL7, ("order.status",), host="127.0.0.1", port=ports[1], allow_networks=LOCAL
        )
        key = [_put(services, "ris", hl7)]
        second = _drained(services, senders, key, lambda: _fill(database, key, order.id, number // 10))
    finally:
        senders.stop()
    return number // WEBHOOKS * WEBHOOKS / first, number // 10 / second


def _put(services: Services, name: str, data: DestinationData) -> uuid.UUID:
    return services.outbox.destinations.put(name, data, None, OURSELVES).destination.id


def _fill(database: Database, keys: Sequence[uuid.UUID], order: uuid.UUID, number: int) -> None:
    what: dict[str, Any] = {"type": "order.status", "order_id": order, "order_status": "scheduled", "attempts": 0}
    what |= {"data": {"order_id": str(order)}, "state": DeliveryState.PENDING, "tries": [], "time": datetime.now(UTC)}
    with database.write() as session:
        for begin in range(0, number, 5_000):
            rows = [
                {"destination_id": key, "seq": seq, "event_id": uuid.uuid4(), **what}
                for seq in range(begin, min(begin + 5_000, number))
                for key in keys
            ]
            session.connection().execute(insert(table_of(Delivery)), rows)


def _drained(services: Services, senders: Senders, keys: Sequence[uuid.UUID], fill: Callable[[], None]) -> float:
    """Seconds until nothing waits for these any more. Raises Failed."""
    fill()
    begin = time.perf_counter()
    senders.wake()
    names = {one.id: one.name for one in services.outbox.destinations.all() if one.id in keys}
    while sum(one.waiting for one in services.outbox.deliveries.states() if one.name in names.values()):
        if time.perf_counter() - begin > PATIENCE:
            raise Failed("deliveries still wait after two minutes")
        time.sleep(0.1)
    return time.perf_counter() - begin
