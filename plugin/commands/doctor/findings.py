"""What a check of the installation has found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What was checked; `fix` is None where all is well."""

    name: str
    state: str
    fix: str | None = None
    is_warning: bool = False
