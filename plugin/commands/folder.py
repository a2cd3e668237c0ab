"""The files of a folder, by study; and the progress of an import that was interrupted."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ehr_bridge.dicom import read_header, require_storable
from ehr_bridge.errors import RefusedInstance
from ehr_bridge.matching import HeaderIdentity
from ehr_bridge.services.identity.attributes import read_identity


@dataclass(slots=True)
class FolderStudy:
    """A study found in a folder."""

    identity: HeaderIdentity
    """What its first file says."""
    files: list[Path] = field(default_factory=list)


@dataclass(slots=True)
class FolderContent:
    studies: dict[str, FolderStudy] = field(default_factory=dict)
    refused: list[tuple[Path, str]] = field(default_factory=list)
    """Files that the server would refuse, with the error code: not DICOM, cut off, a DICOMDIR …"""
    digests: dict[Path, str] = field(default_factory=dict)
    """SHA-256 of each file of a study, in hex."""

    @property
    def files(self) -> list[Path]:
        """The files to send, study by study."""
        return [path for study in self.studies.values() for path in study.files]

    def add(self, path: Path, max_bytes: int) -> None:
        """Read a file's header and add the file to its study; its bytes are not kept."""
        try:
            if path.stat().st_size > max_bytes:
                raise RefusedInstance("too_large", "The file is larger than allowed.")
            data = path.read_bytes()
            header = read_header(data)
            require_storable(header)
        except RefusedInstance as refusal:
            self.refused.append((path, refusal.code))
        except OSError:
            self.refused.append((path, "unreadable"))
        else:
            study = self.studies.setdefault(header.study_instance_uid, FolderStudy(read_identity(header)))
            study.files.append(path)
            self.digests[path] = hashlib.sha256(data).hexdigest()


def walk(folder: Path) -> Iterator[Path]:
    """All regular files below, in a fixed order; does not follow links."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path


class Progress:
    """The files of a folder that the server already has, stored in the data folder until the import is complete.

    The first line holds the id of the upload and the files left out because the server had them at the beginning. Then
    one line per answered file, written at once: a killed import loses at most the file on its way, which the archive
    recognises when it is sent again. A file whose size or time has changed counts as a new one. `aim` is the
    destination; another server or order is another import.
    """

    def __init__(self, data_dir: Path, folder: Path, aim: str) -> None:
        name = hashlib.sha256(f"{folder}\n{aim}".encode()).hexdigest()[:32]
        self.path = data_dir / "imports" / f"{name}.jsonl"
        self._folder = folder
        self._done: set[str] = set()
        self._known: set[str] = set()
        self.upload_id = str(uuid.uuid4())
        self.was_interrupted = False
        if self.path.exists():
            self._read()

    def has(self, path: Path) -> bool:
        return self._mark(path) in self._done

    def was_known(self, path: Path) -> bool:
        """Whether it was left out at the beginning of the import."""
        return self._mark(path) in self._known

    def begin(self, known: Iterable[Path]) -> None:
        """Leave these out; stored with the first file that is sent."""
        self._known = {self._mark(path) for path in known}

    def add(self, path: Path) -> None:
        """Note on disk that this file is sent."""
        if not self.path.exists():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.write_text(json.dumps({"upload_id": self.upload_id, "known": sorted(self._known)}))
        with self.path.open("a") as file:
            file.write("\n" + json.dumps(self._mark(path)))  # a truncated line damages only itself
        self._done.add(self._mark(path))

    def forget(self) -> None:
        """The import is complete."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> None:
        for line in self.path.read_text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # a truncated line
            if isinstance(entry, dict):
                self.upload_id = str(entry["upload_id"])
                self._known = set(entry.get("known", ()))
                self.was_interrupted = True
            else:
                self._done.add(str(entry))

    def _mark(self, path: Path) -> str:
        """The state of a file. A digest, because file names on a CD are often names of patients."""
        state = path.stat()
        told = f"{path.relative_to(self._folder)}\n{state.st_size}\n{state.st_mtime_ns}"
        return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()
