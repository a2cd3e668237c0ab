"""Retention: a rule proposes, one person requests, another approves; nothing goes by itself."""

from __future__ import annotations

from datetime import date
from typing import Any

import click
import pytest
from click.testing import CliRunner

from ehr_bridge.services.deletion.years_kept import YearsKept, years_before
from ehr_bridge.settings import load_settings
from plugin.commands.retention import proposals, request, retention, rule_of, unknown
from tests.api.conftest import Api
from tests.api.deletion_steps import MAX, RITA, decide, requested
from tests.api.report_steps import begin
from tests.api.retention_steps import old
from tests.support.samples import small
from tests.support.server import SECRET

TODAY = date(2026, 11, 30)
TEN = YearsKept({"any": 10}, least_age=28)


class Caller:
    """The server of the command."""

    def __init__(self, api: Api, token: str = RITA) -> None:
        self.api = api
        self.token = token

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **content: Any) -> tuple[int, Any]:
        query = content.pop("params", None)
        answer = self.api.call(method, f"/api/v1/{path}", token=self.token, headers=headers or {}, query_string=query)
        return answer.status_code, answer.json if answer.data else {}


def proposed(api: Api, rules: YearsKept = TEN) -> set[str]:
    return {study["study_instance_uid"] for study, _ in proposals(Caller(api), rules, TODAY)}


def test_old_studies_are_proposed_and_stay_as_they_are(api: Api) -> None:
    """Ten years to the day; a younger study, and that of somebody who was a child, are not."""
    due = {old(api, 1), old(api, 2, "20161130")}
    old(api, 3, "20161201")
    old(api, 4, birth_date="1998-12-01")
    assert proposed(api) == due
    assert api.get("/api/v1/dicom/studies", "nurse").json["total"] == 4
    assert api.get("/api/v1/deletions", "manager").json["total"] == 0


def test_what_somebody_needs_is_not_proposed(api: Api) -> None:
    """On hold, with a draft, of a restricted patient, of no certain patient, requested already."""
    held, drafted, restricted, asked, due = (old(api, number) for number in range(5))
    path = f"/api/v1/dicom/studies/{held}/hold"
    assert api.call("POST", path, "admin", json={"reason": "court"}).status_code == 201
    begin(api, study_instance_uid=drafted)
    limits = {"reason": "a colleague", "staff": ["somebody"]}
    answer = api.call("PUT", "/api/v1/access/restrictions/MRN-2", "admin", json=limits)
    assert answer.status_code == 200, answer.json
    requested(api, asked)
    api.upload(small(StudyDate="20160101", PatientID="NOBODY"))
    assert proposed(api) == {due}
    assert restricted not in proposed(api)


def test_the_one_who_requests_is_no_judge_of_it(api: Api) -> None:
    """Two people as ever; the second one is asked on the Deletions page, and may say no."""
    uid, server = old(api, 1), Caller(api)
    ((study, rule),) = proposals(server, TEN, TODAY)
    (modality,) = study["modalities"]
    assert unknown(server, YearsKept({modality: 5, "XY": 5, "any": 5}, 28)) == ["XY"]
    assert request(server, study, f"retention ({rule} years)") == "requested"
    assert proposed(api) == set()
    (waiting,) = api.get("/api/v1/deletions", "manager").json["items"]
    assert (waiting["status"], waiting["reason"], waiting["requested_by"]) == (
        "pending",
        "retention (any=10 years)",
        "rita",
    )
    assert request(server, study, "again") == "deletion_requested"
    assert decide(api, waiting["id"], "reject", MAX).status_code == 200
    assert proposed(api) == {uid}


@pytest.mark.parametrize(
    ("modalities", "years", "rule"),
    [
        (["CT"], {"CT": 10}, "CT=10"),
        (["MR"], {"CT": 10}, None),
        (["CT", "SR"], {"CT": 10}, None),
        (["CT", "SR"], {"CT": 10, "any": 5}, "CT=10"),
        (["CT", "MG"], {"CT": 10, "MG": 20}, None),
        ([], {"any": 10}, "any=10"),
    ],
)
def test_of_several_modalities_the_longest_time_counts(
    modalities: list[str], years: dict[str, int], rule: str | None
) -> None:
    """Eleven years old; a modality without a rule keeps the study."""
    study = {
        "modalities": modalities,
        "study_date": "2015-11-30",
        "patient_birth_date": "1961-03-14",
        "link_status": "linked",
        "number_in_quarantine": 0,
        "created_at": "2025-11-29T23:59:59.000Z",
    }
    assert rule_of(YearsKept(years, 28), study, TODAY) == rule
    assert rule_of(YearsKept(years, 28), study | {"patient_birth_date": None}, TODAY) is None
    assert rule_of(YearsKept(years, 28), study | {"study_date": None}, TODAY) is None
    assert rule_of(YearsKept(years, 28), study | {"patient_birth_date": "2015-12-01"}, TODAY) is None
    assert rule_of(YearsKept(years, 0), study | {"patient_birth_date": "2015-12-01"}, TODAY) is None
    assert rule_of(YearsKept(years, 28), study | {"created_at": "2025-11-30T00:00:00.000Z"}, TODAY) is None


def test_a_rule_is_of_one_modality_however_it_is_written() -> None:
    """`ct=30` is CT's, not one of nobody with which `any=5` decides about CT; two rules of one modality are refused."""
    runner = CliRunner()
    settings = load_settings({})
    for rules in (("ct=30", "CT=5"), ("any=5", "ANY=30")):
        said = runner.invoke(retention, [part for rule in rules for part in ("--rule", rule)], obj=settings)
        assert said.exit_code == 2 and "there are two rules for" in said.output, said.output
    years = retention.params[0].process_value(click.Context(retention), ("ct=30", "Any=5"))
    assert years == {"CT": 30, "any": 5}


def test_the_one_who_types_the_command_is_named_and_cannot_approve(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The requests are those of the account that signs in, not of a user of the operating system only."""
    uid = old(api, 1)
    settings = load_settings({"EHR_BRIDGE_JWT_SECRET": SECRET})
    runner = CliRunner()
    arguments = ["--rule", "any=5", "--request", "retention 2026"]
    said = runner.invoke(retention, arguments, obj=settings)
    assert said.exit_code == 2 and "--as USER" in said.output
    monkeypatch.setattr("plugin.commands.retention.Remote", lambda _url, token: Caller(api, token()))
    said = runner.invoke(retention, [*arguments, "--as", "max"], obj=settings)
    assert said.exit_code == 0 and f"{uid},2016-01-01" in said.output, said.output
    (waiting,) = api.get("/api/v1/deletions", "manager").json["items"]
    assert waiting["requested_by"] == "max" and "command:" in waiting["reason"]
    refused = decide(api, waiting["id"], "approve", MAX)
    assert (refused.status_code, refused.json["code"]) == (403, "own_request")


def test_a_leap_day_has_a_day_in_every_year() -> None:
    """29 February."""
    assert years_before(date(2028, 2, 29), 10) == date(2018, 2, 28)
    assert years_before(date(2028, 2, 29), 4) == date(2024, 2, 29)
