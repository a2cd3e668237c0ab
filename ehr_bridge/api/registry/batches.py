"""Many patients or orders at once, sent by the EHR.

Each item is accepted or refused by itself, in the order of the request, by the code that takes a single one. Some at a
time are written in one transaction, so that uploads and images from modalities wait for a moment only; whatever was
answered, and everything before it, is kept. Sending a batch again changes nothing more.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from flask import Response
from flask_openapi3 import Tag
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from ehr_bridge import wrong_values
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, origin, services
from ehr_bridge.api.http.schemas import FieldProblem, Input, Model, Number16, Number64, Text64
from ehr_bridge.api.registry.orders import OrderBody, told_order
from ehr_bridge.api.registry.patches import known_of_order, known_of_patient
from ehr_bridge.api.registry.patients import PatientBody
from ehr_bridge.api.registry.tellers import teller
from ehr_bridge.db.tables.registry import Patient
from ehr_bridge.errors import BridgeError
from ehr_bridge.services.registry.patients import Outcome, ToldPatient
from ehr_bridge.services.registry.told_orders import ToldOrder

MOST_ITEMS = 1_000
TOGETHER = 100
"""Items of one transaction: about a tenth of a second."""

_TEXT: TypeAdapter[str] = TypeAdapter(Text64, config=ConfigDict(defer_build=True))

blueprint = Blueprint("batches", "Patients", problems=(400, 415, 422))
ORDERS = Tag(name="Orders")


class PatientItem(PatientBody):
    """A patient, including the MRN."""

    mrn: Number64 = Field(description="Medical record number")


class OrderItem(OrderBody):
    """An order, including the accession number."""

    accession_number: Number16


class _Batch(Input):
    partial: bool = Field(
        False,
        description="Each item says only what it knows: what is left out stays, null erases (RFC 7396), as with "
        "`…/patch`. Otherwise each is the whole, and what is left out is erased",
    )
    dry_run: bool = Field(False, description="Everything is checked and answered as if it were kept; nothing is kept")


class PatientBatchBody(_Batch):
    """Each item is accepted or refused separately, so the items are validated one by one."""

    items: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=MOST_ITEMS,
        description="Each as the body of `PUT patients/{patient}`, and its `mrn`",
    )


class OrderBatchBody(_Batch):
    """Each item is accepted or refused separately, so the items are validated one by one."""

    items: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=MOST_ITEMS,
        description="Each as the body of `PUT orders/{order}`, and its `accession_number`",
    )


class ItemProblem(Model):
    code: str
    message: str
    errors: list[FieldProblem]


class _ItemAnswer(Model):
    status: Literal["created", "updated", "failed"] = Field(description="`updated` also where it was the same before")
    id: uuid.UUID | None = Field(description="null where it failed, and for what a dry run would create")
    error: ItemProblem | None


class PatientItemAnswer(_ItemAnswer):
    mrn: str | None
    pending_change_id: uuid.UUID | None = Field(None, description="As in the answer to `PUT patients/{patient}`")


class OrderItemAnswer(_ItemAnswer):
    accession_number: str | None


class _BatchAnswer(Model):
    created: int
    updated: int
    failed: int
    dry_run: bool = Field(description="Whether it was tried only, and nothing was kept")


class PatientBatchAnswer(_BatchAnswer):
    """In the order of the request; `updated` includes what was the same before."""

    items: list[PatientItemAnswer]


class OrderBatchAnswer(_BatchAnswer):
    """In the order of the request; `updated` includes what was the same before."""

    items: list[OrderItemAnswer]


@dataclass(frozen=True, slots=True)
class _Kind[Told, Row]:
    """How items of a kind are read and written."""

    number: str
    """The field that names an item."""
    known: Callable[[str, Mapping[str, Any]], dict[str, Any]]
    """What is known of the one with this number, for which this is sent."""
    told: Callable[[dict[str, Any], frozenset[str] | None], Told]
    """What the whole says, of which these fields were sent (None: all). Raises ValidationError or BridgeError."""
    upsert_all: Callable[[list[Told]], list[Outcome[Row]]]


@blueprint.post("/patients/batch", responses={200: PatientBatchAnswer})
def put_patient_batch(body: PatientBatchBody) -> Response:
    """Register or update up to 1,000 patients, with an outcome for each"""
    patients = services().patients
    kind = _Kind(
        "mrn",
        lambda number, sent: known_of_patient(patients, number, sent),
        _told_patient,
        lambda told: patients.upsert_all(told, origin()),
    )
    return answer(PatientBatchAnswer.model_validate(_answered(kind, body, body.items)))


@blueprint.post("/orders/batch", tags=[ORDERS], responses={200: OrderBatchAnswer})
def put_order_batch(body: OrderBatchBody) -> Response:
    """Place or update up to 1,000 orders, with an outcome for each"""
    kind = _Kind(
        "accession_number",
        lambda number, _sent: known_of_order(services().orders, number),
        _told_order,
        lambda told: services().orders.upsert_all(told, origin()),
    )
    return answer(OrderBatchAnswer.model_validate(_answered(kind, body, body.items)))


def _told_patient(item: dict[str, Any], said: frozenset[str] | None) -> ToldPatient:
    read = PatientItem.model_validate(item)
    return ToldPatient(read.mrn, read.data(), read.as_of, teller(read.reason, said))


def _told_order(item: dict[str, Any], said: frozenset[str] | None) -> ToldOrder:
    read = OrderItem.model_validate(item)
    return told_order(read.accession_number, read, services().patients, teller(read.reason, said))


def _answered[Told, Row](kind: _Kind[Told, Row], body: _Batch, items: list[dict[str, Any]]) -> dict[str, Any]:
    database = services().database
    answers: list[dict[str, Any]] = []
    if body.dry_run:
        with database.on_trial():
            for some in _portions(kind.number, items):
                answers += _take(kind, body, some)
    else:
        for some in _portions(kind.number, items):
            if answers:
                database.let_others_write()
            with database.together():
                answers += _take(kind, body, some)
    counts = {status: sum(one["status"] == status for one in answers) for status in ("created", "updated", "failed")}
    return {**counts, "dry_run": body.dry_run, "items": answers}


def _portions(number: str, items: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Items of one transaction: each number at most once, so that a later item sees what an earlier one did."""
    portion: list[dict[str, Any]] = []
    taken: set[str | None] = set()
    for item in items:
        name = _name(item, number)
        if len(portion) == TOGETHER or (name is not None and name in taken):
            yield portion
            portion, taken = [], set()
        portion.append(item)
        taken.add(name)
    yield portion


