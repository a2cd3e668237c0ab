"""The dashboard and the alert rules name what the server answers, and all of it; Prometheus's own tool reads them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.monitoring import CONFIG, DESCRIBED, RULES, dashboard, names_in, queries, rules

PROMTOOL = "promtool"


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    """A number that nobody sees need not be made; one that does not exist shows an empty panel."""
    shown = {name for query in queries() for name in names_in(query)}
    assert shown - set(DESCRIBED) == set()
    assert set(DESCRIBED) - shown == set()


def test_rules_ask_for_what_there_is_and_say_what_to_do() -> None:
    """Each alert has a name of its own, how urgent it is, what it means and what to do."""
    for rule in rules():
        assert names_in(rule["expr"]) <= set(DESCRIBED), rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description"}
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("command", [("check", "rules", str(RULES)), ("check", "config", "--syntax-only", str(CONFIG))])
def test_promtool_reads_rules_and_configuration(command: tuple[str, ...]) -> None:
    """Debian's, which belongs to the Prometheus that will read them."""
    done = subprocess.run([PROMTOOL, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_reads_each_query_of_the_dashboard(tmp_path: Path) -> None:
    """As rules, because it checks those."""
    made = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries())]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": made}]}))  # JSON is YAML
    done = subprocess.run([PROMTOOL, "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_lie_side_by_side() -> None:
    """None over another, none outside of Grafana's 24 columns, each with a title and an id of its own."""
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert panel["title"] and not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
