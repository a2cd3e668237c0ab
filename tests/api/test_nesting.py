"""JSON that nests deeper than anybody needs is refused before it is read, wherever it stands."""

from __future__ import annotations

import json

import pytest

from tests.api.conftest import Api
from tests.support.nesting import SHAPES, deep_tokens, nest
from tests.support.samples import small

BODIES = [
    ("POST", "/api/v1/auth/login", None),
    ("POST", "/api/v1/match", "technician"),
    ("POST", "/api/v1/patients/batch", "service"),
    ("PUT", "/api/v1/patients/MRN-1", "service"),
    ("POST", "/api/v1/dicom/modify-tags", "technician"),
    ("POST", "/api/v1/deletions/f27f3fa9-19dc-4126-9846-b2bcf2086b50/reject", "manager"),
]


@pytest.mark.parametrize("depth", [33, 600, 50_000])
@pytest.mark.parametrize(("method", "path", "role"), BODIES)
def test_a_body_is_refused_in_words(api: Api, method: str, path: str, role: str | None, depth: int) -> None:
    """Before a token is asked for where none is needed, and whatever its shape; a text that holds JSON included."""
    for shape in SHAPES:
        text = nest(shape, depth)
        for body in (text, text.partition("1")[0], json.dumps(text)):
            answer = api.call(method, path, *filter(None, [role]), data=body, content_type="application/json")
            assert answer.status_code == 400, (shape, answer.text)
            assert answer.json["code"] == "json_too_deep"


def test_the_options_of_an_upload_are_refused_in_words(api: Api) -> None:
    """The first part of a multipart body."""
    options = nest('{{"tags":{}}}', 600).encode()
    body = b"--x\r\nContent-Type: application/json\r\n\r\n" + options
    body += b"\r\n--x\r\nContent-Type: application/dicom\r\n\r\n" + small() + b"\r\n--x--\r\n"
    for path in ("upload", "upload-multiple"):
        kind = 'multipart/related; type="application/dicom"; boundary=x'
        answer = api.call("POST", f"/api/v1/dicom/{path}", "technician", data=body, content_type=kind)
        assert (answer.status_code, answer.json["code"]) == (400, "json_too_deep")


@pytest.mark.parametrize("depth", [33, 600, 50_000])
def test_a_token_is_refused_by_its_head_and_by_its_claims(api: Api, depth: int) -> None:
    """The head is read before any signature is looked at; claims even of who knows the secret."""
    for token in deep_tokens(depth):
        answer = api.get("/api/v1/auth/me", token=token)
        assert answer.status_code == 401
        assert answer.json["code"] in ("token_invalid", "token_too_large")
