"""A study is purged on the real server, and a modality sends it again under another name and Patient ID."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ENGINES
from tests.live.deletion_steps import DOCTOR, GRACE, MAX, ask, decide, status, stored
from tests.live.door_steps import c_store
from tests.support.running import databases, running
from tests.support.samples import small
from tests.support.server import Server
from tests.support.steps import eventually, the_study


@pytest.fixture(params=ENGINES)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A server that purges what is approved at once."""
    with running(tmp_path, **databases(request, request.param), **{GRACE: "0"}) as server:
        yield server


def test_a_purged_study_that_a_modality_sends_again_is_somebody_elses(server: Server) -> None:
    """Under another name and Patient ID: kept, not set aside, and found under what it says now alone."""
    own = stored(server)
    deletion = ask(server, own["uid"])
    assert decide(server, deletion, "approve")[0] == 200
    eventually(lambda: status(server, deletion) == "purged")
    order = server.get(f"/api/v1/orders/{own['accession']}", "nurse").json()
    assert (order["status"], order["orthanc_study_id"]) == ("scheduled", None)

    again = small(StudyInstanceUID=own["uid"], PatientName="Berg^Nils", PatientID="SCAN-9")
    assert c_store(server, again) == [0]

    def reopened() -> list[dict[str, Any]]:
        found = server.request("GET", "/api/v1/deletions?status=pending", MAX).json()["items"]
        return [one for one in found if one["study_instance_uid"] == own["uid"] and one["number_of_instances"] == 1]

    eventually(lambda: len(reopened()) == 1)
    assert decide(server, reopened()[0]["id"], "reject") == (200, "rejected")
    now = {"patient_name": "Berg^Nils", "link_status": "unlinked", "mrn": None, "accession_number": None}
    eventually(lambda: now.items() <= the_study(server, own["uid"]).items())
    for query in (f"accession_number={own['accession']}", f"mrn={own['mrn']}", "patient_name=scanner"):
        found = server.get(f"/api/v1/dicom/studies?{query}", "nurse").json()["items"]
        assert own["uid"] not in [one["study_instance_uid"] for one in found], query
    listed = server.request("GET", f"/dicom-web/studies?StudyInstanceUID={own['uid']}", DOCTOR).json()
    assert [one["00100020"]["Value"] for one in listed] == [["SCAN-9"]]
