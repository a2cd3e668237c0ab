"""Rejected images and their files when something is not as it should be: doubt, damage, a kill, a purge."""

from __future__ import annotations

import os
import uuid
from typing import Any

import pytest
from sqlalchemy import select, update

from ehr_bridge.db.states import JobStatus, LinkStatus
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.results.rejections import Rejection
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import RefusedInstance, Unavailable
from ehr_bridge.services.archive.rejected_images import RejectedImages
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.uploads.arrivals import Delivery, Door
from tests.api.conftest import Api
from tests.api.late_steps import catch_up, kept
from tests.api.rejection_steps import REJECTIONS, STUDIES, a_series, decide, held, look, rejected, uids
from tests.api.tag_steps import modify
from tests.support.samples import small

PETER = {"PatientID": "MRN-1", "PatientName": "Doe^Peter", "PatientSex": "M", "PatientBirthDate": "19450102"}


def status(api: Api, study: str) -> str:
    return str(api.get(f"{STUDIES}/{study}", "nurse").json["link_status"])


def kept_files(api: Api) -> list[Any]:
    return sorted(api.services.settings.rejected_path.glob("*.dcm"))


def key_of(api: Api, image: str) -> str:
    return next(key for key, data in api.archive.instances.items() if image.encode() in data)


def go_on(api: Api, rejection: dict[str, Any]) -> bool:
    return api.services.results.moving.carry_out(uuid.UUID(rejection["id"]), api.archive)


@pytest.mark.parametrize("is_settled", [False, True])
def test_an_image_of_somebody_else_returns_as_it_was_and_in_doubt(api: Api, is_settled: bool) -> None:
    """It names another person than its study. Rejected and taken back, it still does, also when somebody has decided
    about the study meanwhile: nobody has decided about this image."""
    study, images = a_series(api, 2)
    assert api.upload(small(StudyInstanceUID=study, **PETER)).status_code == 201
    assert status(api, study) == "ambiguous"
    before = dict(api.archive.instances)
    (other,) = uids(api) - set(images)
    first, second = rejected(api, study, [other], reason="wrong_worklist"), rejected(api, study, images[:1])
    if is_settled:
        api.services.recorder.settle()
        with api.services.database.write() as session:
            row = session.scalars(select(Study)).one()  # as the reconciliation list leaves it
            row.link_status, row.is_contradicted = LinkStatus.LINKED, False
        api.services.claims.forget()
    assert decide(api, second, "undo", reason="it was right").status_code == 200
    api.services.recorder.settle()
    assert status(api, study) == ("linked" if is_settled else "ambiguous")
    assert decide(api, first, "undo", reason="it was right").status_code == 200
    api.services.recorder.settle()
    assert api.archive.instances == before
    assert status(api, study) == "ambiguous"


def test_one_unreadable_image_does_not_keep_the_others(api: Api) -> None:
    """Neither on their way out nor on their way back; and a kept file that is damaged does not become an image."""
    study, images = a_series(api, 4)
    key = key_of(api, images[1])
    whole = api.archive.instances.pop(key)
    answer = rejected(api, study, images)
    assert answer["is_under_way"] and uids(api) == set()
    assert {one["sop_instance_uid"] for one in answer["images"] if one["is_put_aside"]} == set(images) - {images[1]}
    api.archive.instances[key] = whole
    assert go_on(api, answer) and uids(api) == set()
    damaged = next(path for path in kept_files(api) if images[2].encode() in path.read_bytes())
    bytes_of_it = damaged.read_bytes()
    damaged.write_bytes(bytes_of_it.replace(b"MRN-1", b"MRN-2"))
    missing = next(path for path in kept_files(api) if images[0].encode() in path.read_bytes())
    bytes_of_other = missing.read_bytes()
    missing.unlink()
    undone = decide(api, answer, "undo", reason="they were right").json
    assert undone["is_under_way"] and uids(api) == {images[1], images[3]}
    damaged.write_bytes(bytes_of_it)
    missing.write_bytes(bytes_of_other)
    assert go_on(api, answer) and uids(api) == set(images) and kept_files(api) == []


