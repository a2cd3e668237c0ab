"""Retention by the command: it lists what the server proposes, one person requests, another approves."""

from __future__ import annotations

from datetime import date
from typing import Any

import click
import pytest
from click.testing import CliRunner

from ehr_bridge.auth.caller import Caller
from ehr_bridge.services.deletion.years_kept import YearsKept, years_before
from ehr_bridge.settings import load_settings
from plugin.commands import retention as command
from plugin.commands.retention import proposals, request, retention, unknown
from tests.api.conftest import Api
from tests.api.deletion_steps import MAX, RITA, decide
from tests.api.retention_steps import old
from tests.support.server import SECRET

TEN = YearsKept({"any": 10}, least_age=28)


class Server:
    """The server of the command."""

    def __init__(self, api: Api, token: str = RITA) -> None:
        self.api = api
        self.token = token

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **content: Any) -> tuple[int, Any]:
        query = content.pop("params", None)
        content |= {"headers": headers or {}, "query_string": query}
        answer = self.api.call(method, f"/api/v1/{path}", token=self.token, **content)
        return answer.status_code, answer.json if answer.data else {}


def listed(api: Api, rules: YearsKept = TEN) -> list[str]:
    return [one["study_instance_uid"] for page in proposals(Server(api), rules) for one in page["studies"]]


def test_every_page_is_listed_with_its_rule_while_studies_go(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once, the oldest first, also when those before have been requested meanwhile; a child's stays."""
    due = [old(api, number, f"201{number}0101") for number in range(1, 5)]
    old(api, 6, birth_date="2005-01-01")
    monkeypatch.setattr(command, "PAGE", 2)
    assert listed(api) == due
    seen = []
    for page in proposals(Server(api), TEN):
        seen += [(one["study_instance_uid"], one["rule"]) for one in page["studies"]]
        assert set(request(Server(api), TEN, page, "retention 2026").values()) == {"requested"}
    assert seen == [(uid, "any=10") for uid in due]
    assert listed(api) == []


def test_the_one_who_requests_is_no_judge_of_it(api: Api) -> None:
    """Two people as ever; the second one is asked on the Deletions page, and may say no. What is not proposed any more
    is left out and named."""
    uid, server = old(api, 1), Server(api)
    (page,) = proposals(server, TEN)
    (modality,) = page["studies"][0]["modalities"]
    assert unknown(server, YearsKept({modality: 5, "XY": 5, "any": 5}, 28)) == ["XY"]
    assert request(server, TEN, page, "retention 2026") == {uid: "requested"}
    assert listed(api) == []
    (waiting,) = api.get("/api/v1/deletions", "manager").json["items"]
    assert (waiting["status"], waiting["requested_by"]) == ("pending", "rita")
    assert waiting["reason"] == "retention 2026 (any=10 years)"
    assert request(server, TEN, page, "again") == {uid: "not_proposed"}
    assert decide(api, waiting["id"], "reject", MAX).status_code == 200
    assert listed(api) == [uid]


def test_a_cursor_is_of_these_rules(api: Api) -> None:
    """With other rules the list is another one."""
    for number in (1, 2):
        old(api, number)
    query = {"rules": "any=10", "limit": "1"}
    server = Server(api)
    _, first = server.ask("GET", "retention/proposals", params=query)
    assert first["number_of_studies"] == 2 and first["next"]
    _, second = server.ask("GET", "retention/proposals", params=query | {"cursor": first["next"]})
    assert (second["number_of_studies"], second["is_all"], second["counts"], second["next"]) == (None, None, [], None)
    assert second["studies"][0]["study_instance_uid"] != first["studies"][0]["study_instance_uid"]
    for changed in ({"rules": "any=9"}, {"cursor": "AAAA"}):
        status, answer = server.ask("GET", "retention/proposals", params=query | {"cursor": first["next"]} | changed)
        assert (status, answer["code"]) == (422, "invalid_cursor")


@pytest.mark.parametrize(
    ("modalities", "years", "rule"),
    [
        (["CT"], {"CT": 10}, "CT=10"),
        (["MR"], {"CT": 10}, None),
        (["CT", "SR"], {"CT": 10}, None),
        (["CT", "SR"], {"CT": 10, "any": 5}, "CT=10"),
        (["CT", "MG"], {"CT": 10, "MG": 20}, "MG=20"),
        ([], {"any": 10}, "any=10"),
    ],
)
def test_of_several_modalities_the_longest_time_counts(
    modalities: list[str], years: dict[str, int], rule: str | None
) -> None:
    """A modality without a rule keeps the study."""
    assert YearsKept(years, 28).rule_of(modalities) == rule


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
    monkeypatch.setattr("plugin.commands.retention.Remote", lambda _url, token: Server(api, token()))
    said = runner.invoke(retention, [*arguments[:3], "x" * 200, "--as", "max"], obj=settings)
    assert said.exit_code == 1 and "invalid_request" in said.output, said.output
    said = runner.invoke(retention, [*arguments, "--as", "max"], obj=settings)
    assert said.exit_code == 0 and f"{uid},2016-01-01,MR,1,any=5,requested" in said.output, said.output
    (waiting,) = api.get("/api/v1/deletions", "manager").json["items"]
    assert waiting["requested_by"] == "max" and "command:" in waiting["reason"]
    refused = decide(api, waiting["id"], "approve", MAX)
    assert (refused.status_code, refused.json["code"]) == (403, "own_request")


def test_what_somebody_has_just_opened_is_not_requested_by_the_command(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A radiologist has the prior on the screen; the list was looked at in an earlier run."""
    opened, plain = old(api, 1), old(api, 2)
    api.services.viewings.note(Caller("dora", "Dora", (), frozenset()), opened, "a", "10.0.0.1")
    api.services.viewings.flush()
    monkeypatch.setattr("plugin.commands.retention.Remote", lambda _url, token: Server(api, token()))
    arguments = ["--rule", "any=5", "--request", "retention 2026", "--as", "max"]
    said = CliRunner().invoke(retention, arguments, obj=load_settings({"EHR_BRIDGE_JWT_SECRET": SECRET}))
    outcomes = {line.split(",")[0]: line.split(",")[-1] for line in said.output.splitlines()}
    assert (said.exit_code, outcomes[opened], outcomes[plain]) == (3, "study_read", "requested"), said.output


def test_a_leap_day_has_a_day_in_every_year() -> None:
    """29 February."""
    assert years_before(date(2028, 2, 29), 10) == date(2018, 2, 28)
    assert years_before(date(2028, 2, 29), 4) == date(2024, 2, 29)
