"""The System page's numbers: what is stored, what waits, what needs somebody; on both databases."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from ehr_bridge.api.app import create_app
from ehr_bridge.db.tables.logs import ORTHANC_CHANGES, Cursor
from ehr_bridge.db.tables.modifications import Modification
from ehr_bridge.db.tables.uploads import DicomUploadLog
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.system.restarts import note_death
from ehr_bridge.services.system.state import ADVICE
from ehr_bridge.storage.files import Disk, ObjectState
from tests.api.conftest import Api
from tests.api.tag_steps import job, jobs, modify, store
from tests.support.samples import small
from tests.unit.doc_steps import code, rows

SYSTEM = "/api/v1/system"


def system(api: Api) -> dict[str, Any]:
    answer = api.get(SYSTEM, "admin")
    assert answer.status_code == 200, answer.json
    return dict(answer.json)


def attention(api: Api) -> dict[str, int | None]:
    return {each["code"]: each["count"] for each in system(api)["attention"]}


def fail(api: Api, job_id: str, status: str = "failed") -> None:
    """As the worker leaves a job whose images it could not change."""
    with api.services.database.write() as session:
        job = update(Modification).where(Modification.id == uuid.UUID(job_id))
        session.execute(job.values(status=status, error_code="changed_since", finished_at=api.services.clock()))


def send_in_part(api: Api, upload_id: uuid.UUID) -> None:
    """Two files in one request, of which one is none."""
    parts = b"".join(
        b"--b\r\nContent-Type: application/dicom\r\n\r\n" + data + b"\r\n" for data in (small(), b"not DICOM")
    )
    answer = api.call(
        "POST",
        "/api/v1/dicom/upload-multiple",
        "technician",
        data=parts + b"--b--\r\n",
        content_type='multipart/related; type="application/dicom"; boundary=b',
        headers={"X-Upload-Id": str(upload_id)},
    )
    assert answer.json["status"] == "partial", answer.json


def test_an_empty_archive_needs_nobody(api: Api) -> None:
    """All counts are zero, and nothing is to be done."""
    said = system(api)
    nothing: dict[str, object] = {
        "archive_bytes": 0,
        "uncompressed_bytes": 0,
        "number_of_studies": 0,
        "number_of_instances": 0,
    }
    nothing |= {"forecast": {"days": 0, "bytes_per_day": None, "full_on": None}}
    assert said["storage"] == {"free_bytes": 600, "total_bytes": 1000, "objects": None} | nothing
    counts = {"instances_to_record": 0, "changes_to_check": 0, "uploads_under_way": 0, "quarantined": 0}
    assert said["queue"] == counts | {"jobs": {"waiting": 0, "running": 0, "failed": 0, "stuck": 0}}
    assert said["fixity"] == {"days": 30.0, "checked_until": None, "damaged": 0, "latest": []}
    assert said["restarts"] == {"recent": 0, "latest": None, "cause": None}
    assert said["attention"] == said["failed_jobs"] == []


def test_deaths_of_orthanc_are_counted_for_a_day(api: Api) -> None:
    """As the launcher wrote them down; what is no line of it, or half of one, is passed over."""
    path, now = api.services.settings.restarts_path, datetime.now(UTC)
    note_death(path, now - timedelta(days=3), "code 255")
    assert system(api)["restarts"]["recent"] == 0
    assert attention(api) == {}
    note_death(path, now - timedelta(hours=1), "signal SIGKILL")
    note_death(path, now, "signal SIGSEGV")
    with path.open("a") as file:
        file.write("nonsense\n2026-11-2")
    said = system(api)["restarts"]
    assert (said["recent"], said["cause"], said["latest"][:16]) == (2, "signal SIGSEGV", f"{now:%Y-%m-%dT%H:%M}")
    assert attention(api) == {"restarted": 2}


def test_what_is_stored_and_not_recorded_yet_is_counted(api: Api) -> None:
    """In the archive, on the way to the recorder, in the recorder, and in the archive's log of changes."""
    series = {"StudyInstanceUID": "1.2.3.4", "SeriesInstanceUID": "1.2.3.4.1"}
    headers = {"X-Upload-Id": str(uuid.uuid4())}
    for _ in range(3):
        api.upload(small(**series), headers=headers)
    said = system(api)
    size = sum(map(len, api.archive.instances.values()))
    assert (said["storage"]["archive_bytes"], said["storage"]["number_of_instances"]) == (size, 3)
    # the first instance opened its entry and is written; the others wait for their moment
    assert (said["queue"]["instances_to_record"], said["queue"]["changes_to_check"]) == (2, 3)
    api.services.recorder.flush()
    with api.services.database.write() as session:
        session.add(Cursor(name=ORTHANC_CHANGES, position=2))
    assert (system(api)["queue"]["instances_to_record"], system(api)["queue"]["changes_to_check"]) == (0, 1)

    app = create_app(api.services, api.archive, {}, lambda: 5)
    assert system(Api(app, api.services, api.archive))["queue"]["instances_to_record"] == 5


