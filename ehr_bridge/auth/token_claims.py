"""The rights in a verified user token: our own `roles`, other names for them, and SMART scopes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ehr_bridge.auth.permissions import Permission, Roles
from ehr_bridge.auth.token_faults import TokenFault, shown

SCOPE = re.compile(r"(patient|user|system)/(ImagingStudy|\*)\.(read|\*|[cruds]+)(\?.*)?")
"""A clinical scope of SMART App Launch, version 1 (`.read`) or 2 (`.rs`)."""
MAY_VIEW = frozenset({Permission.READ, Permission.VIEW})


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """Where an identity provider writes roles, and what it calls them."""

    roles_claim: tuple[str, ...] = ("roles",)
    """Path to the list, from the outside in: `("realm_access", "roles")` for Keycloak."""
    role_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The provider's name of a role to ours; when this is not empty, names that are not listed grant nothing."""
    smart_scopes: bool = False
    patient_claim: str = "patient"
    roles: Roles = field(default_factory=Roles)


@dataclass(frozen=True, slots=True)
class Rights:
    """Roles by our names, the permissions they give, and the one patient they are bound to, if any."""

    roles: tuple[str, ...]
    permissions: frozenset[Permission]
    patient: str | None = None
    ignored: tuple[str, ...] = ()
    """Roles in the token that are no role of ours, by their own names; they grant nothing."""


def read_rights(claims: Mapping[str, Any], rules: ClaimRules, *, is_ours: bool) -> Rights:
    """The rights that the claims grant. A scope narrows what roles permit; without roles it grants by itself.
    `is_ours`: the token is signed with the secret that only the EHR and we have, so its `roles` are our names. Raises
    TokenFault when a claim has the wrong type, or a patient scope comes without a patient."""
    names: Mapping[str, tuple[str, ...]] = {}
    if is_ours and "roles" in claims:
        given = claims["roles"]
    else:
        given, names = _at(claims, rules.roles_claim), rules.role_names
    roles = _roles(given, names)
    ignored = _ignored(given or (), names, rules.roles)
    return replace(_rights(claims, rules, given is not None, roles), ignored=ignored)


def _rights(claims: Mapping[str, Any], rules: ClaimRules, has_roles: bool, roles: tuple[str, ...]) -> Rights:
    permissions = rules.roles.permissions_of(roles)
    if not rules.smart_scopes:
        return Rights(roles, permissions)
    contexts = _contexts(claims.get("scope", claims.get("scp", "")))
    if contexts is None:
        return Rights(roles, permissions)
    permissions = (permissions if has_roles else MAY_VIEW) & MAY_VIEW
    if not contexts:
        return Rights(roles, frozenset())
    if contexts != {"patient"}:
        return Rights(roles, permissions)
    patient = claims.get(rules.patient_claim)
    if not isinstance(patient, str) or not patient.removeprefix("Patient/") or not patient.isprintable():
        raise TokenFault(
            "scope", f"a scope for one patient without the claim {shown(rules.patient_claim)}: no patient is named"
        )
    return Rights(roles, permissions, patient.removeprefix("Patient/"))


def _at(claims: Mapping[str, Any], way: tuple[str, ...]) -> Any:
    """The value at the end of the path, or under the joined path as one name; None when there is none."""
    if ".".join(way) in claims:
        return claims[".".join(way)]
    value: Any = claims
    for step in way:
        if not isinstance(value, Mapping):
            raise TokenFault("roles", f"{shown(step)} is not inside an object (EHR_BRIDGE_JWT_ROLES_CLAIM)")
        value = value.get(step)
        if value is None:
            return None
    return value


def _roles(given: Any, names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if given is None:
        return ()
    if not isinstance(given, list) or not all(map(_is_text, given)):
        raise TokenFault("roles", f'write a list of strings, such as ["doctor"], not {shown(given)}')
    if not names:
        return tuple(given)
    return tuple(dict.fromkeys(ours for theirs in given for ours in names.get(theirs, ())))


def _is_text(role: Any) -> bool:
    """Half a surrogate pair is none: no answer could name it."""
    return isinstance(role, str) and role.encode(errors="replace").decode() == role


def _ignored(given: Iterable[str], names: Mapping[str, tuple[str, ...]], roles: Roles) -> tuple[str, ...]:
    """What grants nothing because no role of ours has the name, or is named for it."""
    known = names or roles.permissions
    return tuple(dict.fromkeys(one for one in given if one not in known))


def _contexts(scope: Any) -> set[str] | None:
    """The contexts (patient, user, system) of the scopes that allow reading images; None without any SMART scope.

    A token whose clinical scopes are all about other resources may see no image: an empty set.
    """
    if isinstance(scope, list) and all(isinstance(one, str) for one in scope):
        scope = " ".join(scope)
    if not isinstance(scope, str):
        raise TokenFault("scope", "the scope is a text with blanks between")
    clinical = [one for one in scope.split() if one.startswith(("patient/", "user/", "system/"))]
    if not clinical:
        return None
    found = [SCOPE.fullmatch(one) for one in clinical]
    return {one[1] for one in found if one and _reads(one[3]) and not one[4]}


def _reads(what: str) -> bool:
    """Whether the permission part of a scope allows both search and read."""
    return what in {"read", "*"} or {"r", "s"} <= set(what)