def test_a_damaged_image_of_the_study_does_not_keep_the_note_away(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another image says as well whose study it is."""
    study, images = a_series(api, 3)
    read, damaged = api.archive.read, sorted(key_of(api, one) for one in images[1:])[0]

    def read_whole(key: str) -> bytes:
        return read("gone" if key == damaged else key)

    with monkeypatch.context() as patched:
        patched.setattr(api.archive, "read", read_whole)
        patched.setattr(api.archive, "parent_study", api.archive.studies.__getitem__)
        assert rejected(api, study, images[:1])["is_under_way"] is False
    assert len(held(api, notes=True)) == 1


def test_no_file_stays_behind_that_nobody_knows(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the file was kept and before that was written down; then the rejection is taken back."""
    study, images = a_series(api)
    folder = api.services.results.moving._folder
    put = folder.put

    def put_and_die(data: bytes, code: str) -> str:
        put(data, code)
        raise Unavailable("archive_unavailable", "away")

    with monkeypatch.context() as patched:
        patched.setattr(folder, "put", put_and_die)
        answer = rejected(api, study, images[:1])
    assert len(kept_files(api)) == 1 and uids(api) == set(images)
    assert decide(api, answer, "undo", reason="at once").json["is_under_way"] is False
    assert kept_files(api) == [] and uids(api) == set(images)
    assert api.get(f"{REJECTIONS}/{answer['id']}", "nurse").json["status"] == "undone"
    look(api)
    assert rejected(api, study, images[:1])["is_under_way"] is False


def test_what_a_killed_node_left_of_files_is_cleared(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose image is back goes; one that was about to be deleted, and is in use again, is there again."""
    study, images = a_series(api)
    folder = api.services.results.moving._folder
    back, out = (rejected(api, study, [image]) for image in images[:2])
    with monkeypatch.context() as patched:
        patched.setattr(folder, "drop", lambda *_: None)  # killed before it
        assert decide(api, back, "undo", reason="good enough").json["is_under_way"] is False
    left = kept_files(api)
    assert len(left) == 2
    for path in left:
        os.utime(path, (1, 1))
    (used,) = (path for path in left if images[1].encode() in path.read_bytes())
    used.rename(used.with_name(f"{used.name}.going"))
    assert api.services.results.leftovers.clear() == 1
    assert kept_files(api) == [used]
    assert decide(api, out, "undo", reason="good enough").json["is_under_way"] is False
    assert uids(api) == set(images) and kept_files(api) == []


def test_a_full_disk_keeps_an_image_out_and_not_the_others_in(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """One cannot come back yet; wrong images are taken out all the same."""
    (study, images), (other, wrong) = a_series(api), a_series(api, 2, "ACC-2", "MRN-2")
    back = rejected(api, study, images[:1])
    with monkeypatch.context() as patched:

        def away(*_: Any) -> str:
            raise Unavailable("archive_unavailable", "away")

        patched.setattr(api.services.results.moving._folder, "put", away)
        assert rejected(api, other, wrong[:1])["is_under_way"] is True
        with api.services.database.write() as session:  # its turn comes after that of the other
            session.execute(update(Rejection).where(Rejection.id != uuid.UUID(back["id"])).values(leased_until=None))
    api.archive.is_full = True
    with monkeypatch.context() as patched:
        patched.setattr(api.services.results.moving, "carry_out", lambda *_: False)
        assert decide(api, back, "undo", reason="good enough").json["is_under_way"] is True
    look(api)
    assert uids(api) == {*images[1:], *wrong[1:]}
    api.archive.is_full = False
    assert go_on(api, back) and uids(api) == {*images, *wrong[1:]}


def test_a_rejected_image_that_the_archive_took_in_again_is_not_shown(api: Api) -> None:
    """Stored while nobody could be asked: found later, it goes to quarantine and leaves the archive; what came with it
    is recorded. While a job works on the study, that waits."""
    study, images = a_series(api)
    file = api.archive.instances[key_of(api, images[0])]
    rejection = rejected(api, study, images[:1])
    stored_again = kept(api, file)
    modify(api, study, StudyDate="20260201")
    with pytest.raises(Unavailable):
        catch_up(api)
    assert stored_again in api.archive.instances
    with api.services.database.write() as session:  # the job has ended
        session.execute(update(Modification).values(status=JobStatus.FAILED))
    assert catch_up(api) == 0 and stored_again not in api.archive.instances
    (waiting,) = api.get("/api/v1/quarantine?status=waiting", "technician").json["items"]
    assert (waiting["code"], waiting["sent_by"]) == ("rejected_image", "ae:MR1")
    (path,) = api.services.quarantine.folder._folder.glob("*.rejected_image.dcm")
    assert path.read_bytes() == file and rejection["status"] == "rejected"


def test_nothing_is_judged_before_it_is_known_what_is_rejected(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a start without a database an image is not let in as if none were rejected."""
    study, images = a_series(api)
    file = api.archive.instances[key_of(api, images[0])]
    rejected(api, study, images[:1])
    unknown = RejectedImages(api.services.database)
    delivery = Delivery(None, Door.C_STORE, "modality", Origin("ae:MR1"))

    def away() -> None:
        raise Unavailable("database_unavailable", "away")

    monkeypatch.setattr(api.services.intake, "rejected", unknown)
    with monkeypatch.context() as patched:
        patched.setattr(unknown, "refresh", away)
        with pytest.raises(Unavailable):
            api.services.intake.judge(file, delivery)
    with pytest.raises(RefusedInstance):
        api.services.intake.judge(file, delivery)
