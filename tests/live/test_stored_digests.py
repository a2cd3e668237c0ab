"""Every stored file is known by the digest of what lies on the disk, whatever door it came through."""

from __future__ import annotations

import io
import time
import uuid

import pydicom
import pytest
from pydicom.uid import generate_uid

from ehr_bridge.services.archive.file_digests import ledger_digest, stored_digest
from ehr_bridge.services.jobs.replacing import digest
from tests.live.digest_steps import NEXT_SECOND, ask, on_disk, recorded, sop
from tests.live.door_steps import c_store, stow_client, well_formed
from tests.live.tag_steps import modify, succeeded, undo
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import eventually, place_order, study, upload


def test_whatever_door_a_file_came_through(server: Server) -> None:
    """Coerced for an order, or kept as it came; the archive's own bytes, not the sender's."""
    order = place_order(server)
    sent = {door: [well_formed(order), small()] for door in ("upload", "instances", "stow", "c-store")}
    assert [upload(server, data).status_code for data in sent["upload"]] == [201, 201]
    for data in sent["instances"]:
        assert server.request("POST", "/instances", user_token("technician"), data=data).status_code == 200
    stow_client(server, "technician").store_instances([pydicom.dcmread(io.BytesIO(data)) for data in sent["stow"]])
    assert c_store(server, *sent["c-store"]) == [0, 0]
    known = {sop(data): recorded(server, sop(data)) for files in sent.values() for data in files}
    assert set(known.values()) <= on_disk(server)
    assert len(set(known.values())) == 8
    coerced = [known[sop(files[0])] for files in sent.values()]
    assert not {stored_digest(files[0]) for files in sent.values()} & set(coerced)


def test_a_modality_that_sends_again_changes_no_digest(server: Server) -> None:
    """Coerced anew it would have another one, for the time of coercion is in the file; the archive keeps the first."""
    data = well_formed(place_order(server))
    assert c_store(server, data) == [0]
    first = recorded(server, sop(data))
    assert first in on_disk(server)
    time.sleep(NEXT_SECOND)
    other = small()  # written down behind it
    assert c_store(server, data, other) == [0, 0]
    recorded(server, sop(other))
    assert recorded(server, sop(data)) == first


@pytest.mark.parametrize("is_uploaded", [False, True])
def test_a_file_whose_record_was_lost_is_known_only_by_who_has_seen_it(server: Server, is_uploaded: bool) -> None:
    """A modality sends what the archive has had for a while: what it sent is not what lies there. An upload looks."""
    data = well_formed(place_order(server))
    assert c_store(server, data) == [0]
    recorded(server, sop(data))
    ask(server, "DELETE FROM instances WHERE sop_instance_uid = :uid", uid=sop(data))
    time.sleep(NEXT_SECOND)
    if is_uploaded:
        assert upload(server, data, X_Upload_Id=str(uuid.uuid4())).json()["instances"][0]["status"] == "duplicate"
        assert recorded(server, sop(data)) in on_disk(server)
    else:
        assert c_store(server, data) == [0]
        assert recorded(server, sop(data)) is None


def test_a_file_that_a_job_replaced_is_known_by_its_ledger(server: Server) -> None:
    """And by another line of it when the job is undone."""
    data = small(StudyInstanceUID=(uid := generate_uid()))
    assert upload(server, data).status_code == 201
    first = recorded(server, sop(data))
    assert first == stored_digest(data)
    eventually(lambda: study(server, uid))
    job = modify(server, uid, PatientName="Berg^Ida")
    succeeded(server, job)
    eventually(lambda: recorded(server, sop(data)) in on_disk(server) - {first})
    succeeded(server, undo(server, job))
    eventually(lambda: recorded(server, sop(data)) == ledger_digest(digest(data)))
    assert stored_digest(data) in on_disk(server)


def test_a_file_that_moves_to_another_patient_is_known_under_its_new_id(server: Server) -> None:
    """The archive's id of it changes with its PatientID."""
    data = small(StudyInstanceUID=(uid := generate_uid()))
    assert upload(server, data).status_code == 201
    patient = f"MRN-{uuid.uuid4().hex[:8]}"
    succeeded(server, modify(server, uid, PatientID=patient))
    eventually(lambda: recorded(server, sop(data)) in on_disk(server) - {stored_digest(data)})
