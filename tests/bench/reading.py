"""Reading as OHIF does under a viewer token: frames, metadata and the two queries it opens with."""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Sequence
from functools import cached_property, partial
from itertools import batched
from pathlib import Path

from plugin.starting.phantom import ct_phantom
from tests.bench import opening, turning
from tests.bench.clients import Clients, HttpConnection, Outcome, Request, Task, http
from tests.bench.files import PATIENT, Uids
from tests.bench.rounds import Plan, Ratio, Time, alternate
from tests.bench.seed_uploads import slices
from tests.bench.servers import DICOM_JSON, Bare, Failed, Product, Side, get_json
from tests.support import samples

MRN, CT_MRN = "BENCH-VIEW", "BENCH-CT"
"""The patients of the viewed study, and of the one whose images are turned."""
SLICES = 120
PATIENT_STUDIES = 5
FRAME = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
NEW_TOKENS = 60
"""In a round; what counts is how long the middle one took."""


class Reading:
    """Fills both archives alike and runs the benchmarks that read."""

    def __init__(self, bare: Bare, product: Product, clients: Clients, folder: Path, plan: Plan) -> None:
        self._bare, self._product, self._clients, self._plan = bare, product, clients, plan
        self._study = Uids(seed=2).new()
        product.put(f"/api/v1/patients/{MRN}", PATIENT)
        self._folder = folder
        self._fill(folder)
        self._token = f"Bearer {product.viewer_token({'patient_id': MRN})}"
        found = get_json(bare, f"/dicom-web/studies/{self._study}/instances")
        self._series: str = found[0]["0020000E"]["Value"][0]
        self._instances: list[str] = [instance["00080018"]["Value"][0] for instance in found]

    def frames(self) -> Ratio:
        """Eight clients scroll through one study, each from another slice on."""
        base = f"/dicom-web/studies/{self._study}/series/{self._series}/instances"
        return self._measure(
            "wado_frames_c8", [f"{base}/{uid}/frames/1" for uid in self._instances], FRAME, 8, "128 kB frames"
        )

    def metadata(self) -> Ratio:
        """One client asks for the series' metadata, which the DICOMweb plugin has cached."""
        path = f"/dicom-web/studies/{self._study}/series/{self._series}/metadata"
        for side in (self._bare, self._product):
            found = get_json(side, path, self._authorization(side))
            _require(side, len(found) == SLICES, f"metadata of {len(found)} instances")
        return self._measure("wado_metadata", [path], DICOM_JSON, 1, f"{SLICES} instances, cached")

    def open_viewer(self) -> Ratio:
        """The study in OHIF, from the link to the first image."""
        return opening.measure(self._bare, self._product, self._study, self._plan.rounds)

    def next_images(self) -> Time:
        """Turning the wheel in OHIF."""
        return turning.next_images(self._bare, self._product, self._ct, self._plan.rounds)

    def windows(self) -> Time:
        """Dragging the window in OHIF."""
        return turning.windows(self._bare, self._product, self._ct, self._plan.rounds)

    @cached_property
    def _ct(self) -> str:
        """A study with images of a CT's size, of a patient who has no other."""
        uid, files = Uids(seed=3).new(), self._folder / "ct"
        self._product.put(f"/api/v1/patients/{CT_MRN}", PATIENT)
        files.mkdir()
        header = {"mrn": "SCANNER-2", "accession_number": ""}
        paths = []
        for number, data in enumerate(slices(header, uid, "CT", turning.SLICES, turning.SIDE)):
            paths.append(files / f"{number:05}.dcm")
            paths[-1].write_bytes(data)
        self._store(paths[:1], CT_MRN)
        self._store(paths[1:], CT_MRN)
        self._copy()
        return uid

    def query_study(self) -> Ratio:
        """QIDO-RS for the study itself."""
        return self._query("qido_c8", f"/dicom-web/studies?StudyInstanceUID={self._study}", 1)

    def query_patient(self) -> Ratio:
        """QIDO-RS for the patient's other studies, the priors."""
        return self._query("qido_patient_c8", f"/dicom-web/studies?00100020={MRN}", PATIENT_STUDIES)

    def new_tokens(self) -> Ratio:
        """One client asks for the study, as OHIF begins, every time with another token that was just made: one of our
        viewer tokens, then one of the EHR's, which nobody here ever saw."""
        path = f"/dicom-web/studies?StudyInstanceUID={self._study}"
        result = Ratio("first_request_c1", "a new token each time, the viewer's and the EHR's in turn")
        with HttpConnection(self._bare.http_port) as bare, HttpConnection(self._product.http_port) as product:
            for _ in range(self._plan.rounds):
                pairs = [self._first_requests(path, number, bare, product) for number in range(NEW_TOKENS)]
                medians = [statistics.median(taken) for taken in zip(*pairs, strict=True)]
                result.pairs.append((1 / medians[0], 1 / medians[1]))
        return result

    def _first_requests(
        self, path: str, number: int, bare: HttpConnection, product: HttpConnection
    ) -> tuple[float, float]:
        """Seconds of bare and product for the same question; who is asked first changes."""
        accept = {"Accept": DICOM_JSON}
        authorization = {"Authorization": f"Bearer {self._new_token(number)}"}
        ask_bare = partial(_seconds, bare, http("GET", path, accept))
        ask_product = partial(_seconds, product, http("GET", path, accept | authorization))
        if number % 4 < 2:
            return ask_bare(), ask_product()
        of_product = ask_product()
        return ask_bare(), of_product

    def _new_token(self, number: int) -> str:
        if number % 2 == 0:
            return self._product.viewer_token({"patient_id": MRN})
        return self._product.token("radiologist", number)

    def _query(self, name: str, path: str, hits: int) -> Ratio:
        for side in (self._bare, self._product):
            found = get_json(side, path, self._authorization(side))
            _require(side, len(found) == hits, f"{name} finds {len(found)} studies, not {hits}")
        total = self._plan.studies + PATIENT_STUDIES
        return self._measure(name, [path], DICOM_JSON, 8, f"{hits} of {total} studies or more")

    def _measure(self, name: str, paths: Sequence[str], accept: str, connections: int, note: str) -> Ratio:
        result = Ratio(name, note)

        def run(side: Side, seconds: float) -> Outcome:
            headers = {"Accept": accept}
            if (authorization := self._authorization(side)) is not None:
                headers["Authorization"] = authorization
            requests = [Request(http("GET", path, headers)) for path in paths]
            tasks = []
            for i in range(connections):
                start = i * len(requests) // connections
                tasks.append(Task(side.http_port, requests[start:] + requests[:start], 200, seconds))
            return self._clients.run(tasks)

        for number in range(-1, self._plan.rounds):
            seconds = self._plan.seconds / 2 if number < 0 else self._plan.seconds
            pair = alternate(self._bare, self._product, number, partial(run, seconds=seconds))
            if number >= 0:
                result.pairs.append(pair)
        return result

    def _authorization(self, side: Side) -> str | None:
        return self._token if isinstance(side, Product) else None

    def _fill(self, folder: Path) -> None:
        """The viewed study, four priors of its patient, and small studies of other people."""
        viewed = list(ct_phantom(SLICES, study_instance_uid=self._study))
        priors = [samples.small(PatientID="SCANNER-1") for _ in range(PATIENT_STUDIES - 1)]
        others = [samples.small(PatientID=f"OTHER-{i}") for i in range(self._plan.studies)]
        paths = []
        folder.mkdir(parents=True)
        for number, data in enumerate([*viewed, *priors, *others]):
            paths.append(folder / f"{number:05}.dcm")
            paths[-1].write_bytes(data)
        known = len(viewed) + len(priors)
        for part, mrn in ((paths[:1], MRN), (paths[1:known], MRN), (paths[known:], None)):
            self._store(part, mrn)
        self._copy()

    def _store(self, paths: Sequence[Path], mrn: str | None) -> None:
        headers = {
            "Authorization": f"Bearer {self._product.token('technician')}",
            "Content-Type": "application/dicom",
            "X-Upload-Id": str(uuid.uuid4()),
        }
        if mrn is not None:
            headers["X-Patient-Id"] = mrn
        self._send(self._product, "/api/v1/dicom/upload", headers, paths, 201)

    def _copy(self) -> None:
        """Give bare Orthanc what the product stored, byte for byte: the same answers are compared then, and not longer
        ones (what coercion keeps of the original values) with shorter ones."""
        self._send(self._bare, "/instances", {}, self._product.stored_files(), 200)

    def _send(self, side: Side, path: str, headers: dict[str, str], files: Sequence[Path], status: int) -> None:
        requests = [Request(http("POST", path, headers, file.stat().st_size), file) for file in files]
        size = -(-len(requests) // 4)
        self._clients.run([Task(side.http_port, part, status) for part in batched(requests, size, strict=False)])


def _seconds(connection: HttpConnection, request: bytes) -> float:
    begin = time.perf_counter()
    connection.exchange(request, 200)
    return time.perf_counter() - begin


def _require(side: Side, holds: bool, otherwise: str) -> None:
    if not holds:
        raise Failed(f"{side.name}: {otherwise}")
