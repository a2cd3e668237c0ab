"""Known vulnerabilities of the installed Orthanc. What protects us from each: docs/security.md."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from functools import cache

type Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Advisory:
    cve: str
    about: str
    fixed_in: Version | None
    """The first version of Orthanc without it; None while Debian has none."""


FIXED_IN_2026 = (1, 12, 11)
ADVISORIES = (
    Advisory("CVE-2026-5437", "reads beyond a damaged DICOM header", FIXED_IN_2026),
    Advisory("CVE-2026-5438", "unpacks a gzip request without bounds", FIXED_IN_2026),
    Advisory("CVE-2026-5439", "unpacks a ZIP without bounds", FIXED_IN_2026),
    Advisory("CVE-2026-5440", "allocates whatever Content-Length announces", FIXED_IN_2026),
    Advisory("CVE-2026-5441", "reads beyond an image in Philips' PMSCT_RLE1", FIXED_IN_2026),
    Advisory("CVE-2026-5442", "writes beyond an image with false dimensions", FIXED_IN_2026),
    Advisory("CVE-2026-5443", "writes beyond a palette image", FIXED_IN_2026),
    Advisory("CVE-2026-5444", "writes beyond a PAM image", FIXED_IN_2026),
    Advisory("CVE-2026-5445", "reads beyond the colours of a palette", FIXED_IN_2026),
    Advisory("CVE-2026-10528", "reads nested sequences by recursion, in DCMTK", None),
)


def open_in(version: Version) -> list[Advisory]:
    return [one for one in ADVISORIES if one.fixed_in is None or version < one.fixed_in]


@cache
def installed_version(program: str) -> Version | None:
    """What Orthanc says of itself; None when it says nothing that can be read."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout  # noqa: S603
    except OSError:
        return None
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    return tuple(int(number) for number in found.groups()) if found else None


def written(version: Version | None) -> str | None:
    """As people write it: 1.12.7."""
    return None if version is None else ".".join(map(str, version))


def sentence(version: Version | None) -> str | None:
    """A warning for administrators before the server starts; None when no advisory is open."""
    if version is None:
        return "Orthanc does not say its version; docs/security.md lists the known vulnerabilities of each"
    open_now = open_in(version)
    if not open_now:
        return None
    names = ", ".join(one.cve for one in open_now)
    known = f"{len(open_now)} known vulnerabilities ({names})"
    return f"Orthanc {written(version)} has {known}; docs/security.md says what shields you"
