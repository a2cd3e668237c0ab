"""scripts/bench: what the bridge costs, as ratios to Orthanc without it.

Method. Two servers run side by side: *bare* is Orthanc with the product's packages and rendered configuration minus the
Python plugin, *product* is what the launcher starts; each has free ports and an empty folder of its own. A speed is
measured in rounds of two runs, one per server, never at the same time; who begins changes from round to round. The
number reported is the median over the rounds of (product operations per second / bare operations per second): 1 is bare
Orthanc, higher is better. A first round warms up and does not count.

Storing: runs of a fixed number of CT instances of 0.5 MB, explicit VR, about 260 elements, written to memory before the
clock starts; every run is one new study with an order of its own. Uploads name that order (X-Order-Id) and carry
another patient's name and number; STOW-RS and C-STORE match by accession number and patient ID and lack name, sex,
birth date and referrer. So the product coerces five to seven attributes of every instance and links every study. After
each round the study is verified (instances counted on both servers; on the product every instance's coerced attributes
read back through DICOMweb, and link, order and upload log looked up). What cannot be verified is not reported: the run
fails.

Reading: runs of fixed length on a study of 120 slices (128 kB frames) in an archive of some hundred studies. Bare
Orthanc holds copies of the very bytes that the product stored, so that both answer the same. The product is asked with
a viewer token of the patient; that both servers find the same is checked before timing. Opening a study in OHIF is
timed in Chromium, with bare Orthanc serving the same OHIF build by its ServeFolders plugin; so are the next image and
another window in it (`tests.bench.turning`), whose times are the product's, with bare Orthanc's in the note. First
visits to our own pages (`tests.bench.pages`) have no counterpart and are told in milliseconds.

Clients are processes of their own with one keep-alive connection each, which send ready-made bytes over raw sockets
(`tests.bench.clients`), and DCMTK's storescu for C-STORE. They share the machine with the servers, so with few cores
the ratios lean a little towards 1; the most for C-STORE, whose client parses every file. Both servers run in
the launcher's environment (see `tests.bench.servers.ENVIRONMENT`).
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from tests.bench import (
    beside,
    beside_all,
    fhir,
    in_one_zip,
    inprocess,
    linkage,
    listing,
    matching,
    memory,
    messages,
    one_by_one,
    opening,
    orders,
    outbox,
    pages,
    polling,
    real_headers,
    report,
    restarts,
    searching,
    seed,
    signing,
    turning,
    upserts,
    worklist,
)
from tests.bench.clients import ClientError, Clients
from tests.bench.grown import main as grown
from tests.bench.ingest import Ingest
from tests.bench.listing import postgres
from tests.bench.reading import Reading
from tests.bench.rounds import DEFAULT, QUICK, Plan, Result
from tests.bench.servers import INDEX, Bare, Failed, Product
from tests.bench.soak import main as soak

INGEST: dict[str, Callable[[Ingest], Result]] = {
    "ingest_upload_c1": lambda ingest: ingest.upload(1),
    "ingest_upload_c4": lambda ingest: ingest.upload(4),
    "ingest_stow_c4": lambda ingest: ingest.stow(4),
    "ingest_cstore_c4": lambda ingest: ingest.c_store(4),
}
READING: dict[str, Callable[[Reading], Result]] = {
    "wado_frames_c8": Reading.frames,
    "wado_metadata": Reading.metadata,
    "qido_c8": Reading.query_study,
    "qido_patient_c8": Reading.query_patient,
    "first_request_c1": Reading.new_tokens,
    opening.NAME: Reading.open_viewer,
    turning.NEXT_IMAGE: Reading.next_images,
    turning.WINDOW_LEVEL: Reading.windows,
}
VIEWER = {opening.NAME, turning.NEXT_IMAGE, turning.WINDOW_LEVEL}
"""For which bare Orthanc serves OHIF too."""
IN_PROCESS: dict[str, Callable[[Plan], Result]] = {
    "gate_us_p50": inprocess.time_gate,
    "coerce_us_p50": inprocess.time_coerce,
    listing.NAME: listing.time_lists,
    memory.NAME: memory.measure_growth,
    matching.NAME: matching.time_matches,
    polling.NAME: polling.time_polls,
    messages.NAME: messages.time_messages,
    beside.NAME: beside.measure_beside,
    beside.NAME_POSTGRESQL: beside.measure_beside_postgresql,
    beside_all.NAME: beside_all.measure_beside_all,
    fhir.NAME: fhir.time_searches,
    searching.NAME: searching.time_searches,
    upserts.PATIENTS: upserts.time_patients,
    upserts.ORDERS: upserts.time_orders,
    worklist.NAME: worklist.time_worklist,
    one_by_one.NAME: one_by_one.measure_uploads,
    signing.SIGN: signing.time_signing,
    signing.FILED: signing.time_filing,
    outbox.NAME: outbox.time_outbox,
    restarts.NAME: restarts.measure_restarts,
    in_one_zip.NAME: in_one_zip.measure_zips,
}
VISITS: dict[str, Callable[[pages.Visits], Result]] = {
    pages.SIGN_IN: pages.Visits.sign_in,
    pages.WORKLIST: pages.Visits.worklist,
}
NAMES = (*INGEST, *READING, *VISITS, *IN_PROCESS)
OTHERS: dict[str, Callable[[Sequence[str]], int]] = {
    "linkage": linkage.main,
    "orders": orders.main,
    "headers": real_headers.main,
    "seed": seed.main,
    "grown": grown.main,
    "soak": soak.main,
}
"""What the command measures beside the comparison, by its first argument."""
CLIENTS = 8
MEMORY = Path("/dev/shm")
MEMORY_BYTES = 1_000_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if given and given[0] in OTHERS:
            return OTHERS[given[0]](given[1:])
        return compare(given)
    except (Failed, ClientError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1


def compare(arguments: Sequence[str]) -> int:
    """Both servers, side by side.

    Raises:
        Failed, ClientError: as `measure`.
    """
    names, plan, database = _parse(arguments)
    begin = time.monotonic()
    results = measure(names, plan, database)
    print(report.table(results))
    print(f"{plan.rounds} rounds, {time.monotonic() - begin:.0f} s, both servers on {database}")
    print("ratios are product / bare; higher is better but where a note says otherwise")
    print(report.as_json(results))
    return 0


def measure(names: Sequence[str], plan: Plan, database: str = "sqlite") -> list[Result]:
    """The results in the order of the contract; `database` is what both servers keep their index in.

    Raises:
        Failed, ClientError: something did not work as it must; nothing is reported then.
    """
    results: list[Result] = []
    if any(name in INGEST or name in READING for name in names):
        with (
            _folders() as (data, files),
            _engines(database) as (of_bare, of_product),
            _both(data, not VIEWER.isdisjoint(names), of_bare, of_product) as (bare, product),
            _clients() as clients,
        ):
            wanted = [name for name in names if name in READING]
            if wanted:
                _say("filling both archives")
                reading = Reading(bare, product, clients, files / "reading", plan)
                results += [_tell(name, READING[name], reading) for name in wanted]
            wanted = [name for name in names if name in INGEST]
            if wanted:
                ingest = Ingest(bare, product, clients, files, plan)
                results += [_tell(name, INGEST[name], ingest) for name in wanted]
    if wanted := [name for name in names if name in VISITS]:
        with pages.visits(plan) as visits:
            results += [_tell(name, VISITS[name], visits) for name in wanted]
    results += [_tell(name, IN_PROCESS[name], plan) for name in names if name in IN_PROCESS]
    return sorted(results, key=lambda result: NAMES.index(result.name))


def _tell[T](name: str, measurement: Callable[[T], Result], subject: T) -> Result:
    _say(name)
    return measurement(subject)


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


@contextmanager
def _folders() -> Iterator[tuple[Path, Path]]:
    """Where the servers live (a disk), and where the clients' files lie (memory, if there is enough)."""
    has_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    with (
        tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as data,
        tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-", dir=MEMORY if has_memory else None) as files,
    ):
        yield Path(data), Path(files)


