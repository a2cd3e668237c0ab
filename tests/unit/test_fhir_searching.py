"""Reading FHIR searches: repeated parameters, alternatives, modifiers, what is unknown; and the table they are from."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy.orm import Session

from ehr_bridge.errors import InvalidInput
from ehr_bridge.fhir.bundles import read_url
from ehr_bridge.fhir.capability import capability_statement, interactions
from ehr_bridge.fhir.searching import LARGEST_COUNT, Pairs, Search, literal, read_search, unescaped
from ehr_bridge.fhir.table import IMAGING_STUDY, PATIENT, RESOURCES, SERVICE_REQUEST, Resource
from ehr_bridge.services.interfaces.fhir.report_conditions import MEANINGS
from ehr_bridge.services.interfaces.fhir.search import _LISTS, SeriesCount, _add_instances, _is_by_name_alone


def strict(resource: Resource, *pairs: tuple[str, str]) -> Search:
    return read_search(resource, list(pairs), is_strict=True)


def test_repeated_parameters_are_several_criteria_and_commas_are_alternatives() -> None:
    """A period has two ends; both count."""
    found = strict(IMAGING_STUDY, ("started", "ge2026-01-01"), ("started", "le2026-02-01"), ("modality", "CT,MR"))
    assert [(one.parameter.name, one.values) for one in found.criteria] == [
        ("started", ("ge2026-01-01",)),
        ("started", ("le2026-02-01",)),
        ("modality", ("CT", "MR")),
    ]


def test_an_escaped_comma_is_part_of_a_value() -> None:
    """FHIR R4 section 3.1.1.4.5."""
    (criterion,) = strict(PATIENT, ("family", r"A\,B,C")).criteria
    assert [unescaped(value) for value in criterion.values] == ["A,B", "C"]
    assert unescaped(r"a\|b\\c\$") == r"a|b\c$"


@pytest.mark.parametrize("name", ["basedon", "basedOn", "based-on"])
def test_every_spelling_of_an_order_means_the_same(name: str) -> None:
    """R4 writes it in one word, IHE IMR does not."""
    (criterion,) = strict(IMAGING_STUDY, (f"{name}.identifier", "ACC-1")).criteria
    assert (criterion.parameter.name, criterion.chain) == ("basedon", "identifier")


def test_subject_is_patient_and_its_type_may_be_said() -> None:
    """`patient:Patient` says what is known anyway, and `:identifier` leads to the same number as the chain."""
    for name in ("subject", "patient:Patient", "subject:Patient"):
        (criterion,) = strict(SERVICE_REQUEST, (name, "7")).criteria
        assert (criterion.parameter.name, criterion.modifier, criterion.chain) == ("patient", None, None)
    (criterion,) = strict(SERVICE_REQUEST, ("patient:identifier", "S|7")).criteria
    assert criterion.chain == "identifier"


@pytest.mark.parametrize(
    ("pair", "word"),
    [
        (("colour", "red"), "identifier"),
        (("birthdate:exact", "2026"), "missing"),
        (("family:missing", "perhaps"), "true or false"),
        (("_sort", "gender"), "birthdate"),
        (("_include", "Patient:organization"), "include"),
        (("_count", "many"), "number"),
        (("_total", "guess"), "accurate"),
        (("_format", "xml"), "json"),
        (("family", "x" * 2000), "characters"),
        (("family", "\x00"), "NUL"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(pair: tuple[str, str], word: str) -> None:
    """The refusal names the parameter."""
    with pytest.raises(InvalidInput, match=word) as refusal:
        strict(PATIENT, pair)
    assert refusal.value.code == "search_refused"
    assert refusal.value.errors[0][0] == pair[0]


def test_left_out_where_the_client_prefers_it_and_then_said_so() -> None:
    """It is not in the self link either."""
    pairs: Pairs = [("colour", "red"), ("family", "Ek"), ("_sort", "gender")]
    found = read_search(PATIENT, pairs, is_strict=False)
    assert (found.ignored, found.used, found.sort) == (("colour", "_sort"), [("family", "Ek")], None)


def test_a_page_has_a_limit_and_none_is_a_count() -> None:
    """`_count=0` asks for the total only, as `_summary=count` does."""
    assert strict(PATIENT, ("_count", "100000")).count == LARGEST_COUNT
    assert strict(PATIENT, ("_count", "0")).is_count_only
    assert strict(PATIENT, ("_summary", "count")).is_count_only
    assert strict(PATIENT, ("family", "")).criteria == ()


def test_references_are_read_in_every_form() -> None:
    """Type and id, an address, a version, or the id alone."""
    for text in ("Patient/7", "https://pacs.example/fhir/Patient/7", "Patient/7/_history/2", "7"):
        assert literal(text, ("Patient",)) == ("Patient", "7")
    for text in ("Group/7", "Patient/", "Patient/7/8", "../7"):
        with pytest.raises(ValueError, match=r"write|only"):
            literal(text, ("Patient",))
    with pytest.raises(ValueError, match="write"):
        literal("7", ("Patient", "ServiceRequest"))


def test_addresses_in_a_bundle() -> None:
    """Relative to the base."""
    assert read_url("Patient") == ("Patient", None, [])
    assert read_url("/Patient/7") == ("Patient", "7", [])
    assert read_url("Patient?identifier=http%3A%2F%2Fx%7C7") == ("Patient", None, [("identifier", "http://x|7")])
    for url in ("", "Patient/7/_history/1", "?name=x"):
        with pytest.raises(ValueError, match="TYPE"):
            read_url(url)


def test_every_parameter_of_the_table_has_a_meaning_and_every_meaning_is_in_the_table() -> None:
    """Endpoints are in no table of the database."""
    for name, resource in RESOURCES.items():
        if name == "Endpoint":
            continue
        assert set(MEANINGS[name]) == {one.name for one in resource.parameters}
        assert set(resource.sorts) <= set(_LISTS[name].sorts.keys)


def test_includes_lead_to_parameters_that_exist() -> None:
    """As `_include` and `_revinclude` name them."""
    for resource in RESOURCES.values():
        assert set(resource.includes) <= {one.name for one in resource.parameters}
        for one in resource.reverse_includes:
            kind, _, parameter = one.partition(":")
            assert resource.name in RESOURCES[kind].by_name[parameter].targets


def test_the_capability_statement_says_what_the_table_says() -> None:
    """What is not in it is not served. Subscriptions are in no table of the database, and so not in this one."""
    statement = capability_statement("https://pacs.example/fhir", "1.0", "2026-11-29", has_cors=True)
    (rest,) = statement["rest"]
    said = {one["type"]: one for one in rest["resource"]}
    assert set(said) == {*RESOURCES, "Subscription"}
    for name, resource in RESOURCES.items():
        assert {code["code"] for code in said[name]["interaction"]} == set(interactions(resource))
        assert {parameter["name"] for parameter in said[name]["searchParam"]} == {p.name for p in resource.parameters}
    assert (statement["fhirVersion"], rest["security"]["cors"]) == ("4.0.1", True)


def test_a_series_that_comes_between_two_questions_is_told_the_next_time() -> None:
    """A study that is arriving: its series were read, and then one of another was recorded."""
    study, known = uuid.uuid4(), SeriesCount("1.2.1", "CT", 1)
    rows = [(study, "1.2.1", "1.2.1.1", "1.2.840"), (study, "1.2.2", "1.2.2.1", "1.2.840")]
    session = cast(Session, SimpleNamespace(execute=lambda *_: rows))
    _add_instances(session, {study: [known]}, [study])
    assert known.instances == [("1.2.1.1", "1.2.840")]


def test_a_page_of_all_patients_does_not_look_at_all_of_them() -> None:
    """Only a part of a name does; who reads everything for the first time asks for ten thousand pages."""
    assert not _is_by_name_alone(strict(PATIENT))
    assert not _is_by_name_alone(strict(PATIENT, ("_sort", "-_lastUpdated"), ("_count", "20")))
    assert not _is_by_name_alone(strict(PATIENT, ("family", "ada"), ("birthdate", "1970-01-01")))
    assert _is_by_name_alone(strict(PATIENT, ("family", "ada"), ("given", "eve")))
