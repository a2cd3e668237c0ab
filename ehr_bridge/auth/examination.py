"""Everything about a token at once: what the verifier finds wrong one by one, and what it would grant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from ehr_bridge.auth.jws import numeric_date
from ehr_bridge.auth.signed import Keys, Signed, read_signed
from ehr_bridge.auth.token_claims import Rights, read_rights
from ehr_bridge.auth.token_faults import CHECKS, TokenFault, duration, expired, faults, moment, shown
from ehr_bridge.auth.tokens import TokenRules, expected, name_of, operations_of


class Finding(NamedTuple):
    """One thing about a token. `note` is no fault, but worth knowing."""

    claim: str
    state: Literal["ok", "note", "fail"]
    said: str


def examine(token: str, rules: TokenRules, keys: Keys | None, now: datetime) -> Iterator[Finding]:
    """What the server would find, in its order. Says nothing of the token but its audience, issuer, key id, algorithm,
    times, roles and permissions. Nothing that only the database knows."""
    try:
        signed = read_signed(token, rules.shared_secret, keys)
    except TokenFault as fault:
        yield _failed(fault)
        return
    kind = "a viewer token" if signed.is_viewer else "a user token"
    secret = "EHR_BRIDGE_JWT_SECRET_FORMER" if signed.is_former else "the secret"
    by = secret if signed.key_id is None else f"the key {shown(signed.key_id)}"
    yield Finding("signature", "ok", f"{kind}, signed with {by}")
    yield from _claims(signed, rules, now)
    yield from _operations(signed) if signed.is_viewer else _rights(signed, rules)
    if signed.is_viewer or "jti" in signed.claims:
        yield Finding("revoked", "note", "whether it was revoked, only the server knows")


def _claims(signed: Signed, rules: TokenRules, now: datetime) -> Iterator[Finding]:
    wrong = {fault.claim: fault for fault in faults(signed.claims, expected(signed, rules, now))}
    for claim, _ in CHECKS:
        if claim in wrong:
            yield _failed(wrong[claim])
        elif claim == "exp":
            ends = numeric_date(signed.claims["exp"])
            fault = expired(ends, now)
            said = f"it ends in {duration(ends - now)} ({moment(ends)})"
            yield Finding("exp", "ok", said) if fault is None else _failed(fault)
        elif claim in signed.claims:
            yield Finding(claim, "ok", shown(signed.claims[claim]) if claim in ("aud", "iss") else "as it must be")


def _operations(signed: Signed) -> Iterator[Finding]:
    try:
        yield Finding("operations", "ok", _listed(operations_of(signed.claims)))
    except TokenFault as fault:
        yield _failed(fault)


def _rights(signed: Signed, rules: TokenRules) -> Iterator[Finding]:
    try:
        if "name" in signed.claims:
            name_of(signed.claims)
        rights = read_rights(signed.claims, rules.claims, is_ours=signed.key_id is None)
    except TokenFault as fault:
        yield _failed(fault)
        return
    if rights.ignored:
        yield Finding("roles", "note", f"ignored, because no role here corresponds to them: {_listed(rights.ignored)}")
    yield Finding("roles", "ok", _granted(rights, rules))


def _granted(rights: Rights, rules: TokenRules) -> str:
    known = [role for role in rights.roles if role in rules.claims.roles.permissions]
    if not rights.permissions:
        return f"they permit nothing; roles are {_listed(rules.claims.roles.permissions)}"
    bound = " for the studies of one patient" if rights.patient is not None else ""
    return f"{_listed(known) or 'none, but a scope'}; may {_listed(sorted(rights.permissions))}{bound}"


def _listed(words: object) -> str:
    return ", ".join(shown(word).strip('"') for word in words)  # type: ignore[attr-defined]


def _failed(fault: TokenFault) -> Finding:
    return Finding(fault.claim, "fail", fault.said)
