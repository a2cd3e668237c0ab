"""Tags of stored studies: reading, modifying as a job, undoing to the byte, refusing; on both databases."""

from __future__ import annotations

import hashlib
import io
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import generate_uid
from sqlalchemy import inspect, select

from ehr_bridge.db.tables.modifications import ModificationInstance
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services.archive import holdings
from ehr_bridge.services.modifying.rows import finish
from ehr_bridge.services.modifying.runner import SWEEP_AFTER
from ehr_bridge.services.uploads.settling import settle_studies
from tests.api.conftest import Api
from tests.api.link_steps import study
from tests.api.tag_steps import files, job, jobs, modify, rows, said, store, tags, undo, value_of
from tests.support.samples import pixels, small


def test_modifying_changes_every_instance_and_keeps_what_was(api: Api, tmp_path: Path) -> None:
    """The header says the new values, the file and the ledger the old ones, the pixels are the same."""
    uid = store(api)
    before = files(api)
    asked = modify(api, uid, PatientName="Öberg^Kaj", StudyDate="2026-02-01")
    assert (asked["status"], asked["kind"], asked["study_instance_uid"]) == ("queued", "modify", uid)
    assert jobs(api, tmp_path).run() == 0
    done = job(api, asked["id"])
    assert (done["status"], done["number_of_instances"], done["number_done"]) == ("succeeded", 3, 3)
    assert set(files(api)) == set(before) == rows(api)
    for instance_id, data in files(api).items():
        ds = pydicom.dcmread(io.BytesIO(data))
        assert (str(ds.PatientName), ds.StudyDate, ds.PatientID) == ("Öberg^Kaj", "20260201", "SCAN-7")
        item = ds.OriginalAttributesSequence[-1]
        assert item.ReasonForTheAttributeModification == "CORRECT"
        assert item.ModifiedAttributesSequence[0].PatientName == "SCANNER^NAME"
        assert pixels(data) == pixels(before[instance_id])
    assert api.archive.refreshed == [uid]
    shown = study(api, uid)
    assert (shown["study_date"], shown["patient_name"], shown["number_of_instances"]) == ("2026-02-01", "Öberg^Kaj", 3)


def test_all_that_a_person_may_correct_is_corrected(api: Api, tmp_path: Path) -> None:
    """In the files and in the list; what the tags route calls modifiable, and nothing else."""
    uid = store(api)
    changes: dict[str, Any] = {
        "PatientID": "P-9",
        "PatientName": "Schmidt, Anne",
        "PatientBirthDate": "1984-05-06",
        "PatientSex": "F",
        "AccessionNumber": "A-9",
        "StudyDate": "2026-02-01",
        "StudyDescription": "Left knee",
        "Laterality": "L",
    }
    assert {tag["tag"] for tag in tags(api, uid)["tags"] if tag["is_modifiable"]} == set(changes)
    modify(api, uid, **changes)
    jobs(api, tmp_path).run()
    written = changes | {"PatientName": "Schmidt^Anne", "PatientBirthDate": "19840506", "StudyDate": "20260201"}
    assert {keyword: said(api, keyword) for keyword in changes} == {k: {v} for k, v in written.items()}
    shown = study(api, uid)
    assert (shown["study_description"], shown["patient_name"]) == ("Left knee", "Schmidt^Anne")


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("Schmidt, Anne", "Schmidt^Anne"),
        ("van der Berg , Jan Pieter", "van der Berg^Jan Pieter"),
        ("Yamada, Tarou=山田，太郎", "Yamada^Tarou=山田^太郎"),
        ("Schmidt^Anne^^^MD, PhD", "Schmidt^Anne^^^MD, PhD"),
        ("Suharto", "Suharto"),
    ],
)
def test_a_name_typed_with_a_comma_is_family_and_given_name(api: Api, tmp_path: Path, typed: str, written: str) -> None:
    """A family name with a comma in it is never stored."""
    uid = store(api, 1)
    modify(api, uid, PatientName=typed)
    jobs(api, tmp_path).run()
    (data,) = files(api).values()
    assert str(pydicom.dcmread(io.BytesIO(data)).PatientName) == written


