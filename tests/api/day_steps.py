"""Orders of a day."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api

DAY = "2026-11-30T"


def place(api: Api, number: str, hour: int | None = 8, **of_order: Any) -> None:
    """An order of a patient of its own."""
    patient = {"family_name": "Lindqvist", "given_name": "Åsa", "sex": "female"} | of_order.pop("patient", {})
    api.call("PUT", f"/api/v1/patients/MRN-{number}", "service", json=patient)
    body = {"mrn": f"MRN-{number}", "modality": "CT", "description": "CT thorax", **of_order}
    body |= {} if hour is None else {"scheduled_at": f"{DAY}{hour:02}:00:00Z"}
    answer = api.call("PUT", f"/api/v1/orders/{number}", "service", json=body)
    assert answer.status_code == 201, answer.json
