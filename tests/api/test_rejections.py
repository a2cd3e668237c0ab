"""Images that are not to be used: rejected with a reason, kept apart, taken back; and what other systems reject."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from pydicom.uid import MRImageStorage
from sqlalchemy import select, update

from ehr_bridge.db.tables.deletions import DeletionRequest
from ehr_bridge.db.tables.studies import Study
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.archive.own_documents import compare_documents
from ehr_bridge.services.interfaces.commitment import Commitment, Commitments
from tests.api.conftest import Api
from tests.api.deletion_steps import Purging, approved, requested
from tests.api.deletion_steps import decide as decide_deletion
from tests.api.rejection_steps import (
    REJECTIONS,
    RITA,
    STUDIES,
    a_series,
    decide,
    held,
    look,
    note_of_dcm4che,
    reject,
    rejected,
    uids,
)
from tests.support.server import user_token


def number(api: Api, study: str) -> int:
    return int(api.get(f"{STUDIES}/{study}", "nurse").json["number_of_instances"])


def actions(api: Api, study: str) -> list[str]:
    events = api.get(f"/api/v1/audit?study_instance_uid={study}", "admin").json["items"]
    return [one["action"] for one in reversed(events) if one["action"].startswith("images.")]


def test_a_bad_image_leaves_the_study_and_a_note_says_why(api: Api) -> None:
    """At once for everybody; the others stay, and the counts are of what can be seen. The note is a series of its own,
    counted by nobody."""
    study, images = a_series(api)
    answer = rejected(api, study, images[:1], comment="Bewegung, Ärger")
    assert (answer["status"], answer["reason"], answer["is_under_way"]) == ("rejected", "quality", False)
    assert [one["is_put_aside"] for one in answer["images"]] == [True]
    assert uids(api) == set(images[1:]) and number(api, study) == 2
    order = api.get("/api/v1/orders/ACC-1", "nurse").json
    assert (order["number_of_images"], order["status"]) == (2, order["status"])
    (note,) = held(api, notes=True)
    assert note.ConceptNameCodeSequence[0].CodeValue == "113001"
    assert (note.PatientID, note.SOPInstanceUID) == ("MRN-1", answer["note_sop_instance_uid"])
    series = note.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert [one.ReferencedSOPInstanceUID for one in series.ReferencedSOPSequence] == images[:1]
    assert note.ContentSequence[0].TextValue == "Bewegung, Ärger"
    look(api)
    assert len(held(api, notes=True)) == 1 and number(api, study) == 2
    assert actions(api, study) == ["images.rejected"]


def test_a_rejection_is_taken_back_and_the_study_is_as_before(api: Api) -> None:
    """The same bytes; the note is gone; both acts are on record with their reasons."""
    study, images = a_series(api)
    before = dict(api.archive.instances)
    rejection = rejected(api, study, images[:2])
    answer = decide(api, rejection, "undo", reason="the only one with the lesion")
    assert (answer.status_code, answer.json["status"], answer.json["decided_by"]) == (200, "undone", "rita")
    assert api.archive.instances == before and number(api, study) == 3
    assert decide(api, rejection, "undo", reason="again").json["code"] == "rejection_state"
    assert actions(api, study) == ["images.rejected", "images.rejection_undone"]
    assert list(api.services.settings.rejected_path.glob("*.dcm")) == []
    rejected(api, study, images[:1])


def test_a_study_of_one_image_can_be_rejected_whole(api: Api) -> None:
    """As a series; it stays, without images, and gets them back under the patient it belongs to by then."""
    study, (image,) = a_series(api, 1)
    series = api.get(f"{STUDIES}/{study}/series", "nurse").json["series"][0]["series_instance_uid"]
    body = {"reason": "wrong_worklist", "series_instance_uid": series}
    answer = api.call("POST", f"{STUDIES}/{study}/rejections", token=RITA, json=body)
    assert (answer.status_code, number(api, study), uids(api)) == (201, 0, set())
    assert held(api, notes=True)[0].ConceptNameCodeSequence[0].CodeValue == "113038"
    assert api.get(f"/api/v1/dicom/tags/{study}", "radiologist").json["tags"] == []
    assert decide(api, answer.json, "undo", reason="it was right").status_code == 200
    assert (number(api, study), uids(api)) == (1, {image})


def test_what_is_rejected_does_not_come_in_again(api: Api) -> None:
    """From whoever sends it, until the rejection is taken back; nor does the note become an image of a modality."""
    study, images = a_series(api)
    file = next(data for data in api.archive.instances.values() if images[0].encode() in data)
    rejection = rejected(api, study, images[:1])
    answer = api.upload(file)
    assert (answer.status_code, answer.json["instances"][0]["error"]["code"]) == (422, "rejected_image")
    note = next(data for data in api.archive.instances.values() if b"113001" in data)
    assert api.upload(note).json["instances"][0]["error"]["code"] == "own_document"
    assert uids(api) == set(images[1:])
    decide(api, rejection, "undo", reason="sent again")
    assert api.upload(file).json["instances"][0]["status"] == "duplicate"


def test_a_rejected_image_is_still_promised_to_its_modality(api: Api) -> None:
    """It is kept and may come back: storage commitment says so, as long as the file is whole."""
    study, images = a_series(api)
    rejected(api, study, images[:1])
    services = api.services

    def asked(image: str) -> Commitment:
        return services.commitments.judge(
            api.archive, lambda _: str(MRImageStorage), MRImageStorage, image, "MR1", is_patient=False
        )

    assert isinstance(services.commitments, Commitments)
    assert [asked(one) for one in images] == [Commitment.COMMITTED] * 3
    (file,) = services.settings.rejected_path.glob("*.dcm")
    file.write_bytes(b"rotten")
    assert asked(images[0]) == Commitment.NO_SUCH_INSTANCE


def test_killed_in_the_middle_nothing_is_lost(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the archive does not answer after a file was kept: the worker goes on later, and the image is in one place
    or the other all the time."""
    study, images = a_series(api)
    with monkeypatch.context() as patched:
        patched.setattr(api.archive, "delete", _away)
        answer = rejected(api, study, images[:1])
        assert answer["is_under_way"] and number(api, study) == 3
        assert decide(api, answer, "undo", reason="at once").json["code"] == "rejection_running"
        assert uids(api) == set(images) and len(list(api.services.settings.rejected_path.glob("*.dcm"))) == 1
        with pytest.raises(Unavailable):
            look(api)
    look(api)
    assert (uids(api), number(api, study), len(held(api, notes=True))) == (set(images[1:]), 2, 1)
    api.archive.refuses = Unavailable("archive_unavailable", "away")
    undone = decide(api, answer, "undo", reason="after all").json
    assert undone["is_under_way"] and uids(api) == set(images[1:])
    api.archive.refuses = None
    look(api)
    _again(api, answer)
    assert uids(api) == set(images)


