"""Names of emergency patients whom nobody knows yet.

The family name is `Unidentified`, the given name two words of the spelling alphabet (ICAO Annex 10, volume II), such as
`Alfa Bravo`. No person is called so. Two who come one after the other have different first words, which can be told
apart on a console and when they are read out. No two who are unidentified at the same time have the same words, as long
as there are not 676 of them. Whoever corrects the name says who it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.tables.registry import Patient

FAMILY_NAME = "Unidentified"
_WORDS = (
    *("Alfa", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India", "Juliett", "Kilo", "Lima"),
    *("Mike", "November", "Oscar", "Papa", "Quebec", "Romeo", "Sierra", "Tango", "Uniform", "Victor", "Whiskey"),
    *("Xray", "Yankee", "Zulu"),
)
NAMES = len(_WORDS) ** 2


def words_of(count: int) -> str:
    """The given name for the count of a local number."""
    second, first = divmod((count - 1) % NAMES, len(_WORDS))
    return f"{_WORDS[first]} {_WORDS[(first + second + 1) % len(_WORDS)]}"


def free_words(session: Session, count: int) -> str:
    """The first given name, beginning with that of the count, that no unidentified patient has."""
    unidentified = select(Patient.given_name).where(Patient.is_unidentified, Patient.merged_into_id.is_(None))
    return first_free(count, session.scalars(unidentified))


def first_free(count: int, taken: Iterable[str | None]) -> str:
    """The same, with the names that are taken; where all are, the count's own: the number tells them apart."""
    names = set(taken)
    every = (words_of(count + step) for step in range(NAMES))
    return next((words for words in every if words not in names), words_of(count))


def is_identified_by(patient: Patient, changed: Iterable[str]) -> bool:
    """Whether a correction of these fields, already set, says who an unidentified patient is."""
    names_changed = not {"family_name", "given_name"}.isdisjoint(changed)
    return bool(patient.is_unidentified) and names_changed and patient.family_name not in (None, FAMILY_NAME)
