"""HL7 v2 messages by the HTTP door, and how they were acknowledged, as steps."""

from __future__ import annotations

from typing import Any

from ehr_bridge.api.messages.routes import MEDIA_TYPE
from tests.api.conftest import Api
from tests.support.messages import encoded

HL7 = "/api/v1/hl7"


def send(api: Api, text: str | bytes, role: str = "service", query: str = "") -> Any:
    content = text if isinstance(text, bytes) else encoded(text)
    return api.call("POST", f"{HL7}{query}", role, data=content, content_type=MEDIA_TYPE)


def acked(api: Api, text: str | bytes) -> list[list[str]]:
    """The segments of the acknowledgement, by field."""
    answer = send(api, text)
    assert answer.status_code == 200, answer.json
    return [line.split("|") for line in answer.get_data().decode("latin1").strip("\r").split("\r")]


def verdict(api: Api, text: str | bytes) -> str:
    """`AA`, or the code of ERR with its place: `AE 102 OBR^1^18`. A refusal always has both."""
    segments = acked(api, text)
    if segments[1][1] == "AA":
        assert len(segments) == 2
        return "AA"
    assert segments[2][0] == "ERR" and segments[2][8]
    return " ".join(filter(None, (segments[1][1], segments[2][3].split("^")[0], segments[2][2])))
