"""Patients and orders as an EHR developer meets them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, facts


def test_a_patient_is_created_once_and_updated_after(api: Api) -> None:
    """201, then 200; the same id; saying the same twice writes no second audit event."""
    body = {"family_name": "Lindqvist", "given_name": "Åsa", "birth_date": "1961-03-14", "sex": "female"}
    first = api.call("PUT", "/api/v1/patients/MRN-1", "service", json=body)
    again = api.call("PUT", "/api/v1/patients/MRN-1", "service", json=body)
    changed = api.call("PUT", "/api/v1/patients/MRN-1", "service", json=body | {"given_name": "Asa"})
    assert [r.status_code for r in (first, again, changed)] == [201, 200, 200]
    assert first.json["id"] == again.json["id"] == changed.json["id"]
    assert first.json["birth_date"] == "1961-03-14"
    events = api.get("/api/v1/audit", "admin").json["items"]
    assert [e["action"] for e in events] == ["patient.updated", "patient.created"]
    assert facts(events[0]["detail"]) == {"fields": ["given_name"]}


def test_an_emergency_patient_needs_only_an_mrn(api: Api) -> None:
    """Nobody knows more yet."""
    answer = api.call("PUT", "/api/v1/patients/MRN-9", "service", json={})
    assert answer.status_code == 201
    assert (answer.json["family_name"], answer.json["birth_date"], answer.json["sex"]) == (None, None, "unknown")


def test_a_patient_is_found_by_id_mrn_and_parts_of_the_name(api: Api) -> None:
    """As people type."""
    order = api.place_order()
    for path in (f"/api/v1/patients/{order['patient_id']}", "/api/v1/patients/MRN-1"):
        assert api.get(path, "nurse").json["family_name"] == "Lindqvist"
    for words in ("lindq", "mrn-", "Lindqvist, s", "%C3%85sa"):
        assert api.get(f"/api/v1/patients?q={words}", "nurse").json["total"] == 1, words
    for words in ("nobody", "%25", "_"):
        assert api.get(f"/api/v1/patients?q={words}", "nurse").json["total"] == 0, words


def test_an_order_is_placed_once_and_keeps_its_study_uid(api: Api) -> None:
    """Idempotent; the StudyInstanceUID is given once."""
    first = api.place_order()
    again = api.place_order()
    assert first["id"] == again["id"]
    assert first["study_instance_uid"] == again["study_instance_uid"]
    assert first["status"] == "scheduled"
    assert len(first["study_instance_uid"]) <= 64
    listed = api.get("/api/v1/orders?status=scheduled", "doctor").json
    assert (listed["total"], listed["items"][0]["patient_name"]) == (1, "Lindqvist^Åsa")


def test_an_order_moves_to_the_patient_it_is_corrected_to(api: Api) -> None:
    """Before there are images, the EHR may correct the patient."""
    api.place_order()
    api.call("PUT", "/api/v1/patients/MRN-2", "service", json={"family_name": "Other"})
    body = {"mrn": "MRN-2", "modality": "MR", "description": "MR brain"}
    assert api.call("PUT", "/api/v1/orders/ACC-1", "service", json=body).json["mrn"] == "MRN-2"


def test_orders_of_a_day_are_found_by_their_appointment(api: Api) -> None:
    """From is included, to is not; an order without an appointment is of no day."""
    api.place_order("ACC-NEVER")
    for accession, moment in (("ACC-EARLY", "2026-01-15T00:00:00Z"), ("ACC-LATE", "2026-01-16T00:00:00Z")):
        body = {"mrn": "MRN-1", "modality": "MR", "description": "MR brain", "scheduled_at": moment}
        assert api.call("PUT", f"/api/v1/orders/{accession}", "service", json=body).status_code == 201
    day = "scheduled_from=2026-01-15T01:00:00%2B01:00&scheduled_to=2026-01-16T00:00:00Z"
    found = api.get(f"/api/v1/orders?{day}", "nurse").json
    assert [order["accession_number"] for order in found["items"]] == ["ACC-EARLY"]
    assert api.get("/api/v1/orders?scheduled_from=2026-01-15T00:00:00", "nurse").status_code == 422


def test_a_cancelled_order_stays_cancelled(api: Api) -> None:
    """Cancelling twice is no error; 404 for what does not exist."""
    api.place_order()
    for _ in range(2):
        assert api.call("POST", "/api/v1/orders/ACC-1/cancel", "service").json["status"] == "cancelled"
    assert api.call("POST", "/api/v1/orders/ACC-2/cancel", "service").status_code == 404


WRONG: list[tuple[str, str, Any, int, str]] = [
    ("/api/v1/patients/MRN-1", "unknown field", {"surname": "x"}, 422, "surname"),
    ("/api/v1/patients/MRN-1", "birth date in another form", {"birth_date": "14.3.1961"}, 422, "birth_date"),
    ("/api/v1/patients/MRN-1", "sex of DICOM", {"sex": "F"}, 422, "sex"),
    ("/api/v1/patients/MRN-1", "caret in a name", {"family_name": "A^B"}, 422, "family_name"),
    ("/api/v1/patients/MRN-1", "backslash in a name", {"family_name": "A\\B"}, 422, "family_name"),
    ("/api/v1/patients/MRN-1", "line break in a name", {"family_name": "A\nB"}, 422, "family_name"),
    ("/api/v1/patients/" + "9" * 65, "MRN too long for LO", {}, 422, "patient"),
    ("/api/v1/patients/MRN-1", "a list", [], 422, ""),
    ("/api/v1/orders/ACC-1", "unknown patient", {"mrn": "NO", "modality": "CT", "description": "x"}, 404, ""),
    (
        "/api/v1/orders/" + "A" * 17,
        "17 characters",
        {"mrn": "M", "modality": "CT", "description": "x"},
        422,
        "order",
    ),
    ("/api/v1/orders/ACC-1", "no modality", {"mrn": "M", "description": "x"}, 422, "modality"),
    (
        "/api/v1/orders/ACC-1",
        "referrer that is no DICOM name",
        {"mrn": "M", "modality": "CT", "description": "x", "ordered_by": "A^B^C^D^E^F"},
        422,
        "ordered_by",
    ),
    ("/api/v1/patients/MRN-1", "C1 control character in a name", {"family_name": "A\x85B"}, 422, "family_name"),
    (
        "/api/v1/orders/ACC-1",
        "time without zone",
        {"mrn": "M", "modality": "CT", "description": "x", "scheduled_at": "2026-01-01T10:00:00"},
        422,
        "scheduled_at",
    ),
]


@pytest.mark.parametrize(("path", "what", "body", "status", "field"), WRONG, ids=[w[1] for w in WRONG])
def test_wrong_input_is_named_and_leaves_nothing(
    api: Api, path: str, what: str, body: Any, status: int, field: str
) -> None:
    """The answer names the field; no row is left."""
    answer = api.call("PUT", path, "service", json=body)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    if field:
        assert any(field in e["field"] for e in answer.json["errors"])
    assert api.get("/api/v1/patients", "nurse").json["total"] == 0
    assert api.get("/api/v1/orders", "nurse").json["total"] == 0


def test_json_that_is_none_is_400_and_another_type_is_415(api: Api) -> None:
    """Two different mistakes, two different answers."""
    for content_type, status in (("application/json", 400), ("text/plain", 415)):
        answer = api.call("PUT", "/api/v1/patients/M", "service", data=b"{", content_type=content_type)
        assert answer.status_code == status


def test_lists_are_paged(api: Api) -> None:
    """limit, offset and the true total."""
    for number in range(5):
        api.place_order(f"ACC-{number}")
    page = api.get("/api/v1/orders?limit=2&offset=3", "doctor").json
    assert (len(page["items"]), page["total"], page["limit"], page["offset"]) == (2, 5, 2, 3)
    for query in ("limit=0", "limit=501", "offset=-1", "limit=x", "colour=red"):
        assert api.get(f"/api/v1/orders?{query}", "doctor").status_code == 422, query


def test_whom_an_id_names_is_who_is_updated(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can correct the number between looking it up and writing: both are one transaction."""
    order = api.place_order()
    services, joined = api.services, []
    for one in (services.patients, services.orders):

        def looked_up(*asked: Any, number_of: Any = one.number_of) -> Any:
            joined.append(services.fresh.is_joined)
            return number_of(*asked)

        monkeypatch.setattr(one, "number_of", looked_up)
    patient = {"family_name": "Lindqvist", "given_name": "Åsa"}
    again = {"mrn": order["patient_id"], "modality": order["modality"], "description": order["description"]}
    for path, body in ((f"patients/{order['patient_id']}", patient), (f"orders/{order['id']}", again)):
        assert api.call("PUT", f"/api/v1/{path}", "service", json=body).status_code == 200
    assert joined == [True, True]
