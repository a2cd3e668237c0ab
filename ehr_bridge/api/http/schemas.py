"""Parts that many requests and answers share: dates, lists, problem details."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from ehr_bridge.dicom import LONGEST_UID, STORABLE_UID
from ehr_bridge.dicom.typed_names import COMMA
from ehr_bridge.dicom.values import wanted_value
from ehr_bridge.services.registry.numbers import keeps_its_spelling
from ehr_bridge.wrong_values import written

if TYPE_CHECKING:
    from ehr_bridge.db.paging import Page


class Model(BaseModel):
    """An answer of ours. Pydantic builds the model at its first use, under a lock, so that a start does not wait for
    it."""

    model_config = ConfigDict(from_attributes=True, defer_build=True)


class Versioned(Model):
    """An answer that shows one thing which can change; it carries an `ETag`."""

    def etag(self) -> str:
        """A strong entity tag (RFC 9110 section 8.8.3): a digest of all that is shown, so that it changes with it."""
        return etag_of(self.model_dump_json())


def etag_of(shown: str) -> str:
    return f'"{sha256(shown.encode()).hexdigest()[:32]}"'


def former_name(now: str) -> Any:
    """A field that is called otherwise since this version, and keeps its old name beside the new one for another."""
    return Field(description=f"Former name of `{now}`", json_schema_extra={"deprecated": True})


class Input(BaseModel):
    """A request; an unknown field is an error rather than silently ignored. Built at its first use, too."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, defer_build=True)

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The web framework asks for the schema at every request; it is made once, which takes up to milliseconds."""
        return super().model_json_schema(*args, **kwargs) if args or kwargs else _schema_of(cls)

    @model_validator(mode="before")
    @classmethod
    def _no_nul(cls, values: object) -> object:
        if isinstance(values, dict) and any(isinstance(v, str) and "\x00" in v for v in values.values()):
            raise ValueError("no character NUL (the database cannot hold it)")
        return values


@cache
def _schema_of(model: type[Input]) -> dict[str, Any]:
    return super(Input, model).model_json_schema()


def _iso_z(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _with_zone(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("give a time zone, for example 2026-01-31T09:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("no calendar has this moment in UTC") from None


Moment = Annotated[
    datetime,
    PlainSerializer(_iso_z, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-31T09:00:00.000Z"]}),
]
"""ISO 8601 in UTC with Z."""
LocalTime = Annotated[time, WithJsonSchema({"type": "string", "examples": ["08:15:00"]})]
"""A time of day without time zone: not a `time` of RFC 3339, so no JSON Schema format fits."""


def _written_moment(value: object) -> object:
    if not (isinstance(value, str) and re.match(r"\s*\d{4}-\d{2}-\d{2}[Tt ]\d", value)):
        raise ValueError("write date, time and time zone, for example 2026-01-31T09:00:00Z")
    return value


def _written_day(value: object) -> object:
    """ISO 8601, extended or basic (which is DICOM's form). Never a number of seconds."""
    if isinstance(value, str):
        value = value.strip()
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            return value
        if re.fullmatch(r"\d{8}", value):
            return f"{value[:4]}-{value[4:6]}-{value[6:]}"
        if re.fullmatch(r"\d{4}(-?\d{2})?", value):
            raise ValueError("the whole day, for example 1984-05-06; leave it out where the day is not known")
    raise ValueError("write a day as 1984-05-06")


def _until_today(day: date) -> date:
    if day > datetime.now(UTC).date() + timedelta(days=1):  # it may be tomorrow in the sender's time zone
        raise ValueError("nobody is born in the future")
    return day


GivenMoment = Annotated[datetime, BeforeValidator(_written_moment), AfterValidator(_with_zone)]
GivenDay = Annotated[date, BeforeValidator(_written_day)]
BirthDate = Annotated[GivenDay, AfterValidator(_until_today)]


def _clean(text: str) -> str:
    if "\\" in text or any(unicodedata.category(c) in {"Cc", "Cs"} for c in text):
        raise ValueError("no control characters and no backslash (they cannot stand in DICOM text)")
    return text


def no_control_characters(text: str) -> str:
    """Free text: any visible character."""
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in text):
        raise ValueError("no control characters")
    return text


ReasonText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True),
    AfterValidator(no_control_characters),
]


def fits(keyword: str) -> AfterValidator:
    """Checks that text may become the value of that attribute; whatever is accepted here, coercion must be able to
    write."""

    def check(text: str) -> str:
        wanted_value(keyword, text)
        return text

    return AfterValidator(check)


def _clean_affix(text: str) -> str:
    if "^" in text or "=" in text:
        raise ValueError("no ^ and no = (they separate the parts of a DICOM name)")
    return _clean(text)


def _clean_name(text: str) -> str:
    if COMMA.search(text):
        raise ValueError("no comma: each part of the name is a field of its own")
    return _clean_affix(text)


def _none_if_empty(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


Text16 = Annotated[str, StringConstraints(min_length=1, max_length=16, strip_whitespace=True), AfterValidator(_clean)]
"""Text that fits an SH element (PS3.5 section 6.2)."""
Text64 = Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True), AfterValidator(_clean)]
"""Text that fits an LO element."""


