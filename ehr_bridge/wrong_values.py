"""What is wrong with a value of a request or a setting, in words: never a regular expression, a type of Python, or
the value itself.

A pattern has its words beside it (`written`); they stand in the OpenAPI document too.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

DAY, MOMENT = "a day as 2026-11-29", "date, time and time zone as 2026-11-29T09:00:00Z"
NUMBER, WHOLE, OBJECT, TEXT, UUID = (
    "a number",
    "a whole number",
    "a JSON object",
    "text",
    "an id as an answer gave it, such as 0f3662fb-f076-4743-b58a-6b30f1adf20c",
)
HEX_SHA256 = "a SHA-256 in hexadecimal, 64 digits 0 to 9 and a to f"
TIME = "a time of day as 09:30:00"

SENTENCES: dict[str, str] = {
    "missing": "it is required",
    "extra_forbidden": "it is not known here; leave it out",
    "none_required": "write null",
    "json_type": "write JSON as text",
    "json_invalid": "write JSON",
    "recursion_loop": "it contains itself",
    "model_type": f"write {OBJECT}",
    "model_attributes_type": f"write {OBJECT}",
    "dict_type": f"write {OBJECT}",
    "invalid_key": "names in a JSON object are text",
    "list_type": "write a list",
    "set_type": "write a list",
    "frozen_set_type": "write a list",
    "tuple_type": "write a list",
    "string_type": f"write {TEXT}",
    "string_unicode": "write text in UTF-8",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "int_type": f"write {WHOLE}",
    "int_parsing": f"write {WHOLE}",
    "int_parsing_size": "write a smaller number",
    "int_from_float": f"write {WHOLE}",
    "float_type": f"write {NUMBER}",
    "float_parsing": f"write {NUMBER}",
    "finite_number": f"write {NUMBER}, not infinity",
    "greater_than": "write a number above {gt}",
    "greater_than_equal": "write {ge} or more",
    "less_than": "write a number below {lt}",
    "less_than_equal": "write {le} or less",
    "multiple_of": "write a multiple of {multiple_of}",
    "literal_error": "write {expected}",
    "enum": "write {expected}",
    "date_type": f"write {DAY}",
    "date_parsing": f"write {DAY}",
    "date_from_datetime_parsing": f"write {DAY}",
    "date_from_datetime_inexact": f"write {DAY}",
    "time_type": f"write {TIME}",
    "time_parsing": f"write {TIME}",
    "datetime_type": f"write {MOMENT}",
    "datetime_parsing": f"write {MOMENT}",
    "datetime_object_invalid": f"write {MOMENT}",
    "datetime_from_date_parsing": f"write {MOMENT}",
    "timezone_naive": f"write {MOMENT}",
    "timezone_aware": f"write {MOMENT}",
    "uuid_type": f"write {UUID}",
    "uuid_parsing": f"write {UUID}",
    "uuid_version": f"write {UUID}",
}
"""By pydantic's type of error; lengths, patterns and our own validators have a rule each, in `_told`."""
FALLBACK = "it is not of the form that the documentation tells"

_WORDS: dict[str, str] = {}


def written(pattern: str, words: str) -> str:
    """A pattern, whose failure and whose description are these words: what to write, with an example."""
    _WORDS[pattern] = words
    return pattern


def words_of(pattern: str) -> str | None:
    """What `written` said of a pattern."""
    return _WORDS.get(pattern)


def told(error: ValidationError, whole: str = "body") -> list[tuple[str, str]]:
    """Field and message of each fault; `whole` where it is of no single field. Values are never repeated."""
    return [
        (".".join(map(str, one["loc"])) or whole, _told(one["type"], one["msg"], one.get("ctx", {})))
        for one in error.errors(include_input=False, include_url=False)
    ]


def _told(kind: str, message: str, context: dict[str, Any]) -> str:
    if kind == "value_error":  # one of our validators, which speak for themselves
        return message.removeprefix("Value error, ")
    if kind == "string_pattern_mismatch":
        words = words_of(context["pattern"])
        return f"write {words}" if words else FALLBACK
    if kind in ("string_too_short", "string_too_long", "too_short", "too_long"):
        return _told_length(kind, context)
    return SENTENCES.get(kind, FALLBACK).format_map(context)


def _told_length(kind: str, context: dict[str, Any]) -> str:
    one, many = ("character", "characters") if kind.startswith("string") else ("entry", "entries")
    least = context.get("min_length")
    if least == 1:
        return "it is empty"
    number = least if kind.endswith("short") else context["max_length"]
    return f"write at {'least' if kind.endswith('short') else 'most'} {number} {one if number == 1 else many}"
