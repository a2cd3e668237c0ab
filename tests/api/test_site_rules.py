"""A site's own coercion rules hold for stored studies as they do for arriving ones; on both databases."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydantic import SecretStr
from pydicom.uid import generate_uid

from ehr_bridge.api.app import create_app
from ehr_bridge.db.database import Database
from ehr_bridge.services.bundle import build_services
from ehr_bridge.settings import Settings
from tests.api.conftest import Api
from tests.api.late_steps import c_store, catch_up, kept
from tests.api.link_steps import audited, link, one, put_order, put_patient, study, unlink
from tests.api.tag_steps import files, jobs, store, undo
from tests.support.archive import FakeArchive
from tests.support.samples import encoded, small
from tests.support.server import SECRET

RULES = """
[[rule]]
attribute = "PatientID"
from = "patient.mrn"

[[rule]]
attribute = "PatientSex"
from = "patient.sex"
when = "empty"

[[rule]]
attribute = "PatientBirthDate"
from = "patient.birth_date"
on_conflict = "flag"
doors = ["stow_rs"]

[[rule]]
attribute = "StudyDescription"
from = "order.description"
doors = ["c_store"]

[[rule]]
attribute = "InstitutionName"
value = "Mobile unit"
calling_ae_titles = ["BUS1"]
"""
SAID = ("PatientID", "PatientName", "PatientSex", "StudyDescription", "InstitutionName")
GOOD = {
    "PatientID": "MRN-1",
    "PatientName": "LINDQVIST^ASA",
    "PatientBirthDate": "19610314",
    "AccessionNumber": "ACC-1",
}


@pytest.fixture
def ruled(database: Database, tmp_path: Path) -> Iterator[Api]:
    """The API of a site with rules of its own."""
    path = tmp_path / "rules.toml"
    path.write_text(RULES)
    services = build_services(Settings(jwt_secret=SecretStr(SECRET), data_dir=tmp_path, coercion_rules=path), database)
    archive = FakeArchive()
    app = create_app(services, archive, {"database": lambda: True, "worker": lambda: True})
    yield Api(app, services, archive)


def said(api: Api, uid: str) -> list[tuple[str, ...]]:
    """What each file of a study says of what the rules are about."""
    found = []
    for data in api.archive.instances.values():
        ds = pydicom.dcmread(io.BytesIO(data))
        if uid == ds.StudyInstanceUID:
            found.append(tuple(str(ds.get(keyword) or "") for keyword in SAID))
    return sorted(found)


def by_two_modalities(api: Api, **values: str) -> str:
    """One image from the bus, one from a scanner of the house; the study's UID."""
    uid = generate_uid()
    c_store(api, small(StudyInstanceUID=uid, **GOOD | values), "BUS1")
    c_store(api, small(StudyInstanceUID=uid, **GOOD | values), "MR1")
    return uid


LINKED = [
    ("MRN-1", "LINDQVIST^ASA", "F", "Brain", ""),
    ("MRN-1", "LINDQVIST^ASA", "F", "Brain", "Mobile unit"),
]
"""What the two say once linked, before their order or after it: nobody is renamed, the bus has a rule of its own."""


def test_a_file_whose_attributes_a_rule_replaced_is_a_duplicate_when_it_is_sent_again(ruled: Api) -> None:
    """Stored by a modality under a rule of its own; the disc's copy is the same file, another description is not."""
    put_patient(ruled, status=201)
    put_order(ruled, description="Brain")
    data = small(StudyInstanceUID=(uid := generate_uid()), StudyDescription="MR head", **GOOD)
    c_store(ruled, data, "BUS1")
    assert said(ruled, uid) == [("MRN-1", "LINDQVIST^ASA", "F", "Brain", "Mobile unit")]
    assert ruled.upload(data).json["instances"][0]["status"] == "duplicate"
    ds = pydicom.dcmread(io.BytesIO(data))
    ds.StudyDescription = "MR knee"
    assert ruled.upload(encoded(ds)).json["code"] == "same_uid_other_content"


def test_images_before_their_order_end_as_images_after_it(ruled: Api, tmp_path: Path) -> None:
    """By door and caller; taking the link back restores every byte."""
    late = by_two_modalities(ruled)
    before = files(ruled)
    put_patient(ruled, status=201)
    put_order(ruled, description="Brain")
    jobs(ruled, tmp_path).run()
    assert study(ruled, late)["link_status"] == "linked" and said(ruled, late) == LINKED
    made = ruled.get(f"/api/v1/dicom/studies/{late}/history", "nurse").json["items"][-1]
    undo(ruled, made["job_id"])
    jobs(ruled, tmp_path).run()
    assert files(ruled) == before
    assert said(ruled, by_two_modalities(ruled)) == LINKED


