"""Requests for storage commitment, on both databases, with a modality in memory: none that was taken is forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydicom.uid import MRImageStorage, generate_uid
from sqlalchemy import func, select

from ehr_bridge.db.tables.interfaces import CommitmentRequest
from ehr_bridge.services.interfaces import commitment_requests
from ehr_bridge.services.interfaces.commitment import Commitment, Commitments
from ehr_bridge.services.interfaces.commitment_requests import NO_ANSWER, CommitmentRequests, Results, TooManyWaiting
from ehr_bridge.services.interfaces.modalities import KnownModality
from tests.api.conftest import Api
from tests.support.samples import small


@dataclass
class Nodes:
    """Processes, one after the other or beside each other, and the modality that they report to."""

    api: Api
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    is_on: bool = True
    heard: list[tuple[str, list[Commitment]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def process(self) -> CommitmentRequests:
        services = self.api.services
        services.modalities.refresh()
        judge = Commitments(services.database, services.recorder.settle, lambda: self.now, 0)
        return CommitmentRequests(services.database, judge, services.modalities, lambda: self.now)

    def run(self, process: CommitmentRequests, node: str = "one") -> None:
        process.run(self.api.archive, lambda _instance: MRImageStorage, self, node)

    def answers(self, modality: KnownModality) -> bool:
        self.asked.append(modality.ae_title)
        return self.is_on or modality.ae_title != "MR1"

    def report(self, modality: KnownModality, transaction_uid: str, results: Results) -> str | None:
        self.asked.append(modality.ae_title)
        if not self.is_on and modality.ae_title == "MR1":
            return NO_ANSWER
        self.heard.append((transaction_uid, [answer for _, answer in results]))
        return None

    def waiting(self) -> int:
        with self.api.services.database.read() as session:
            return session.scalar(select(func.count()).select_from(CommitmentRequest)) or 0

    def audited(self) -> list[tuple[str, str, str | None, object]]:
        events = self.api.get("/api/v1/audit", "admin").json["items"][::-1]
        return [
            (one["action"], one["outcome"], one["detail"].get("code"), one["detail"].get("committed"))
            for one in events
            if one["action"].startswith("commitment.")
        ]


@pytest.fixture
def nodes(api: Api) -> Nodes:
    register(api, "commit")
    return Nodes(api)


def register(api: Api, *may: str, title: str = "MR1") -> None:
    body = {"host": "10.0.3.17", "port": 104, "may": list(may)}
    assert api.call("PUT", f"/api/v1/modalities/{title}", "admin", json=body).status_code in {200, 201}


def stored(api: Api) -> tuple[str, str]:
    sop = generate_uid()
    assert api.upload(small(SOPInstanceUID=sop)).status_code == 201
    return MRImageStorage, sop


def test_a_request_that_we_have_taken_is_answered_after_a_crash(nodes: Nodes) -> None:
    """The modality was told that we have it; so it hears the result, whoever was working on it."""
    here, missing = stored(nodes.api), (MRImageStorage, generate_uid())
    nodes.process().keep("MR1", "1.2.3", [here, missing], address="10.0.3.17")
    nodes.process().keep("MR1", "1.2.4", [here], node="one")  # Orthanc's job on this node, which dies
    after = nodes.process()
    nodes.run(after)
    nodes.run(after)
    assert nodes.heard == [
        ("1.2.3", [Commitment.COMMITTED, Commitment.NO_SUCH_INSTANCE]),
        ("1.2.4", [Commitment.COMMITTED]),
    ]
    assert nodes.waiting() == 0
    assert nodes.audited() == [
        ("commitment.answered", "partial", None, 1),
        ("commitment.answered", "success", None, 1),
    ]


def test_what_orthanc_is_working_on_is_left_to_it(nodes: Nodes) -> None:
    """Also by another node, while this one lives; and what Orthanc has reported is not reported again."""
    process = nodes.process()
    request = process.keep("MR1", "1.2.3", [stored(nodes.api)], node="one")
    for _ in range(3):
        nodes.now += timedelta(seconds=50)
        nodes.run(process)
        nodes.run(nodes.process(), "two")
    process.job_ended(request, was_taken=True)
    assert process.news == 1
    nodes.run(process)
    nodes.now += timedelta(hours=1)
    nodes.run(nodes.process(), "two")
    assert (nodes.heard, nodes.waiting(), process.news) == ([], 0, 0)


def test_another_node_goes_on_when_one_has_died(nodes: Nodes) -> None:
    nodes.process().keep("MR1", "1.2.3", [stored(nodes.api)], node="one")
    nodes.run(nodes.process(), "two")
    assert nodes.heard == []
    nodes.now += timedelta(seconds=61)
    nodes.run(nodes.process(), "two")
    assert len(nodes.heard) == 1


def test_a_modality_that_is_away_hears_it_later(nodes: Nodes) -> None:
    """Orthanc could not report it; nor could we, at first."""
    process = nodes.process()
    request = process.keep("MR1", "1.2.3", [stored(nodes.api)], node="one")
    process.job_ended(request, was_taken=False)
    nodes.is_on = False
    for minutes in (0, 1, 30, 60):
        nodes.now += timedelta(minutes=minutes)
        nodes.run(process)
    nodes.is_on = True
    nodes.run(process)
    assert nodes.heard == []  # not before the pause is over
    nodes.now += timedelta(minutes=31)
    nodes.run(process)
    assert (len(nodes.heard), nodes.waiting()) == (1, 0)


def test_one_that_is_away_is_waited_for_once_and_keeps_no_other_waiting(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor are files read for it again and again: it is asked first whether it is there."""
    register(nodes.api, "commit", title="MR2")
    process, image = nodes.process(), stored(nodes.api)
    for title, uid in (("MR1", "1.1"), ("MR1", "1.2"), ("MR1", "1.3"), ("MR2", "1.4")):
        process.keep(title, uid, [image])
        nodes.now += timedelta(milliseconds=1)
    judged: list[str] = []
    judge = Commitments.judge

    def counted(self: Commitments, archive: Any, of: Any, kind: str, sop: str, title: str, **how: Any) -> Commitment:
        judged.append(title)
        return judge(self, archive, of, kind, sop, title, **how)

    monkeypatch.setattr(Commitments, "judge", counted)
    nodes.is_on = False
    nodes.run(process)
    assert (nodes.asked, judged, [uid for uid, _ in nodes.heard]) == (["MR1", "MR2"], ["MR1", "MR2"], ["1.4"])
    nodes.now += timedelta(seconds=11)
    nodes.run(process)
    assert (nodes.asked, judged) == (["MR1", "MR2", "MR1"], ["MR1", "MR2"])
    nodes.is_on = True
    nodes.now += timedelta(seconds=21)
    nodes.run(process)
    assert [uid for uid, _ in nodes.heard] == ["1.4", "1.1", "1.2", "1.3"]


