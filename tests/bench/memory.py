"""How much memory a server needs to take in a gigabyte, beyond the request itself, and to hand it out again.

Orthanc reads a whole body before anyone sees it, and orthanc-python hands Python a copy of it (docs/orthanc-facts.md,
Bodies): that is the request itself, and nothing in Python can spare it. How much it is, is measured: the same body
without its last bytes is no archive any more and is refused, which takes the request and nothing else. What the whole
archive needs beyond that is what is reported.

A ZIP of 1,000 small files and one of a gigabyte (CT instances whose pixels cannot be compressed, written to the disk
file by file) are sent as streams, each to a server of its own, and looked up afterwards; then the gigabyte is
downloaded as a ZIP. The peak is the kernel's own (VmHWM, begun anew before each request), so nothing is missed between
two looks.
"""

from __future__ import annotations

import os
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.bench import files
from tests.bench.rounds import Plan, Time
from tests.bench.servers import ENVIRONMENT, Failed
from tests.support.samples import small
from tests.support.server import Server, user_token

NAME = "rss_growth_mb_per_gb_ingested"
SMALL_FILES = 1000
MEGABYTE = 1_000_000
RESET_PEAK = "5"
"""Written to clear_refs: VmHWM starts again from what is resident now (proc_pid_clear_refs(5))."""
PAGE = os.sysconf("SC_PAGE_SIZE")


def measure_growth(plan: Plan) -> Time:
    """Raises Failed when a server did not store and record everything."""
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as name:
        folder = Path(name)
        many, large = folder / "many.zip", folder / "large.zip"
        uids = files.Uids(seed=2)
        write_zip(many, small_files(uids))
        write_zip(large, large_files(uids, plan.archive_bytes))
        with _server(folder / "a") as server:
            many_growth = _ingest(server, many)
        with _server(folder / "b") as server:
            alone = _refuse(server, large)
        with _server(folder / "c") as server:
            growth = _ingest(server, large)
        with _server(folder / "c") as server:
            download = _download(server, large)
        size = large.stat().st_size
    beyond = growth - alone
    note = (
        f"{_mb(size)} MB: peak +{_mb(growth)} MB, the request alone +{_mb(alone)} MB, so {_mb(beyond)} MB beyond; "
        f"{SMALL_FILES} files: +{_mb(many_growth)} MB; download of {_mb(size)} MB: +{_mb(download)} MB"
    )
    return Time(NAME, beyond / MEGABYTE / (size / 1e9), note, unit="MB")


def write_zip(path: Path, instances: Iterator[bytes]) -> None:
    """An archive on the disk; one file of it is in memory at a time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number, data in enumerate(instances):
            archive.writestr(f"DICOM/S{number % 8}/{number:05}", data)


def small_files(uids: files.Uids) -> Iterator[bytes]:
    """One study of many small instances."""
    study, series = uids.new(), uids.new()
    for number in range(SMALL_FILES):
        yield small(StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID=uids.new(), InstanceNumber=number)


def large_files(uids: files.Uids, total: int) -> Iterator[bytes]:
    """One study of CT instances with pixels of noise, until they make up that many bytes."""
    pixels = files.template().PixelData
    written = 0
    while written < total:
        for data in files.study(files.stranger(), uids.new(), 1 + total // len(pixels), uids):
            yield data.replace(pixels, os.urandom(len(pixels)))
            written += len(data)


@contextmanager
def _server(folder: Path) -> Iterator[Server]:
    folder.mkdir(exist_ok=True)
    limits = {"MAX_DICOM_FILES_PER_UPLOAD": "20000", "MAX_UPLOAD_SIZE_MB": "4096"}
    server = Server(folder / "data", ENVIRONMENT | limits)
    try:
        server.start()
        yield server
    except AssertionError as error:
        raise Failed(f"the product {error}") from error
    finally:
        if server.process is not None and server.process.poll() is None:
            server.stop()


def _ingest(server: Server, path: Path) -> int:
    """Bytes that storing this archive makes the server grow by. Raises Failed unless all of it is recorded."""
    with zipfile.ZipFile(path) as archive:
        count = len(archive.infolist())
    growth, answer = _growth(server, lambda: _post(server, path, path.stat().st_size))
    if answer.status_code != 201 or len(answer.json()["instances"]) != count:
        raise Failed(f"the archive was answered {answer.status_code}: {answer.text[:300]}")
    uid = answer.json()["studies"][0]["study_instance_uid"]
    study = _get(server, f"/api/v1/dicom/studies/{uid}")
    entries = _get(server, f"/api/v1/dicom/uploads/{answer.json()['upload_id']}")["entries"]
    found = study["number_of_instances"], [entry["number_of_files"] for entry in entries]
    if found != (count, [count]):
        raise Failed(f"{count} files were sent, {found} are recorded")
    return growth


def _refuse(server: Server, path: Path) -> int:
    """Bytes that a request of nearly the same size makes the server grow by when nothing comes of it."""
    growth, answer = _growth(server, lambda: _post(server, path, path.stat().st_size - 1000))
    if answer.json().get("code") != "malformed_zip":
        raise Failed(f"a cut archive was answered {answer.status_code}: {answer.text[:300]}")
    return growth


def _download(server: Server, path: Path) -> int:
    """Bytes that handing out the study of this archive makes the server grow by."""
    (study,) = _get(server, "/api/v1/dicom/studies")["items"]
    address = f"{server.url}/api/v1/dicom/download/{study['study_instance_uid']}"

    def take() -> int:
        headers = {"Authorization": f"Bearer {user_token('radiologist')}"}
        with requests.get(address, headers=headers, stream=True, timeout=600) as answer:
            answer.raise_for_status()
            return sum(len(piece) for piece in answer.iter_content(1 << 18))

    growth, received = _growth(server, take)
    if received < path.stat().st_size:
        raise Failed(f"the download holds {received} bytes")
    return growth


def _growth[T](server: Server, action: Callable[[], T]) -> tuple[int, T]:
    """How far the server's resident memory rises above what it is now while something is done."""
    process = _orthanc(server)
    time.sleep(2)  # whatever the start still does
    (process / "clear_refs").write_text(RESET_PEAK)
    before = int((process / "statm").read_text().split()[1]) * PAGE
    result = action()
    (line,) = [line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 - before, result


def _orthanc(server: Server) -> Path:
    assert server.process is not None
    launcher = server.process.pid
    (child,) = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return Path(f"/proc/{child}")


class _Beginning:
    """The first bytes of a file, read in pieces while they are sent."""

    def __init__(self, path: Path, size: int) -> None:
        self._file, self._left = path.open("rb"), size
        self._size = size

    def __len__(self) -> int:
        return self._size

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data


def _post(server: Server, path: Path, size: int) -> requests.Response:
    return requests.post(
        f"{server.url}/api/v1/dicom/upload-zip",
        data=_Beginning(path, size),
        headers={"Content-Type": "application/zip", "Authorization": f"Bearer {user_token('technician')}"},
        timeout=600,
    )


def _get(server: Server, path: str) -> Any:
    return server.get(path, "nurse").json()


def _mb(size: int) -> str:
    return f"{size / MEGABYTE:.0f}"
