"""How long the list of studies takes among 100,000, through the WSGI application, on both databases.

100,000 patients, orders and studies are written in bulk, spread over five years, seven modalities and some hundred
names; one study in twenty is not linked. Then a fixed mix of what people ask (lists as pages open them, a patient, an
accession number, a day, a month, a name as it is typed, a modality, pages further down) runs in a shuffled order with
different values each time. Reported is the slower database's 95th percentile of all of them.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import Table, insert, text

from ehr_bridge.api.app import create_app
from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.match_keys import StudyName
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep, searched
from ehr_bridge.db.tables.studies import Study, StudyLink
from ehr_bridge.matching.names import name_index, name_key
from ehr_bridge.services.bundle import build_services
from ehr_bridge.settings import Settings
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed
from tests.conftest import PostgresCluster
from tests.support.archive import FakeArchive
from tests.support.server import SECRET, user_token

STUDIES = 100_000
BATCH = 5_000
NAME = "list_p95_ms_at_100k_studies"
FAMILY = [
    a + b
    for a in ["Lind", "Berg", "Sjö", "Ek", "Ny", "Dal", "Holm", "Mül", "Sør", "Grön", "Kow", "Ferr"]
    for b in ["qvist", "man", "ler", "eira", "ström", "ensen", "gren"]
]
GIVEN = (
    *("Åsa", "Anna-Lena", "Thomas", "Jürgen", "João", "Maria", "Łukasz", "Søren"),
    *("Zoë", "Tunde", "Ngozi", "Mehmet", "Elif", "Olga", "Pavel", "Chloé"),
)
MODALITIES = random.Random(1).choices(["CT", "MR", "US", "DX", "MG", "NM", "XA"], (30, 25, 20, 15, 6, 3, 1), k=STUDIES)
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def time_lists(plan: Plan) -> Time:
    """The 95th percentile of one request, in milliseconds, on the slower of both databases."""
    return among_all(NAME, run, plan)


def among_all(measured: str, ask: Callable[[Database, Path, int], list[float]], plan: Plan) -> Time:
    """The 95th percentile of what is asked among the rows of `fill`, in milliseconds, on the slower of both databases.

    `ask` gets a database, a data folder and how many requests to make; it returns the milliseconds of each.
    """
    results = {}
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        for name, url in (("SQLite", f"sqlite:///{folder}/bench.sqlite3"), ("PostgreSQL", None)):
            with empty_postgres() if url is None else given(url) as address:
                database = Database(address)
                migrate.upgrade(database)
                fill(database)
                results[name] = ask(database, Path(folder), max(plan.iterations // 20, 200))
                database.dispose()
    notes = [f"{name} p50 {statistics.median(times):.1f} p95 {_p95(times):.1f} ms" for name, times in results.items()]
    return Time(measured, max(map(_p95, results.values())), ", ".join(notes), unit="ms")


def fill(database: Database) -> None:
    """The rows that as many uploads would leave behind."""
    for start in range(0, STUDIES, BATCH):
        rows = [_rows(number) for number in range(start, start + BATCH)]
        with database.write() as session:
            for model in (Patient, Order, ScheduledStep, Study, StudyLink, StudyName):
                table = model.__table__
                assert isinstance(table, Table)
                session.execute(insert(table), [row for one in rows for row in one[model]])
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE"))


def run(database: Database, folder: Path, count: int) -> list[float]:
    """Milliseconds of `count` requests of the mix. Raises Failed when one is not answered as it must be."""
    settings = Settings(jwt_secret=SecretStr(SECRET), data_dir=folder)
    app = create_app(build_services(settings, database), FakeArchive(), {})
    client, headers = app.test_client(), {"Authorization": f"Bearer {user_token('nurse')}"}
    chance = random.Random(7)
    questions = [question for _ in range(count // len(MIX) + 1) for question in MIX]
    chance.shuffle(questions)
    for question in MIX:
        _ask(client, headers, question(chance))
    return [_ask(client, headers, question(chance)) for question in questions]


def _ask(client: FlaskClient, headers: dict[str, str], query: dict[str, Any]) -> float:
    begin = time.perf_counter()
    answer = client.get("/api/v1/dicom/studies", query_string=query, headers=headers)
    took = (time.perf_counter() - begin) * 1000
    if answer.status_code != 200 or not answer.json or (not answer.json["total"] and "patient" not in query):
        raise Failed(f"the list answers {answer.status_code} to {query}")
    return took


def _month(chance: random.Random) -> dict[str, Any]:
    first = date(2022 + chance.randrange(4), chance.randrange(12) + 1, 1)
    return {"from": first, "to": first + timedelta(days=30)}


MIX: tuple[Callable[[random.Random], dict[str, Any]], ...] = (
    lambda c: {},
    lambda c: {"sort": "-study_date", "limit": 100},
    lambda c: {"sort": "patient_name"},
    lambda c: {"patient": f"M{c.randrange(STUDIES):06}"},
    lambda c: {"accession_number": f"A{c.randrange(19):06}"},
    lambda c: {"from": "2026-11-20", "sort": "-study_date"},
    _month,
    lambda c: {**_month(c), "modality": c.choice(["CT", "MR", "XA"]), "sort": "study_date"},
    lambda c: {"modality": c.choice(["CT", "MG", "XA"])},
    lambda c: {"link_status": "unlinked"},
    lambda c: {"link_status": "unlinked", "modality": "CT", "sort": "-study_date"},
    lambda c: {"patient_name": c.choice(FAMILY)},
    lambda c: {"patient_name": f"{c.choice(FAMILY)}, {c.choice(GIVEN)[:3]}"},
    lambda c: {"patient_name": f"{c.choice(GIVEN)} {c.choice(FAMILY)[:5]}", "sort": "-study_date"},
    lambda c: {"patient_name": f"{c.choice(FAMILY)[:3]}*", "modality": "MR"},
    lambda c: {"offset": c.randrange(0, STUDIES - 5000, 50)},
)
"""What people ask."""


def _rows(number: int) -> dict[type, list[dict[str, Any]]]:
    chance = random.Random(number)
    patient, order, study = (uuid.UUID(int=chance.getrandbits(128), version=4) for _ in range(3))
    family, given, modality = chance.choice(FAMILY), chance.choice(GIVEN), MODALITIES[number]
    accession, linked = f"A{number:06}", number % 20 != 19
    day = date(2021, 11, 24) + timedelta(days=number * 1826 // STUDIES)
    created = NOW - timedelta(days=1826) + timedelta(seconds=number * 1577)
    uid = f"2.25.{study.int}"
    stamps = {"created_at": created, "updated_at": created}
    evidence = [
        {"field": f, "agrees": True, "detail": "the same in the file"}
        for f in ("PatientID", "PatientName", "PatientSex")
    ]
    name = f"{family}^{given}"
    said = {"AccessionNumber": accession, "PatientID": f"M{number:06}", "PatientName": name, "PatientSex": "F"}
    return {
        Patient: [
            {
                "id": patient,
                "mrn": f"M{number:06}",
                "family_name": family,
                "given_name": given,
                "searched_names": searched([family, given]),
                "sex": "female",
                **stamps,
            }
        ],
        Order: [
            {
                "id": order,
                "accession_number": accession,
                "patient_id": patient,
                "description": "Bench",
                "status": "in_progress",
                "scheduled_study_instance_uid": uid,
                "study_instance_uid": uid,
                **stamps,
            }
        ],
        ScheduledStep: [{"order_id": order, "position": 0, "modality": modality}],
        Study: [
            {
                "id": study,
                "study_instance_uid": uid,
                "orthanc_study_id": f"{study.hex}-bench",
                "match_kind": "exact",
                "patient_id": patient if linked else None,
                "order_id": order if linked else None,
                "link_status": "linked" if linked else "unlinked",
                "match_score": 1.0,
                "match_evidence": evidence,
                "corrections": {},
                "received_identity": said,
                "coerced": [],
                "modalities": [modality],
                "study_date": day,
                "study_date_key": day,
                "patient_name_key": name_key(name),
                "accession_key": accession,
                "modality_key": f"|{modality}|",
                "number_of_series": 2,
                "number_of_instances": 120,
                "is_settled": True,
                **stamps,
            }
        ],
        StudyLink: [
            {
                "id": order,
                "study_id": study,
                "patient_id": patient,
                "order_id": order,
                "match_kind": "exact",
                "evidence": evidence,
                "linked_by": "bench",
                "linked_at": created,
            }
        ]
        if linked
        else [],
        StudyName: [{"study_id": study, "part": p.text, "place": p.place.value} for p in name_index(name)],
    }


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[94]


@contextmanager
def given(url: str) -> Iterator[str]:
    yield url


@contextmanager
def postgres() -> Iterator[PostgresCluster]:
    """A cluster of its own."""
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        Path(folder).chmod(0o711)
        cluster = PostgresCluster(Path(folder))
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


@contextmanager
def empty_postgres() -> Iterator[str]:
    """The URL of an empty database in a cluster of its own."""
    with postgres() as cluster:
        yield cluster.new_database()