def test_after_a_day_it_is_given_up_and_on_record(nodes: Nodes) -> None:
    process = nodes.process()
    process.keep("MR1", "1.2.3", [stored(nodes.api)])
    nodes.is_on = False
    for _ in range(60):
        nodes.run(process)
        nodes.now += timedelta(minutes=31)
    assert (nodes.waiting(), nodes.audited()) == (0, [("commitment.given_up", "failure", "modality_away", None)])


def test_who_may_no_longer_ask_gets_no_promise(nodes: Nodes) -> None:
    nodes.process().keep("MR1", "1.2.3", [stored(nodes.api)])
    register(nodes.api, "store")
    nodes.run(nodes.process())
    assert (nodes.heard, nodes.waiting()) == ([], 0)
    assert nodes.audited() == [("commitment.given_up", "failure", "not_allowed", None)]


def test_a_mistake_of_ours_delays_a_result_and_holds_up_no_other(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    process = nodes.process()
    first, second = stored(nodes.api), stored(nodes.api)
    process.keep("MR1", "1.2.3", [first])
    process.keep("MR1", "1.2.4", [second])
    report = nodes.report

    def broken(modality: KnownModality, transaction_uid: str, results: Results) -> str | None:
        if transaction_uid == "1.2.3":
            raise RuntimeError("a mistake")
        return report(modality, transaction_uid, results)

    monkeypatch.setattr(nodes, "report", broken)
    nodes.run(process)
    assert [uid for uid, _ in nodes.heard] == ["1.2.4"]
    monkeypatch.setattr(nodes, "report", report)
    nodes.now += timedelta(minutes=1)
    nodes.run(process)
    assert [uid for uid, _ in nodes.heard] == ["1.2.4", "1.2.3"]


def test_one_modality_does_not_fill_the_table(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commitment_requests, "MOST_WAITING", 2)
    process = nodes.process()
    for _ in range(2):
        process.keep("MR1", "1.2.3", [(MRImageStorage, "1.2")])
    with pytest.raises(TooManyWaiting):
        process.keep("MR1", "1.2.3", [(MRImageStorage, "1.2")])
    process.keep("MR2", "1.2.3", [(MRImageStorage, "1.2")])
    assert nodes.waiting() == 3
