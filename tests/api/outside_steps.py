"""What a teleradiology service sends, and what is kept of it, as steps."""

from __future__ import annotations

import base64
from typing import Any

from sqlalchemy import select

from ehr_bridge.db.tables.results.reports import Report
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.messages.inbox import Delivered
from tests.api.conftest import Api
from tests.api.report_steps import RITA
from tests.support.messages import encoded

A_PDF = b"%PDF-1.4\n1 0 obj<< /Type /Catalog >>endobj\ntrailer<< /Root 1 0 R >>\n%%EOF\n"
AN_ED = f"ED|PDF^Report as printed||^application^pdf^Base64^{base64.b64encode(A_PDF).decode()}"
REPORTS = "/api/v1/reports"


def reports(api: Api, query: str = "") -> list[dict[str, Any]]:
    """Those that a radiologist sees, oldest first."""
    answer = api.call("GET", f"{REPORTS}?sort=created_at{query}", token=RITA)
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def only(api: Api) -> dict[str, Any]:
    (found,) = reports(api)
    answer = api.call("GET", f"{REPORTS}/{found['id']}", token=RITA)
    return dict(answer.json)


def versions(api: Api, report: dict[str, Any]) -> list[dict[str, Any]]:
    answer = api.call("GET", f"{REPORTS}/{report['id']}/versions", token=RITA)
    assert answer.status_code == 200, answer.json
    return list(answer.json["items"])


def order_status(api: Api, number: str = "ACC-1") -> str:
    return str(api.get(f"/api/v1/orders/{number}", "doctor").json["status"])


def senders(api: Api) -> list[str | None]:
    with api.services.database.read() as session:
        return list(session.scalars(select(Report.sender).order_by(Report.created_at)))


def delivered(api: Api, text: str) -> Delivered:
    """A message as the door of HTTP hands it on."""
    content = encoded(text)
    source = api.services.sources.unlisted("2.5.1")
    return Delivered(content, "api", Origin("service"), source)


def killed(*_args: object, **_named: object) -> None:
    """As kill -9 ends it: nothing after this runs."""
    raise KeyboardInterrupt
