"""Jobs on links when something comes in between: killed, late images, images of somebody else; on both databases."""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select

from ehr_bridge.db.tables.studies import Study
from ehr_bridge.services.modifying.runner import SWEEP_AFTER, ModificationJobs
from tests.api.conftest import Api
from tests.api.interrupted_steps import KILLED, KilledAt
from tests.api.late_steps import other_patients_image
from tests.api.link_steps import ASA, SCANNER, changes, identities, link, one, put_order, put_patient, study, unlink
from tests.api.tag_steps import files, job, jobs, modify, rows, store, undo
from tests.support.samples import small

OTHER = ("SCAN-8", "OTHER^NAME", "", "", "", "")


def step(worker: ModificationJobs) -> int:
    """As much as the worker does when it has no time: one piece of the work."""
    return ModificationJobs.run(worker, 0)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 5))
@pytest.mark.parametrize("of_two_patients", [False, True])
def test_a_link_killed_at_any_step_is_made_after_the_start(
    api: Api, tmp_path: Path, of_two_patients: bool, at: int, after: bool
) -> None:
    """Each image is in the archive or in the spool; nobody is linked until every file says so; undo is exact."""
    api.place_order()
    uid = store(api, 1)
    if of_two_patients:
        other_patients_image(api, uid, "SCANNER^NAME")
    else:
        store(api, 1, StudyInstanceUID=uid)
    before, seen = files(api), study(api, uid)
    asked = link(api, uid, order_id="ACC-1")
    killed = KilledAt(api, at, after)
    with pytest.raises(KILLED):
        jobs(api, tmp_path).run()
    killed.off()
    kept = [*files(api).values(), *(p.read_bytes() for p in (tmp_path / "modifying").glob("*.dcm"))]
    names = {pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID for data in kept}
    assert names == {pydicom.dcmread(io.BytesIO(data)).SOPInstanceUID for data in before.values()}
    assert study(api, uid)["link_status"] == seen["link_status"]
    assert jobs(api, tmp_path).run() == 0
    assert job(api, asked["id"])["status"] == "succeeded"
    assert study(api, uid)["link_status"] == "linked"
    assert identities(api, uid) == {ASA} and rows(api) == set(files(api))
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    assert files(api) == before and study(api, uid) == seen


def test_images_that_come_while_the_job_runs_are_linked_too(api: Api, tmp_path: Path) -> None:
    """The modality goes on sending under its old identity."""
    api.place_order()
    uid = store(api, 3)
    asked = link(api, uid, order_id="ACC-1")
    worker, rounds = jobs(api, tmp_path), 0
    while step(worker) and rounds < 100:
        if rounds < 3:
            store(api, 1, StudyInstanceUID=uid)
        rounds += 1
    assert job(api, asked["id"])["number_done"] == len(files(api)) == 6
    assert identities(api, uid) == {ASA} and rows(api) == set(files(api))


def test_an_image_of_somebody_else_that_comes_before_anything_is_touched_stops_the_link(
    api: Api, tmp_path: Path
) -> None:
    """The person looked at a study of one patient; now it is one of two."""
    api.place_order()
    uid = store(api, 2)
    before = files(api)
    asked = link(api, uid, order_id="ACC-1")
    other_patients_image(api, uid)
    jobs(api, tmp_path).run()
    assert (job(api, asked["id"])["status"], job(api, asked["id"])["error_code"]) == ("failed", "study_changed")
    assert before.items() <= files(api).items() and one(api, uid)["why"] == "contradicted"


def test_an_image_of_somebody_else_that_comes_during_a_link_stays_what_it_is(api: Api, tmp_path: Path) -> None:
    """Nothing overwrites it, not even the later look for stragglers, and a person has to look again."""
    api.place_order()
    uid = store(api, 3)
    asked = link(api, uid, order_id="ACC-1")
    worker = jobs(api, tmp_path)
    while job(api, asked["id"])["number_done"] == 0:
        step(worker)
    other_patients_image(api, uid)
    jobs(api, tmp_path).run()
    assert job(api, asked["id"])["status"] == "succeeded"
    assert identities(api, uid) == {ASA, OTHER}
    assert (one(api, uid)["why"], study(api, uid)["mrn"]) == ("contradicted", "MRN-1")
    jobs(api, tmp_path, later=2 * SWEEP_AFTER).run()
    assert identities(api, uid) == {ASA, OTHER}
    put_patient(api, family_name="Berg")
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {ASA, OTHER}  # files of a doubtful study follow nobody
    assert (changes(api)[0]["status"], changes(api)[0]["number_failed"]) == ("incomplete", 1)
    link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    assert {identity[:2] for identity in identities(api, uid)} == {("MRN-1", "Berg^Åsa")}
    assert study(api, uid)["link_status"] == "linked"


