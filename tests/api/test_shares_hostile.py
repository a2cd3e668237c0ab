"""What somebody outside might try with a link, or without one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from ehr_bridge.api.http.access import ACCESS, OF_SHARE, PUBLIC, VIEWER
from ehr_bridge.auth import passwords
from ehr_bridge.db.database import Database
from ehr_bridge.settings import Settings
from tests.api.conftest import Api
from tests.api.report_steps import with_images
from tests.api.share_steps import (
    DAY,
    EXCHANGE,
    OPEN,
    PUBLIC_URL,
    SHARES,
    Clock,
    opened,
    opens_nothing,
    secret_of,
    share,
    sharing_api,
    token_of,
)
from tests.support.server import SECRET


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(jwt_secret=SecretStr(SECRET), data_dir=tmp_path, sharing=True, public_url=PUBLIC_URL)


@pytest.fixture
def api(database: Database, settings: Settings) -> Api:
    return sharing_api(database, settings, Clock())


def test_no_other_route_of_the_table_takes_its_token(api: Api) -> None:
    """Every route there is, asked with the token of a share: its renewal, signed reports, and what is public."""
    made = share(api)
    token, uid = token_of(api, made), made["share"]["study_instance_uid"]
    open_to_it = {route for route, need in ACCESS.items() if need in (PUBLIC, VIEWER, OF_SHARE)}
    assert {("POST", EXCHANGE), ("GET", "/api/v1/share/reports/{report_id}/pdf")} <= open_to_it
    for method, path in sorted(ACCESS.keys() - open_to_it):
        address = re.sub(r"\{(\w+)\}", lambda name: uid if name[1] == "study_uid" else "1", path)
        answer = api.call(method, address, token=token, json={} if method in ("POST", "PUT") else None)
        assert (answer.status_code, answer.json["code"]) == (403, "permission_missing"), (method, path)


def test_it_makes_no_other_token_and_no_other_share(api: Api) -> None:
    """Nor does what was renewed become an ordinary viewer token."""
    made = share(api)
    uid = made["share"]["study_instance_uid"]
    renewed = api.call("POST", EXCHANGE, token=token_of(api, made)).json["token"]
    caller = api.services.authenticator.authenticate(f"Bearer {renewed}")
    assert caller.is_share and caller.studies == frozenset({uid}) and len(caller.permissions) == 1
    body = {"study_instance_uid": uid, "ttl_seconds": DAY}
    assert api.call("POST", SHARES, token=renewed, json=body).status_code == 403
    assert api.get(f"/api/v1/dicom/viewer-url/{uid}", token=renewed).status_code == 403


@pytest.mark.parametrize(
    "secret", ["A" * 32, "a", "' OR 1=1 --", "%00", "../../ehr", "\r\nSet-Cookie: a=b", "ä" * 40, "0" * 256]
)
def test_guesses_find_nothing(api: Api, secret: str) -> None:
    """Whatever they look like; with and without a PIN."""
    for body in ({"secret": secret}, {"secret": secret, "pin": "471147"}):
        answer = api.call("POST", OPEN, json=body)
        assert (answer.status_code, answer.json["code"]) == (404, "share_not_found")
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "body", [{}, {"secret": ""}, {"secret": "x" * 257}, {"secret": 1}, {"secret": "x", "pin": "9" * 65}]
)
def test_odd_bodies_are_refused_without_saying_what_was_in_them(api: Api, body: dict[str, Any]) -> None:
    """And without looking for a share."""
    answer = api.call("POST", OPEN, json=body)
    assert answer.status_code == 422 and "xxx" not in answer.get_data(as_text=True)


def test_the_secret_is_no_token_and_no_part_of_an_address(api: Api) -> None:
    """It opens nothing but the door."""
    made = share(api)
    for path in ("/api/v1/auth/me", SHARES, "/api/v1/dicom/studies"):
        assert api.get(path, token=secret_of(made)).status_code == 401
        assert api.get(f"{path}?secret={secret_of(made)}").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"},
        {"Forwarded": "host=evil.example;proto=http"},
        {"Origin": "https://evil.example", "Referer": "https://evil.example/"},
    ],
)
def test_the_link_leads_where_the_settings_say(api: Api, headers: dict[str, str]) -> None:
    """Whatever a request says of the host: the mail goes to somebody who cannot know better."""
    body = {"study_instance_uid": with_images(api), "ttl_seconds": DAY}
    made = api.call("POST", SHARES, "doctor", json=body, headers=headers).json
    assert made["url"].startswith(f"{PUBLIC_URL}/ehr/share#") and "evil" not in str(made)
    there = api.call("POST", OPEN, json={"secret": secret_of(made)}, headers=headers)
    assert there.json["url"].startswith("/ohif/viewer?") and "evil" not in str(there.json)


def test_a_pin_costs_the_same_work_whether_or_not_there_is_a_link(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """One hash each time, so nobody learns by a clock which links there are, or which of them have a PIN."""
    known, plain = share(api, pin="471147"), share(api, with_images(api, "ACC-2", "MRN-2"))
    checked: list[str | None] = []
    real = passwords.password_matches

    def matches(stored: str | None, pin: str) -> bool:
        checked.append(pin)
        return real(stored, pin)

    monkeypatch.setattr("ehr_bridge.services.accounts.sign_in.password_matches", matches)
    unknown = {"url": f"{PUBLIC_URL}/ehr/share#{'B' * 32}"}
    for made in (known, plain, unknown):
        opened(api, made, "000000")
    assert checked == ["000000"] * 3


def test_guessing_is_limited_by_share_and_address(database: Database, settings: Settings) -> None:
    """Ten in a minute for one link, two hundred for one address, by the same setting as sign-ins."""
    api = sharing_api(database, settings.model_copy(update={"sign_ins_per_minute": 2}), Clock())
    moment = api.services.clock()
    api.services.rate_limits._clock = lambda: moment
    unknown = [{"url": f"x#{name * 32}"} for name in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    heard = [opened(api, unknown[0]) for _ in range(3)]
    assert [(answer.status_code, answer.json["code"]) for answer in heard][1:] == [
        (404, "share_not_found"),
        (503, "rate_limited"),
    ]
    assert '"share";q=2' in heard[0].headers["RateLimit-Policy"] and "Retry-After" in heard[2].headers
    others = [opened(api, one).status_code for one in unknown[1:] * 2]
    assert others.count(404) <= 37 and others[-1] == 503


def test_a_link_that_never_was_and_one_that_is_over_look_the_same(api: Api) -> None:
    """Also with a PIN."""
    made = share(api, pin="471147", max_uses=1)
    assert opened(api, made, "471147").status_code == 201
    for pin in (None, "471147", "000000"):
        assert opens_nothing(api, made, pin)


def test_sharing_needs_an_address_that_people_outside_can_follow(tmp_path: Path) -> None:
    """On all interfaces it does not start without EHR_BRIDGE_PUBLIC_URL."""
    common: dict[str, Any] = {"jwt_secret": SecretStr(SECRET), "data_dir": tmp_path, "sharing": True}
    assert Settings(**common, bind="0.0.0.0").lacks_public_url
    assert not Settings(**common, bind="0.0.0.0", public_url=PUBLIC_URL).lacks_public_url
    assert not Settings(**common).lacks_public_url
