"""Accounts and service keys as the administrator keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from ehr_bridge.db.tables.accounts import ServiceKey
from ehr_bridge.errors import NotAuthenticated
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import build_services
from tests.api.conftest import Api
from tests.api.sign_in_steps import PASSWORD, actions, make, sign_in, token_of
from tests.support.samples import small
from tests.support.server import user_token

ACCOUNTS, KEYS = "/api/v1/accounts", "/api/v1/service-keys"
TOKENS = "/api/v1/dicom/viewer-token"
NEW = {"username": "nora", "full_name": "Nora Nurse", "roles": ["nurse"], "password": "first password"}


def test_an_account_is_made_listed_and_must_choose_its_own_password(api: Api) -> None:
    """What comes back is what was said, never the password."""
    answer = api.call("POST", ACCOUNTS, "admin", json=NEW)
    assert answer.status_code == 201, answer.json
    made = answer.json
    assert {key: made[key] for key in ("username", "full_name", "roles", "active", "must_change_password")} == {
        "username": "nora",
        "full_name": "Nora Nurse",
        "roles": ["nurse"],
        "active": True,
        "must_change_password": True,
    }
    assert "password" not in made
    assert api.get(ACCOUNTS, "admin").json == {"items": [made], "total": 1, "limit": 50, "offset": 0}
    assert sign_in(api, "nora", "first password").json["must_change_password"] is True


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"username": "NORA"}, (409, "name_taken")),
        ({"username": "other", "roles": ["janitor"]}, (422, "unknown_role")),
        ({"username": "other", "password": "short"}, (422, "password_too_short")),
        ({"username": "-x"}, (422, "invalid_request")),
        ({"username": "a b"}, (422, "invalid_request")),
        ({"username": "other", "full_name": " "}, (422, "invalid_request")),
        ({"username": "other", "extra": 1}, (422, "invalid_request")),
    ],
)
def test_what_cannot_be_an_account_is_refused_and_nothing_is_made(
    api: Api, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    """Two names that differ in capitals only, roles that do not exist, short passwords."""
    assert api.call("POST", ACCOUNTS, "admin", json=NEW).status_code == 201
    answer = api.call("POST", ACCOUNTS, "admin", json=NEW | changes)
    assert (answer.status_code, answer.json["code"]) == expected
    assert api.get(ACCOUNTS, "admin").json["total"] == 1


def test_other_roles_end_the_sessions_and_another_name_does_not(api: Api) -> None:
    """A token carries roles; the old ones must not live on."""
    make(api)
    token = token_of(api)
    body = {"full_name": "Dora D. Doctor", "roles": ["doctor"]}
    assert api.call("PUT", f"{ACCOUNTS}/dora", "admin", json=body).json["full_name"] == "Dora D. Doctor"
    assert api.get("/api/v1/auth/me", token=token).status_code == 200
    answer = api.call("PUT", f"{ACCOUNTS}/dora", "admin", json=body | {"roles": ["nurse"]})
    assert answer.json["roles"] == ["nurse"]
    assert api.get("/api/v1/auth/me", token=token).json["code"] == "token_revoked"


def test_an_account_that_is_switched_off_cannot_sign_in_until_it_is_on_again(api: Api) -> None:
    """And its sessions end at once; saying the same twice changes nothing."""
    make(api)
    token = token_of(api)
    off = {"full_name": "Dora Doctor", "roles": ["doctor"], "active": False}
    for _ in range(2):
        assert api.call("PUT", f"{ACCOUNTS}/dora", "admin", json=off).json["active"] is False
    assert api.get("/api/v1/auth/me", token=token).json["code"] == "token_revoked"
    assert sign_in(api).json["code"] == "wrong_credentials"
    assert actions(api).count("account.changed") == 1
    api.call("PUT", f"{ACCOUNTS}/dora", "admin", json=off | {"active": True})
    assert sign_in(api).status_code == 200


@pytest.mark.parametrize("how", ["switched off", "other roles", "another password", "their own new password"])
def test_the_viewer_tokens_of_an_account_end_with_its_sessions(api: Api, how: str) -> None:
    """What it opened for itself shows nothing more and is not renewed; what the EHR opened for it stays."""
    make(api)
    own = token_of(api)
    study = {"study_instance_uids": [api.upload(small()).json["studies"][0]["study_instance_uid"]]}
    mine = api.call("POST", TOKENS, token=own, json=study | {"session_seconds": 7200}).json
    service = user_token("service", subject="ehr")
    theirs = api.call("POST", TOKENS, token=service, json=study | {"on_behalf_of": "dora"}).json
    account = {"full_name": "Dora Doctor", "roles": ["doctor"], "active": True}
    if how == "switched off":
        api.call("PUT", f"{ACCOUNTS}/dora", "admin", json=account | {"active": False})
    elif how == "other roles":
        api.call("PUT", f"{ACCOUNTS}/dora", "admin", json=account | {"roles": ["manager"]})
    elif how == "another password":
        api.call("POST", f"{ACCOUNTS}/dora/password", "admin", json={"password": "another password"})
    else:
        body = {"current_password": PASSWORD, "new_password": "another password"}
        assert api.call("POST", "/api/v1/auth/password", token=own, json=body).status_code == 200
    assert api.get("/api/v1/auth/me", token=own).json["code"] == "token_revoked"
    with pytest.raises(NotAuthenticated, match="revoked"):
        api.services.authenticator.authenticate(f"Bearer {mine['token']}")
    assert api.call("POST", f"{TOKENS}/exchange", token=mine["token"]).json["code"] == "token_revoked"
    assert api.call("POST", f"{TOKENS}/exchange", token=theirs["token"]).status_code == 201
    assert actions(api).count("viewer_token.revoked") == 1


def test_the_last_administrator_cannot_be_taken_away(api: Api) -> None:
    """Neither switched off nor given other roles, as long as there is no second one."""
    make(api, "ada", "admin")
    for change in ({"roles": ["admin"], "active": False}, {"roles": ["nurse"]}):
        answer = api.call("PUT", f"{ACCOUNTS}/ada", "admin", json={"full_name": "Ada"} | change)
        assert (answer.status_code, answer.json["code"]) == (409, "last_admin")
    assert api.get(ACCOUNTS, "admin").json["items"][0]["active"] is True
    make(api, "mina", "admin")
    assert api.call("PUT", f"{ACCOUNTS}/ada", "admin", json={"full_name": "Ada", "roles": []}).status_code == 200


def test_an_account_nobody_has_is_404(api: Api) -> None:
    """With a code."""
    for method, path, body in (
        ("PUT", "nobody", {"full_name": "X", "roles": []}),
        ("POST", "nobody/password", {"password": "long enough"}),
    ):
        answer = api.call(method, f"{ACCOUNTS}/{path}", "admin", json=body)
        assert (answer.status_code, answer.json["code"]) == (404, "account_not_found")


def test_a_service_key_works_as_a_token_until_it_is_revoked(api: Api) -> None:
    """On this node at once, on another after it refreshed, which it does twice a second."""
    answer = api.call("POST", KEYS, "admin", json={"name": "cd-reader", "roles": ["technician"]})
    assert answer.status_code == 201, answer.json
    key, key_id = answer.json["key"], answer.json["id"]
    assert key.startswith("ehrk_") and len(key) >= 48
    me = api.get("/api/v1/auth/me", token=key).json
    assert (me["subject"], me["roles"]) == ("key:cd-reader", ["technician"])
    headers = {"Authorization": f"Bearer {key}"}
    sent = api.client.post("/api/v1/dicom/upload", data=small(), content_type="application/dicom", headers=headers)
    assert sent.status_code == 201
    assert api.get("/api/v1/audit", token=key).status_code == 403
    other_node = build_services(api.services.settings, api.services.database)
    assert other_node.authenticator.authenticate(f"Bearer {key}").subject == "key:cd-reader"
    for _ in range(2):
        assert api.call("DELETE", f"{KEYS}/{key_id}", "admin").status_code == 204
    assert api.get("/api/v1/auth/me", token=key).json["code"] == "token_revoked"
    assert other_node.authenticator.authenticate(f"Bearer {key}").subject == "key:cd-reader"
    other_node.revocations.refresh()
    for node in (other_node, build_services(api.services.settings, api.services.database)):
        with pytest.raises(NotAuthenticated, match="token_revoked"):
            node.authenticator.authenticate(f"Bearer {key}")
    assert actions(api).count("service_key.revoked") == 1


def test_keys_are_listed_with_their_last_use_and_kept_as_digests(api: Api) -> None:
    """The key itself is nowhere."""
    key = api.call("POST", KEYS, "admin", json={"name": "ehr"}).json["key"]
    assert api.get(KEYS, "admin").json["items"][0]["last_used_at"] is None
    api.get("/api/v1/orders", token=key)
    api.services.key_verifier.note_use()
    entry = api.get(KEYS, "admin").json["items"][0]
    assert (entry["name"], entry["roles"]) == ("ehr", ["service"])
    assert entry["last_used_at"] is not None and "key" not in entry
    with api.services.database.read() as session:
        row = session.query(ServiceKey).one()
        assert key not in str(vars(row)) and len(row.key_sha256) == 64


def test_keys_need_names_of_their_own_and_roles_that_exist(api: Api) -> None:
    """Also after they are revoked: the audit trail names them."""
    key_id = api.call("POST", KEYS, "admin", json={"name": "ehr"}).json["id"]
    api.call("DELETE", f"{KEYS}/{key_id}", "admin")
    for body, expected in (
        ({"name": "ehr"}, (409, "name_taken")),
        ({"name": "x", "roles": ["janitor"]}, (422, "unknown_role")),
        ({"name": "x", "roles": []}, (422, "invalid_request")),
    ):
        answer = api.call("POST", KEYS, "admin", json=body)
        assert (answer.status_code, answer.json["code"]) == expected
    unknown = "00000000-0000-0000-0000-000000000000"
    assert api.call("DELETE", f"{KEYS}/{unknown}", "admin").json["code"] == "service_key_not_found"


def test_a_key_nobody_made_proves_nothing(api: Api) -> None:
    """401 with a code, also where a longer one begins like a real one."""
    real = api.services.service_keys.create("ehr", ["service"], Origin("test")).key
    for key in ("ehrk_", "ehrk_" + "A" * 43, real + "A", real[:-1]):
        answer = api.get("/api/v1/orders", token=key)
        assert (answer.status_code, answer.json["code"]) == (401, "token_invalid")
    assert PASSWORD not in real
