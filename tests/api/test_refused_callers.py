"""What a refused caller hears: short where they proved nothing, the way where they are known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt
import pytest

from tests.api.conftest import Api
from tests.support.server import SECRET, user_token

ME = "/api/v1/auth/me"


def test_a_caller_sees_which_of_their_roles_mean_nothing_here(api: Api) -> None:
    """The first question of everybody who sets up roles."""
    claims = {"sub": "anna", "aud": "orthanc-ehr-bridge", "roles": ["doctor", "Arzt"]}
    token = jwt.encode(claims | {"exp": datetime.now(UTC) + timedelta(hours=1)}, SECRET, "HS256")
    me = api.get(ME, token=token).json
    assert (me["ignored_roles"], "view" in me["permissions"]) == (["Arzt"], True)
    assert api.get(ME, "doctor").json["ignored_roles"] == []


def test_a_403_names_the_permission_and_who_has_it(api: Api) -> None:
    """So that one knows whom to ask."""
    answer = api.get("/api/v1/audit", "nurse")
    assert (answer.status_code, answer.json["code"]) == (403, "permission_missing")
    assert answer.json["detail"] == (
        "This needs the permission 'audit', which your roles do not include. Roles that have it: admin."
    )
    either = api.get("/api/v1/deletions", "nurse").json["detail"]
    assert "'approve_deletion' or 'request_deletion'" in either
    assert "radiologist, manager, admin" in either
    unmapped = api.get("/api/v1/audit", token=user_token("Arzt")).json["detail"]
    assert unmapped.endswith("Your token names roles that do not exist here; GET /api/v1/auth/me lists them.")


def test_a_service_is_told_to_name_the_person(api: Api) -> None:
    """It has no `view`, and needs none: a viewer token on behalf of somebody opens images."""
    body = {"study_instance_uids": ["1.2.3"]}
    for answer in (
        api.call("POST", "/api/v1/dicom/viewer-token", "service", json=body),
        api.get("/api/v1/dicom/viewer-url/1.2.3", "service"),
        api.get("/api/v1/dicom/download/1.2.3", "service"),
    ):
        assert (answer.status_code, "'on_behalf_of'" in answer.json["detail"]) == (403, True), answer.json
    audit = api.get("/api/v1/audit", "service").json["detail"]
    assert "on_behalf_of" not in audit


def test_a_bad_token_hears_nothing_but_that_it_is_bad(api: Api) -> None:
    """Which claim it was helps an attacker; the request id leads the operator to it."""
    good = {"sub": "x", "aud": "orthanc-ehr-bridge", "roles": ["doctor"], "exp": datetime.now(UTC) + timedelta(hours=1)}
    wrong = [
        jwt.encode(good, "k" * 40, "HS256"),
        jwt.encode(good | {"aud": "somebody"}, SECRET, "HS256"),
        jwt.encode(good | {"roles": "doctor"}, SECRET, "HS256"),
        "abc",
    ]
    answers = [api.call("GET", ME, token=token, headers={"X-Request-Id": "same"}) for token in wrong]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1
    assert answers[0].json["request_id"] == "same"


def test_a_secret_without_its_scheme_is_not_repeated_in_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever forgets the word Bearer sends the key alone."""
    key = "ehrb_0123456789abcdefghijklmnopqrstuv"
    assert api.call("GET", ME, headers={"Authorization": key}).status_code == 401
    api.services.refusals.flush(last=True)
    assert "one word alone" in caplog.text
    assert key[:12] not in caplog.text.lower()
