"""Public keys of the EHR's identity provider, from a JWK Set (RFC 7517), each bound to one algorithm."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ehr_bridge.shallow_json import loads

LEAST_RSA_BITS = 2048
"""RFC 7518 section 3.3."""
ALGORITHM_OF: Mapping[tuple[str, str | None], str] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}
"""Key type and curve to the one algorithm the key is used with, whatever a token's header says."""
SAME = {"Ed25519": "EdDSA"}
"""New name of an algorithm (RFC 9864) to the name PyJWT uses."""


class UnusableKeys(ValueError):
    """What was read is not a JWK Set, or has no key that we can use."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key with its algorithm."""

    kid: str
    algorithm: str
    key: Any
    material: str
    """The key itself as text, to notice when it has changed."""


class KnownKeys:
    """Keys that do not change: what a command has at hand."""

    def __init__(self, keys: Mapping[str, PublicKey]) -> None:
        self._keys = keys

    def find(self, kid: str) -> PublicKey | None:
        return self._keys.get(kid)


def read_jwks(text: str | bytes) -> dict[str, PublicKey]:
    """The keys that may sign user tokens, by `kid`. Left out are secret keys, encryption keys, keys with `key_ops`
    without `verify` (RFC 7517 sections 4.2 and 4.3), keys for other algorithms, keys that are too short, have no `kid`
    or share it with another. Raises UnusableKeys when it is no JWK Set, or nothing is left."""
    try:
        entries = loads(text)["keys"]
    except (ValueError, TypeError, KeyError):
        raise UnusableKeys("it is not a JWK Set (an object with 'keys')") from None
    if not isinstance(entries, list):
        raise UnusableKeys("its 'keys' is not a list")
    kids = [entry.get("kid") for entry in entries if isinstance(entry, dict)]
    keys = [_read(entry) for entry in entries if isinstance(entry, dict) and kids.count(entry.get("kid")) == 1]
    usable = {key.kid: key for key in keys if key is not None}
    if not usable:
        raise UnusableKeys("it has no key with a 'kid' of its own for RS256, ES256 or EdDSA")
    return usable


def _read(entry: Mapping[str, Any]) -> PublicKey | None:
    kid, kind = entry.get("kid"), entry.get("kty")
    if not isinstance(kid, str) or not isinstance(kind, str) or not kid:
        return None
    curve = entry.get("crv") if kind != "RSA" else None
    algorithm = ALGORITHM_OF.get((kind, curve)) if curve is None or isinstance(curve, str) else None
    stated = entry.get("alg", algorithm)
    if algorithm is None or not _may_verify(entry) or SAME.get(str(stated), stated) != algorithm:
        return None
    public = {name: value for name, value in entry.items() if name in {"kty", "crv", "x", "y", "n", "e"}}
    try:
        key = jwt.PyJWK(public, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        return None
    return PublicKey(kid, algorithm, key, json.dumps(public, sort_keys=True))


def _may_verify(entry: Mapping[str, Any]) -> bool:
    operations = entry.get("key_ops", ["verify"])
    return entry.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations
