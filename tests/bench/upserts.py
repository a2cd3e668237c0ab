"""How many patients and orders a batch takes in a second, through the WSGI application, on both databases.

The registry holds 20,000 patients already. Each batch is of 1,000 that are new.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from flask.testing import FlaskClient
from pydantic import SecretStr

from ehr_bridge.api.app import create_app
from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.matching import PatientFacts
from ehr_bridge.services.bundle import build_services
from ehr_bridge.settings import Settings
from tests.bench.listing import empty_postgres, given
from tests.bench.people import write_patients
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed
from tests.support.archive import FakeArchive
from tests.support.server import SECRET, user_token

PATIENTS, ORDERS = "patients_batch_per_s", "orders_batch_per_s"
KNOWN, BATCH, BATCHES = 20_000, 1_000, 5
type Item = dict[str, Any]


class Rates(NamedTuple):
    """Items a second."""

    clock: float
    processor: float
    """In a second of this process's processor time."""


def time_patients(plan: Plan) -> Time:
    """New patients a second, the median of the batches; on the slower of both databases. Higher is better."""
    return _measure(PATIENTS, "patients", _patient, plan)


def time_orders(plan: Plan) -> Time:
    """New orders a second, as `time_patients`; each of another patient."""
    return _measure(ORDERS, "orders", _order, plan)


def _measure(name: str, kind: str, item: Callable[[int], Item], plan: Plan) -> Time:
    results: dict[str, Rates] = {}
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        for label, url in (("SQLite", f"sqlite:///{folder}/bench.sqlite3"), ("PostgreSQL", None)):
            with empty_postgres() if url is None else given(url) as address:
                database = Database(address)
                migrate.upgrade(database)
                write_patients(database, [_person(number) for number in range(KNOWN)])
                client = _client(database, Path(folder))
                results[label] = _rates(client, kind, item, _batches(plan))
                database.dispose()
    notes = [f"{label} {rates.clock:.0f} ({rates.processor:.0f})" for label, rates in results.items()]
    note = f"{', '.join(notes)} by the clock (in a second of our processor time); {BATCH} to a batch, higher is better"
    return Time(name, min(rates.clock for rates in results.values()), note, unit="/s")


def _rates(client: FlaskClient, kind: str, item: Callable[[int], Item], batches: int) -> Rates:
    sent = [_send(client, kind, item, first) for first in range(0, batches * BATCH, BATCH)]
    return Rates(statistics.median(one.clock for one in sent), statistics.median(one.processor for one in sent))


def _batches(plan: Plan) -> int:
    return max(2, min(BATCHES, plan.iterations // 400))


def _client(database: Database, folder: Path) -> FlaskClient:
    settings = Settings(jwt_secret=SecretStr(SECRET), data_dir=folder)
    return create_app(build_services(settings, database), FakeArchive(), {}).test_client()


def _send(client: FlaskClient, kind: str, item: Callable[[int], Item], first: int) -> Rates:
    """Raises Failed when an item is not taken."""
    body = {"items": [item(number) for number in range(first, first + BATCH)]}
    headers = {"Authorization": f"Bearer {user_token('service')}"}
    begin, busy = time.perf_counter(), time.process_time()
    answer = client.post(f"/api/v1/{kind}/batch", json=body, headers=headers)
    took, used = time.perf_counter() - begin, time.process_time() - busy
    if answer.status_code != 200 or answer.json is None or answer.json["created"] != BATCH:
        raise Failed(f"the batch answers {answer.status_code}")
    return Rates(BATCH / took, BATCH / used)


def _person(number: int) -> PatientFacts:
    name = {"family_name": f"Family{number % 997}", "given_name": f"Given{number % 499}"}
    others = {"middle_name": None, "prefix": None, "suffix": None, "issuer": None, "sex": "female"}
    born = date(1930 + number % 80, 1 + number % 12, 1 + number % 28)
    return PatientFacts(id=uuid.uuid4(), mrn=f"B{number:06}", birth_date=born, **name, **others)  # type: ignore[arg-type]


def _patient(number: int) -> Item:
    person = _person(number)
    named = {"family_name": person.family_name, "given_name": person.given_name, "sex": person.sex}
    return {"mrn": f"N{number:06}", "birth_date": str(person.birth_date), **named}


def _order(number: int) -> Item:
    told = {"modality": "CT", "description": "CT chest", "scheduled_at": "2026-11-25T08:30:00Z", "ordered_by": "Ek^Eva"}
    return {"accession_number": f"A{number:06}", "mrn": f"B{number:06}", **told}
