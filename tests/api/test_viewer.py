"""Viewer tokens: made for named studies, listed, taken back."""

from __future__ import annotations

import hashlib

import pytest

from ehr_bridge.db.tables.viewing import ViewerToken
from tests.api.conftest import Api
from tests.support.samples import small

TOKENS = "/api/v1/dicom/viewer-token"


def stored_study(api: Api, accession: str = "ACC-1", mrn: str = "MRN-1") -> str:
    order = api.place_order(accession, mrn)
    uid: str = api.upload(small(), headers={"X-Order-Id": order["id"]}).json["studies"][0]["study_instance_uid"]
    return uid


def test_viewer_url_opens_the_study_and_only_its_digest_is_kept(api: Api) -> None:
    """The link, the token in it, and what the database knows of it."""
    uid = stored_study(api)
    link = api.get(f"/api/v1/dicom/viewer-url/{uid}", "doctor").json
    assert link["studies"] == [uid]
    assert link["url"] == f"/ohif/viewer?StudyInstanceUIDs={uid}&token={link['token']}"
    caller = api.services.authenticator.authenticate(f"Bearer {link['token']}")
    assert (caller.subject, caller.studies) == ("doctor", frozenset({uid}))
    with api.services.database.read() as session:
        row = session.query(ViewerToken).one()
        assert row.token_sha256 == hashlib.sha256(link["token"].encode()).hexdigest()


