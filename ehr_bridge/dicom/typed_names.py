"""Names as people type them, converted to DICOM person names (PN, PS3.5 section 6.2.1)."""

from __future__ import annotations

import re
from typing import Final

COMMA: Final = re.compile(r"\s*[,，、]\s*")
_BEFORE_AFFIXES: Final = 3
"""Family, given and middle name. Prefix and suffix follow, which may contain a comma: `MD, PhD`."""
ASK: Final = "separate the parts of the name with ^, as in Schmidt^Anne"


def typed_name(text: str) -> str:
    """`Schmidt, Anne` becomes `Schmidt^Anne`; a name with `^` stays as it is. Raises ValueError when a comma is not
    plainly between family and given name, as it would become part of one of them."""
    return "=".join(map(_typed_group, text.split("=")))


def _typed_group(text: str) -> str:
    if "^" in text:
        if any(COMMA.search(part) for part in text.split("^")[:_BEFORE_AFFIXES]):
            raise ValueError(f"a comma stands inside a name; {ASK}")
        return text
    parts = COMMA.split(text.strip())
    if len(parts) == 1:
        return text
    if len(parts) > 2 or not all(parts):
        raise ValueError(f"the commas do not say which part is which; {ASK}")
    return "^".join(parts)
