"""The drill: images arrive, a backup is made, the server is killed; what the restored one has, digest by digest."""

from __future__ import annotations

import io
import os
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pydicom
import pytest
from sqlalchemy import update

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import BackupKind, DeletionStatus
from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.services.backups.records import Backups
from ehr_bridge.settings import load_settings
from plugin.backup import making, manifest
from plugin.backup.making import Making
from plugin.backup.restic import Restic
from tests.conftest import ENGINES
from tests.live import deletion_steps as deletions
from tests.live.backup_steps import PASSWORD, command, restore, stored_digests
from tests.live.tag_steps import alike, store
from tests.support.running import databases
from tests.support.samples import small
from tests.support.server import SECRET, Server
from tests.support.steps import eventually, upload


@pytest.fixture(params=ENGINES)
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """A server, and one on empty databases for what is restored. Deletions are carried out at once."""
    made = []
    for name in ("old", "new"):
        environ = databases(request, request.param)
        if name == "new" and environ:  # restored into nothing, not into a migrated database
            environ["EHR_BRIDGE_DATABASE_URL"] = request.getfixturevalue("postgres").new_database()
        (tmp_path / name).mkdir()
        made.append(Server(tmp_path / name / "var", environ | {deletions.GRACE: "0"}))
    try:
        yield made[0], made[1]
    finally:
        for server in made:
            server.end()


HELD = """#!/bin/sh
case " $* " in *" --tag={tag} "*)
  touch "{folder}/reached"
  until [ -e "{folder}/go" ]; do sleep 0.05; done ;;
esac
exec "{restic}" "$@"
"""
"""restic, which waits before it makes the second part: the databases are copied by then, the last files are not."""


def held_restic(folder: Path) -> dict[str, str]:
    """The environment of a backup that stands still there until `go` is in the folder; then `reached` is."""
    folder.mkdir()
    restic = shutil.which("restic")
    assert restic is not None
    (folder / "restic").write_text(HELD.format(tag=manifest.WHOLE, folder=folder, restic=restic))
    (folder / "restic").chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_what_was_acknowledged_before_the_files_were_copied_is_there_after_a_restore(
    places: tuple[Server, Server], tmp_path: Path
) -> None:
    """Images arrive all the time, and a deletion is approved while the backup is made: it waits. Then the server is
    killed, and another place has everything, to the byte."""
    old, new = places
    old.start()
    deleted = deletions.stored(old)
    acknowledged, ending = list[str](), threading.Event()

    def send() -> None:
        while not ending.is_set():
            data = small()
            if upload(old, data).status_code == 201:
                acknowledged.append(str(pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID))

    def more_are_on_record() -> None:
        """Whatever the server does between requests, it has done since."""
        wanted = len(acknowledged) + 5
        eventually(lambda: len(acknowledged) >= wanted)
        eventually(lambda: set(acknowledged[:wanted]) <= set(stored_digests(old)))

    sending = threading.Thread(target=send)
    sending.start()
    try:
        more_are_on_record()
        deletion = deletions.ask(old, deleted["uid"])
        environ = old.environ | held_restic(tmp_path / "held")
        process = command("backup", environ, "--to", str(tmp_path / "store"), "--data-dir", str(old.data_dir))
        try:
            eventually(lambda: (tmp_path / "held" / "reached").exists() or process.poll() is not None)
            assert process.poll() is None, process.communicate()
            assert deletions.decide(old, deletion, "approve") == (200, "approved")
            more_are_on_record()
            assert deletions.status(old, deletion) == "approved"
            before, before_deletion = list(acknowledged), stored_digests(old)[deleted["sop"]]
        finally:
            (tmp_path / "held" / "go").touch()
            said, _ = process.communicate()
        assert process.returncode == 0, said
        eventually(lambda: deletions.status(old, deletion) == "purged")
    finally:
        ending.set()
        sending.join()
    eventually(lambda: set(before) <= set(stored_digests(old)))
    old.kill()

    code, told = restore(new.environ, tmp_path / "store", new.data_dir)
    assert code == 0, told
    assert "FAIL" not in told and "every one there and unaltered" in told
    new.start()
    eventually(lambda: set(before) <= set(stored_digests(new)))
    there, wanted = stored_digests(new), stored_digests(old)
    assert {uid: there[uid] for uid in before} == {uid: wanted[uid] for uid in before}
    assert there[deleted["sop"]] == before_deletion
    assert deletions.decide(new, deletion, "reject") == (200, "rejected")  # it was approved after the copy of the rows
    assert new.get(f"/api/v1/dicom/studies/{deleted['uid']}", "doctor").status_code == 200
    eventually(lambda: new.get("/api/v1/health").json()["status"] == "ok")
    assert new.get("/api/v1/audit/verify", "admin").json()["ok"] is True
    assert new.get("/api/v1/audit?action=backup.restored", "admin").json()["total"] == 1
    code, told = restore(new.environ, tmp_path / "store", new.data_dir)
    assert code == 1 and told.startswith("Error: A restore begins with an empty place") and told.count("\n") == 1
    assert new.stop() == 0


