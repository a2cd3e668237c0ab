"""Compares two names part by part: order, accents, scripts, typing errors, double names, initials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from ehr_bridge.matching.names import spelled_out, words_of

LONG = 8
"""Letters of a word that is still recognisable with two typing errors."""
SHORT = 3
"""In shorter words one typing error makes another name."""
CLEAR = 3
"""Least letters of a sound that is characteristic: Emma and Amy sound alike in two."""
ALIKE = 0.84
"""Jaro-Winkler similarity from which two words are similar rather than different."""
SOUNDS = (
    ("sch", "s"), ("sh", "s"), ("ch", "k"), ("ph", "f"), ("th", "t"), ("ck", "k"), ("gh", "g"), ("kn", "n"),
    ("c", "k"), ("q", "k"), ("x", "ks"), ("z", "s"), ("w", "v"), ("j", "i"), ("y", "i"),
)  # fmt: skip
GENERATIONS = {"sr": 1, "senior": 1, "i": 1, "jr": 2, "junior": 2, "ii": 2, "iii": 3, "iv": 4}
"""Suffixes that distinguish father and son of the same name."""


class Grade(StrEnum):
    """How a part of a name in the header compares with ours."""

    SAME = "same"
    PART = "part"
    NEAR = "near"
    SOUND = "sound"
    SIMILAR = "similar"
    INITIAL = "initial"
    DIFFERENT = "different"
    SILENT = "silent"


AGREEING = frozenset({Grade.SAME, Grade.PART, Grade.NEAR, Grade.SOUND})


@dataclass(frozen=True, slots=True)
class PersonName:
    """One component group of a PN (PS3.5 section 6.2.1), folded: the words of family name and given names."""

    family: tuple[str, ...]
    given: tuple[str, ...]
    """Given and middle names."""
    spelled: frozenset[tuple[str, str]] = field(default=frozenset(), compare=False)
    """Words that can be spelled out ("muller" of Müller), each with its spelling ("mueller")."""
    written: tuple[str, str] = field(default=("", ""), compare=False)
    """Family name and the rest as written; empty in a reading that divides an undivided name."""
    middle: int = 0
    """How many words at the end of `given` are the middle name."""
    generation: int = 0
    """Generation by the suffix (`GENERATIONS`); 0: unknown."""

    @classmethod
    def of(cls, family: str, given: str, middle: str = "", prefix: str = "", suffix: str = "") -> PersonName:
        words = f"{family} {given} {middle}"
        pairs = zip(words_of(words), spelled_out(words), strict=True)
        spelled = frozenset((plain, long) for plain, long in pairs if plain != long)
        rest = "^".join(part.strip() for part in (given, middle, prefix, suffix)).strip("^ ")
        generation = next((GENERATIONS[word] for word in words_of(suffix) if word in GENERATIONS), 0)
        names = words_of(given) + words_of(middle)
        return cls(words_of(family), names, spelled, (family.strip(), rest), len(words_of(middle)), generation)

    @property
    def first_given(self) -> tuple[str, ...]:
        return self.given[: len(self.given) - self.middle]

    @property
    def middle_names(self) -> tuple[str, ...]:
        return self.given[len(self.given) - self.middle :]


@dataclass(frozen=True, slots=True)
class NameComparison:
    """The grades of both parts, and the words that were compared."""

    family: Grade
    given: Grade
    is_swapped: bool
    family_said: tuple[str, ...] = ()
    given_said: tuple[str, ...] = ()
    given_known: tuple[str, ...] = ()
    is_as_written: bool = False
    """Equal letter for letter, including accents and case."""
    lacks_a_main_part: bool = False
    """One side has only a part of a double family name, or the first given name is missing on one side."""
    is_whole: bool = False
    """One side does not divide the name, and both have the same words."""
    lacks_middle_name: bool = False
    """One side omits the middle name or has only its initial, so it was not compared."""
    is_other_generation: bool = False
    """The suffixes distinguish father and son."""


@lru_cache(maxsize=256)
def read_names(value: str) -> tuple[PersonName, ...]:
    """The ways to read a PN value: one per component group, and two more for a group that is not divided by ^."""
    return tuple(dict.fromkeys(name for group in value.split("=") for name in _readings(group)))


def _readings(group: str) -> Iterator[PersonName]:
    family, separator, rest = group.partition("^")
    given, middle, prefix, suffix = [*rest.split("^", 3), "", "", ""][:4]
    whole = PersonName.of(family, given, middle, prefix, suffix) if given or middle else PersonName.of(family, rest)
    words = whole.family
    if words or whole.given:
        yield whole
    if whole.given and (prefix or suffix):  # a title or a given name may be in the wrong component
        yield replace(PersonName.of(family, rest), written=("", ""), generation=whole.generation)
    if not separator and len(words) > 1:
        yield PersonName(words[:1], words[1:], whole.spelled)
        yield PersonName(words[-1:], words[:-1], whole.spelled)


def compare_names(said: PersonName, known: PersonName) -> NameComparison:
    """The better of two readings of the header: as written, or with family and given name swapped."""
    said = _as_known(said, known)
    words = (*said.family, *said.given)
    are_divided = said.family and said.given and known.family and known.given
    if not are_divided and _same_words(words, (*known.family, *known.given)):
        is_as_written = said.written == known.written
        return NameComparison(Grade.SAME, Grade.SILENT, False, words, is_as_written=is_as_written, is_whole=True)
    straight = _compare(said, known, is_swapped=False)
    if Grade.SILENT in (straight.family, straight.given) or _worth(straight) == 2 * _WORTH[Grade.SAME]:
        return straight
    exchanged = _compare(replace(said, family=said.given, given=said.family, middle=0), known, is_swapped=True)
    return exchanged if _worth(exchanged) > _worth(straight) + 2 else straight


def _compare(said: PersonName, known: PersonName, *, is_swapped: bool) -> NameComparison:
    theirs, ours = _given_names(said, known)
    family, given = grade_words(said.family, known.family), grade_words(theirs, ours)
    is_other_generation = 0 != said.generation != known.generation != 0
    return NameComparison(
        family,
        Grade.DIFFERENT if is_other_generation else given,
        is_swapped,
        said.family,
        theirs,
        ours,
        is_as_written=not is_swapped and said.written == known.written,
        lacks_a_main_part=family is Grade.PART or (given is Grade.PART and theirs[0] != ours[0]),
        lacks_middle_name=(theirs, ours) != (said.given, known.given),
        is_other_generation=is_other_generation,
    )


def _given_names(said: PersonName, known: PersonName) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The given names to compare: all, or without an uninformative middle name.

    That is one that the other side omits or abbreviates, where the rest fits better without it: Anna^Maria is Anna, but
    not Anna Luise.
    """
    whole, first = (said.given, known.given), (said.first_given, known.first_given)
    if not (said.middle or known.middle) or not all(first):
        return whole
    if said.middle and known.middle and not _is_initial(said.middle_names, known.middle_names):
        return whole
    without = grade_words(*first)
    return first if without is not Grade.PART and _WORTH[without] > _WORTH[grade_words(*whole)] else whole


