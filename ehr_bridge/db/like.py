"""Text that users type, in LIKE patterns."""

from __future__ import annotations

ESCAPE = "\\"


def escaped(text: str) -> str:
    """The text with LIKE's wildcards escaped, for `escape=ESCAPE`."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
