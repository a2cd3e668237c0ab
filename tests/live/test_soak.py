"""scripts/bench soak, for seconds instead of an hour: two nodes under every kind of load, and one of them is killed."""

from __future__ import annotations

from pathlib import Path

from tests.bench.soak.checks import Claim
from tests.bench.soak.main import soak, table
from tests.bench.soak.plan import PEOPLE, Plan
from tests.conftest import PostgresCluster

RATES = {"upload": 4.0, "C-STORE": 0.5, "view": 1.0, "report": 0.5, "deletion": 0.5}
PLAN = Plan(6, 3, down=0.5, quiet=0.5, restarts_postgresql=False, side=8, images=2, rates=PEOPLE | RATES)


def test_what_was_acknowledged_is_there_once_although_a_node_was_killed(
    postgres: PostgresCluster, postgres_template: str, tmp_path: Path
) -> None:
    """Images, links, orders, reports, deletions and events; both nodes vouch for the audit trail. How quick anything
    was is not asked."""
    soaked = soak(PLAN, tmp_path, postgres, postgres_template)
    wrong: list[Claim] = [one for one in soaked.after if one.holds is False]
    assert wrong == [], table(soaked)
    assert [one.holds for one in soaked.during if one.name == "everybody could go on to the end"] == [True], table(
        soaked
    )
    assert soaked.numbers["kills"] >= 1
    assert {"upload", "C-STORE", "HL7"} <= soaked.numbers["done"].keys()
