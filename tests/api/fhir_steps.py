"""What an EHR does over FHIR, as short steps, on the services of the API's fixture."""

from __future__ import annotations

from typing import Any

from pydicom.uid import generate_uid

from ehr_bridge.api.fhir.app import create_fhir_app
from tests.api.conftest import Api
from tests.support.samples import small


def fhir_of(api: Api) -> Api:
    """The application under /fhir, with the services and callers of the other one."""
    return Api(create_fhir_app(api.services), api.services, api.archive)


def resources(answer: Any, mode: str = "match") -> list[dict[str, Any]]:
    """What a searchset holds."""
    assert answer.status_code == 200, answer.json
    return [one["resource"] for one in answer.json.get("entry", []) if one["search"]["mode"] == mode]


def link(answer: Any, relation: str) -> str | None:
    """Without host and port."""
    found = [one["url"] for one in answer.json["link"] if one["relation"] == relation]
    return "/" + found[0].split("/", 3)[3] if found else None


def code(answer: Any) -> str:
    """Our code in an OperationOutcome."""
    assert answer.json["resourceType"] == "OperationOutcome"
    return str(answer.json["issue"][0]["details"]["coding"][0]["code"])


def stored(api: Api, order: str, day: str = "20260115", **values: Any) -> str:
    """A study of one image for an order; its UID."""
    uid = generate_uid()
    data = small(StudyInstanceUID=uid, StudyDate=day, **values)
    assert api.upload(data, headers={"X-Order-Id": order}).status_code == 201
    return uid
