"""Sign-in of local accounts: lock-out, sessions that end, one's own password."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from ehr_bridge.auth.tokens import TokenRules
from ehr_bridge.errors import NotAuthenticated, Unavailable
from ehr_bridge.services.accounts.sign_in import Hashing, SignIn
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import build_services, utc_now
from tests.api.conftest import Api
from tests.api.sign_in_steps import PASSWORD, actions, make, sign_in, token_of
from tests.support.server import SECRET


def test_five_wrong_passwords_lock_a_name_whether_it_exists_or_not(api: Api) -> None:
    """The right password does not open it then, and nobody learns whether there is such an account."""
    make(api)
    told = {}
    for name in ("dora", "nobody"):
        answers = [sign_in(api, name, "wrong") for _ in range(5)]
        answers.append(sign_in(api, name.upper() if name == "nobody" else name))
        assert [a.status_code for a in answers] == [401] * 6
        told[name] = [{**a.json, "request_id": None} for a in answers]
        assert [a.json["code"] for a in answers] == ["wrong_credentials"] * 5 + ["account_locked"]
    assert told["dora"] == told["nobody"]
    assert actions(api).count("account.locked") == 2


def test_a_locked_name_hears_for_how_long(api: Api) -> None:
    """In minutes for people and in seconds for the page; a wrong password promises nothing."""
    make(api)
    answers = [sign_in(api, password="wrong") for _ in range(6)]
    assert "Retry-After" not in answers[0].headers
    assert 890 < int(answers[5].headers["Retry-After"]) <= 900
    assert "wait 15 minutes" in answers[5].json["detail"]
    almost = build_services(
        api.services.settings, api.services.database, lambda: utc_now() + timedelta(minutes=14, seconds=30)
    )
    with pytest.raises(NotAuthenticated, match="wait 1 minute,") as refusal:
        almost.sign_in.sign_in("dora", PASSWORD, None)
    assert 0 < (refusal.value.retry_after_seconds or 0) <= 30


def test_a_lock_ends_by_itself_and_by_a_new_password(api: Api) -> None:
    """After fifteen minutes, or when the administrator helps."""
    make(api)
    for _ in range(5):
        sign_in(api, password="wrong")
    shown = api.get("/api/v1/accounts", "admin").json["items"][0]
    assert shown["locked_until"] is not None
    later = build_services(
        api.services.settings, api.services.database, lambda: utc_now() + timedelta(minutes=15, seconds=1)
    )
    assert later.sign_in.sign_in("dora", PASSWORD, None).roles == ["doctor"]
    for _ in range(5):
        with pytest.raises(NotAuthenticated):
            later.sign_in.sign_in("dora", "wrong", None)
    with pytest.raises(NotAuthenticated, match="account_locked"):
        later.sign_in.sign_in("dora", PASSWORD, None)
    later.accounts.set_password("dora", "given by Ada", Origin("ada"))
    assert later.sign_in.sign_in("dora", "given by Ada", None).must_change_password


def test_old_failures_do_not_count(api: Api) -> None:
    """Four yesterday and one today lock nobody."""
    make(api)
    for _ in range(4):
        sign_in(api, password="wrong")
    later = build_services(api.services.settings, api.services.database, lambda: utc_now() + timedelta(minutes=16))
    with pytest.raises(NotAuthenticated, match="wrong_credentials"):
        later.sign_in.sign_in("dora", "wrong", None)
    assert later.sign_in.sign_in("dora", PASSWORD, None).name == "Dora Doctor"


def test_the_right_password_clears_the_count(api: Api) -> None:
    """Somebody who mistypes now and then is never locked out."""
    make(api)
    for _ in range(2):
        for _ in range(4):
            assert sign_in(api, password="wrong").json["code"] == "wrong_credentials"
        token_of(api)


def test_guesses_side_by_side_do_not_outrun_the_lock(api: Api) -> None:
    """Twelve at once: five are judged, the rest hear that the name is locked."""
    make(api)
    codes: list[str] = []
    patient = Hashing(wait_seconds=120, waiting=12)  # this test is about the lock, however slow the machine
    rules = TokenRules(SECRET, "orthanc-ehr-bridge")
    door = SignIn(api.services.database, rules, api.services.revocations, patient, utc_now)

    def guess() -> None:
        try:
            door.sign_in("dora", "wrong", None)
        except NotAuthenticated as error:
            codes.append(error.code)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (codes.count("wrong_credentials"), codes.count("account_locked")) == (5, 7)


def test_signing_out_ends_that_session_only(api: Api) -> None:
    """The phone stays signed in when the desk signs out; on every node."""
    make(api)
    desk, phone = token_of(api), token_of(api)
    other_node = build_services(api.services.settings, api.services.database)
    assert other_node.authenticator.authenticate(f"Bearer {desk}").subject == "dora"
    assert api.call("POST", "/api/v1/auth/logout", token=desk).status_code == 204
    answer = api.get("/api/v1/auth/me", token=desk)
    assert (answer.status_code, answer.json["code"]) == (401, "token_revoked")
    assert api.get("/api/v1/auth/me", token=phone).status_code == 200
    other_node.revocations.refresh()
    with pytest.raises(NotAuthenticated, match="token_revoked"):
        other_node.authenticator.authenticate(f"Bearer {desk}")
    assert "session.ended" in actions(api)


@pytest.mark.parametrize("path", ["logout", "password"])
def test_a_token_of_the_ehr_is_not_ours_to_end(api: Api, path: str) -> None:
    """Even when its subject has the name of a local account."""
    make(api, "doctor")
    body = {"current_password": PASSWORD, "new_password": "battery staple"}
    answer = api.call("POST", f"/api/v1/auth/{path}", "doctor", json=body)
    assert (answer.status_code, answer.json["code"]) == (409, "no_local_session")
    assert api.get("/api/v1/auth/me", "doctor").status_code == 200


def test_a_new_password_ends_every_session_and_gives_a_new_one(api: Api) -> None:
    """Whoever stole a token loses it."""
    make(api)
    here, elsewhere = token_of(api), token_of(api)
    body = {"current_password": PASSWORD, "new_password": "battery staple"}
    answer = api.call("POST", "/api/v1/auth/password", token=here, json=body)
    assert (answer.status_code, answer.json["roles"]) == (200, ["doctor"])
    for old in (here, elsewhere):
        assert api.get("/api/v1/auth/me", token=old).json["code"] == "token_revoked"
    assert api.get("/api/v1/auth/me", token=answer.json["token"]).json["subject"] == "dora"
    assert sign_in(api).json["code"] == "wrong_credentials"
    assert sign_in(api, password="battery staple").status_code == 200


def test_a_new_password_needs_the_current_one_and_ten_characters(api: Api) -> None:
    """A wrong one counts as a failed sign-in; nothing changes."""
    make(api)
    token = token_of(api)
    for current, new, expected in (
        ("wrong", "battery staple", (401, "wrong_credentials")),
        (PASSWORD, "short", (422, "password_too_short")),
        (PASSWORD, PASSWORD, (422, "password_unchanged")),
    ):
        body = {"current_password": current, "new_password": new}
        answer = api.call("POST", "/api/v1/auth/password", token=token, json=body)
        assert (answer.status_code, answer.json["code"]) == expected
    assert api.get("/api/v1/auth/me", token=token).status_code == 200
    assert sign_in(api).status_code == 200


def test_a_temporary_password_opens_nothing_but_the_way_to_another(api: Api) -> None:
    """What the administrator knows is good for one thing."""
    make(api)
    old = token_of(api)
    answer = api.call("POST", "/api/v1/accounts/dora/password", "admin", json={"password": "given by Ada"})
    assert answer.status_code == 204
    assert api.get("/api/v1/auth/me", token=old).json["code"] == "token_revoked"
    answer = sign_in(api, password="given by Ada")
    assert (answer.json["must_change_password"], answer.json["roles"]) == (True, [])
    assert api.get("/api/v1/orders", token=answer.json["token"]).status_code == 403
    body = {"current_password": "given by Ada", "new_password": "battery staple"}
    answer = api.call("POST", "/api/v1/auth/password", token=answer.json["token"], json=body)
    assert (answer.json["must_change_password"], answer.json["roles"]) == (False, ["doctor"])
    assert api.get("/api/v1/orders", token=answer.json["token"]).status_code == 200


def test_too_many_who_hash_at_once_are_asked_to_wait() -> None:
    """Each costs 64 MiB; the third does not get in while two are at it."""
    hashing = Hashing(at_once=1, wait_seconds=0.01)
    with hashing._turn(), pytest.raises(Unavailable, match="rate_limited"):
        hashing.matches(None, "anything")
    assert hashing.matches(None, "anything") is False


def test_whoever_finds_the_queue_full_is_sent_away_at_once() -> None:
    """A crowd occupies a few threads of the server, not all of them: with one at it and one waiting, the third goes."""
    hashing = Hashing(at_once=1, wait_seconds=60, waiting=1)
    done: list[bool] = []
    with hashing._turn():
        second = threading.Thread(target=lambda: done.append(hashing.matches(None, "anything")))
        second.start()
        while hashing._places.acquire(blocking=False):  # until the second has its place
            hashing._places.release()
        with pytest.raises(Unavailable, match="rate_limited"):
            hashing.matches(None, "anything")
    second.join(60)
    assert done == [False]
