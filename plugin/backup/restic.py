"""restic (Debian 13: 0.18) on one repository: https://restic.readthedocs.io/en/v0.18.0/075_scripting.html

Its password is in its environment, never on a command line. It ends when we do, however we end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ehr_bridge import shallow_json
from plugin.backup.failures import BackupFailed

HOST = "ehr-bridge"
"""In every snapshot, whichever node made it: so that each is compared with the last one."""
NO_REPOSITORY = 10
CODES = {NO_REPOSITORY: "no_repository", 11: "repository_locked", 12: "wrong_password"}
OPENING_SECONDS = 120.0
"""restic itself would try for a quarter of an hour."""
INCOMPLETE = 3
"""Exit code of a backup that could not read some files."""
BESIDE_THE_SERVER = ("nice", "-n", "10", "setpriv", "--pdeathsig", "TERM")
FULL = ("no space left on device", "disk quota exceeded", "storage is full")
DAMAGED = (
    "repository contains errors",
    "ciphertext verification failed",
    "hash does not match",
    "invalid data returned",
)
type Progress = Callable[[float, int, int], object]
"""Hears of the part done (0 to 1), the bytes done, and the bytes in all."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    id: str
    at: datetime
    paths: tuple[str, ...]
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a backup has done; `unreadable` are paths that exist and could not be read."""

    snapshot_id: str
    number_of_files: int
    size_bytes: int
    added_bytes: int
    unreadable: tuple[str, ...]


def without_password(repository: str) -> str:
    """An address of a repository that may be shown: `rest:https://user:secret@host/` without `user:secret@`."""
    kind, _, address = repository.partition(":")
    is_url = "://" in repository  # `sftp://`, or one behind the kind of repository
    if is_url and (host := urlsplit(address if "://" in address else repository).netloc.rpartition("@"))[1]:
        return repository.replace("".join(host[:2]), "", 1)
    return (
        repository if "@" not in repository or (kind == "sftp" and not is_url) else "…@" + repository.rpartition("@")[2]
    )


class Restic:
    def __init__(self, repository: str, password: str, cache: Path) -> None:
        self._repository = repository
        self._environ = os.environ | {
            "RESTIC_REPOSITORY": repository,
            "RESTIC_PASSWORD": password,
            "RESTIC_CACHE_DIR": str(cache),
            "RESTIC_PROGRESS_FPS": "1",
        }
        self._environ.pop("EHR_BRIDGE_BACKUP_PASSWORD", None)
        self._environ.pop("LD_PRELOAD", None)

    def open(self, *, create: bool, is_looked_at: bool = False) -> list[Snapshot]:
        """Our snapshots, the oldest first, of a repository that the password opens; makes one where there is none.
        `is_looked_at`: it may be another's, so it is given no lock, and one that it has does not matter."""
        if ":" not in self._repository and not Path(self._repository).parent.is_dir():
            raise BackupFailed("repository_away", f"{Path(self._repository).parent} is not there")
        lock = ["--no-lock"] if is_looked_at else []
        code, out, said = self._run("snapshots", "--json", "--host", HOST, *lock, seconds=OPENING_SECONDS)
        if code == NO_REPOSITORY and create:
            self._require(*self._run("init")[::2])
            return []
        self._require(code, said)
        found = [
            Snapshot(
                one["id"], datetime.fromisoformat(one["time"]), tuple(one["paths"]), frozenset(one.get("tags") or ())
            )
            for one in shallow_json.loads(out) or []
        ]
        return sorted(found, key=lambda one: one.at)

    def id(self) -> str:
        """The id that the repository got when it was made; a copy of it has the same."""
        code, out, said = self._run("cat", "config", "--no-lock", seconds=OPENING_SECONDS)
        self._require(code, said)
        return str(shallow_json.loads(out)["id"])

    def unlock(self) -> None:
        """Remove locks of processes that died: on this machine at once, of others after half an hour. What else is
        wrong with the repository is said when it is opened."""
        self._run("unlock", seconds=OPENING_SECONDS)

    def back_up(self, paths: Sequence[Path], tags: Sequence[str], parent: str | None, progress: Progress) -> Summary:
        """Make a snapshot. A file that is removed while it runs is left out of it."""
        since = ["--parent", parent] if parent else ["--force"]
        named = [f"--tag={tag}" for tag in tags]
        arguments = ["backup", "--json", "--host", HOST, "--ignore-ctime", *named, *since, "--", *map(str, paths)]
        done: dict[str, Any] = {}
        unreadable: list[str] = []
        code, said = self._listen(arguments, progress, done, unreadable)
        if code not in (0, INCOMPLETE) or "snapshot_id" not in done:
            self._require(code or 1, said)
        return Summary(
            done["snapshot_id"],
            done["total_files_processed"],
            done["total_bytes_processed"],
            done["data_added_packed"],
            tuple(unreadable),
        )

    def _listen(
        self, arguments: Sequence[str], progress: Progress, done: dict[str, Any], unreadable: list[str]
    ) -> tuple[int, str]:
        said: list[str] = []
        for line in self._lines(arguments, said):
            try:
                message = shallow_json.loads(line)
            except ValueError:
                said.append(line)
                continue
            kind = message.get("message_type")
            if kind == "status":
                progress(message.get("percent_done", 0.0), message.get("bytes_done", 0), message.get("total_bytes", 0))
            elif kind == "summary":
                done |= message
            elif kind == "error":
                item = message.get("item", "")
                if item and os.path.lexists(item):
                    unreadable.append(item)
                said.append(str(message.get("error", {}).get("message", "")))
            elif kind == "exit_error":
                said.append(str(message.get("message", "")))
        return self._code, "\n".join(said)

    def restore(self, snapshot: str, folder: str, target: Path, only: Path | None, progress: Progress) -> None:
        """Write what a snapshot has of a folder into another. `only`: a file with the wanted paths."""
        wanted = ["--include-file", str(only)] if only else []
        arguments = ["restore", f"{snapshot}:{folder}", "--json", "--target", str(target), *wanted]
        code, said = self._listen(arguments, progress, {}, [])
        self._require(code, said)

    def read(self, snapshot: str, file: str) -> bytes:
        """The content of a small file in a snapshot. Raises BackupFailed when it is not there."""
        code, out, said = self._run("dump", snapshot, file)
        self._require(code, said)
        return out

    def forget(self, snapshots: Sequence[str]) -> None:
        """Remove snapshots by id; their data stays until `prune`."""
        if snapshots:
            self._require(*self._run("forget", *snapshots)[::2])

    def tag(self, snapshot: str, *tags: str) -> None:
        """Give a snapshot these tags in place of those it has; its id becomes another one."""
        self._require(*self._run("tag", f"--set={','.join(tags)}", snapshot)[::2])

    def kept(self, tag: str, rules: Sequence[str]) -> set[str]:
        """The ids of the snapshots with a tag that these rules keep (`--keep-daily 14`)."""
        code, out, said = self._run(
            "forget", "--dry-run", "--json", "--host", HOST, "--tag", tag, "--group-by", "host", *rules
        )
        self._require(code, said)
        return {one["id"] for group in shallow_json.loads(out or b"[]") for one in group["keep"] or []}

    def prune(self) -> None:
        """Remove data that no snapshot has. Needs the repository alone."""
        self._require(*self._run("prune")[::2])

    def check(self) -> None:
        """Read everything that is in the repository. Raises BackupFailed when anything of it is damaged."""
        code, _, said = self._run("check", "--read-data")
        if code == 1 and not any(word in said.lower() for word in FULL):
            raise BackupFailed(_code_of(said, "repository_damaged"), _last_line(said))
        self._require(code, said)

    def recover_index(self) -> None:
        """Let the repository know what an interrupted backup has sent already, so that it is not sent again."""
        self._require(*self._run("repair", "index")[::2])

    def _run(self, *arguments: str, seconds: float | None = None) -> tuple[int, bytes, str]:
        """Exit code, output, and errors. Raises BackupFailed when it takes longer than that."""
        command = self._command(arguments)
        try:
            ran = subprocess.run(command, env=self._environ, capture_output=True, check=False, timeout=seconds)  # noqa: S603
        except subprocess.TimeoutExpired as error:
            raise BackupFailed("repository_away", "it does not answer") from error
        return ran.returncode, ran.stdout, ran.stderr.decode(errors="replace")

    def _lines(self, arguments: Sequence[str], said: list[str]) -> Iterator[str]:
        with subprocess.Popen(  # noqa: S603
            self._command(arguments),
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if any(word in line.lower() for word in FULL):
                    process.terminate()  # it would try for a quarter of an hour
                yield line.rstrip()
        self._code = process.returncode

    def _command(self, arguments: Sequence[str]) -> list[str]:
        if shutil.which("restic") is None:
            raise BackupFailed("no_restic")
        return [*BESIDE_THE_SERVER, "restic", *arguments]

    def _require(self, code: int, said: str) -> None:
        if code != 0:
            raise BackupFailed(CODES.get(code) or _code_of(said, "failed"), _last_line(said))


def _code_of(said: str, otherwise: str) -> str:
    low = said.lower()
    if any(word in low for word in FULL):
        return "repository_full"
    if "unable to create lock" in low or "already locked" in low:
        return "repository_locked"
    if any(word in low for word in DAMAGED):
        return "repository_damaged"
    if any(word in low for word in ("permission denied", "no such file", "connection refused", "no such host")):
        return "repository_away"
    return otherwise


def _last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
