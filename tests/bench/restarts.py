"""How long nobody is answered after Orthanc died: from kill -9 to the next answered request, with an empty archive.

The product's supervisor starts it again; bare Orthanc is started again at once, by us. Both in turn, on SQLite and on
PostgreSQL. The seconds of the worse database are reported, the rest is in the note: bare Orthanc's, and the processor
time that the product had taken until then, which a busy machine stretches less.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests

from plugin.starting.supervisor import MOST_DEATHS
from tests.bench.listing import postgres
from tests.bench.rounds import Plan, Time
from tests.bench.servers import INDEX, START_SECONDS, Bare, Failed, Product, Side

NAME = "restart_answers_s"


def measure_restarts(plan: Plan) -> Time:
    """Raises Failed when a server does not come back."""
    notes, medians = [], []
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder, postgres() as cluster:
        settings = {"sqlite": {}, "postgresql": {INDEX: cluster.new_database()}}
        for database, of_bare in settings.items():
            names = (INDEX, "EHR_BRIDGE_DATABASE_URL") if of_bare else ()
            of_product = {name: cluster.new_database() for name in names}
            seconds, bares, processor = _compare(Path(folder) / database, of_bare, of_product, plan.rounds)
            medians.append(seconds)
            notes.append(f"{database} {seconds:.2f} s, bare {bares:.2f} s, processor {processor:.2f} s")
    return Time(NAME, max(medians), f"{'; '.join(notes)}; lower is better", unit="s")


def _compare(
    folder: Path, of_bare: dict[str, str], of_product: dict[str, str], rounds: int
) -> tuple[float, float, float]:
    """The medians: seconds of the product, of bare Orthanc, and processor seconds of the product."""
    for name in (Bare.name, Product.name):
        (folder / name).mkdir(parents=True)
    product, bare = Product(folder / Product.name, of_product), Bare(folder / Bare.name, of_bare)
    try:
        bare.wait_until_ready()
        product.wait_until_ready()
        results = []
        for _ in range(min(rounds, MOST_DEATHS - 1)):  # the supervisor gives up at one more
            away = _without_answer(bare, "/studies", bare.die)
            results.append((_without_answer(product, "/api/v1/dicom/studies", product.die), away, product.processor()))
    finally:
        for side in (bare, product):
            side.stop()
    seconds, bares, processor = (statistics.median(one) for one in zip(*results, strict=True))
    return seconds, bares, processor


def _without_answer(side: Side, path: str, die: Callable[[], None]) -> float:
    """Seconds until it answers 200 after it was killed."""
    headers = {"Authorization": token} if (token := side.authorization()) is not None else {}
    begin = time.monotonic()
    die()
    while (passed := time.monotonic() - begin) < START_SECONDS:
        try:
            if requests.get(f"http://127.0.0.1:{side.http_port}{path}", headers=headers, timeout=5).ok:
                return time.monotonic() - begin
        except requests.RequestException:
            pass
        time.sleep(0.01)
    raise Failed(f"{side.name} did not come back within {passed:.0f} s")
