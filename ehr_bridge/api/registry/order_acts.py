"""What happens to an order beside its data: it is cancelled, its patient arrives."""

from __future__ import annotations

from flask import Response, request

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, origin, services
from ehr_bridge.api.http.json_bodies import model_from_json
from ehr_bridge.api.http.schemas import Input, Problem
from ehr_bridge.api.registry.orders import OrderAnswer, OrderPath, order_answer, tags_of_order
from ehr_bridge.api.registry.tellers import Reason, teller
from ehr_bridge.api.writing.conditions import honours

blueprint = Blueprint("order_acts", "Orders")


class CancelBody(Input):
    reason: Reason = None


def _tags(path: OrderPath) -> list[str]:
    return tags_of_order(path.order)


def _cancel_body() -> CancelBody:
    data = request.get_data()
    return model_from_json(CancelBody, data, "The body") if data.strip() else CancelBody()


@blueprint.post(
    "/orders/<order>/cancel", responses={200: OrderAnswer, 400: Problem, 404: Problem, 409: Problem, 422: Problem}
)
@honours(_tags)
def cancel_order(path: OrderPath) -> Response:
    """Cancel an order; its images stay with the patient. The body may be JSON with a `reason`, or empty"""
    order = services().orders.cancel(path.order, origin(), teller(_cancel_body().reason))
    return answer(order_answer(order))


@blueprint.post("/orders/<order>/arrival", responses={200: OrderAnswer, 404: Problem, 409: Problem})
@honours(_tags)
def note_arrival(path: OrderPath) -> Response:
    """Note that the patient of an order has arrived"""
    return answer(order_answer(services().orders.arrive(path.order, origin())))


@blueprint.delete("/orders/<order>/arrival", responses={200: OrderAnswer, 404: Problem, 409: Problem})
@honours(_tags)
def withdraw_arrival(path: OrderPath) -> Response:
    """Note that the patient has not arrived after all"""
    return answer(order_answer(services().orders.withdraw_arrival(path.order, origin())))