def test_an_image_of_somebody_else_that_comes_after_a_link_is_not_swept_into_it(api: Api, tmp_path: Path) -> None:
    """Within the ten seconds in which stragglers are looked for; unlinking gives everybody back their own."""
    api.place_order()
    uid = store(api, 2)
    link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    other_patients_image(api, uid)
    jobs(api, tmp_path, later=2 * SWEEP_AFTER).run()
    assert identities(api, uid) == {ASA, OTHER} and one(api, uid)["why"] == "contradicted"
    unlink(api, uid)
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {SCANNER, OTHER}
    assert study(api, uid)["link_status"] == "ambiguous"


def test_an_undo_does_not_give_an_image_of_somebody_else_to_the_former_patient(api: Api, tmp_path: Path) -> None:
    """It came after the link that is taken back."""
    api.place_order()
    put_patient(api, "MRN-2", 201, family_name="Okafor")
    uid = store(api, 2)
    link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    asked = link(api, uid, patient_id="MRN-2", expected=one(api, uid)["version"])
    jobs(api, tmp_path).run()
    other_patients_image(api, uid)
    undo(api, asked["id"])
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {ASA, OTHER}
    assert (one(api, uid)["why"], study(api, uid)["mrn"]) == ("contradicted", "MRN-1")


def test_what_the_ehr_changes_while_a_link_is_made_is_carried_in_the_end(api: Api, tmp_path: Path) -> None:
    """Renamed, moved to another patient, cancelled: the study goes where the order went, and says so."""
    api.place_order()
    put_patient(api, "MRN-2", 201, family_name="Okafor")
    renamed, moved, cancelled = (store(api, 1) for _ in range(3))
    link(api, renamed, order_id="ACC-1")
    put_patient(api, family_name="Berg")
    put_order(api, "ACC-2")
    link(api, moved, order_id="ACC-2")
    put_order(api, "ACC-2", "MRN-2")
    put_order(api, "ACC-3")
    link(api, cancelled, order_id="ACC-3")
    api.call("POST", "/api/v1/orders/ACC-3/cancel", "service")
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert {identity[:2] for identity in identities(api, renamed)} == {("MRN-1", "Berg^Åsa")}
    assert {identity[:2] for identity in identities(api, moved)} == {("MRN-2", "Okafor^Åsa")}
    assert identities(api, cancelled) == {("MRN-1", "Berg^Åsa", "19610314", "F", "", "")}
    assert [study(api, uid)["mrn"] for uid in (renamed, moved, cancelled)] == ["MRN-1", "MRN-2", "MRN-1"]
    assert study(api, cancelled)["order_id"] is None


def test_a_link_that_comes_back_carries_what_the_ehr_says_now(api: Api, tmp_path: Path) -> None:
    """The patient was renamed while the study was somebody else's."""
    api.place_order()
    put_patient(api, "MRN-2", 201, family_name="Okafor")
    uid = store(api, 2)
    link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    asked = link(api, uid, patient_id="MRN-2", expected=one(api, uid)["version"])
    jobs(api, tmp_path).run()
    put_patient(api, family_name="Berg")
    undo(api, asked["id"])
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert {identity[:2] for identity in identities(api, uid)} == {("MRN-1", "Berg^Åsa")}


def test_a_straggler_that_was_judged_before_the_link_gets_it_later(api: Api, tmp_path: Path) -> None:
    """Another node had decided already, and stored the image when the job was over."""
    api.place_order()
    uid = store(api, 2)
    link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    api.archive.store(small(StudyInstanceUID=uid, SeriesInstanceUID=generate_uid()))
    assert identities(api, uid) == {ASA, SCANNER}
    jobs(api, tmp_path, later=2 * SWEEP_AFTER).run()
    assert identities(api, uid) == {ASA}


def test_a_modification_right_after_a_link_does_not_keep_the_patient_as_a_correction(api: Api, tmp_path: Path) -> None:
    """When the link goes, the name goes; only the corrected date stays. Stragglers get both."""
    api.place_order()
    uid = store(api, 2)
    link(api, uid, order_id="ACC-1")
    jobs(api, tmp_path).run()
    modify(api, uid, StudyDate="20260201")
    jobs(api, tmp_path).run()
    with api.services.database.read() as session:
        assert session.scalars(select(Study)).one().corrections == {"StudyDate": "20260201"}
    api.archive.store(small(StudyInstanceUID=uid, SeriesInstanceUID=generate_uid()))
    jobs(api, tmp_path, later=2 * SWEEP_AFTER).run()
    assert identities(api, uid) == {ASA}
    dates = {str(pydicom.dcmread(io.BytesIO(data)).StudyDate) for data in files(api).values()}
    assert dates == {"20260201"} and study(api, uid)["study_date"] == "2026-02-01"
    unlink(api, uid)
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {SCANNER}
