"""What asking whether anything is new costs among 100,000 events, through the WSGI application, on both databases."""

from __future__ import annotations

import statistics
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import insert

from ehr_bridge.api.app import create_app
from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.logs import FeedEvent
from ehr_bridge.services.bundle import build_services
from ehr_bridge.settings import Settings
from tests.bench.listing import empty_postgres, given
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed
from tests.support.archive import FakeArchive
from tests.support.server import SECRET, user_token

NAME = "events_poll_us"
EVENTS, BATCH = 100_000, 10_000


def time_polls(plan: Plan) -> Time:
    """The median of one request that hears of nothing new, in microseconds, on the slower of both databases."""
    results = {}
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        for name, url in (("SQLite", f"sqlite:///{folder}/bench.sqlite3"), ("PostgreSQL", None)):
            with empty_postgres() if url is None else given(url) as address:
                database = Database(address)
                migrate.upgrade(database)
                fill(database)
                results[name] = poll(database, Path(folder), max(plan.iterations // 10, 200))
                database.dispose()
    notes = [f"{name} {statistics.median(times):.0f} us" for name, times in results.items()]
    return Time(NAME, max(map(statistics.median, results.values())), ", ".join(notes))


def fill(database: Database) -> None:
    now = datetime.now(UTC)
    for start in range(1, EVENTS + 1, BATCH):
        rows = [
            {"seq": seq, "id": uuid.uuid4(), "type": "order.changed", "time": now, "order_id": uuid.uuid4(), "data": {}}
            for seq in range(start, start + BATCH)
        ]
        with database.write() as session:
            session.execute(insert(FeedEvent), rows)


def poll(database: Database, folder: Path, count: int) -> list[float]:
    """Microseconds of `count` requests. Raises Failed when one is not answered as it must be."""
    settings = Settings(jwt_secret=SecretStr(SECRET), data_dir=folder)
    client = create_app(build_services(settings, database), FakeArchive(), {}).test_client()
    headers = {"Authorization": f"Bearer {user_token('service')}"}
    times: list[float] = []
    for _ in range(count):
        begin = time.perf_counter()
        answer = client.get(f"/api/v1/events?after={EVENTS}", headers=headers)
        times.append((time.perf_counter() - begin) * 1_000_000)
        if answer.status_code != 200 or answer.json != {"items": [], "next": EVENTS}:
            raise Failed(f"the feed answers {answer.status_code}")
    return times[count // 10 :]
