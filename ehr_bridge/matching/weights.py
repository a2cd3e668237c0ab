"""How much each comparison of people counts: the one table of numbers behind the score.

A weight is the binary logarithm of a likelihood ratio (Fellegi and Sunter 1969): how much more often a comparison has
this result for two records of one person than for two people picked at random. +10 is "a thousand times more often for
one person", -5 "thirty times more often for two". Weights add up. Where two records agree on a value, the weight is not
fixed: it follows from how many of the EHR's own patients have that value (`rarity`), so that a shared Smith counts
little and a shared Zierholz much.

The numbers were set with the public FEBRL sets of a few seeds and are frozen; ADR 0011 has the results on others.
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
"""No value counts as rarer than this, however few patients have it."""
UNSEEN: Final = 0.5
"""Count assumed for a value that no patient has."""

FAMILY: Final = {"similar": 0.0, "initial": 1.0, "different": -4.5, "silent": 0.0}
GIVEN: Final = {"similar": 0.0, "initial": 1.0, "different": -4.0, "silent": 0.0}
"""similar: more alike than chance, too different for a typing error."""
PART: Final = -3.0
"""One side has only a part of a double name; added to the rarity of that part."""
SLIP: Final = {"near": 3e-4, "sound": 1e-4}
"""How often a name is written as one particular other word with a typing error, or one that sounds alike. It is
weighed against how many people have that other word as their name: Zierholy is a typing error of Zierholz, Maria is
hardly one of Marie."""
NOBODYS: Final = 1e-5
"""The share of people with one particular name that no patient has."""
SWAPPED: Final = -4.0
"""Family and given name are swapped."""
NO_MIDDLE_NAME: Final = -0.5
"""One side omits the middle name: weighs little, but less than somebody with all the same names."""
BIRTH_DATE: Final = {"near": 5.0, "swapped": 8.0, "year": 3.0, "different": -5.0, "silent": 0.0}
"""near: one digit, or two neighbours swapped; swapped: day and month; year: day and month right, year wrong."""
SEX: Final = {"same": 0.9, "different": -4.0, "silent": 0.0}
PATIENT_ID: Final = {"near": 7.0, "neighbour": 0.0, "different": -5.0, "other_issuer": 0.0, "silent": 0.0}
"""near: one typing error; neighbour: one, but as close as the numbers of twins registered one after the other."""
STRAY_ID: Final = 0.03
"""How often a header has the MRN of another patient in the EHR."""


def rarity(field: str, count: int, population: int) -> float:
    """The weight of agreeing on a value that `count` of `population` patients have."""
    size = max(population, SMALLEST_POPULATION)
    share = max((count + UNSEEN) / (size + 1), RAREST[field])
    return log2(SAME / share)


def slip(grade: str, count: int, population: int) -> float:
    """The weight of a spelling close to ours that `count` patients have as their own name."""
    share = count / max(population, SMALLEST_POPULATION) + NOBODYS
    return log2(SLIP[grade] / share)


def same_id(population: int) -> float:
    """The weight of the same MRN; a wrong one hits each patient equally often."""
    return log2(SAME * max(population, SMALLEST_POPULATION) / STRAY_ID)


def prior(population: int) -> float:
    """The weight against any one patient before comparison: there are many, and some people are not in the EHR."""
    return log2(IN_EHR / max(population, SMALLEST_POPULATION)) - log2(1 - IN_EHR)
