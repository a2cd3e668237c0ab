"""An archive that Orthanc 1.12 filled: Orthanc 1.13 does not return a file whose MD5 is missing in its index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import create_engine, text

from ehr_bridge.settings import load_settings
from ehr_bridge.storage.folder import path_of
from plugin.running.advisories import installed_version
from plugin.starting import index_md5
from plugin.starting.orthanc_config import ORTHANC, needs_md5
from tests.conftest import ENGINES
from tests.support.running import databases, running
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import eventually, instances, study, upload


@pytest.fixture(scope="module", params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of this file's own, whose whole index is emptied of its MD5s."""
    with running(tmp_path_factory.mktemp("server"), **databases(request, request.param)) as server:
        yield server


def index_of(server: Server) -> tuple[str, index_md5.Names]:
    """The URL of Orthanc's index, and how its columns are called."""
    url = server.environ.get("EHR_BRIDGE_ORTHANC_DATABASE_URL")
    if url is None:
        return f"sqlite:///{server.data_dir / 'orthanc-index' / 'index'}", index_md5.SQLITE
    return url, index_md5.POSTGRESQL


def forget_md5s(server: Server) -> None:
    """As Orthanc 1.12 leaves its index in our hands."""
    url, names = index_of(server)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE AttachedFiles SET {names.uncompressed} = '', {names.compressed} = ''"))
    engine.dispose()


def md5s(server: Server) -> dict[str, tuple[str, str]]:
    """Both MD5s of each file in the index."""
    url, names = index_of(server)
    engine = create_engine(url)
    with engine.begin() as connection:
        rows = connection.execute(text(f"SELECT uuid, {names.uncompressed}, {names.compressed} FROM AttachedFiles"))
        found = {row[0]: (row[1], row[2]) for row in rows}
    engine.dispose()
    return found


def complete(server: Server) -> list[str]:
    """What the launcher does before a newer Orthanc opens the index; the lines it prints."""
    settings = load_settings(server.environ | {"EHR_BRIDGE_DATA_DIR": str(server.data_dir)})
    lines: list[str] = []
    index_md5.complete(settings, lines.append)
    return lines


def start_with_a_newer_orthanc(server: Server) -> None:
    """Where the installed one is older, its launcher has no reason to complete the index."""
    if not needs_md5(installed_version(ORTHANC)):
        assert complete(server)
    server.start()


def a_file_of(images: Path, uid: str) -> Path:
    return next(path for path in images.rglob("*") if path.is_file() and uid.encode() in path.read_bytes())


def test_an_archive_of_an_older_orthanc_is_read_on(server: Server) -> None:
    """Its index is completed before the newer one opens it. A file that is missing keeps no other from being read, and
    is read itself after the next start when it came back from a backup."""
    uids = [generate_uid() for _ in range(3)]
    for uid in uids:
        assert upload(server, small(StudyInstanceUID=uid)).status_code == 201
        eventually(partial(study, server, uid))
    assert server.stop() == 0
    forget_md5s(server)
    older = set(md5s(server))
    images, backup = server.data_dir / "images", server.data_dir / "backup"
    lost = a_file_of(images, uids[2])
    lost.rename(backup)

    start_with_a_newer_orthanc(server)
    for uid in uids[:2]:
        assert [one.StudyInstanceUID for one in instances(server, uid)] == [uid]
    assert server.stop() == 0
    known = {name: both for name, both in md5s(server).items() if name in older}
    assert len(older) == len(known) >= 3
    assert known.pop(lost.name) == ("", "")
    for name, both in known.items():
        assert both == (hashlib.md5((images / path_of(name)).read_bytes()).hexdigest(),) * 2

    backup.rename(lost)
    start_with_a_newer_orthanc(server)
    assert [one.StudyInstanceUID for one in instances(server, uids[2])] == [uids[2]]


def test_an_index_that_is_complete_or_not_there_is_left_alone(server: Server, tmp_path: Path) -> None:
    """Nothing is said then either."""
    assert upload(server, small()).status_code == 201
    assert server.stop() == 0
    forget_md5s(server)
    assert f" {len(md5s(server))} stored files" in complete(server)[0]
    assert complete(server) == []
    index_md5.complete(load_settings({"EHR_BRIDGE_DATA_DIR": str(tmp_path / "new")}), pytest.fail)
    server.start()
