"""What the 2,000th file of a study costs that comes file by file, beside the 100th: once new, and once sent again.

The sender names no upload, so each file is an upload of its own, with an entry in the log: the most that one study can
make the log grow by. On a server of its own for each database, over one connection; what was stored is looked up
afterwards. The ratio is of the medians of a hundred files around each place, the worse one of both databases.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench import files
from tests.bench.clients import HttpConnection, http
from tests.bench.listing import postgres
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed, Product, get_json
from tests.support.samples import small

NAME = "upload_flat_ratio"
EARLY = 100
"""The place of the file that the last one is compared with."""


def measure_uploads(plan: Plan) -> Time:
    """Raises Failed unless all files are stored and recorded."""
    notes, ratios = [], []
    with both_databases() as servers:
        for database, server in servers:
            early, late, again = _send(server, plan.files_one_by_one)
            ratios.append(late / early)
            notes.append(f"{database} {early:.1f} ms, {late:.1f} ms, sent again {again:.1f} ms")
    note = f"file {EARLY} and file {plan.files_one_by_one}: {'; '.join(notes)}; lower is better"
    return Time(NAME, max(ratios), note, unit="")


@contextmanager
def both_databases() -> Iterator[Iterator[tuple[str, Product]]]:
    """A server that has not started yet for each database, by its name."""
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder, postgres() as cluster:
        names = ("EHR_BRIDGE_DATABASE_URL", "EHR_BRIDGE_ORTHANC_DATABASE_URL")
        settings = {"sqlite": {}, "postgresql": {name: cluster.new_database() for name in names}}
        yield ((database, Product(Path(folder) / database, environ)) for database, environ in settings.items())


def _send(server: Product, count: int) -> tuple[float, float, float]:
    """Milliseconds of a file around the 100th, of one of the last hundred, and of those when they are sent again."""
    server.wait_until_ready()
    try:
        uids = files.Uids(seed=4)
        study, first = uids.new(), uids.new()
        template = small(StudyInstanceUID=study, SeriesInstanceUID=uids.new(), SOPInstanceUID=first)
        blobs = [template.replace(first.encode(), uids.new().encode()) for _ in range(count)]
        seconds = _post(server, blobs)
        again = _post(server, blobs[-EARLY:])
        recorded = get_json(server, f"/api/v1/dicom/studies/{study}")["number_of_instances"]
        entries = get_json(server, "/api/v1/dicom/uploads?limit=1")["total"]
        if (recorded, entries) != (count, count + len(again)):
            raise Failed(f"{count} files were sent, {recorded} are recorded in {entries} entries")
    finally:
        server.stop()
    middle = slice(EARLY // 2, EARLY * 3 // 2)
    early, late, repeated = (1000 * statistics.median(part) for part in (seconds[middle], seconds[-EARLY:], again))
    return early, late, repeated


def _post(server: Product, blobs: Sequence[bytes]) -> list[float]:
    """How long each answer took."""
    headers = {"Content-Type": "application/dicom", "Authorization": f"Bearer {server.token('technician')}"}
    seconds = []
    with HttpConnection(server.http_port) as connection:
        for blob in blobs:
            request = http("POST", "/api/v1/dicom/upload", headers, len(blob)) + blob
            begin = time.monotonic()
            connection.exchange(request, 201)
            seconds.append(time.monotonic() - begin)
    return seconds
