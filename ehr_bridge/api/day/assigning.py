"""Who does an examination: orders are assigned, taken, taken over and given back."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from pydantic import AfterValidator, Field, StringConstraints

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, origin, services
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, Model, Problem, no_control_characters
from ehr_bridge.api.registry.orders import OrderAnswer, OrderPath, order_answer, tags_of_order
from ehr_bridge.api.writing.conditions import honours

blueprint = Blueprint("assigning", "Orders")
Subject = Annotated[
    str,
    StringConstraints(min_length=1, max_length=255, strip_whitespace=True),
    AfterValidator(no_control_characters),
]


class AssignmentBody(Input):
    """An empty object: the caller takes the examination."""

    assigned_to: Annotated[Subject | None, EmptyIsNone] = Field(
        None, description="Who does the examination, by user name; left out: the caller"
    )
    name: Annotated[Subject | None, EmptyIsNone] = Field(
        None, description="What this person is called, where no account here has the user name"
    )
    take_over: bool = Field(False, description="Also when it is another person's already")


class GiveBackQuery(Input):
    take_over: bool = Field(False, description="Also when it is another person's")


class AssigneeAnswer(Model):
    subject: str = Field(description="The user name, for `assigned_to`")
    name: str


class AssigneeList(Model):
    items: list[AssigneeAnswer]


def _tags(path: OrderPath) -> list[str]:
    return tags_of_order(path.order)


def _tags_of_given_back(path: OrderPath, query: GiveBackQuery) -> list[str]:
    return _tags(path)


def _tags_of_assigned(path: OrderPath, body: AssignmentBody) -> list[str]:
    return _tags(path)


@blueprint.get("/day/people", responses={200: AssigneeList})
def list_assignees() -> Response:
    """Those to whom orders can be assigned, by name"""
    return answer(
        AssigneeList(items=[AssigneeAnswer.model_validate(one) for one in services().results.assigning.people()])
    )


@blueprint.post(
    "/orders/<order>/assignment",
    responses={200: OrderAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
@honours(_tags_of_assigned)
def assign_order(path: OrderPath, body: AssignmentBody) -> Response:
    """Say who does the examination of an order; with an empty object, the caller does"""
    me = caller()
    subject = body.assigned_to or me.subject
    name = me.name[:255] if subject == me.subject else body.name
    order = services().results.assigning.assign(path.order, subject, name, origin(), take_over=body.take_over)
    return answer(order_answer(order))


@blueprint.delete("/orders/<order>/assignment", responses={200: OrderAnswer, 404: Problem, 409: Problem, 422: Problem})
@honours(_tags_of_given_back)
def give_order_back(path: OrderPath, query: GiveBackQuery) -> Response:
    """Give the examination of an order back: it is nobody's again"""
    order = services().results.assigning.give_back(path.order, caller().subject, origin(), take_over=query.take_over)
    return answer(order_answer(order))
