"""Restricted patients whose records are merged, and whose images move on: nothing of them gets out that way."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ehr_bridge.services.bundle import build_services
from tests.api.conftest import Api
from tests.api.link_steps import link, one, unlink
from tests.api.privacy_steps import ACCESS, break_glass, person, restrict
from tests.api.tag_steps import jobs, store
from tests.support.samples import small


def with_study(api: Api, mrn: str, number: str) -> str:
    """A patient with an order and a study that answers it; its UID."""
    order = api.place_order(number, mrn, family_name=mrn.title())
    uploaded = api.upload(small(), headers={"X-Order-Id": order["id"]})
    assert uploaded.status_code == 201, uploaded.json
    return str(uploaded.json["studies"][0]["study_instance_uid"])


def merge(api: Api, mrn: str, into: str) -> None:
    body = {"into": into, "reason": "registered twice"}
    assert api.call("POST", f"/api/v1/patients/{mrn}/merge", "service", json=body).status_code == 202


def unmerge(api: Api, mrn: str) -> None:
    body = {"reason": "two people"}
    assert api.call("POST", f"/api/v1/patients/{mrn}/unmerge", "service", json=body).status_code == 202


def statuses(api: Api, role: str, mrns: Iterable[str], uids: Iterable[str], orders: Iterable[str] = ()) -> set[int]:
    """What somebody is answered who asks for these patients, studies and orders."""
    paths = [f"/api/v1/patients/{mrn}" for mrn in mrns] + [f"/api/v1/dicom/studies/{uid}" for uid in uids]
    paths += [f"/api/v1/orders/{number}" for number in orders]
    return {api.get(path, role).status_code for path in paths}


def listed(api: Api, role: str) -> str:
    """All that the lists show somebody, as text."""
    paths = (
        "/api/v1/patients?q=",
        "/api/v1/orders",
        "/api/v1/dicom/studies",
        "/api/v1/dicom/uploads",
        "/api/v1/changes",
    )
    return json.dumps([api.get(path, role).json for path in paths])


def test_merging_a_restricted_record_into_an_open_one_restricts_the_survivor(api: Api) -> None:
    """Images and orders that went along stay with the people on the list; a list still can be lifted, for all."""
    uid, other = with_study(api, "MRN-SECRET", "ACC-S"), with_study(api, "MRN-OTHER", "ACC-O")
    restrict(api, "MRN-SECRET", "nurse")
    merge(api, "MRN-SECRET", "MRN-OTHER")
    both = ["MRN-SECRET", "MRN-OTHER"], [uid, other], ["ACC-S", "ACC-O"]
    assert statuses(api, "doctor", *both) == {403}
    assert statuses(api, "nurse", *both) == {200}
    for word in ("MRN-SECRET", "MRN-OTHER", "ACC-S", "ACC-O", uid, other):
        assert word not in listed(api, "doctor"), word
        assert word in listed(api, "nurse"), word
    assert api.call("DELETE", f"{ACCESS}/restrictions/MRN-OTHER", "admin").status_code == 204
    assert statuses(api, "doctor", *both) == {200}
    assert api.get(f"{ACCESS}/restrictions", "admin").json["total"] == 0


def test_a_record_merged_into_a_restricted_one_is_restricted_until_that_is_taken_back(api: Api) -> None:
    """By its own MRN, in search and among the changes; on another node too."""
    uid, other = with_study(api, "MRN-SECRET", "ACC-S"), with_study(api, "MRN-OTHER", "ACC-O")
    restrict(api, "MRN-SECRET", "nurse")
    elsewhere = build_services(api.services.settings, api.services.database)
    elsewhere.sight.refresh()
    assert elsewhere.sight.unseen(person("doctor")) == {uid}
    merge(api, "MRN-OTHER", "MRN-SECRET")
    elsewhere.sight.refresh()
    assert elsewhere.sight.unseen(person("doctor")) == {uid, other}
    assert elsewhere.restrictions.patient("MRN-OTHER") in elsewhere.restrictions.closed_to(person("doctor")).patients
    assert statuses(api, "doctor", ["MRN-SECRET", "MRN-OTHER"], [uid, other]) == {403}
    assert "MRN-OTHER" not in listed(api, "doctor")
    unmerge(api, "MRN-OTHER")
    elsewhere.sight.refresh()
    assert elsewhere.sight.unseen(person("doctor")) == {uid}
    assert statuses(api, "doctor", ["MRN-OTHER"], [other]) == {200}
    assert statuses(api, "doctor", ["MRN-SECRET"], [uid]) == {403}


def test_records_with_different_lists_are_open_to_who_is_on_all_of_them(api: Api) -> None:
    """A merge lets nobody see more than before; a new list for the person replaces them all."""
    uids = [with_study(api, f"MRN-{n}", f"ACC-{n}") for n in (1, 2, 3)]
    restrict(api, "MRN-1", "nurse", "doctor")
    restrict(api, "MRN-3", "nurse", "technician")
    merge(api, "MRN-1", "MRN-2")
    merge(api, "MRN-2", "MRN-3")
    mrns = ["MRN-1", "MRN-2", "MRN-3"]
    for role, status in (("nurse", 200), ("doctor", 403), ("technician", 403)):
        assert statuses(api, role, mrns, uids) == {status}, role
    restrict(api, "MRN-2", "doctor")
    for role, status in (("nurse", 403), ("doctor", 200), ("technician", 403)):
        assert statuses(api, role, mrns, uids) == {status}, role


def test_who_restricts_a_merged_patient_restricts_what_goes_back_too(api: Api) -> None:
    """Taking the merge back opens neither record."""
    uid, other = with_study(api, "MRN-SECRET", "ACC-S"), with_study(api, "MRN-OTHER", "ACC-O")
    merge(api, "MRN-SECRET", "MRN-OTHER")
    restrict(api, "MRN-OTHER", "nurse")
    unmerge(api, "MRN-SECRET")
    assert statuses(api, "doctor", ["MRN-SECRET", "MRN-OTHER"], [uid, other]) == {403}
    assert statuses(api, "nurse", ["MRN-SECRET", "MRN-OTHER"], [uid, other]) == {200}


def test_the_glass_of_a_merged_patient_is_one(api: Api) -> None:
    """Broken before the merge or after it, it opens all of their images for this person, and nobody else's."""
    uid, other = with_study(api, "MRN-SECRET", "ACC-S"), with_study(api, "MRN-OTHER", "ACC-O")
    restrict(api, "MRN-SECRET", "nurse")
    assert break_glass(api, "doctor", patient_id="MRN-SECRET").status_code == 201
    merge(api, "MRN-SECRET", "MRN-OTHER")
    assert break_glass(api, "radiologist", study_instance_uid=uid).json["mrn"] == "MRN-OTHER"
    for role, status in (("doctor", 200), ("radiologist", 200), ("technician", 403)):
        assert statuses(api, role, ["MRN-SECRET", "MRN-OTHER"], [uid, other]) == {status}, role


