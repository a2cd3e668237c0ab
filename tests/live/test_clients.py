"""What the clients people use make of our answers and addresses; Orthanc stands between."""

from __future__ import annotations

import json
import subprocess
import uuid
from typing import Any

import httpx
import pytest
import requests

from tests.support.server import Server, user_token

PERSON = {"family_name": "Müller", "given_name": "João 山田 \U0001f9b4", "sex": "male"}
FETCH = """
const [url, token, body] = process.argv.slice(1);
const headers = {"Content-Type": "application/json", Authorization: `Bearer ${token}`};
fetch(url, {method: "PUT", headers, body}).then(async (answer) => {
  console.log(JSON.stringify([answer.status, await answer.json()]));
});
"""


def with_requests(url: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
    answer = requests.put(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=300)
    assert json.loads(answer.text) == answer.json()
    return answer.status_code, answer.json()


def with_httpx(url: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
    answer = httpx.put(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=300, trust_env=False)
    assert json.loads(answer.text) == answer.json()
    return answer.status_code, answer.json()


def with_fetch(url: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
    command = ["node", "-e", FETCH, url, token, json.dumps(body)]
    status, answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return status, answer


def with_curl(url: str, token: str, body: dict[str, Any]) -> tuple[int, Any]:
    """As bytes: UTF-8 where ours is the only type, Latin-1 where Orthanc's text/plain stands beside it."""
    command = ["curl", "--silent", "--noproxy", "*", "-w", "\n%{http_code}", "-X", "PUT", url, "-d", json.dumps(body)]
    command += ["-H", "Content-Type: application/json", "-H", f"Authorization: Bearer {token}"]
    answer, _, status = subprocess.run(command, check=True, capture_output=True).stdout.rpartition(b"\n")
    return int(status), json.loads(answer.decode("utf-8" if status == b"200" else "latin-1"))


@pytest.mark.parametrize("put", [with_requests, with_httpx, with_fetch, with_curl])
def test_a_new_patient_has_the_name_that_was_sent(sqlite_server: Server, put: Any) -> None:
    """The first PUT is 201, the same again is 200: the same words both times."""
    url = f"{sqlite_server.url}/api/v1/patients/C-{uuid.uuid4().hex[:8]}"
    first, second = (put(url, user_token("service"), PERSON) for _ in range(2))
    assert (first[0], second[0]) == (201, 200)
    assert first[1] == second[1]
    assert {name: first[1][name] for name in PERSON} == PERSON


@pytest.mark.parametrize("put", [with_requests, with_httpx, with_fetch, with_curl])
def test_a_refusal_is_readable(sqlite_server: Server, put: Any) -> None:
    status, problem = put(f"{sqlite_server.url}/api/v1/patients/C-0", user_token("nurse"), PERSON)
    assert (status, problem["code"]) == (403, "permission_missing")


@pytest.mark.parametrize(
    ("written", "mrn"), [("A+B", None), ("A%20B", None), ("A+", None), ("+A", None), ("A%2BB", "A+B"), ("A%2B", "A+")]
)
def test_a_plus_sign_in_an_address_is_no_blank(sqlite_server: Server, written: str, mrn: str | None) -> None:
    """Orthanc makes it one: refused, so that it is never another patient; percent-encoded it arrives."""
    url = f"{sqlite_server.url}/api/v1/patients/{written}"
    answer = requests.put(url, json=PERSON, headers={"Authorization": f"Bearer {user_token('service')}"}, timeout=300)
    if mrn is None:
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "patient")
    else:
        assert (answer.status_code, answer.json()["mrn"]) == (201, mrn)