def test_what_changed_while_the_backup_was_made_is_settled_by_the_restore(
    places: tuple[Server, Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was replaced is taken from the first part, an image that no index knows is imported, and a study that
    was being purged does not come back as a shell."""
    old, new = places
    old.set(deletions.GRACE, "7")
    old.start()
    kept = store(old, alike(3))
    gone = deletions.stored(old)
    assert deletions.decide(old, deletions.ask(old, gone["uid"]), "approve") == (200, "approved")
    eventually(lambda: len(stored_digests(old)) == 4)
    before = stored_digests(old)
    assert old.stop() == 0
    images = {pydicom.dcmread(path).SOPInstanceUID: path for path in (old.data_dir / "images").glob("??/??/*")}
    images[gone["sop"]].unlink()
    replaced = next(path for uid, path in images.items() if uid != gone["sop"])
    late = small()
    settings = load_settings(old.environ | {"EHR_BRIDGE_DATA_DIR": str(old.data_dir), "EHR_BRIDGE_JWT_SECRET": SECRET})

    def meanwhile(line: str) -> None:
        if line == "copying what came in the meantime":
            replaced.unlink()
            place = old.data_dir / "images" / "ab" / "cd" / "abcd0000-1111-2222-3333-444455556666"
            place.parent.mkdir(parents=True)
            place.write_bytes(late)
            place.with_name("abcd0000-1111-2222-3333-444455557777").write_bytes(late[: len(late) // 2])

    database = Database(settings.sqlalchemy_url)
    with database.write() as session:  # its node died in the middle of the purge
        session.execute(update(DeletionRequest).values(status=DeletionStatus.PURGING))
    monkeypatch.setattr(making, "PURGE_SECONDS", 0.0)
    backups = Backups(database, lambda: datetime.now(UTC))
    restic = Restic(str(tmp_path / "store"), PASSWORD, tmp_path / "cache")
    run = backups.begin(BackupKind.BACKUP, "here", "store", is_scheduled=False)
    backups.end(run, Making(settings, restic, backups, meanwhile, lambda *_: None).run(run))
    database.dispose()

    code, told = restore(new.environ, tmp_path / "store", new.data_dir, "--at", "2020-01-01")
    assert code == 1 and "no backup of that time" in told and not new.data_dir.exists()
    code, told = restore(new.environ, tmp_path / "store", new.data_dir)
    lines = {" ".join(line.split()[1:-1]): line.split()[-1] for line in told.splitlines() if line.startswith("  ")}
    assert lines["of these stored after the databases were copied"] == "1", told
    assert lines["files that were replaced during the backup"] == "1", told
    assert lines["deletions carried out again"] == "1", told
    new.start()
    eventually(lambda: len(stored_digests(new)) == 5)
    there = stored_digests(new)
    assert {uid: there[uid] for uid in before} == before
    assert new.get(f"/api/v1/dicom/studies/{kept}", "doctor").status_code == 200
    assert new.get(f"/api/v1/dicom/studies/{gone['uid']}", "doctor").status_code == 404
    assert new.stop() == 0