def test_tags_say_now_and_before_and_who_and_when(api: Api, tmp_path: Path) -> None:
    """From the file and from the ledger."""
    uid = store(api)
    asked = modify(api, uid, StudyDate="20260201")
    jobs(api, tmp_path).run()
    date = value_of(api, uid, "StudyDate")
    assert (date["value"], date["original"], date["is_modifiable"]) == ("20260201", "20260115", True)
    assert (date["history"][0]["reason"], date["history"][0]["modifying_system"]) == ("CORRECT", "ORTHANC EHR BRIDGE")
    assert date["history"][0]["changed_at"] is not None
    assert value_of(api, uid, "PatientName")["history"] == []
    (entry,) = tags(api, uid)["modifications"]
    assert (entry["id"], entry["requested_by"], entry["can_undo"]) == (asked["id"], "technician", True)
    assert entry["reason"] == "wrong patient chosen at the console"
    assert entry["changes"] == [{"tag": "StudyDate", "before": "20260115", "after": "20260201", "instances": 3}]


def test_tags_show_what_was_coerced_on_arrival(api: Api) -> None:
    """The scanner's values, in the file's own character set."""
    order = api.place_order()
    data = small(PatientName="Ångström^Bo", SpecificCharacterSet="ISO_IR 100")
    uid = api.upload(data, headers={"X-Order-Id": order["id"]}).json["studies"][0]["study_instance_uid"]
    name = value_of(api, uid, "PatientName")
    assert (name["value"], name["original"], name["history"][0]["reason"]) == (
        "Lindqvist^Åsa",
        "Ångström^Bo",
        "COERCE",
    )


def test_series_that_disagree_are_shown(api: Api) -> None:
    """No value of a study is hidden behind another."""
    uid = store(api, 1)
    store(api, 1, StudyInstanceUID=uid, SeriesInstanceUID=generate_uid(), StudyDate="20260116")
    date = value_of(api, uid, "StudyDate")
    assert sorted([date["value"], *date["other_values"]]) == ["20260115", "20260116"]


@pytest.mark.parametrize(
    "changes",
    [
        {"StudyDate": "20260201"},
        {"PatientName": "Öberg^Kaj", "AccessionNumber": ""},
        {"PatientID": "P-2", "PatientName": "Öberg^Kaj"},
        {"PatientBirthDate": "1984-05-06", "PatientSex": "O", "StudyDescription": "Knee", "Laterality": "L"},
    ],
)
def test_undo_restores_every_byte_and_every_row(api: Api, tmp_path: Path, changes: dict[str, Any]) -> None:
    """Whatever was modified, the identifiers of Orthanc included."""
    uid = store(api)
    before, shown = files(api), study(api, uid)
    asked = modify(api, uid, **changes)
    jobs(api, tmp_path).run()
    assert not set(before.values()) & set(files(api).values())
    assert rows(api) == set(files(api))
    taken_back = undo(api, asked["id"])
    jobs(api, tmp_path).run()
    assert job(api, taken_back["id"])["status"] == "succeeded"
    assert files(api) == before
    assert rows(api) == set(before)
    assert study(api, uid) == shown
    assert [m["can_undo"] for m in tags(api, uid)["modifications"]] == [False, False]
    assert undo(api, asked["id"], 409)["code"] == "cannot_undo"
    with api.services.database.read() as session:
        assert session.scalars(select(Study)).one().corrections == {}


def test_a_new_patient_id_moves_the_study_and_everything_that_names_it(api: Api, tmp_path: Path) -> None:
    """Orthanc's ids follow from the PatientID: study, upload log and instances name the new ones."""
    uid = store(api)
    old = files(api)
    modify(api, uid, PatientID="P-2")
    jobs(api, tmp_path).run()
    assert not set(old) & set(files(api)) and len(files(api)) == 3
    shown = study(api, uid)
    (moved,) = {api.archive.studies[i] for i in files(api)}
    assert (shown["orthanc_study_id"], shown["number_of_instances"]) == (moved, 3)
    entry = api.get("/api/v1/dicom/uploads", "nurse").json["items"][0]
    assert entry["orthanc_study_id"] == moved