def _away(_: str) -> None:
    raise Unavailable("archive_unavailable", "away")


def _again(api: Api, rejection: dict[str, Any]) -> None:
    if api.get(f"{REJECTIONS}/{rejection['id']}", "nurse").json["is_under_way"]:
        api.services.results.moving.carry_out(uuid.UUID(rejection["id"]), api.archive)


def test_who_may_not_change_images_rejects_none(api: Api) -> None:
    """A doctor, a nurse, a manager; and nobody images that are not there, or nothing."""
    study, images = a_series(api)
    for role in ("doctor", "nurse", "manager", "reception", "admin", "service"):
        body = {"reason": "quality", "sop_instance_uids": images}
        token = user_token(role, subject=role)
        assert api.call("POST", f"{STUDIES}/{study}/rejections", token=token, json=body).status_code == 403, role
    assert reject(api, study, ["1.2.3"]).json["code"] == "instance_not_found"
    assert decide(api, {"id": uuid.UUID(int=0)}, "agree").json["code"] == "rejection_not_found"
    assert reject(api, "1.2.3", images).json["code"] == "study_not_found"
    assert reject(api, study, images, reason="ugly").status_code == 422
    assert reject(api, study, images, series_instance_uid="1.2").status_code == 422
    assert uids(api) == set(images)