def test_a_person_links_and_unlinks_by_the_same_rules(ruled: Api, tmp_path: Path) -> None:
    """From one patient to another and away: what only fills a gap fills it anew, what came from an order goes."""
    put_patient(ruled, status=201)
    put_order(ruled, description="Brain")
    uid = by_two_modalities(ruled)
    assert said(ruled, uid) == LINKED
    put_patient(ruled, "MRN-2", 201, family_name="Berg", given_name="Bo", sex="male")
    link(ruled, uid, patient_id="MRN-2", expected=one(ruled, uid)["version"])
    jobs(ruled, tmp_path).run()
    assert said(ruled, uid) == [
        ("MRN-2", "LINDQVIST^ASA", "M", "MR brain", ""),
        ("MRN-2", "LINDQVIST^ASA", "M", "MR brain", "Mobile unit"),
    ]
    unlink(ruled, uid)
    jobs(ruled, tmp_path).run()
    assert said(ruled, uid) == [("MRN-1", "LINDQVIST^ASA", "", "MR brain", "")] * 2


def test_where_the_door_is_not_known_only_rules_for_all_doors_hold(ruled: Api, tmp_path: Path) -> None:
    """An upload over HTTP, and a file nobody knows the sender of: no description, no institution."""
    uid = store(ruled, 1, **GOOD)
    put_patient(ruled, status=201)
    put_order(ruled, description="Brain")
    kept(ruled, small(StudyInstanceUID=uid, **GOOD), None)
    for _ in range(2):
        jobs(ruled, tmp_path).run()
        catch_up(ruled)
    assert said(ruled, uid) == [("MRN-1", "LINDQVIST^ASA", "F", "MR brain", "")] * 2


def test_renamed_people_and_renumbered_orders_change_what_the_rules_name(ruled: Api, tmp_path: Path) -> None:
    """No rule writes a name here; a merge changes the number, and the description is the order's, whatever it says."""
    put_patient(ruled, status=201)
    put_patient(ruled, "MRN-2", 201)
    put_order(ruled, description="Brain")
    uid = by_two_modalities(ruled)
    put_patient(ruled, family_name="Berg")
    merged = ruled.call("POST", "/api/v1/patients/MRN-1/merge", "service", json={"into": "MRN-2", "reason": "one"})
    assert merged.status_code == 202
    for _ in range(3):
        jobs(ruled, tmp_path).run()
    assert study(ruled, uid)["mrn"] == "MRN-2"
    assert said(ruled, uid) == [("MRN-2", *row[1:]) for row in LINKED]
    put_order(ruled, mrn="MRN-2", description="Head")
    for _ in range(2):
        jobs(ruled, tmp_path).run()
    assert {row[3] for row in said(ruled, uid)} == {"Head"}


def test_an_image_kept_for_later_gets_what_its_sender_s_rules_say(ruled: Api, tmp_path: Path) -> None:
    """The archive knows who sent it while the database was away."""
    put_patient(ruled, status=201)
    put_order(ruled, description="Brain")
    uid = generate_uid()
    for sender in ("BUS1", "MR1"):
        kept(ruled, small(StudyInstanceUID=uid, **GOOD), sender)
    assert catch_up(ruled) == 2
    for _ in range(2):
        jobs(ruled, tmp_path).run()
    assert study(ruled, uid)["link_status"] == "linked" and said(ruled, uid) == LINKED


def test_a_conflict_that_is_flagged_goes_to_a_person_whenever_it_is_found(ruled: Api, tmp_path: Path) -> None:
    """The EHR corrects a birth date; the rule for this door keeps the file's and wants somebody to look."""
    put_patient(ruled, status=201)
    put_order(ruled)
    uid = generate_uid()
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + small(StudyInstanceUID=uid, **GOOD) + b"\r\n--b--\r\n"
    sent = ruled.call(
        "POST",
        "/api/v1/dicom-web/studies",
        "technician",
        data=body,
        content_type='multipart/related; type="application/dicom"; boundary=b',
    )
    assert sent.status_code == 200, sent.data
    assert study(ruled, uid)["link_status"] == "linked"
    put_patient(ruled, birth_date="1961-03-15")
    for _ in range(2):
        jobs(ruled, tmp_path).run()
    (data,) = files(ruled).values()
    assert pydicom.dcmread(io.BytesIO(data)).PatientBirthDate == "19610314"
    assert study(ruled, uid)["link_status"] == "ambiguous"
    assert audited(ruled, uid).count("study.contradicted") == 1
    link(ruled, uid, order_id="ACC-1")
    for _ in range(2):
        jobs(ruled, tmp_path).run()
    assert study(ruled, uid)["link_status"] == "linked"
