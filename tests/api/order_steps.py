"""Orders of one patient, what a header would be told, and what a modality repeats of its worklist."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

from tests.api.conftest import Api

PERSON = {"patient_id": "MRN-1", "patient_name": "LINDQVIST^ASA", "patient_birth_date": "19610314"}


def place(api: Api, number: str, **more: Any) -> dict[str, Any]:
    api.call("PUT", "/api/v1/patients/MRN-1", "service", json=ASA)
    body = {"mrn": "MRN-1", "modality": "CR", "description": "x", **more}
    answer = api.call("PUT", f"/api/v1/orders/{number}", "service", json=body)
    assert answer.status_code in (200, 201), answer.json
    return dict(answer.json or {})


ASA = {"family_name": "Lindqvist", "given_name": "Åsa", "birth_date": "1961-03-14", "sex": "female"}


def judged(api: Api, **header: Any) -> dict[str, Any]:
    answer = api.call("POST", "/api/v1/match", "technician", json={"items": [{"ref": "1", **PERSON, **header}]})
    assert answer.status_code == 200, answer.json
    match: dict[str, Any] = answer.json["items"][0]["match"]
    return match


def line(match: dict[str, Any], field: str) -> dict[str, Any]:
    return next(one for one in match["evidence"] if one["field"] == field)


def requested(**ids: str) -> dict[str, Any]:
    """A Request Attributes Sequence."""
    item = Dataset()
    for keyword, value in ids.items():
        setattr(item, keyword, value)
    return {"RequestAttributesSequence": [item]}
