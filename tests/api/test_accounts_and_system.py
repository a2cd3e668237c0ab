"""Sign-in, health, the OpenAPI document."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from ehr_bridge.api.app import create_app
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.version import VERSION
from tests.api.conftest import Api

LOGIN = "/api/v1/auth/login"


def test_sign_in_gives_a_token_that_works(api: Api) -> None:
    """Right name, right password."""
    api.services.accounts.create("dora", "Dora Doctor", "correct horse", ["doctor"], Origin("test"))
    answer = api.call("POST", LOGIN, json={"username": "dora", "password": "correct horse"})
    assert (answer.status_code, answer.json["name"], answer.json["roles"]) == (200, "Dora Doctor", ["doctor"])
    me = api.get("/api/v1/auth/me", token=answer.json["token"]).json
    assert (me["subject"], "view" in me["permissions"], "audit" in me["permissions"]) == ("dora", True, False)


def test_wrong_name_and_wrong_password_sound_the_same_and_are_audited(api: Api) -> None:
    """Nobody learns which accounts exist."""
    api.services.accounts.create("dora", "Dora Doctor", "correct horse", ["doctor"], Origin("test"))
    answers = [
        api.call("POST", LOGIN, json={"username": name, "password": "wrong"}, headers={"X-Request-Id": "the-same"})
        for name in ("dora", "nobody")
    ]
    assert {a.status_code for a in answers} == {401}
    assert answers[0].json == answers[1].json
    events = api.get("/api/v1/audit?action=session.refused", "admin").json
    assert events["total"] == 2


def test_health_needs_no_token_and_names_its_checks(api: Api) -> None:
    """For load balancers."""
    checks = {"database": "ok", "worker": "ok"}
    assert api.get("/api/v1/health").json == {"status": "ok", "checks": checks, "worklist_age_seconds": None}


def test_every_signed_in_caller_hears_the_versions(api: Api) -> None:
    """Not only administrators; without a token nobody."""
    answer = api.get("/api/v1/version", "nurse")
    said = dict(answer.json)
    assert said.pop("features")["doors"]
    assert said == {"version": VERSION, "api_version": "v1", "orthanc_version": None}
    assert api.get("/api/v1/version").status_code == 401
    app = create_app(api.services, api.archive, {}, orthanc_version="1.12.7")
    newer = Api(app, api.services, api.archive)
    assert newer.get("/api/v1/version", "nurse").json["orthanc_version"] == "1.12.7"
    assert newer.get("/api/v1/system", "admin").json["orthanc_version"] == "1.12.7"


def test_every_signed_in_caller_hears_what_is_switched_on(api: Api) -> None:
    """As the settings say; nothing secret among it. The System page says the same."""
    plain = api.get("/api/v1/version", "nurse").json["features"]
    assert plain == api.get("/api/v1/system", "admin").json["features"]
    assert (plain["basic_auth"], plain["jwks"], plain["frame_ancestors"]) == (False, False, [])
    changed = {
        "username": "ehr",
        "password": SecretStr("secret-word-1"),
        "jwks": "https://ehr.example/keys-address",
        "authorities": "SITE-A=1.2.40.1, SITE-B",
        "frame_ancestors": "https://ehr.example https://portal.example:8443",
        "coercion_rules": Path("/rules-path.toml"),
        "smart_scopes": True,
        "match_automatic": "order",
        "stable_age": 5,
        "deletion_grace_days": 30,
        "ae_title": "PACS",
    }
    services = replace(api.services, settings=api.services.settings.model_copy(update=changed))
    answer = Api(create_app(services, api.archive, {}), services, api.archive).get("/api/v1/version", "nurse")
    assert answer.json["features"] == {
        "doors": ["upload", "stow_rs", "rest", "c_store"],
        "ae_title": "PACS",
        "basic_auth": True,
        "jwks": True,
        "smart_scopes": True,
        "issuer_required": True,
        "frame_ancestors": ["https://ehr.example", "https://portal.example:8443"],
        "own_coercion_rules": True,
        "match_automatic": "order",
        "stable_age_seconds": 5,
        "deletion_grace_days": 30,
    }
    assert not {word for word in ("secret-word", "keys-address", "rules-path") if word in answer.text}


def test_the_openapi_document_lists_every_route(api: Api) -> None:
    """3.1, with security and problem answers."""
    from ehr_bridge.api.http.access import ACCESS

    document = api.get("/api/v1/openapi.json").json
    assert document["openapi"].startswith("3.1")
    listed = {(m.upper(), p) for p, methods in document["paths"].items() for m in methods}
    assert listed == set(ACCESS)
    body = document["paths"]["/api/v1/dicom/upload"]["post"]["requestBody"]["content"]
    assert set(body) == {"application/dicom", "application/octet-stream", "multipart/related"}
