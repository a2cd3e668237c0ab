"""Views of the list of orders, saved by people, and what each has chosen for their own list."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import date
from typing import Annotated, Literal

from flask import Response
from pydantic import AfterValidator, Field, StringConstraints

from ehr_bridge.api.day.orders import REPORT_STATES, PersonName
from ehr_bridge.api.filters import some_of
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, origin, services
from ehr_bridge.api.http.schemas import (
    EmptyIsNone,
    Input,
    Model,
    Moment,
    Problem,
    Text16,
    Versioned,
    no_control_characters,
)
from ehr_bridge.api.registry.orders import Modality
from ehr_bridge.api.writing.conditions import honours
from ehr_bridge.api.writing.repeats import repeatable
from ehr_bridge.db.states import OrderStatus
from ehr_bridge.db.tables.accounts import DayChoice, SavedView
from ehr_bridge.errors import NotFound
from ehr_bridge.services.day.views import ViewContent
from ehr_bridge.services.registry.order_search import PRIORITIES, SORTS
from ehr_bridge.wrong_values import written

blueprint = Blueprint("order_views", "Orders", "/api/v1/day")
ViewName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, strip_whitespace=True),
    AfterValidator(no_control_characters),
]
type Column = Literal[
    "patient", "order", "accession_number", "modality", "station", "body_part", "scheduled", "ordered_by", "status",
    "assigned_to", "report", "priority", "images", "view",
]  # fmt: skip
type Day = Literal["due", "today", "tomorrow", "week", "all", "chosen"]
SORT = written(f"^-?({'|'.join(SORTS.keys)})$", f"one of {', '.join(SORTS.allowed)}")
Columns = Annotated[list[Column] | None, Field(max_length=20)]


class ViewFilters(Input):
    """As `GET /api/v1/orders` understands them; what is left out narrows nothing. What is searched for is no part of a
    view, for it is often a name."""

    status: Annotated[str | None, EmptyIsNone] = Field(
        None, max_length=255, pattern=some_of(OrderStatus, "a state"), description="One state, or several"
    )
    day: Day = Field("all", description="Seen from the day on which somebody looks; `due`: today and what is overdue")
    since: Annotated[date | None, EmptyIsNone] = Field(None, alias="from", description="With `chosen`: the first day")
    until: Annotated[date | None, EmptyIsNone] = Field(None, alias="to", description="With `chosen`: the last day")
    modality: Annotated[Modality | None, EmptyIsNone] = Field(None, description="Of any step")
    station_ae_title: Annotated[Text16 | None, EmptyIsNone] = Field(None, description="Of any step")
    body_part: Annotated[Text16 | None, EmptyIsNone] = Field(None, description="In any case")
    priority: Annotated[str | None, EmptyIsNone] = Field(
        None, max_length=64, pattern=some_of(PRIORITIES, "a priority"), description="One, or several"
    )
    report: Annotated[str | None, EmptyIsNone] = Field(
        None, max_length=128, pattern=some_of(REPORT_STATES, "a state of a report"), description="One, or several"
    )
    assigned_to: Annotated[PersonName | None, EmptyIsNone] = Field(
        None, description="A user name, `me` or `nobody`; `me` is whoever looks"
    )


class ViewBody(Input):
    name: ViewName
    filters: ViewFilters = Field(ViewFilters(), description="What narrows the list")
    sort: Annotated[str | None, EmptyIsNone] = Field(
        None, max_length=64, pattern=SORT, description="As in `GET /api/v1/orders`"
    )
    columns: Columns = Field(None, description="In order; null: those that everybody has")
    is_shared: bool = Field(False, description="Everybody is offered it; needs the permission `accounts`")


class ViewAnswer(Versioned):
    id: uuid.UUID
    name: str
    owner: str = Field(description="The user name of who saved it")
    owner_name: str
    is_mine: bool = Field(description="The caller has saved it")
    is_shared: bool = Field(description="Everybody is offered it")
    filters: dict[str, str] = Field(description="What narrows the list, by the names of the body")
    sort: str | None = Field(description="As in `GET /api/v1/orders`", examples=["urgency"])
    columns: list[str] | None = Field(description="In order; null: those that everybody has")
    updated_at: Moment


class ViewList(Model):
    items: list[ViewAnswer]


class ViewPath(Input):
    view_id: uuid.UUID


class ChoiceBody(Input):
    view_id: uuid.UUID | None = Field(None, description="The view with which the list opens; null: the plain list")
    columns: Columns = Field(None, description="Of the list without a view, in order; null: those that everybody has")


class ChoiceAnswer(Versioned):
    view_id: uuid.UUID | None = Field(description="The view with which the list opens; null: the plain list")
    columns: list[str] | None = Field(description="Of the list without a view; null: those that everybody has")


def _tags(path: ViewPath) -> list[str]:
    with suppress(NotFound):
        return [_shown(services().results.views.get(path.view_id, caller().subject)).etag()]
    return []


def _tags_of_changed(path: ViewPath, body: ViewBody) -> list[str]:
    return _tags(path)


def _tags_of_choice(body: ChoiceBody) -> list[str]:
    return [_chosen(services().results.views.choice(caller().subject)).etag()]


@blueprint.get("/views", responses={200: ViewList})
def list_order_views() -> Response:
    """Views of the list of orders: the caller's own and those that are shared, by name"""
    return answer(ViewList(items=[_shown(view) for view in services().results.views.all(caller().subject)]))


