"""What an administrator asks the upload log: by whom, of whom, what, from where, when, which file."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from ehr_bridge.db.tables.uploads import DicomUploadLog
from tests.api.conftest import Api
from tests.support.samples import small
from tests.support.server import user_token

DAY = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def log(api: Api) -> Api:
    """Four uploads, a day apart: of rita for a patient, of rita with a broken file, from a CD by omar, of a service."""
    order = api.place_order()
    sent: list[tuple[str, str, dict[str, str]]] = [
        ("rita", "10.0.0.1", {"X-Order-Id": order["id"], "X-Upload-Source": "manual", "X-File-Name": "IM_0001.dcm"}),
        ("rita", "10.0.0.1", {"X-File-Name": "Sch%C3%A4del.dcm", "X-Upload-Source": "manual"}),
        ("omar", "10.0.0.2", {"X-File-Name": "im%25x.dcm", "X-Upload-Source": "cd_import"}),
        ("ehr", "fd00::1", {}),
    ]
    for number, (actor, address, headers) in enumerate(sent):
        upload_id = uuid.uuid4()
        files = [small(), b"a letter " * 60] if number == 1 else [small()]
        for data in files:
            api.client.post(
                "/api/v1/dicom/upload",
                data=data,
                content_type="application/dicom",
                headers=headers
                | {"X-Upload-Id": str(upload_id), "Authorization": f"Bearer {user_token('technician', subject=actor)}"},
                environ_base={"REMOTE_ADDR": address},
            )
        with api.services.database.write() as session:
            entry = update(DicomUploadLog).where(DicomUploadLog.upload_id == upload_id)
            session.execute(entry.values(uploaded_at=DAY + timedelta(days=number)))
    return api


def find(api: Api, **query: Any) -> list[tuple[str, int]]:
    """Who uploaded on which day, as listed; the total must say the same number."""
    answer = api.get("/api/v1/dicom/uploads", "nurse", query_string=query)
    assert answer.status_code == 200, answer.json
    items = answer.json["items"]
    assert answer.json["total"] == len(items)
    return [(i["uploaded_by"], int(i["uploaded_at"][8:10]) - 1) for i in items]


def test_the_log_is_listed_newest_first(log: Api) -> None:
    """Without a filter: everything."""
    assert find(log) == [("ehr", 3), ("omar", 2), ("rita", 1), ("rita", 0)]
    page = log.get("/api/v1/dicom/uploads?limit=2&offset=1", "nurse").json
    assert ([i["uploaded_by"] for i in page["items"]], page["total"]) == (["omar", "rita"], 4)


FILTERS: list[tuple[dict[str, str], list[int]]] = [
    ({"uploaded_by": "rita"}, [1, 0]),
    ({"uploaded_by": "Rita"}, []),
    ({"patient": "MRN-1"}, [0]),
    ({"upload_source": "cd_import"}, [2]),
    ({"upload_source": "manual", "uploaded_by": "rita"}, [1, 0]),
    ({"upload_status": "partial"}, [1]),
    ({"upload_status": "success"}, [3, 2, 0]),
    ({"source_address": "10.0.0.1"}, [1, 0]),
    ({"source_address": "fd00::1"}, [3]),
    ({"from": "2026-03-02T00:00:00Z"}, [3, 2, 1]),
    ({"to": "2026-03-02T00:00:00Z"}, [0]),
    ({"from": "2026-03-02T01:00:00+01:00", "to": "2026-03-03T00:00:00Z"}, [1]),
    ({"file_name": "im"}, [2, 0]),
    ({"file_name": "IM_"}, [0]),
    ({"file_name": "%"}, [2]),
    ({"file_name": "Schädel"}, [1]),
    ({"file_name": "im", "from": "2026-03-02T00:00:00Z"}, [2]),
    ({"uploaded_by": "", "file_name": "", "from": "", "patient": "", "study_instance_uid": ""}, [3, 2, 1, 0]),
]


def test_each_filter_finds_its_uploads_and_no_other(log: Api) -> None:
    """Alone and together; the total counts what is found."""
    for query, days in FILTERS:
        assert [day for _, day in find(log, **query)] == days, query


def test_a_patient_is_named_by_mrn_or_id_and_a_study_by_its_uid(log: Api) -> None:
    """An unknown patient is an error, an unknown study an empty list."""
    (entry,) = log.get("/api/v1/dicom/uploads?patient=MRN-1", "nurse").json["items"]
    assert find(log, patient=entry["patient_id"]) == [("rita", 0)]
    assert find(log, study_instance_uid=entry["study_instance_uid"]) == [("rita", 0)]
    assert find(log, study_instance_uid="1.2.3") == []
    answer = log.get("/api/v1/dicom/uploads?patient=NOBODY", "nurse")
    assert (answer.status_code, answer.json["code"]) == (404, "patient_not_found")


def test_a_file_that_failed_is_found_by_its_name_too(log: Api) -> None:
    """The broken one carries the name of the image it was sent with."""
    api = log
    headers = {"X-Upload-Id": str(uuid.uuid4())}
    api.upload(small(), headers=headers)
    api.upload(b"a letter " * 60, headers=headers | {"X-File-Name": "BROKEN-7.dcm"})
    assert len(find(api, file_name="broken-7")) == 1


def test_the_log_of_one_patient_takes_the_same_filters(log: Api) -> None:
    """But for the patient, who stands in the path."""
    path = "/api/v1/dicom/uploads/patient/MRN-1"
    assert log.get(path + "?uploaded_by=rita", "nurse").json["total"] == 1
    assert log.get(path + "?uploaded_by=omar", "nurse").json["total"] == 0
    assert log.get(path + "?patient=MRN-1", "nurse").status_code == 422


NONSENSE = [
    ("from=yesterday", "from"),
    ("from=2026-03-01T00:00:00", "from"),
    ("study_instance_uid=1.2.*", "study_instance_uid"),
    ("upload_status=done", "upload_status"),
    ("upload_source=email", "upload_source"),
    ("uploader=rita", "uploader"),
]


def test_a_filter_that_means_nothing_is_refused_by_name(api: Api) -> None:
    """A wish that is not understood is not ignored."""
    for query, field in NONSENSE:
        answer = api.get(f"/api/v1/dicom/uploads?{query}", "nurse")
        assert answer.status_code == 422, query
        assert [e["field"] for e in answer.json["errors"]] == [field]


def test_an_entry_says_where_it_came_from(log: Api) -> None:
    """The address that the audit trail has too."""
    (entry,) = log.get("/api/v1/dicom/uploads?uploaded_by=omar", "nurse").json["items"]
    assert entry["source_address"] == "10.0.0.2"
