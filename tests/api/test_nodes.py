"""The register of nodes, and whether one is ready; on both databases."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select, text, update

from ehr_bridge.db.tables.operations.nodes import Node
from ehr_bridge.disk_settings import BucketPlace
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import build_services, utc_now
from ehr_bridge.services.nodes import naming
from ehr_bridge.services.nodes.advice import advice_on
from ehr_bridge.services.nodes.readiness import WRONG
from ehr_bridge.services.nodes.register import NameTaken, Nodes
from ehr_bridge.settings import Settings
from plugin.starting.own_name import NotMounted, Runs, hold, not_mounted, require_folder, take_name
from tests.api.conftest import Api
from tests.support.samples import small

READY = "/api/v1/ready"


@pytest.fixture(autouse=True)
def images(api: Api) -> None:
    """The folder of the images is there, as after a start."""
    api.services.settings.storage_path.mkdir(exist_ok=True)


def node(api: Api, folder: Path, name: str, clock: Any = utc_now) -> Nodes:
    settings = Settings(data_dir=folder, node=name)
    return Nodes(api.services.database, settings, clock)


def serving(api: Api, folder: Path, name: str, clock: Any = utc_now) -> Nodes:
    return begins(api, Settings(data_dir=folder, node=name), clock)


def begins(api: Api, settings: Settings, clock: Any = utc_now) -> Nodes:
    one = Nodes(api.services.database, settings, clock)
    one.claim()
    one.begin()
    one.beat()
    return one


def shown(api: Api) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in api.get("/api/v1/system", "admin").json["nodes"]}


def attention(api: Api) -> dict[str, int]:
    return {one["code"]: one["count"] for one in api.get("/api/v1/system", "admin").json["attention"]}


def age(api: Api, name: str, by: timedelta) -> None:
    """As if the node had last been seen so long ago."""
    with api.services.database.write() as session:
        row = session.get_one(Node, name)
        session.execute(update(Node).where(Node.name == name).values(last_seen_at=row.last_seen_at - by))


def test_the_system_page_knows_each_node_and_how_it_is(api: Api, tmp_path: Path) -> None:
    """From its start to a day after its end."""
    a, b = node(api, tmp_path / "a", "a"), serving(api, tmp_path / "b", "b")
    a.claim()
    a.beat()
    assert {name: one["state"] for name, one in shown(api).items()} == {"a": "starting", "b": "serving"}
    a.begin()
    a.beat()
    (tmp_path / "b" / "draining").touch()
    b.beat()
    assert {name: one["state"] for name, one in shown(api).items()} == {"a": "serving", "b": "draining"}
    b.end()
    age(api, "a", timedelta(minutes=5))
    assert {name: one["state"] for name, one in shown(api).items()} == {"a": "lost", "b": "ended"}
    assert attention(api)["node_lost"] == 1
    age(api, "a", timedelta(days=2))
    age(api, "b", timedelta(days=2))
    assert shown(api) == {}
    assert "node_lost" not in attention(api)


def test_a_second_node_of_the_same_name_does_not_start(api: Api, tmp_path: Path) -> None:
    """Unless the first has ended, is lost, or was at the same place: then it is the same one, started again."""
    first = serving(api, tmp_path / "one", "a")
    second = node(api, tmp_path / "other", "a")
    with pytest.raises(NameTaken, match="EHR_BRIDGE_NODE"):
        second.claim()
    again = node(api, tmp_path / "one", "a")
    again.claim()  # after kill -9
    first.end()
    assert first.is_taken
    again.end()
    second.claim()
    assert len(shown(api)) == 1
    age(api, "a", timedelta(minutes=5))
    node(api, tmp_path / "third", "a").claim()


def test_a_node_that_was_silent_too_long_and_has_lost_its_name_says_so(api: Api, tmp_path: Path) -> None:
    """It leaves the row to the other, and is not ready."""
    silent = serving(api, tmp_path / "one", "a")
    age(api, "a", timedelta(minutes=5))
    serving(api, tmp_path / "other", "a")
    silent.end()
    assert silent.is_taken
    assert shown(api)["a"]["state"] == "serving"


def test_a_copy_of_a_machine_does_not_start_beside_the_first(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its data directory was copied with it, so its name and home are the same. It waits for a moment: after a power
    cut the same machine looks like this, and nobody says anything any more. A copy on SQLite has its own database."""
    first = serving(api, tmp_path / "one", "a")
    monkeypatch.setattr(naming, "BOOT", tmp_path / "boot")
    (tmp_path / "boot").write_text("another boot")
    copy, told, waited = node(api, tmp_path / "one", "a"), list[str](), list[float]()

    def seen(seconds: float) -> None:
        waited.append(seconds)
        age(api, "a", timedelta(seconds=-1))

    def not_seen(seconds: float) -> None:
        waited.append(seconds)
        age(api, "a", timedelta(minutes=5))

    if not api.services.database.is_sqlite:
        with pytest.raises(NameTaken, match="copy of this machine"):
            take_name(copy, told.append, seen)
        assert (len(told), waited) == (1, [1.0])
        assert shown(api)["a"]["state"] == "serving"
    take_name(copy, told.append, not_seen)
    copy.beat()
    first.end()  # it was suspended
    assert first.is_taken
    assert shown(api)["a"]["state"] == "starting"


