"""How long the gate keeps a viewer waiting while every listener is busy at once: HL7 messages, worklist queries, MPPS
and FHIR searches, at the pace of a busy site.

As `tests.bench.beside`: each run with them is compared with the quiet ones just before and after it. Each kind of peer
is a process of its own; a device makes an association for each thing it asks, as devices do.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from multiprocessing.synchronize import Event
from pathlib import Path

import requests
from pydicom.uid import generate_uid
from pynetdicom.sop_class import ModalityWorklistInformationFind  # type: ignore[attr-defined]

from tests.bench.beside import BUSY_SITE, MRN, frame_request, percentile, send_messages
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed, Product
from tests.support import ports
from tests.support.mpps import Modality, begun, ended
from tests.support.scu import patient_ae
from tests.support.worklist import identifier

NAME = "gate_p95_beside_all"
TITLE = "BENCHMOD"
WORKLIST, MPPS, FHIR = 2.0, 1.0, 10.0
"""Queries, examinations (N-CREATE and N-SET) and searches a second: a department of sixty devices, and an EHR."""

type Act = Callable[[int], object]
type Answers = multiprocessing.SimpleQueue[float | str]


def measure_beside_all(plan: Plan) -> Time:
    """The ratio of the percentiles: with everything busy to without. 1 is best."""
    hl7, mpps, fhir = ports.free(), ports.free(), ports.free()
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        names = {"EHR_BRIDGE_HL7_PORT": hl7, "EHR_BRIDGE_MPPS_PORT": mpps, "EHR_BRIDGE_FHIR_PORT": fhir}
        product = Product(Path(folder), {name: str(port) for name, port in names.items()})
        product.wait_until_ready()
        try:
            request = frame_request(product)
            product.register(TITLE, "worklist", "mpps")
            search = f"http://127.0.0.1:{fhir}/fhir/ImagingStudy?patient.identifier={MRN}"
            peers: list[tuple[str, Callable[..., None], tuple[object, ...]]] = [
                ("messages", send_messages, (hl7, BUSY_SITE)),
                ("worklist", _steadily, (_ask, (product.dicom_port,), WORKLIST)),
                ("MPPS", _steadily, (_examine, (mpps,), MPPS)),
                ("FHIR", _steadily, (_search, (search, product.token("nurse")), FHIR)),
            ]
            runs = [percentile(product.http_port, request, plan.seconds)]
            ratios: list[float] = []
            rates: dict[str, list[float]] = {name: [] for name, _, _ in peers}
            for number in range(plan.rounds):
                with _busy(peers, f"A{number}") as found:
                    beside = percentile(product.http_port, request, plan.seconds)
                runs.append(percentile(product.http_port, request, plan.seconds))
                ratios.append(beside / statistics.mean(runs[-2:]))
                for name, rate in found.items():
                    rates[name].append(rate)
        finally:
            product.stop()
    noise = statistics.median(max(pair) / min(pair) for pair in pairwise(runs))
    busy = ", ".join(f"{name} {statistics.median(found):.0f}/s" for name, found in rates.items())
    note = (
        f"alone {statistics.median(runs) * 1e3:.1f} ms, from one run to the next {noise:.2f} x; {busy}; lower is better"
    )
    return Time(NAME, statistics.median(ratios), note, unit="x")


@contextmanager
def _busy(peers: list[tuple[str, Callable[..., None], tuple[object, ...]]], run: str) -> Iterator[dict[str, float]]:
    """All peers at work; at the end the answers a second of each. Raises Failed when one was refused."""
    context = multiprocessing.get_context("spawn")
    ending, rates = context.Event(), dict[str, float]()
    started = []
    try:
        for name, work, arguments in peers:
            ready, answers = context.Event(), context.SimpleQueue()
            process = context.Process(target=work, args=(*arguments, run, ready, ending, answers))
            process.start()
            started.append((name, process, ready, answers))
        for name, _, ready, _ in started:
            if not ready.wait(60):
                raise Failed(f"the peer of {name} did not begin")
        yield rates
    finally:
        ending.set()
        for _, process, _, _ in started:
            process.join(60)
    for name, _, _, answers in started:
        rate = answers.get()
        if not isinstance(rate, float):
            raise Failed(f"{name} was answered {rate}")
        rates[name] = rate


def _steadily(
    make: Callable[..., Act], given: tuple[object, ...], pace: float, run: str, ready: Event, ending: Event,
    answers: Answers,
) -> None:  # fmt: skip
    """A peer's process: acts at this pace. Puts the rate into `answers`, or what went wrong."""
    act = make(*given)
    try:
        act(0)
        ready.set()
        count, begin = 0, time.perf_counter()
        while not ending.wait(max(0.0, begin + count / pace - time.perf_counter())):
            act(count + 1)
            count += 1
    except (Failed, requests.RequestException) as error:
        ready.set()
        answers.put(str(error))
        return
    answers.put(count / (time.perf_counter() - begin))


def _ask(port: int) -> Act:
    """A device that asks for its worklist of today."""
    ae = patient_ae(TITLE)
    ae.add_requested_context(ModalityWorklistInformationFind)

    def act(_number: int) -> None:
        association = ae.associate("127.0.0.1", port, ae_title="ORTHANC")
        if not association.is_established:
            raise Failed("no association")
        query = identifier({"Modality": "CT", "PatientName": "", "AccessionNumber": ""})
        statuses = [one.get("Status") for one, _ in association.send_c_find(query, ModalityWorklistInformationFind)]
        association.release()
        if statuses[-1] != 0:
            raise Failed(f"status {statuses[-1]}")

    return act


def _examine(port: int) -> Act:
    """A device that begins an examination and completes it."""

    def act(_number: int) -> None:
        modality, uid = Modality(port, TITLE), generate_uid()
        statuses = [modality.create(begun(PatientID=MRN), uid).Status, modality.set(ended(), uid).Status]
        modality.release()
        if any(statuses):
            raise Failed(f"status {statuses}")

    return act


def _search(address: str, token: str) -> Act:
    """An EHR that looks for a patient's studies."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"

    def act(_number: int) -> None:
        answer = session.get(address, timeout=60)
        if answer.status_code != 200:
            raise Failed(f"{answer.status_code}")

    return act
