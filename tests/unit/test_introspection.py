"""Opaque tokens: what the authorization server says holds for a minute, and while it is away nobody is let in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.auth.introspection import AWAY_SECONDS, KNOWN_SECONDS, Introspection, is_opaque
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.auth.token_claims import ClaimRules
from ehr_bridge.auth.tokens import TokenRules, TokenVerifier
from ehr_bridge.errors import NotAuthenticated, Unavailable
from tests.support.grants import FakeGrants
from tests.unit.token_steps import SECRET, user

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
RULES = TokenRules(SECRET, "us", "https://ehr.example", ClaimRules(smart_scopes=True))
GOOD = {"active": True, "sub": "dora", "scope": "user/ImagingStudy.rs", "exp": (NOW + timedelta(hours=1)).timestamp()}


class Ehr:
    """An authorization server, its clock and ours."""

    def __init__(self, said: Mapping[str, Any] | Exception) -> None:
        self.said, self.asked, self.seconds, self.now = said, 0, 0.0, NOW
        self.grants = FakeGrants()
        self.knows = Introspection(
            self.ask, RULES, frozenset({"us", "https://pacs.example/fhir"}), self.grants, lambda: self.now,
            lambda: self.seconds,
        )  # fmt: skip

    def ask(self, token: str) -> Mapping[str, Any]:
        assert token == "opaque"
        self.asked += 1
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


def test_an_answer_holds_for_a_minute() -> None:
    """So a page with a hundred images asks once; a token that was revoked ends within that time."""
    ehr = Ehr(GOOD)
    assert ehr.knows.verify("opaque").may(Permission.VIEW)
    ehr.said = {"active": False}
    ehr.seconds = KNOWN_SECONDS - 1
    assert ehr.knows.verify("opaque").subject == "dora"
    assert ehr.asked == 1
    ehr.seconds = KNOWN_SECONDS
    for _ in range(3):
        with pytest.raises(NotAuthenticated):
            ehr.knows.verify("opaque")
    assert ehr.asked == 2


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"active": "true"},
        {"sub": None},
        {"sub": "x" * 300},
        {"iss": "https://else.example"},
        {"aud": "https://else.example"},
        {"aud": ["a", "b"]},
        {"nbf": (NOW + timedelta(minutes=1)).timestamp()},
        {"exp": (NOW - timedelta(minutes=1)).timestamp()},
        {"exp": "tomorrow"},
        {"aud": [{}]},
        {"scope": 7},
        {"scope": "patient/ImagingStudy.rs"},
    ],
)
def test_what_is_not_certainly_valid_here_lets_nobody_in(change: dict[str, Any]) -> None:
    """A scope for one patient without the patient is among it."""
    with pytest.raises(NotAuthenticated):
        Ehr(GOOD | change).knows.verify("opaque")


@pytest.mark.parametrize(
    "change", [{"aud": "us"}, {"aud": ["x", "https://pacs.example/fhir"]}, {"iss": "https://ehr.example"}]
)
def test_this_server_may_be_named_by_any_of_its_names(change: dict[str, Any]) -> None:
    """SMART's `aud` is the address of the FHIR server."""
    assert Ehr(GOOD | change).knows.verify("opaque").subject == "dora"


def test_while_the_server_is_away_nobody_is_let_in_and_it_is_not_asked_at_once_again() -> None:
    """503, which ends by itself; what is known holds for its minute."""
    ehr = Ehr(GOOD)
    ehr.knows.verify("opaque")
    ehr.said = OSError("away")
    ehr.knows.verify("opaque")
    ehr.seconds = KNOWN_SECONDS
    for _ in range(3):
        with pytest.raises(Unavailable) as refusal:
            ehr.knows.verify("opaque")
        assert refusal.value.code == "introspection_unavailable"
    assert ehr.asked == 2
    ehr.said, ehr.seconds = GOOD, KNOWN_SECONDS + AWAY_SECONDS
    assert ehr.knows.verify("opaque").subject == "dora"


def test_a_token_for_one_patient_is_bound_to_their_studies() -> None:
    """As they are linked now."""
    ehr = Ehr(GOOD | {"scope": "patient/ImagingStudy.rs", "patient": "MRN-1"})
    ehr.grants.of["patient MRN-1"] = frozenset({"1.2.3"})
    assert ehr.knows.verify("opaque").may(Permission.VIEW, "1.2.3")
    ehr.grants.of["patient MRN-1"] = frozenset({"1.2.4"})
    assert not ehr.knows.verify("opaque").may(Permission.VIEW, "1.2.3")
    assert ehr.asked == 1


def test_a_token_that_ends_meanwhile_is_refused_though_it_is_known() -> None:
    """Its own expiry counts, too."""
    ehr = Ehr(GOOD | {"exp": (NOW + timedelta(seconds=10)).timestamp()})
    ehr.knows.verify("opaque")
    ehr.now = NOW + timedelta(minutes=1)
    with pytest.raises(NotAuthenticated) as refusal:
        ehr.knows.verify("opaque")
    assert refusal.value.code == "token_expired"


def test_only_what_cannot_be_a_jwt_is_asked_for() -> None:
    """A JWT is verified here, and never sent to anybody."""
    ehr = Ehr(GOOD)
    verifier = TokenVerifier(TokenRules(SECRET, "orthanc-ehr-bridge"), set(), FakeGrants(), lambda: datetime.now(UTC))
    authenticator = Authenticator(verifier, None, opaque=ehr.knows)
    assert authenticator.authenticate("Bearer opaque").subject == "dora"
    assert authenticator.authenticate(f"Bearer {user()}").subject == "dora"
    assert ehr.asked == 1
    assert [is_opaque(text) for text in ("a", "a.b", "a.b.c", "a.b.c.d")] == [True, True, False, True]