def test_a_copy_that_starts_first_keeps_the_name_and_the_original_is_told(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy was started while the first machine was off. It works on that one's jobs, as the same node would; the
    original does not start beside it. On SQLite each has a database of its own."""
    serving(api, tmp_path / "one", "a").end()
    boot = tmp_path / "boot"
    monkeypatch.setattr(naming, "BOOT", boot)
    boot.write_text("the copy's boot")
    copy = serving(api, tmp_path / "one", "a")
    boot.write_text("the next boot of the original")

    def seen(_: float) -> None:
        age(api, "a", timedelta(seconds=-1))

    if not api.services.database.is_sqlite:
        with pytest.raises(NameTaken, match="copy of this machine"):
            take_name(node(api, tmp_path / "one", "a"), lambda _: None, seen)
    copy.end()
    assert not copy.is_taken


def test_a_node_that_got_another_name_is_not_missed_under_the_former_one(api: Api, tmp_path: Path) -> None:
    """The same data directory on the same machine; another machine's lost node is still told of."""
    for place, name in ("one", "a"), ("other", "b"):
        serving(api, tmp_path / place, name)
        age(api, name, timedelta(minutes=5))
    assert attention(api)["node_lost"] == 2
    serving(api, tmp_path / "one", "reading-room")
    assert {name: one["state"] for name, one in shown(api).items()} == {"b": "lost", "reading-room": "serving"}


def test_a_node_that_is_gone_for_good_is_forgotten(api: Api, tmp_path: Path) -> None:
    """An administrator says so, and the audit trail knows who. One that runs stays."""
    nodes, who = api.services.nodes, Origin("cli:root")
    serving(api, tmp_path / "a", "a")
    assert (nodes.forget("a", who), nodes.forget("z", who)) == ("serving", None)
    assert set(shown(api)) == {"a"}
    age(api, "a", timedelta(minutes=5))
    assert nodes.forget("a", who) == "lost"
    assert (shown(api), attention(api).get("node_lost")) == ({}, None)
    (event,) = api.get("/api/v1/audit?action=node.forgotten", "admin").json["items"]
    assert (event["actor"], event["detail"]["name"]) == ("cli:root", "a")


def test_after_a_power_cut_that_set_the_clock_back_the_node_starts(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own row was last seen in the future: it waits for a while that it counts itself, and a row that does not move
    meanwhile is no copy's."""
    serving(api, tmp_path / "one", "a")
    age(api, "a", timedelta(days=-400))
    monkeypatch.setattr(naming, "BOOT", tmp_path / "boot")
    (tmp_path / "boot").write_text("another boot")
    waited = list[float]()
    take_name(node(api, tmp_path / "one", "a"), lambda _: None, waited.append, lambda: float(len(waited)))
    assert len(waited) == (0 if api.services.database.is_sqlite else 35)
    assert shown(api)["a"]["state"] == "starting"


def test_a_second_start_on_the_data_of_a_server_that_runs_is_kept_out(tmp_path: Path) -> None:
    """It would take the name of the first, which then ends. One that was killed leaves nothing behind."""
    code = "import sys; from pathlib import Path; from plugin.starting.own_name import hold; hold(Path(sys.argv[1]))"
    command = [
        sys.executable,
        "-c",
        f"{code}; print('held', flush=True); sys.stdin.read()",
        str(tmp_path / "modifying"),
    ]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert first.stdout is not None and first.stdout.readline() == b"held\n"
        with pytest.raises(Runs):
            hold(tmp_path / "modifying", lambda _: None)
    finally:
        first.kill()
        first.communicate()
    hold(tmp_path / "modifying")


def fitting(api: Api) -> dict[str, tuple[bool, bool]]:
    return {name: (one["has_other_secret"], one["has_other_folder"]) for name, one in shown(api).items()}


def test_a_node_with_another_secret_is_named(api: Api, tmp_path: Path) -> None:
    """Not while the secret is changed in the order that the runbook gives; and no mark tells the secret."""
    old, new = "the former one of two secrets, long enough", "the next one of two secrets, long enough"

    def starts(name: str, secret: str, former: str | None = None) -> None:
        both = {"jwt_secret": SecretStr(secret), "jwt_secret_former": SecretStr(former) if former else None}
        begins(api, Settings(data_dir=tmp_path / name, node=name).model_copy(update=both))

    def others() -> list[str]:
        return [name for name, (secret, _) in fitting(api).items() if secret]

    for a, b in (
        ((old, None), (old, None)),
        ((old, new), (old, None)),
        ((old, new), (old, new)),
        ((new, old), (old, new)),
    ):
        starts("a", *a)
        starts("b", *b)
        assert others() == []
    starts("b", new)
    assert others() == []
    starts("c", old)
    assert others() == ["c"]
    assert attention(api)["secret_differs"] == 1
    with api.services.database.read() as session:
        marks = " ".join(mark or "" for mark in session.scalars(select(Node.secret_marks)))
    assert re.fullmatch(r"[0-9a-f ]+", marks)
    starts("c", new)
    assert "secret_differs" not in attention(api)


def test_a_node_that_does_not_share_the_folder_is_named(api: Api, tmp_path: Path) -> None:
    """The folder has an id, which the first node gives it; where the folder cannot be read, nothing is known."""
    for name, folder in ("a", "shared"), ("b", "shared"), ("c", "its own"):
        begins(api, Settings(data_dir=tmp_path / name, node=name, shared_dir=tmp_path / folder))
    (tmp_path / "file").write_text("no folder")
    away = Settings(data_dir=tmp_path / "d", node="d", shared_dir=tmp_path / "file")
    Nodes(api.services.database, away, utc_now).claim()
    assert [name for name, (_, folder) in fitting(api).items() if folder] == ["c"]
    assert attention(api)["folder_not_shared"] == 1


def test_a_node_that_makes_no_md5_beside_one_that_does_is_named(api: Api, tmp_path: Path) -> None:
    """Orthanc 1.13 shows no image without one; 1.12 makes them only when told to. What nobody has written yet is not
    known."""

    def starts(name: str, md5: bool | None) -> None:
        (tmp_path / name).mkdir(exist_ok=True)
        if md5 is not None:
            (tmp_path / name / "orthanc.json").write_text(json.dumps({"StoreMD5ForAttachments": md5}))
        begins(api, Settings(data_dir=tmp_path / name, node=name, shared_dir=tmp_path / "shared"))

    for name, md5 in ("old", False), ("also-old", False), ("starting", None):
        starts(name, md5)
    assert "md5_not_made" not in attention(api)
    starts("new", True)
    assert attention(api)["md5_not_made"] == 2
    assert "make no MD5" in advice_on(api.services.nodes.look())[0]
    starts("old", True)
    age(api, "also-old", timedelta(minutes=5))
    assert "md5_not_made" not in attention(api)


def test_a_start_on_an_empty_mount_point_is_refused(api: Api, tmp_path: Path) -> None:
    """The images are on a file system that is away. A start would give the folder an id of its own, and take images
    that nobody finds when it is back. Somebody whose images are lost says so, by writing that id there."""
    settings = Settings(data_dir=tmp_path / "a", node="a", dicom_storage_path=tmp_path / "mount")
    require_folder(settings, api.services.database)  # a first start
    begins(api, settings).end()
    require_folder(settings, api.services.database)  # nothing came yet
    api.upload(small())
    api.services.recorder.settle()
    require_folder(settings, api.services.database)
    (tmp_path / "mount").rename(tmp_path / "away")
    with pytest.raises(NotMounted, match="is it mounted") as refused:
        require_folder(settings, api.services.database)
    assert not (tmp_path / "mount").exists()
    kept = (tmp_path / "away" / "ehr-bridge" / "folder.id").read_text()
    assert kept in str(refused.value)
    (tmp_path / "mount" / "a7").mkdir(parents=True)  # restored without the folder of the nodes
    require_folder(settings, api.services.database)
    (tmp_path / "mount" / "a7").rmdir()
    settings.shared_path.mkdir(parents=True)
    (settings.shared_path / "folder.id").write_text("another")
    with pytest.raises(NotMounted):
        require_folder(settings, api.services.database)
    (settings.shared_path / "folder.id").write_text(kept)
    require_folder(settings, api.services.database)


@pytest.mark.parametrize("shared", [None, "elsewhere"])
def test_a_server_that_dies_with_its_file_system_is_not_started_on_what_is_below(
    api: Api, tmp_path: Path, shared: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that nodes share may be elsewhere, and is still there. A server that goes on for a moment leaves no id
    where there are no images, and what is known of the folder stays known."""
    monkeypatch.setattr("plugin.starting.own_name.Database", lambda _: api.services.database)
    mount, shared_dir = tmp_path / "mount", tmp_path / shared if shared else None
    settings = Settings(data_dir=tmp_path / "a", node="a", dicom_storage_path=mount, shared_dir=shared_dir)
    begins(api, settings)
    (mount / "a7").mkdir(parents=True)
    api.upload(small())
    api.services.recorder.settle()
    assert not_mounted(settings) is None
    mount.rename(tmp_path / "away")
    mount.mkdir()
    again = Nodes(api.services.database, settings, utc_now)  # started again all the same
    again.begin()
    again.beat()
    assert list(mount.iterdir()) == []
    said = not_mounted(settings)
    assert said is not None
    subprocess.run(["sh", "-c", said.partition("the server: ")[2]], check=True)  # as it is told
    assert not_mounted(settings) is None


def test_a_file_in_quarantine_has_the_name_of_its_node(api: Api) -> None:
    """Several nodes on one machine, or in containers, have host names that say nothing."""
    settings = api.services.settings.model_copy(update={"node": "reading-room"})
    quarantine = build_services(settings, api.services.database).quarantine
    quarantine.keep(small(), "same_uid_other_content")
    quarantine.flush()
    (one,) = api.get("/api/v1/quarantine", "technician").json["items"]
    assert one["node"] == "reading-room"


def test_a_node_whose_row_is_gone_is_listed_again(api: Api, tmp_path: Path) -> None:
    """Somebody has restored the database of the day before."""
    one = serving(api, tmp_path / "a", "a")
    with api.services.database.write() as session:
        session.execute(text("DELETE FROM nodes"))
    one.end()
    assert shown(api)["a"]["state"] == "ended"


def test_a_beat_is_one_row_now_and_then(api: Api, tmp_path: Path) -> None:
    """An idle server stays idle: nothing is written before the next beat is due, unless the state changes."""
    moment = [0.0]
    one = Nodes(api.services.database, Settings(data_dir=tmp_path / "a", node="a"), utc_now, lambda: moment[0])
    one.begin()
    one.beat()
    age(api, "a", timedelta(hours=1))
    before = shown(api)["a"]["last_seen_at"]
    moment[0] = 5.0
    one.beat()
    assert shown(api)["a"]["last_seen_at"] == before
    moment[0] = 61.0
    one.beat()
    assert shown(api)["a"]["last_seen_at"] > before


def test_a_wrong_clock_is_told(api: Api, tmp_path: Path) -> None:
    """SQLite has the clock of its node; PostgreSQL has one of its own."""

    def slow() -> datetime:
        return utc_now() - timedelta(seconds=3)

    serving(api, tmp_path / "a", "a", slow)
    expected = {} if api.services.database.is_sqlite else {"clock_wrong": 1}
    assert {code: count for code, count in attention(api).items() if code == "clock_wrong"} == expected


def test_a_node_that_may_be_sent_work_is_ready_for_anybody_who_asks(api: Api) -> None:
    """Load balancers have no token."""
    answer = api.get(READY)
    assert (answer.status_code, answer.json) == (200, {"status": "ready", "database": "current"})


def wrong(api: Api) -> list[str]:
    answer = api.get(READY)
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (503, "not_ready", "5")
    assert all(WRONG[name] in answer.json["detail"] for name in answer.json["wrong"])
    return list(answer.json["wrong"])


def test_a_node_that_is_being_stopped_is_not_ready(api: Api) -> None:
    """And is again if somebody thinks better of it."""
    api.services.settings.draining_path.touch()
    assert wrong(api) == ["draining"]
    api.services.settings.draining_path.unlink()
    assert api.get(READY).status_code == 200


def test_a_node_without_its_images_is_not_ready(api: Api) -> None:
    """The folder is gone, or is the empty one below a file system that is not mounted."""
    folder = api.services.settings.storage_path
    folder.rmdir()
    assert wrong(api) == ["storage"]
    folder.mkdir()
    assert api.get(READY).status_code == 200
    api.archive.instances["i"] = small()
    assert wrong(api) == ["storage"]


def test_a_node_with_a_bucket_is_ready_while_its_folder_is_there(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """No image stays in that folder, so it may be empty; the file that says whose it is may not be away."""
    settings = api.services.settings
    monkeypatch.setattr(type(settings), "bucket", BucketPlace("images", "pacs"))
    api.archive.instances["i"] = small()
    assert wrong(api) == ["storage"]
    (settings.storage_path / "ehr-bridge.id").touch()
    assert api.get(READY).status_code == 200


def test_an_older_node_goes_on_beside_a_newer_one_when_it_can(api: Api) -> None:
    """While it knows the last migration that older versions cannot do without."""
    with api.services.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999_later'"))
    assert api.get(READY).json["database"] == "newer"
    with api.services.database.write() as session:
        session.execute(text("UPDATE schema_floor SET revision = '9998_cuts'"))
    assert wrong(api) == ["schema"]
    with api.services.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0042_reports_from'"))
    assert wrong(api) == ["schema"]
