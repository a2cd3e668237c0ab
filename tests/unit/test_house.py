"""The house stays one knows one's way about: small rooms, short files."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Any

from ehr_bridge.db.links import Link
from ehr_bridge.db.states import Decision as Decided
from ehr_bridge.db.states import DeletionStatus, FileStatus, JobKind, JobStatus, LinkStatus, OrderStatus
from ehr_bridge.services.archive.storing import Stored
from ehr_bridge.services.intake.claims import Claim
from ehr_bridge.services.uploads.arrivals import AtDoor, Decision, Delivery, FoundLater, Judged

ROOT = Path(__file__).resolve().parents[2]
MODULES = [
    path.relative_to(ROOT)
    for folder in ("ehr_bridge", "plugin")
    for path in (ROOT / folder).rglob("*.py")
    if not path.is_relative_to(ROOT / "plugin" / "web")
]


def test_no_folder_holds_more_modules_than_one_can_look_over() -> None:
    """Sixteen; more is a corridor, and wants wings."""
    number = Counter(path.parent.as_posix() for path in MODULES if path.name != "__init__.py")
    assert {folder: count for folder, count in number.items() if count > 16} == {}


def test_no_module_is_longer_than_one_reads_in_one_go() -> None:
    """330 lines; a longer one has two reasons to change."""
    lines = {path.as_posix(): len((ROOT / path).read_text().splitlines()) for path in MODULES}
    assert {name: count for name, count in lines.items() if count > 330} == {}


def test_every_folder_says_what_it_is_about() -> None:
    """In the docstring of its `__init__`."""
    folders = {path.parent for path in MODULES}
    silent = [str(folder) for folder in folders if not (ROOT / folder / "__init__.py").read_text().startswith('"""')]
    assert silent == []


def _words_compared(node: ast.AST) -> list[object]:
    """The constants that `==`, `in` or `column.in_` compare something with."""
    if isinstance(node, ast.Compare):
        sides: list[ast.expr] = [node.left, *node.comparators]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("in_", "not_in"):
        sides = node.args
    else:
        return []
    each = [
        one for side in sides for one in (side.elts if isinstance(side, ast.Tuple | ast.Set | ast.List) else [side])
    ]
    return [one.value for one in each if isinstance(one, ast.Constant)]


def test_states_are_compared_with_their_names() -> None:
    """`LinkStatus.LINKED`, not "linked": a word that is misspelt is found before it runs."""
    kinds = (LinkStatus, OrderStatus, JobKind, JobStatus, FileStatus, DeletionStatus, Decided)
    words = {word.value for kind in kinds for word in kind}
    found = [
        f"{path}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(node, ast.Compare | ast.Call) and words & {w for w in _words_compared(node) if isinstance(w, str)}
    ]
    assert len(found) <= 10, "\n".join(found)


def test_a_word_of_the_house_has_one_meaning() -> None:
    """Where two modules define it, nobody knows which is spoken of."""
    words = ("judge", "Claim", "Claims", "Closed", "Rules", "Verdict", "NOTHING", "ORDER_KEYS", "Link", "Arrival")
    found: dict[str, list[str]] = {word: [] for word in words}
    for path in MODULES:
        tree = ast.parse((ROOT / path).read_text())
        bodies = [
            tree.body,
            *(node.body for node in tree.body if isinstance(node, ast.ClassDef) and "Enum" in _bases(node)),
        ]
        for name in (name for body in bodies for node in body for name in _defined(node)):
            if name in found:
                found[name].append(path.as_posix())
    assert {word: paths for word, paths in found.items() if len(paths) != 1} == {}


def test_what_walks_through_the_rooms_is_not_changed_on_the_way() -> None:
    """A room that knows more hands on another: what was judged, stored or found later says the same to everybody."""
    carried: tuple[Any, ...] = (Delivery, Claim, Decision, Judged, Stored, AtDoor, FoundLater, Link)
    assert [one for one in carried if not one.__dataclass_params__.frozen] == []


