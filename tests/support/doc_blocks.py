"""`python -m tests.support.doc_blocks` writes the parts of docs that repeat what the code or another file says.

Such a part stands between `<!-- made: NAME -->` and `<!-- /made -->`;
tests/unit/test_doc_blocks.py fails when one is out of date.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from ehr_bridge import meters
from ehr_bridge.api.app import openapi_document
from ehr_bridge.api.http.access import ACCESS
from ehr_bridge.api.http.problems import CODES
from ehr_bridge.api.metrics.names import GAUGES
from ehr_bridge.auth.permissions import ROLE_PERMISSIONS, Permission

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("api.md", "metrics.md", "quick-start.md")
BLOCK = re.compile(r"(?<=^<!-- made: )([^\n]+?)( -->\n)(.*?)(?=^<!-- /made -->$)", re.MULTILINE | re.DOTALL)
LANGUAGES = {"cs": "csharp", "html": "html", "py": "python", "sh": "bash", "ts": "typescript"}


def table(head: str, rows: Iterable[Iterable[str]]) -> str:
    columns = head.count("|") + 1
    lines = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([f"| {head} |", "|" + "---|" * columns, *lines]) + "\n"


def roles() -> str:
    granted = (
        (f"`{role}`", " ".join(f"`{p}`" for p in Permission if p in may)) for role, may in ROLE_PERMISSIONS.items()
    )
    return table("role | permissions", granted)


def routes() -> str:
    """What each needs, from the access table, and does, from OpenAPI."""
    paths = openapi_document()["paths"]
    rows = []
    for (method, path), need in ACCESS.items():
        needs = f"`{need}`" if " " not in need.replace(" or ", "") and need != "public" else need
        rows.append((f"`{method}`", f"`{path}`", needs, paths[path][method.lower()]["summary"]))
    return table("method | path | needs | does", rows)


def codes() -> str:
    return table("code | status | cause | cure", ((f"`{c}`", str(m.status), m.cause, m.cure) for c, m in CODES.items()))


def example(name: str) -> str:
    """A file of docs/examples, word for word."""
    text = (DOCS / "examples" / name).read_text(encoding="utf-8")
    return f"```{LANGUAGES[name.rpartition('.')[2]]}\n{text}```\n"


def metrics() -> str:
    """What is counted, and what is looked at when somebody asks."""
    described = meters.DESCRIBED | GAUGES
    rows = (
        (f"`{name}`", " ".join(f"`{label}`" for label in labels), about) for name, (about, *labels) in described.items()
    )
    return table("metric | labels | what it is", rows)


TABLES: dict[str, Callable[[], str]] = {"roles": roles, "routes": routes, "codes": codes, "metrics": metrics}


def fresh(page: str) -> str:
    """The page with every made part as it is to be."""

    def made(found: re.Match[str]) -> str:
        name = found[1]
        return f"{name}{found[2]}{TABLES[name]() if name in TABLES else example(name.removeprefix('examples/'))}"

    return BLOCK.sub(made, (DOCS / page).read_text(encoding="utf-8"))


if __name__ == "__main__":
    for page in PAGES:
        (DOCS / page).write_text(fresh(page), encoding="utf-8")
