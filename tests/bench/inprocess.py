"""What a request or an instance costs inside Python, timed in this process without Orthanc."""

from __future__ import annotations

import itertools
import statistics
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.auth.tokens import TokenVerifier, make_viewer_token
from ehr_bridge.db.database import Database
from ehr_bridge.dicom import Layouts, Plans, coerce, read_header
from ehr_bridge.services.viewing.viewings import Viewings
from plugin.serving.bodies import Bodies, free_memory
from plugin.serving.gate import Gate
from plugin.serving.routes import GET
from tests.bench import files
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed
from tests.support.grants import FakeGrants
from tests.support.server import RULES
from tests.support.sight import sight

WANTED = {
    "PatientID": files.MRN,
    "IssuerOfPatientID": files.ISSUER,
    "PatientName": files.PATIENT_NAME,
    "PatientBirthDate": files.BIRTH_DATE,
    "PatientSex": "F",
    "AccessionNumber": "BENCH000001",
}


def time_gate(plan: Plan) -> Time:
    """The gate's answer to a viewer that asks for a frame with a token it has shown before."""
    study = "1.2.826.0.1.3680043.8.498.1234567890"
    now = datetime.now(UTC)
    token = make_viewer_token(
        RULES,
        token_id=str(uuid.uuid4()),
        subject="bench",
        operations=["view"],
        now=now,
        expires_at=now + timedelta(hours=1),
    )
    verifier = TokenVerifier(RULES, frozenset(), FakeGrants(study), lambda: datetime.now(UTC))
    viewings = Viewings(Database("sqlite://"), lambda: datetime.now(UTC))  # notes in memory; nobody flushes here
    gate = Gate(
        Authenticator(verifier, None),
        sight(),
        lambda _: None,
        Bodies(1_000_000, 1_000_000, free_memory),
        lambda _: None,
        viewings.note,
    )
    gate.is_open = True
    headers = {
        "accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*',
        "authorization": f"Bearer {token}",
        "host": "127.0.0.1:8042",
        "user-agent": "bench",
    }
    uri = f"/dicom-web/studies/{study}/series/{study}.1/instances/{study}.1.1/frames/1"

    def ask() -> bool:
        return gate.allow(uri, method=GET, ip="127.0.0.1", username="", headers=headers, get={})

    if not ask():
        raise Failed("the gate refuses the request it is timed with")
    times = _microseconds(ask, plan.iterations)
    return Time("gate_us_p50", statistics.median(times), f"p99 {_percentile(times, 99):.1f} us")


def time_coerce(plan: Plan) -> Time:
    """Header walk and splice of six attributes, slice after slice of the series that the ingest benchmarks store."""
    slices = list(files.study(files.stranger(), "2.25.1", 30, files.Uids(seed=3)))
    when, layouts, plans = datetime.now(UTC), Layouts(), Plans()
    turn = itertools.cycle(slices)

    def first() -> int:
        header = read_header(next(turn))
        return len(coerce(header, WANTED, when=when, modifying_system="BENCH", source="bench").changes)

    def work() -> int:
        header = read_header(next(turn), layouts=layouts)
        return len(coerce(header, WANTED, when=when, modifying_system="BENCH", source="bench", plans=plans).changes)

    if first() != len(WANTED) or work() != len(WANTED):
        raise Failed("coercion does not change six attributes")
    rounds = max(plan.iterations // 10, 100)
    alone = statistics.median(_microseconds(first, rounds))
    times = _microseconds(work, rounds)
    elements = len(read_header(slices[0]).walk.starts)
    note = f"{len(slices[0])} bytes, {elements} elements; the first of its kind {alone:.1f} us"
    return Time("coerce_us_p50", statistics.median(times), note)


def _microseconds(work: Callable[[], object], count: int) -> list[float]:
    clock = time.perf_counter_ns
    for _ in range(count // 10):
        work()
    times = []
    for _ in range(count):
        begin = clock()
        work()
        times.append((clock() - begin) / 1000)
    return times


def _percentile(times: list[float], which: int) -> float:
    return statistics.quantiles(times, n=100)[which - 1]
