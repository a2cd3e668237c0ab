"""Taking a split back after the EHR has changed its patients, and what may not run beside it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.identity_steps import merge
from tests.api.interrupted_steps import KILLED, KilledAt
from tests.api.privacy_steps import person, restrict
from tests.api.split_steps import held, mixed, new_study, read, register, split, study
from tests.api.tag_steps import files, job, jobs, modify, rows, tags, undo
from tests.support.samples import pixels


def renamed(api: Api, mrn: str, family_name: str) -> None:
    """The EHR corrects a name."""
    register(api, mrn, family_name)


def named(api: Api, uid: str) -> set[tuple[str, str]]:
    return {(str(one.PatientID), str(one.PatientName)) for one in held(api, uid)}


@pytest.mark.parametrize("is_running", [False, True], ids=["followed", "waiting"])
@pytest.mark.parametrize("whose", ["A-1", "B-1"])
def test_a_corrected_name_does_not_keep_a_split_from_being_undone(
    api: Api, tmp_path: Path, whose: str, is_running: bool
) -> None:
    """The images of a wrong patient must come back also when the EHR has corrected a letter since, whether the files
    have followed already or not; they say what the EHR says now."""
    mixed_up = mixed(api)
    pictures = {pixels(data) for data in files(api).values()}
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    jobs(api, tmp_path).run()
    new = new_study(api)["study_instance_uid"]
    renamed(api, whose, "Aldermann")
    if not is_running:
        jobs(api, tmp_path).run()
        jobs(api, tmp_path).run()
        assert ("B-1" if whose == "B-1" else "A-1", "Aldermann^Ann") in named(api, new) | named(api, mixed_up.uid)
    offered = {one["id"]: one["can_undo"] for one in tags(api, mixed_up.uid)["modifications"]}
    assert [key for key, can in offered.items() if can] == [asked["id"]]
    taken = undo(api, asked["id"])
    for _ in range(3):
        jobs(api, tmp_path).run()
    assert job(api, taken["id"])["status"] == "succeeded"
    assert held(api, new) == [] and rows(api) == set(files(api))
    assert {pixels(data) for data in files(api).values()} == pictures
    assert named(api, mixed_up.uid) == {("A-1", "Aldermann^Ann" if whose == "A-1" else "Adler^Ann")}
    assert study(api, mixed_up.uid)["number_of_instances"] == 4


def test_undone_after_the_new_patient_changed_all_bytes_are_the_former_ones(api: Api, tmp_path: Path) -> None:
    """Renamed twice and merged into another record: each change of the moved files is taken back in turn, and a kill in
    the middle loses none of them."""
    mixed_up = mixed(api)
    before = files(api)
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], order_id="ACC-B")
    jobs(api, tmp_path).run()
    for name in ("Bergmann", "Bergner"):
        renamed(api, "B-1", name)
        jobs(api, tmp_path).run()
    register(api, "B-2", "Bergner")
    merge(api, "B-1", "B-2")
    jobs(api, tmp_path).run()
    new = new_study(api, "B-2")["study_instance_uid"]
    assert named(api, new) == {("B-2", "Bergner^Ann")}
    undo(api, asked["id"])
    killed = KilledAt(api, 2, True)
    with pytest.raises(KILLED):
        jobs(api, tmp_path).run()
    killed.off()
    jobs(api, tmp_path).run()
    assert files(api) == before and rows(api) == set(before)


def test_after_an_undo_the_split_looks_for_no_more_images(api: Api, tmp_path: Path) -> None:
    """Ten seconds after its end the job of the split looked for images that had come again, and took those that the
    undo had brought back for images of the new study."""
    mixed_up = mixed(api)
    before = files(api)
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], order_id="ACC-B")
    jobs(api, tmp_path, timedelta(minutes=-10)).run()
    undo(api, asked["id"])
    jobs(api, tmp_path, timedelta(minutes=-10, seconds=5)).run()
    jobs(api, tmp_path, timedelta(minutes=-10, seconds=12)).run()  # the split's second look is due, the undo's is not
    assert files(api) == before and rows(api) == set(before)
    assert study(api, mixed_up.uid)["number_of_instances"] == 4


def test_nothing_else_changes_the_new_study_while_its_images_are_taken_back(api: Api, tmp_path: Path) -> None:
    """Neither a person's correction nor a change by the EHR, until the job that takes them back has ended."""
    mixed_up = mixed(api)
    before = files(api)
    asked = split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    jobs(api, tmp_path).run()
    new = new_study(api)["study_instance_uid"]
    undo(api, asked["id"])
    assert modify(api, new, 409, StudyDescription="CT of Berg")["code"] == "modification_running"
    renamed(api, "B-1", "Bergmann")
    killed = KilledAt(api, 2, True)  # one of the two images is back
    with pytest.raises(KILLED):
        jobs(api, tmp_path).run()
    killed.off()
    jobs(api, tmp_path).run()
    assert files(api) == before
    trail = api.get("/api/v1/audit?action=study.followed", "admin").json["items"]
    assert new not in {one["study_instance_uid"] for one in trail}


def test_a_patient_whom_the_ehr_changed_since_is_looked_at_again(api: Api) -> None:
    """The comparison showed Berg; by the time of the decision the record says something else."""
    mixed_up = mixed(api)
    body: dict[str, Any] = {"series": [mixed_up.wrong], "patient_id": "B-1"}
    path = f"/api/v1/reconciliation/{mixed_up.uid}/split/compare"
    told = api.call("POST", path, "radiologist", json=body).json
    renamed(api, "B-1", "Bohm")
    assert split(api, mixed_up.uid, 409, expected=told["version"], **body)["code"] == "study_changed"
    told = api.call("POST", path, "radiologist", json=body).json
    split(api, mixed_up.uid, expected=told["version"], **body)


def test_images_on_their_way_to_a_restricted_patient_are_closed_from_the_first_one_on(api: Api, tmp_path: Path) -> None:
    """The new study is linked at the end of the job; whoever may not see the patient may not open it before that."""
    mixed_up = mixed(api)
    restrict(api, "B-1", "doctor")
    split(api, mixed_up.uid, role="doctor", status=403, series=[mixed_up.wrong], patient_id="B-1")
    restrict(api, "B-1", "radiologist")
    split(api, mixed_up.uid, series=[mixed_up.wrong], patient_id="B-1")
    killed = KilledAt(api, 1, True)  # the first copy is stored
    with pytest.raises(KILLED):
        jobs(api, tmp_path).run()
    killed.off()
    (new,) = {str(read(data).StudyInstanceUID) for data in files(api).values()} - {mixed_up.uid}
    restrictions = api.services.restrictions
    assert new in restrictions.closed_to(person("doctor")).studies
    assert new not in restrictions.closed_to(person("radiologist")).studies
    jobs(api, tmp_path).run()
    restrictions.refresh()
    assert new in restrictions.closed_to(person("doctor")).studies