def _take[Told, Row](kind: _Kind[Told, Row], body: _Batch, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    read = [_read(kind, item, is_partial=body.partial) for item in items]
    good = [told for told, _ in read if told is not None]
    outcomes = iter(kind.upsert_all(good) if good else [])
    answers = []
    for item, (_, problem) in zip(items, read, strict=True):
        outcome = problem or next(outcomes)
        answers.append({kind.number: _name(item, kind.number), **_outcome(outcome, is_dry=body.dry_run)})
    return answers


def _read[Told](
    kind: _Kind[Told, Any], item: dict[str, Any], *, is_partial: bool
) -> tuple[Told, None] | tuple[None, ItemProblem]:
    try:
        name = _name(item, kind.number)
        is_asked = is_partial and name is not None and _is_text(name)
        known = kind.known(str(name), item) if is_asked else {}
        return kind.told(known | item, frozenset(item) if is_partial else None), None
    except ValidationError as error:
        problems = [FieldProblem(field=field, message=message) for field, message in wrong_values.told(error)]
        message = "Correct the fields named in 'errors'."
        return None, ItemProblem(code="invalid_request", message=message, errors=problems)
    except BridgeError as refusal:
        return None, _problem(refusal)


def _outcome(outcome: Outcome[Any] | ItemProblem, *, is_dry: bool) -> dict[str, Any]:
    if isinstance(outcome, BridgeError):
        outcome = _problem(outcome)
    if isinstance(outcome, ItemProblem):
        return {"status": "failed", "id": None, "error": outcome}
    row, is_new = outcome
    shown = {"status": "created" if is_new else "updated", "id": None if is_dry and is_new else row.id, "error": None}
    return shown | ({"pending_change_id": row.pending_change_id} if isinstance(row, Patient) else {})


def _problem(refusal: BridgeError) -> ItemProblem:
    errors = [FieldProblem(field=field, message=message) for field, message in refusal.errors]
    return ItemProblem(code=refusal.code, message=refusal.detail, errors=errors)


def _name(item: Mapping[str, Any], number: str) -> str | None:
    """The number as sent, without blanks around it and as UTF-8 can hold it; None where it is no text."""
    name = item.get(number)
    return name.strip().encode(errors="replace").decode() if isinstance(name, str) else None


def _is_text(name: str) -> bool:
    """Whether it can be a number, so that the database may be asked for it."""
    try:
        _TEXT.validate_python(name)
    except ValidationError:
        return False
    return True
