"""Files that come for a study that is hidden or deleted: refused at our doors, kept from modalities."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.uploads.arrivals import Delivery, Door
from plugin.storing.catchup import CatchUp
from tests.api.conftest import Api
from tests.api.deletion_steps import (
    DELETIONS,
    STUDIES,
    Purging,
    actions,
    approved,
    decide,
    grace_is_over,
    is_shown,
    modality_sends,
    requested,
    status,
    stored,
)
from tests.support.samples import small


def test_files_of_a_deleted_study_are_refused_and_their_neighbours_taken(api: Api) -> None:
    """409 `study_deleted` while requested, approved and purged."""
    uid = stored(api)
    deletion = requested(api, uid)
    for _ in range(2):
        answer = api.upload(small(StudyInstanceUID=uid))
        assert (answer.status_code, answer.json["code"]) == (409, "study_deleted")
        if status(api, deletion) == "pending":
            decide(api, deletion, "approve")
            grace_is_over(api)
            api.services.purge.run(Purging())
    boundary = "b0undary"
    parts = b"".join(
        b"--b0undary\r\nContent-Type: application/dicom\r\n\r\n" + data + b"\r\n"
        for data in (small(StudyInstanceUID=uid), small())
    )
    answer = api.call(
        "POST",
        "/api/v1/dicom/upload",
        "technician",
        data=parts + b"--b0undary--\r\n",
        content_type=f'multipart/related; type="application/dicom"; boundary={boundary}',
    )
    assert (answer.status_code, answer.json["status"]) == (200, "partial")
    assert [i["status"] for i in answer.json["instances"]] == ["failed", "stored"]
    assert answer.json["instances"][0]["error"]["code"] == "study_deleted"


def test_a_restored_study_takes_files_again(api: Api) -> None:
    """At once."""
    uid = stored(api)
    deletion = approved(api, uid)
    assert api.upload(small(StudyInstanceUID=uid)).status_code == 409
    decide(api, deletion, "restore")
    answer = api.upload(small(StudyInstanceUID=uid), headers={"X-Accession-Number": "ACC-1"})
    assert answer.status_code == 201


def test_what_a_modality_sends_after_an_approval_must_be_approved_anew(api: Api) -> None:
    """Kept, hidden, flagged; nothing is purged that nobody saw."""
    uid = stored(api)
    deletion = approved(api, uid)
    modality_sends(api, small(StudyInstanceUID=uid))
    modality_sends(api, small(StudyInstanceUID=uid))
    facts = api.get(DELETIONS, "manager").json["items"][0]
    assert (facts["status"], facts["late_instances"], facts["number_of_instances"]) == ("pending", 2, 3)
    assert facts["purge_after"] is None and facts["decided_by"] is None
    grace_is_over(api)
    assert api.services.purge.run(Purging()) == 0
    assert actions(api, uid) == ["deletion.requested", "deletion.approved", "deletion.reopened"]
    assert decide(api, deletion, "reject").status_code == 200
    assert is_shown(api, uid)
    assert api.get(f"{STUDIES}/{uid}", "nurse").json["number_of_instances"] == 3


def test_what_a_modality_sends_after_the_purge_waits_for_a_person(api: Api) -> None:
    """Hidden from its first moment, under a request that the bridge opens; a rejection shows it."""
    uid = stored(api)
    approved(api, uid)
    grace_is_over(api)
    api.services.purge.run(Purging())
    assert uid not in api.services.hidden
    data = small(StudyInstanceUID=uid)
    api.services.intake.judge(data, Delivery(None, Door.C_STORE, "modality", Origin("ae:CT1")))
    assert uid in api.services.hidden
    modality_sends(api, data)
    api.services.hidden.refresh()
    assert not is_shown(api, uid)
    newest = api.get(f"{DELETIONS}?status=pending", "manager").json["items"][0]
    assert (newest["requested_by"], newest["number_of_instances"], newest["late_instances"]) == ("ehr-bridge", 1, 1)
    assert decide(api, newest["id"], "reject").status_code == 200
    assert is_shown(api, uid)
    study = api.get(f"{STUDIES}/{uid}", "nurse").json
    assert (study["number_of_instances"], study["link_status"], study["mrn"]) == (1, "unlinked", None)


def test_catching_up_finds_what_came_for_a_purged_study_while_nobody_could_write(api: Api) -> None:
    """The very image that was purged is sent again while the database is away: known by its row, and still told."""
    data = small()
    uid = api.upload(data).json["studies"][0]["study_instance_uid"]
    api.services.recorder.settle()
    approved(api, uid)
    grace_is_over(api)
    api.services.purge.run(Purging())
    with api.services.database.read() as session:
        (instance_id,) = session.scalars(select(Instance.orthanc_instance_id))

    class SentAgain:
        def last_change(self) -> int:
            return 1

        def changes(self, since: int, limit: int) -> dict[str, Any]:
            return {"Changes": [{"Seq": 1, "ChangeType": "NewInstance", "ID": instance_id}], "Done": True, "Last": 1}

        def read(self, _instance: str) -> bytes:
            return data

        def parent_study(self, _instance: str) -> str:
            return "the-study"

        def sender_of(self, _instance: str) -> None:
            return None

    archive: Any = SentAgain()
    catch_up = CatchUp(api.services.database, archive, api.services.intake, api.services.recorder)
    assert [catch_up.run(), catch_up.run(), catch_up.run()] == [0, 1, 0]
    newest = api.get(f"{DELETIONS}?status=pending", "manager").json["items"][0]
    assert (newest["study_instance_uid"], newest["number_of_instances"]) == (uid, 1)
    assert not is_shown(api, uid)
