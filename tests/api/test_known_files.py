"""POST dicom/known: which files need not be sent. A yes that is wrong would lose an image."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid
from sqlalchemy import func, select, update

from ehr_bridge.api.http.access import ACCESS
from ehr_bridge.auth.permissions import ROLE_PERMISSIONS, Permission
from ehr_bridge.db.tables.audit import AuditEvent
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services.archive.file_digests import stored_digest
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.intake.known_files import KnownFiles
from ehr_bridge.services.uploads.arrivals import AtDoor, Delivery, Door
from ehr_bridge.services.visibility.restrictions import NOTHING
from tests.api.conftest import Api
from tests.api.deletion_steps import Purging, approved, decide, grace_is_over, modality_sends, requested
from tests.api.known_steps import KNOWN, ask, digest, is_known, stored
from tests.api.privacy_steps import break_glass, restrict
from tests.api.tag_steps import jobs, modify
from tests.support.samples import encoded, small
from tests.support.steps import stating
from tests.support.zips import zipped

PART = b"--b\r\nContent-Type: application/dicom\r\n\r\n%s\r\n--b--\r\n"


def test_a_stored_file_is_known_with_its_study_and_whose_it_is(api: Api) -> None:
    """By the bytes that were sent, whatever coercion made of them; what was never sent is left out."""
    order, data = api.place_order(), small()
    uid = stored(api, data, {"X-Order-Id": order["id"]})
    assert data not in api.archive.instances.values()
    answer = ask(api, [digest(small()), digest(data).upper(), digest(data)])
    assert answer.json == {
        "files": [{"sha256": digest(data), "study_instance_uid": uid}],
        "studies": [
            {
                "study_instance_uid": uid,
                "link_status": "linked",
                "patient_id": order["patient_id"],
                "order_id": order["id"],
            }
        ],
    }
    (coerced,) = api.archive.instances.values()
    assert not is_known(api, coerced)


def test_files_of_archives_and_multipart_bodies_are_known_by_their_bytes(api: Api) -> None:
    """Their sender has no field to state a digest in."""
    files = [small() for _ in range(2)]
    related = 'multipart/related; type="application/dicom"; boundary=b'
    sent = [
        ("/api/v1/dicom/upload-zip", zipped([("a", files[0])]), "application/zip"),
        ("/api/v1/dicom/upload-multiple", PART % files[1], related),
    ]
    for path, body, media_type in sent:
        assert api.call("POST", path, "technician", data=body, content_type=media_type).status_code == 201
    assert all(is_known(api, data) for data in files)


def test_a_file_that_came_without_a_digest_is_known_once_it_was_uploaded_with_one(api: Api) -> None:
    """Systems do not ask what they need not send; a person who does sends it once, and it is a duplicate."""
    files = [small() for _ in range(3)]
    related = 'multipart/related; type="application/dicom"; boundary=b'
    sent = [
        ("/api/v1/dicom/upload", files[0], "application/dicom"),
        ("/api/v1/dicom-web/studies", PART % files[1], related),
        ("/instances", files[2], "application/dicom"),
    ]
    for path, body, media_type in sent:
        assert api.call("POST", path, "technician", data=body, content_type=media_type).status_code in (200, 201)
    for data in files:
        assert not is_known(api, data)
        assert api.upload(data, headers=stating(data)).json["instances"][0]["status"] == "duplicate"
        assert is_known(api, data)


def test_a_file_of_a_study_whose_deletion_is_asked_for_is_not_known(api: Api) -> None:
    """From the request on; again when it is rejected or restored; never after the purge."""
    data = small()
    uid = stored(api, data)
    rejected = requested(api, uid)
    assert not is_known(api, data)
    decide(api, rejected, "reject")
    assert is_known(api, data)
    deletion = approved(api, uid)
    assert not is_known(api, data)
    decide(api, deletion, "restore")
    assert is_known(api, data)
    approved(api, uid)
    grace_is_over(api)
    assert api.services.purge.run(Purging()) == 1
    assert not is_known(api, data)


def test_a_purged_file_stays_unknown_when_a_modality_brings_its_study_back(api: Api) -> None:
    """What comes then is not what was purged."""
    data = small()
    uid = stored(api, data)
    approved(api, uid)
    grace_is_over(api)
    api.services.purge.run(Purging())
    modality_sends(api, small(StudyInstanceUID=uid))
    (late,) = api.get("/api/v1/deletions?status=pending", "manager").json["items"]
    decide(api, late["id"], "reject")
    assert api.get(f"/api/v1/dicom/studies/{uid}", "nurse").json["number_of_instances"] == 1
    assert not is_known(api, data)


def test_a_file_that_the_archive_lost_is_not_known(api: Api) -> None:
    """Our rows are no proof: the archive is asked."""
    data = small()
    stored(api, data)
    api.archive.instances.clear()
    assert not is_known(api, data)
    stored(api, data)
    assert is_known(api, data)


def test_a_file_whose_instance_was_replaced_by_other_content_is_not_known(api: Api) -> None:
    """It left the archive past us, and a modality brought another image with its UIDs."""
    data = small(InstanceNumber=1)
    stored(api, data)
    ((instance_id, kept),) = api.archive.instances.items()
    api.archive.instances.clear()
    other = _other_image(data)
    judged = api.services.intake.judge(other, Delivery(None, Door.C_STORE, "modality", Origin("ae:CT1")))
    api.services.recorder.record(AtDoor(judged, api.archive.store(other), stored_digest(other)))
    assert api.archive.instances.keys() == {instance_id} and api.archive.instances[instance_id] != kept
    assert not is_known(api, data) and not is_known(api, other)
    assert api.upload(data).json["code"] == "same_uid_other_content"


def test_a_file_that_was_refused_is_not_known(api: Api) -> None:
    """The same UID with other content, and what is no image."""
    data = small()
    stored(api, data)
    for refused in (_other_image(data), data[:-20], b"a letter " * 60):
        assert api.upload(refused, headers=stating(refused)).status_code in (409, 422)
        assert not is_known(api, refused)
    assert is_known(api, data)


def test_a_file_whose_study_was_corrected_stays_known(api: Api, tmp_path: Path) -> None:
    """Also under another patient number, which moves it in the archive: an upload of it would be a duplicate. While the
    job is at it, nothing is said."""
    data = small()
    uid = stored(api, data)
    modify(api, uid, PatientID="CORRECTED-9", StudyDate="20260102")
    assert not is_known(api, data)
    jobs(api, tmp_path).run()
    jobs(api, tmp_path, timedelta(seconds=11)).run()
    (ds,) = [pydicom.dcmread(io.BytesIO(file)) for file in api.archive.instances.values()]
    assert ds.PatientID == "CORRECTED-9"
    assert is_known(api, data)
    assert api.upload(data).json["instances"][0]["status"] == "duplicate"


def test_a_file_stored_without_a_digest_is_known_once_it_was_recognised_as_a_duplicate(api: Api) -> None:
    """Stored by a modality, or before digests were kept; its first sender teaches it; another form changes nothing."""
    data = small()
    stored(api, data)
    with api.services.database.write() as session:
        session.execute(update(Instance).values(received_sha256=None))
    assert not is_known(api, data)
    assert api.upload(data, headers=stating(data)).json["instances"][0]["status"] == "duplicate"
    assert is_known(api, data)
    other_form = data + b"\xfc\xff\xfc\xff" + b"OB\x00\x00" + (2).to_bytes(4, "little") + b"\0\0"
    assert api.upload(other_form, headers=stating(other_form)).json["instances"][0]["status"] == "duplicate"
    assert is_known(api, data) and not is_known(api, other_form)


def test_whoever_may_not_see_the_patient_hears_nothing_of_the_file(api: Api) -> None:
    """A digest is no proof of having the file. Who may see, or broke the glass, hears."""
    order, data = api.place_order(), small()
    stored(api, data, {"X-Order-Id": order["id"]})
    restrict(api, "MRN-1", "doctor")
    assert is_known(api, data, "doctor")
    assert not is_known(api, data)
    assert api.upload(data).json["instances"][0]["status"] == "duplicate"
    assert break_glass(api, "technician", patient_id="MRN-1").status_code == 201
    assert is_known(api, data)


def test_who_may_upload_but_not_read_hears_of_the_file_and_not_of_the_study(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough not to send it."""
    monkeypatch.setitem(ROLE_PERMISSIONS, "technician", frozenset({Permission.UPLOAD}))
    data = small()
    stored(api, data)
    assert ask(api, [digest(data)]).json == {
        "files": [{"sha256": digest(data), "study_instance_uid": None}],
        "studies": [],
    }


