"""The `type` of a problem leads to a page of the running server that says cause and cure."""

from __future__ import annotations

import re

from ehr_bridge.api.http.access import ACCESS
from ehr_bridge.api.http.problems import CODES
from tests.api.conftest import Api

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_the_type_of_a_refusal_opens_without_a_token_and_explains_it(api: Api) -> None:
    """As a developer follows it, and as a browser shows it."""
    refusal = api.get("/api/v1/orders").json
    assert (refusal["code"], refusal["type"]) == ("token_missing", "/api/v1/problems/token_missing")
    answer = api.get(refusal["type"])
    assert answer.status_code == 200
    assert answer.json == {
        "code": "token_missing",
        "status": 401,
        "title": refusal["title"],
        "cause": CODES["token_missing"].cause,
        "cure": CODES["token_missing"].cure,
    }
    page = api.get(refusal["type"], headers=BROWSER)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<h1>token_missing</h1>" in page.text and "<code>POST /api/v1/auth/login</code>" in page.text


def test_every_code_has_a_page_with_cause_and_cure(api: Api) -> None:
    """All of the table, and the list of all."""
    items = api.get("/api/v1/problems").json["items"]
    assert [item["code"] for item in items] == list(CODES)
    for item in items:
        assert api.get(f"/api/v1/problems/{item['code']}").json == item
        for text in (item["cause"], item["cure"]):
            assert (text[0].isupper() or text[0] == "`") and text.endswith("."), item
            assert text.count("`") % 2 == 0, item
        assert item["cause"] != item["cure"] and len(item["cure"]) > 30, item
    listed = api.get("/api/v1/problems", headers=BROWSER).text
    assert re.findall(r'href="/api/v1/problems/(\w+)"', listed) == list(CODES)


def test_every_route_that_a_cure_names_exists() -> None:
    """With its method and its parameters, as the API writes them."""
    named = {
        (code, method or "GET", path)
        for code, meaning in CODES.items()
        for method, path in re.findall(r"`(?:([A-Z]+) )?(/api/v1/[^`?]*)", meaning.cause + meaning.cure)
    }
    assert len(named) > 20
    assert {name for name in named if name[1:] not in ACCESS} == set()


def test_a_code_that_does_not_exist_is_404_and_is_not_repeated(api: Api) -> None:
    """Nothing of the address comes back, in no format."""
    for headers in ({}, BROWSER):
        answer = api.get("/api/v1/problems/%3Cscript%3E", headers=headers)
        assert (answer.status_code, answer.json["code"]) == (404, "route_not_found")
        assert "script" not in answer.text
