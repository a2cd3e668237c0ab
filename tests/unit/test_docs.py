"""The documentation says what the code does: nothing missing, nothing invented, no dead link, no example that lies."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from ehr_bridge import errors
from ehr_bridge.api.away.printing import LabelsBody
from ehr_bridge.api.day.assigning import AssignmentBody
from ehr_bridge.api.http.access import ACCESS
from ehr_bridge.api.http.examples import STUDY
from ehr_bridge.api.http.problems import CODES
from ehr_bridge.api.interfaces.destinations import DestinationBody
from ehr_bridge.api.interfaces.modalities import ModalityBody
from ehr_bridge.api.interfaces.sendings import SendBody
from ehr_bridge.api.people.account_management import AccountBody, NewAccountBody
from ehr_bridge.api.people.accounts import LoginBody, PasswordBody
from ehr_bridge.api.people.privacy import BreakGlassBody
from ehr_bridge.api.people.service_keys import ServiceKeyBody
from ehr_bridge.api.quarantine import GiveBody
from ehr_bridge.api.reconciliation import CreateOrderBody, CreatePatientBody, LinkBody
from ehr_bridge.api.registry.batches import OrderBatchBody, PatientBatchBody
from ehr_bridge.api.registry.desk import EmergencyBody
from ehr_bridge.api.registry.identity_changes import MergeBody
from ehr_bridge.api.registry.matching import MatchBody
from ehr_bridge.api.registry.orders import OrderBody
from ehr_bridge.api.registry.patients import PatientBody
from ehr_bridge.api.sharing.shares import ShareBody
from ehr_bridge.api.splitting import SplitCompareBody
from ehr_bridge.api.stuck_jobs import JobDecisionBody
from ehr_bridge.api.tags import ModifyTagsBody, UndoBody
from ehr_bridge.api.uploads.known_files import KnownFilesBody
from ehr_bridge.api.viewer import ViewerTokenBody
from ehr_bridge.auth.permissions import ROLE_PERMISSIONS, Permission
from ehr_bridge.auth.tokens import TokenRules, TokenVerifier
from ehr_bridge.db.tables import (
    accounts,  # noqa: F401  (their tables belong to the metadata)
    audit,  # noqa: F401  (their tables belong to the metadata)
    deletions,  # noqa: F401  (their tables belong to the metadata)
    identity_changes,  # noqa: F401  (their tables belong to the metadata)
    match_keys,  # noqa: F401  (their tables belong to the metadata)
    modifications,  # noqa: F401  (their tables belong to the metadata)
)
from ehr_bridge.db.tables.base import Base
from ehr_bridge.services.interfaces.sending_jobs import AWAY, REFUSED
from ehr_bridge.services.interfaces.sendings import CANCELLED
from ehr_bridge.services.modifying.attempts import ELSEWHERE, FAILED
from ehr_bridge.services.modifying.stuck import GIVEN_UP
from ehr_bridge.settings import Settings, variables
from plugin import launch
from tests.support.grants import FakeGrants
from tests.unit.doc_steps import DOCS, MODULES, ROOT, calls, code, model, rows, section, spans

PAGES = sorted([*DOCS.rglob("*.md"), *(page for page in ROOT.glob("*.md") if page.is_file())])
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def test_every_setting_is_documented_with_its_default() -> None:
    """Those that exist, and no other."""
    table = {code(row[0]): row[1] for row in rows("configuration.md", "Variables")}
    assert set(table) == set(variables())
    for field in Settings.model_fields.values():
        default = {None: "unset", True: "`1`", False: "`0`"}.get(field.default, f"`{field.default}`")
        assert table[str(field.alias)] == default, field.alias


def test_every_option_of_scripts_run_is_documented() -> None:
    """As --help lists them, with the variable each stands for."""
    with contextlib.redirect_stdout(io.StringIO()) as help_text, pytest.raises(SystemExit):
        launch._parse(["--help"])
    options = set(re.findall(r"(?<![\w-])--[a-z-]+", help_text.getvalue())) - {"--help"}
    table = {code(row[0]): code(row[1]) for row in rows("configuration.md", "Options of scripts/run")}
    assert set(table) == options
    for name, variable in launch.OPTIONS.items():
        assert table["--" + name.replace("_", "-")] == variable


def test_every_script_is_documented_and_none_is_invented() -> None:
    """The table of commands, and each mention on any page."""
    commands = {f"scripts/{path.name}" for path in (ROOT / "scripts").iterdir() if os.access(path, os.X_OK)}
    assert {code(row[0]) for row in rows("configuration.md", "Scripts")} == commands
    for page in PAGES:
        mentioned = set(re.findall(r"(?<![\w/.-])scripts/[\w-]+", page.read_text()))
        assert all((ROOT / name).exists() for name in mentioned), (page, mentioned - commands)


def test_every_route_is_documented_with_what_it_needs() -> None:
    """The access table, line by line."""
    table = {(code(row[0]), code(row[1])): row[2].strip("`") for row in rows("api.md", "All routes")}
    assert table == {route: str(need) for route, need in ACCESS.items()}


def test_nothing_that_exists_is_called_not_yet() -> None:
    """A route that was built leaves the list of what is missing."""
    for span in spans(section("api.md", "Not yet")):
        method, _, path = span.partition(" ")
        if method in {"GET", "POST", "PUT", "DELETE"}:
            assert not {(method, f"/api/v1/{path}"), (method, f"/api/v1/dicom/{path}")} & set(ACCESS), span


def test_every_error_code_is_documented_with_its_status() -> None:
    """Codes are what programs rely on."""
    table = {code(row[0]): (int(row[1]), row[2], row[3]) for row in rows("api.md", "Errors")}
    assert table == CODES


def test_every_code_that_is_raised_is_listed_and_every_listed_one_is_raised() -> None:
    """Read from the source: a code nobody raises is dead, one nobody listed ends in a defect."""
    raised, computed = set(), set()
    for path in MODULES:
        for name, call in calls(path):
            if name not in REFUSALS or not call.args:
                continue
            first = call.args[0]
            if isinstance(first, ast.Constant):
                raised.add(first.value)
            else:
                computed.add(path.relative_to(ROOT).as_posix())
    raised |= {name for name, level in findings().items() if level == "error"}
    raised |= {
        FAILED,
        ELSEWHERE,
        GIVEN_UP,
        AWAY,
        REFUSED,
        CANCELLED,
    }  # why a job ended or cannot go on, which nobody raises
    assert raised == set(CODES)
    assert computed <= {  # they hand on codes that are raised elsewhere
        "ehr_bridge/api/http/problems.py",
        "ehr_bridge/api/uploads/stow.py",
        "ehr_bridge/api/uploads/door.py",
        "ehr_bridge/services/chart/attaching.py",
        "ehr_bridge/dicom/reading/validate.py",
        "ehr_bridge/services/quarantine/desk.py",
    }


REFUSALS = {"problem"} | {
    name for name, thing in vars(errors).items() if isinstance(thing, type) and issubclass(thing, errors.BridgeError)
}


@cache
def findings() -> dict[str, str]:
    """Code and level of every validation finding, from the source."""
    found = {}
    for name, call in calls(ROOT / "ehr_bridge" / "dicom" / "reading" / "validate.py"):
        words = [a.value for a in call.args[:2] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if name in {"Finding", "_finding"} and len(words) == 2:
            found[words[1]] = words[0]
        elif name == "_warning" and words:
            found[words[0]] = "warning"
    return found


def test_every_finding_is_documented_with_its_level() -> None:
    """What validation can say about a file."""
    assert {code(row[0]): row[1] for row in rows("conformance.md", "Validation findings")} == findings()


def test_every_role_and_permission_is_documented() -> None:
    """Who may do what, and what that means."""
    roles = {code(row[0]): frozenset(spans(row[1])) for row in rows("api.md", "Roles")}
    assert roles == {role: frozenset(map(str, granted)) for role, granted in ROLE_PERMISSIONS.items()}
    assert sorted(name for row in rows("api.md", "Roles", 1) for name in spans(row[0])) == sorted(Permission)


def test_every_table_is_documented() -> None:
    """Where state lives."""
    assert {code(row[0]) for row in rows("architecture.md", "Where state lives")} == set(Base.metadata.tables)


def test_every_chore_of_the_worker_is_documented_with_how_often_it_runs() -> None:
    """As the composition makes them."""
    table = {row[0]: row[1] for each in (0, 1) for row in rows("architecture.md", "Processes and threads", each)}
    made = {}
    following = set()
    running = ROOT / "plugin" / "running"
    for name, call in [*calls(running / "compose.py"), *calls(running / "following.py")]:
        if name == "Chore":
            title, every = call.args[0], call.args[2]
            assert isinstance(title, ast.Constant) and isinstance(every, ast.Constant)
            assert isinstance(every.value, int | float), ast.dump(every)
            made[str(title.value)] = "round" if not every.value else f"{every.value:g} s"
            following |= {str(title.value)} if any(each.arg == "unchanged_seconds" for each in call.keywords) else set()
    apart = {"fixity", "damaged files", "SOP classes"}  # of the thread that reads stored files
    assert {name: every for name, every in made.items() if name not in apart} == table
    text = section("architecture.md", "Processes and threads")
    assert all(f"`{name}`" in text for name in apart | following)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_table_has_a_row_twice_and_no_page_a_line(page: Path) -> None:
    """As a merge leaves them."""
    text = FENCE.sub("", page.read_text())
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        lines = table.splitlines()[2:]
        assert len(lines) == len(set(lines)), page
    if page.name == "architecture.md":
        for table in re.findall(r"(?:^\|.*\n)+", text.partition("## Where state lives")[2], re.MULTILINE):
            keys = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
            assert len(keys) == len(set(keys)), keys
        long = [line for line in text.splitlines() if len(line) > 60 and not line.startswith("|")]
        assert len(long) == len(set(long))
        openings = [line[:60] for line in long]
        assert sorted(openings) == sorted(set(openings)), "two lines begin alike"


def test_every_second_way_is_held_to_the_first_by_a_test() -> None:
    """Each names its file and a test that reads that file's name or words."""
    for way, _, _, test in rows("architecture.md", "Second ways"):
        (source,) = re.findall(r"\]\(\.\./([^)]+)\)", way)
        (proof,) = re.findall(r"\]\(\.\./([^)]+)\)", test)
        assert (ROOT / source).is_file() and "def test_" in (ROOT / proof).read_text(), way
        name = code(way) or Path(source).stem
        words = (ROOT / source).read_text() + source
        assert name in words, way


