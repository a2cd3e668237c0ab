"""Several nodes and the folders that they share: whatever one of them left, another one finishes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ehr_bridge.errors import Conflict
from ehr_bridge.services.archive.quarantine import Quarantine
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.deletion.purge import Purge
from ehr_bridge.services.intake.quarantine_records import QuarantineRecords, Sender
from ehr_bridge.services.jobs.leases import LEASE
from ehr_bridge.services.quarantine.deciding import deciding
from ehr_bridge.services.rejection.moving import Moving
from ehr_bridge.storage.folder import FolderFiles
from plugin.storing.purging import PurgingArchive
from tests.api.conftest import Api
from tests.api.deletion_steps import Purging, approved, grace_is_over, status, stored
from tests.api.interrupted_steps import KILLED, KilledAt
from tests.api.rejection_steps import REJECTIONS, a_series, decide, rejected, uids
from tests.support.samples import small

ENDED = LEASE + timedelta(seconds=1)


def moving_of(api: Api, node: str, later: timedelta = timedelta()) -> Moving:
    """What moves rejected images on another node."""
    own, clock = api.services.results.moving, api.services.clock
    parts = (own._folder, own._intake, own._notes, own._foreign)
    return Moving(api.services.database, *parts, lambda: clock() + later, lambda: node)


def purge_of(api: Api, node: str, later: timedelta = timedelta()) -> Purge:
    services = api.services
    clock = lambda: services.clock() + later  # noqa: E731
    return Purge(services.database, services.hidden, services.thumbnails, clock, lambda: node)


@pytest.mark.parametrize(("at", "after"), [(1, False), (1, True), (2, False)])
def test_rejected_images_of_a_killed_node_are_moved_by_another(api: Api, at: int, after: bool) -> None:
    """When its lease has ended and not before; and what one put aside, another brings back."""
    study, images = a_series(api, 3)
    killed = KilledAt(api, at, after)
    with pytest.raises(KILLED):
        rejected(api, study, images[:1])
    killed.off()
    left = uids(api)
    moving_of(api, "other").run(api.archive)
    assert uids(api) == left
    moving_of(api, "other", ENDED).run(api.archive)
    assert uids(api) == set(images[1:])
    (one,) = api.get(REJECTIONS, "nurse").json["items"]
    assert not one["is_under_way"]
    decide(api, one, "undo", reason="good enough")
    assert uids(api) == set(images)
    assert list(api.services.settings.rejected_path.iterdir()) == []


def test_a_node_that_slept_takes_nothing_away_that_is_in_use_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """It slept before its last step; meanwhile another node has put the image aside, and a person took that back."""
    study, images = a_series(api, 2)
    really, asleep = api.archive.delete, list[int]()

    def delete(orthanc_instance_id: str) -> None:
        if not asleep:
            asleep.append(1)
            moving_of(api, "other", ENDED).run(api.archive)
            (one,) = api.get(REJECTIONS, "nurse").json["items"]
            api.services.results.rejections.undo(uuid.UUID(one["id"]), "good enough", Origin("rita"))
            moving_of(api, "other", ENDED).run(api.archive)
            assert uids(api) == set(images)
        really(orthanc_instance_id)

    monkeypatch.setattr(api.archive, "delete", delete)
    rejected(api, study, images[:1])
    assert asleep and uids(api) == set(images)


def test_a_purge_is_one_nodes_and_another_ends_it_a_minute_after_it_was_killed(api: Api) -> None:
    """Two nodes never delete the files of one study side by side."""
    uid = stored(api)
    deletion = approved(api, uid)
    grace_is_over(api)
    archive, other = Purging(), Purging()
    archive.fails = KILLED()
    with pytest.raises(KILLED):
        purge_of(api, "one").run(archive)
    assert purge_of(api, "other").run(other) == 0 and other.deleted == []
    assert status(api, deletion) == "purging"
    assert purge_of(api, "other", ENDED).run(other) == 1
    assert (status(api, deletion), other.deleted) == ("purged", [uid])
    assert purge_of(api, "one", 2 * ENDED).run(archive) == 0


def test_a_purge_is_of_one_study_at_a_time(api: Api) -> None:
    """A node closes what nobody may see any more between two of them, however many are due on one day."""
    due = {stored(api, f"ACC-{number}", f"MRN-{number}") for number in range(2)}
    for uid in due:
        approved(api, uid)
    grace_is_over(api)
    archive = Purging()
    assert (purge_of(api, "one").run(archive), len(archive.deleted)) == (1, 1)
    assert (purge_of(api, "one").run(archive), set(archive.deleted)) == (1, due)
    assert purge_of(api, "one").run(archive) == 0


class _Slow:
    """Just enough of the archive: a study of three images; a test says what happens while one is looked at."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._meanwhile = meanwhile
        self.deleted: list[str] = []

    def find(self, _level: str, **_keys: str) -> list[str]:
        return ["s"]

    def look(self, path: str) -> Any:
        if path.endswith("/series"):
            return []
        if path.endswith("/instances"):
            return [{"ID": number} for number in range(3)]
        if not path.endswith("/info"):
            return ["dicom"]
        self._meanwhile()
        return {"Uuid": "aabb-1"}

    def delete_resource(self, path: str) -> None:
        self.deleted.append(path)


