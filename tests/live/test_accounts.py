"""Sign-in, lock-out, sign-out and service keys through the real server, on both databases."""

from __future__ import annotations

import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.live.account_steps import command, program
from tests.support.samples import small
from tests.support.server import ROOT, Server, user_token
from tests.support.steps import eventually


def sign_in(server: Server, username: str, password: str) -> requests.Response:
    return server.request("POST", "/api/v1/auth/login", json={"username": username, "password": password})


def me(server: Server, token: str) -> dict[str, Any]:
    return dict(server.request("GET", "/api/v1/auth/me", token).json())


def test_a_day_of_an_account(server: Server) -> None:
    """Made by the command, signed in, locked by wrong passwords, helped by the administrator, signed out."""
    name = f"ada-{uuid.uuid4().hex[:8]}"
    made = program(server, "user", "add", name, "--name", "Ada Admin", "--role", "admin", typed="correct horse\n")
    assert made.returncode == 0, made.stderr
    token = sign_in(server, name, "correct horse").json()["token"]
    assert me(server, token)["roles"] == ["admin"]
    for _ in range(5):
        assert sign_in(server, name, "wrong").json()["code"] == "wrong_credentials"
    answer = sign_in(server, name, "correct horse")
    assert (answer.status_code, answer.json()["code"]) == (401, "account_locked")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    helped = command(server, "user", "password", name, "--temporary", typed="given by hand\n")
    assert helped.returncode == 0, helped.stderr
    eventually(lambda: me(server, token).get("code") == "token_revoked")  # another process ended the session
    temporary = sign_in(server, name, "given by hand").json()
    assert temporary["must_change_password"] is True
    body = {"current_password": "given by hand", "new_password": "battery staple"}
    changed = server.request("POST", "/api/v1/auth/password", temporary["token"], json=body)
    assert changed.status_code == 200, changed.text
    token = changed.json()["token"]
    assert server.request("GET", "/api/v1/accounts", token).status_code == 200
    assert server.request("POST", "/api/v1/auth/logout", token, data=b"").status_code == 204
    assert me(server, token)["code"] == "token_revoked"
    assert server.request("GET", "/dicom-web/studies", token).status_code == 403
    listed = command(server, "user", "list")
    assert f"{name}\tadmin\tactive\tAda Admin" in listed.stdout
    assert program(server, "audit", "verify").returncode == 0


def test_an_eleventh_sign_in_within_a_minute_hears_when_to_come_back(sqlite_server: Server) -> None:
    """503 with Retry-After, through Orthanc."""
    name = uuid.uuid4().hex
    with ThreadPoolExecutor(7) as people:  # two minutes hold twenty at most
        answers = list(people.map(lambda _: sign_in(sqlite_server, name, "wrong"), range(21)))
    limited = next(a for a in answers if a.status_code == 503)
    assert limited.json()["code"] == "rate_limited"
    assert 1 <= int(limited.headers["Retry-After"]) <= 60


def test_a_revoked_key_opens_no_door(server: Server) -> None:
    """Neither ours nor Orthanc's, from the next request on; its last use is written down."""
    admin = user_token("admin")
    body = {"name": f"cd-{uuid.uuid4().hex[:8]}", "roles": ["doctor"]}
    new = server.request("POST", "/api/v1/service-keys", admin, json=body).json()

    def send() -> int:
        headers = {"Content-Type": "application/dicom"}
        return server.request("POST", "/api/v1/dicom/upload", new["key"], data=small(), headers=headers).status_code

    def shown() -> dict[str, Any]:
        keys = server.request("GET", "/api/v1/service-keys?limit=500", admin).json()["items"]
        return next(dict(key) for key in keys if key["id"] == new["id"])

    assert send() == 201
    assert server.request("GET", "/dicom-web/studies?limit=1", new["key"]).status_code in (200, 204)
    eventually(lambda: shown()["last_used_at"] is not None)
    assert server.request("DELETE", f"/api/v1/service-keys/{new['id']}", admin).status_code == 204
    assert send() == 401
    assert server.request("GET", "/dicom-web/studies?limit=1", new["key"]).status_code == 403
    assert new["key"] not in server.log()


def test_a_key_revoked_by_another_process_is_refused_within_a_second(server: Server) -> None:
    """As when another node on the same database revoked it."""
    from ehr_bridge.auth.permissions import Roles
    from ehr_bridge.db.database import Database
    from ehr_bridge.services.accounts.revocations import Revocations
    from ehr_bridge.services.accounts.service_keys import ServiceKeys
    from ehr_bridge.services.audit.trail import Origin
    from ehr_bridge.services.bundle import utc_now

    database = Database(server.database_url)
    keys = ServiceKeys(database, Revocations(database, utc_now), utc_now, Roles())
    new = keys.create(f"node-{uuid.uuid4().hex[:8]}", ["nurse"], Origin("test"))
    assert me(server, new.key)["roles"] == ["nurse"]
    keys.revoke(new.entry.id, Origin("test"))
    eventually(lambda: me(server, new.key).get("code") == "token_revoked")
    database.dispose()


def test_the_command_refuses_what_cannot_be_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    """Short passwords, roles and settings that do not exist, a folder without a database."""
    server = Server(tmp_path / "var")
    add = ("user", "add", "ada", "--name", "Ada", "--role", "admin")
    assert command(server, *add, typed="short\n").returncode == 1
    assert command(server, *add[:-1], "janitor", typed="long enough\n").returncode == 2
    wrong = command(server, "user", "list", EHR_BRIDGE_HTTP_PROT="1")
    assert wrong.returncode == 2 and "EHR_BRIDGE_HTTP_PROT" in wrong.stderr
    assert command(server, *add, typed="long enough\n").returncode == 0
    again = command(server, *add, typed="long enough\n")
    assert again.returncode == 1 and "already" in again.stderr
    assert command(server, "user", "disable", "ada").returncode == 1  # the last administrator
    assert command(server, "user", "list").stdout.count("\n") == 1
    nowhere = Server(tmp_path / "nowhere")
    assert command(nowhere, "user", "list", EHR_BRIDGE_DATABASE_URL="").returncode == 1
    assert not (tmp_path / "nowhere").exists()


def test_a_token_of_the_command_is_one_of_the_ehr(sqlite_server: Server) -> None:
    """For developers: subject and roles as asked."""
    made = program(sqlite_server, "token", "dr-adeyemi", "--role", "doctor", "--minutes", "5")
    assert made.returncode == 0, made.stderr
    told = me(sqlite_server, made.stdout.strip())
    assert (told["subject"], told["roles"]) == ("dr-adeyemi", ["doctor"])


@pytest.mark.parametrize("arguments", [["--help"], ["user", "--help"], ["import", "--help"]])
def test_help_needs_no_installation(arguments: list[str]) -> None:
    """It can be read anywhere."""
    run = subprocess.run(
        [sys.executable, "-m", "plugin.cli", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0 and "Usage: ehr-bridge" in run.stdout
