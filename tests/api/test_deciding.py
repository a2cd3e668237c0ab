"""Who decides on a deletion and what they see for it; who asked takes the request back."""

from __future__ import annotations

from tests.api.conftest import Api
from tests.api.deletion_steps import DELETIONS, MAX, RITA, actions, ask, decide, is_shown, requested, stored
from tests.support.server import user_token


def test_who_asked_may_withdraw_the_request_while_it_waits(api: Api) -> None:
    """The study is back; the request stays, as withdrawn, and the trail says by whom."""
    uid = stored(api)
    deletion = requested(api, uid)
    answer = decide(api, deletion, "withdraw", RITA)
    assert (answer.status_code, answer.json["status"], answer.json["decided_by"]) == (200, "withdrawn", "rita")
    assert is_shown(api, uid)
    assert actions(api, uid) == ["deletion.requested", "deletion.withdrawn"]
    for verb in ("withdraw", "approve", "reject"):
        token = RITA if verb == "withdraw" else MAX
        assert decide(api, deletion, verb, token).json["code"] == "deletion_state", verb
    assert api.get(f"{DELETIONS}?status=withdrawn", "manager").json["total"] == 1
    requested(api, uid)


def test_nobody_else_withdraws_a_request_and_nobody_once_it_is_approved(api: Api) -> None:
    """Not another radiologist, not who decides, not an administrator."""
    uid = stored(api)
    deletion = requested(api, uid)
    for roles in (("radiologist",), ("admin",), ("radiologist", "manager", "admin")):
        answer = decide(api, deletion, "withdraw", user_token(*roles, subject="rolf"))
        assert (answer.status_code, answer.json["code"]) == (403, "not_own_request")
    assert decide(api, deletion, "withdraw").json["code"] == "permission_missing"
    assert decide(api, deletion, "approve").status_code == 200
    assert decide(api, deletion, "withdraw", RITA).json["code"] == "deletion_state"
    assert not is_shown(api, uid)


def sees(api: Api, uid: str, token: str) -> bool:
    """Whether the small picture, the link to the images and the images themselves are there, all or none."""
    codes = [api.get(f"/api/v1/dicom/{route}/{uid}", token=token).status_code for route in ("thumbnail", "viewer-url")]
    assert codes in ([200, 200], [404, 404], [403, 403]), codes
    looker = api.services.authenticator.authenticate(f"Bearer {token}")
    assert api.services.sight.shows(looker, uid) == (codes == [200, 200])
    return codes == [200, 200]


def test_who_decides_sees_the_images_while_they_wait_and_no_others(api: Api) -> None:
    """Neither before nor after, whatever is decided, nor of another study; nor does anybody else."""
    uid, other = stored(api), stored(api, "ACC-2", "MRN-2")
    others = [user_token(role, subject="olga") for role in ("doctor", "nurse", "technician", "radiologist", "admin")]
    for verb, token in (("reject", MAX), ("withdraw", RITA), ("approve", MAX)):
        assert not sees(api, uid, MAX)
        deletion = requested(api, uid)
        assert sees(api, uid, MAX) and not sees(api, other, MAX)
        assert api.get(f"/api/v1/dicom/viewer-url/{uid}?compare={other}", token=MAX).status_code == 404
        assert api.get(f"/api/v1/dicom/download/{uid}", token=MAX).status_code == 403
        assert not any(sees(api, uid, one) for one in others)
        assert decide(api, deletion, verb, token).status_code == 200
    assert not sees(api, uid, MAX)


def test_a_link_to_decide_opens_nothing_once_it_is_decided(api: Api) -> None:
    """And while it waits that one study."""
    uid, other = stored(api), stored(api, "ACC-2", "MRN-2")
    for verb in ("reject", "approve"):
        deletion = requested(api, uid)
        link = api.get(f"/api/v1/dicom/viewer-url/{uid}?priors=auto", token=MAX).json
        assert link["studies"] == [uid]
        looker = api.services.authenticator.authenticate(f"Bearer {link['token']}")
        assert [api.services.sight.shows(looker, one) for one in (uid, other)] == [True, False]
        exchange = "/api/v1/dicom/viewer-token/exchange"
        renewed = api.call("POST", exchange, token=link["token"]).json
        assert (renewed["operations"], renewed["studies"]) == (["decide"], [uid])
        assert decide(api, deletion, verb).status_code == 200
        assert not api.services.sight.shows(looker, uid)
        assert api.services.sight.seen(looker) == frozenset()
        assert api.call("POST", exchange, token=link["token"]).json["studies"] == []


def test_asking_for_a_deletion_oneself_is_no_way_to_see_images(api: Api) -> None:
    """Who may do both does not decide on their own request, and so needs not see it."""
    uid = stored(api)
    both = user_token("admin", "manager", subject="ada")
    assert ask(api, uid, both).status_code == 202
    assert not sees(api, uid, both)
    assert sees(api, uid, MAX)


def test_a_token_to_decide_cannot_be_asked_for_by_name(api: Api) -> None:
    uid = stored(api)
    requested(api, uid)
    body = {"study_instance_uids": [uid], "operations": ["decide"]}
    assert api.call("POST", "/api/v1/dicom/viewer-token", token=MAX, json=body).status_code == 422
    body = {"study_instance_uids": [uid]}
    assert api.call("POST", "/api/v1/dicom/viewer-token", token=MAX, json=body).status_code == 403


def test_a_restricted_patients_images_are_not_shown_to_who_decides(api: Api) -> None:
    """Unless they stand on the list."""
    uid = stored(api)
    requested(api, uid)
    path = "/api/v1/access/restrictions/MRN-1"
    for staff, expected in ((["rita"], False), (["rita", "max"], True)):
        body = {"reason": "a colleague", "staff": staff}
        assert api.call("PUT", path, "admin", json=body).status_code == 200
        assert sees(api, uid, MAX) == expected