def _bases(node: ast.ClassDef) -> str:
    return " ".join(map(ast.unparse, node.bases))


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign):
        return [ast.unparse(node.target)]
    if isinstance(node, ast.TypeAlias):
        return [node.name.id]
    return [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []


ODD = ("of nobody", "in every doubt", "shall", "told by the EHR", "whoever asks", "is no matter", "answers how many")
"""docs/writing.md says what stands there instead."""


def test_nothing_is_said_in_our_private_dialect() -> None:
    """In code, messages and documentation; decisions and the change log keep the words of their day."""
    pages = [page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "adr" and page.name != "writing.md"]
    odd = re.compile(r"\b(" + "|".join(ODD) + r")\b")
    found = [
        f"{path.relative_to(ROOT)}: {odd_words}"
        for path in (*(ROOT / module for module in MODULES), *pages, ROOT / "README.md", ROOT / "CONTRIBUTING.md")
        for odd_words in odd.findall(" ".join(path.read_text().split()))
    ]
    assert found == []


def test_no_test_module_imports_another() -> None:
    """What they share are steps, in `*_steps.py` or tests/support: each can be read, changed and deleted alone."""
    found = [
        f"{path.relative_to(ROOT)}: {node.module}"
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[-1].startswith("test_")
    ]
    assert found == []


HANDED_OUT = {
    "accounts.accounts", "accounts.given_answers", "accounts.rate_limits", "accounts.service_keys",
    "accounts.smart_launch", "archive.storing", "audit", "audit.about", "audit.anchors", "audit.codes",
    "audit.refusals", "audit.trail", "bundle", "changes.merging", "changes.views",
    "chart.attaching", "chart.documents", "chart.timeline",
    "dashboard.days", "dashboard.doses", "dashboard.milestones", "dashboard.percentiles",
    "dashboard.times", "dashboard.today",
    "day.listing", "day.views", "deletion.proposals", "deletion.requests", "deletion.retention", "deletion.years_kept",
    "delivery.deliveries", "delivery.destinations", "delivery.kinds", "delivery.subscriptions", "identity.attributes",
    "identity.persons", "intake.batch", "intake.prediction", "interfaces.fhir.reports",
    "interfaces.fhir.search", "interfaces.modalities",
    "interfaces.performed_listing", "interfaces.sendings", "linking.reconciliation", "linking.reconciliation_views",
    "linking.used_again", "messages.inbox", "messages.listing", "messages.refusals", "modifying.splits",
    "modifying.tag_history", "nodes.readiness", "notices.notices",
    "privacy", "quarantine.desk", "rejection.rejections", "registry.desk", "registry.numbers", "registry.order_search",
    "registry.order_states", "registry.orders", "registry.patients", "registry.registration",
    "registry.told_orders", "sharing.shares", "reporting.attention", "reporting.communications", "reporting.drafting",
    "reporting.listing", "reporting.outside", "reporting.people", "reporting.reading_list",
    "reporting.reports", "reporting.rows", "reporting.templates",
    "studies.history", "studies.listing", "studies.search", "studies.zipping",
    "system.measures", "system.state",
    "uploads.arrivals", "uploads.log", "verdict.judge", "viewing.scope", "viewing.tokens",
    "visibility.asker", "visibility.restrictions",
}  # fmt: skip
"""Of each wing, the modules with what a route says and hears: what is in the others may change without the API."""


def test_the_api_takes_only_what_the_wings_hand_out() -> None:
    """Whatever it does, it does through the services of the bundle; a new module on this list is a decision."""
    services = "ehr_bridge.services"
    taken = set()
    for path in MODULES:
        for node in ast.walk(ast.parse((ROOT / path).read_text())) if "api" in path.parts else ():
            if isinstance(node, ast.ImportFrom) and node.module == services:
                taken |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(services + "."):
                taken.add(node.module.removeprefix(services + "."))
    assert taken == HANDED_OUT
