"""The SMART launch of our pages: by an EHR on the list, in the browser that began it, for whom the EHR says."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from pydantic import SecretStr

from ehr_bridge.api.fhir.launch import COOKIE, create_launch_app
from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Roles
from ehr_bridge.db.database import Database
from ehr_bridge.errors import NotPermitted
from ehr_bridge.services.accounts.smart_ehrs import load_ehrs
from ehr_bridge.services.audit import trail
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import Services, build_services, utc_now
from ehr_bridge.settings import Settings, SettingsError
from tests.support.client import Answer, Client
from tests.support.server import SECRET

ISSUER = "https://ehr.example/fhir"
FILE = f"""
[[ehr]]
name = "northwing"
issuer = "{ISSUER}/"
client_id = "bridge"
client_secret = "s3cret"
roles = ["doctor"]
mrn_system = "https://ehr.example/mrn"
"""


class Ehr:
    """What the EHR answers, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.form: Mapping[str, str] = {}
        self.account: tuple[str, str] | None = None
        self.claims: dict[str, Any] = {}
        self.is_away = False

    def fetch(
        self,
        method: str,
        address: str,
        *,
        form: Mapping[str, str] | None = None,
        account: tuple[str, str] | None = None,
        token: str | None = None,
    ) -> dict[str, Any]:
        self.asked.append((method, address))
        if self.is_away:
            raise OSError("away")
        if address.endswith("smart-configuration"):
            return {
                "issuer": ISSUER,
                "authorization_endpoint": "https://ehr.example/authorize",
                "token_endpoint": "https://ehr.example/token",
            }
        if address.endswith("/token"):
            self.form, self.account = form or {}, account
            payload = base64.urlsafe_b64encode(json.dumps(self.claims).encode()).decode().rstrip("=")
            return {"access_token": "opaque", "patient": "77", "id_token": f"e30.{payload}.x"}
        assert (address, token) == (f"{ISSUER}/Patient/77", "opaque")
        return {"identifier": [{"system": "https://ehr.example/mrn", "value": "MRN-1"}, {"value": "other"}]}


