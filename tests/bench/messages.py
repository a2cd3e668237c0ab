"""How many HL7 messages are applied in a second: one connection by MLLP that waits for each answer, on both databases.

Half of the messages register a patient, half place an order for one of them. Each is durable before it is answered. The
server is started as users start it, with its process for HL7; the sender is this process.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

from tests.bench.listing import postgres
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed, Product
from tests.support import ports
from tests.support.messages import adt, encoded, omi
from tests.support.mllp import Peer, verdict

NAME = "hl7_messages_per_s"
MOST, LEAST = 1_000, 100
FIRST = 100
"""Messages that do not count: the process is still starting, and the database plans what it is asked often."""


def time_messages(plan: Plan) -> Time:
    """Messages a second, on the slower of both databases. Higher is better."""
    number = max(LEAST, min(MOST, plan.iterations))
    with postgres() as cluster:
        environs = {"SQLite": {}, "PostgreSQL": {"EHR_BRIDGE_DATABASE_URL": cluster.new_database()}}
        rates = {label: _rate(environ, number) for label, environ in environs.items()}
    notes = ", ".join(f"{label} {rate:.0f}" for label, rate in rates.items())
    note = f"{notes}; one connection that waits for each answer, higher is better"
    return Time(NAME, min(rates.values()), note, unit="/s")


def _rate(environ: dict[str, str], number: int) -> float:
    """Raises Failed when a message is not applied."""
    port = ports.free()
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        product = Product(Path(folder), {"EHR_BRIDGE_HL7_PORT": str(port), **environ})
        product.wait_until_ready()
        try:
            messages = _messages()
            _send(port, [*islice(messages, FIRST)])
            return number / _send(port, [*islice(messages, number)])
        finally:
            product.stop()


def _messages() -> Iterator[bytes]:
    for number in count():
        yield encoded(adt("A04", f"H{number}"))
        yield encoded(omi("NW", f"H{number}", f"H{number}"))


def _send(port: int, messages: list[bytes]) -> float:
    """The seconds until the last is answered."""
    with Peer(port) as peer:
        begin = time.perf_counter()
        codes = {verdict(peer.send(one))[0] for one in messages}
        took = time.perf_counter() - begin
    if codes != {"AA"}:
        raise Failed(f"messages were answered {', '.join(sorted(codes))}")
    return took