def _no_blank(text: object) -> object:
    if isinstance(text, str) and " " in text:
        raise ValueError(
            "a blank here may have been a plus sign, for the server reads both alike in an address: write a plus sign "
            "as %2B; what has a blank is named by its id, or in a body"
        )
    return text


def _spelled_safely(number: str) -> str:
    if not keeps_its_spelling(number):
        raise ValueError(
            "no slash at the beginning or end, no // and no part that is only dots, and no dot at the end: in an "
            "address the server takes them away, which leaves another number"
        )
    return number


KeepsItsSpelling = AfterValidator(_spelled_safely)
"""Numbers of which an address makes others are refused wherever they can be seen, so that none exists. One with a slash
inside is named in bodies and queries, and its patient or order by id in a path."""
Number16 = Annotated[Text16, KeepsItsSpelling]
"""An accession number to be recorded."""
Number64 = Annotated[Text64, KeepsItsSpelling]
"""An MRN to be recorded."""
PathText16 = Annotated[Number16, BeforeValidator(_no_blank)]
PathText64 = Annotated[Number64, BeforeValidator(_no_blank)]
"""A number in the path. Orthanc passes `+` and `%20` on as the same blank, which would turn one patient's number into
another's."""
NAME_LENGTH = 64
"""Characters of a PN component group, its separators included (PS3.5 section 6.2)."""
PatientRef = Annotated[
    str, StringConstraints(min_length=1, max_length=129, strip_whitespace=True), AfterValidator(_clean)
]
"""A patient by id, by MRN, or by issuer and MRN (`ISSUER|MRN`)."""
PathPatientRef = Annotated[PatientRef, KeepsItsSpelling, BeforeValidator(_no_blank)]
NamePart = Annotated[
    str, StringConstraints(min_length=1, max_length=31, strip_whitespace=True), AfterValidator(_clean_name)
]
"""Family or given names; both and their separator fit a PN component group (`NAME_LENGTH`)."""
MiddleName = Annotated[
    str, StringConstraints(min_length=1, max_length=NAME_LENGTH, strip_whitespace=True), AfterValidator(_clean_name)
]
NameAffix = Annotated[
    str, StringConstraints(min_length=1, max_length=NAME_LENGTH, strip_whitespace=True), AfterValidator(_clean_affix)
]
"""Prefix or suffix of a name, which may contain a comma: `MD, PhD`."""
EmptyIsNone = BeforeValidator(_none_if_empty)


def _term(terms: Mapping[str, str]) -> BeforeValidator:
    """Maps synonyms, in any case, to the terms of a Literal."""
    return BeforeValidator(lambda value: terms.get(value.strip().upper(), value) if isinstance(value, str) else value)


_PRIORITIES = {"S": "STAT", "A": "HIGH", "R": "ROUTINE", "ASAP": "HIGH", "URGENT": "HIGH", "T": "HIGH"}
_SIDES = {"LEFT": "L", "RIGHT": "R", "BOTH": "B", "BILATERAL": "B"}
Priority = Annotated[
    Literal["STAT", "HIGH", "ROUTINE", "MEDIUM", "LOW"],
    _term(_PRIORITIES | {term: term for term in ("STAT", "HIGH", "ROUTINE", "MEDIUM", "LOW")}),
]
"""Requested Procedure Priority (0040,1003); the words of HL7 (table 0485) and FHIR are understood."""
Side = Annotated[Literal["L", "R", "B"], _term(_SIDES | {term: term for term in "LRB"})]
"""Laterality (0020,0060), and B for both."""
Uid = Annotated[
    str,
    StringConstraints(
        pattern=written(f"^{STORABLE_UID}$", "a UID: numbers with dots between, such as 1.2.840.10008.1.2"),
        max_length=LONGEST_UID,
    ),
]

AsOf = Annotated[
    Annotated[GivenMoment | None, EmptyIsNone],
    Field(
        description="When the sender knew this, with time zone. What was told as of a later moment stays: 409 `stale`. "
        "Left out: it is taken"
    ),
]


class ListOf[Item](Model):
    """One page of a list."""

    items: list[Item]
    total: int
    limit: int
    offset: int

    @classmethod
    def of[View](cls, page: Page[View], shown: Callable[[View], Item]) -> Self:
        return cls(items=[shown(one) for one in page.items], total=page.total, limit=page.limit, offset=page.offset)


OrderIds = Annotated[list[uuid.UUID], Field(description="All orders that the study answers, `order_id` first")]
Issuer = Annotated[Annotated[Text64 | None, EmptyIsNone], Field(description="Assigning authority of the MRN")]


class IssuerQuery(Input):
    issuer: Issuer = None


class FieldProblem(Model):
    field: str
    message: str


class Problem(Model):
    """RFC 9457 problem details; `code` is stable, `detail` is for people."""

    type: str = Field(description="Address, on this server, of a page that says cause and cure; needs no token")
    title: str
    status: int = Field(description="The HTTP status")
    detail: str
    code: str
    request_id: str | None = Field(None, description="As in the header X-Request-Id; the log has it too")
    trace_id: str | None = Field(None, description="Of the header traceparent, where the caller sent one")
    errors: list[FieldProblem] | None = None

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The OpenAPI document names it a thousand times: half of making the document was making this one anew."""
        return _problem_schema(*args, **kwargs)


@cache
def _problem_schema(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return super(Problem, Problem).model_json_schema(*args, **kwargs)
