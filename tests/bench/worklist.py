"""How long a worklist query takes that fits 100 of 100,000 steps, encoded; without Orthanc, on either database."""

from __future__ import annotations

import statistics
import tempfile
import time
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, text

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.registry import Order, Patient, ScheduledStep, searched
from ehr_bridge.services.interfaces.worklist import Worklist
from tests.bench.listing import empty_postgres, given
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed
from tests.support.worklist import query_file

NAME = "worklist_ms_100_of_100k"
STEPS = 100_000
A_DAY = 1_000
MODALITIES = ("CT", "MR", "US", "DX", "CR", "MG", "XA", "NM", "PT", "RF")
FITTING = A_DAY // len(MODALITIES)
NOW = datetime(2026, 11, 29, 6, tzinfo=UTC)
REPEATS = 20


def fill(database: Database) -> None:
    """A hundred days with a thousand appointments each, a tenth of them of each modality."""
    moment = {"created_at": NOW, "updated_at": NOW}
    for first in range(0, STEPS, 5_000):
        rows: dict[type[Any], list[dict[str, Any]]] = {Patient: [], Order: [], ScheduledStep: []}
        for number in range(first, first + 5_000):
            family, given = f"Name{number % 997}", f"Given{number % 89}"
            patient = {"id": uuid.uuid4(), "mrn": f"M{number}", "family_name": family, "given_name": given}
            patient |= {"searched_names": searched((family, given)), "birth_date": date(1950 + number % 70, 1, 1)}
            order = {"id": uuid.uuid4(), "accession_number": f"A{number}", "patient_id": patient["id"]}
            order |= {"description": "Examination", "status": "scheduled", "study_instance_uid": f"2.25.{number}"}
            at = NOW + timedelta(days=number // A_DAY - 50, seconds=30 * (number % A_DAY))
            step = {"order_id": order["id"], "position": 0, "modality": MODALITIES[number % 10], "scheduled_at": at}
            rows[Patient].append(patient | moment | {"issuer_key": "", "sex": "female"})
            rows[Order].append(order | moment | {"scheduled_study_instance_uid": f"2.25.{number}", "made_here": False})
            rows[ScheduledStep].append(step | {"station_ae_title": "CT1"})
        with database.engine.begin() as connection:
            for table, values in rows.items():
                connection.execute(insert(table.__table__), values)
    if not database.is_sqlite:
        with database.engine.begin() as connection:
            connection.execute(text("ANALYZE"))


def time_worklist(plan: Plan) -> Time:
    """Milliseconds of a query, the median of the repeats; on the slower of both databases."""
    results: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        for label, url in (("SQLite", f"sqlite:///{folder}/bench.sqlite3"), ("PostgreSQL", None)):
            with empty_postgres() if url is None else given(url) as address:
                database = Database(address)
                migrate.upgrade(database)
                fill(database)
                results[label] = measure(database, max(REPEATS, plan.iterations // 400))
                database.dispose()
    note = f"{', '.join(f'{label} {value:.1f}' for label, value in results.items())}; by modality and day, encoded"
    return Time(NAME, max(results.values()), note, unit="ms")


def measure(database: Database, repeats: int) -> float:
    """Raises Failed when the answer is not what it should be."""
    of = Worklist(database, lambda: NOW, "UTC", "latin1", timedelta(hours=4))
    query = query_file({"Modality": "CT", "ScheduledProcedureStepStartDate": "20261129", "PatientName": ""})
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        answer = of.find(of.read(query), "CT1")
        times.append(time.perf_counter() - began)
        if len(answer.items) != FITTING or answer.age_seconds is not None:
            raise Failed(f"the worklist answers {len(answer.items)} items")
    return statistics.median(times) * 1000
