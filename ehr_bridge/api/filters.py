"""The words by which every list is narrowed and sorted: their names, their meaning, how they are read and refused.

A list takes those of them that make sense for it, and words of its own, such as a state. What a list does not know is
refused with the names that it does know. A former name means what its successor means, because it is read as that.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from ehr_bridge.api.http.context import services
from ehr_bridge.api.http.schemas import EmptyIsNone, GivenMoment, Input, Issuer, PatientRef, Text64, Uid
from ehr_bridge.db.paging import Sorts
from ehr_bridge.wrong_values import told, written

MEANINGS = {
    "patient": "A patient by id or MRN (`ISSUER|MRN`, or with `issuer`), with every record merged with it; 404 when "
    "there is none",
    "order": "An order by id or accession number; 404 when there is none",
    "study": "Study Instance UID (0020,000D); nothing is found where there is none",
    "accession_number": "Exactly this Accession Number (0008,0050), whether or not an order has it",
    "q": "As people type it: names in either order, parts of names, without accents; a birth date; a number",
    "limit": "How many at most",
    "offset": "How many to leave out at the beginning",
    "format": "`csv`: all rows as a table to keep, whatever `limit` and `offset` say; needs `download` as well, and "
    "leaves out every restricted patient",
}
"""Words with one meaning on every list; of `from`, `to` and `sort` each list says which time or order is meant."""
FORMER = "x-former-name-of"

ByPatient = Annotated[Annotated[PatientRef | None, EmptyIsNone], Field(description=MEANINGS["patient"])]
ByOrder = Annotated[Annotated[Text64 | None, EmptyIsNone], Field(description=MEANINGS["order"])]
ByStudy = Annotated[Annotated[Uid | None, EmptyIsNone], Field(description=MEANINGS["study"])]
ByAccession = Annotated[Annotated[Text64 | None, EmptyIsNone], Field(description=MEANINGS["accession_number"])]
Words = Annotated[
    Annotated[Annotated[str, Field(max_length=128)] | None, EmptyIsNone], Field(description=MEANINGS["q"])
]
At = Annotated[GivenMoment | None, EmptyIsNone]
Sort = Annotated[Annotated[str, Field(max_length=64)] | None, EmptyIsNone]
Former = Annotated[Annotated[str, Field(max_length=129)] | None, EmptyIsNone]
"""As long as the longest successor, a patient."""


def at_or_after(what: str, unit: str = "a moment with time zone") -> Any:
    """`from`: the beginning of a period, included."""
    return Field(None, alias="from", description=f"{what} from here on: {unit}, included")


def before(what: str, unit: str = "a moment with time zone, not included") -> Any:
    """`to`: the end of a period."""
    return Field(None, alias="to", description=f"{what} up to here: {unit}")


def sorted_by(sorts: Sorts) -> Any:
    """`sort`: one of the orders that the list has."""
    return Field(
        None,
        description=f"One of {', '.join(sorts.allowed)}; with - in front, the largest or latest first. "
        f"Left out: {sorts.default}",
    )


def formerly(of: str) -> Any:
    """A name that a word had before; it is read as that word, until the next minor version."""
    return Field(None, description=f"Former name of `{of}`", json_schema_extra={"deprecated": True, FORMER: of})


class PageQuery(Input):
    """What a list may be asked."""

    limit: int = Field(50, ge=1, le=500, description=MEANINGS["limit"])
    offset: int = Field(0, ge=0, le=2_147_483_647, description=MEANINGS["offset"])
    form: Literal["json", "csv"] = Field("json", alias="format", description=MEANINGS["format"])

    @model_validator(mode="wrap")
    @classmethod
    def _in_words_of_this_list(cls, given: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(given, dict):
            return read(given)
        former, names = cls.former_names(), cls.names()
        said = {name: value for name, value in given.items() if name not in former}
        allowed = f"this list has no such filter; allowed: {', '.join(names)}"
        faults = [_fault(name, allowed) for name in said if name not in names]
        sent: dict[str, str] = {}
        for old, new in former.items():
            value = given.get(old)
            if value is None or value == "":
                continue
            sent[new] = old
            if said.get(new) not in (None, "", value):
                faults.append(_fault(old, f"names another {new} than the rest of the query; send {new} alone"))
            said[new] = value
        if faults:
            raise ValidationError.from_exception_data(cls.__name__, faults)
        try:
            return read(said)
        except ValidationError as error:
            if not sent:
                raise
            faults = [_fault(sent.get(name, name), message) for name, message in told(error, whole="") if name]
            if not faults:
                raise
            raise ValidationError.from_exception_data(cls.__name__, faults) from None

    @classmethod
    def names(cls) -> list[str]:
        """What this list can be asked, without former names."""
        former = cls.former_names()
        names = (field.alias or name for name, field in cls.model_fields.items())
        return sorted(name for name in names if name not in former)

    @classmethod
    def former_names(cls) -> dict[str, str]:
        """Successors by former name."""
        extras = {f.alias or name: f.json_schema_extra for name, f in cls.model_fields.items()}
        return {name: str(e[FORMER]) for name, e in extras.items() if isinstance(e, dict) and FORMER in e}


def _fault(name: str, message: str) -> InitErrorDetails:
    error = PydanticCustomError("value_error", "{message}", {"message": message})
    return InitErrorDetails(type=error, loc=(name,), input=None)


def records_of(patient: str | None, issuer: str | None) -> frozenset[uuid.UUID] | None:
    """The ids of every record of the patient whom a query names; None where it names none.

    Raises:
        NotFound: there is no such patient.
        Conflict: several patients have the number.
        NotPermitted: the caller may not see this patient.
    """
    if patient is None:
        return None
    patients = services().patients
    return patients.records(patients.named(patient, issuer))


def id_of_order(order: str | None) -> uuid.UUID | None:
    """The id of the order that a query names; None where it names none. Raises NotFound, NotPermitted."""
    return None if order is None else services().orders.get(order).id


def some_of(words: Iterable[str], what: str) -> str:
    """The pattern of one of these words, or of several with commas between; `what` each of them is."""
    words = tuple(words)
    one = f"({'|'.join(words)})"
    return written(f"^{one}(,{one})*$", f"{what}, or several with commas between: {', '.join(words)}")


def each(listed: str | None) -> tuple[str, ...]:
    """What `some_of` lets through, one by one; none without a value."""
    return tuple(listed.split(",")) if listed else ()


class OfPatient(PageQuery):
    """A list that can be narrowed to one patient."""

    patient: ByPatient = None
    issuer: Issuer = None

    @property
    def records(self) -> frozenset[uuid.UUID] | None:
        return records_of(self.patient, self.issuer)


class OfOrder(OfPatient):
    """A list that can be narrowed to one patient or order."""

    order: ByOrder = None

    @property
    def named_order_id(self) -> uuid.UUID | None:
        return id_of_order(self.order)


class OfStudy(OfOrder):
    """A list that can be narrowed to one patient, order or study."""

    study: ByStudy = None