def test_an_image_that_was_recorded_under_its_old_id_is_counted_once(api: Api, tmp_path: Path) -> None:
    """A modality sends while a job gives its images new ids: the recorder may come after the job."""
    uid = store(api)
    old = sorted(files(api))[0]
    asked = modify(api, uid, PatientID="P-NEW")
    jobs(api, tmp_path).run()
    with api.services.database.write() as session:
        known = session.scalars(select(Instance)).first()
        assert known is not None
        columns = {column.key: getattr(known, column.key) for column in inspect(Instance).column_attrs}
        session.add(Instance(**{**columns, "orthanc_instance_id": old}))
        session.flush()
        settle_studies(session, [known.study_id])
    assert study(api, uid)["number_of_instances"] == 4
    with api.services.database.write() as session:
        finish(session, uuid.UUID(asked["id"]), None, datetime.now(UTC))
    assert study(api, uid)["number_of_instances"] == 3
    entries = api.get("/api/v1/dicom/uploads", "nurse").json["items"]
    assert sum(entry["number_of_files"] for entry in entries) == 3


def test_the_same_patient_id_again_deletes_nothing(api: Api, tmp_path: Path) -> None:
    """Orthanc's own modification loses the study here (facts 3.3): same ids, and then the source is removed."""
    uid = store(api)
    before = files(api)
    asked = modify(api, uid, PatientID="SCAN-7")
    jobs(api, tmp_path).run()
    assert files(api) == before
    assert (job(api, asked["id"])["status"], job(api, asked["id"])["number_done"]) == ("succeeded", 0)
    modify(api, uid, PatientID="SCAN-7 ", PatientName="Öberg^Kaj")
    jobs(api, tmp_path).run()
    assert set(files(api)) == set(before) and said(api, "PatientName") == {"Öberg^Kaj"}


def test_instances_that_arrive_later_get_the_modified_identity(api: Api, tmp_path: Path) -> None:
    """Whether they come with the old one or, from a corrected worklist, with the new one."""
    uid = store(api)
    modify(api, uid, PatientID="P-2", PatientName="Öberg^Kaj")
    jobs(api, tmp_path).run()
    store(api, 1, StudyInstanceUID=uid)
    store(api, 1, StudyInstanceUID=uid, PatientID="P-2", PatientName="Öberg^Kaj")
    assert said(api, "PatientID") == {"P-2"} and said(api, "PatientName") == {"Öberg^Kaj"}
    assert api.get(f"/api/v1/dicom/studies/{uid}", "nurse").json["link_status"] == "unlinked"


def test_undo_brings_back_what_arrived_in_between_too(api: Api, tmp_path: Path) -> None:
    """One study, one identity: those that had been given the new values on their way in get the former ones."""
    uid = store(api)
    before = files(api)
    asked = modify(api, uid, PatientID="P-2", StudyDate="20260201")
    jobs(api, tmp_path).run()
    store(api, 1, StudyInstanceUID=uid)
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    assert before.items() <= files(api).items() and len(files(api)) == 4
    assert said(api, "PatientID") == {"SCAN-7"} and said(api, "StudyDate") == {"20260115"}
    assert rows(api) == set(files(api))


def test_an_instance_that_was_on_its_way_is_found_later(api: Api, tmp_path: Path) -> None:
    """Judged before the job began, stored after it ended: the second look catches it."""
    uid = store(api)
    asked = modify(api, uid, PatientID="P-2")
    jobs(api, tmp_path).run()
    late = small(StudyInstanceUID=uid)
    api.archive.store(late)
    jobs(api, tmp_path).run()
    assert "SCAN-7" in said(api, "PatientID")
    jobs(api, tmp_path, SWEEP_AFTER + timedelta(seconds=1)).run()
    assert said(api, "PatientID") == {"P-2"} and len(files(api)) == 4
    assert job(api, asked["id"])["number_done"] == 4