class Launching:
    def __init__(self, database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (folder / "ehrs.toml").write_text(FILE)
        self.ehr, self.late = Ehr(), timedelta(0)
        monkeypatch.setattr("ehr_bridge.services.bundle.fetch_json", self.ehr.fetch)
        settings = Settings(jwt_secret=SecretStr(SECRET), data_dir=folder, smart_ehrs=folder / "ehrs.toml")
        self.services: Services = build_services(settings, database, lambda: utc_now() + self.late)
        self.app: Flask = create_launch_app(self.services)
        self.browser = Client(self.app)

    def begin(self) -> dict[str, str]:
        """What the browser is sent to the EHR with."""
        answer = self.browser.open(f"/ehr/smart/launch?iss={ISSUER}&launch=xyz")
        assert answer.status_code == 302, answer.json
        where = urlsplit(answer.headers["Location"])
        assert f"{where.scheme}://{where.netloc}{where.path}" == "https://ehr.example/authorize"
        asked = dict(parse_qsl(where.query))
        until = utc_now() + timedelta(hours=1)
        self.ehr.claims = {
            "iss": ISSUER, "aud": "bridge", "sub": "dora", "name": "Dora Ek", "exp": until.timestamp(),
            "nonce": asked["nonce"],
        }  # fmt: skip
        return asked

    def finish(self, state: str, browser: Client | None = None) -> Answer:
        return (browser or self.browser).open(f"/ehr/smart/callback?code=abc&state={state}")


@pytest.fixture
def launching(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Launching:
    return Launching(database, tmp_path, monkeypatch)


def test_the_ehr_opens_our_page_with_its_user_and_its_patient(launching: Launching) -> None:
    """PKCE, `aud`, the exchange, and a token of ours that is good for what the site says."""
    asked = launching.begin()
    assert (asked["aud"], asked["launch"], asked["code_challenge_method"]) == (ISSUER, "xyz", "S256")
    answer = launching.finish(asked["state"])
    assert answer.status_code == 302, answer.json
    path, _, fragment = answer.headers["Location"].partition("#")
    opened = dict(parse_qsl(fragment))
    assert (path, opened["patient"]) == ("/ehr/launch", "MRN-1")
    who = launching.services.authenticator.authenticate(f"Bearer {opened['token']}")
    assert (who.subject, who.name, who.roles) == ("dora", "Dora Ek", ("doctor",))
    digest = hashlib.sha256(launching.ehr.form["code_verifier"].encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert launching.ehr.form["redirect_uri"] == asked["redirect_uri"]
    assert launching.ehr.account == ("bridge", "s3cret")


@pytest.mark.parametrize(
    ("said", "minutes"),
    [({}, None), ({"auth_time": -60}, 1), ({"auth_time": -3600}, 60), ({"auth_time": "now"}, None),
     ({"auth_time": None}, None), ({"auth_time": 1e300}, None)],
)  # fmt: skip
def test_our_token_says_when_they_signed_in_there(
    launching: Launching, said: dict[str, Any], minutes: int | None
) -> None:
    """Only what the EHR vouches for: coming from there is no sign-in."""
    state, now = launching.begin()["state"], utc_now()
    seconds = said.get("auth_time")
    launching.ehr.claims |= {"auth_time": now.timestamp() + seconds} if isinstance(seconds, int) else said
    fragment = launching.finish(state).headers["Location"].partition("#")[2]
    who = launching.services.authenticator.authenticate(f"Bearer {dict(parse_qsl(fragment))['token']}")
    if minutes is None:
        assert who.proved_at is None
    else:
        assert who.proved_at == (now - timedelta(minutes=minutes)).replace(microsecond=0)


def launched(launching: Launching, sub: str = "dora") -> Caller:
    """Who comes from the EHR, where they have just signed in."""
    state = launching.begin()["state"]
    launching.ehr.claims |= {"auth_time": utc_now().timestamp(), "sub": sub}
    fragment = launching.finish(state).headers["Location"].partition("#")[2]
    return launching.services.authenticator.authenticate(f"Bearer {dict(parse_qsl(fragment))['token']}")


def refused(launching: Launching, who: Caller, password: str | None = None) -> str:
    with pytest.raises(NotPermitted) as error:
        launching.services.sign_in.prove_again(who, password, None)
    return error.value.code


def test_who_has_the_name_of_an_account_here_signs_with_its_password_only(launching: Launching) -> None:
    """The EHR knows its own people: its rita may be somebody else than ours. Nobody signs as an account that is
    switched off."""
    origin, accounts = Origin("test"), launching.services.accounts
    who = launched(launching, "rita")
    launching.services.sign_in.prove_again(who, None, None)
    accounts.create("rita", "Rita Here", "correct horse", ["radiologist"], origin)
    assert refused(launching, who) == "sign_in_again"
    launching.services.sign_in.prove_again(who, "correct horse", None)
    accounts.create("otto", "Otto Here", "correct horse", ["admin"], origin)
    accounts.change("rita", "Rita Here", ["radiologist"], False, origin)
    assert refused(launching, who) == refused(launching, who, "correct horse") == "account_signs_nothing"


def test_a_temporary_password_signs_nothing(launching: Launching) -> None:
    """The administrator has chosen it, and knows it."""
    who = launched(launching, "rita")
    launching.services.accounts.create("rita", "Rita", "correct horse", ["doctor"], Origin("test"))
    launching.services.accounts.set_password("rita", "battery staple", Origin("test"))
    assert refused(launching, who, "battery staple") == "account_signs_nothing"
    launching.services.accounts.set_password("rita", "my own secret", Origin("test"), temporary=False)
    launching.services.sign_in.prove_again(who, "my own secret", None)


SOUTH = FILE.replace("ehr.example", "south.example").replace("northwing", "southwing")


@pytest.mark.parametrize(
    ("more", "roles", "signs"),
    [("", "doctor", True), ("", "radiologist", False), ("shared_subjects = true\n", "radiologist", True)],
)
def test_the_same_name_at_two_ehrs_is_not_taken_for_one_person(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, more: str, roles: str, signs: bool
) -> None:
    """Where users of both may sign, a fresh sign-in there signs only if the site says that they number their people
    together; with an account here its password signs."""
    both = FILE.replace("doctor", "radiologist") + more + SOUTH.replace("doctor", roles)
    monkeypatch.setattr(f"{__name__}.FILE", both)
    launching = Launching(database, tmp_path, monkeypatch)
    who = launched(launching, "1001")
    if signs:
        launching.services.sign_in.prove_again(who, None, None)
    else:
        assert refused(launching, who) == "subject_ambiguous"
        launching.services.accounts.create("1001", "Rita", "correct horse", ["radiologist"], Origin("test"))
        launching.services.sign_in.prove_again(who, "correct horse", None)


def test_an_ehr_can_be_asked_for_a_fresh_sign_in(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the site wants reports to be signed in its sessions."""
    monkeypatch.setattr(f"{__name__}.FILE", FILE + "max_age = 300\n")
    assert Launching(database, tmp_path, monkeypatch).begin()["max_age"] == "300"


def test_an_ehr_that_is_not_listed_is_refused_and_not_asked(launching: Launching) -> None:
    """`iss` is an address that anybody can write: nothing is fetched from it."""
    for issuer in ("https://evil.example/fhir", "http://169.254.169.254", f"{ISSUER}.evil.example"):
        answer = launching.browser.open(f"/ehr/smart/launch?iss={issuer}&launch=xyz")
        assert (answer.status_code, answer.json["code"]) == (403, "launch_refused")
    assert launching.ehr.asked == []
    launching.services.refusals.flush(last=True)
    with launching.services.database.read() as session:
        noted = trail.search(session, trail.AuditFilters(action="request.refused"), 10, 0).items
        assert {one.detail["route"] for one in noted} == {"GET /ehr/smart/launch"}


def test_only_the_browser_that_began_finishes_and_only_soon(launching: Launching) -> None:
    """A code that is slipped into another browser, another state, no cookie, a cookie of one's own making, too late."""
    state = launching.begin()["state"]
    stranger = Client(launching.app)
    stranger.set_cookie(COOKIE, "bm90IHNlYWxlZA", path="/ehr/smart")
    for answer in (
        launching.finish(state, Client(launching.app)),
        launching.finish(state, stranger),
        launching.finish("another"),
        launching.browser.open("/ehr/smart/callback?error=access_denied"),
        launching.browser.open("/ehr/smart/callback?code=abc"),
        launching.browser.open("/ehr/smart/launch?launch=x"),
    ):
        assert (answer.status_code, answer.json["code"]) == (400, "launch_not_begun")
    launching.late = timedelta(minutes=11)
    assert launching.finish(state).json["code"] == "launch_not_begun"
    assert all(not address.endswith("/token") for _, address in launching.ehr.asked)


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "another"},
        {"iss": "https://else.example"},
        {"nonce": "another"},
        {"exp": 1},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 300},
    ],
)
def test_who_signed_in_is_said_by_the_ehr_or_nobody_is_let_in(launching: Launching, change: dict[str, Any]) -> None:
    """Each claim of the id token counts."""
    state = launching.begin()["state"]
    launching.ehr.claims |= change
    answer = launching.finish(state)
    assert (answer.status_code, answer.json["code"]) == (403, "launch_refused")


