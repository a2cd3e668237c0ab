"""How much each comparison of people says: the one table of numbers behind the score.

A weight is the binary logarithm of a likelihood ratio (Fellegi and Sunter 1969): how much more often a comparison comes
out like this for two records of one person than for two people picked at random. +10 is "a thousand times more often
for one person", -5 "thirty times more often for two". Weights add up. Where two records agree on a value, the weight is
not fixed: it follows from how many of the EHR's own patients have that value (`rarity`), so that a shared Smith says
little and a shared Zierholz much.

The numbers were set by looking at the public FEBRL sets of a few seeds and are frozen; ADR 0011 tells how they do on
others.
"""

from __future__ import annotations

from math import log2
from typing import Final

IN_EHR: Final = 0.8
"""The share of arriving studies whose patient the EHR knows."""
SMALLEST_POPULATION: Final = 1_000
"""A small EHR knows little about rarity, and its patients are drawn from a larger place."""

SAME: Final = 0.85
"""How often a field of one person is the same in both records."""
RAREST: Final = {"family": 1 / 20_000, "given": 1 / 4_000, "birth_date": 1 / 25_000}
"""No value counts as rarer than that, however few patients have it."""
UNSEEN: Final = 0.5
"""How often a value that nobody else has is thought to have been seen."""

FAMILY: Final = {"similar": 0.0, "initial": 1.0, "different": -4.5, "silent": 0.0}
GIVEN: Final = {"similar": 0.0, "initial": 1.0, "different": -4.0, "silent": 0.0}
"""similar: more alike than chance, too unlike for a slip."""
PART: Final = -3.0
"""Of double names one side has a part only; on top of how rare the part is."""
SLIP: Final = {"near": 3e-4, "sound": 1e-4}
"""How often a name is written as one particular other word that differs by a slip, or sounds alike. Against it stands
how many people have that other word as their name: Zierholy is a slip of Zierholz, Maria is hardly one of Marie."""
NOBODYS: Final = 1e-5
"""The share of people with one particular name that no patient has."""
SWAPPED: Final = -4.0
"""Family and given name stand in each other's place."""
NO_MIDDLE_NAME: Final = -0.5
"""One side leaves the middle name out: next to nothing, but less than somebody of the same names with it."""
BIRTH_DATE: Final = {"near": 5.0, "swapped": 8.0, "year": 3.0, "different": -5.0, "silent": 0.0}
"""near: one digit, or two neighbours exchanged; swapped: day and month; year: day and month right, year wrong."""
SEX: Final = {"same": 0.9, "different": -4.0, "silent": 0.0}
PATIENT_ID: Final = {"near": 7.0, "neighbour": 0.0, "different": -5.0, "other_issuer": 0.0, "silent": 0.0}
"""near: one slip; neighbour: one slip, but as close as the numbers of twins registered one after the other."""
STRAY_ID: Final = 0.03
"""How often a header carries the MRN of somebody else in the EHR."""


def rarity(field: str, count: int, population: int) -> float:
    """The weight of agreeing on a value that `count` of `population` patients have."""
    size = max(population, SMALLEST_POPULATION)
    share = max((count + UNSEEN) / (size + 1), RAREST[field])
    return log2(SAME / share)


def slip(grade: str, count: int, population: int) -> float:
    """The weight of a spelling that is near ours, and that `count` patients have as their own name."""
    share = count / max(population, SMALLEST_POPULATION) + NOBODYS
    return log2(SLIP[grade] / share)


def same_id(population: int) -> float:
    """The weight of the very MRN: a stray one hits each patient alike."""
    return log2(SAME * max(population, SMALLEST_POPULATION) / STRAY_ID)


def prior(population: int) -> float:
    """What speaks against any one patient before anything is compared: there are many, and some are not in the EHR."""
    return log2(IN_EHR / max(population, SMALLEST_POPULATION)) - log2(1 - IN_EHR)
