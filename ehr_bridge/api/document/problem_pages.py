"""What each error code means, on the server that answered with it: the `type` of a problem is the address of its page.

Public, for whoever reads an error may have no token. Browsers get HTML, everybody else JSON.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape

from flask import Response, request
from pydantic import Field

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer
from ehr_bridge.api.http.problems import CODES, PAGES, TITLES, type_of
from ehr_bridge.api.http.schemas import Input, Model, Problem
from ehr_bridge.errors import NotFound

STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:45rem;margin:2rem auto;padding:0 1rem}"
    "dt{font-weight:bold}dd{margin:0 0 .5rem}h1,h2,code{overflow-wrap:anywhere}"
)
POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HTML = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""

blueprint = Blueprint("problems", "System", is_public=True)


class ProblemPath(Input):
    code: str = Field(max_length=64, description="The `code` of a problem")


class ProblemMeaning(Model):
    code: str = Field(description="As in a problem; what it means never changes")
    status: int = Field(description="The HTTP status")
    title: str = Field(description="As in a problem; the same for all codes of a status")
    cause: str = Field(description="Why it is answered")
    cure: str = Field(description="What to do then")


class ProblemMeanings(Model):
    items: list[ProblemMeaning] = Field(description="Every code that this version can answer with")


@blueprint.get("/problems", responses={200: ProblemMeanings})
def list_problems() -> Response:
    """What every error code means and what to do; HTML where `Accept` asks for it"""
    meanings = [_meaning(code) for code in CODES]
    if not _for_a_browser():
        return answer(ProblemMeanings(items=meanings))
    return _page("Error codes", "".join(f"<h2 id={one.code}>{_link(one.code)}</h2>{_told(one)}" for one in meanings))


@blueprint.get("/problems/<string:code>", responses={200: ProblemMeaning, 404: Problem})
def get_problem(path: ProblemPath) -> Response:
    """What an error code means and what to do; HTML where `Accept` asks for it"""
    if path.code not in CODES:
        raise NotFound("route_not_found", f"There is no such error code; {PAGES} lists them.")
    meaning = _meaning(path.code)
    if not _for_a_browser():
        return answer(meaning)
    return _page(meaning.code, f'{_told(meaning)}<p><a href="{PAGES}">All codes</a></p>')


def _meaning(code: str) -> ProblemMeaning:
    status, cause, cure = CODES[code]
    return ProblemMeaning(code=code, status=status, title=TITLES[status], cause=cause, cure=cure)


def _for_a_browser() -> bool:
    """Only where HTML is named: `*/*`, which curl and most clients send, is JSON."""
    return "text/html" in request.headers.get("Accept", "")


def _link(code: str) -> str:
    return f'<a href="{type_of(code)}">{code}</a>'


def _told(meaning: ProblemMeaning) -> str:
    facts = {"Status": f"{meaning.status} {meaning.title}", "Cause": meaning.cause, "What to do": meaning.cure}
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{_marked(text)}</dd>" for name, text in facts.items()) + "</dl>"


def _marked(text: str) -> str:
    """Names between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _page(title: str, body: str) -> Response:
    response = Response(HTML.format(title=title, style=STYLE, body=body), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
