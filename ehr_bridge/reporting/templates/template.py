"""A template: the sections a report of one kind begins with, and which of them must be written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ehr_bridge.reporting.report import Section
from ehr_bridge.shallow_json import loads

SHIPPED = Path(__file__).with_name("shipped")


@dataclass(frozen=True, slots=True)
class TemplateSection:
    """A heading, and the text that it begins with."""

    code: str
    title: str
    text: str = ""
    required: bool = False
    """A report is not signed while it is empty."""


@dataclass(frozen=True, slots=True)
class Template:
    """Found by its name; `modalities` and `body_part` say for which examinations it is meant, none for any."""

    name: str
    title: str
    language: str
    sections: tuple[TemplateSection, ...]
    modalities: tuple[str, ...] = ()
    body_part: str | None = None

    def begin(self) -> list[Section]:
        """What a report begins with."""
        return [Section(one.code, one.title, one.text) for one in self.sections]

    @property
    def required(self) -> frozenset[str]:
        """Codes of the sections that must be written."""
        return frozenset(one.code for one in self.sections if one.required)


@cache
def shipped() -> Mapping[str, Template]:
    """The examples of this version, by name."""
    found = (_read(path.stem, loads(path.read_text(encoding="utf-8"))) for path in sorted(SHIPPED.glob("*.json")))
    return {one.name: one for one in found}


def _read(name: str, said: Mapping[str, Any]) -> Template:
    sections = tuple(TemplateSection(**one) for one in said["sections"])
    return Template(name, said["title"], said["language"], sections, tuple(said["modalities"]), said["body_part"])
