"""JSON from outside, looked at before any parser sees it: how deep it nests is counted without recursion.

A parser of JSON calls itself once per level (Python's, PyJWT's and pydantic's alike), and the depth is chosen by who
sends. A thread whose C stack is short does not live to report an error. Whatever somebody else wrote is therefore read
with `loads`, or passed to `require_shallow` before another library reads it; `json.loads` is forbidden elsewhere
(pyproject.toml, banned-api).
"""

from __future__ import annotations

import json
import re
from typing import Any

DEEPEST = 32
"""Levels of arrays and objects. The deepest document that an EHR sends us has fewer than 10, a JWK Set 3."""
_PARTS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|([\[{])|[\]}]', re.DOTALL)


class TooDeep(ValueError):
    """The text nests deeper than `DEEPEST`."""


def require_shallow(text: str | bytes) -> None:
    """Let JSON pass that nests at most `DEEPEST` deep; whether it is well formed is for its parser to say.

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
    """As `json.loads`, for what somebody else wrote.

    Raises:
        TooDeep: it nests deeper than `DEEPEST`.
        ValueError: it is not JSON.
    """
    require_shallow(text)
    return json.loads(text)  # noqa: TID251  (looked at above)
