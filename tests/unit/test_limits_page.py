"""docs/limits.md says every limit of the API, and each as it is."""

from __future__ import annotations

import re
from datetime import timedelta

from ehr_bridge.api.app import openapi_document
from ehr_bridge.api.deletions import ReasonHeader
from ehr_bridge.api.fhir.app import LARGEST as LARGEST_RESOURCE
from ehr_bridge.api.messages.door import LARGEST
from ehr_bridge.api.uploads.options import HEADERS, MOST_ANNOUNCED, UploadOptions
from ehr_bridge.api.writing.repeats import KEY
from ehr_bridge.auth.authenticator import MOST_CHARACTERS
from ehr_bridge.fhir.bundles import MOST_ENTRIES
from ehr_bridge.fhir.searching import LARGEST_COUNT, LONGEST_VALUE, MOST_PARAMETERS, MOST_VALUES
from ehr_bridge.hl7.message import MOST_SEGMENTS
from ehr_bridge.request_id import USABLE
from ehr_bridge.services.accounts import given_answers, sign_in
from ehr_bridge.services.changes import feed
from ehr_bridge.services.interfaces.fhir.search import MOST_INCLUDED, SEARCH_SECONDS
from ehr_bridge.services.viewing import tokens
from ehr_bridge.settings import MEGABYTE, Settings
from ehr_bridge.shallow_json import DEEPEST
from plugin.serving.bodies import ANNOTATION_BODY, LIST_BODY, LISTS, SMALL_BODY
from tests.unit.doc_steps import code, rows
from tests.unit.limit_steps import Limit, header_names, lists, numbers, table, texts

PAGE = "limits.md"


def on_page(heading: str, cells: int) -> dict[Limit, set[str]]:
    """A table with the limits in its first cells and names in the last one."""
    return {tuple(row[:cells]): set(re.findall(r"`\w[^`]*`(?: \([^)]*\))?", row[cells])) for row in rows(PAGE, heading)}


def holds(heading: str, cells: int, stated: dict[Limit, set[str]]) -> None:
    """The table under that heading is the document's; if not, the failure prints the rows it should have."""
    assert on_page(heading, cells) == stated, "\n" + table(stated)


def test_every_text_is_in_the_table_with_its_limit() -> None:
    holds("Texts", 1, texts(openapi_document()))


def test_no_text_of_an_address_is_without_an_end() -> None:
    """Orthanc refuses requests whose lines are too long before we see them, in words that no route announces."""
    ends = ("maxLength", "enum", "const", "format")
    endless = {
        (path, parameter["name"])
        for path, methods in openapi_document()["paths"].items()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
        for kind in parameter["schema"].get("anyOf", [parameter["schema"]])
        if parameter["in"] != "header" and kind.get("type") == "string" and not any(end in kind for end in ends)
        if re.search(r"[*+]|^$", kind.get("pattern", ""))
    }
    assert endless == set()


def test_every_list_is_in_the_table_with_its_limit() -> None:
    holds("Lists in a body", 1, lists(openapi_document()))


def test_every_number_is_in_the_table_with_its_ends_and_what_it_is_when_left_out() -> None:
    holds("Numbers", 3, numbers(openapi_document()))


def longest(pattern: re.Pattern[str]) -> int:
    """How many letters a pattern takes."""
    return next(number for number in range(10_000) if pattern.fullmatch("a" * (number + 1)) is None)


def test_every_header_is_in_the_table() -> None:
    """Those the document names, and the two of every request."""
    options = UploadOptions.model_json_schema()["properties"]
    limits = {
        "Authorization": MOST_CHARACTERS,
        "X-Request-Id": longest(USABLE),
        "Idempotency-Key": longest(KEY),
        "X-Reason": ReasonHeader.model_json_schema()["properties"]["X-Reason"]["maxLength"],
    }
    for header, field in HEADERS.items():
        for part in options[field].get("anyOf", [options[field]]):
            if "maxLength" in part:
                limits[header] = part["maxLength"]
    said = {code(name): most for name, most, _ in rows(PAGE, "Headers")}
    assert set(said) == header_names(openapi_document()) | set(limits)
    assert {name: most for name, most in said.items() if most != "none"} == {n: f"{m:,}" for n, m in limits.items()}


def megabytes(number: int) -> str:
    return f"{number // MEGABYTE} MB"


def test_sizes_and_counts_are_those_of_the_code() -> None:
    """Settings with their defaults."""
    default = {str(field.alias): field.default for field in Settings.model_fields.values()}
    said = {code(what) or what: most for what, most in (row[:2] for row in rows(PAGE, "Bodies and files"))}
    lists_of = ", ".join(f"`POST {path}`" for path in sorted(LISTS))
    assert said == {
        "MAX_DICOM_FILE_SIZE_MB": f"{default['MAX_DICOM_FILE_SIZE_MB']} MB",
        "MAX_UPLOAD_SIZE_MB": f"{default['MAX_UPLOAD_SIZE_MB']} MB",
        "MAX_DICOM_FILES_PER_UPLOAD": str(default["MAX_DICOM_FILES_PER_UPLOAD"]),
        "upload_total": f"{MOST_ANNOUNCED:,}",
        code(lists_of): megabytes(LIST_BODY),
        "annotate": megabytes(ANNOTATION_BODY),
        "one HL7 v2 message": f"{LARGEST // 2**20} MiB",
        "segments of an HL7 v2 message": f"{MOST_SEGMENTS:,}",
        "any other body": megabytes(SMALL_BODY),
        "levels of arrays and objects in JSON": str(DEEPEST),
    }
    (lists_row,) = [row for row in rows(PAGE, "Bodies and files") if row[1] == megabytes(LIST_BODY)]
    assert set(re.findall(r"`POST ([^`]+)`", lists_row[0])) == set(LISTS)


def test_limits_of_fhir_are_those_of_the_code() -> None:
    """On its own port, beside the OpenAPI document."""
    most = [row[1] for row in rows(PAGE, "FHIR")]
    counts = (MOST_ENTRIES, LARGEST_COUNT, MOST_INCLUDED, MOST_PARAMETERS, MOST_VALUES, LONGEST_VALUE)
    assert most == [megabytes(LARGEST_RESOURCE), *(f"{number:,}" for number in counts), f"{SEARCH_SECONDS:.0f} seconds"]


def in_words(time: timedelta) -> str:
    for unit, one in (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1))):
        if time >= 2 * one or unit == "minutes":
            return f"{time // one} {unit}"
    raise AssertionError(time)


def test_times_are_those_of_the_code() -> None:
    said = [row[1] for row in rows(PAGE, "Times")]
    expected = [tokens.LINK_TTL, tokens.SESSION, tokens.FURTHEST_AHEAD, sign_in.SESSION]
    assert said == [in_words(time) for time in (*expected, given_answers.KEPT, feed.KEPT)]
