"""Health of the installation, for load balancers and administrators."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Literal, cast

from flask import Response, current_app, redirect
from flask_openapi3 import APIBlueprint, Tag

from ehr_bridge.api.context import DOCS_PREFIX, answer
from ehr_bridge.api.schemas import Model

LOGGER = logging.getLogger(__name__)
CHECKS = "ehr_bridge_checks"
State = Literal["ok", "degraded"]

type Check = Callable[[], bool]
"""Whether a part works; may raise, which is a no."""

blueprint = APIBlueprint("system", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="System")])


class HealthAnswer(Model):
    status: State
    checks: dict[str, State]


@blueprint.get("/health", responses={200: HealthAnswer})
def health() -> Response:
    """Is everything there? Answers 200 also when degraded, so that a viewer of images is not cut off"""
    checks = {name: _state(name, check) for name, check in _checks().items()}
    worst: State = "degraded" if "degraded" in checks.values() else "ok"
    return answer(HealthAnswer(status=worst, checks=checks))


@blueprint.get("/docs", responses={302: None})
def docs() -> Response:
    """A page to try the API"""
    return cast(Response, redirect(DOCS_PREFIX))


def _checks() -> Mapping[str, Check]:
    return cast(Mapping[str, Check], current_app.extensions[CHECKS])


def _state(name: str, check: Check) -> State:
    try:
        return "ok" if check() else "degraded"
    except Exception:
        LOGGER.warning("health check '%s' failed", name, exc_info=True)
        return "degraded"
