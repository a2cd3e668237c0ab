"""From Orthanc 1.12 to 1.13 one node after the other: both versions on one archive, and nothing is lost or double.

Only `scripts/test --forky` runs this file; the chroot has been set up by then.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pydicom
import pytest
from sqlalchemy import create_engine, text

from tests.live.door_steps import c_store, well_formed
from tests.live.tag_steps import alike, digests, metadata, modify, store, succeeded, undo
from tests.support.running import databases
from tests.support.server import ROOT, Server
from tests.support.steps import eventually, instances, place_order, study, the_study, upload

OLDER, NEWER = "1.12.", "1.13."
SCHEMA = (
    """SELECT table_name, column_name, data_type, column_default FROM information_schema.columns
    WHERE table_schema = 'public' ORDER BY 1, 2""",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
    "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
    "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1, 2",
    "SELECT property, value FROM globalproperties WHERE property IN (1, 4, 5, 6) ORDER BY 1",
)


class Newer(Server):
    """A node in the chroot, with the network, the databases and this folder of the machine around it."""

    def __init__(self, data_dir: Path, environ: Mapping[str, str], folder: Path) -> None:
        super().__init__(data_dir, {**environ, "FORKY_BIND": str(folder), "PYTHONPATH": "/src"})

    @property
    def program(self) -> list[str]:
        return [str(ROOT / "scripts" / "forky"), "/src/.venv/bin/python", "-m", "plugin.launch"]


class World:
    """One archive and what was stored in it, by whichever node."""

    def __init__(self, folder: Path, shared: dict[str, str]) -> None:
        self.folder, self.shared = folder, shared
        self.files: dict[str, set[str]] = {}
        """The SOP Instance UIDs of each study."""
        for name in ("a", "b"):
            (folder / name).mkdir()
        self.a: Server = Server(folder / "a" / "var", shared)
        self.b: Server = Newer(folder / "b" / "var", shared, folder)

    def in_chroot(self, node: Server) -> Server:
        """The same node, data directory and ports, with the newer Orthanc."""
        newer = Newer(node.data_dir, self.shared, self.folder)
        newer.http_port, newer.dicom_port, newer.url = node.http_port, node.dicom_port, node.url
        return newer

    def uploads(self, node: Server, number: int = 2) -> str:
        files = alike(number)
        self._took(files)
        return store(node, files)

    def c_stores(self, node: Server) -> str:
        """As a modality that took an order from its worklist."""
        data = well_formed(place_order(node))
        assert c_store(node, data) == [0]
        return self._took([data])

    def _took(self, files: list[bytes]) -> str:
        for data in files:
            ds = pydicom.dcmread(io.BytesIO(data))
            self.files.setdefault(str(ds.StudyInstanceUID), set()).add(str(ds.SOPInstanceUID))
        return str(ds.StudyInstanceUID)

    def is_whole_at(self, node: Server) -> None:
        """Each image of each study once, read back through DICOMweb; the bridge has recorded each, and no other."""
        for uid, expected in self.files.items():
            eventually(partial(study, node, uid))
            eventually(lambda uid=uid, expected=expected: the_study(node, uid)["number_of_instances"] == len(expected))
            assert sorted(str(ds.SOPInstanceUID) for ds in instances(node, uid)) == sorted(expected)
        found = node.get("/api/v1/dicom/studies?limit=100", "nurse").json()["items"]
        assert sorted(one["study_instance_uid"] for one in found) == sorted(self.files)
        assert node.get("/api/v1/audit/verify", "admin").json()["ok"] is True

    def schema(self) -> list[tuple[object, ...]]:
        """Of Orthanc's index: its columns, indexes, triggers and functions, and the revisions that it has noted."""
        engine = create_engine(self.shared["EHR_BRIDGE_ORTHANC_DATABASE_URL"])
        with engine.connect() as connection:
            rows = [tuple(row) for question in SCHEMA for row in connection.execute(text(question))]
        engine.dispose()
        return rows


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    tmp_path.chmod(0o755)
    shared = databases(request, "postgresql") | {"DICOM_STORAGE_PATH": str(tmp_path / "images")}
    world = World(tmp_path, shared)
    yield world
    for node in (world.a, world.b):
        node.end()


def orthanc(node: Server) -> str:
    return str(node.get("/api/v1/system", "admin").json()["orthanc_version"])


def test_nodes_go_from_the_older_orthanc_to_the_newer_one_in_turn(world: World) -> None:
    """A serves with 1.12 and then makes MD5s too; B joins with 1.13 and both take images; A leaves and comes back with
    1.13. Whatever either took is read by both at every step, once. A job of the one is undone by the other."""
    a, b = world.a, world.b
    a.start()
    first = world.uploads(a)
    world.is_whole_at(a)
    schema = world.schema()
    assert a.stop() == 0
    a.set("EHR_BRIDGE_STORAGE_MD5", "1")
    a.start()
    before = digests(a, first)

    b.start()
    assert any(line.startswith("orthanc: making the MD5") for line in b.output)
    assert orthanc(a).startswith(OLDER) and orthanc(b).startswith(NEWER)
    assert world.schema() == schema
    world.is_whole_at(b)
    for node in (a, b):
        world.uploads(node)
        world.c_stores(node)
    for node in (b, a):
        world.is_whole_at(node)

    again = alike(1)
    world._took(again)
    store(a, again)
    assert upload(b, again[0]).json()["instances"][0]["status"] == "duplicate"
    assert c_store(b, again[0]) == [0] == c_store(a, again[0])
    job = modify(b, first, PatientID="P-NEW")
    succeeded(a, job)
    assert metadata(a, first, "00100020") == ["P-NEW"] * 2 == metadata(b, first, "00100020")
    succeeded(b, undo(a, job))
    assert digests(a, first) == before

    assert a.stop() == 0
    world.is_whole_at(b)
    world.a = a = world.in_chroot(a)
    a.start()
    assert orthanc(a).startswith(NEWER)
    world.uploads(a)
    world.c_stores(b)
    for node in (a, b):
        world.is_whole_at(node)
        eventually(lambda node=node: node.get("/api/v1/health").json()["status"] == "ok")
        assert node.stop() == 0, node.log()[-3000:]


def test_the_older_orthanc_reads_on_what_the_newer_one_has_written(world: World) -> None:
    """The way back, while the version of the bridge is the same: no backup is needed for it."""
    world.b.start()
    world.uploads(world.b)
    world.c_stores(world.b)
    world.is_whole_at(world.b)
    assert world.b.stop() == 0
    world.a.start()
    assert orthanc(world.a).startswith(OLDER)
    world.is_whole_at(world.a)
    world.uploads(world.a)
    world.is_whole_at(world.a)
    assert world.a.stop() == 0, world.a.log()[-3000:]
