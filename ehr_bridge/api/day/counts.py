"""How much waits, and whether anything has changed: asked again and again by every open page."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from flask import Response
from pydantic import Field, model_validator

from ehr_bridge.api.day import orders
from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, closed, services
from ehr_bridge.api.http.schemas import GivenMoment, Input, Problem, Versioned

blueprint = Blueprint("day", "Orders")
LISTED = orders.list_orders
"""Its route is one of the blueprint of orders."""

LONGEST = timedelta(days=2)
"""A day is 25 hours long where clocks are put back."""


class CountsQuery(Input):
    """The day, as days are where the caller is."""

    since: GivenMoment = Field(alias="from", description="The beginning of the day: a moment with time zone")
    until: GivenMoment = Field(alias="to", description="Its end, not included")

    @model_validator(mode="after")
    def _is_a_day(self) -> CountsQuery:
        if not timedelta(0) < self.until - self.since <= LONGEST:
            raise ValueError("name one day: from, and to after it by at most two days")
        return self


class CountsAnswer(Versioned):
    """Null: not for this caller."""

    orders: int = Field(
        description="Due on the day, scheduled or arrived: its appointments, those before it however long ago, "
        "emergencies, and orders without an appointment"
    )
    unread: int | None = Field(
        description="Studies of the reading list, with an order or without; for those who write reports"
    )
    reconciliation: int | None = Field(description="Studies without a certain link; for those who decide that")
    deletions: int | None = Field(description="Deletions that somebody else has asked for; for those who approve them")
    notices: int = Field(description="Notices that the caller has not seen")


class ChangeNumberAnswer(Versioned):
    change_number: str = Field(
        description="Another one as soon as anything was committed, by whichever node; nothing else is said by it. "
        "Two nodes never say the same"
    )


@blueprint.get("/day/counts", responses={200: CountsAnswer, 422: Problem})
def get_day_counts(query: CountsQuery) -> Response:
    """How much waits for the caller"""
    results, who = services().results, caller()
    found = results.counts.of(who, closed(), query.until)
    return answer(CountsAnswer(**asdict(found), notices=results.notices.unseen(who.subject, closed())))


@blueprint.get("/day/change", responses={200: ChangeNumberAnswer})
def get_day_change() -> Response:
    """Whether anything has changed: ask with `If-None-Match`, every two seconds at most"""
    return answer(ChangeNumberAnswer(change_number=services().database.change.value))