def test_nothing_refers_to_a_page_that_is_not_in_the_repository() -> None:
    """An heir cannot follow it: the fact itself, or a page under docs/, stands there instead."""
    gone = re.compile(
        r"\b(?:ORTHANC|OPS|INTEROP)[-_]FACTS\b|\.\./shared/"
        r"|\b(?:CONTRACT|DESIGN|HOUSE|STYLE|UI-REVIEW)(?:\.md\b| section\b| [A-Z]\d)"
    )
    places = [*PAGES, *MODULES, ROOT / "pyproject.toml", ROOT / "Dockerfile", ROOT / "docker-compose.yml"]
    places += [*(ROOT / "plugin" / "commands").glob("*.py"), *(ROOT / "scripts").iterdir(), *(ROOT / ".ci").iterdir()]
    places += [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    places += [*(ROOT / "migrations").rglob("*.py"), *(ROOT / "plugin" / "web" / "src").rglob("*.ts*")]
    found = [path.relative_to(ROOT).as_posix() for path in places if path.is_file() and gone.search(path.read_text())]
    assert found == []


def test_the_licence_is_whole() -> None:
    """Version 3 of the AGPL, as the Free Software Foundation publishes it."""
    text = (ROOT / "LICENSE").read_text()
    assert text.lstrip().startswith("GNU AFFERO GENERAL PUBLIC LICENSE")
    assert [int(number) for number in re.findall(r"^  (\d+)\. [A-Z]", text, re.MULTILINE)] == list(range(18))
    assert "END OF TERMS AND CONDITIONS" in text and text.rstrip().endswith("<https://www.gnu.org/licenses/>.")
    assert "AGPL-3.0-or-later" in (ROOT / "pyproject.toml").read_text()


def slugs(page: Path) -> set[str]:
    """The anchors GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    """The relative links of a page."""
    found = re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text()))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_link_is_dead(page: Path) -> None:
    """Files and anchors."""
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in slugs(target), link


def test_every_page_can_be_found_from_another() -> None:
    """A page nobody links to is a page nobody reads."""
    linked = {(page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links(page)}
    assert [page.name for page in DOCS.rglob("*.md") if page not in linked] == []


def examples(language: str, page: str) -> list[tuple[str, str]]:
    """The fenced blocks of a language: the word behind it, and the text."""
    pattern = rf"^```{language}[ ]?(\w*)\n(.*?)^```$"
    return re.findall(pattern, (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def assert_same_fields(expected: type[BaseModel], example: dict[str, Any]) -> None:
    assert set(example) == set(expected.model_fields), expected.__name__
    for name, field in expected.model_fields.items():
        for inner in models_in(field.annotation):
            for value in objects_in(example[name]):
                assert_same_fields(inner, value)


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in a value, however many lists are around them."""
    if isinstance(value, list):
        for inner in value:
            yield from objects_in(inner)
    elif value:
        yield value


@pytest.mark.parametrize(("name", "text"), [pytest.param(*e, id=e[0]) for e in examples("json", "api.md") if e[0]])
def test_every_example_of_an_answer_has_the_fields_of_the_answer(name: str, text: str) -> None:
    """Named behind the fence: the model the example shows."""
    expected, example = model(name), json.loads(text)
    expected.model_validate(example)
    assert_same_fields(expected, example)


BODIES: dict[str, type[BaseModel]] = {
    "/api/v1/auth/login": LoginBody,
    "/api/v1/labels": LabelsBody,
    "/api/v1/auth/password": PasswordBody,
    "/api/v1/accounts/": AccountBody,
    "/api/v1/accounts": NewAccountBody,
    "/api/v1/service-keys": ServiceKeyBody,
    "/api/v1/modalities/CT2": ModalityBody,
    "/api/v1/destinations/ehr": DestinationBody,
    "/api/v1/patients/MRN-2007/merge": MergeBody,
    "/api/v1/patients/batch": PatientBatchBody,
    "/api/v1/orders/batch": OrderBatchBody,
    "/api/v1/match": MatchBody,
    "/api/v1/patients/emergency": EmergencyBody,
    "/api/v1/patients/": PatientBody,
    "/api/v1/orders/ACC-2026-0101/assignment": AssignmentBody,
    "/api/v1/orders/": OrderBody,
    "/api/v1/dicom/viewer-token": ViewerTokenBody,
    "/api/v1/dicom/shares": ShareBody,
    "/api/v1/dicom/modify-tags": ModifyTagsBody,
    f"/api/v1/dicom/studies/{STUDY}/send": SendBody,
    "/api/v1/modifications/": UndoBody,
    "/api/v1/jobs/": JobDecisionBody,
    "/api/v1/access/break-glass": BreakGlassBody,
    "/api/v1/dicom/known": KnownFilesBody,
    f"/api/v1/reconciliation/{STUDY}/link": LinkBody,
    f"/api/v1/reconciliation/{STUDY}/split/compare": SplitCompareBody,
    f"/api/v1/reconciliation/{STUDY}/create-order": CreateOrderBody,
    f"/api/v1/reconciliation/{STUDY}/create-patient": CreatePatientBody,
    "/api/v1/quarantine/": GiveBody,
}


def test_every_example_of_a_request_is_accepted() -> None:
    """Each curl with a JSON body."""
    seen = set()
    tasks = [f"tasks/{page.name}" for page in sorted((DOCS / "tasks").glob("*.md"))]
    for _, text in [one for page in ("api.md", *tasks) for one in examples("bash", page)]:
        for path, body in re.findall(r"\$BRIDGE(/\S+).*?-d '(\{.*?\})'", text, re.DOTALL):
            prefix = next(prefix for prefix in BODIES if path.startswith(prefix))
            BODIES[prefix].model_validate_json(body)
            seen.add(prefix)
    assert seen == set(BODIES)


def test_the_example_of_a_token_is_accepted() -> None:
    """The Python that an EHR copies."""
    ((_, source),) = examples("python", "security.md")
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    secret = "s" * 32
    token = namespace["bridge_token"]("dr-adeyemi", "Tunde Adeyemi", ["doctor"], secret)
    verifier = TokenVerifier(
        TokenRules(secret, "orthanc-ehr-bridge", "our-ehr"), set(), FakeGrants(), lambda: datetime.now(UTC)
    )
    assert verifier.verify(token).may(Permission.VIEW)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_module_says_what_it_is(path: Path) -> None:
    """And the functions that decide or write: every public one of more than one statement, properties apart."""
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree) or not tree.body, "no module docstring"
    if {"services", "matching", "auth", "dicom", "plugin"} & set(path.relative_to(ROOT).parts):
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        holders: list[ast.Module | ast.ClassDef] = [tree, *classes]
        functions = [node for holder in holders for node in holder.body if isinstance(node, ast.FunctionDef)]
        for node in functions:
            is_public = not node.name.startswith("_") and not node.decorator_list
            assert not is_public or len(node.body) == 1 or ast.get_docstring(node), node.name
