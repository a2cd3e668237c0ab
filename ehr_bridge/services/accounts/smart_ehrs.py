"""The EHRs that may launch our pages as a SMART app, from a file of the site.

It is also the list of servers that a launch can make us ask: `iss` comes in an address that anybody can write.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ehr_bridge import setting_checks
from ehr_bridge.auth.permissions import Permission, Roles
from ehr_bridge.settings import SettingsError

VARIABLE = "EHR_BRIDGE_SMART_EHRS"
USUAL_SCOPES = "launch openid fhirUser patient/Patient.read"
REQUIRED = ("name", "issuer", "client_id", "roles")
NO_TEXTS = ("roles", "max_age", "shared_subjects")
OPTIONAL = ("client_secret", "scopes", "mrn_system", "max_age", "shared_subjects")


@dataclass(frozen=True, slots=True)
class Ehr:
    name: str
    issuer: str
    """Its FHIR base address, as it sends it in `iss`; without a slash at its end."""
    client_id: str
    roles: tuple[str, ...]
    """What its users may do here."""
    client_secret: str | None = None
    """None: a public client, which PKCE alone protects."""
    scopes: str = USUAL_SCOPES
    mrn_system: str | None = None
    """The identifier system of our MRNs there; None: as everywhere in FHIR here."""
    max_age: int | None = None
    """Seconds; whoever signed in longer ago is asked to sign in there again (OpenID Connect Core section 3.1.2.1)."""
    shared_subjects: bool = False
    """Whether one `sub` is one person there and at the other EHRs of the file."""


def telling_people_apart(ehrs: Sequence[Ehr], roles: Roles) -> frozenset[str]:
    """The issuers whose subject alone says who signs: all where only one has users that may, else those that say so."""
    signing = [one for one in ehrs if any(Permission.SIGN_REPORTS in roles.permissions[role] for role in one.roles)]
    return frozenset(one.issuer for one in ehrs if one.shared_subjects or len(signing) <= 1)


def load_ehrs(file: Path | None, roles: Roles) -> tuple[Ehr, ...]:
    """Raises SettingsError with a line for each thing that is wrong."""
    if file is None:
        return ()
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"{VARIABLE}: {file} cannot be read: {error.strerror}"]) from None
    except ValueError as error:
        raise SettingsError([f"{VARIABLE}: {file} is not TOML: {error}"]) from None
    entries = given.get("ehr")
    if set(given) != {"ehr"} or not isinstance(entries, list) or not entries:
        raise SettingsError([f"{VARIABLE}: {file} must hold one or more [[ehr]] and nothing else"])
    found: list[Ehr] = []
    problems: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            one = _ehr(entry, roles)
            if any(one.issuer == other.issuer for other in found):
                raise ValueError("issuer: another EHR has it")
            found.append(one)
        except ValueError as error:
            problems.append(f"{VARIABLE}: ehr {number}: {error}")
    if problems:
        raise SettingsError(problems)
    return tuple(found)


def _ehr(entry: Any, roles: Roles) -> Ehr:
    """Raises ValueError that begins with the field."""
    if not isinstance(entry, Mapping):
        raise ValueError("write [[ehr]]")
    if missing := [key for key in REQUIRED if key not in entry]:
        raise ValueError(f"{missing[0]}: is missing")
    if unknown := sorted(set(entry) - {*REQUIRED, *OPTIONAL}):
        raise ValueError(f"{unknown[0]}: unknown; there are {', '.join((*REQUIRED, *OPTIONAL))}")
    texts = {key: entry[key] for key in (*REQUIRED, *OPTIONAL) if key in entry and key not in NO_TEXTS}
    for key, value in texts.items():
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{key}: a text")
    try:
        issuer = setting_checks.public_url(entry["issuer"])
    except ValueError as error:
        raise ValueError(f"issuer: {error}") from None
    may = entry["roles"]
    if not isinstance(may, list) or not may or not all(one in roles.permissions for one in may):
        raise ValueError(f"roles: one or more of {', '.join(roles.permissions)}")
    max_age = entry.get("max_age")
    if max_age is not None and (type(max_age) is not int or not 0 <= max_age <= 86400):
        raise ValueError("max_age: a number of seconds, up to 86400")
    shared = entry.get("shared_subjects", False)
    if not isinstance(shared, bool):
        raise ValueError("shared_subjects: true or false")
    return Ehr(**{**texts, "issuer": issuer}, roles=tuple(may), max_age=max_age, shared_subjects=shared)
