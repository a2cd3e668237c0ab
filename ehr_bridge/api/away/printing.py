"""Labels, and what people print of the pages: each is in the audit trail, with how many.

What a label says is read when it is printed, never from a page that may have been open for hours.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from flask import Response
from pydantic import Field, model_validator

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, origin, services
from ehr_bridge.api.http.persons import PersonAnswer
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, Model, Moment, PatientRef, Problem, Text64, Uid
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.errors import Conflict
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event
from ehr_bridge.services.identity.persons import person_of

blueprint = Blueprint("printing", "Printing")

LabelKind = Literal["patient", "order", "specimen"]
PrintedPage = Literal[
    "orders", "order", "patients", "patient", "studies", "study", "reading", "reports", "report", "reconciliation",
    "uploads", "deletions", "audit", "other",
]  # fmt: skip
MOST_LABELS = 200
MOST_COPIES = 50


class LabelsBody(Input):
    """Either a patient, for a wristband or a file, or orders."""

    kind: LabelKind = Field(description="`patient`: of the person; `order` and `specimen`: of an order, too")
    patient_id: Annotated[PatientRef | None, EmptyIsNone] = Field(
        None, description="Id or MRN; for labels of a patient without an order"
    )
    order_ids: Annotated[list[Text64], Field(min_length=1, max_length=MOST_LABELS)] | None = Field(
        None, description="Ids or accession numbers"
    )
    copies: int = Field(1, ge=1, le=MOST_COPIES, description="How many of each are printed")

    @model_validator(mode="after")
    def _one_of_both(self) -> LabelsBody:
        if (self.patient_id is None) == (self.order_ids is None):
            raise ValueError("name patient_id or order_ids")
        if self.patient_id is not None and self.kind != "patient":
            raise ValueError("a label of an order or a specimen needs order_ids")
        return self


class LabelledOrder(Model):
    id: uuid.UUID
    accession_number: str
    modality: str
    description: str
    scheduled_at: Moment | None
    body_part: str | None
    laterality: Literal["L", "R", "B"] | None
    priority: str | None


class LabelAnswer(PersonAnswer):
    """What stands on one label."""

    patient_id: uuid.UUID
    order: LabelledOrder | None = Field(description="Null: the label is of the patient alone")


class LabelList(Model):
    items: list[LabelAnswer]
    copies: int = Field(description="Of each; as many times as there are items are noted in the audit trail")


class PrintoutBody(Input):
    page: PrintedPage
    count: int = Field(ge=0, le=100_000, description="Rows that the page showed")
    patient_id: uuid.UUID | None = Field(None, description="Whose page it is; of an order or a study it is known here")
    order_id: uuid.UUID | None = Field(None, description="Of which order")
    study_instance_uid: Uid | None = Field(None, description="Study Instance UID of the study whose page it is")


@blueprint.post(
    "/labels", responses={200: LabelList, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem}
)
def print_labels(body: LabelsBody) -> Response:
    """What labels say, to be printed now; noted in the audit trail with their number. Needs `read` too"""
    caller().require(Permission.READ)
    if body.patient_id is not None:
        patients = services().patients
        rows: list[tuple[Patient, Order | None]] = [(patients.get(patients.certain(body.patient_id)), None)]
    else:
        orders = [services().orders.get(one) for one in dict.fromkeys(body.order_ids or ())]
        rows = [(order.patient, order) for order in orders]
    for patient, _ in rows:
        if patient.merged_into_id is not None:
            raise Conflict("patient_merged", "This record was merged into another; print the labels of that one.")
    detail = {"kind": body.kind, "count": body.copies}
    events = [
        Event("label.printed", patient_id=patient.id, order_id=order.id if order else None, detail=detail)
        for patient, order in rows
    ]
    with services().database.write() as session:
        audit.append_all(session, origin(), events, services().clock())
    return answer(LabelList(items=[_label(*row) for row in rows], copies=body.copies))


@blueprint.post(
    "/printouts", responses={204: None, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem}
)
def note_printout(body: PrintoutBody) -> Response:
    """Note in the audit trail that a page was printed, by whom and how many rows it showed"""
    event = Event(
        "page.printed",
        patient_id=_whose(body),
        order_id=body.order_id,
        study_instance_uid=body.study_instance_uid,
        detail={"page": body.page, "count": body.count},
    )
    with services().database.write() as session:
        audit.append(session, origin(), event, services().clock())
    return Response(status=204)


def _whose(body: PrintoutBody) -> uuid.UUID | None:
    """Whose page it is, as we know it. Raises NotFound where nothing is known by what it names, and Conflict where it
    names what belongs to several patients."""
    owners: list[uuid.UUID | None] = []
    if body.order_id is not None:
        owners.append(services().orders.get(str(body.order_id)).patient_id)
    if body.study_instance_uid is not None:
        owners.append(services().studies.get(body.study_instance_uid).study.patient_id)
    if body.patient_id is not None:
        owners.append(services().patients.get(str(body.patient_id)).id)
    if len(set(owners)) > 1:
        raise Conflict("order_of_another_patient", "These are not of one patient; name only the one whose page it is.")
    return owners[0] if owners else None


def _label(patient: Patient, order: Order | None) -> LabelAnswer:
    return LabelAnswer.model_validate(
        {
            **{name: getattr(person_of(patient, {}), name) for name in PersonAnswer.model_fields},
            "patient_id": patient.id,
            "order": None if order is None else LabelledOrder.model_validate(order),
        }
    )
