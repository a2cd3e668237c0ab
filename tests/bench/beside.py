"""How long the gate keeps a viewer waiting while HL7 messages come in: the 95th percentile of a frame's answer, with
and without messages beside it, in turn on one running server.

The messages come from a process of their own over one connection that waits for each answer: once at the pace of a
busy site, once as fast as they are answered. The viewer asks for one frame at a time, with a short pause, so that
the processor is not only busy with asking. How far two quiet runs are from each other is the noise, and is in the note.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from multiprocessing.synchronize import Event
from pathlib import Path

from plugin.starting.phantom import ct_phantom
from tests.bench.clients import HttpConnection, http
from tests.bench.files import PATIENT, Uids
from tests.bench.listing import postgres
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed, Product, get_json
from tests.support import ports
from tests.support.messages import adt, encoded, omi
from tests.support.mllp import Peer, verdict

NAME, NAME_POSTGRESQL = "gate_p95_beside_hl7", "gate_p95_beside_hl7_postgresql"
MRN = "BENCH-BESIDE"
BUSY_SITE, AS_FAST_AS_ANSWERED = 20.0, 0.0
"""Messages a second."""
FIRST = 10
"""Messages that do not count."""
PAUSE_SECONDS = 0.002
FRAME = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'


def measure_beside(plan: Plan) -> Time:
    """On SQLite: the ratio of the percentiles at the pace of a busy site, with messages to without. 1 is best."""
    return replace(_measure(plan, {}), name=NAME)


def measure_beside_postgresql(plan: Plan) -> Time:
    """The same on PostgreSQL."""
    with postgres() as cluster:
        environ = {"EHR_BRIDGE_DATABASE_URL": cluster.new_database()}
        return replace(_measure(plan, environ), name=NAME_POSTGRESQL)


def _measure(plan: Plan, environ: dict[str, str]) -> Time:
    port = ports.free()
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        product = Product(Path(folder), {"EHR_BRIDGE_HL7_PORT": str(port), **environ})
        product.wait_until_ready()
        try:
            request = frame_request(product)
            return _compare(product.http_port, request, port, plan)
        finally:
            product.stop()


def _compare(http_port: int, request: bytes, port: int, plan: Plan) -> Time:
    """Each run with messages is compared with the quiet ones just before and after it, because a machine on which
    others work too is now slow, now fast."""
    runs = [percentile(http_port, request, plan.seconds)]
    ratios: dict[float, list[float]] = {BUSY_SITE: [], AS_FAST_AS_ANSWERED: []}
    rates: list[float] = []
    for number in range(plan.rounds):
        for pace in ratios:
            with _messages(port, pace, f"{number}-{pace:.0f}") as sent:
                beside = percentile(http_port, request, plan.seconds)
            rates += sent if pace == AS_FAST_AS_ANSWERED else ()
            runs.append(percentile(http_port, request, plan.seconds))
            ratios[pace].append(beside / statistics.mean(runs[-2:]))
    noise = statistics.median(max(pair) / min(pair) for pair in pairwise(runs))
    note = (
        f"alone {statistics.median(runs) * 1e3:.1f} ms, from one run to the next {noise:.2f} x; "
        f"at {BUSY_SITE:.0f} messages/s; at {statistics.median(rates):.0f}, as fast as they are answered, "
        f"{statistics.median(ratios[AS_FAST_AS_ANSWERED]):.2f} x"
    )
    return Time(NAME, statistics.median(ratios[BUSY_SITE]), f"{note}; lower is better", unit="x")


def percentile(http_port: int, request: bytes, seconds: float) -> float:
    """The 95th percentile of a frame's answer, in seconds, for a viewer who asks for so long."""
    taken = []
    with HttpConnection(http_port) as viewer:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            begin = time.perf_counter()
            viewer.exchange(request, 200)
            taken.append(time.perf_counter() - begin)
            time.sleep(PAUSE_SECONDS)
    return statistics.quantiles(taken, n=20)[-1]


@contextmanager
def _messages(port: int, pace: float, run: str) -> Iterator[list[float]]:
    """Messages come in; at the end the list has how many a second were answered. Raises Failed when one is refused."""
    rates: list[float] = []
    context = multiprocessing.get_context("spawn")
    ready, ending, answers = context.Event(), context.Event(), context.SimpleQueue()
    sender = context.Process(target=send_messages, args=(port, pace, run, ready, ending, answers))
    sender.start()
    try:
        if not ready.wait(30):
            raise Failed("the sender of messages did not begin")
        yield rates
    finally:
        ending.set()
        sender.join(60)
    rate = answers.get()
    if not isinstance(rate, float):
        raise Failed(f"a message was answered {rate}")
    rates.append(rate)


def send_messages(
    port: int, pace: float, run: str, ready: Event, ending: Event, answers: multiprocessing.SimpleQueue[float | str]
) -> None:
    """The other process. Puts the rate into `answers`, or the code of a message that was not applied."""
    count, begin = 0, 0.0
    with Peer(port) as peer:
        while not ending.is_set():
            number = f"B{run}-{count // 2}"
            made = adt("A04", number) if count % 2 == 0 else omi("NW", f"{run}-{count // 2}", number)
            code = verdict(peer.send(encoded(made)))[0]
            if code != "AA":
                answers.put(code)
                return
            count += 1
            if count == FIRST:
                begin = time.perf_counter()
                ready.set()
            if pace and begin:
                time.sleep(max(0.0, begin + (count - FIRST) / pace - time.perf_counter()))
    answers.put((count - FIRST) / (time.perf_counter() - begin))


def frame_request(product: Product) -> bytes:
    """The request for the one frame that the server has."""
    study = Uids(seed=5).new()
    product.put(f"/api/v1/patients/{MRN}", PATIENT)
    (image,) = ct_phantom(1, study_instance_uid=study)
    headers = {"Content-Type": "application/dicom", "X-Patient-Id": MRN}
    headers["Authorization"] = f"Bearer {product.token('technician')}"
    with HttpConnection(product.http_port) as sender:
        sender.exchange(http("POST", "/api/v1/dicom/upload", headers, len(image)) + image, 201)
    token = f"Bearer {product.viewer_token({'patient_id': MRN})}"
    (found,) = get_json(product, f"/dicom-web/studies/{study}/instances", token)
    series, instance = (found[tag]["Value"][0] for tag in ("0020000E", "00080018"))
    path = f"/dicom-web/studies/{study}/series/{series}/instances/{instance}/frames/1"
    return http("GET", path, {"Accept": FRAME, "Authorization": token})
