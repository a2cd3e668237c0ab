"""What a reader sees while counts are being written."""

from __future__ import annotations

import threading
import time
import uuid
from functools import partial
from typing import Any

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select

from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.intake import recorder as recording
from ehr_bridge.services.intake.entries import open_entry
from ehr_bridge.services.uploads.settling import settle_studies
from tests.api.conftest import Api
from tests.support.asked import statements
from tests.support.samples import small


def test_a_reader_waits_for_counts_that_are_just_being_written(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker has taken the second image up and not committed it; whoever asks now sees two images, not one."""
    uid, headers = generate_uid(), {"X-Upload-Id": str(uuid.uuid4())}
    for _ in range(2):
        assert api.upload(small(StudyInstanceUID=uid), headers=headers).status_code == 201
    reached, go = threading.Event(), threading.Event()

    def slowly(*arguments: Any) -> None:
        reached.set()
        assert go.wait(20)
        settle_studies(*arguments)

    monkeypatch.setattr(recording, "settle_studies", slowly)
    seen: list[int] = []
    worker = threading.Thread(target=api.services.recorder.settle)
    reader = threading.Thread(target=lambda: seen.append(api.services.studies.get(uid).study.number_of_instances))
    worker.start()
    assert reached.wait(20)
    reader.start()
    reader.join(0.3)  # one who does not wait is done by now
    go.set()
    worker.join()
    reader.join()
    assert seen == [2]


def test_images_that_come_together_open_one_entry(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of four is slow to open it; the others wait for that and add themselves, nothing else."""
    uid, headers = generate_uid(), {"X-Upload-Id": str(uuid.uuid4())}
    together, record = threading.Barrier(4), api.services.recorder.record
    opened: list[Any] = []

    def at_once(arrival: Any) -> None:
        together.wait(120)
        record(arrival)

    def slowly(*arguments: Any) -> Any:
        opened.append(arguments)
        time.sleep(0.3)
        return open_entry(*arguments)

    monkeypatch.setattr(api.services.recorder, "record", at_once)
    monkeypatch.setattr(recording, "open_entry", slowly)
    statuses: list[int] = []

    def send() -> None:
        statuses.append(api.upload(small(StudyInstanceUID=uid), headers=headers).status_code)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (statuses, len(opened)) == ([201] * 4, 1)
    (entry,) = api.get(f"/api/v1/dicom/uploads/{headers['X-Upload-Id']}", "nurse").json["entries"]
    assert (entry["number_of_files"], entry["number_of_duplicates"]) == (4, 0)


def test_an_image_two_clients_send_at_once_is_counted_once_for_each(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first stored it and is slow to write that down; the second is told "duplicate" meanwhile."""
    uid = generate_uid()
    data = small(StudyInstanceUID=uid)
    slow, quick = ({"X-Upload-Id": str(uuid.uuid4()), "X-File-Name": name} for name in ("slow.dcm", "quick.dcm"))
    api.upload(small(StudyInstanceUID=uid), headers=slow)
    recorder = api.services.recorder
    record = recorder.record

    def meanwhile(arrival: Any) -> None:
        monkeypatch.setattr(recorder, "record", record)
        assert api.upload(data, headers=quick).json["instances"][0]["status"] == "duplicate"
        record(arrival)

    monkeypatch.setattr(recorder, "record", meanwhile)
    assert api.upload(data, headers=slow).json["instances"][0]["status"] == "stored"

    def counted(headers: dict[str, str]) -> tuple[int, int, list[tuple[str, str]]]:
        detail = api.get(f"/api/v1/dicom/uploads/{headers['X-Upload-Id']}", "nurse").json
        (entry,) = detail["entries"]
        files = [(file["file_name"], file["status"]) for file in detail["files"]]
        return entry["number_of_files"], entry["number_of_duplicates"], files

    assert counted(slow) == (2, 0, [("slow.dcm", "stored")] * 2)
    assert counted(quick) == (1, 1, [("quick.dcm", "duplicate")])


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "sent again"])
def test_the_fiftieth_file_of_a_study_asks_no_more_than_the_fifth(api: Api, is_new: bool) -> None:
    """Files sent one by one without an upload's id have an entry each; none looks at the others' entries."""
    uid = generate_uid()
    first = small(StudyInstanceUID=uid)
    asked: list[int] = []
    for _ in range(50):
        data = small(StudyInstanceUID=uid) if is_new and asked else first
        asked.append(len(statements(api.services.database, partial(api.upload, data))))
    # of ten in a row: on a busy machine some of them ask once more than their neighbours
    assert min(asked[40:]) <= max(asked[4:14])
    assert api.services.studies.get(uid).study.number_of_instances == (50 if is_new else 1)
    entries = api.get("/api/v1/dicom/uploads?limit=100", "nurse").json["items"]
    assert {(entry["number_of_files"], entry["upload_status"]) for entry in entries} == {(1, "success")}
    assert sum(entry["number_of_duplicates"] for entry in entries) == (0 if is_new else 49)


def test_entries_of_two_kinds_of_senders_are_all_brought_up_to_date(api: Api) -> None:
    """One file by itself, files that share an upload and are written later, one file by itself again, a failure."""
    uid, shared = generate_uid(), str(uuid.uuid4())
    api.upload(small(StudyInstanceUID=uid))
    for _ in range(3):
        assert api.upload(small(StudyInstanceUID=uid), headers={"X-Upload-Id": shared}).status_code == 201
    api.services.recorder.flush()
    assert api.upload(small(StudyInstanceUID=uid)).status_code == 201
    bad = small(StudyInstanceUID=uid, PatientID="X" * 300)
    assert api.upload(bad, headers={"X-Upload-Id": shared}).status_code == 422
    assert api.services.studies.get(uid).study.number_of_instances == 5
    entries = api.get("/api/v1/dicom/uploads", "nurse").json["items"]
    numbers = sorted((e["number_of_files"], e["upload_status"], e["error_message"]) for e in entries)
    assert numbers == [(1, "success", None), (1, "success", None), (4, "partial", "cannot_index (1)")]


def test_counting_the_first_image_again_changes_nothing(api: Api) -> None:
    """It was counted without asking the database; asking comes to the same."""
    api.place_order()
    answer = api.upload(small(), headers={"X-Accession-Number": "ACC-1"}).json
    uid = answer["studies"][0]["study_instance_uid"]

    def shown() -> list[dict[str, Any]]:
        paths = (f"/api/v1/dicom/studies/{uid}", "/api/v1/orders/ACC-1", f"/api/v1/dicom/uploads/{answer['upload_id']}")
        found = [dict(api.get(path, "nurse").json) for path in paths]
        return [{name: value for name, value in one.items() if name != "updated_at"} for one in found]

    first = shown()
    with api.services.database.write() as session:
        study = session.scalars(select(Study)).one()
        settle_studies(session, [study.id])
    assert shown() == first and first[0]["number_of_instances"] == 1
