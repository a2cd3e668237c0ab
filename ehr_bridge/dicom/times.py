"""DICOM times."""

from __future__ import annotations

import re
from datetime import time


def parse_tm(text: str) -> time | None:
    """A time (TM, PS3.5 section 6.2: HHMMSS.FFFFFF, may be truncated at the right), or None when it is not one."""
    match = re.fullmatch(r"(\d{2}):?(\d{2})?:?(\d{2})?(?:\.(\d{1,6}))?", text.strip())
    if match is None:
        return None
    hour, minute, second, fraction = match.groups()
    try:
        return time(int(hour), int(minute or 0), int(second or 0), int((fraction or "0").ljust(6, "0")))
    except ValueError:
        return None
