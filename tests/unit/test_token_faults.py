"""What is wrong with a token, in words for its maker; the caller hears none of it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from ehr_bridge.auth.authenticator import Authenticator
from ehr_bridge.auth.examination import examine
from ehr_bridge.auth.token_claims import ClaimRules
from ehr_bridge.auth.token_faults import FAULTS, duration, shown
from ehr_bridge.auth.tokens import NOT_VALID, TokenRules, TokenVerifier
from ehr_bridge.errors import NotAuthenticated
from plugin.cli import main
from tests.support.grants import FakeGrants
from tests.unit.doc_steps import code, rows
from tests.unit.token_steps import NOW, RULES, SECRET, Clock, user, viewer

STRICT = TokenRules(SECRET, RULES.audience, "https://ehr.example")


def why(token: str, rules: TokenRules = RULES, grants: FakeGrants | None = None) -> tuple[str, str]:
    """Claim and sentence of the refusal, which the answer does not have."""
    judge = Authenticator(TokenVerifier(rules, {"gone"}, grants or FakeGrants("1.2.3"), Clock()), None)
    with pytest.raises(NotAuthenticated) as caught:
        judge.authenticate(f"Bearer {token}")
    assert caught.value.why is not None
    claim, said = caught.value.why
    assert claim in FAULTS
    assert said not in caught.value.detail
    assert token not in said
    if caught.value.code == "token_invalid":
        assert caught.value.detail == NOT_VALID
    return claim, said


@pytest.mark.parametrize(
    ("changes", "claim", "part"),
    [
        ({"aud": "somebody"}, "aud", 'the token is for "somebody"; this installation takes "orthanc-ehr-bridge"'),
        ({"aud": ...}, "aud", "the token names no audience"),
        ({"aud": ["a", 7]}, "aud", 'for ["a", 7]'),
        ({"sub": ""}, "sub", "printable"),
        ({"exp": ...}, "exp", "no expiry"),
        ({"exp": 10**20}, "exp", "no point in time"),
        ({"exp": NOW - timedelta(minutes=3)}, "exp", "it expired 3 minutes ago (20"),
        ({"nbf": NOW + timedelta(hours=2, minutes=5)}, "nbf", "2 hours 5 minutes ahead"),
        ({"iat": NOW + timedelta(days=1)}, "iat", "1 day ahead"),
        ({"iat": "yesterday"}, "iat", '"yesterday" is no point in time'),
        ({"jti": 7}, "jti", "text"),
        ({"jti": "gone"}, "revoked", '"gone"'),
        ({"name": ["a"]}, "name", "no text"),
        ({"roles": "admin"}, "roles", 'such as ["doctor"], not "admin"'),
        ({"roles": [1]}, "roles", "[1]"),
        ({"roles": ["\ud800"]}, "roles", "ud800"),
    ],
)
def test_a_refusal_says_which_claim_failed(changes: dict[str, Any], claim: str, part: str) -> None:
    """With the value, what is taken instead, and a time as a difference."""
    found = why(user(**changes))
    assert (found[0], part in found[1]) == (claim, True), found


def test_the_key_the_algorithm_and_the_form_are_told_apart() -> None:
    """The usual mistakes of the first hour."""
    claims = {"sub": "x", "aud": RULES.audience, "exp": NOW + timedelta(hours=1)}
    assert why(jwt.encode(claims, "k" * 40, "HS256")) == ("signature", "it does not fit the shared secret")
    assert why(jwt.encode(claims, SECRET, "HS512")) == (
        "alg",
        'the token says "HS512"; the shared secret is used with HS256',
    )
    assert why(jwt.encode(claims, "", "none"))[0] == "alg"
    named = why(jwt.encode(claims, "k" * 40, "HS256", headers={"kid": "2026-11"}))
    assert named == (
        "signature",
        'it does not fit the shared secret (it names the key "2026-11", but EHR_BRIDGE_JWKS is not set)',
    )
    assert why("abc") == ("form", "a token has three parts with dots between; this has 1")
    assert why("a.b c.d") == ("form", "there is a blank or a line break in it")
    assert why("...")[0] == "form"
    assert why(user(iss="https://other.example"), STRICT)[0] == "iss"
    assert why(viewer(), grants=FakeGrants(issued=False))[0] == "grant"


def test_a_scope_of_a_patient_without_a_patient_is_named() -> None:
    """The claim is a setting, so it is in the sentence."""
    rules = TokenRules(SECRET, RULES.audience, claims=ClaimRules(smart_scopes=True, patient_claim="pid"))
    claim, said = why(user(scope="patient/ImagingStudy.read"), rules)
    assert (claim, '"pid"' in said) == ("scope", True)


def test_what_a_token_says_is_short_and_quoted() -> None:
    """It comes from outside: no line of its own in a log, no flood."""
    assert shown("a\nb\u202e") == '"a\\nb\\u202e"'
    assert len(shown("x" * 5000)) < 100
    assert len(why(user(aud="x" * 5000))[1]) < 300


def test_times_are_words() -> None:
    """Two units are enough."""
    assert duration(timedelta(days=2, hours=3, minutes=4)) == "2 days 3 hours"
    assert duration(timedelta(seconds=-61)) == "1 minute 1 second"
    assert duration(timedelta(milliseconds=4)) == "less than a second"


def test_roles_that_mean_nothing_here_are_told() -> None:
    """They permit nothing, and their maker learns it."""
    judge = TokenVerifier(RULES, set(), FakeGrants(), Clock())
    assert judge.verify(user(roles=["doctor", "Arzt", "Arzt"])).ignored_roles == ("Arzt",)
    assert judge.verify(user(roles=["doctor"])).ignored_roles == ()
    mapped = TokenRules(SECRET, RULES.audience, claims=ClaimRules(("r",), {"Arzt": ("doctor",)}))
    caller = TokenVerifier(mapped, set(), FakeGrants(), Clock()).verify(user(roles=..., r=["Arzt", "doctor"]))
    assert (caller.roles, caller.ignored_roles) == (("doctor",), ("doctor",))


def test_an_examination_shows_every_fault_at_once() -> None:
    """The verifier stops at the first; whoever makes tokens wants all."""
    token = user(aud="x", iss="y", exp=NOW - timedelta(hours=1), roles="doctor")
    found = {finding.claim: finding.state for finding in examine(token, STRICT, None, NOW)}
    assert found == {"signature": "ok", "aud": "fail", "iss": "fail", "sub": "ok", "exp": "fail", "roles": "fail"}
    good = list(examine(user(iss=STRICT.issuer, roles=["doctor", "Arzt"]), STRICT, None, NOW))
    assert "fail" not in {finding.state for finding in good}
    assert any(finding.state == "note" and "Arzt" in finding.said for finding in good)
    assert not any("Dora" in finding.said or "dora" in finding.said for finding in good)
    of_viewer = {finding.claim: finding for finding in examine(viewer(), STRICT, None, NOW)}
    assert (of_viewer["operations"].said, of_viewer["revoked"].state) == ("view", "note")


@pytest.mark.parametrize("token", [user(), user(aud="x"), user(roles=[1]), viewer(), "abc", user(name=[1])])
def test_the_examination_and_the_verifier_agree(token: str) -> None:
    """One list of checks."""
    failed = any(finding.state == "fail" for finding in examine(token, RULES, None, NOW))
    try:
        TokenVerifier(RULES, set(), FakeGrants("1.2.3"), Clock()).verify(token)
        refused = False
    except NotAuthenticated:
        refused = True
    assert failed == refused


def run(token: str, data_dir: Path, **environ: str) -> tuple[int, str]:
    result = CliRunner().invoke(
        main, ["--data-dir", str(data_dir), "check-token"], input=token, env={"EHR_BRIDGE_JWT_SECRET": SECRET} | environ
    )
    return result.exit_code, result.output


def test_the_command_reads_a_token_and_prints_none(tmp_path: Path) -> None:
    """Neither the token nor the secret; pasted with its header, or bare."""
    for text in (user(), f"Bearer {user()}\n", f"  Authorization: Bearer {user()}"):
        status, output = run(text, tmp_path)
        assert (status, "roles: doctor; may" in output) == (0, True), output
        assert user().split(".")[2] not in output
        assert SECRET not in output
    status, output = run(user(), tmp_path, EHR_BRIDGE_JWT_AUDIENCE="us")
    assert (status, "FAIL  aud" in output) == (1, True)
    assert run("", tmp_path)[0] == 2
    assert run("ehrk_abc", tmp_path)[0] == 1


def test_the_command_uses_the_keys_it_has_and_asks_nobody(tmp_path: Path) -> None:
    """A file, or what the server kept of an address."""
    claims = {"sub": "x", "aud": RULES.audience, "exp": NOW + timedelta(hours=1), "roles": ["doctor"]}
    key = ec.generate_private_key(ec.SECP256R1())
    keys = json.dumps({"keys": [{**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "ec"}]})
    good = jwt.encode(claims, key, "ES256", headers={"kid": "ec"})
    forged = jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"kid": "ec"})
    unknown = jwt.encode(claims, key, "ES256", headers={"kid": "new"})
    file = tmp_path / "keys.json"
    file.write_text(keys)
    address = "https://ehr.invalid/keys"
    status, output = run(good, tmp_path, EHR_BRIDGE_JWKS=address)
    assert (status, "kept no copy" in output) == (2, True)
    (tmp_path / "ehr-keys.json").write_text(keys)
    for source in (str(file), address):
        assert run(good, tmp_path, EHR_BRIDGE_JWKS=source)[0] == 0
        assert "FAIL  signature" in run(forged, tmp_path, EHR_BRIDGE_JWKS=source)[1]
        assert 'FAIL  kid: the key "new"' in run(unknown, tmp_path, EHR_BRIDGE_JWKS=source)[1]


def test_every_fault_is_in_the_docs_in_the_same_words() -> None:
    """An operator looks up the word that the log has."""
    documented = {code(row[0]): row[1] for row in rows("audit.md", "Refused attempts", 1)}
    assert documented == dict(FAULTS)
    reasons = {code(row[0]) for row in rows("audit.md", "Refused attempts", 2)}
    assert reasons == {"permission_missing", "header_refused", "body_refused"}