def test_asking_needs_the_permission_to_upload_and_is_no_event_of_the_audit_trail(api: Api) -> None:
    """Nothing is told to readers, and nothing is written."""
    assert ACCESS[("POST", KNOWN)] == Permission.UPLOAD
    data = small()
    stored(api, data)
    for role in ("nurse", "radiologist", "manager", "admin", "service"):
        assert ask(api, [digest(data)], role).status_code == 403
    before = _events(api)
    assert is_known(api, data)
    assert _events(api) == before


def test_a_thousand_digests_are_answered_and_odd_ones_refused(api: Api) -> None:
    """422 that names the field."""
    data = small()
    stored(api, data)
    others = [digest(str(number).encode()) for number in range(999)]
    assert [file["sha256"] for file in ask(api, [*others, digest(data)]).json["files"]] == [digest(data)]
    for odd in ([], [*others, "0" * 64, "1" * 64], ["abc"], ["g" * 64]):
        answer = ask(api, odd)
        assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
        assert answer.json["errors"][0]["field"].startswith("sha256")


def test_no_more_is_read_for_an_answer_than_an_upload_may_have(api: Api) -> None:
    """What is beyond is not known, and so is sent."""
    files = [small(PixelData=bytes(1000 * number)) for number in (1, 2, 3)]
    for data in files:
        stored(api, data)
    known_files = KnownFiles(api.services.database, api.services.recorder, sum(map(len, files)) - 1)
    assert len(known_files.find(map(digest, files), api.archive, NOTHING)) == 2


def test_an_image_that_is_another_studys_now_is_answered_with_that_study(api: Api) -> None:
    """Two studies, two senders: each file names its own."""
    series = [small(StudyInstanceUID=uid) for uid in (generate_uid(), generate_uid())]
    uids = [stored(api, data, {"X-Upload-Id": str(uuid.uuid4())}) for data in series]
    answer = ask(api, map(digest, series)).json
    assert {file["sha256"]: file["study_instance_uid"] for file in answer["files"]} == dict(
        zip(map(digest, series), uids, strict=True)
    )
    assert {study["study_instance_uid"] for study in answer["studies"]} == set(uids)


def _other_image(data: bytes) -> bytes:
    """Another image with the same UIDs."""
    ds = pydicom.dcmread(io.BytesIO(data))
    ds.PixelData = bytes(128)
    return encoded(ds)


def _events(api: Api) -> int:
    with api.services.database.read() as session:
        return session.scalar(select(func.count()).select_from(AuditEvent)) or 0
