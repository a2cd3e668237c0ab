"""Puts the files of a restored installation and Orthanc's index in agreement.

The index was copied before the last files. So a file may have been replaced in between (the former one is in the first
snapshot), and files may be there that the index does not know: images that were stored in the last moments. Those are
given to Orthanc again, under the same id, and the server records them at its next start as after a crash.
"""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

import psycopg

from ehr_bridge.dicom import Header, read_header, require_storable
from ehr_bridge.errors import RefusedInstance
from ehr_bridge.services.archive.storing import archive_id
from ehr_bridge.settings import Settings
from plugin.backup.failures import BackupFailed
from plugin.starting.orthanc_config import ORTHANC, render

WHOLE_FILE, PLAIN, PACKED = 1, 1, 2
"""Orthanc's numbers: an attachment with the complete DICOM file; one stored as it is, one that zlib packed."""
IMAGE_ROWS, PIXELS = 0x00280010, (0x7FE00008, 0x7FE00009, 0x7FE00010)
STARTING_SECONDS = 120.0
QUESTION = """SELECT r.publicId, s.publicId, f.uuid, f.fileType, f.compressionType FROM AttachedFiles f
JOIN Resources r ON r.internalId = f.id LEFT JOIN Resources e ON e.internalId = r.parentId
LEFT JOIN Resources s ON s.internalId = e.parentId"""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that the index names."""

    resource: str
    """Orthanc's id of the instance."""
    study: str | None
    name: str
    is_whole: bool
    """The DICOM file itself, and no excerpt of it."""
    is_packed: bool


@dataclass(slots=True)
class Placed:
    """What had to be done, and what could not be."""

    from_first: int = 0
    """Files that are from the first snapshot, because they were replaced while the backup was made."""
    imported: int = 0
    leftovers: int = 0
    """Files that no image needs: excerpts, and files that were being written."""
    deleted_again: int = 0
    """Studies whose purge had begun."""
    missing: list[str] = field(default_factory=list)
    """Names of files that are nowhere."""


def attachments(settings: Settings) -> list[Attachment]:
    """All files that Orthanc's index names."""
    if (url := settings.orthanc_libpq_url) is not None:
        with psycopg.connect(url) as connection:
            rows: Sequence[Any] = connection.execute(QUESTION.encode()).fetchall()
    elif (index := settings.data_dir / "orthanc-index" / "index").exists():
        with closing(sqlite3.connect(index)) as database:
            rows = database.execute(QUESTION).fetchall()
    else:
        rows = []
    return [Attachment(one, study, name, kind == WHOLE_FILE, how == PACKED) for one, study, name, kind, how in rows]


