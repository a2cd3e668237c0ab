"""What a FHIR search costs among 100,000 studies, through the WSGI application, on both databases."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from pydantic import SecretStr

from ehr_bridge.api.fhir.app import create_fhir_app
from ehr_bridge.db.database import Database
from ehr_bridge.services.bundle import build_services
from ehr_bridge.settings import Settings
from tests.bench.listing import STUDIES, among_all
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed
from tests.support.server import SECRET, user_token

NAME = "fhir_search_p95_ms_at_100k"

type Question = Callable[[random.Random], str]


def _month(chance: random.Random) -> str:
    first = date(2022 + chance.randrange(4), chance.randrange(12) + 1, 1)
    return f"started=ge{first}&started=lt{first + timedelta(days=30)}"


MIX: tuple[Question, ...] = (
    lambda c: f"patient.identifier=M{c.randrange(STUDIES):06}",
    lambda c: (
        f"patient.identifier=M{c.randrange(STUDIES):06}&_include=ImagingStudy:basedon&_include=ImagingStudy:endpoint"
    ),
    lambda c: f"basedon.identifier=A{c.randrange(19):06}",
    lambda c: f"identifier=A{c.randrange(19):06}",
    _month,
    lambda c: f"{_month(c)}&modality={c.choice(['CT', 'MR'])}&_sort=-started",
    lambda c: "started=ge2026-11-20&_sort=-started",
    lambda c: "_sort=-_lastUpdated&_count=20",
    lambda c: "",
)
"""What an EHR and a reading application ask."""


def time_searches(plan: Plan) -> Time:
    """The 95th percentile of one search, in milliseconds, on the slower of both databases."""
    return among_all(NAME, search, plan)


def search(database: Database, folder: Path, count: int) -> list[float]:
    """Milliseconds of `count` searches of the mix. Raises Failed when one is not answered as it must be."""
    settings = Settings(jwt_secret=SecretStr(SECRET), data_dir=folder)
    client = create_fhir_app(build_services(settings, database)).test_client()
    headers = {"Authorization": f"Bearer {user_token('nurse')}"}
    chance = random.Random(7)
    questions = [question for _ in range(count // len(MIX) + 1) for question in MIX]
    chance.shuffle(questions)
    times: list[float] = []
    for question in (*MIX, *questions):
        query = question(chance)
        begin = time.perf_counter()
        answer = client.get(f"/fhir/ImagingStudy?{query}", headers=headers)
        times.append((time.perf_counter() - begin) * 1000)
        if answer.status_code != 200 or answer.json is None or answer.json["type"] != "searchset":
            raise Failed(f"a search answers {answer.status_code} to {query}")
    return times[len(MIX) :]
