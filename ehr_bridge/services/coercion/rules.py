"""Which attributes the images of a linked study get, from where and when: the built-in rules or a site's own.

A rule names one attribute. Of all its rules that apply to an instance (by door and calling AE title), the last one
counts. Rules are checked when they are loaded: a value that no file may get, or that would leave a linked study with
another patient's number, stops the start.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ehr_bridge.dicom import Header, canonical, checked_value
from ehr_bridge.dicom.structure import tags
from ehr_bridge.services.identity.attributes import DEFAULT_RULES, EHR_VALUES
from ehr_bridge.services.uploads.arrivals import Door
from ehr_bridge.settings import SettingsError
from ehr_bridge.wrong_values import told

VARIABLE: Final = "EHR_BRIDGE_COERCION_RULES"
NO_VALUES: Final[Mapping[str, str]] = {}
_FOLLOWS_THE_LINK: Final = {"PatientID": "patient.mrn"}
"""Attributes that site rules cannot change: with another number a linked study would be on the wrong patient."""


class Rule(BaseModel):
    """One attribute, where its value comes from, and when it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    attribute: str
    source: str | None = Field(None, alias="from")
    value: str | None = None
    when: Literal["always", "empty"] = "always"
    on_conflict: Literal["replace", "keep", "flag"] = "replace"
    if_unknown: Literal["keep", "clear"] = "keep"
    doors: tuple[Door, ...] | None = None
    calling_ae_titles: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def _is_possible(self) -> Rule:
        if (self.source is None) == (self.value is None):
            raise ValueError("give either 'from' or 'value'")
        if self.source is not None and self.source not in EHR_VALUES:
            raise ValueError(f"'from' is one of {', '.join(EHR_VALUES)}")
        wanted = checked_value(self.attribute, EHR_VALUES[self.source].example if self.source else self.value or "")
        if wanted.tag >> 16 not in tags.DESCRIBING_GROUPS:
            raise ValueError(f"{self.attribute} says how the picture is to be read; it cannot be changed")
        if () in (self.doors, self.calling_ae_titles):
            raise ValueError("name at least one door or calling AE title, or leave the list out")
        if self.calling_ae_titles is not None and self.doors not in (None, (Door.C_STORE,)):
            raise ValueError("only c_store has calling AE titles")
        source = _FOLLOWS_THE_LINK.get(self.attribute)
        if source and (self.source, self.when, self.on_conflict) != (source, "always", "replace"):
            raise ValueError(f"{self.attribute} always becomes {source}")
        return self

    def holds(self, door: Door | None, calling_ae_title: str | None) -> bool:
        """Whether the rule applies to instances that arrive this way; None where the door is unknown."""
        if self.calling_ae_titles is not None:
            return door is Door.C_STORE and calling_ae_title in self.calling_ae_titles
        return self.doors is None or door in self.doors


BUILT_IN: Final = tuple(
    Rule.model_validate({"attribute": attribute, "from": source}) for attribute, source in DEFAULT_RULES.items()
)


class Settled(Protocol):
    """What is known about a study's instances: a `Decision` on arrival, a job for stored ones."""

    @property
    def wanted(self) -> Mapping[str, str]:
        """The values by the built-in rules; empty where nothing is certain."""

    @property
    def facts(self) -> Mapping[str, str]:
        """The EHR's data, by the names in `EHR_VALUES`."""

    @property
    def corrections(self) -> Mapping[str, str]:
        """Corrections by the sender or another person."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """The result of the rules for one instance."""

    wanted: Mapping[str, str]
    contradicts: bool = False
    """A rule keeps the file's value and asks for a person's decision."""


class CoercionRules:
    """The rules of one installation. Pure, except for a cache of the rules that apply."""

    def __init__(self, rules: tuple[Rule, ...] = BUILT_IN) -> None:
        self.rules = rules
        self.name_callers = any(rule.calling_ae_titles for rule in rules)
        """Whether any rule depends on the calling AE title."""
        self.attributes = frozenset(rule.attribute for rule in rules)
        """All attributes that any rule may write."""
        sources = {rule.source for rule in rules if rule.source is not None}
        self.order_fields = frozenset(one.removeprefix("order.") for one in sources if one.startswith("order."))
        """Fields of an order that may be written into files."""
        self._holding = lru_cache(maxsize=256)(self._find)

    def rule(
        self,
        header: Header,
        settled: Settled,
        door: Door | None,
        calling_ae_title: str | None = None,
        on_arrival: Mapping[str, str] = NO_VALUES,
    ) -> Ruling:
        """The values that one instance of a linked study gets; none when its study is not linked.

        `on_arrival` holds the original values of a stored file, of attributes that have changed since: rules always
        judge a file as it was sent.
        """
        if not settled.wanted or self.rules is BUILT_IN:
            return Ruling(settled.wanted)
        wanted = dict(settled.corrections)
        contradicts = False
        if settled.facts:
            for rule in self._holding(door, calling_ae_title):
                value = rule.value if rule.source is None else settled.facts[rule.source]
                if not value and rule.if_unknown == "keep":
                    continue
                try:
                    ours = checked_value(rule.attribute, value or "")
                except ValueError:
                    continue  # too long for the attribute: the file's value is better than a truncated one
                said = on_arrival.get(rule.attribute)
                theirs = canonical(ours.vr, header.text(ours.tag) if said is None else said)
                if theirs and theirs != ours.canonical:
                    contradicts |= rule.on_conflict == "flag"
                    if rule.when == "empty" or rule.on_conflict != "replace":
                        continue
                wanted[rule.attribute] = ours.value
        return Ruling(wanted, contradicts)

    def _find(self, door: Door | None, calling_ae_title: str | None) -> tuple[Rule, ...]:
        holding = {rule.attribute: rule for rule in self.rules if rule.holds(door, calling_ae_title)}
        return tuple(holding.values())


def load_rules(path: Path | None) -> CoercionRules:
    """The rules in a TOML or JSON file (by its name); the built-in ones without a file. Raises SettingsError when the
    file cannot be used; each problem names the variable, the rule's number and its attribute."""
    if path is None:
        return CoercionRules()
    try:
        content = path.read_bytes()
        document: Any = json.loads(content) if path.suffix == ".json" else tomllib.loads(content.decode())
    except OSError as error:
        raise SettingsError([f"{VARIABLE}: the file cannot be read: {error.strerror}"]) from None
    except (ValueError, RecursionError):
        raise SettingsError([f"{VARIABLE}: the file is neither TOML nor, named .json, JSON"]) from None
    if not isinstance(document, dict) or set(document) != {"rule"} or not isinstance(document["rule"], list):
        raise SettingsError([f"{VARIABLE}: the file holds a list of rules, [[rule]] in TOML, and nothing else"])
    rules, problems = [], []
    for number, entry in enumerate(document["rule"], 1):
        name = entry.get("attribute") if isinstance(entry, dict) else None
        where = f"{VARIABLE}: rule {number} ({name if isinstance(name, str) else 'without an attribute'})"
        try:
            rules.append(Rule.model_validate(entry))
        except ValidationError as error:
            problems += [": ".join(filter(None, [where, *fault])) for fault in told(error, whole="")]
    if not problems:
        problems = [
            f"{VARIABLE}: no rule makes {attribute} {source} at every door"
            for attribute, source in _FOLLOWS_THE_LINK.items()
            if not any(r.attribute == attribute and not r.doors and not r.calling_ae_titles for r in rules)
        ]
    if problems:
        raise SettingsError(problems)
    return CoercionRules(tuple(rules))