def test_a_purge_that_takes_longer_than_a_lease_stays_with_its_node(api: Api, tmp_path: Path) -> None:
    """Thousands of images are looked at one by one; no other node begins with the same study meanwhile."""
    uid, later = stored(api), [timedelta()]
    deletion = approved(api, uid)
    grace_is_over(api)
    services = api.services

    def clock() -> datetime:
        return services.clock() + later[0]

    def purge(node: str) -> Purge:
        return Purge(services.database, services.hidden, services.thumbnails, clock, lambda: node)

    def meanwhile() -> None:
        later[0] += LEASE * 0.7
        assert purge("other").run(Purging()) == 0

    orthanc: Any = _Slow(meanwhile)
    assert purge("one").run(PurgingArchive(orthanc, FolderFiles(tmp_path), tmp_path / "purge")) == 1
    assert (orthanc.deleted, status(api, deletion)) == (["/studies/s"], "purged")


def test_a_node_that_slept_in_a_purge_deletes_nothing_that_came_after_it(api: Api, tmp_path: Path) -> None:
    """Another node has ended the purge; a modality may have sent the study again, and nobody has approved that."""
    deletion = approved(api, stored(api))
    grace_is_over(api)
    ended: list[int] = []

    def meanwhile() -> None:
        if not ended:
            ended.append(purge_of(api, "other", ENDED).run(Purging()))

    orthanc: Any = _Slow(meanwhile)
    archive = PurgingArchive(orthanc, FolderFiles(tmp_path), tmp_path / "purge")
    assert purge_of(api, "one").run(archive) == 0
    assert (ended, orthanc.deleted, status(api, deletion)) == ([1], [], "purged")


class _Orthanc:
    """Just enough of the archive: one study with two files, of which its index may know nothing any more."""

    def __init__(self) -> None:
        self.knows = True

    def find(self, _level: str, **_keys: str) -> list[str]:
        return ["s"] if self.knows else []

    def look(self, path: str) -> Any:
        if path.endswith(("/series", "/instances")):
            return []
        return {"Uuid": "aabb-1"} if path.endswith("/info") else ["dicom"]

    def delete_resource(self, _path: str) -> None:
        self.knows = False
        raise KILLED


