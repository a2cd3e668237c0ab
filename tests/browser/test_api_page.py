"""The page to try the API, in a browser that may reach nobody but the server."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.support.server import Server, user_token


def test_the_api_page_loads_offline_and_tries_a_route(demo: Server, page: Page) -> None:
    """Swagger UI calls a route with a token; the fixture fails on foreign hosts and breaches of the policy."""
    page.goto(demo.url + "/api/v1/docs")
    expect(page.get_by_role("heading", name="Orthanc EHR bridge")).to_be_visible()
    expect(page.locator(".opblock")).not_to_have_count(0)
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".modal-ux input").first.fill(user_token("doctor", subject="dora"))
    page.locator(".modal-ux").get_by_role("button", name="Apply credentials").first.click()
    page.locator(".modal-ux").get_by_role("button", name="Close").first.click()
    page.locator("#operations-Accounts-get_me .opblock-summary").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    expect(page.locator(".live-responses-table")).to_contain_text('"dora"')
