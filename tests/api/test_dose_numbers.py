"""The dose on the dashboard: each number is the total of its list, and the comparison is with the site's own year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import insert, select

from ehr_bridge.db.rows import table_of
from ehr_bridge.db.tables.results.doses import StudyDose
from ehr_bridge.db.tables.studies import Study
from tests.api.conftest import Api
from tests.support.examined import Examined, fill

DOSE, STUDIES = "/api/v1/dashboard/dose", "/api/v1/dashboard/dose/studies"
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
THORAX, HEAD = "CT thorax", "CT head"


def furnish(api: Api) -> None:
    """Eight CT of the thorax of last spring with 100 to 800 mGy·cm; six of this week, of which two are higher than
    three quarters of all those; two that say nothing, one of them not read yet; three of the head; an X-ray, an MR."""
    spring, week = NOON - timedelta(days=200), NOON - timedelta(days=2)
    made = [Examined(n, spring, description=THORAX, patient=n % 2) for n in range(8)]
    made += [Examined(10 + n, week, description=THORAX, patient=n % 2) for n in range(8)]
    made += [Examined(20 + n, week, description=HEAD) for n in range(3)]
    made += [Examined(30, week, "DX", description=""), Examined(31, week, "MR", description="MR brain")]
    fill(api.services.database.engine, made)
    values: dict[int, dict[str, Any]] = {n: {"dlp": 100.0 * (n + 1), "ctdi_vol": n + 1.0} for n in range(8)}
    values |= {10 + n: {"dlp": dlp, "ctdi_vol": 1.0} for n, dlp in enumerate((50, 200, 300, 400, 750, 900))}
    values |= {20 + n: {"dlp": 1000.0} for n in range(3)} | {30: {"dap": 0.15}, 16: {}, 17: {}}
    with api.services.database.read() as session:
        keys = {int(uid.removeprefix("2.25.")) - 1: key for uid, key in session.execute(
            select(Study.study_instance_uid, Study.id))}  # fmt: skip
    rows = [
        {"study_id": keys[n], "is_due": n == 17, "read_at": NOON, "source": "report" if said else None,
         "ctdi_vol": None, "dlp": None, "dap": None, "agd": None, **said}
        for n, said in values.items()
    ]  # fmt: skip
    with api.services.database.engine.begin() as connection:
        connection.execute(insert(table_of(StudyDose)), rows)


def listed(api: Api, *roles: str, **query: Any) -> int:
    """The total of the list with these filters."""
    said = {name: value for name, value in query.items() if value is not None}
    answer = api.get(f"{STUDIES}?{urlencode({**said, 'limit': 1})}", *roles)
    assert answer.status_code == 200, answer.json
    return int(answer.json["total"])


def agreed(api: Api, *roles: str, days: int = 30) -> dict[str, Any]:
    """The doses, each number compared with its list."""
    api.services.results.doses.forget()
    answer = api.get(f"{DOSE}?days={days}", *roles)
    assert answer.status_code == 200, answer.json
    shown: dict[str, Any] = answer.json
    for one in shown["coverage"]:
        of = {"days": days, "modality": one["modality"]}
        assert listed(api, *roles, **of) == one["studies"]
        assert listed(api, *roles, **of, dose="stated") == one["stated"]
        assert listed(api, *roles, **of, dose="unstated") == one["studies"] - one["stated"]
    for one in shown["groups"]:
        of = {"days": days, "modality": one["modality"], "metric": one["metric"], "description": one["description"]}
        of |= {"undescribed": "true"} if one["description"] is None else {}
        assert listed(api, *roles, **of) == one["number"]
        assert listed(api, *roles, **of, dose="above") == (one["above"] or 0)
    return shown


def test_doses_are_compared_with_the_site_s_own_year(api: Api) -> None:
    """No reference level of others is assumed; of three heads nothing is said, nor of a modality without X-rays."""
    furnish(api)
    shown = agreed(api, "manager")
    coverage = {one["modality"]: (one["studies"], one["stated"], one["due"]) for one in shown["coverage"]}
    assert coverage == {"CT": (11, 9, 1), "DX": (1, 1, 0)}
    groups = {(one["metric"], one["description"]): one for one in shown["groups"]}
    thorax = groups["dlp", THORAX]
    assert (thorax["number"], thorax["median"], thorax["p75"]) == (6, 300.0, 750.0)
    assert (thorax["reference_number"], thorax["above"]) == (14, 2), "the year before today, this week in it"
    assert thorax["reference_p75"] == 700.0
    head = groups["dlp", HEAD]
    assert (head["number"], head["median"], head["reference_p75"], head["above"]) == (3, None, None, None)
    assert groups["dap", None]["number"] == 1
    assert set(agreed(api, "nurse", days=90)) == set(shown)


def test_the_highest_dose_stands_first(api: Api) -> None:
    """With where it is stated."""
    furnish(api)
    found = api.get(f"{STUDIES}?days=30&modality=CT&metric=dlp&dose=above&limit=5", "manager").json
    assert [one["dlp"] for one in found["items"]] == [900.0, 750.0]
    assert {one["source"] for one in found["items"]} == {"report"}
    assert listed(api, "manager", days=30, dose="above") == 2


def test_doses_of_restricted_patients_are_in_no_number(api: Api) -> None:
    """Nor do they move the percentile."""
    furnish(api)
    answer = api.call(
        "PUT", "/api/v1/access/restrictions/MRN-D1", "admin", json={"reason": "a colleague", "staff": ["admin"]}
    )
    assert answer.status_code in (200, 201), answer.json
    shown = agreed(api, "nurse")
    thorax = next(one for one in shown["groups"] if one["description"] == THORAX and one["metric"] == "dlp")
    assert (thorax["number"], thorax["median"], thorax["reference_number"]) == (3, None, 7)
    assert agreed(api, "admin")["coverage"][0]["studies"] == 11


@pytest.mark.parametrize("query", ["days=400", "modality=MR", "metric=msv", "dose=high", "sort=name", "q=x"])
def test_what_the_list_does_not_know_is_refused(api: Api, query: str) -> None:
    """With what it does know."""
    assert api.get(f"{STUDIES}?{query}", "manager").status_code == 422
