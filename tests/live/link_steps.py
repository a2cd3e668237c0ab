"""Linking a study, as a step."""

from __future__ import annotations

from typing import Any

from tests.support.server import Server, user_token


def post(server: Server, path: str, body: dict[str, Any], role: str = "technician", subject: str = "rita") -> Any:
    return server.request("POST", path, user_token(role, subject=subject), json={"reason": "wrong patient", **body})


def link(server: Server, uid: str, **body: str) -> str:
    """Ask for a link; the job's id."""
    answer = post(server, f"/api/v1/reconciliation/{uid}/link", body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])
