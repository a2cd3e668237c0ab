"""What becomes of an order while its images come, and when they have come."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pydicom
import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select, text

from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.registry.completion import Completion
from ehr_bridge.services.uploads.settling import settle_studies
from tests.api.conftest import Api
from tests.support.samples import small


class Clock:
    """The clock of the chore; images arrive at the true time."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


class Chore(Completion):
    def __init__(self, api: Api) -> None:
        self.clock = Clock()
        super().__init__(api.services.database, self.clock, timedelta(seconds=60))


@pytest.fixture
def completion(api: Api) -> Chore:
    return Chore(api)


def order(api: Api) -> dict[str, Any]:
    return dict(api.get("/api/v1/orders/ACC-1", "doctor").json)


def send(api: Api, placed: dict[str, Any], uid: str, upload: str = "", **values: Any) -> None:
    headers = {"X-Order-Id": placed["id"]} | ({"X-Upload-Id": upload} if upload else {})
    assert api.upload(small(StudyInstanceUID=uid, **values), headers=headers).status_code == 201


def events(api: Api, uid: str) -> list[str]:
    items = api.get(f"/api/v1/audit?study_instance_uid={uid}&limit=500", "admin").json["items"]
    return [event["action"] for event in reversed(items)]


def test_an_order_moves_on_with_its_images(api: Api, completion: Chore) -> None:
    """In progress at the first one, completed when nothing has come for a minute; then it stays so."""
    placed, uid, upload = api.place_order(), generate_uid(), "6b0f3c58-8f0d-4a51-9c3c-0f6c3f1e7a01"
    assert (placed["status"], completion.run()) == ("scheduled", 0)
    send(api, placed, uid, upload)
    assert order(api)["status"] == "in_progress"
    for series in (generate_uid(), generate_uid()):
        send(api, placed, uid, upload, SeriesInstanceUID=series, Modality="SR" if series.endswith("1") else "CT")
    completion.clock.now += timedelta(seconds=30)
    assert completion.run() == 0
    completion.clock.now += timedelta(seconds=60)
    api.services.recorder.settle()
    assert (completion.run(), completion.run()) == (1, 0)
    seen = order(api)
    assert seen["status"] == "completed"
    assert (seen["number_of_images"], seen["number_of_series"]) == (3, 3)
    assert (seen["study_instance_uid"], seen["study_date"]) == (uid, "2026-01-15")
    assert seen["study_time"].startswith("10:15")
    assert events(api, uid) == ["study.linked", "study.received", "order.completed"]


def test_a_thousand_images_are_one_event_each_door(api: Api, completion: Chore) -> None:
    """The audit trail tells of a study and who brought it, not of every slice."""
    placed, uid, upload = api.place_order(), generate_uid(), "6b0f3c58-8f0d-4a51-9c3c-0f6c3f1e7a02"
    template = pydicom.dcmread(io.BytesIO(small(StudyInstanceUID=uid, SOPInstanceUID="1.2.3.4000")))
    file = io.BytesIO()
    template.save_as(file)
    plain = file.getvalue()
    headers = {"X-Order-Id": placed["id"], "X-Upload-Id": upload}
    for number in range(1000):
        answer = api.upload(plain.replace(b"1.2.3.4000", b"1.2.3.4%03d" % number), headers=headers)
        assert answer.status_code == 201
    seen = api.get(f"/api/v1/dicom/studies/{uid}", "doctor").json
    assert (seen["number_of_instances"], seen["link_status"]) == (1000, "linked")
    assert order(api)["number_of_images"] == 1000
    assert events(api, uid) == ["study.linked", "study.received"]
    assert seen["study_date"] == date(2026, 1, 15).isoformat()


def test_a_cancelled_or_unlinked_study_completes_nothing(api: Api, completion: Chore) -> None:
    """Only an order in progress, by the study it shows."""
    api.place_order()
    assert api.upload(small(PatientID="NOBODY")).status_code == 201
    completion.clock.now += timedelta(days=1)
    assert completion.run() == 0
    assert order(api)["status"] == "scheduled"


def test_the_first_image_is_counted_as_all_images_are(api: Api) -> None:
    """Counting it by itself gives what counting all rows gives, on the study, its order and its upload."""
    placed, uid, upload = api.place_order(), generate_uid(), "6b0f3c58-8f0d-4a51-9c3c-0f6c3f1e7a03"

    def counted() -> list[Any]:
        with api.services.database.read() as session:
            return [
                list(session.execute(text(statement)).mappings())
                for statement in (
                    "SELECT number_of_instances, number_of_series, modalities, modality_key, is_settled FROM studies",
                    "SELECT number_of_images, number_of_series FROM orders",
                    "SELECT number_of_files, number_of_duplicates, total_size_bytes, upload_status, error_message,"
                    " upload_duration_seconds FROM dicom_upload_logs",
                )
            ]

    send(api, placed, uid, upload)
    before = counted()
    with api.services.database.write() as session:
        settle_studies(session, session.scalars(select(Study.id)).all())
    assert counted() == before
    assert (before[0][0]["number_of_instances"], before[1][0]["number_of_images"]) == (1, 1)