def test_jobs_are_counted_by_what_they_wait_for(api: Api, tmp_path: Path) -> None:
    """Asked for, running, done."""
    asked = modify(api, store(api), StudyDate="20260201")
    assert system(api)["queue"]["jobs"] == {"waiting": 1, "running": 0, "failed": 0, "stuck": 0}
    with api.services.database.write() as session:
        session.execute(update(Modification).values(status="running"))
    assert system(api)["queue"]["jobs"] == {"waiting": 0, "running": 1, "failed": 0, "stuck": 0}
    with api.services.database.write() as session:
        session.execute(update(Modification).values(status="waiting"))
    assert system(api)["queue"]["jobs"]["waiting"] == 1
    with api.services.database.write() as session:
        session.execute(update(Modification).values(status="queued"))
    jobs(api, tmp_path).run()
    assert job(api, asked["id"])["status"] == "succeeded"
    assert system(api)["queue"]["jobs"] == {"waiting": 0, "running": 0, "failed": 0, "stuck": 0}


@pytest.mark.parametrize("status", ["failed", "partial"])
def test_a_failed_job_is_named_until_somebody_asked_again(api: Api, tmp_path: Path, status: str) -> None:
    """With its study and why; a later job of the study settles it."""
    uid = store(api)
    asked = modify(api, uid, StudyDate="20260201")
    fail(api, asked["id"], status)
    said = system(api)
    (named,) = said["failed_jobs"]
    assert (named["id"], named["study_instance_uid"], named["kind"]) == (asked["id"], uid, "modify")
    assert (named["status"], named["error_code"]) == (status, "changed_since")
    assert attention(api) == {"jobs_failed": 1}
    assert said["attention"][0]["advice"] == ADVICE["jobs_failed"]

    modify(api, uid, StudyDate="20260202")
    jobs(api, tmp_path).run()
    assert (attention(api), system(api)["failed_jobs"]) == ({}, [])


def test_a_failed_job_of_a_deleted_study_needs_nobody(api: Api) -> None:
    """Nobody can open it any more."""
    uid = store(api)
    fail(api, modify(api, uid, StudyDate="20260201")["id"])
    path = f"/api/v1/dicom/studies/{uid}"
    assert api.call("DELETE", path, "radiologist", headers={"X-Reason": "sent twice"}).status_code == 202
    assert attention(api) == {}


def test_an_upload_is_under_way_until_all_its_files_came(api: Api) -> None:
    """Announced as two."""
    series = {"StudyInstanceUID": "1.2.3.4", "SeriesInstanceUID": "1.2.3.4.1"}
    headers = {"X-Upload-Id": str(uuid.uuid4()), "X-Upload-Total": "2"}
    api.upload(small(**series), headers=headers)
    assert (system(api)["queue"]["uploads_under_way"], attention(api)) == (1, {})
    api.upload(small(**series), headers=headers)
    api.services.recorder.settle()
    assert (system(api)["queue"]["uploads_under_way"], attention(api)) == (0, {})


