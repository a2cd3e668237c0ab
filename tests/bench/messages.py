"""How many HL7 messages are applied in a second: one connection by MLLP that waits for each answer, on both databases.

Half of the messages register a patient, half place an order for one of them. Each is durable before it is answered.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from pydantic import SecretStr

from ehr_bridge.api.messages.door import LARGEST, MessageDoor
from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.services.bundle import build_services
from ehr_bridge.settings import Settings
from plugin.serving.mllp import MllpServer
from tests.bench.listing import empty_postgres, given
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed
from tests.support.messages import adt, encoded, omi
from tests.support.mllp import Peer, verdict
from tests.support.server import SECRET

NAME = "hl7_messages_per_s"
MOST, LEAST = 1_000, 100


def time_messages(plan: Plan) -> Time:
    """Messages a second, on the slower of both databases. Higher is better."""
    number = max(LEAST, min(MOST, plan.iterations))
    rates: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        for label, url in (("SQLite", f"sqlite:///{folder}/bench.sqlite3"), ("PostgreSQL", None)):
            with empty_postgres() if url is None else given(url) as address:
                database = Database(address)
                migrate.upgrade(database)
                rates[label] = _rate(database, Path(folder), number // 2)
                database.dispose()
    notes = ", ".join(f"{label} {rate:.0f}" for label, rate in rates.items())
    note = f"{notes}; one connection that waits for each answer, higher is better"
    return Time(NAME, min(rates.values()), note, unit="/s")


def _rate(database: Database, folder: Path, pairs: int) -> float:
    """Raises Failed when a message is not applied."""
    services = build_services(Settings(jwt_secret=SecretStr(SECRET), data_dir=folder), database)
    server = MllpServer(0, services.sources, MessageDoor(services).receive, LARGEST)
    made = [one for number in range(pairs) for one in (adt("A04", f"H{number}"), omi("NW", f"H{number}", f"H{number}"))]
    contents = [encoded(one) for one in made]
    server.start()
    try:
        with Peer(server.port) as peer:
            begin = time.perf_counter()
            codes = {verdict(peer.send(content))[0] for content in contents}
            took = time.perf_counter() - begin
    finally:
        server.stop()
    if codes != {"AA"}:
        raise Failed(f"messages were answered {', '.join(sorted(codes))}")
    return len(contents) / took