@contextmanager
def _engines(database: str) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """The settings of both servers' databases: files of their own, or databases of one PostgreSQL."""
    if database == "sqlite":
        yield {}, {}
        return
    with postgres() as cluster:
        of_bare, of_product = ({INDEX: cluster.new_database()} for _ in range(2))
        yield of_bare, of_product | {"EHR_BRIDGE_DATABASE_URL": cluster.new_database()}


@contextmanager
def _both(
    data: Path, with_viewer: bool, of_bare: Mapping[str, str], of_product: Mapping[str, str]
) -> Iterator[tuple[Bare, Product]]:
    for name in (Bare.name, Product.name):
        (data / name).mkdir()
    product = Product(data / Product.name, of_product)
    bare = Bare(data / Bare.name, of_bare, with_viewer=with_viewer)
    try:
        bare.wait_until_ready()
        product.wait_until_ready()
        yield bare, product
    finally:
        for side in (bare, product):
            if (code := side.stop()) != 0:
                _say(f"{side.name} ended with exit code {code}")


@contextmanager
def _clients() -> Iterator[Clients]:
    clients = Clients(CLIENTS)
    try:
        yield clients
    finally:
        clients.close()


def _parse(arguments: Sequence[str] | None) -> tuple[list[str], Plan, str]:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Compare the product with bare Orthanc.")
    parser.add_argument("--quick", action="store_true", help="under a minute, with more noise")
    parser.add_argument(
        "--rounds", type=int, help=f"rounds of one run per server ({DEFAULT.rounds}; quick {QUICK.rounds})"
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="of both servers")
    parser.add_argument("--only", metavar="NAME[,NAME]", help=f"of {', '.join(NAMES)}")
    options = parser.parse_args(arguments)
    names = options.only.split(",") if options.only else list(NAMES)
    if unknown := set(names) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(NAMES)}")
    plan = QUICK if options.quick else DEFAULT
    if options.rounds is not None:
        if not 1 <= options.rounds <= 100:
            parser.error("--rounds is 1 to 100")
        plan = replace(plan, rounds=options.rounds)
    return names, plan, options.database


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
