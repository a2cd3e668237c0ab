"""Who may call what: every role on every route, as the one table says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ehr_bridge.api.http.access import ACCESS, PUBLIC, SIGNED_IN, VIEWER, permissions_for
from ehr_bridge.api.http.context import plain_path
from ehr_bridge.auth.permissions import ROLE_PERMISSIONS
from tests.api.access_steps import concrete
from tests.api.conftest import Api
from tests.support.samples import small
from tests.support.server import user_token


def test_every_route_stands_in_the_table(api: Api) -> None:
    """A route without a line is closed; a line without a route is dead."""
    rules = {
        (method, plain_path(rule.rule))
        for rule in api.client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.rule.startswith(("/static", "/api/v1/static", "/api/v1/swagger"))
    }
    of_the_library = {("GET", "/api/v1/"), ("GET", "/api/v1/oauth2-redirect.html")}  # not in our table: closed
    assert rules - of_the_library == set(ACCESS)


@pytest.mark.parametrize("role", ROLE_PERMISSIONS)
def test_each_role_on_each_route_is_let_in_or_not_as_the_table_says(api: Api, role: str) -> None:
    """403 exactly where the permission is missing."""
    for (method, path), need in ACCESS.items():
        answer = api.call(method, concrete(path), role)
        may = need != VIEWER and not permissions_for(need).isdisjoint(ROLE_PERMISSIONS[role])
        allowed = need in (PUBLIC, SIGNED_IN) or may
        if need != SIGNED_IN:
            assert (answer.status_code != 403) == allowed, (method, path, role, answer.status_code)
        assert answer.status_code not in (401, 500), (method, path, role)


def test_without_a_token_everything_but_the_public_says_401(api: Api) -> None:
    """With how to sign in."""
    for (method, path), need in ACCESS.items():
        answer = api.call(method, concrete(path))
        if need == PUBLIC:
            assert answer.status_code != 401 or path.endswith("login"), path
        else:
            assert answer.status_code == 401, path
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_bad_tokens_say_401_with_a_code(api: Api) -> None:
    """Expired, forged, nonsense."""
    for token, code in (
        (user_token("admin", ttl=timedelta(minutes=-1)), "token_expired"),
        (user_token("admin", secret="another-secret-another-secret-another"), "token_invalid"),
        (user_token("admin", audience="else"), "token_invalid"),
        ("nonsense", "token_invalid"),
    ):
        answer = api.get("/api/v1/orders", token=token)
        assert (answer.status_code, answer.json["code"]) == (401, code)


def test_an_unknown_role_may_nothing(api: Api) -> None:
    """A role nobody configured grants nothing."""
    assert api.get("/api/v1/orders", "janitor").status_code == 403


def test_a_viewer_token_is_no_key_to_the_api(api: Api) -> None:
    """It opens images, not routes of ours."""
    uid = api.upload(small()).json["studies"][0]["study_instance_uid"]
    token = api.get(f"/api/v1/dicom/viewer-url/{uid}", "doctor").json["token"]
    for (method, path), need in ACCESS.items():
        if need not in (PUBLIC, VIEWER):
            assert api.call(method, concrete(path), token=token).status_code == 403, path


def test_unknown_routes_and_methods_are_problems_too(api: Api) -> None:
    """404 and 405 in the same form, and nothing told to strangers."""
    assert api.get("/api/v1/nothing", "admin").json["code"] == "route_not_found"
    assert api.get("/api/v1/nothing").status_code == 401
    answer = api.call("DELETE", "/api/v1/orders", "admin")
    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
