"""The short way and the general way of an upload answer alike."""

from __future__ import annotations

import json
import re
from typing import Any

from ehr_bridge.api.uploads.answers import UploadAnswer
from tests.api.conftest import Api
from tests.support.samples import nested, small
from tests.support.server import user_token

SENT: list[dict[str, Any]] = [
    {"data": small()},
    {"data": small(), "headers": {"X-Order-Id": "ACC-1", "X-File-Name": "%C3%B6.dcm"}},
    {"data": small(), "headers": {"X-Order-Id": "NO"}},
    {"data": small(), "headers": {"X-Upload-Id": "x"}},
    {"data": b""},
    {"data": b"no image at all" * 50},
    {"data": nested(40)},
    {"data": small(PixelData=bytes(1_000_001))},
    {"data": small(), "token": None},
    {"data": small(), "token": "nonsense"},
    {"data": small(), "token": user_token("nurse")},
]


def ask(api: Api, content_type: str, sent: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
    headers = {"X-Request-Id": "the-same", **sent.get("headers", {})}
    if (token := sent.get("token", user_token("technician"))) is not None:
        headers["Authorization"] = f"Bearer {token}"
    answer = api.call("POST", "/api/v1/dicom/upload", data=sent["data"], content_type=content_type, headers=headers)
    told = {
        name: answer.headers.get(name, "")
        for name in ("Content-Type", "Cache-Control", "WWW-Authenticate", "X-Request-Id")
    }
    told["RateLimit-Policy"] = answer.headers.get("RateLimit-Policy", "")
    told["RateLimit"] = re.sub(r"\d+", "n", answer.headers.get("RateLimit", ""))  # each request takes one
    body = dict(answer.json)
    body.pop("upload_id", None)
    for instance in body.get("instances", []):
        instance["status"] = {"duplicate": "stored"}.get(instance["status"], instance["status"])
    return answer.status_code, body, told


def test_every_request_is_answered_alike_on_both_ways(api: Api) -> None:
    """A parameter in the content type sends it the general way; nothing else differs."""
    api.place_order()
    for sent in SENT:
        short = ask(api, "application/dicom", sent)
        general = ask(api, "application/dicom; general=way", sent)
        assert short == general, sent.get("headers")


def test_the_answer_made_by_hand_is_the_documented_one(api: Api) -> None:
    """Every field of the model, nothing else."""
    api.place_order()
    for headers in ({"X-Order-Id": "ACC-1"}, {}):
        answer = api.upload(small(), headers=headers)
        assert json.loads(UploadAnswer.model_validate_json(answer.data).model_dump_json()) == answer.json
