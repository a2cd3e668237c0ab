"""What the real server does to a number in an address, on which docs/adr/0041 and the refusals stand."""

from __future__ import annotations

import pytest

from tests.support.server import Server, user_token

BATCH = "/api/v1/patients/batch"
BECOMES = {"%2FS2": "S2", "S3%2F": "S3", "S4%2F..%2FS5": "S5", "S6.": "S6", "S7%2E%2E": "S7", "S8%2F.": "S8"}
BECOMES["S10%5C"] = "S10"  # a backslash is no part of a number, and is taken for a slash
STAYS = ("S1..B", ".S2", "S3%3Fx", "S4;x", "S5%23x", "S6%25x", "S7&x=1", "S8%252F1", "~S9")


@pytest.mark.parametrize(("sent", "arrives"), BECOMES.items())
def test_slashes_and_dots_at_the_edges_are_gone_before_we_see_the_number(
    sqlite_server: Server, sent: str, arrives: str
) -> None:
    """So the number itself must not exist: it is refused wherever it can be seen."""
    answer = sqlite_server.put(f"/api/v1/patients/{sent}", {"sex": "unknown"}, "service")
    assert answer.json()["mrn"] == arrives


@pytest.mark.parametrize("sent", STAYS)
def test_other_odd_characters_arrive_as_they_were_sent(sqlite_server: Server, sent: str) -> None:
    answer = sqlite_server.put(f"/api/v1/patients/{sent}", {"sex": "unknown"}, "service")
    wanted = sent.replace("%3F", "?").replace("%23", "#").replace("%25", "%")
    assert answer.json()["mrn"] == wanted
    assert sqlite_server.get(f"/api/v1/patients/{sent}", "nurse").json()["mrn"] == wanted


def test_a_number_with_a_slash_is_registered_in_a_batch_found_in_a_list_and_reached_by_id(
    sqlite_server: Server,
) -> None:
    """`%2F` in a query arrives, in a path it does not."""
    server = sqlite_server
    assert server.put("/api/v1/patients/2026%2F17", {"sex": "unknown"}, "service").status_code == 404
    items = {"items": [{"mrn": "2026/17", "family_name": "Berg"}, {"mrn": "2026/"}]}
    told = server.request("POST", BATCH, user_token("service"), json=items).json()["items"]
    assert [one["status"] for one in told] == ["created", "failed"]
    (found,) = server.get("/api/v1/patients?patient=2026%2F17", "nurse").json()["items"]
    assert server.get(f"/api/v1/patients/{found['id']}", "nurse").json()["mrn"] == "2026/17"
    corrected = server.put(f"/api/v1/patients/{found['id']}", {"family_name": "Bergman"}, "service").json()
    assert (corrected["id"], corrected["mrn"], corrected["family_name"]) == (found["id"], "2026/17", "Bergman")
    order = {"accession_number": "2026/18", "mrn": "2026/17", "modality": "CT", "description": "CT chest"}
    answer = server.request("POST", "/api/v1/orders/batch", user_token("service"), json={"items": [order]})
    (told,) = answer.json()["items"]
    (found,) = server.get("/api/v1/orders?order=2026%2F18", "nurse").json()["items"]
    assert server.get(f"/api/v1/orders/{told['id']}", "nurse").json() | {"report": None} == found  # the list says more