def place(
    settings: Settings,
    storage: Path,
    from_first: Callable[[list[str]], None],
    deleted: Callable[[], set[str]],
    say: Callable[[str], object],
) -> Placed:
    """`from_first` restores files by name from the first snapshot; `deleted` says which studies were being purged, by
    Orthanc's id."""
    known = {one.name: one for one in attachments(settings)}
    there = {path.name: path for path in storage.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*") if path.is_file()}
    placed = Placed()
    missing = [one for name, one in known.items() if name not in there]
    if missing:
        say(f"{len(missing)} files were replaced or removed while the backup was made; looking in its first part")
        from_first([one.name for one in missing])
        still = [one for one in missing if not _path(storage, one.name).is_file()]
        placed.from_first, missing = len(missing) - len(still), still
    orphans, leftovers = _orphans([path for name, path in there.items() if name not in known])
    shells: set[str] = set()
    if missing:
        shells = {one.study for one in missing if one.study} & deleted()
    gone = {one.resource for one in missing if one.study not in shells and one.resource in orphans}
    placed.missing = sorted(one.name for one in missing if one.study not in shells and one.resource not in gone)
    if orphans or shells:
        say(f"Orthanc takes {len(orphans)} images that were stored in the last moments")
        with bare_orthanc(settings) as orthanc:
            for study in sorted(shells):
                orthanc("DELETE", f"/studies/{study}")
            for instance in sorted(gone):
                orthanc("DELETE", f"/instances/{instance}")
            for path in orphans.values():
                orthanc("POST", "/instances", unpacked(path.read_bytes()))
        for path in orphans.values():
            path.unlink()
    for path in leftovers:
        path.unlink()
    placed.imported, placed.deleted_again, placed.leftovers = len(orphans), len(shells), len(leftovers)
    return placed


def _path(storage: Path, name: str) -> Path:
    return storage / name[:2] / name[2:4] / name


def _orphans(paths: Sequence[Path]) -> tuple[dict[str, Path], list[Path]]:
    """Complete images by Orthanc's id, the longest file of each, and the files that are none."""
    found: dict[str, Path] = {}
    leftovers = []
    for path in sorted(paths, key=lambda one: one.stat().st_size, reverse=True):
        instance = instance_in(path.read_bytes())
        if instance is None or instance in found:
            leftovers.append(path)
        else:
            found[instance] = path
    return found, leftovers


def instance_in(data: bytes) -> str | None:
    """Orthanc's id of the image that a stored file is; None when it is not a complete one."""
    try:
        header = read_header(unpacked(data))
        require_storable(header)
    except (RefusedInstance, ValueError):
        return None
    if _ends_before_pixels(header):
        return None
    keywords = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    return archive_id(*(header.text(keyword) for keyword in keywords))


def is_excerpt(data: bytes) -> bool:
    """Whether it is what Orthanc keeps of the beginning of an image, beside the image itself."""
    try:
        return _ends_before_pixels(read_header(data))
    except (RefusedInstance, ValueError):
        return False


def _ends_before_pixels(header: Header) -> bool:
    return header.element(IMAGE_ROWS) is not None and all(header.element(tag) is None for tag in PIXELS)


def unpacked(data: bytes) -> bytes:
    """A stored file as it was before Orthanc compressed it: the length in eight bytes, then zlib."""
    if data[128:132] != b"DICM" and len(data) > 8 and int.from_bytes(data[:8], "little") <= 1 << 32:
        with suppress(zlib.error):
            return zlib.decompress(data[8:])
    return data


@contextmanager
def bare_orthanc(settings: Settings) -> Iterator[Callable[..., Any]]:
    """Orthanc on the restored index and files, without us: nothing is sent, nobody else can ask it anything.

    Yields a function that asks it by method and path. Raises BackupFailed when it does not start or refuses.
    """
    password, port = token_hex(16), _free_port()
    wanted: Mapping[str, Any] = render(settings)
    index = [plugin for plugin in wanted["Plugins"] if "PostgreSQL" in plugin]
    kept = {
        key: wanted[key]
        for key in ("StorageDirectory", "IndexDirectory", "TemporaryDirectory", "PostgreSQL", "StoreMD5ForAttachments")
        if key in wanted
    }
    file = settings.data_dir / "restoring.json"
    file.touch(mode=0o600)
    own = {
        "Plugins": index,
        "HttpPort": port,
        "HttpBindAddresses": ["127.0.0.1"],
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"restore": password},
        "OverwriteInstances": False,
    }
    file.write_text(json.dumps(kept | own))
    for folder in ("StorageDirectory", "IndexDirectory", "TemporaryDirectory"):
        Path(kept[folder]).mkdir(parents=True, exist_ok=True)
    quiet = subprocess.DEVNULL
    ends_with_us = ("/usr/bin/setpriv", "--pdeathsig", "KILL")  # it would keep the index locked
    process = subprocess.Popen([*ends_with_us, ORTHANC, str(file)], stdout=quiet, stderr=quiet)  # noqa: S603
    try:
        ask = _asking(port, password)
        _await(process, ask)
        yield ask
    finally:
        process.terminate()
        process.wait()
        file.unlink(missing_ok=True)


def _asking(port: int, password: str) -> Callable[..., Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    secret = b64encode(f"restore:{password}".encode()).decode()

    def ask(method: str, path: str, body: bytes | None = None) -> Any:
        question = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, method=method)
        question.add_header("Authorization", f"Basic {secret}")
        try:
            with opener.open(question, timeout=300) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            if method == "DELETE" and error.code == 404:
                return None
            raise BackupFailed("failed", f"Orthanc answered {error.code} to {method} {path}") from error

    return ask


def _await(process: subprocess.Popen[bytes], ask: Callable[..., Any]) -> None:
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError):
            ask("GET", "/system")
            return
        time.sleep(0.1)
    raise BackupFailed("failed", "Orthanc does not start on the restored index")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