def test_while_the_ehr_is_away_nobody_is_let_in(launching: Launching) -> None:
    """At the launch, and at the exchange."""
    launching.ehr.is_away = True
    answer = launching.browser.open(f"/ehr/smart/launch?iss={ISSUER}&launch=xyz")
    assert (answer.status_code, answer.json["code"]) == (503, "ehr_unavailable")
    launching.ehr.is_away = False
    state = launching.begin()["state"]
    launching.ehr.is_away = True
    assert launching.finish(state).json["code"] == "ehr_unavailable"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "[[ehr]]"),
        ("no toml", "TOML"),
        ("[[ehr]]\nname = 'x'", "issuer"),
        (FILE.replace("https://ehr.example/fhir/", "http://ehr.example"), "issuer"),
        (FILE.replace('["doctor"]', '["king"]'), "roles"),
        (FILE.replace('["doctor"]', "[]"), "roles"),
        (FILE + "colour = 'red'\n", "colour"),
        (FILE + "max_age = '300'\n", "max_age"),
        (FILE + "max_age = -1\n", "max_age"),
        (FILE + "shared_subjects = 'yes'\n", "shared_subjects"),
        (FILE + FILE, "issuer"),
    ],
)
def test_a_mistake_in_the_list_stops_the_start_and_names_the_field(tmp_path: Path, text: str, named: str) -> None:
    """By variable, entry and field."""
    (tmp_path / "ehrs.toml").write_text(text)
    with pytest.raises(SettingsError, match="EHR_BRIDGE_SMART_EHRS") as error:
        load_ehrs(tmp_path / "ehrs.toml", Roles())
    assert named in str(error.value)