def test_an_upload_that_came_in_part_needs_somebody_for_a_day(api: Api) -> None:
    """Then it stays in the history only."""
    send_in_part(api, uuid.uuid4())
    api.services.recorder.settle()
    assert attention(api) == {"uploads_incomplete": 1}
    with api.services.database.write() as session:
        session.execute(update(DicomUploadLog).values(uploaded_at=api.services.clock() - timedelta(hours=25)))
    assert attention(api) == {}


def test_files_in_quarantine_are_counted(api: Api) -> None:
    """Whole ones; one that is just being written is none yet."""
    folder = api.services.settings.quarantine_path
    folder.mkdir(parents=True)
    for name in (f"{'a' * 64}.nested_too_deep.dcm", f"{'b' * 64}.malformed.dcm", f"{'c' * 64}.malformed.17.part"):
        (folder / name).write_bytes(b"")
    assert api.services.quarantine.sweep(older_than=0) == 2
    assert system(api)["queue"]["quarantined"] == 2
    assert attention(api) == {"quarantined": 2}


def test_a_disk_that_is_nearly_full_is_told_before_it_is(api: Api) -> None:
    """Less than a tenth is free."""
    api.archive.disk = Disk(99, 1000)
    assert attention(api) == {"storage_low": None}
    api.archive.disk = Disk(100, 1000)
    assert attention(api) == {}


def test_images_that_wait_too_long_for_the_object_storage_are_told(api: Api) -> None:
    """Five minutes, or at once where somebody must do something: it refuses our keys."""
    now = api.services.clock()
    state = ObjectState(7, 700, 1000, now - timedelta(minutes=4), 0, "away", now)
    api.archive.in_bucket = state
    assert attention(api) == {}
    assert system(api)["storage"]["objects"] | {"oldest_at": None, "failing_since": None} == {
        "waiting": 7,
        "waiting_bytes": 700,
        "limit_bytes": 1000,
        "oldest_at": None,
        "removing": 0,
        "error": "away",
        "failing_since": None,
    }
    api.archive.in_bucket = replace(state, oldest_at=now - timedelta(minutes=6))
    assert attention(api) == {"objects_waiting": 7}
    api.archive.in_bucket = ObjectState(0, 0, 1000, None, 0, "not_allowed", now)
    assert attention(api) == {"objects_waiting": 1}
    api.archive.disk = None
    api.archive.in_bucket = ObjectState(0, 0, 1000, None, 0, None, None, Disk(99, 1000))
    assert attention(api) == {"storage_low": None}  # the disk on which they would wait


def test_somebody_who_is_refused_again_and_again_is_counted(api: Api) -> None:
    """As the alarm of the audit trail has it."""
    for _ in range(50):
        api.services.refusals.alarms.count("mallory", "192.0.2.66")
    assert attention(api) == {"refused_often": 1}


def test_an_archive_that_does_not_answer_leaves_the_rest_to_be_seen(api: Api) -> None:
    """Not known is null, not nought."""
    store(api, 1)
    api.archive.refuses = Unavailable("archive_unavailable", "away")
    said = system(api)
    assert said["storage"]["number_of_instances"] is said["queue"]["changes_to_check"] is None
    assert said["storage"]["free_bytes"] == 600


def test_no_patient_is_in_the_numbers(api: Api) -> None:
    """Whoever sets up machines need not know who lies in them."""
    order = api.place_order()
    uid = api.upload(small(), headers={"X-Order-Id": order["id"]}).json["studies"][0]["study_instance_uid"]
    fail(api, modify(api, uid, StudyDate="20260201")["id"])
    text = api.get(SYSTEM, "admin").text
    assert uid in text
    assert not [word for word in ("Lindqvist", "MRN-1", "ACC-1", "SCANNER") if word in text]


def test_what_needs_somebody_is_documented_with_what_to_do() -> None:
    """The table in api.md, line by line."""
    assert {code(row[0]): row[2] for row in rows("api.md", "Audit, health, accounts")} == ADVICE
