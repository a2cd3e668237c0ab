"""How long the desk's search takes among 100,000 patients and orders, through the WSGI application, on both databases.

The rows are those of `listing`. A fixed mix of what people type (parts of names in either order, a whole MRN and a part
of one, an accession number and a part of one, something that nobody has) is asked of the list of patients and of the
list of orders, in a shuffled order with different values each time. Reported is the slower database's 95th percentile.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from ehr_bridge.api.app import create_app
from ehr_bridge.db.database import Database
from ehr_bridge.services.bundle import build_services
from ehr_bridge.settings import Settings
from tests.bench.listing import FAMILY, GIVEN, STUDIES, among_all
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed
from tests.support.archive import FakeArchive
from tests.support.server import SECRET, user_token

NAME = "desk_search_p95_ms_at_100k"
MIX: tuple[Callable[[random.Random], str], ...] = (
    lambda c: c.choice(FAMILY),
    lambda c: f"{c.choice(GIVEN)} {c.choice(FAMILY)}",
    lambda c: f"{c.choice(FAMILY)}, {c.choice(GIVEN)[:3]}",
    lambda c: c.choice(FAMILY)[1:5],
    lambda c: f"M{c.randrange(STUDIES):06}",
    lambda c: f"{c.randrange(10_000, STUDIES)}",
    lambda c: f"A{c.randrange(STUDIES):06}",
    lambda c: f"a{c.randrange(STUDIES):06}"[:5],
    lambda c: f"{c.randrange(100, 999)}",
    lambda c: f"Nobody{c.randrange(1000)}",
)
"""What people type."""
LISTS = ("patients", "orders")


def time_searches(plan: Plan) -> Time:
    """The 95th percentile of one request, in milliseconds, on the slower of both databases."""
    return among_all(NAME, search, plan)


def search(database: Database, folder: Path, count: int) -> list[float]:
    """Milliseconds of `count` requests of the mix. Raises Failed when one is refused."""
    settings = Settings(jwt_secret=SecretStr(SECRET), data_dir=folder)
    app = create_app(build_services(settings, database), FakeArchive(), {})
    client, headers = app.test_client(), {"Authorization": f"Bearer {user_token('reception')}"}
    chance = random.Random(7)

    def ask(path: str, text: str) -> float:
        begin = time.perf_counter()
        answer = client.get(f"/api/v1/{path}", query_string={"q": text, "limit": 25}, headers=headers)
        took = (time.perf_counter() - begin) * 1000
        if answer.status_code != 200 or not answer.json or (not answer.json["total"] and not text.startswith("Nobody")):
            raise Failed(f"{path} answers {answer.status_code} to {text!r}")
        return took

    questions = [(path, text) for _ in range(count // len(MIX) // len(LISTS) + 1) for path in LISTS for text in MIX]
    chance.shuffle(questions)
    for path, text in questions[:20]:
        ask(path, text(chance))
    return [ask(path, text(chance)) for path, text in questions]
