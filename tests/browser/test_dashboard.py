"""The dashboard: a manager sees the day and how long it takes, and opens what stands behind a number."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from ehr_bridge.db.database import Database
from tests.browser.people import People, violations
from tests.support.examined import Examined, fill
from tests.support.server import Server


def examinations(demo: Server) -> None:
    """Twelve of CT in the last days, six of them urgent, in the server's own database."""
    begun = datetime.now(UTC) - timedelta(days=2)
    database = Database(demo.database_url)
    fill(
        database.engine,
        [
            Examined(7000 + n, begun, priority="STAT" if n % 2 else None, signed=100 + 60 * n, patient=7000 + n % 3)
            for n in range(12)
        ],
    )
    database.dispose()


def test_a_number_opens_its_list_and_a_plot_has_its_table(people: People, demo: Server) -> None:
    """From the median to the slowest examination, and to its order; by keyboard into the plot; no violations."""
    demo.put("/api/v1/patients/MRN-7100", {"family_name": "Ferreira", "given_name": "João", "sex": "male"})
    now = datetime.now(UTC).replace(hour=12, minute=0).isoformat(timespec="seconds")
    for number in range(3):
        body = {"mrn": "MRN-7100", "modality": "NM", "description": "NM bone", "scheduled_at": now}
        assert demo.put(f"/api/v1/orders/ACC-710{number}", body).status_code in (200, 201)
    examinations(demo)
    page = people.go("manager", "/dashboard")
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="NM, Scheduled: 3")).to_be_visible()
    expect(page.get_by_text("Studies without a report")).to_have_count(0)
    plot = page.get_by_role("figure", name="Completed to signed report: By priority")
    expect(plot.locator("svg").first).to_be_visible()
    table = page.get_by_role("table", name="Completed to signed report, By priority")
    expect(table.get_by_role("row", name=re.compile("^Emergency"))).to_contain_text(re.compile(r"\d+ h"))
    assert violations(page) == []
    page.get_by_role("link", name="NM, Scheduled: 3").click()
    expect(page.get_by_role("status").filter(has_text="3 orders")).to_be_visible()
    page.go_back()
    slow = page.get_by_role("table", name="Times from order to signed report")
    slow.get_by_role("link", name="Completed to signed report: 12").click()
    expect(page.get_by_text("12 examinations")).to_be_visible()
    expect(page.get_by_role("row").nth(1)).to_contain_text("11 h 10 min")
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("link", name="Dashboard", exact=True).first.click()
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.set_viewport_size({"width": 1280, "height": 900})
