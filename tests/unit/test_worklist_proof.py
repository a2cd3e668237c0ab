"""How the server finds out whether the worklist on its DICOM port is its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from plugin.dimse import worklist
from plugin.dimse.worklist import WorklistScp


def answers_what_is_asked(keys: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"AccessionNumber": keys["AccessionNumber"]}]


def answers_nothing(_keys: dict[str, Any]) -> list[dict[str, Any]]:
    return []


def is_silent(_keys: dict[str, Any]) -> list[dict[str, Any]]:
    raise RuntimeError("Error in the network protocol")


class Orthanc:
    """Its DICOM port does one thing after another, and the last one from then on."""

    def __init__(self, *behaviour: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> None:
        self.behaviour = list(behaviour)
        self.modalities: set[str] = set()
        self.asked = 0

    def RestApiPut(self, path: str, _body: str) -> None:
        self.modalities.add(path)

    def RestApiDelete(self, path: str) -> None:
        self.modalities.remove(path)

    def RestApiPost(self, path: str, body: str) -> bytes:
        assert path.removesuffix("/find-worklist") in self.modalities
        self.asked += 1
        does = self.behaviour.pop(0) if len(self.behaviour) > 1 else self.behaviour[0]
        return json.dumps(does(json.loads(body))).encode()


@pytest.fixture
def scp(monkeypatch: pytest.MonkeyPatch) -> WorklistScp:
    monkeypatch.setattr(worklist, "PAUSES", (0.0, 0.0, 0.0))
    return WorklistScp(None, None, None, 4242, lambda _: None)  # type: ignore[arg-type]


@pytest.mark.parametrize("first", [is_silent, answers_nothing])
def test_a_port_that_answers_late_is_asked_again(
    scp: WorklistScp, first: Callable[[dict[str, Any]], list[dict[str, Any]]]
) -> None:
    orthanc = Orthanc(first, answers_what_is_asked)
    scp.prove(orthanc, "ORTHANC")
    assert (scp.is_ours, orthanc.asked, orthanc.modalities) == (True, 2, set())


@pytest.mark.parametrize("always", [is_silent, answers_nothing])
def test_whoever_never_gives_our_answer_is_not_us(
    scp: WorklistScp, always: Callable[[dict[str, Any]], list[dict[str, Any]]], caplog: pytest.LogCaptureFixture
) -> None:
    orthanc = Orthanc(always)
    scp.prove(orthanc, "ORTHANC")
    assert (scp.is_ours, orthanc.asked, orthanc.modalities) == (False, 3, set())
    assert "is not ours" in caplog.text


def test_a_server_that_stops_asks_itself_no_more(scp: WorklistScp) -> None:
    orthanc = Orthanc(is_silent)
    scp.end()
    scp.prove(orthanc, "ORTHANC")
    assert (scp.is_ours, orthanc.asked) == (True, 0)
