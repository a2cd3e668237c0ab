"""`GET /api/v1/metrics`: the text form of Prometheus (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from flask import Response, current_app
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.metrics.gauges import Gauges
from ehr_bridge.meters import REGISTRY

GAUGES = "ehr_bridge_gauges"
SHOWN: dict[str, Any] = {
    "description": "One number per line, with its labels",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}

blueprint = Blueprint("metrics", "System")


@blueprint.get("/metrics", responses={200: SHOWN})
def get_metrics() -> Response:
    """Numbers for Prometheus, in its text form. The permission `metrics`, or an address of EHR_BRIDGE_METRICS_FROM"""
    gauges = cast(Gauges, current_app.extensions[GAUGES])
    return Response(generate_latest(_Both(gauges)), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Both(Collector):
    """What is counted, and what is looked at."""

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        yield from REGISTRY.collect()
        yield from self._gauges.collect()
