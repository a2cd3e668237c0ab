"""Orthanc's hook for storage commitment: who may ask, what each answer is called, what is on record."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from ehr_bridge.db.states import May
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.interfaces.commitment import Commitment
from ehr_bridge.services.interfaces.modalities import KnownModality
from plugin.dimse.commitment import REASONS, CommitmentScp


class Judge:
    def __init__(self) -> None:
        self.answers: dict[str, Commitment] = {}
        self.noted: list[tuple[str, str, dict[Commitment, int]]] = []
        self.is_away = False

    def judge(self, _archive: Any, _class_of: Any, _sop_class: str, sop: str, _title: str) -> Commitment:
        return self.answers[sop]

    def note(self, title: str, transaction: str, answers: Mapping[Commitment, int], _origin: Any) -> None:
        if self.is_away:
            raise Unavailable("database_unavailable", "away")
        self.noted.append((title, transaction, dict(answers)))


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def scp(judge: Judge) -> CommitmentScp:
    known = {"MR1": {May.COMMIT}, "CT1": {May.STORE}}

    def find(title: str) -> KnownModality | None:
        return KnownModality(title, "127.0.0.1", 104, frozenset(known[title]), None) if title in known else None

    names = {name: name for name in REASONS.values()}
    orthanc = SimpleNamespace(StorageCommitmentFailureReason=SimpleNamespace(**names))
    of: Any = judge
    modalities: Any = SimpleNamespace(known=find)
    archive: Any = SimpleNamespace(sop_class_of=None)
    return CommitmentScp(orthanc, of, modalities, archive)


def asked(scp: CommitmentScp, title: str, *sops: str) -> list[str]:
    request = scp.begin("job", "1.2.3", ["1.9"] * len(sops), sops, title, "ORTHANC")
    return [scp.look_up("1.9", sop, request) for sop in sops]


def test_each_answer_has_orthanc_s_name_and_the_request_is_on_record_once(scp: CommitmentScp, judge: Judge) -> None:
    judge.answers = {str(number): answer for number, answer in enumerate(Commitment)}
    assert asked(scp, "MR1", *judge.answers) == [REASONS[answer] for answer in Commitment]
    assert judge.noted == [("MR1", "1.2.3", dict.fromkeys(Commitment, 1))]


@pytest.mark.parametrize("title", ["CT1", "NOBODY"])
def test_who_may_not_ask_is_promised_nothing(scp: CommitmentScp, judge: Judge, title: str) -> None:
    judge.answers = {"1": Commitment.COMMITTED}
    assert asked(scp, title, "1") == ["PROCESSING_FAILURE"]


def test_a_mistake_of_ours_is_a_failure_and_never_a_promise(scp: CommitmentScp, judge: Judge) -> None:
    judge.answers, judge.is_away = {"2": Commitment.COMMITTED}, True
    assert asked(scp, "MR1", "1", "2") == ["PROCESSING_FAILURE", "SUCCESS"]
