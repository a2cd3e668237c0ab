"""What people type, as part of a LIKE pattern."""

from __future__ import annotations

ESCAPE = "\\"


def escaped(text: str) -> str:
    """The text with what LIKE would take for a wildcard standing for itself, for `escape=ESCAPE`."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
