"""A mapping: where a source writes what we want to know. Those of IHE RAD-4 come with the product, as TOML files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any

from ehr_bridge.hl7.message import Path

SHIPPED = {file.stem: file for file in sorted((File(__file__).parent / "profiles").glob("*.toml"))}
"""The mappings that come with the product, by name."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "patient": ("family_name", "given_name", "middle_name", "prefix", "suffix", "birth_date", "sex"),
    "order": (
        "accession_number",
        "placer_order_number",
        "requested_procedure_id",
        "scheduled_procedure_step_id",
        "scheduled_study_instance_uid",
        "modality",
        "description",
        "procedure_code",
        "scheduled_at",
        "priority",
        "ordered_by",
        "station_ae_title",
        "body_part",
        "laterality",
    ),
    "appointment": ("accession_number", "placer_order_number", "filler_order_number", "scheduled_at"),
}
"""What can be mapped, in each table of a mapping. Numbers of patients are read from PID-3 and MRG-1."""
TERMS = frozenset({"sex", "modality", "priority", "laterality", "body_part"})
"""Fields for which a site may write other words than ours."""

type Places = Mapping[str, tuple[Path, ...]]


class ProfileError(ValueError):
    """What is wrong with a mapping; names the table and field."""


@dataclass(frozen=True, slots=True)
class Profile:
    name: str
    patient: Places
    order: Places
    appointment: Places
    terms: Mapping[str, Mapping[str, str]]
    """By field and the source's word, in capitals: our word."""


_NOTHING = Profile("", {}, {}, {}, {})


def load_profile(name: str, folder: File = File()) -> Profile:
    """A mapping that comes with the product, or a file; a relative path is seen from `folder`.

    Raises ProfileError.
    """
    return _load(name, folder, ())


def _load(name: str, folder: File, inside: tuple[str, ...]) -> Profile:
    if name in inside:
        raise ProfileError(f"'{name}' extends itself")
    file = SHIPPED.get(name, folder / name)
    try:
        with file.open("rb") as opened:
            given = tomllib.load(opened)
    except OSError as error:
        shipped = ", ".join(SHIPPED)
        raise ProfileError(f"'{name}' is neither {shipped} nor a file that can be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"'{name}' is not TOML: {error}") from None
    extended = given.pop("extends", None)
    if extended is not None and not isinstance(extended, str):
        raise ProfileError(f"'{name}': extends: the name of one mapping")
    basis = _NOTHING if extended is None else _load(extended, file.parent, (*inside, name))
    return _made(name, basis, given)


def _made(name: str, basis: Profile, given: Mapping[str, Any]) -> Profile:
    if unknown := sorted(set(given) - {*FIELDS, "terms"}):
        raise ProfileError(f"'{name}' has an unknown table [{unknown[0]}]; there are {', '.join(FIELDS)} and terms")
    tables = {table: {**getattr(basis, table), **_places(name, table, given.get(table, {}))} for table in FIELDS}
    return replace(basis, name=name, terms=_terms(name, basis, given.get("terms", {})), **tables)


def _places(name: str, table: str, given: Any) -> Places:
    if not isinstance(given, dict):
        raise ProfileError(f"'{name}': [{table}] is a table of fields")
    found: dict[str, tuple[Path, ...]] = {}
    for field, written in given.items():
        if field not in FIELDS[table]:
            known = ", ".join(FIELDS[table])
            raise ProfileError(f"'{name}': [{table}] has an unknown field {field}; there are {known}")
        paths = [written] if isinstance(written, str) else written
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            raise ProfileError(f"'{name}': {table}.{field}: a list of places, as [\"OBR-18\"]")
        try:
            found[field] = tuple(map(Path.of, paths))
        except ValueError as error:
            raise ProfileError(f"'{name}': {table}.{field}: {error}") from None
    return found


def _terms(name: str, basis: Profile, given: Any) -> Mapping[str, Mapping[str, str]]:
    terms = {field: dict(words) for field, words in basis.terms.items()}
    if not isinstance(given, dict):
        raise ProfileError(f"'{name}': [terms] is a table of tables")
    for field, words in given.items():
        if field not in TERMS:
            known = ", ".join(sorted(TERMS))
            raise ProfileError(f"'{name}': [terms] has an unknown field {field}; there are {known}")
        if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
            raise ProfileError(f"'{name}': terms.{field}: their word = \"our word\"")
        terms.setdefault(field, {}).update({word.upper(): ours for word, ours in words.items()})
    return terms
