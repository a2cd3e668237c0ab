"""JSON from outside, whose nesting depth is checked without recursion before any parser reads it.

JSON parsers call themselves once per level (Python's, PyJWT's and pydantic's alike), and the sender chooses the depth.
A thread with a small C stack dies of it without reporting an error. Therefore everything that others wrote is read with
`loads`, or checked with `require_shallow` before another library reads it; `json.loads` is banned elsewhere
(pyproject.toml, banned-api).
"""

from __future__ import annotations

import json
import re
from typing import Any

DEEPEST = 32
"""Levels of arrays and objects. The deepest documents from an EHR have fewer than 10, a JWK Set has 3."""
_PARTS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|([\[{])|[\]}]', re.DOTALL)


class TooDeep(ValueError):
    """The text nests deeper than `DEEPEST`."""


def require_shallow(text: str | bytes) -> None:
    """Refuse JSON that nests deeper than `DEEPEST`; whether it is well formed is left to its parser.

    Brackets inside strings do not count (RFC 8259 section 7). Bytes are read in the encoding that `json.loads` would
    detect, because in another one a bracket or a quotation mark looks different.

    Raises:
        TooDeep: it nests deeper.
        ValueError: the bytes are no text in that encoding.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth = 0
    for part in _PARTS.finditer(text):
        if part[1] is not None:
            depth += 1
            if depth > DEEPEST:
                raise TooDeep(f"nested deeper than {DEEPEST}")
        elif part[0] in "]}":
            depth -= 1


def loads(text: str | bytes) -> Any:
    """Like `json.loads`, for JSON that others wrote.

    Raises:
        TooDeep: it nests deeper than `DEEPEST`.
        ValueError: it is not JSON.
    """
    require_shallow(text)
    return json.loads(text)  # noqa: TID251  (checked above)