def test_the_same_image_sent_again_under_its_old_identity_is_a_duplicate(api: Api, tmp_path: Path) -> None:
    """It came past us into the archive; the study does not end up twice."""
    uid = store(api)
    first = next(iter(files(api).values()))
    modify(api, uid, PatientID="P-2")
    jobs(api, tmp_path).run()
    modified = files(api)
    api.archive.store(first)
    jobs(api, tmp_path, SWEEP_AFTER + timedelta(seconds=1)).run()
    assert files(api) == modified


def test_only_one_modification_of_a_study_runs_at_a_time(api: Api, tmp_path: Path) -> None:
    """The second hears so; another study does not wait; afterwards it is its turn, and undo goes backwards."""
    uid, other = store(api, 1), store(api, 1)
    before = files(api)
    first = modify(api, uid, StudyDate="20260201")
    assert modify(api, uid, 409, StudyDate="20260301")["code"] == "modification_running"
    assert undo(api, first["id"], 409)["code"] == "modification_running"
    modify(api, other, StudyDate="20260401")
    jobs(api, tmp_path).run()
    second = modify(api, uid, PatientName="Öberg^Kaj")
    jobs(api, tmp_path).run()
    assert undo(api, first["id"], 409)["code"] == "cannot_undo"
    for asked in (second, first):
        undo(api, asked["id"])
        jobs(api, tmp_path).run()
    own = {i for i, data in before.items() if pydicom.dcmread(io.BytesIO(data)).StudyInstanceUID == uid}
    assert {i: files(api)[i] for i in own} == {i: before[i] for i in own}


def test_who_a_linked_study_is_the_ehr_says(api: Api, tmp_path: Path) -> None:
    """Its date is free, and so is what agrees with the link; anything else is refused."""
    order = api.place_order()
    uid = api.upload(small(), headers={"X-Order-Id": order["id"]}).json["studies"][0]["study_instance_uid"]
    for keyword, value in (("PatientID", "X"), ("PatientName", "Else^Who"), ("AccessionNumber", "")):
        assert modify(api, uid, 409, **{keyword: value})["code"] == "study_is_linked"
    modify(api, uid, StudyDate="20260201", PatientID="MRN-1", PatientName="Lindqvist^Åsa^^")
    jobs(api, tmp_path).run()
    seen = api.get("/api/v1/orders/ACC-1", "nurse").json
    assert (seen["study_date"], seen["number_of_images"]) == ("2026-02-01", 1)
    assert said(api, "PatientName") == {"Lindqvist^Åsa"}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"changes": {"Modality": "CT"}}, 422, "invalid_request"),
        ({"changes": {"ReferringPhysicianName": "A^B"}}, 422, "invalid_request"),
        ({"changes": {"PatientSex": "W"}}, 422, "invalid_request"),
        ({"changes": {"Laterality": "B"}}, 422, "invalid_request"),
        ({"changes": {"PatientBirthDate": "1984"}}, 422, "invalid_request"),
        ({"changes": {"PatientBirthDate": "2090-01-01"}}, 422, "invalid_request"),
        ({"changes": {"StudyDescription": "x" * 65}}, 422, "invalid_request"),
        ({"changes": {"PatientName": "Schmidt, Anne, Maria"}}, 422, "invalid_request"),
        ({"changes": {"PatientName": "Schmidt, Anne^Maria"}}, 422, "invalid_request"),
        ({"changes": {"StudyInstanceUID": "1.2"}}, 422, "invalid_request"),
        ({"changes": {"StudyDate": "20260231"}}, 422, "invalid_request"),
        ({"changes": {"PatientName": "a\\b"}}, 422, "invalid_request"),
        ({"changes": {"PatientID": " "}}, 422, "invalid_request"),
        ({"changes": {"PatientID": 7}}, 422, "invalid_request"),
        ({"changes": {}}, 422, "invalid_request"),
        ({"reason": "  "}, 422, "invalid_request"),
        ({"reason": None}, 422, "invalid_request"),
        ({"more": 1}, 422, "invalid_request"),
        ({"study_instance_uid": "1.2.3"}, 404, "study_not_found"),
        ({"study_instance_uid": "x"}, 422, "invalid_request"),
    ],
)
def test_a_wrong_request_changes_nothing(api: Api, body: dict[str, Any], status: int, code: str) -> None:
    """Only the modifiable tags, only values a file may get, always with a reason."""
    uid = store(api, 1)
    right = {"study_instance_uid": uid, "changes": {"StudyDate": "20260201"}, "reason": "typing error"}
    answer = api.call("POST", "/api/v1/dicom/modify-tags", "technician", json=right | body)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert tags(api, uid)["modifications"] == []


