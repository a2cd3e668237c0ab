"""Taking merges and cancellations back after more has happened to their studies; on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydicom.uid import generate_uid

from tests.api.conftest import Api
from tests.api.identity_steps import linked, merge, take_back
from tests.api.link_steps import (
    ASA,
    audited,
    changes,
    identities,
    link,
    one,
    order,
    post,
    put_order,
    put_patient,
    reconciliation,
    study,
    unlink,
)
from tests.api.tag_steps import jobs, store
from tests.support.samples import small


def test_what_came_while_a_wrong_merge_stood_goes_back_with_its_order(api: Api, tmp_path: Path) -> None:
    """Row and files; what came for the survivor's own order stays, and nobody has to look at either."""
    api.place_order()
    put_patient(api, "MRN-2", 201, family_name="Okafor", given_name="Chidi")
    put_order(api, "ACC-2", "MRN-2")
    merge(api, "MRN-1", "MRN-2")
    uid, own = linked(api), str(generate_uid())
    assert api.upload(small(StudyInstanceUID=own), headers={"X-Order-Id": "ACC-2"}).status_code == 201
    assert {identity[0] for identity in identities(api, uid)} == {"MRN-2"}
    post(api, "/api/v1/patients/MRN-1/unmerge", {"reason": "two people"}, 202, "service")
    assert changes(api)[0]["number_of_studies"] == 1
    jobs(api, tmp_path).run()
    assert identities(api, uid) == {ASA}
    seen, stays = study(api, uid), study(api, own)
    assert (seen["mrn"], seen["order_id"], seen["link_status"]) == ("MRN-1", order(api)["id"], "linked")
    assert (stays["mrn"], stays["link_status"]) == ("MRN-2", "linked")
    assert (order(api)["mrn"], order(api)["study_instance_uid"], order(api)["number_of_images"]) == ("MRN-1", uid, 2)
    assert {identity[:2] for identity in identities(api, own)} == {("MRN-2", "Okafor^Chidi")}


def test_a_person_looks_at_what_came_without_an_order_while_a_wrong_merge_stood(api: Api, tmp_path: Path) -> None:
    """Unless its files name the survivor; what people linked to the survivor before stays as it is."""
    put_patient(api, status=201)
    put_patient(api, "MRN-2", 201, family_name="Okafor", given_name="Chidi")
    put_order(api, "ACC-2", "MRN-2")
    before = store(api, 1, PatientID="MRN-1", PatientName="Okafor^Chidi")
    link(api, before, order_id="ACC-2", expected=one(api, before)["version"])
    jobs(api, tmp_path).run()
    merge(api, "MRN-1", "MRN-2")
    jobs(api, tmp_path).run()
    put_order(api, "ACC-3", "MRN-1")
    named, chosen, with_order, own = (store(api, 1, PatientID=name) for name in ("MRN-1", "SCAN-7", "MRN-1", "MRN-2"))
    placed: tuple[tuple[str, dict[str, Any]], ...] = (
        (named, {"patient_id": "MRN-1"}),
        (chosen, {"patient_id": "MRN-1"}),
        (with_order, {"order_id": "ACC-3"}),
        (own, {"patient_id": "MRN-2"}),
    )
    for uid, to in placed:
        link(api, uid, role="radiologist", expected=one(api, uid)["version"], **to)
    for _ in range(4):
        jobs(api, tmp_path).run()
    assert {study(api, uid)["link_status"] for uid in (named, chosen, with_order, own)} == {"linked"}
    post(api, "/api/v1/patients/MRN-1/unmerge", {"reason": "two people"}, 202, "service")
    jobs(api, tmp_path).run()
    listed = {item["study"]["study_instance_uid"]: item["why"] for item in reconciliation(api)["items"]}
    assert listed == dict.fromkeys((named, chosen), "contradicted")
    assert [study(api, uid)["link_status"] for uid in (own, before, with_order)] == ["linked"] * 3
    assert {study(api, uid)["mrn"] for uid in (named, chosen, own, before)} == {"MRN-2"}
    assert study(api, with_order)["mrn"] == "MRN-1"
    assert audited(api, named)[-1] == "study.contradicted"
    link(api, named, patient_id="MRN-1", role="radiologist")
    jobs(api, tmp_path).run()
    assert (study(api, named)["mrn"], study(api, named)["link_status"]) == ("MRN-1", "linked")


def test_taking_a_cancellation_back_does_not_override_what_a_person_said_since(api: Api, tmp_path: Path) -> None:
    """Of two studies one was unlinked and linked to the patient without an order: that one stays without it."""
    api.place_order()
    spoken, silent = linked(api, 1), linked(api, 1)
    assert api.call("POST", "/api/v1/orders/ACC-1/cancel", "service").json["status"] == "cancelled"
    for _ in range(2):
        jobs(api, tmp_path).run()
    unlink(api, spoken)
    jobs(api, tmp_path).run()
    link(api, spoken, patient_id="MRN-1", role="radiologist")
    jobs(api, tmp_path).run()
    said, seen = identities(api, spoken), study(api, spoken)
    take_back(api, changes(api, "?kind=order_cancelled")[0]["id"])
    for _ in range(2):
        jobs(api, tmp_path).run()
    assert identities(api, spoken) == said == {(*ASA[:4], "", "")}
    assert study(api, spoken) == seen and seen["order_id"] is None
    assert (study(api, silent)["order_id"], identities(api, silent)) == (order(api)["id"], {ASA})
    assert (order(api)["study_instance_uid"], order(api)["number_of_images"]) == (silent, 1)


def test_an_order_that_gets_no_image_back_waits_for_images_again(api: Api, tmp_path: Path) -> None:
    """Its cancellation is taken back after its only study was given to nobody."""
    api.place_order()
    uid = linked(api, 1)
    api.call("POST", "/api/v1/orders/ACC-1/cancel", "service")
    jobs(api, tmp_path).run()
    unlink(api, uid)
    jobs(api, tmp_path).run()
    take_back(api, changes(api, "?kind=order_cancelled")[0]["id"])
    assert (order(api)["status"], order(api)["orthanc_study_id"]) == ("scheduled", None)
    assert study(api, uid)["link_status"] == "unlinked"
