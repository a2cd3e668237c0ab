"""What people at the desk do, as steps."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api

PERSON = {"family_name": "Berg", "given_name": "Nils", "birth_date": "1950-01-02", "sex": "male"}
ORDER = {"modality": "CT", "description": "CT head"}


def register(api: Api, role: str = "reception", status: int = 201, **person: Any) -> dict[str, Any]:
    return asked(api, "POST", "/api/v1/patients", PERSON | person, status, role)


def place(api: Api, mrn: str, role: str = "reception", status: int = 201, **order: Any) -> dict[str, Any]:
    return asked(api, "POST", "/api/v1/orders", ORDER | {"mrn": mrn} | order, status, role)


def emergency(api: Api, role: str = "reception", status: int = 201, **body: Any) -> dict[str, Any]:
    body = {"sex": "male", "approximate_age": 40} | body
    return asked(api, "POST", "/api/v1/patients/emergency", body, status, role)


def correct(api: Api, mrn: str, role: str = "reception", status: int = 200, **person: Any) -> dict[str, Any]:
    return asked(api, "PUT", f"/api/v1/patients/{mrn}", PERSON | person, status, role)


def correct_order(api: Api, number: str, mrn: str, status: int = 200, **order: Any) -> dict[str, Any]:
    return asked(api, "PUT", f"/api/v1/orders/{number}", ORDER | {"mrn": mrn} | order, status, "reception")


def asked(api: Api, method: str, path: str, body: Any, status: int, *roles: str, **options: Any) -> dict[str, Any]:
    answer = api.call(method, path, *roles, json=body, **options)
    assert answer.status_code == status, answer.json
    return dict(answer.json)


def patient(api: Api, mrn: str) -> dict[str, Any]:
    return dict(api.get(f"/api/v1/patients/{mrn}", "reception").json)


def last_detail(api: Api, action: str) -> dict[str, Any]:
    """The detail of the latest audit event of an action."""
    return dict(api.get(f"/api/v1/audit?action={action}", "admin").json["items"][0]["detail"])
