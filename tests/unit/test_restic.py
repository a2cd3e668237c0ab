"""restic as we run it: interrupted and continued, locked, damaged, full; each has a code and a sentence."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from plugin.backup.failures import BackupFailed
from plugin.backup.restic import Restic
from plugin.backup.scheduled import forget
from tests.support.server import ROOT
from tests.support.steps import eventually

PASSWORD = "a-password-for-backups"
SLOWLY = 2000
"""KiB/s: what would be over before a test looks takes twenty seconds, and is killed when it has looked."""
BACKING_UP = """
import sys
from pathlib import Path
from plugin.backup.restic import Restic
restic = Restic(sys.argv[1], "a-password-for-backups", Path(sys.argv[2]))
restic.back_up([Path(sys.argv[3])], ["whole"], None, lambda *_: None)
"""


def nothing(_part: float, _done: int, _size: int) -> None:
    """Nobody asks how far it is."""


@pytest.fixture
def restic(tmp_path: Path) -> Restic:
    made = Restic(str(tmp_path / "repository"), PASSWORD, tmp_path / "cache")
    made.open(create=True)
    return made


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Some 40 MB that nothing makes smaller."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(10):
        (folder / f"{number}").write_bytes(os.urandom(4_000_000))
    return folder


def failing(what: Callable[[], object]) -> str:
    with pytest.raises(BackupFailed) as failed:
        what()
    return failed.value.code


def slow_restic(folder: Path) -> dict[str, str]:
    """The environment of a restic that sends so slowly that it is at work still when its first pack is there."""
    folder.mkdir()
    really = shutil.which("restic")
    (folder / "restic").write_text(f'#!/bin/sh\nexec {really} --limit-upload {SLOWLY} "$@"\n')
    (folder / "restic").chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "RESTIC_PACK_SIZE": "4"}


def test_a_backup_that_was_killed_sends_nothing_twice(restic: Restic, images: Path, tmp_path: Path) -> None:
    """restic dies with us, its lock is removed, and what the repository has already counts."""
    repository = tmp_path / "repository"
    arguments = [sys.executable, "-c", BACKING_UP, str(repository), str(tmp_path / "cache"), str(images)]
    environ = os.environ | {"PYTHONPATH": str(ROOT)} | slow_restic(tmp_path / "slow")
    with subprocess.Popen(arguments, env=environ) as process:
        (lock,) = eventually(lambda: list((repository / "locks").iterdir()))
        eventually(lambda: complete(repository))
        assert process.poll() is None
        process.kill()
    eventually(lambda: not working_on(repository))
    kept = sum(path.stat().st_size for path in complete(repository))

    def is_unlocked() -> bool:
        restic.unlock()
        return not lock.exists()

    eventually(is_unlocked)  # whoever reaps the dead process may be late
    restic.recover_index()
    summary = restic.back_up([images], ["whole"], None, nothing)
    assert summary.number_of_files == 10 and summary.added_bytes < 40_000_000 - kept / 2
    restic.check()


def complete(repository: Path) -> list[Path]:
    """The packs that are there; one that is being written has a longer name."""
    return [path for path in (repository / "data").glob("*/*") if len(path.name) == 64]


def working_on(repository: Path) -> set[int]:
    """The ids of processes of restic that work on a repository."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"RESTIC_REPOSITORY={repository}".encode() in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


def test_a_locked_repository_is_left_alone(restic: Restic, images: Path, tmp_path: Path) -> None:
    """Somebody checks it; they are not disturbed."""
    restic.back_up([images], ["whole"], None, nothing)
    environ = os.environ | {"RESTIC_PASSWORD": PASSWORD, "RESTIC_REPOSITORY": str(tmp_path / "repository")}
    locks = tmp_path / "repository" / "locks"
    check = ["restic", "--limit-download", str(SLOWLY), "check", "--read-data"]
    with subprocess.Popen(check, env=environ, stdout=subprocess.DEVNULL) as other:
        eventually(lambda: list(locks.iterdir()))
        other.send_signal(signal.SIGSTOP)
        try:
            restic.unlock()
            assert failing(lambda: restic.back_up([images], ["whole"], None, nothing)) == "repository_locked"
        finally:
            other.kill()


def test_a_damaged_repository_is_noticed_when_it_is_read_again(restic: Restic, images: Path, tmp_path: Path) -> None:
    """One byte is enough; a restore from it fails too, instead of writing something else."""
    summary = restic.back_up([images], ["whole"], None, nothing)
    restic.check()
    pack = max((tmp_path / "repository" / "data").glob("*/*"), key=lambda path: path.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(data)
    assert failing(restic.check) == "repository_damaged"
    target = tmp_path / "restored"
    assert failing(lambda: restic.restore(summary.snapshot_id, str(images), target, None, nothing)) in (
        "repository_damaged",
        "failed",
    )


def test_a_wrong_password_and_no_repository_have_codes_of_their_own(restic: Restic, tmp_path: Path) -> None:
    """A restore makes no repository; a backup makes the first one only where there is none."""
    wrong = Restic(str(tmp_path / "repository"), "another-password", tmp_path / "cache")
    assert failing(lambda: wrong.open(create=True)) == "wrong_password"
    nowhere = Restic(str(tmp_path / "nowhere"), PASSWORD, tmp_path / "cache")
    assert failing(lambda: nowhere.open(create=False)) == "no_repository"
    assert not (tmp_path / "nowhere").exists() and restic.open(create=False) == []


def test_what_is_old_is_forgotten_with_the_files_that_were_copied_before_it(restic: Restic, tmp_path: Path) -> None:
    """Of two backups of one day the last is kept, of two days both."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "one").write_bytes(b"an image")
    environ = os.environ | {"RESTIC_PASSWORD": PASSWORD, "RESTIC_REPOSITORY": str(tmp_path / "repository")}
    for run, at in (("1", "2026-11-28 02:00:00"), ("2", "2026-11-29 02:00:00"), ("3", "2026-11-29 14:00:00")):
        for tag in ("files", "whole"):
            named = ["--host", "ehr-bridge", "--time", at, "--tag", tag, "--tag", f"run-{run}"]
            subprocess.run(["restic", "backup", "--quiet", *named, str(tmp_path / "images")], env=environ, check=True)
    noted: list[list[str]] = []
    forget(restic, noted.append, lambda _line: None)
    left = {tag for one in restic.open(create=False) for tag in one.tags}
    assert left == {"files", "whole", "run-1", "run-3"} and [len(one) for one in noted] == [1]
    restic.prune()
    restic.check()


def test_a_full_repository_says_so(
    restic: Restic, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As restic says it on a full disk (seen with a file system of 30 MB)."""
    said = "Fatal: unable to save snapshot: write /mnt/repository/data/0f/tmp: no space left on device"
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "restic"
    fake.write_text(f'#!/bin/sh\necho "{said}" >&2\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    full = Restic(str(tmp_path / "repository"), PASSWORD, tmp_path / "cache")
    assert failing(lambda: full.back_up([images], ["whole"], None, nothing)) == "repository_full"
