"""Storing: the same files through the same kind of door of both servers, and proof that the product did its work."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from tests.bench import files
from tests.bench.clients import Clients, Outcome, Request, Task, http
from tests.bench.rounds import Plan, Ratio, alternate
from tests.bench.servers import ENVIRONMENT, Bare, Failed, Product, Side, get_json

RECORD_SECONDS = 30
"""C-STORE is recorded behind the sender's back; this long it may take."""
BOUNDARY = "ehr-bridge-bench"
WARM_UP_FILES = 8


@dataclass(frozen=True, slots=True)
class Batch:
    """The files of one study, the order they belong to, and the upload they are sent in."""

    study_uid: str
    order_id: str
    accession_number: str
    upload_id: str
    paths: Sequence[Path]


class Door(Protocol):
    """Sends a batch to one of the servers."""

    def __call__(self, side: Side, batch: Batch, connections: int) -> Outcome: ...


class Ingest:
    """Runs the ingest benchmarks; `folder` holds the files of one round at a time."""

    def __init__(self, bare: Bare, product: Product, clients: Clients, folder: Path, plan: Plan) -> None:
        self._bare, self._product, self._clients = bare, product, clients
        self._folder, self._plan = folder, plan
        self._uids = files.Uids(seed=1)
        self._orders = 0
        product.put(f"/api/v1/patients/{files.MRN}", {**files.PATIENT, "issuer": files.ISSUER})

    def upload(self, connections: int) -> Ratio:
        """POST /api/v1/dicom/upload against POST /instances."""
        return self._measure(f"ingest_upload_c{connections}", self._post_file, connections, is_known=False)

    def stow(self, connections: int) -> Ratio:
        """STOW-RS, one instance per request."""
        return self._measure(f"ingest_stow_c{connections}", self._stow, connections, is_known=True)

    def c_store(self, connections: int) -> Ratio:
        """C-STORE by DCMTK's storescu, one association per client."""
        return self._measure(f"ingest_cstore_c{connections}", self._store_scu, connections, is_known=True)

    def _measure(self, name: str, door: Door, connections: int, *, is_known: bool) -> Ratio:
        count = self._plan.files_alone if connections == 1 else self._plan.files_together
        result = Ratio(name, f"{count} instances a run")
        for number in range(-1, self._plan.rounds):  # the first one warms up
            batch = self._prepare(WARM_UP_FILES if number < 0 else count, is_known=is_known)
            pair = alternate(self._bare, self._product, number, partial(door, batch=batch, connections=connections))
            if number >= 0:
                result.pairs.append(pair)
            self._verify(batch, is_upload=door == self._post_file)
            shutil.rmtree(self._folder / batch.study_uid)
        return result

    def _prepare(self, count: int, *, is_known: bool) -> Batch:
        self._orders += 1
        accession = f"BENCH{self._orders:06}"
        order = {"mrn": files.MRN, "modality": "CT", "description": "benchmark", "ordered_by": files.REFERRER}
        order_id = self._product.put(f"/api/v1/orders/{accession}", order)["id"]
        claim = files.acquainted(accession) if is_known else files.stranger()
        study_uid = self._uids.new()
        paths = files.write_study(self._folder / study_uid, claim, study_uid, count, self._uids)
        return Batch(study_uid, order_id, accession, str(uuid.uuid4()), paths)

    def _post_file(self, side: Side, batch: Batch, connections: int) -> Outcome:
        headers = {"Content-Type": "application/dicom"}
        path, status = "/instances", 200
        if isinstance(side, Product):
            path, status = "/api/v1/dicom/upload", 201
            headers |= {
                "Authorization": f"Bearer {side.token('technician')}",
                "X-Order-Id": batch.order_id,
                "X-Upload-Id": batch.upload_id,
            }
        requests = [Request(http("POST", path, headers, file.stat().st_size), file) for file in batch.paths]
        return self._send(side, requests, status, connections)

    def _stow(self, side: Side, batch: Batch, connections: int) -> Outcome:
        headers = {
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}',
            "Accept": "application/dicom+json",
        }
        path = "/dicom-web/studies"
        if isinstance(side, Product):
            path = "/api/v1/dicom-web/studies"
            headers["Authorization"] = f"Bearer {side.token('technician')}"
        before = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        after = f"\r\n--{BOUNDARY}--\r\n".encode()
        requests = []
        for file in batch.paths:
            length = len(before) + file.stat().st_size + len(after)
            requests.append(Request(http("POST", path, headers, length) + before, file, after))
        return self._send(side, requests, 200, connections)

    def _send(self, side: Side, requests: Sequence[Request], status: int, connections: int) -> Outcome:
        return self._clients.run([Task(side.http_port, requests[i::connections], status) for i in range(connections)])

    def _store_scu(self, side: Side, batch: Batch, connections: int) -> Outcome:
        lists = [[str(path) for path in batch.paths[i::connections]] for i in range(connections)]
        command = [
            "timeout",
            "120",
            "storescu",
            "-q",
            "-aet",
            "BENCH",
            "-aec",
            "ORTHANC",
            "127.0.0.1",
            str(side.dicom_port),
        ]
        begin = time.monotonic()
        senders = [subprocess.Popen([*command, *paths], env=os.environ | ENVIRONMENT) for paths in lists]
        codes = [sender.wait() for sender in senders]  # with a time limit Python looks only every 50 ms
        seconds = time.monotonic() - begin
        if any(codes):
            raise Failed(f"{side.name}: storescu ended with {codes}")
        return Outcome(len(batch.paths), seconds, 0)

    def _verify(self, batch: Batch, *, is_upload: bool) -> None:
        """Raises Failed unless both servers hold every instance, and the product coerced, linked and recorded all."""
        stored = get_json(self._bare, f"/dicom-web/studies/{batch.study_uid}/instances")
        _require(len(stored) == len(batch.paths), f"bare holds {len(stored)} of {len(batch.paths)} instances")
        study = self._recorded(batch)
        found = (study["number_of_instances"], study["link_status"], study["order_id"], study["mrn"])
        wanted = (len(batch.paths), "linked", batch.order_id, files.MRN)
        _require(found == wanted, f"the product recorded {found}, not {wanted}")
        metadata = get_json(self._product, f"/dicom-web/studies/{batch.study_uid}/metadata")
        _require(len(metadata) == len(batch.paths), f"the product holds {len(metadata)} instances")
        for instance in metadata:
            values = [_value(instance, tag) for tag in ("00100020", "00080050", "00100030", "00080090")]
            coerced = [files.MRN, batch.accession_number, files.BIRTH_DATE, {"Alphabetic": files.REFERRER}]
            _require(values == coerced, f"an instance was stored with {values}, not coerced to {coerced}")
            _require("04000561" in instance, "an instance lacks its Original Attributes Sequence")
        if is_upload:
            entries = get_json(self._product, f"/api/v1/dicom/uploads/{batch.upload_id}")["entries"]
            counts = [entry["number_of_files"] for entry in entries]
            _require(counts == [len(batch.paths)], f"the upload log shows {counts} files")

    def _recorded(self, batch: Batch) -> dict[str, object]:
        path, deadline = f"/api/v1/dicom/studies/{batch.study_uid}", time.monotonic() + RECORD_SECONDS
        while True:
            try:
                study: dict[str, object] = get_json(self._product, path)
                if study["number_of_instances"] == len(batch.paths) or time.monotonic() > deadline:
                    return study
            except Failed:  # nothing of what was sent by C-STORE is written down yet
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)


def _value(instance: dict[str, dict[str, list[object]]], tag: str) -> object:
    return (instance.get(tag, {}).get("Value") or [None])[0]


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Failed(otherwise)
