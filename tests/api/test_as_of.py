"""When the EHR knew what it tells: an older truth never replaces a newer one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.link_steps import audited, put_patient
from tests.support.client import Answer

PATIENT, ORDER = "/api/v1/patients/MRN-1", "/api/v1/orders/ACC-1"
EARLIER, MIDDLE, LATER = ("2026-01-15T08:30:12.1Z", "2026-01-15T09:30:12.250+01:00", "2026-01-15T08:31:00Z")


def tell(api: Api, path: str, word: str, as_of: str | None) -> Answer:
    body: dict[str, Any] = {"family_name": word}
    if path == ORDER:
        body = {"mrn": "MRN-1", "modality": "MR", "description": word}
    return api.call("PUT", path, "service", json=body | ({"as_of": as_of} if as_of else {}))


def recorded(api: Api, path: str) -> tuple[str, str | None]:
    shown = api.get(path, "service").json
    return shown["description" if path == ORDER else "family_name"], shown["as_of"]


@pytest.mark.parametrize("path", [PATIENT, ORDER])
def test_an_older_truth_after_a_newer_one_is_stale(api: Api, path: str) -> None:
    """Nothing is changed nor audited; the same moment again is taken, and a message without one, too."""
    put_patient(api, "MRN-1", 201)
    assert tell(api, path, "first", None).status_code in (200, 201)
    assert recorded(api, path) == ("first", None)
    assert tell(api, path, "middle", MIDDLE).json["as_of"] == "2026-01-15T08:30:12.250Z"
    events = audited(api)
    late = tell(api, path, "earlier", EARLIER)
    assert (late.status_code, late.json["code"]) == (409, "stale")
    assert "2026-01-15T08:30:12.250000Z" in late.json["detail"]
    assert tell(api, path, "middle", MIDDLE).status_code == 200
    assert recorded(api, path) == ("middle", "2026-01-15T08:30:12.250Z") and audited(api) == events
    assert tell(api, path, "corrected", MIDDLE).status_code == 200
    assert tell(api, path, "undated", None).status_code == 200
    assert recorded(api, path) == ("undated", "2026-01-15T08:30:12.250Z")
    assert tell(api, path, "undated", LATER).status_code == 200  # only the moment is new
    assert recorded(api, path) == ("undated", "2026-01-15T08:31:00.000Z")
    assert tell(api, path, "middle", MIDDLE).json["code"] == "stale"


@pytest.mark.parametrize("path", [PATIENT, ORDER])
def test_what_is_not_known_yet_is_no_truth(api: Api, path: str) -> None:
    """Clocks may differ by minutes; a moment needs its time zone."""
    put_patient(api, "MRN-1", 201)
    now = datetime.now(UTC)
    assert tell(api, path, "soon", (now + timedelta(minutes=3)).isoformat()).status_code in (200, 201)
    for wrong in ((now + timedelta(minutes=7)).isoformat(), "2026-01-15T08:30:12", "yesterday"):
        answer = tell(api, path, "later", wrong)
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "as_of"), wrong
    assert recorded(api, path)[0] == "soon"


def test_each_item_of_a_batch_has_a_moment_of_its_own(api: Api) -> None:
    """A stale one is refused alone."""
    put_patient(api, "MRN-1", 201)
    tell(api, PATIENT, "middle", MIDDLE)
    items = [
        {"mrn": "MRN-1", "family_name": "earlier", "as_of": EARLIER},
        {"mrn": "MRN-2", "family_name": "new", "as_of": EARLIER},
    ]
    answer = api.call("POST", "/api/v1/patients/batch", "service", json={"items": items}).json
    assert [item["status"] for item in answer["items"]] == ["failed", "created"]
    assert answer["items"][0]["error"]["code"] == "stale"
    assert recorded(api, PATIENT)[0] == "middle"
    assert api.get("/api/v1/patients/MRN-2", "service").json["as_of"] == "2026-01-15T08:30:12.100Z"
