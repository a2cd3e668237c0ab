"""No lost update through the real server: what Orthanc passes on, and what it can send."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.support.server import Server, user_token
from tests.support.steps import place_order


def test_a_condition_arrives_and_its_answer_is_sent(server: Server) -> None:
    """If-Match on PUT, POST and DELETE; 412 with a body and the present tag; 304 without a body."""
    order = place_order(server)
    path = f"/api/v1/orders/{order['accession_number']}"
    tag = server.get(path, "service").headers["ETag"]
    again = server.get(path, "service", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    for method in ("POST", "DELETE"):
        answer = server.request(method, f"{path}/arrival", user_token("technician"), headers={"If-Match": '"old"'})
        assert (answer.status_code, answer.json()["code"]) == (412, "version_changed")
        assert answer.headers["ETag"] == answer.json()["etag"]
        present = {"If-Match": answer.headers["ETag"]}
        answer = server.request(method, f"{path}/arrival", user_token("technician"), headers=present)
        assert answer.status_code == 200, answer.text
    patient = f"/api/v1/patients/{order['mrn']}"
    answer = server.request(
        "PUT", patient, user_token("service"), json={"family_name": "Ny"}, headers={"If-None-Match": "*"}
    )
    assert (answer.status_code, answer.json()["code"]) == (412, "already_exists")


def test_writers_at_once_never_lose_an_update(server: Server) -> None:
    """Eight programs read one patient and write what they made of it, all with the same tag: one is heard each time."""
    path = f"/api/v1/patients/{place_order(server)['mrn']}"
    for turn in range(5):
        tag = server.get(path, "service").headers["ETag"]

        def write(writer: int, tag: str = tag, turn: int = turn) -> int:
            body = {"family_name": "Lindqvist", "given_name": f"{turn} {writer}"}
            return server.request("PUT", path, user_token("service"), json=body, headers={"If-Match": tag}).status_code

        with ThreadPoolExecutor(8) as pool:
            heard = sorted(pool.map(write, range(8)))
        assert heard == [200] + [412] * 7
