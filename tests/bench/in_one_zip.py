"""What file 300 of one ZIP costs beside file 50: the time from one stored file to the next, as the server records it.

Each archive is one study of 350 small files, sent in one request to a server of its own for each database. A file takes
the median over the fifty files around its place, so that the waves of a machine do not decide; the ratio is the median
over the archives, the worse one of both databases.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import requests
from sqlalchemy import select

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from tests.bench import files
from tests.bench.one_by_one import both_databases
from tests.bench.rounds import Plan, Time
from tests.bench.servers import Failed, Product
from tests.support.samples import small
from tests.support.zips import zipped

NAME = "zip_flat_ratio"
FILES = 350
EARLY, LATE = 50, 300
"""The places that are compared."""
WRITTEN_SECONDS = 60
"""Rows of stored files are written a little later, many at a time."""
AROUND = 25
"""Files before and after a place that count for it."""


def measure_zips(plan: Plan) -> Time:
    """Raises Failed unless all files are stored and recorded."""
    notes, ratios = [], []
    with both_databases() as servers:
        for database, server in servers:
            server.wait_until_ready()
            try:
                uids = files.Uids(seed=5)
                rounds = [_times(server, uids) for _ in range(plan.rounds + 1)][1:]  # the first one warms up
            finally:
                server.stop()
            ratios.append(statistics.median(late / early for early, late in rounds))
            early, late = (statistics.median(times) for times in zip(*rounds, strict=True))
            notes.append(f"{database} {early:.1f} ms, {late:.1f} ms")
    return Time(NAME, max(ratios), f"file {EARLY} and file {LATE}: {'; '.join(notes)}; lower is better", unit="")


def _times(server: Product, uids: files.Uids) -> tuple[float, float]:
    """Milliseconds of a file around the early and around the late place of one archive."""
    study, first = uids.new(), uids.new()
    template = small(StudyInstanceUID=study, SeriesInstanceUID=uids.new(), SOPInstanceUID=first)
    body = zipped((f"{n}.dcm", template.replace(first.encode(), uids.new().encode())) for n in range(FILES))
    headers = {"Content-Type": "application/zip", "Authorization": f"Bearer {server.token('technician')}"}
    url = f"http://127.0.0.1:{server.http_port}/api/v1/dicom/upload-zip"
    answer = requests.post(url, data=body, headers=headers, timeout=300)
    stored, until = _stored_at(server, study), time.monotonic() + WRITTEN_SECONDS
    while len(stored) < FILES and time.monotonic() < until:
        time.sleep(0.2)
        stored = _stored_at(server, study)
    if (answer.status_code, len(stored)) != (201, FILES):
        raise Failed(f"an archive of {FILES} files was answered {answer.status_code}, {len(stored)} are recorded")
    took = [1000 * (later - earlier).total_seconds() for earlier, later in pairwise(stored)]
    early, late = (statistics.median(took[place - AROUND : place + AROUND]) for place in (EARLY, LATE))
    return early, late


def _stored_at(server: Product, study_instance_uid: str) -> Sequence[datetime]:
    """When each file of the study was stored, in that order."""
    query = select(Instance.received_at).join(Study, Study.id == Instance.study_id)
    query = query.where(Study.study_instance_uid == study_instance_uid).order_by(Instance.received_at)
    database = Database(server.database_url)
    try:
        with database.read() as session:
            return session.scalars(query).all()
    finally:
        database.dispose()
