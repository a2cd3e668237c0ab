"""For how many years studies are kept, by modality. Pure: a rule decides nothing, it only says what may be proposed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

ANY = "any"
LEAST_AGE = 28
"""Images of children are kept longer: in Germany until the patient is 28 (StrlSchG section 85)."""
NEW = 1
"""Years since a study came here in which it stays, whatever its date says."""
MOST_RULES = 20
MODALITY = re.compile(r"[A-Za-z0-9_]{1,16}")
YEARS = re.compile(r"[1-9][0-9]?|1[0-9][0-9]|200")


@dataclass(frozen=True, slots=True)
class YearsKept:
    """How many years studies are kept, and how old a patient must be."""

    years: Mapping[str, int]
    """By modality, and for `ANY` other one."""
    least_age: int

    @property
    def fewest(self) -> int:
        return min(self.years.values())

    def rule_of(self, modalities: Iterable[str]) -> str | None:
        """The rule of a study, such as `CT=10`: of several modalities the longest time counts. None when one of them
        has no rule: then the study stays."""
        rules = {one if one in self.years else ANY for one in _names(modalities)}
        if not rules <= self.years.keys():
            return None
        rule = max(sorted(rules), key=self.years.__getitem__)
        return f"{rule}={self.years[rule]}"

    def __str__(self) -> str:
        """As they were given, and never longer."""
        return ",".join(f"{name}={number}" for name, number in self.years.items())


def read_rules(given: Iterable[str]) -> dict[str, int]:
    """Rules as people write them, such as `CT=10` and `any=30`. Raises ValueError, which says what is wrong."""
    years: dict[str, int] = {}
    for one in given:
        modality, _, number = one.partition("=")
        modality, number = modality.strip(), number.strip()
        if not (MODALITY.fullmatch(modality) and YEARS.fullmatch(number)):
            raise ValueError(f"'{one.strip()}' is no rule: MODALITY=YEARS, such as CT=10 or any=30")
        name = ANY if modality.lower() == ANY else modality.upper()
        if name in years:
            raise ValueError(f"there are two rules for {name}")
        years[name] = int(number)
    if not 1 <= len(years) <= MOST_RULES:
        raise ValueError(f"give 1 to {MOST_RULES} rules, such as CT=10 or any=30")
    return years


def years_before(day: date, years: int) -> date:
    """The same day of an earlier year; 28 February for a 29th that it has not."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _names(modalities: Iterable[str]) -> list[str]:
    return [one.upper() for one in modalities] or [ANY]
