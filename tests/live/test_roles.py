"""Every role on every route through the real Orthanc: let in or refused exactly as the one table says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from ehr_bridge.api.http.access import ACCESS, PUBLIC, SIGNED_IN, permissions_for
from ehr_bridge.auth.permissions import ROLE_PERMISSIONS, Permission
from tests.api.access_steps import concrete
from tests.support.server import Server, user_token

DICOMWEB = ("/dicom-web/studies?limit=1", "/dicom-web/series?limit=1", "/dicom-web/studies/1.2.3/metadata", "/wado?x=1")
"""Orthanc's own routes for which the gate asks; a study that is not there is 404 for whoever may look."""


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One connection for all requests."""
    with requests.Session() as session:
        yield session


def ask(session: requests.Session, server: Server, method: str, path: str, *roles: str) -> requests.Response:
    """Without a body and about things that do not exist: nothing changes, whoever may."""
    headers = {"Authorization": f"Bearer {user_token(*roles, subject='role-' + roles[0])}"} if roles else {}
    return session.request(method, server.url + concrete(path), headers=headers, timeout=300, allow_redirects=False)


def may(role: str, need: str) -> bool:
    return need in (PUBLIC, SIGNED_IN) or not permissions_for(need).isdisjoint(ROLE_PERMISSIONS[role])


@pytest.mark.parametrize("role", ROLE_PERMISSIONS)
def test_each_role_is_let_in_or_refused_as_the_table_says(
    sqlite_server: Server, session: requests.Session, role: str
) -> None:
    """Refused is 403 with the code for it; let in is whatever comes next, but neither 401 nor 403, and no defect."""
    wrong = []
    for (method, path), need in ACCESS.items():
        answer = ask(session, sqlite_server, method, path, role)
        if may(role, need):
            right = answer.status_code not in (401, 403) and answer.status_code < 500
        else:
            right = answer.status_code == 403 and answer.json()["code"] == "permission_missing"
        if not right:
            wrong.append((method, path, need, answer.status_code, answer.text[:200]))
    assert wrong == []


def test_without_a_token_only_the_public_routes_open(sqlite_server: Server, session: requests.Session) -> None:
    """401 with how to sign in; a public route never says so."""
    wrong = []
    for (method, path), need in ACCESS.items():
        answer = ask(session, sqlite_server, method, path)
        if need == PUBLIC:
            right = answer.status_code not in (401, 403)
        else:
            right = answer.status_code == 401 and answer.json()["code"] == "token_missing"
            right = right and answer.headers["WWW-Authenticate"].startswith("Bearer")
        if not right:
            wrong.append((method, path, need, answer.status_code, answer.text[:200]))
    assert wrong == []


@pytest.mark.parametrize("role", ROLE_PERMISSIONS)
def test_images_open_for_the_roles_that_may_view_them(
    sqlite_server: Server, session: requests.Session, role: str
) -> None:
    """QIDO-RS, WADO-RS and WADO-URI stand behind the same permission."""
    may_view, may_decide = (one in ROLE_PERMISSIONS[role] for one in (Permission.VIEW, Permission.VIEW_TO_DECIDE))
    for path in DICOMWEB:
        status = ask(session, sqlite_server, "GET", path, role).status_code
        is_named = "x=1" not in path  # WADO-URI must name its study, for everybody
        is_list = "?limit" in path  # of what waits for a decision: of nothing, here
        assert (status != 403) == ((may_view and is_named) or (may_decide and is_list)), (path, status)
        assert status != 401