def test_what_a_study_said_of_a_restricted_patient_stays_with_their_people(api: Api, tmp_path: Path) -> None:
    """Filed under the wrong patient first: its story and its former values are not for everybody, its images are."""
    uid = with_study(api, "MRN-SECRET", "ACC-S")
    with_study(api, "MRN-OTHER", "ACC-O")
    restrict(api, "MRN-SECRET", "technician", "nurse")
    link(api, uid, patient_id="MRN-OTHER", expected=one(api, uid)["version"])
    assert jobs(api, tmp_path).run() == 0
    for path in told_of(uid):
        require_refused(api, path, "doctor")
        for role in ("nurse", "service"):
            told = api.get(path, role)
            assert (told.status_code, "MRN-SECRET" in told.text) == (200, True), (path, role)
    seen = api.get(f"/api/v1/dicom/studies/{uid}", "doctor")
    assert (seen.status_code, seen.json["mrn"]) == (200, "MRN-OTHER")
    assert "SECRET" not in seen.text.upper()
    assert break_glass(api, "doctor", patient_id="MRN-SECRET").status_code == 201
    assert {api.get(path, "doctor").status_code for path in told_of(uid)} == {200}


def test_the_story_of_an_unlinked_study_still_is_not_for_everybody(api: Api, tmp_path: Path) -> None:
    """The study is nobody's then; its story knows whose it was."""
    uid = with_study(api, "MRN-SECRET", "ACC-S")
    restrict(api, "MRN-SECRET", "radiologist")
    unlink(api, uid)
    assert jobs(api, tmp_path).run() == 0
    assert api.get(f"/api/v1/dicom/studies/{uid}", "doctor").status_code == 200
    for path in told_of(uid):
        require_refused(api, path, "doctor")
        assert api.get(path, "radiologist").status_code == 200, path


def test_the_story_of_a_study_asked_for_a_restricted_patient_is_not_for_everybody(api: Api) -> None:
    """From the moment somebody on the list asks for the link, for the story names the patient then."""
    with_study(api, "MRN-SECRET", "ACC-S")
    uid = store(api, 1)
    restrict(api, "MRN-SECRET", "technician")
    assert {api.get(path, "doctor").status_code for path in told_of(uid)} == {200}
    link(api, uid, patient_id="MRN-SECRET")
    assert "MRN-SECRET" in api.get(told_of(uid)[0], "technician").text
    for path in told_of(uid):
        require_refused(api, path, "doctor")


def told_of(uid: str) -> list[str]:
    """Where to read what a study said before."""
    return [f"/api/v1/dicom/studies/{uid}/history", f"/api/v1/dicom/tags/{uid}"]


def require_refused(api: Api, path: str, role: str) -> None:
    refused = api.get(path, role)
    assert (refused.status_code, refused.json["code"]) == (403, "patient_restricted"), (path, refused.json)
    assert "SECRET" not in refused.text.upper(), path