def test_files_that_a_killed_purge_left_are_removed_by_another_node(tmp_path: Path) -> None:
    """Their names are in the folder that both share; the index of Orthanc knows them no more."""
    file = tmp_path / "aa" / "bb" / "aabb-1"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"image")
    orthanc: Any = _Orthanc()
    one, other = (PurgingArchive(orthanc, FolderFiles(tmp_path), tmp_path / "ehr-bridge" / "purge") for _ in range(2))
    with pytest.raises(KILLED):
        one.delete_study("1.2.3", lambda: None)
    assert file.exists()
    assert other.delete_study("1.2.3", lambda: None) == 0
    assert not file.exists() and list((tmp_path / "ehr-bridge" / "purge").iterdir()) == []
    assert one.delete_study("1.2.3", lambda: None) == 0  # nothing left to do


def records_of(api: Api, node: str) -> QuarantineRecords:
    folder = Quarantine(api.services.settings.quarantine_path)
    return QuarantineRecords(api.services.database, folder, api.services.clock, node, timedelta(days=7))


def waiting(api: Api) -> list[dict[str, Any]]:
    return list(api.get("/api/v1/quarantine", "technician").json["items"])


def test_what_one_node_kept_in_quarantine_is_shown_and_released_on_another(api: Api) -> None:
    """Counted once, and its sender is known, also when another node finds the file before its row is written."""
    data = small(PatientID="SCAN-8")
    other = records_of(api, "other")
    other.keep(data, "study_of_another_patient", Sender("cstore", "ae:CT1", "10.0.0.7"))
    assert api.services.quarantine.sweep(older_than=0) == 1
    assert records_of(api, "third").sweep(older_than=0) == 0
    other.flush()
    (entry,) = waiting(api)
    assert (entry["times_received"], entry["sent_by"]) == (1, "ae:CT1")
    api.place_order("ACC-1", "MRN-1")
    given = api.call(
        "POST",
        f"/api/v1/quarantine/{entry['id']}/give",
        "technician",
        json={"patient_id": "MRN-1", "reason": "wrong patient chosen at the console"},
    )
    assert (given.status_code, given.json["status"]) == (200, "given"), given.json
    assert len(uids(api)) == 1


def test_two_people_on_two_nodes_give_one_file_to_one_of_two_patients(api: Api) -> None:
    """The second hears that somebody is deciding; a node that is killed meanwhile holds the file for a minute."""
    api.services.quarantine.keep(small(PatientID="SCAN-8"), "study_of_another_patient")
    (entry,) = waiting(api)
    api.place_order("ACC-1", "MRN-1")
    body = {"patient_id": "MRN-1", "reason": "wrong patient chosen at the console"}
    path, database = f"/api/v1/quarantine/{entry['id']}", api.services.database
    with deciding(database, api.services.clock, uuid.UUID(entry["id"])):
        for verb in ("give", "discard"):
            answer = api.call(
                "POST", f"{path}/{verb}", "technician", json=body if verb == "give" else {"reason": "x" * 9}
            )
            assert (answer.status_code, answer.json["code"]) == (409, "quarantine_decided")
        with pytest.raises(Conflict), deciding(database, api.services.clock, uuid.UUID(entry["id"])):
            pass
        with deciding(database, lambda: api.services.clock() + ENDED, uuid.UUID(entry["id"])):
            pass
    assert uids(api) == set() and len(waiting(api)) == 1
    assert api.call("POST", f"{path}/give", "technician", json=body).status_code == 200


def test_a_file_that_comes_again_while_it_is_deleted_stays(tmp_path: Path) -> None:
    """Whoever deletes it on another node has decided so before it came; what a killed node left half done is tidied."""
    one, other = Quarantine(tmp_path), Quarantine(tmp_path)
    name = one.put(b"image", "rejected")
    decided = (tmp_path / name).stat().st_mtime + 1
    other.drop(name, decided - 2)
    assert one.read(name) == b"image"
    other.drop(name, decided)
    assert one.names() == []
    other.drop(name, decided)
    one.put(b"image", "rejected")
    (tmp_path / name).rename(tmp_path / f"{name}.going")
    other.tidy()
    assert one.read(name) == b"image" and len(list(tmp_path.iterdir())) == 1