def test_without_a_reason_nothing_is_undone_and_unknown_ids_are_not_found(api: Api) -> None:
    """In words, not in defects."""
    nobody = "00000000-0000-4000-8000-000000000000"
    answer = api.call("POST", f"/api/v1/modifications/{nobody}/undo", "technician", json={})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert undo(api, nobody, 404)["code"] == "modification_not_found"
    assert api.get(f"/api/v1/jobs/{nobody}", "nurse").json["code"] == "job_not_found"
    assert api.get("/api/v1/jobs/7", "nurse").json["code"] == "invalid_request"
    assert api.get("/api/v1/dicom/tags/1.2.3", "nurse").json["code"] == "study_not_found"


def test_a_file_that_is_being_replaced_is_read_when_it_is_there_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job takes a file away just before it stores the new one; who asks in between hears what the file says."""
    uid = store(api, 1)
    files = dict(api.archive.instances)
    api.archive.instances.clear()
    monkeypatch.setattr(holdings, "sleep", lambda _: api.archive.instances.update(files))
    answer = api.get(f"/api/v1/dicom/tags/{uid}", "nurse")
    assert (answer.status_code, answer.json["study_instance_uid"]) == (200, uid)


def test_files_that_cannot_be_read_say_503(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are there, the archive is not."""
    monkeypatch.setattr(holdings, "sleep", lambda _: None)
    uid = store(api, 1)
    api.archive.instances.clear()
    answer = api.get(f"/api/v1/dicom/tags/{uid}", "nurse")
    assert (answer.status_code, answer.json["code"]) == (503, "archive_unavailable")


def test_the_audit_trail_names_request_and_result_and_no_values(api: Api, tmp_path: Path) -> None:
    """Ids, keywords and counts."""
    uid = store(api)
    asked = modify(api, uid, PatientName="Öberg^Kaj")
    jobs(api, tmp_path).run()
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    events = api.get(f"/api/v1/audit?study_instance_uid={uid}", "admin").json["items"]
    assert [e["action"] for e in events if e["action"] != "study.received"][::-1] == [
        "study.modification_requested",
        "study.modified",
        "study.undo_requested",
        "study.modification_undone",
    ]
    modified = next(e for e in events if e["action"] == "study.modified")
    assert modified["detail"]["instances"] == 3 and modified["detail"]["tags"] == ["PatientName"]
    assert "berg" not in str(events) and "SCANNER" not in str(events)
    assert api.get("/api/v1/audit/verify", "admin").json["ok"] is True


def test_the_ledger_keeps_digests_of_both_forms(api: Api, tmp_path: Path) -> None:
    """So that anybody can check later what was there and what came of it; former bytes take little room."""
    uid = store(api, 1)
    ((instance_id, before),) = files(api).items()
    modify(api, uid, StudyDate="20260201")
    jobs(api, tmp_path).run()
    with api.services.database.read() as session:
        row = session.scalars(select(ModificationInstance)).one()
    assert row.sha256_before == hashlib.sha256(before).hexdigest()
    assert row.sha256_after == hashlib.sha256(files(api)[instance_id]).hexdigest()
    assert len(row.former) < 2000
