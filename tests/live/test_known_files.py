"""Files that need not be sent, through the real server: never one that the archive cannot give out."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence

from pydicom.uid import generate_uid

from tests.live.door_steps import c_store
from tests.support.samples import fresh_series, small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order, stating, study, the_study, upload

RITA = user_token("radiologist", subject="rita")
MAX = user_token("manager", subject="max")


def digests(files: Sequence[bytes]) -> list[str]:
    return [hashlib.sha256(data).hexdigest() for data in files]


def known(server: Server, files: Sequence[bytes]) -> set[str]:
    token = user_token("technician", subject="rita")
    answer = server.request("POST", "/api/v1/dicom/known", token, json={"sha256": digests(files)})
    assert answer.status_code == 200, answer.text
    return {file["sha256"] for file in answer.json()["files"]}


def test_a_series_that_was_uploaded_is_known_until_its_deletion_is_asked_for(server: Server) -> None:
    """Real slices, coerced for an order; known again when the request is rejected."""
    order, files = place_order(server), fresh_series()
    assert known(server, files) == set()
    uids = {
        upload(server, data, X_Order_Id=order["id"], **stating(data)).json()["studies"][0]["study_instance_uid"]
        for data in files
    }
    (uid,) = uids
    assert known(server, [*files, small()]) == set(digests(files))
    path = f"/api/v1/dicom/studies/{uid}"
    deletion = server.request("DELETE", path, RITA, headers={"X-Reason": "wrong patient"}).json()["id"]
    assert known(server, files) == set()
    assert server.request("POST", f"/api/v1/deletions/{deletion}/reject", MAX).status_code == 200
    assert known(server, files) == set(digests(files))


def test_a_file_that_is_lost_or_damaged_on_the_disk_is_not_known(server: Server) -> None:
    """Orthanc's index still names it, and its cache may still have it."""
    uid = generate_uid()
    files = [small(StudyInstanceUID=uid, InstanceNumber=number) for number in range(3)]
    before = set(server.stored_files())
    for data in files:
        assert upload(server, data, **stating(data)).status_code == 201
    assert known(server, files) == set(digests(files))
    fresh = sorted(set(server.stored_files()) - before)
    assert len(fresh) == 3
    fresh[0].unlink()
    assert len(known(server, files)) == 2
    damaged = bytearray(fresh[1].read_bytes())
    damaged[-1] ^= 1
    fresh[1].write_bytes(damaged)
    assert len(known(server, files)) == 1


def test_an_image_of_a_modality_is_known_when_somebody_has_uploaded_the_same(server: Server) -> None:
    """A scanner sent it; the disc's copy is a duplicate once, and then known."""
    data = small(StudyInstanceUID=(uid := generate_uid()))
    assert c_store(server, data) == [0x0000]
    eventually(lambda: the_study(server, uid)["number_of_instances"] == 1)
    assert known(server, [data]) == set()
    assert (
        upload(server, data, X_Upload_Id=str(uuid.uuid4()), **stating(data)).json()["instances"][0]["status"]
        == "duplicate"
    )
    assert known(server, [data]) == set(digests([data]))


def test_a_file_that_was_damaged_on_the_way_is_refused(server: Server) -> None:
    """One bit of its pixels; nothing of it is stored, and sent whole it is taken."""
    data = small(StudyInstanceUID=(uid := generate_uid()))
    damaged = data[:-1] + bytes([data[-1] ^ 1])
    answer = upload(server, damaged, **stating(data))
    assert (answer.status_code, answer.json()["code"]) == (422, "digest_mismatch")
    assert study(server, uid) is None
    assert upload(server, data, **stating(data)).status_code == 201