@pytest.mark.parametrize("way", ["link", "token", "exchange"])
def test_a_new_token_is_known_before_anybody_comes_with_it(api: Api, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """The first image waits for no look-up, whichever way the token was got."""
    uid = stored_study(api)
    token = api.get(f"/api/v1/dicom/viewer-url/{uid}", "doctor").json["token"]
    if way == "token":
        token = api.call("POST", TOKENS, "doctor", json={"study_instance_uids": [uid]}).json["token"]
    elif way == "exchange":
        token = api.call("POST", f"{TOKENS}/exchange", token=token).json["token"]
    monkeypatch.setattr(api.services.database, "read", lambda: pytest.fail("the database was asked"))
    assert api.services.authenticator.authenticate(f"Bearer {token}").studies == frozenset({uid})


def test_a_second_study_to_compare_is_covered_by_the_same_token(api: Api) -> None:
    """?compare= opens two."""
    first, second = stored_study(api), stored_study(api, "ACC-2", "MRN-2")
    link = api.get(f"/api/v1/dicom/viewer-url/{first}?compare={second}", "doctor").json
    assert link["studies"] == [first, second]


def dated_study(api: Api, accession: str, day: str, modality: str = "MR", mrn: str = "MRN-1") -> str:
    order = api.place_order(accession, mrn)
    data = small(StudyDate=day, Modality=modality)
    uid: str = api.upload(data, headers={"X-Order-Id": order["id"]}).json["studies"][0]["study_instance_uid"]
    return uid


def test_priors_are_the_patients_latest_earlier_studies_of_the_same_kind(api: Api) -> None:
    """?priors=auto: newest first, at most three, nobody else's, no later one, no other modality."""
    days = ["20200101", "20210101", "20220101", "20230101"]
    earlier = [dated_study(api, f"ACC-{day}", day) for day in days]
    dated_study(api, "ACC-CT", "20240101", modality="CT")
    dated_study(api, "ACC-OTHER", "20240101", mrn="MRN-2")
    current = dated_study(api, "ACC-NOW", "20250101")
    dated_study(api, "ACC-LATER", "20260101")
    link = api.get(f"/api/v1/dicom/viewer-url/{current}?priors=auto", "doctor").json
    assert link["studies"] == [current, *reversed(earlier[1:])]
    assert api.get(f"/api/v1/dicom/viewer-url/{current}?priors=all", "doctor").status_code == 422


def test_a_study_linked_to_nobody_has_no_priors(api: Api) -> None:
    """Nothing is known of whose it is."""
    uid = api.upload(small()).json["studies"][0]["study_instance_uid"]
    assert api.get(f"/api/v1/dicom/viewer-url/{uid}?priors=auto", "doctor").json["studies"] == [uid]


def test_a_token_for_an_order_or_a_patient_covers_their_studies(api: Api) -> None:
    """Asked for by order or patient."""
    uid = stored_study(api)
    stored_study(api, "ACC-2", "MRN-2")
    for wish in ({"order_id": "ACC-1"}, {"patient_id": "MRN-1"}, {"study_instance_uids": [uid]}):
        answer = api.call("POST", TOKENS, "doctor", json=wish)
        assert (answer.status_code, answer.json["studies"]) == (201, [uid])


def test_a_service_mints_for_a_named_person_and_for_nobody_else(api: Api) -> None:
    """The EHR opens the viewer for its user."""
    uid = stored_study(api)
    answer = api.call("POST", TOKENS, "service", json={"study_instance_uids": [uid], "on_behalf_of": "dr.who"})
    assert answer.status_code == 201
    assert api.services.authenticator.authenticate(f"Bearer {answer.json['token']}").subject == "dr.who"
    assert api.call("POST", TOKENS, "service", json={"study_instance_uids": [uid]}).status_code == 403
    body = {"study_instance_uids": [uid], "on_behalf_of": "dr.who"}
    assert api.call("POST", TOKENS, "doctor", json=body).status_code == 403


def test_nobody_gets_a_token_for_more_than_they_may_do(api: Api) -> None:
    """A nurse may view, not download; an administrator may not view."""
    uid = stored_study(api)
    body = {"study_instance_uids": [uid], "operations": ["view", "download"]}
    assert api.call("POST", TOKENS, "nurse", json=body).status_code == 403
    assert api.call("POST", TOKENS, "doctor", json=body).status_code == 201
    assert api.call("POST", TOKENS, "admin", json={"study_instance_uids": [uid]}).status_code == 403
    assert api.get(f"/api/v1/dicom/viewer-url/{uid}", "admin").status_code == 403


def test_wishes_that_cannot_be_met_are_refused(api: Api) -> None:
    """Nothing to open, several scopes at once, nonsense."""
    api.place_order("ACC-9")
    for wish, status in (
        ({"study_instance_uids": ["1.2.3"]}, 404),
        ({"order_id": "ACC-9"}, 404),
        ({"order_id": "NO"}, 404),
        ({}, 422),
        ({"order_id": "ACC-9", "patient_id": "MRN-1"}, 422),
        ({"study_instance_uids": ["1.2.*"]}, 422),
        ({"study_instance_uids": []}, 422),
        ({"order_id": "ACC-9", "operations": ["delete"]}, 422),
        ({"order_id": "ACC-9", "ttl_seconds": 10**9}, 422),
    ):
        answer = api.call("POST", TOKENS, "doctor", json=wish)
        assert answer.status_code == status, wish
    assert api.get("/api/v1/dicom/viewer-url/1.2.3", "doctor").status_code == 404


def test_a_revoked_token_is_refused_at_once(api: Api) -> None:
    """Listed for its owner, revoked by its owner, invisible to others."""
    uid = stored_study(api)
    minted = api.call("POST", TOKENS, "doctor", json={"study_instance_uids": [uid]}).json
    assert [t["token_id"] for t in api.get(TOKENS, "doctor").json["items"]] == [minted["token_id"]]
    assert api.get(TOKENS, "nurse").json["total"] == 0
    assert api.call("DELETE", f"{TOKENS}/{minted['token_id']}", "nurse").status_code == 404
    for _ in range(2):
        assert api.call("DELETE", f"{TOKENS}/{minted['token_id']}", "doctor").status_code == 204
    answer = api.get("/api/v1/auth/me", token=minted["token"])
    assert (answer.status_code, answer.json["code"]) == (401, "token_revoked")


def test_another_node_hears_of_a_revocation(api: Api) -> None:
    """The list is refreshed from the database."""
    from ehr_bridge.services.accounts.revocations import Revocations

    uid = stored_study(api)
    minted = api.call("POST", TOKENS, "doctor", json={"study_instance_uids": [uid]}).json
    elsewhere = Revocations(api.services.database, api.services.clock)
    assert minted["token_id"] not in elsewhere
    api.call("DELETE", f"{TOKENS}/{minted['token_id']}", "doctor")
    elsewhere.refresh()
    assert minted["token_id"] in elsewhere
