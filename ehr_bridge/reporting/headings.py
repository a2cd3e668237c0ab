"""The sections of a report that is begun without a template, in the language of the site (LOINC codes)."""

from __future__ import annotations

from collections.abc import Mapping

from ehr_bridge.reporting.report import Section

CODES = ("55752-0", "55111-9", "18834-2", "59776-5", "19005-8")
"""Clinical information, technique, comparison, findings, impression."""
_ENGLISH = ("Clinical information", "Technique", "Comparison", "Findings", "Impression")
TITLES: Mapping[str, tuple[str, ...]] = {
    "en": _ENGLISH,
    "de": ("Klinische Angaben", "Technik", "Voraufnahmen", "Befund", "Beurteilung"),
}


def plain_sections(language: str) -> list[Section]:
    """Empty ones; English headings where there are none in the language."""
    titles = TITLES.get(language.partition("-")[0].lower(), _ENGLISH)
    return [Section(code, title, "") for code, title in zip(CODES, titles, strict=True)]
