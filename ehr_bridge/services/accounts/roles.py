"""Roles and permissions: the built-in ones, or as a site's file changes them (docs/configuration.md, Roles)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from ehr_bridge.auth.permissions import ROLE_PERMISSIONS, Permission, Roles
from ehr_bridge.settings import SettingsError

VARIABLE: Final = "EHR_BRIDGE_ROLES"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def load_roles(file: Path | None) -> Roles:
    """The built-in roles, replaced or extended by those in the file. Raises SettingsError when the file cannot be used;
    each problem names its role."""
    if file is None:
        return Roles()
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError([f"{VARIABLE}: the file cannot be read: {error.strerror}"]) from None
    except ValueError as error:
        raise SettingsError([f"{VARIABLE}: the file is not TOML: {error}"]) from None
    given = content.get("roles")
    if set(content) != {"roles"} or not isinstance(given, dict):
        raise SettingsError([f"{VARIABLE}: write one table [roles], and nothing else"])
    if problems := [f"{VARIABLE}: {problem}" for role, may in given.items() for problem in _problems(role, may)]:
        raise SettingsError(problems)
    roles = Roles(ROLE_PERMISSIONS | {role: frozenset(map(Permission, may)) for role, may in given.items()})
    if not any(Permission.ACCOUNTS in may for may in roles.permissions.values()):
        raise SettingsError([f"{VARIABLE}: no role has the permission 'accounts' any more; leave it to admin"])
    return roles


def _problems(role: str, may: Any) -> Iterator[str]:
    if NAME.fullmatch(role) is None:
        yield f"'{role}' cannot be a role's name: use a-z, 0-9, _ and -, at most 32, with a letter first"
    if not isinstance(may, list) or not all(isinstance(one, str) for one in may):
        yield f'{role}: write a list of permissions, such as ["read", "view"]'
        return
    known = [str(permission) for permission in Permission]
    for unknown in [one for one in may if one not in known]:
        yield f"{role}: there is no permission '{unknown}'; permissions are {', '.join(known)}"
