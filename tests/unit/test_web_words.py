"""The page has a word for everything it shows of ours that is a code, in each of its languages."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from ehr_bridge.matching.reasons import REASONS
from ehr_bridge.services.audit.codes import AUDIT_CODES
from ehr_bridge.services.system.state import ADVICE

ROOT = Path(__file__).resolve().parents[2]
I18N = ROOT / "plugin" / "web" / "src" / "i18n"
LANGUAGES = sorted(folder.name for folder in I18N.iterdir() if folder.is_dir())


def words(language: str, area: str, prefix: str) -> set[str]:
    """What stands behind a prefix among the keys of one file; only words with a dot stand for audit actions."""
    return set(re.findall(rf'^  "{re.escape(prefix)}\.([\w.]+)":', (I18N / language / area).read_text(), re.MULTILINE))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_audited_action_has_a_word_and_no_word_is_idle(language: str) -> None:
    """The audit page filters by these words, and a study's history is told in them."""
    assert words(language, "audit.ts", "audit.action") == set(AUDIT_CODES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_detail_of_an_audited_action_has_a_name(language: str) -> None:
    """Else a German auditor reads `read_back` beside the German words."""
    assert _details() - words(language, "auditDetail.ts", "audit.detail") == set()
    assert {"door", "modification_id", "read_back", "snapshot", "purge_after", "other_patient_id"} <= _details()


def _details() -> set[str]:
    """What the source says in detail of events: as a dictionary, or by name to a function that takes `**detail`."""
    found: set[str] = set()
    for path in sorted((ROOT / "ehr_bridge").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            found |= _said_by_name(node)
            for part in _detail_in(node):
                literals = [one for one in ast.walk(part) if isinstance(one, ast.Dict)]
                keys = [key.value for one in literals for key in one.keys if isinstance(key, ast.Constant)]
                found |= {key for key in keys if isinstance(key, str)}
    return found


@cache
def _takers() -> dict[str, set[str]]:
    """The functions that take `**detail`, and what else each of them takes by name."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "ehr_bridge").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.args.kwarg and node.args.kwarg.arg == "detail":
                named = [*node.args.args, *node.args.kwonlyargs]
                found.setdefault(node.name, set()).update(one.arg for one in named)
    return found


def _said_by_name(node: ast.AST) -> set[str]:
    if not isinstance(node, ast.Call):
        return set()
    called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    taken = _takers().get(called)
    return set() if taken is None else {one.arg for one in node.keywords if one.arg} - taken


def _detail_in(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.Call):
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        further = node.args[1:] if called in {"Event", "study_event", "share_event"} else []
        return [*further, *(one.value for one in node.keywords if one.arg == "detail")]
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [node.value] if any(isinstance(one, ast.Name) and one.id == "detail" for one in targets) else []
    return [node] if isinstance(node, ast.FunctionDef) and "detail" in node.name else []


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_to_act_on_has_a_word_and_says_what_to_do(language: str) -> None:
    """The System page in the reader's own language."""
    assert {word for word in words(language, "system.ts", "system.act") if "." not in word} == set(ADVICE)
    assert words(language, "system.ts", "system.act.todo") == set(ADVICE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_of_a_match_has_words_with_the_same_blanks(language: str) -> None:
    """A German page says in German why images fit or do not; the English one says what the API says."""
    text = (I18N / language / "reasons.ts").read_text()
    found = dict(re.findall(r'^  "reason\.(\w+)": "(.+)",$', text, re.MULTILINE))
    assert set(found) == set(REASONS)
    for reason, words in REASONS.items():
        assert set(re.findall(r"\{\w+\}", found[reason])) == set(re.findall(r"\{\w+\}", words)), reason
    if language == "en":
        assert found == dict(REASONS)


def test_there_is_more_than_one_language() -> None:
    """Should the folders move, the tests above would pass on nothing."""
    assert {"en", "de"} <= set(LANGUAGES)
