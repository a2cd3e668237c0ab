"""Finds persons by what people type: names in either order, a birth date, a number."""

from __future__ import annotations

import re
import uuid
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, false, func, literal_column, or_
from sqlalchemy.orm import Session

from ehr_bridge.db.like import ESCAPE, escaped, like_any_case
from ehr_bridge.db.paging import Key
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.matching.names import words_of
from ehr_bridge.services.registry.numbers import number_begins

SHORT = 3
MOST = 20_000
"""Ids that are handed back to the database as parameters; both take 32,766."""
_NO_NAME: ColumnElement[str] = literal_column("''")
"""As a word: the index of names is not found by a parameter."""
BY_NAME = tuple(
    Key(func.coalesce(part, _NO_NAME)) for part in (Patient.family_name, Patient.given_name, Patient.middle_name)
)
"""As `ix_patients_name` has them; those without one come first."""
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
    whole = [number_fits(Patient.mrn.expression, text.strip())] if len(words) != 1 else []
    return or_(and_(*words) if words else false(), *whole, *number_begins(text))


def number_fits(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether a number has this text anywhere in it, whatever its case; of fewer than `SHORT` characters, only at its
    beginning: they are in too many."""
    anywhere = "%" if len(text) >= SHORT else ""
    return like_any_case(column, f"{anywhere}{escaped(text)}%")


def among_found(session: Session, column: ColumnElement[uuid.UUID], *queries: Select[uuid.UUID]) -> ColumnElement[bool]:
    """Whether an id is among what these queries find. They read whole tables, so they are asked once, here, and not
    again for each page and count; unless they find more than `MOST`."""
    found: set[uuid.UUID] = set()
    for query in queries:
        found.update(session.scalars(query.limit(MOST + 1)))
        if len(found) > MOST:
            return or_(*(column.in_(each) for each in queries))
    return column.in_(found)


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
