"""Orthanc's hook for storage commitment: who may ask, what each answer is called, what is on record."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from pynetdicom import AE, evt

from ehr_bridge.db.states import May
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.interfaces.commitment import Commitment
from ehr_bridge.services.interfaces.modalities import KnownModality
from plugin.dimse.commitment import REASONS, CommitmentScp
from plugin.dimse.commitment_reports import COMMITMENT, CommitmentReporter, report_of
from tests.support import ports
from tests.support.scu import VERIFICATION


class Judge:
    def __init__(self) -> None:
        self.answers: dict[str, Commitment] = {}
        self.noted: list[tuple[str, str, dict[Commitment, int]]] = []
        self.is_away = False
        self.kept: dict[uuid.UUID, tuple[Any, ...]] = {}
        self.ended: list[tuple[uuid.UUID, bool]] = []

    def keep(self, *given: Any, node: str) -> uuid.UUID:
        if self.is_away:
            raise Unavailable("database_unavailable", "away")
        request = uuid.uuid4()
        self.kept[request] = (*given, node)
        return request

    def job_ended(self, request: uuid.UUID, *, was_taken: bool) -> None:
        self.ended.append((request, was_taken))

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
    return CommitmentScp(orthanc, of, of, modalities, archive, lambda: "here")


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


def test_a_request_is_kept_until_orthanc_has_reported_it(scp: CommitmentScp, judge: Judge) -> None:
    """Before anything is looked at; other jobs are none of ours."""
    for job in ("a", "b"):
        scp.begin(job, "1.2.3", ["1.9"], ["1"], "MR1", "ORTHANC")
    scp.begin("c", "1.2.3", ["1.9"], ["1"], "CT1", "ORTHANC")
    assert list(judge.kept.values()) == [("MR1", "1.2.3", [("1.9", "1")], "here")] * 2
    for job in ("c", "b", "x", "a", "a"):
        scp.job_ended(job, succeeded=job != "b")
    first, second = judge.kept
    assert judge.ended == [(second, False), (first, True)]


RESULTS = [(("1.9", "1"), Commitment.COMMITTED), (("1.8", "2"), Commitment.NO_SUCH_INSTANCE)]


@pytest.mark.parametrize(
    ("status", "takes", "why"),
    [(0x0000, True, None), (0x0110, True, "it answered 0x0110"), (0x0000, False, "storage commitment")],
)
def test_a_result_is_reported_on_an_association_of_ours(status: int, takes: bool, why: str | None) -> None:
    heard: list[tuple[int, Any]] = []

    def on_report(event: Any) -> tuple[int, None]:
        heard.append((event.event_type, event.event_information))
        return status, None

    ae = AE("MR1")
    ae.add_supported_context(COMMITMENT if takes else VERIFICATION, scu_role=True, scp_role=True)
    handlers: Any = [(evt.EVT_N_EVENT_REPORT, on_report)]
    server: Any = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        modality = KnownModality("MR1", "a name", server.server_address[1], frozenset({May.COMMIT}), None)
        in_orthanc: Any = SimpleNamespace(address_of=lambda _title: "127.0.0.1")
        reporter = CommitmentReporter("ORTHANC", in_orthanc)
        assert reporter.answers(modality)
        said = reporter.report(modality, "1.2.3", RESULTS)
    finally:
        server.shutdown()
    assert (said is None) if why is None else (said is not None and why in said)
    if takes:
        ((kind, data),) = heard
        (whole,), (failed,) = data.ReferencedSOPSequence, data.FailedSOPSequence
        assert (kind, data.TransactionUID, whole.ReferencedSOPInstanceUID) == (2, "1.2.3", "1")
        assert (failed.ReferencedSOPClassUID, failed.FailureReason) == ("1.8", 0x0112)


def test_a_modality_that_does_not_listen_is_told_later() -> None:
    modality = KnownModality("MR1", "127.0.0.1", ports.free(), frozenset({May.COMMIT}), None)
    in_orthanc: Any = SimpleNamespace(address_of=lambda _title: None)
    reporter = CommitmentReporter("ORTHANC", in_orthanc)
    assert not reporter.answers(modality)
    assert reporter.report(modality, "1.2.3", RESULTS) == "it did not answer"


def test_a_result_without_failures_is_of_the_other_kind() -> None:
    data, kind = report_of("1.2.3", RESULTS[:1])
    assert (kind, "FailedSOPSequence" in data) == (1, False)
