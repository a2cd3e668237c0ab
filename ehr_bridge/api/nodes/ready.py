"""Whether this node is ready, for load balancers; and which nodes there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, cast

from flask import Response, current_app
from pydantic import Field

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, services
from ehr_bridge.api.http.problems import problem
from ehr_bridge.api.http.schemas import Model, Moment, Problem
from ehr_bridge.api.uploads.routes import archive
from ehr_bridge.db.migrate import Fit
from ehr_bridge.services.nodes.readiness import WRONG, checks_of, look

AGAIN_SECONDS = 5
CHECKS = "ehr_bridge_checks"

blueprint = Blueprint("nodes", "System", is_public=True)


class ReadyAnswer(Model):
    status: Literal["ready"]
    database: Literal["current", "newer"] = Field(
        description="newer: a newer version has migrated it, and this one goes on serving until it is upgraded"
    )


class NodeAnswer(Model):
    name: str = Field(description="`EHR_BRIDGE_NODE`, or what its data directory was given", examples=["a"])
    version: str
    state: Literal["starting", "serving", "draining", "ended", "lost"] = Field(
        description="lost: not seen for three beats of its heart, and it has not said that it ended"
    )
    started_at: Moment
    last_seen_at: Moment
    clock_ahead_seconds: float = Field(
        description="Seconds by which its clock is ahead of the database's; negative: behind"
    )
    schema_known: str = Field(description="The newest schema of the database that this version knows")
    is_this: bool = Field(description="The node that answers")
    has_other_secret: bool = Field(
        description="It and the node that runs longest do not accept each other's tokens: their secrets differ"
    )
    has_other_folder: bool = Field(
        description="It does not share the folder of the images with the node that runs longest"
    )


@blueprint.get("/ready", responses={200: ReadyAnswer, 503: Problem})
def get_ready() -> Response:
    """Whether this node is to be sent new work: 503 says what is wrong. Asks for no token, and changes nothing"""
    own, parts = services(), cast(Mapping[str, Callable[[], bool]], current_app.extensions[CHECKS])
    wrong, schema = look(own.database, own.nodes, checks_of(parts, own.settings, archive()))
    if not wrong:
        return answer(ReadyAnswer(status="ready", database="newer" if schema is Fit.NEWER else "current"))
    said = "; ".join(WRONG[name] for name in wrong)
    response = problem("not_ready", f"Send new work to another node: {said}.", extra={"wrong": wrong})
    response.headers["Retry-After"] = str(AGAIN_SECONDS)
    return response
