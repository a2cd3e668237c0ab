"""Tokens: what proves somebody, and what does not."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.auth.signed import viewer_key
from ehr_bridge.auth.tokens import (
    TokenRules,
    TokenVerifier,
    make_user_token,
)
from ehr_bridge.errors import NotAuthenticated, Unavailable
from tests.support.grants import FakeGrants
from tests.unit.token_steps import NOW, RULES, SECRET, Clock, user, viewer


def verifier(revoked: set[object] | None = None, rules: TokenRules = RULES) -> tuple[TokenVerifier, Clock]:
    clock = Clock()
    return TokenVerifier(rules, revoked or set(), FakeGrants("1.2.3"), clock), clock


def test_a_user_token_gives_the_permissions_of_its_roles() -> None:
    """A doctor may view and upload, and not modify tags."""
    caller = verifier()[0].verify(user())
    assert caller.may(Permission.VIEW, "1.2.3")
    assert caller.may(Permission.UPLOAD)
    assert not caller.may(Permission.MODIFY_TAGS)


def test_a_viewer_token_opens_its_studies_and_no_other() -> None:
    """Bound means bound."""
    caller = verifier()[0].verify(viewer())
    assert caller.may(Permission.VIEW, "1.2.3")
    assert not caller.may(Permission.VIEW, "1.2.4")
    assert not caller.may(Permission.VIEW)
    assert not caller.may(Permission.UPLOAD, "1.2.3")


FORGED = {
    "wrong key": jwt.encode({"sub": "x", "aud": RULES.audience, "exp": NOW + timedelta(hours=1)}, "k" * 40, "HS256"),
    "no expiry": user(exp=...),
    "no subject": user(sub=...),
    "empty subject": user(sub=""),
    "endless subject": user(sub="x" * 256),
    "subject with a line break": user(sub="dora\nadmin"),
    "subject with a null": user(sub="dora\0"),
    "no audience": user(aud=...),
    "other audience": user(aud="somebody-else"),
    "not yet valid": user(nbf=NOW + timedelta(hours=1)),
    "roles is text": user(roles="admin"),
    "roles holds numbers": user(roles=[1]),
    "name is a list": user(name=["a"]),
    "name with half a character": user(name="\ud800"),
    "issued at is text": user(iat="yesterday"),
    "alg none": jwt.encode({"sub": "x", "aud": RULES.audience, "exp": NOW + timedelta(hours=1)}, "", "none"),
    "HS512 with the right key": jwt.encode(
        {"sub": "x", "aud": RULES.audience, "exp": NOW + timedelta(hours=1)}, SECRET, "HS512"
    ),
    "expiry beyond all time": user(exp=10**20),
    "expiry in a year no calendar has": user(exp=10**18),
    "begins in a year no calendar has": user(nbf=10**18),
    "issued before there were years": user(iat=-(10**18)),
    "not a token": "abc",
    "empty": "",
    "three dots": "...",
    "user secret as viewer": jwt.encode(
        {
            "sub": "x",
            "jti": "t",
            "aud": RULES.audience,
            "iss": "orthanc-ehr-bridge",
            "studies": ["1.2"],
            "operations": ["view"],
            "exp": NOW + timedelta(hours=1),
        },
        SECRET,
        "HS256",
        headers={"typ": "viewer+jwt"},
    ),
    "viewer key as user": jwt.encode(
        {"sub": "x", "roles": ["admin"], "aud": RULES.audience, "exp": NOW + timedelta(hours=1)},
        viewer_key(SECRET),
        "HS256",
    ),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_token_that_proves_nothing_is_refused(name: str) -> None:
    """Forged, misdirected, malformed."""
    with pytest.raises(NotAuthenticated):
        verifier()[0].verify(FORGED[name])


def test_the_given_clock_alone_decides_what_has_expired_or_begun() -> None:
    """A slow run of these tests, or a node whose library looks at another clock, changes nothing."""
    judge, clock = verifier()
    clock.now = NOW - timedelta(days=2)
    past = user(iat=clock.now, nbf=clock.now, exp=clock.now + timedelta(hours=1))
    assert judge.verify(past).subject == "dora"
    with pytest.raises(NotAuthenticated):
        judge.verify(user(nbf=NOW))


def test_a_token_may_last_until_the_last_second_there_is() -> None:
    """9999-12-31T23:59:59Z, as some senders write "never"; the leeway adds nothing to that."""
    judge, _ = verifier()
    token = user(exp=253402300799)
    for _ in range(2):
        assert judge.verify(token).subject == "dora"


def test_a_remembered_token_still_expires() -> None:
    """Verified once, judged on every call."""
    judge, clock = verifier()
    token = user(exp=NOW + timedelta(hours=1))
    judge.verify(token)
    clock.now += timedelta(hours=2)
    with pytest.raises(NotAuthenticated) as caught:
        judge.verify(token)
    assert caught.value.code == "token_expired"


def test_a_remembered_token_can_be_revoked() -> None:
    """Effective on the next call."""
    revoked: set[object] = set()
    judge = TokenVerifier(RULES, revoked, FakeGrants(), Clock())
    token = viewer()
    judge.verify(token)
    revoked.add("t1")
    with pytest.raises(NotAuthenticated) as caught:
        judge.verify(token)
    assert caught.value.code == "token_revoked"


def test_a_viewer_token_with_the_right_signature_that_we_did_not_issue_is_refused() -> None:
    """Who knows the shared secret can sign one, but nobody could list or revoke it."""
    judge = TokenVerifier(RULES, set(), FakeGrants(issued=False), Clock())
    with pytest.raises(NotAuthenticated):
        judge.verify(viewer())
    assert judge.verify(user()).subject == "dora"


def test_the_issuer_is_required_when_it_is_set() -> None:
    """A hospital that names its identity provider accepts no other."""
    rules = TokenRules(SECRET, RULES.audience, "https://ehr.example")
    judge, _ = verifier(rules=rules)
    with pytest.raises(NotAuthenticated):
        judge.verify(user(iss="https://other.example"))
    own = make_user_token(rules, subject="a", name="a", roles=[], now=NOW, ttl=timedelta(hours=1))
    assert judge.verify(own).subject == "a"


def test_the_cache_is_bounded() -> None:
    """Thousands of tokens do not fill the memory."""
    judge = TokenVerifier(RULES, set(), FakeGrants(), Clock(), cache_size=3)
    for number in range(10):
        judge.verify(user(sub=f"u{number}"))
    assert len(judge._cache) == 3


GOOD = user()


@given(st.integers(0, len(GOOD) - 1), st.sampled_from("ABCDabcd0123-_.+/=~ \n\u00e9"))
def test_any_edited_character_is_refused(position: int, character: str) -> None:
    """A token changed anywhere proves nothing, even where the change decodes to the same bytes."""
    edited = GOOD[:position] + character + GOOD[position + 1 :]
    if edited == GOOD:
        return
    with pytest.raises(NotAuthenticated):
        verifier()[0].verify(edited)


@given(st.integers(0, len(GOOD)), st.sampled_from("=+/~ \n\t!."))
def test_any_stray_character_is_refused(position: int, character: str) -> None:
    """Python's decoder passes over them: the same token could be written in a thousand ways."""
    with pytest.raises(NotAuthenticated):
        verifier()[0].verify(GOOD[:position] + character + GOOD[position:])