@blueprint.post("/views", responses={201: ViewAnswer, 400: Problem, 409: Problem, 415: Problem, 422: Problem})
@repeatable
def save_order_view(body: ViewBody) -> Response:
    """Save a view of the list of orders"""
    return answer(_shown(services().results.views.make(_content(body), caller(), origin())), 201)


@blueprint.get("/views/<view_id>", responses={200: ViewAnswer, 404: Problem, 422: Problem})
def get_order_view(path: ViewPath) -> Response:
    """One view of the list of orders"""
    return answer(_shown(services().results.views.get(path.view_id, caller().subject)))


@blueprint.put(
    "/views/<view_id>",
    responses={200: ViewAnswer, 400: Problem, 404: Problem, 409: Problem, 415: Problem, 422: Problem},
)
@honours(_tags_of_changed)
def change_order_view(path: ViewPath, body: ViewBody) -> Response:
    """Change a view of the list of orders"""
    return answer(_shown(services().results.views.change(path.view_id, _content(body), caller(), origin())))


@blueprint.delete("/views/<view_id>", responses={204: None, 404: Problem, 422: Problem})
@honours(_tags)
def delete_order_view(path: ViewPath) -> Response:
    """Remove a view of the list of orders; lists that began with it are plain again"""
    services().results.views.remove(path.view_id, caller(), origin())
    return Response(status=204)


@blueprint.get("/choices", responses={200: ChoiceAnswer})
def get_order_choices() -> Response:
    """What the caller has chosen for their list of orders"""
    return answer(_chosen(services().results.views.choice(caller().subject)))


@blueprint.put("/choices", responses={200: ChoiceAnswer, 400: Problem, 404: Problem, 415: Problem, 422: Problem})
@honours(_tags_of_choice)
def set_order_choices(body: ChoiceBody) -> Response:
    """Choose the view with which the list of orders opens, and the columns of the list without one"""
    return answer(_chosen(services().results.views.choose(body.view_id, body.columns, caller(), origin())))


def _content(body: ViewBody) -> ViewContent:
    filters = body.filters.model_dump(mode="json", by_alias=True, exclude_none=True)
    return ViewContent(body.name, filters, body.sort, body.columns, body.is_shared)


def _shown(view: SavedView) -> ViewAnswer:
    own = {name: getattr(view, name) for name in ViewAnswer.model_fields if name != "is_mine"}
    return ViewAnswer(**own, is_mine=view.owner == caller().subject)


def _chosen(choice: DayChoice) -> ChoiceAnswer:
    return ChoiceAnswer(view_id=choice.view_id, columns=choice.columns)
