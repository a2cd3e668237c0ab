"""Asks the questions of an application on a filled database, and explains those that took too long."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from pydantic import SecretStr

from ehr_bridge.api.app import create_app
from ehr_bridge.api.fhir.app import create_fhir_app
from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.services.bundle import Services, build_services
from ehr_bridge.settings import Settings
from tests.bench.grown.questions import QUESTIONS, START, WORKLIST, Question, Values
from tests.bench.grown.rows import SOP_CLASSES, Grown
from tests.bench.grown.watching import LIMIT_SECONDS, Statement, Watched
from tests.bench.servers import Failed
from tests.support.archive import FakeArchive
from tests.support.server import SECRET, user_token
from tests.support.worklist import query_file

TIMES = 5
"""How often each question is asked, with other values each time. The first time counts: a person waits for it too."""
ENOUGH_SECONDS = 5
"""After as much a question is not asked again."""


@dataclass(frozen=True, slots=True)
class Measured:
    question: Question
    milliseconds: list[float]
    statements: list[Statement]
    """Those of the slowest request."""
    processor: float = 0.0
    """How much of this program's processor time the middle one took: with SQLite, the same however much others do."""
    is_answered: bool = True
    """The last request had its answer within the limit."""

    @property
    def label(self) -> str:
        return f"{self.question.topic}: {self.question.name}"

    @property
    def middle(self) -> float:
        return statistics.median(self.milliseconds)


def ask_all(
    database: Database,
    folder: Path,
    grown: Grown,
    topics: Collection[str] = (),
    limit_seconds: float = LIMIT_SECONDS,
) -> Iterator[Measured]:
    """Each question. Raises Failed when one is refused; one without an answer within the limit is said to have none."""
    measure = partial(_measure, grown=grown, limit_seconds=limit_seconds)
    services = build_services(Settings(jwt_secret=SecretStr(SECRET), data_dir=folder), database)
    clients = {
        False: create_app(services, FakeArchive(), {}).test_client(),
        True: create_fhir_app(services).test_client(),
    }
    clients[False].get("/api/v1/dicom/studies", headers=_bearer("nurse"))  # whatever is loaded once
    for one in QUESTIONS:
        if not topics or one.topic in topics:
            client = clients[one.path(Values(grown, random.Random(0))).startswith("/fhir")]
            yield measure(one, partial(_ask, one, client))
    if not topics or "worklist" in topics:
        yield measure(WORKLIST, partial(_ask_worklist, services))
    if not topics or "start" in topics:
        yield measure(START, lambda _: _start(database, folder))


def _bearer(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {user_token(role)}"}


def _measure(question: Question, ask: Callable[[Values], float], grown: Grown, limit_seconds: float) -> Measured:
    values = Values(grown, random.Random(f"{question.topic} {question.name}"))
    times: list[float] = []
    worked: list[float] = []
    slowest: list[Statement] = []
    while len(times) < TIMES and sum(times) < ENOUGH_SECONDS * 1000:
        begin = time.process_time()
        with Watched(limit_seconds) as watched:
            took = ask(values)
        if watched.is_late:
            return Measured(question, [*times, limit_seconds * 1000], watched.statements, is_answered=False)
        if not times or took > max(times):
            slowest = watched.statements
        times.append(took)
        worked.append((time.process_time() - begin) * 1000)
    return Measured(question, times, slowest, statistics.median(worked))


def _ask(question: Question, client: FlaskClient, values: Values) -> float:
    path, headers = question.path(values), _bearer(question.role)
    body = None if question.body is None else question.body(values)
    given: dict[str, Any] = {} if body is None else {"data": body} if isinstance(body, bytes) else {"json": body}
    if isinstance(body, bytes):
        headers["Content-Type"] = question.content_type
    begin = time.perf_counter()
    answer = client.open(path, method="GET" if body is None else "POST", headers=headers, **given)
    answer.get_data()
    took = (time.perf_counter() - begin) * 1000
    if answer.status_code not in (200, 201):
        raise Failed(f"{path} answers {answer.status_code} to a {question.role}: {answer.text[:500]}")
    return took


def _ask_worklist(services: Services, values: Values) -> float:
    """The steps of the day of one device, encoded, as a C-FIND gets them."""
    query = query_file({
        "Modality": values.chance.choice(list(SOP_CLASSES)), "PatientName": "",
        "ScheduledProcedureStepStartDate": f"{values.grown.now:%Y%m%d}",
    })  # fmt: skip
    begin = time.perf_counter()
    answer = services.worklist.find(services.worklist.read(query), "CT1")
    took = (time.perf_counter() - begin) * 1000
    if answer.age_seconds is not None:
        raise Failed("the worklist is from memory")
    return took


def _start(database: Database, folder: Path) -> float:
    """What a server does at its start before it answers: its schema, its services, and one page of studies."""
    begin = time.perf_counter()
    migrate.upgrade(database)
    services = build_services(Settings(jwt_secret=SecretStr(SECRET), data_dir=folder), database)
    client = create_app(services, FakeArchive(), {}).test_client()
    if client.get("/api/v1/dicom/studies", headers=_bearer("nurse")).status_code != 200:
        raise Failed("the server that was started does not list studies")
    return (time.perf_counter() - begin) * 1000


def explained(database: Database, measured: Measured) -> str:
    """The slowest statement of a question, and how the database finds its rows."""
    nothing: Statement = (0.0, "", ())
    took, statement, parameters = max(measured.statements, key=lambda one: one[0], default=nothing)
    if not statement.lstrip().startswith(("SELECT", "WITH")):
        return f"{took:.0f} ms: {statement[:300]}"
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    with database.engine.connect() as connection:
        plan = connection.exec_driver_sql(explain + statement, parameters).all()
    lines = [f"{took:.0f} ms of {sum(one[0] for one in measured.statements):.0f}: {statement}", f"  {parameters}"]
    return "\n".join([*lines, *(f"  {row[-1]}" for row in plan)])