def _is_initial(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one side has the initials of the other's words: Q is Quincy."""
    shorter, longer = sorted(("".join(one), "".join(other)), key=len)
    words = one if "".join(one) == longer else other
    return longer != shorter and "".join(word[0] for word in words).startswith(shorter)


def _as_known(said: PersonName, known: PersonName) -> PersonName:
    """The header's name in the EHR's spelling, where only that differs: Mueller is Müller, not Muller."""
    if not (said.spelled or known.spelled):
        return said
    theirs, ours = dict(said.spelled), dict(known.spelled)
    words = {ours.get(word, word): word for word in (*known.family, *known.given)}
    plain = set(words.values())
    family, given = (
        tuple(word if word in plain else words.get(theirs.get(word, word), word) for word in part)
        for part in (said.family, said.given)
    )
    return replace(said, family=family, given=given)


_WORTH = {
    Grade.SAME: 4,
    Grade.PART: 3,
    Grade.NEAR: 3,
    Grade.SOUND: 2,
    Grade.SIMILAR: 1,
    Grade.INITIAL: 1,
    Grade.SILENT: 0,
    Grade.DIFFERENT: -2,
}


def _worth(names: NameComparison) -> int:
    return _WORTH[names.family] + _WORTH[names.given]


def grade_words(said: tuple[str, ...], known: tuple[str, ...]) -> Grade:
    """How the words of one part of a name compare with ours."""
    if not said or not known:
        return Grade.SILENT
    if _same_words(said, known):
        return Grade.SAME
    ours, theirs = "".join(known), "".join(said)
    if min(len(ours), len(theirs)) == 1:
        return Grade.INITIAL if ours[0] == theirs[0] else Grade.DIFFERENT
    if set(said) < set(known) or set(known) < set(said):
        return Grade.PART
    if is_slip(theirs, ours):
        return Grade.NEAR
    if sound(theirs) == sound(ours) and len(sound(ours)) >= CLEAR:
        return Grade.SOUND
    if min(len(ours), len(theirs)) >= SHORT and JaroWinkler.similarity(theirs, ours) >= ALIKE:
        return Grade.SIMILAR
    return Grade.DIFFERENT


def _same_words(said: tuple[str, ...], known: tuple[str, ...]) -> bool:
    """Whether the words are the same, in any order, or joined."""
    return bool(said) and ("".join(said) == "".join(known) or set(said) == set(known))


def is_slip(one: str, other: str) -> bool:
    """Whether two words differ by a typing error: one letter, two in a long word, or two neighbours swapped."""
    shorter = min(len(one), len(other))
    allowed = 0 if shorter < SHORT else 1 if shorter < LONG else 2
    return allowed > 0 and DamerauLevenshtein.distance(one, other, score_cutoff=allowed) <= allowed


@lru_cache(maxsize=10_000)
def sound(word: str) -> str:
    """Roughly how a word sounds, in six letters: its consonants, with one letter for those that sound alike."""
    for written, heard in SOUNDS:
        word = word.replace(written, heard)
    if not word:
        return ""
    first = "a" if word[0] in "aeiou" else word[0]
    rest = re.sub(r"[aeiouh]", "", word[1:])
    return re.sub(r"(.)\1+", r"\1", first + rest)[:6]
