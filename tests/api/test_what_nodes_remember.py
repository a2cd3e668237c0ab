"""Two nodes on one database: what one of them has in memory follows what was said at the other, by the worker's chores.

How old it may be is in docs/architecture.md; here stands that each of them looks, and that nothing else has to happen.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ehr_bridge.db.database import Database
from ehr_bridge.errors import NotAuthenticated
from tests.api.conftest import Api, make_api
from tests.api.deletion_steps import requested
from tests.api.privacy_steps import person, restrict
from tests.api.rejection_steps import a_series, rejected, uids
from tests.support.samples import small

DOCTOR = "doctor"


@pytest.fixture
def nodes(database: Database, tmp_path: Path) -> tuple[Api, Api]:
    """Two, with one archive; the second has read everything there is."""
    one, other = (make_api(database, tmp_path / name) for name in "ab")
    other.archive.instances = one.archive.instances
    refresh(other)
    return one, other


def refresh(api: Api) -> None:
    """What the worker's chores do once a second at the latest, as soon as anything was committed."""
    services = api.services
    services.revocations.refresh()
    services.sight.refresh()
    services.intake.rejected.refresh()
    services.modalities.refresh()


def works(api: Api, token: str) -> bool:
    try:
        api.services.authenticator.authenticate(f"Bearer {token}")
    except NotAuthenticated:
        return False
    return True


def test_what_one_node_revokes_the_other_refuses(nodes: tuple[Api, Api]) -> None:
    """Links to studies, sign-ins and keys, each of which the other has just accepted and keeps in memory."""
    one, other = nodes
    study, _ = a_series(one, 1)
    link = one.call("POST", "/api/v1/dicom/viewer-token", DOCTOR, json={"study_instance_uids": [study]}).json
    key = one.call("POST", "/api/v1/service-keys", "admin", json={"name": "EHR", "roles": ["service"]}).json
    account = {"username": "dora", "full_name": "Dora", "roles": [DOCTOR], "password": "a long password 2026"}
    made = one.call("POST", "/api/v1/accounts", "admin", json=account)
    assert made.status_code == 201, made.json
    body = {"username": "dora", "password": account["password"]}
    session = one.call("POST", "/api/v1/auth/login", json=body).json["token"]
    tokens = [link["token"], key["key"], session]
    assert [works(other, token) for token in tokens] == [True] * 3
    one.call("DELETE", f"/api/v1/dicom/viewer-token/{link['token_id']}", DOCTOR)
    one.call("DELETE", f"/api/v1/service-keys/{key['id']}", "admin")
    one.call("POST", "/api/v1/auth/logout", token=session)
    refresh(other)
    assert [works(other, token) for token in tokens] == [False] * 3


def test_what_one_node_hides_the_other_shows_to_nobody(nodes: tuple[Api, Api]) -> None:
    """A deletion that was asked for, and a patient who was restricted; lists ask the database, images this memory."""
    one, other = nodes
    deleted, _ = a_series(one, 1)
    closed, _ = a_series(one, 1, "ACC-2", "MRN-2")
    sight, doctor = other.services.sight, person(DOCTOR)
    assert sight.shows(doctor, deleted) and sight.shows(doctor, closed)
    requested(one, deleted)
    restrict(one, "MRN-2", "somebody")
    for study in (deleted, closed):
        assert other.get(f"/api/v1/dicom/studies/{study}", DOCTOR).status_code in (403, 404)
    refresh(other)
    assert not sight.shows(doctor, deleted) and not sight.shows(doctor, closed)


def test_what_one_node_has_put_aside_does_not_come_in_by_the_other(nodes: tuple[Api, Api]) -> None:
    """A rejected image that its sender sends again to another node."""
    one, other = nodes
    study, images = a_series(one, 2)
    rejected(one, study, images[:1])
    again = small(StudyInstanceUID=study, SOPInstanceUID=images[0])
    refresh(other)
    answer = other.upload(again)
    assert "rejected_image" in str(answer.json), answer.json
    assert len(uids(one)) == 1


def test_a_decision_that_was_made_at_one_node_holds_at_the_other(nodes: tuple[Api, Api]) -> None:
    """Claims are rows, so images of one study that come by both nodes get one patient; what a node remembers of it for
    five seconds is dropped when the link is changed there, and a job of the other sweeps after ten."""
    one, other = nodes
    order = one.place_order("ACC-1", "MRN-1")
    first = small(StudyInstanceUID="1.2.3.4", PatientID="SCAN-1")
    later = small(StudyInstanceUID="1.2.3.4", PatientID="SCAN-1")
    assert one.upload(first, headers={"X-Order-Id": order["id"]}).status_code == 201
    answer = other.upload(later)
    assert answer.status_code == 201, answer.json
    (study,) = other.get("/api/v1/dicom/studies", DOCTOR).json["items"]
    assert (study["mrn"], study["number_of_instances"]) == ("MRN-1", 2)
