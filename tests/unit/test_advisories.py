"""Which known vulnerabilities an Orthanc runs with, and that the documentation says what shields from each."""

from __future__ import annotations

from plugin.running.advisories import ADVISORIES, installed_version, open_in, sentence
from plugin.starting.orthanc_config import ORTHANC, calls_for_duplicates, needs_md5
from tests.unit.doc_steps import section


def test_debians_orthanc_has_ten_and_the_next_ones_fewer() -> None:
    """Upstream fixed nine in 1.12.11; the tenth is in DCMTK, and in Debian's 1.13.0 too."""
    assert len(open_in((1, 12, 7))) == len(open_in((1, 12, 10))) == 10
    assert [one.cve for one in open_in((1, 12, 11))] == [one.cve for one in open_in((1, 13, 0))] == ["CVE-2026-10528"]


def test_the_installed_orthanc_says_its_version() -> None:
    """As the launcher asks for it; something that is no Orthanc says nothing, and that is said."""
    version = installed_version(ORTHANC)
    assert version is not None and version >= (1, 12, 7)
    assert installed_version("/bin/true") is None and installed_version("/nowhere") is None
    assert "does not say" in (sentence(None) or "")


def test_the_sentence_names_each() -> None:
    """An administrator can look each of them up."""
    said = sentence((1, 12, 7)) or ""
    assert said.startswith("Orthanc 1.12.7 has 10 known vulnerabilities")
    assert all(one.cve in said for one in ADVISORIES)


def test_the_documentation_says_what_shields_from_each() -> None:
    """A row for each advisory, none without a word in its last column."""
    rows = [line.split("|") for line in section("security.md", "Known vulnerabilities of Orthanc").splitlines()]
    shields = {row[1].strip(): row[-2].strip() for row in rows if len(row) > 4 and row[1].strip().startswith("CVE-")}
    assert set(shields) == {one.cve for one in ADVISORIES}
    assert all(shields.values())


def test_a_version_that_cannot_be_read_is_taken_for_a_later_one() -> None:
    """Later ones need the MD5 of every file, and call no hook for an instance that they have already."""
    versions = (1, 12, 7), (1, 12, 11), (1, 13, 0), None
    assert [needs_md5(version) for version in versions] == [False, False, True, True]
    assert [calls_for_duplicates(version) for version in versions] == [True, True, False, False]
