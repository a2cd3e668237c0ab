"""What docs/conformance.md says of each real file."""

from __future__ import annotations

import re

from ehr_bridge.dicom import read_header
from ehr_bridge.errors import RefusedInstance
from tests.support.samples import ROOT

ROW = re.compile(r"^\| (?:`(\w+)`|[^|`]+) \|(?:[^|]*\|)? ((?:`[^`|]+`(?:, )?)+) \|$", re.MULTILINE)


def documented() -> dict[str, str | None]:
    """File names of the two tables, with the code each is refused with, None for those that are stored."""
    page = (ROOT / "docs" / "conformance.md").read_text()
    section = page.split("\n## Real files\n")[1].split("\n## ")[0]
    return {name: row[1] or None for row in ROW.finditer(section) for name in re.findall(r"`([^`]+)`", row[2])}


def under_a_uid_of_its_own(data: bytes, number: int) -> bytes:
    """The same file; pydicom's share UIDs. One that cannot be read, or is deflated, stays as it is."""
    try:
        header = read_header(data)
    except RefusedInstance:
        return data
    uid = header.sop_instance_uid
    if header.deflated or len(uid) < 12:
        return data
    own = f"{uid[:-5].rstrip('.')}".ljust(len(uid) - 5, "1") + f".{number + 1000}"
    return data.replace(uid.encode(), own.encode())
