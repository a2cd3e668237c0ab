"""Finds persons by what people type: names in either order, a birth date, a number."""

from __future__ import annotations

import re
from datetime import date

from sqlalchemy import ColumnElement, and_, false, or_

from ehr_bridge.db.like import ESCAPE, escaped
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.matching.names import words_of
from ehr_bridge.services.registry.numbers import number_begins

SHORT = 3
_DAYS = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"),
    re.compile(r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"),
    re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})"),
)
"""ISO 8601, DICOM, and day.month.year. Days with slashes are read differently in different countries."""


def person_fits(text: str) -> ColumnElement[bool]:
    """Whether a patient has every word of the text: inside a name, whatever its case and accents, as the birth date, or
    in the MRN (`number_fits`); or the whole text is in an MRN, or begins one after its issuer (`ISSUER|MRN`)."""
    words = [_word_fits(word) for word in re.split(r"[\s,^]+", text) if word]
    return or_(
        and_(*words) if words else false(), number_fits(Patient.mrn.expression, text.strip()), *number_begins(text)
    )


def number_fits(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether a number has this text anywhere in it, whatever its case; of fewer than `SHORT` characters, only at its
    beginning: they are in too many."""
    anywhere = "%" if len(text) >= SHORT else ""
    return column.ilike(f"{anywhere}{escaped(text)}%", escape=ESCAPE)


def day_of(word: str) -> date | None:
    """The day that a word writes down, if it does."""
    for form in _DAYS:
        if (found := form.fullmatch(word)) is not None:
            try:
                return date(*(int(found[part]) for part in ("year", "month", "day")))
            except ValueError:
                return None
    return None


def _word_fits(word: str) -> ColumnElement[bool]:
    names = [Patient.searched_names.like(f"%{escaped(part)}%", escape=ESCAPE) for part in words_of(word)]
    fits = [and_(*names)] if names else []
    if (day := day_of(word)) is not None:
        fits.append(Patient.birth_date == day)
    return or_(number_fits(Patient.mrn.expression, word), *fits)