def test_a_note_of_another_system_is_proposed_and_done_when_somebody_confirms_it(api: Api) -> None:
    """As dcm4chee sends it. Its own note stands for ours; declining leaves everything as it is."""
    study, images = a_series(api)
    note = note_of_dcm4che(study, held(api)[:2])
    assert api.upload(note).status_code == 201
    look(api)
    look(api)
    (proposal,) = api.get(f"{REJECTIONS}?status=proposed", "nurse").json["items"]
    assert (proposal["is_from_elsewhere"], proposal["number_of_images"], proposal["reason"]) == (True, 2, "quality")
    assert len(uids(api)) == 3
    assert decide(api, proposal, "undo", reason="no").json["code"] == "rejection_state"
    answer = decide(api, proposal, "agree")
    assert (answer.status_code, answer.json["status"], len(uids(api))) == (200, "rejected", 1)
    assert len(held(api, notes=True)) == 1
    assert decide(api, proposal, "undo", reason="wrong ones").status_code == 200
    assert uids(api) == set(images)
    assert actions(api, study) == ["images.rejection_proposed", "images.rejected", "images.rejection_undone"]


def test_a_note_of_another_system_may_be_declined(api: Api) -> None:
    """And key images are no rejection."""
    study, images = a_series(api)
    assert api.upload(note_of_dcm4che(study, held(api)[:1], "113000")).status_code == 201
    look(api)
    assert api.get(REJECTIONS, "nurse").json["total"] == 0
    assert api.upload(note_of_dcm4che(study, held(api)[:1], "113039")).status_code == 201
    look(api)
    (proposal,) = api.get(REJECTIONS, "nurse").json["items"]
    answer = decide(api, proposal, "refuse", reason="we keep them")
    assert (answer.json["status"], answer.json["reason"], uids(api)) == ("declined", "expired", set(images))
    assert decide(api, proposal, "agree").json["code"] == "rejection_state"


def test_a_deleted_study_takes_its_rejected_images_with_it(api: Api) -> None:
    """Hidden with it, back with it, and gone with it, also from the disk."""
    study, images = a_series(api)
    rejection = rejected(api, study, images[:1])
    deletion = requested(api, study)
    assert api.get(f"{REJECTIONS}/{rejection['id']}", "nurse").status_code == 404
    assert api.get(REJECTIONS, "nurse").json["total"] == 0
    assert decide(api, rejection, "undo", reason="now").json["code"] == "study_not_found"
    assert decide_deletion(api, deletion, "reject").status_code == 200
    assert api.get(REJECTIONS, "nurse").json["total"] == 1
    approved(api, study)
    _let_grace_pass(api)
    api.services.purge.run(Purging())
    look(api)
    assert list(api.services.settings.rejected_path.glob("*.dcm")) == []


def _let_grace_pass(api: Api) -> None:
    with api.services.database.write() as session:
        session.execute(update(DeletionRequest).values(purge_after=api.services.clock() - timedelta(seconds=1)))


def test_a_note_never_shows_a_patient_whom_its_study_was_taken_from(api: Api) -> None:
    """All images are rejected, then the study is given to somebody else: no file says who that is, so no note stays."""
    study, images = a_series(api, 1)
    rejected(api, study, images)
    other = api.place_order("ACC-2", "MRN-2")
    with api.services.database.write() as session:
        row = session.scalars(select(Study).where(Study.study_instance_uid == study)).one()
        row.patient_id = uuid.UUID(other["patient_id"])
        session.flush()
        compare_documents(session, study)
    look(api)
    assert held(api, notes=True) == []


def test_the_note_follows_its_study_to_another_patient(api: Api) -> None:
    """A correction of the study reaches the note: it never shows another patient than the images do."""
    study, images = a_series(api)
    rejected(api, study, images[:1])
    first = held(api, notes=True)[0]
    for key, data in list(api.archive.instances.items()):  # what a job does to the files
        if b"113001" not in data:
            api.archive.instances[key] = data.replace(b"MRN-1 ", b"MRN-9 ")
    with api.services.database.write() as session:
        compare_documents(session, study)
    look(api)
    (note,) = held(api, notes=True)
    assert note.PatientID == "MRN-9" and note.SOPInstanceUID != first.SOPInstanceUID
