"""What signing a report costs, and how soon it is in its study: a server on each database, reports one after the other.

A report is filed when its SR and its PDF can be read by DICOMweb. The worker looks twice a second for what is due.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.listing import postgres
from tests.bench.rounds import Plan, Time
from tests.bench.servers import INDEX, Failed
from tests.live.filing_steps import REPORTS, draft_with_text, in_the_study, radiologist, study_of_an_order
from tests.support.running import running
from tests.support.server import Server

SIGN, FILED = "report_sign_ms_p50", "report_filed_s_p95"
PATIENCE = 60
LOOKS_EVERY = 0.02


def time_signing(plan: Plan) -> Time:
    """Milliseconds from the request to sign to its answer. Raises Failed when one is not signed."""

    def take(server: Server) -> float:
        return 1000 * _signed(server, study_of_an_order(server)[0])

    medians, note = _on_both(take, plan.rounds * 5, statistics.median)
    return Time(SIGN, max(medians), f"{note} ms; lower is better", unit="ms")


def time_filing(plan: Plan) -> Time:
    """Seconds from the answer to the request to sign until both documents are in the study. Raises Failed when they do
    not come."""

    def take(server: Server) -> float:
        uid, _ = study_of_an_order(server)
        _signed(server, uid)
        begin = time.perf_counter()
        while in_the_study(server, uid) < 2:
            if time.perf_counter() - begin > PATIENCE:
                raise Failed("a signed report is not in its study after a minute")
            time.sleep(LOOKS_EVERY)
        return time.perf_counter() - begin

    slow, note = _on_both(take, plan.rounds * 3, lambda seconds: statistics.quantiles(seconds, n=20)[18])
    return Time(FILED, max(slow), f"{note} s; lower is better", unit="s")


def _on_both(
    take: Callable[[Server], float], times: int, figure: Callable[[list[float]], float]
) -> tuple[list[float], str]:
    """That figure of so many runs, on SQLite and on PostgreSQL; and as a note."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder, postgres() as cluster:
        names = ("EHR_BRIDGE_DATABASE_URL", INDEX)
        settings: dict[str, dict[str, Any]] = {
            "SQLite": {},
            "PostgreSQL": {name: cluster.new_database() for name in names},
        }
        for database, environ in settings.items():
            home = Path(folder) / database
            home.mkdir()
            with running(home, **environ) as server:
                take(server)  # the first one imports and compiles
                figures[database] = figure([take(server) for _ in range(times)])
    return list(figures.values()), ", ".join(f"{database} {value:.2f}" for database, value in figures.items())


def _signed(server: Server, uid: str) -> float:
    """Seconds that signing the report of a study took. Raises Failed."""
    report_id, tag = draft_with_text(server, uid)
    token = radiologist()
    begin = time.perf_counter()
    path = f"{REPORTS}/{report_id}/sign"
    answer = server.request("POST", path, token, json={}, headers={"If-Match": tag})
    took = time.perf_counter() - begin
    if answer.status_code != 200:
        raise Failed(f"a report is not signed: {answer.status_code} {answer.text}")
    return took