def test_basic_is_for_the_service_account_only() -> None:
    """One account, one password, role service; off when unset."""
    judge = verifier()[0]

    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    service = Authenticator(judge, ("ehr", "a-long-password"))
    caller = service.authenticate(basic("ehr:a-long-password"))
    assert caller.roles == ("service",)
    right = basic("ehr:a-long-password")
    assert right.endswith("=")
    loose = (right.rstrip("="), right + "=", right[:12] + "!" + right[12:], right[:-2] + chr(ord(right[-2]) + 1) + "=")
    for wrong in (basic("ehr:wrong"), basic("other:a-long-password"), "Basic !!!", "Basic", "Digest x", *loose):
        with pytest.raises(NotAuthenticated):
            service.authenticate(wrong)
    with pytest.raises(NotAuthenticated):
        Authenticator(judge, None).authenticate(basic("ehr:a-long-password"))


def test_no_header_and_a_bad_header_are_different_refusals() -> None:
    """A bad token is never treated as no token."""
    judge = Authenticator(verifier()[0], None)
    with pytest.raises(NotAuthenticated) as none:
        judge.authenticate(None)
    with pytest.raises(NotAuthenticated) as bad:
        judge.authenticate("Bearer " + json.dumps({}))
    assert (none.value.code, bad.value.code) == ("token_missing", "token_invalid")


def test_a_token_that_was_expected_is_not_looked_up_when_it_comes() -> None:
    """Whoever follows the link is not kept waiting by the database."""
    grants = FakeGrants("1.2.3")
    judge = Authenticator(TokenVerifier(RULES, set(), grants, Clock()), None)
    token = viewer()
    judge.expect(token)
    grants.is_away = True
    assert judge.authenticate(f"Bearer {token}").may(Permission.VIEW, "1.2.3")


def test_expecting_a_token_that_is_not_good_yet_does_no_harm() -> None:
    """It is judged when it comes; so is one that cannot be looked up now."""
    grants = FakeGrants("1.2.3")
    grants.is_away = True
    judge = Authenticator(TokenVerifier(RULES, set(), grants, Clock()), None)
    for token in (viewer(), user(nbf=NOW + timedelta(hours=1)), "nonsense"):
        judge.expect(token)
        with pytest.raises((NotAuthenticated, Unavailable)):
            judge.authenticate(f"Bearer {token}")
