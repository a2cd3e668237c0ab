"""The files for Prometheus and Grafana in docs/examples/prometheus, as tests read them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from ehr_bridge import meters
from ehr_bridge.api.metrics.names import GAUGES

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "examples" / "prometheus"
RULES, CONFIG = FOLDER / "ehr-bridge.rules.yml", FOLDER / "prometheus.yml"
DESCRIBED = meters.DESCRIBED | GAUGES
VARIABLES = {"$__rate_interval": "1m", "$job": "ehr-bridge", "$instance": ".*"}


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))
    return found


def queries() -> list[str]:
    """Those of the dashboard, with values for Grafana's variables."""
    found = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    for name, value in VARIABLES.items():
        found = [query.replace(name, value) for query in found]
    return found


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def names_in(query: str) -> set[str]:
    """Our metrics in a query; of a histogram, its own name."""
    return {
        re.sub(r"_(bucket|sum|count)$", "", name) if name not in DESCRIBED else name
        for name in re.findall(r"\behr_bridge_\w+", query)
    }
