"""Claims: roles under other names, and SMART scopes that bind an application to one patient."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from ehr_bridge.auth.permissions import Permission
from ehr_bridge.auth.token_claims import ClaimRules, read_rights
from ehr_bridge.auth.tokens import TokenRules, TokenVerifier
from ehr_bridge.errors import NotAuthenticated
from tests.support.grants import FakeGrants

SECRET = "a-secret-for-these-tests-0123456789abcdef"
NOW = datetime.now(UTC)
KEYCLOAK = ClaimRules(("realm_access", "roles"), {"rad-doctor": ("doctor",), "rad-boss": ("manager", "radiologist")})
SMART = ClaimRules(smart_scopes=True)


def test_keycloaks_realm_roles_become_ours() -> None:
    """By the deployer's table; a name that is not in it means nothing, even if it is one of ours."""
    claims = {"realm_access": {"roles": ["offline_access", "rad-boss", "admin", "rad-doctor"]}}
    assert read_rights(claims, KEYCLOAK, is_ours=False).roles == ("manager", "radiologist", "doctor")


def test_a_foreign_token_cannot_use_our_own_claim() -> None:
    """`roles` counts by itself only where the secret is shared."""
    claims = {"roles": ["admin"]}
    assert read_rights(claims, KEYCLOAK, is_ours=False).permissions == frozenset()
    assert read_rights(claims, KEYCLOAK, is_ours=True).roles == ("admin",)


def test_a_claim_named_by_an_address_is_found_whole() -> None:
    """As some providers name their own."""
    rules = ClaimRules(("https://ehr", "example/roles"))
    assert read_rights({"https://ehr.example/roles": ["nurse"]}, rules, is_ours=False).roles == ("nurse",)


@pytest.mark.parametrize(
    ("claims", "patient", "may_view"),
    [
        ({"scope": "openid patient/ImagingStudy.read", "patient": "MRN-1"}, "MRN-1", True),
        ({"scope": "launch patient/ImagingStudy.rs", "patient": "Patient/MRN-1"}, "MRN-1", True),
        ({"scope": "patient/*.read", "patient": "MRN-1"}, "MRN-1", True),
        ({"scope": ["patient/*.cruds"], "patient": "MRN-1"}, "MRN-1", True),
        ({"scp": "patient/ImagingStudy.*", "patient": "MRN-1"}, "MRN-1", True),
        ({"scope": "user/ImagingStudy.read"}, None, True),
        ({"scope": "system/ImagingStudy.rs"}, None, True),
        ({"scope": "user/ImagingStudy.read", "roles": ["manager"]}, None, False),
        ({"scope": "user/ImagingStudy.read", "roles": ["doctor"]}, None, True),
        ({"scope": "patient/Observation.read", "patient": "MRN-1", "roles": ["doctor"]}, None, False),
        ({"scope": "patient/ImagingStudy.write", "patient": "MRN-1", "roles": ["doctor"]}, None, False),
        ({"scope": "patient/ImagingStudy.r", "patient": "MRN-1"}, None, False),
        ({"scope": "patient/ImagingStudy.rs?modality=CT", "patient": "MRN-1"}, None, False),
        ({"scope": "patient/ImagingStudyX.read", "patient": "MRN-1"}, None, False),
        ({"scope": "openid profile", "roles": ["doctor"]}, None, True),
    ],
)
def test_smart_scopes_bind_or_narrow(claims: dict[str, Any], patient: str | None, may_view: bool) -> None:
    """Versions 1 and 2; a scope about something else lets nobody see an image."""
    rights = read_rights(claims, SMART, is_ours=False)
    assert (rights.patient, Permission.VIEW in rights.permissions) == (patient, may_view)
    assert Permission.UPLOAD not in rights.permissions or "/" not in str(claims)


@pytest.mark.parametrize("patient", [None, "", "Patient/", 7, ["MRN-1"], "MRN\0", "\ud800"])
def test_a_patients_scope_without_a_patient_is_refused(patient: Any) -> None:
    """It would otherwise be everybody's."""
    with pytest.raises(ValueError, match="patient"):
        read_rights({"scope": "patient/ImagingStudy.read", "patient": patient}, SMART, is_ours=False)


def test_without_the_setting_scopes_mean_nothing() -> None:
    """No token gains or loses by a claim the deployer did not ask for."""
    claims = {"scope": "patient/ImagingStudy.read", "patient": "MRN-1"}
    assert read_rights(claims, ClaimRules(), is_ours=False).permissions == frozenset()


def test_a_token_for_one_patient_opens_what_is_linked_to_them_now() -> None:
    """A study that moves to another patient leaves it at the next request."""
    grants = FakeGrants()
    grants.of["patient MRN-1"] = frozenset({"1.2.3"})
    verifier = TokenVerifier(TokenRules(SECRET, "us", claims=SMART), set(), grants, lambda: NOW)
    claims = {"sub": "app", "aud": "us", "exp": NOW + timedelta(hours=1)}
    claims |= {"scope": "patient/ImagingStudy.read", "patient": "MRN-1"}
    token = jwt.encode(claims, SECRET, "HS256")
    assert verifier.verify(token).may(Permission.VIEW, "1.2.3")
    grants.of["patient MRN-1"] = frozenset({"1.2.4"})
    assert not verifier.verify(token).may(Permission.VIEW, "1.2.3")
    assert verifier.verify(token).may(Permission.VIEW, "1.2.4")
    assert verifier.verify(token).is_bound


def test_bad_claims_are_a_bad_token() -> None:
    """401, not a crash."""
    verifier = TokenVerifier(TokenRules(SECRET, "us", claims=KEYCLOAK), set(), FakeGrants(), lambda: NOW)
    for realm in ("admin", ["admin"], {"roles": "admin"}, {"roles": [1]}):
        claims = {"sub": "x", "aud": "us", "exp": NOW + timedelta(hours=1), "realm_access": realm}
        with pytest.raises(NotAuthenticated):
            verifier.verify(jwt.encode(claims, SECRET, "HS256"))
