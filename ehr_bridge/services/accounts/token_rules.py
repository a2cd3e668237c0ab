"""From settings to the rules for user tokens, and to the source of the EHR's public keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ehr_bridge.auth.introspection import Introspection, asking
from ehr_bridge.auth.jwks import KeySource
from ehr_bridge.auth.keys import KnownKeys, UnusableKeys, read_jwks
from ehr_bridge.auth.ports import Grants
from ehr_bridge.auth.token_claims import ClaimRules
from ehr_bridge.auth.tokens import TokenRules
from ehr_bridge.services.accounts.roles import load_roles
from ehr_bridge.settings import Settings, SettingsError


def token_rules(settings: Settings) -> TokenRules:
    """The rules of these settings; needs `settings.jwt_secret`. Raises SettingsError when the file of roles cannot be
    used, or names an unknown role."""
    roles = load_roles(settings.roles)
    names = settings.jwt_role_names or {}
    for ours in names.values():
        if unknown := [role for role in ours if role not in roles.permissions]:
            known = ", ".join(roles.permissions)
            raise SettingsError([f"EHR_BRIDGE_JWT_ROLE_NAMES: there is no role '{unknown[0]}'; roles are {known}"])
    claims = ClaimRules(
        roles_claim=tuple(settings.jwt_roles_claim.split(".")),
        role_names=names,
        smart_scopes=settings.smart_scopes,
        patient_claim=settings.smart_patient_claim,
        roles=roles,
    )
    secret = settings.shared_secret
    return TokenRules(
        secret.present, settings.jwt_audience, settings.jwt_issuer, claims, settings.sharing, secret.other
    )


def keys_at_hand(settings: Settings) -> KnownKeys | None:
    """The EHR's public keys without asking anybody: from the file, or as the server last heard them from the address.
    Raises SettingsError when the file, or the server's copy, cannot be used; None when no keys are configured."""
    if settings.jwks is None:
        return None
    path = settings.keys_copy_path if settings.jwks_is_address else Path(settings.jwks)
    try:
        return KnownKeys(read_jwks(path.read_bytes()))
    except UnusableKeys as error:
        raise SettingsError([f"EHR_BRIDGE_JWKS: {error}"]) from None
    except OSError as error:
        if settings.jwks_is_address:
            said = "it is an address, and the server has kept no copy of its keys yet; start it, or name a file here"
            raise SettingsError([f"EHR_BRIDGE_JWKS: {said}"]) from None
        raise SettingsError([f"EHR_BRIDGE_JWKS: the file cannot be read: {error.strerror}"]) from None


def key_source(settings: Settings) -> KeySource | None:
    """The source of the EHR's public keys, if one is configured. An address is first fetched in the background. Raises
    SettingsError when the file cannot be used."""
    if settings.jwks is None:
        return None
    source = KeySource(settings.jwks, copy=settings.keys_copy_path)
    if not settings.jwks_is_address:
        try:
            source.load()
        except UnusableKeys as error:
            raise SettingsError([f"EHR_BRIDGE_JWKS: {error}"]) from None
        except OSError as error:
            raise SettingsError([f"EHR_BRIDGE_JWKS: the file cannot be read: {error.strerror}"]) from None
    return source


def introspection(
    settings: Settings, rules: TokenRules, grants: Grants, clock: Callable[[], datetime]
) -> Introspection | None:
    """Who knows opaque tokens; None where nobody is configured."""
    if settings.introspection_url is None:
        return None
    secret = settings.introspection_secret
    ask = asking(
        settings.introspection_url,
        settings.introspection_client,
        None if secret is None else secret.get_secret_value(),
    )
    names = frozenset({settings.jwt_audience, settings.base_url, settings.fhir_base_url})
    return Introspection(ask, rules, names, grants, clock)
