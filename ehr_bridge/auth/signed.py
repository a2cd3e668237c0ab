"""Which key a token must be signed with, and whether it is.

The kind follows from the header's `typ`, the key from `kid`. Each key has exactly one algorithm, whatever `alg` says;
other header fields (`jku`, `x5u`, `jwk`, `x5c`) are ignored.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple, Protocol

import jwt

from ehr_bridge.auth.jws import Header, read_header, require_strict
from ehr_bridge.auth.keys import PublicKey
from ehr_bridge.auth.token_faults import TokenFault, shown
from ehr_bridge.derived_keys import SharedSecret, derived_key

ALGORITHM = "HS256"
VIEWER_TYPE = "viewer+jwt"
SIGNATURE_ALONE: Any = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}
"""PyJWT checks the signature; `token_faults` the claims, by our clock, so that it can say what is wrong."""
NOT_READABLE = "its parts are not unpadded base64url of JSON objects"


class Keys(Protocol):
    """The EHR's public keys: the server's, which follow their source, or those that a command has at hand."""

    def find(self, kid: str, /) -> PublicKey | None: ...


class Signed(NamedTuple):
    """What a token with a valid signature says; nothing of it has been checked."""

    claims: dict[str, Any]
    is_viewer: bool
    key_id: str | None
    """The EHR's public key; None for the shared secret, or one derived from it."""
    is_former: bool = False
    """The secret is the one that is accepted besides."""


class Proof(NamedTuple):
    """The one key and algorithm a token must be signed with."""

    key: Any
    algorithm: str
    name: str
    """For saying what is wrong."""


def read_signed(token: str, secret: SharedSecret, keys: Keys | None) -> Signed:
    """What the token says, once its signature is proved. `secret` is shared with the EHR, `keys` are its public ones,
    if any. Raises TokenFault for the token's form, key, algorithm or signature."""
    try:
        return _read_signed(token, secret.present, keys)
    except TokenFault as fault:
        if secret.other is None or fault.claim != "signature":
            raise
        with suppress(TokenFault):
            return _read_signed(token, secret.other, keys)._replace(is_former=True)
        raise


def _read_signed(token: str, secret: str, keys: Keys | None) -> Signed:
    try:
        require_strict(token)
        header = read_header(token.partition(".")[0])
    except (jwt.InvalidTokenError, ValueError, TypeError) as error:
        raise TokenFault("form", _form(token, error)) from None
    proof = _proof(header, secret, keys)
    try:
        claims = jwt.decode(token, proof.key, algorithms=[proof.algorithm], options=SIGNATURE_ALONE)
    except jwt.InvalidAlgorithmError:
        said = f"the token says {shown(header.algorithm)}; {proof.name} is used with {proof.algorithm}"
        raise TokenFault("alg", said) from None
    except (jwt.InvalidSignatureError, jwt.InvalidKeyError):
        raise TokenFault("signature", f"it does not fit {proof.name}") from None
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise TokenFault("form", NOT_READABLE) from None
    is_viewer = header.type == VIEWER_TYPE
    return Signed(claims, is_viewer, None if is_viewer or keys is None else header.key_id)


def viewer_key(secret: str) -> str:
    """The key of viewer tokens, derived from the shared secret."""
    return derived_key(secret, "viewer token").hex()


def _proof(header: Header, secret: str, keys: Keys | None) -> Proof:
    kid = header.key_id
    if header.type == VIEWER_TYPE:
        return Proof(viewer_key(secret), ALGORITHM, "the key of viewer tokens, which follows from the shared secret")
    if kid is None:
        return Proof(secret, ALGORITHM, "the shared secret" + (", as the token names no key" if keys else ""))
    if keys is None:
        name = f"the shared secret (it names the key {shown(kid)}, but EHR_BRIDGE_JWKS is not set)"
        return Proof(secret, ALGORITHM, name)
    public = keys.find(kid)
    if public is None:
        raise TokenFault("kid", f"the key {shown(kid)} is not among those of EHR_BRIDGE_JWKS that can be used")
    return Proof(public.key, public.algorithm, f"the key {shown(kid)}")


def _form(token: str, error: Exception) -> str:
    if token.count(".") != 2:
        return f"a token has three parts with dots between; this has {token.count('.') + 1}"
    if any(character.isspace() for character in token):
        return "there is a blank or a line break in it"
    return str(error) if isinstance(error, ValueError) and not isinstance(error, UnicodeError) else NOT_READABLE
