"""The EHR's public keys: which are taken, and what forgers try with them."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from ehr_bridge.auth.jwks import FRESH, PATIENCE, KeySource
from ehr_bridge.auth.keys import UnusableKeys, read_jwks
from ehr_bridge.auth.tokens import TokenRules, TokenVerifier
from ehr_bridge.errors import NotAuthenticated
from tests.support.grants import FakeGrants

SECRET = "a-secret-for-these-tests-0123456789abcdef"
RULES = TokenRules(SECRET, "orthanc-ehr-bridge", "https://ehr.example")
NOW = datetime.now(UTC).replace(microsecond=0)
RSA, OTHER_RSA = (rsa.generate_private_key(65537, 2048) for _ in range(2))
SHORT_RSA = rsa.generate_private_key(65537, 1024)
EC = ec.generate_private_key(ec.SECP256R1())
EC_384 = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()


def entry(key: Any, kid: Any, **more: Any) -> dict[str, Any]:
    """One key of a set, as a provider publishes it."""
    kinds: dict[type, Any] = {rsa.RSAPrivateKey: RSAAlgorithm, ec.EllipticCurvePrivateKey: ECAlgorithm}
    algorithm = next((a for kind, a in kinds.items() if isinstance(key, kind)), OKPAlgorithm)
    made = algorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kid": kid, **{k: v for k, v in made.items() if k != "key_ops"}, **more}


GOOD = [entry(RSA, "rsa", use="sig", alg="RS256"), entry(EC, "ec"), entry(ED, "ed", alg="Ed25519")]


def write(path: Path, entries: list[Any]) -> str:
    path.write_text(json.dumps({"keys": entries}))
    return str(path)


def sign(key: Any, algorithm: str, kid: Any = "rsa", header: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {"sub": "dora", "roles": ["doctor"], "aud": RULES.audience, "iss": RULES.issuer}
    claims |= {"exp": NOW + timedelta(hours=1)} | changes
    return jwt.encode(claims, key, algorithm, headers={"kid": kid} | (header or {}))


@pytest.fixture
def source(tmp_path: Path) -> KeySource:
    source = KeySource(write(tmp_path / "jwks.json", GOOD))
    source.load()
    return source


def judge(source: KeySource) -> TokenVerifier:
    return TokenVerifier(RULES, set(), FakeGrants(), lambda: NOW, source)


@pytest.mark.parametrize(("key", "algorithm", "kid"), [(RSA, "RS256", "rsa"), (EC, "ES256", "ec"), (ED, "EdDSA", "ed")])
def test_each_key_of_the_set_proves_with_its_own_algorithm(
    source: KeySource, key: Any, algorithm: str, kid: str
) -> None:
    """RS256, ES256 and EdDSA."""
    assert judge(source).verify(sign(key, algorithm, kid)).roles == ("doctor",)


def test_the_shared_secret_still_counts_beside_the_keys(source: KeySource) -> None:
    """A token that names no key, as our own sign-in makes them."""
    claims = {
        "sub": "x",
        "roles": ["nurse"],
        "aud": RULES.audience,
        "iss": RULES.issuer,
        "exp": NOW + timedelta(hours=1),
    }
    assert judge(source).verify(jwt.encode(claims, SECRET, "HS256")).roles == ("nurse",)


def segment(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def confused(secret: bytes) -> str:
    """HS256 with the public key as secret, made by hand because no library helps with it."""
    import hashlib
    import hmac

    claims = {"sub": "x", "roles": ["admin"], "aud": RULES.audience, "iss": RULES.issuer}
    content = f"{segment({'alg': 'HS256', 'kid': 'rsa'})}.{segment(claims | {'exp': int(NOW.timestamp()) + 3600})}"
    mac = hmac.new(secret, content.encode(), hashlib.sha256).digest()
    return f"{content}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


FORGED = {
    "another key under a known kid": sign(OTHER_RSA, "RS256"),
    "unknown kid": sign(RSA, "RS256", "nobody"),
    "empty kid": sign(RSA, "RS256", ""),
    "kid of another key": sign(RSA, "RS256", "ec"),
    "kid as a path": sign(RSA, "RS256", "../../../../dev/null"),
    "kid as SQL": sign(RSA, "RS256", "rsa' OR '1'='1"),
    "no kid at all": jwt.encode({"sub": "x", "aud": RULES.audience, "exp": NOW + timedelta(hours=1)}, RSA, "RS256"),
    "another algorithm of the same key": sign(RSA, "RS512"),
    "PSS with the same key": sign(RSA, "PS256"),
    "the shared secret under a kid": sign(SECRET, "HS256"),
    "public key as secret": confused(PEM),
    "public key as secret, JWK": confused(json.dumps(GOOD[0]).encode()),
    "none": sign(None, "none"),
    "embedded key": sign(OTHER_RSA, "RS256", "mine", {"jwk": entry(OTHER_RSA, "mine")}),
    "embedded key under a known kid": sign(OTHER_RSA, "RS256", "rsa", {"jwk": entry(OTHER_RSA, "rsa")}),
    "key at an address": sign(OTHER_RSA, "RS256", "mine", {"jku": "https://evil.example/jwks"}),
    "certificate": sign(OTHER_RSA, "RS256", "mine", {"x5c": ["AAAA"], "x5u": "https://evil.example/x"}),
    "critical extension": sign(RSA, "RS256", "rsa", {"crit": ["b64"], "b64": True}),
    "viewer token by a public key": sign(RSA, "RS256", "rsa", {"typ": "viewer+jwt"}, jti="t", operations=["view"]),
    "no issuer": sign(RSA, "RS256", iss="https://other.example"),
    "wrong audience": sign(RSA, "RS256", aud="account"),
    "expired": sign(RSA, "RS256", exp=NOW - timedelta(seconds=6)),
    "not yet": sign(RSA, "RS256", nbf=NOW + timedelta(seconds=6)),
    "expiry is text": sign(RSA, "RS256", exp="tomorrow"),
    "subject is a number": sign(RSA, "RS256", sub=["dora"]),
    "roles is an object": sign(RSA, "RS256", roles={"admin": True}),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_proves_nothing(source: KeySource, name: str) -> None:
    """Key confusion, embedded keys, bad key ids, other algorithms, misdirected claims."""
    with pytest.raises(NotAuthenticated):
        judge(source).verify(FORGED[name])


def test_kids_of_another_type_are_refused(source: KeySource) -> None:
    """Numbers, lists, nothing."""
    payload = sign(RSA, "RS256").split(".", 1)[1]
    for kid in (1, ["rsa"], {"rsa": 1}, None, True):
        with pytest.raises(NotAuthenticated):
            judge(source).verify(f"{segment({'alg': 'RS256', 'kid': kid})}.{payload}")


UNUSABLE = {
    "secret key": {"kty": "oct", "k": "c2VjcmV0", "kid": "s"},
    "for encryption": entry(RSA, "e", use="enc"),
    "for other operations": entry(RSA, "o", key_ops=["encrypt", "wrapKey"]),
    "for no operation": entry(RSA, "o", key_ops=[]),
    "operations are a text": entry(RSA, "o", key_ops="verify"),
    "to sign only": entry(RSA, "o", use="sig", key_ops=["sign"]),
    "another algorithm": entry(RSA, "a", alg="RS512"),
    "too short": entry(SHORT_RSA, "t"),
    "another curve": entry(EC_384, "c"),
    "no kid": {k: v for k, v in entry(RSA, "x").items() if k != "kid"},
    "kid is a number": entry(RSA, 1),
    "broken": {"kty": "RSA", "kid": "b", "n": "!", "e": "AQAB"},
    "kty is a list": {"kty": ["RSA"], "kid": "l"},
    "text": "RSA",
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_key_we_cannot_trust_is_left_out(name: str) -> None:
    """And a set with nothing else is unusable."""
    assert set(read_jwks(json.dumps({"keys": [UNUSABLE[name], *GOOD]}))) == {"rsa", "ec", "ed"}
    with pytest.raises(UnusableKeys):
        read_jwks(json.dumps({"keys": [UNUSABLE[name]]}))


def test_a_key_that_says_it_verifies_is_taken() -> None:
    """RFC 7517 section 4.3; beside other operations too."""
    keys = [entry(RSA, "one", key_ops=["verify"]), entry(EC, "two", use="sig", key_ops=["sign", "verify"])]
    assert set(read_jwks(json.dumps({"keys": keys}))) == {"one", "two"}


def test_two_keys_with_one_kid_are_both_left_out() -> None:
    """Nobody knows which is meant."""
    assert set(read_jwks(json.dumps({"keys": [entry(OTHER_RSA, "rsa"), *GOOD]}))) == {"ec", "ed"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys": {}}', '{"keys": []}', "null", "[" * 100_000])
def test_what_is_no_key_set_is_said_so(text: str) -> None:
    """Not a crash."""
    with pytest.raises(UnusableKeys):
        read_jwks(text)


class Provider(http.server.BaseHTTPRequestHandler):
    """An identity provider that counts how often it is asked."""

    entries: list[Any] = []  # noqa: RUF012
    asked = 0
    status = 200

    def do_GET(self) -> None:
        type(self).asked += 1
        body = json.dumps({"keys": self.entries}).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[tuple[type[Provider], str]]:
    handler = type("Provider", (Provider,), {"entries": GOOD[:1], "asked": 0, "status": 200})
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}/jwks"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_new_key_is_found_at_once_and_a_wrong_one_asks_no_second_time(provider: Any) -> None:
    """The provider changed its key; then somebody sends invented key ids."""
    handler, address = provider
    time = [0.0]
    source = KeySource(address, lambda: time[0])
    verifier = judge(source)
    assert verifier.verify(sign(RSA, "RS256")).subject == "dora"
    handler.entries = [entry(OTHER_RSA, "next")]
    time[0] += PATIENCE
    assert verifier.verify(sign(OTHER_RSA, "RS256", "next")).subject == "dora"
    assert handler.asked == 2
    for number in range(50):
        with pytest.raises(NotAuthenticated):
            verifier.verify(sign(RSA, "RS256", f"invented-{number}"))
    assert handler.asked == 2


def test_what_a_withdrawn_key_proved_is_forgotten(provider: Any) -> None:
    """A cached token does not outlive its key."""
    handler, address = provider
    time = [0.0]
    source = KeySource(address, lambda: time[0])
    verifier, token = judge(source), sign(RSA, "RS256")
    verifier.verify(token)
    handler.entries = [entry(OTHER_RSA, "next")]
    time[0] += FRESH
    source.load()
    with pytest.raises(NotAuthenticated):
        verifier.verify(token)


@pytest.mark.parametrize("status", [500, 404, 302])
def test_the_known_keys_stay_while_the_provider_is_away(provider: Any, status: int) -> None:
    """And a redirection is not followed."""
    handler, address = provider
    source = KeySource(address)
    source.load()
    handler.status = status
    with pytest.raises(UnusableKeys):
        source.load()
    assert source.find("rsa") is not None


def test_a_changed_file_is_read_again_and_a_broken_one_is_not(tmp_path: Path) -> None:
    """Rotated by whoever manages the machine."""
    path = tmp_path / "jwks.json"
    source = KeySource(write(path, GOOD))
    source.load()
    before = source.generation
    source.load()
    assert source.generation == before
    write(path, [entry(OTHER_RSA, "next")])
    source.load()
    assert source.generation == before + 1 and source.find("next") is not None
    path.write_text("{")
    with pytest.raises(UnusableKeys):
        source.load()
    assert source.find("next") is not None


def test_what_an_address_answered_is_kept_for_those_who_ask_nobody(provider: Any, tmp_path: Path) -> None:
    """The command check-token works without a network; a folder that cannot be written stops nothing."""
    handler, address = provider
    copy = tmp_path / "ehr-keys.json"
    source = KeySource(address, copy=copy)
    source.load()
    assert set(read_jwks(copy.read_bytes())) == {"rsa"}
    handler.entries = [entry(OTHER_RSA, "next")]
    source.load()
    assert set(read_jwks(copy.read_bytes())) == {"next"}
    KeySource(address, copy=tmp_path / "nowhere" / "keys.json").load()
    assert [path.name for path in tmp_path.iterdir()] == ["ehr-keys.json"]
