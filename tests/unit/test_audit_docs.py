"""Every action that the code audits has its codes and its line in docs/audit.md, and no other has."""

from __future__ import annotations

import ast
import re

from ehr_bridge.services.audit.codes import AUDIT_CODES, DCM, code_of
from tests.unit.doc_steps import MODULES, calls, rows
from tests.unit.doc_steps import code as first_span

MAKERS = {"Event", "study_event", "report_event", "share_event"}
PASSING = {"_Kind", "_note", "note", "_show_again"}
ACTION = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")


def actions_in_the_source() -> set[str]:
    """What stands in `Event("…")` or `study_event("…")`; where it is computed, every word of that form in the file."""
    found = set()
    for path in MODULES:
        text = path.read_text()
        told = list(calls(path)) if any(name in text for name in MAKERS | PASSING) else []
        events = [call for name, call in told if name in MAKERS and (call.args or call.keywords)]
        firsts = [call.args[0] if call.args else call.keywords[0].value for call in events]
        literal = {first.value for first in firsts if isinstance(first, ast.Constant)}
        found |= literal
        if len(firsts) > sum(isinstance(first, ast.Constant) for first in firsts):
            words = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
            found |= {word for word in words if isinstance(word, str) and ACTION.fullmatch(word)}
        found |= {word for name, call in told if name in PASSING for word in kinds(call)}
    return {word for word in found if isinstance(word, str)}


def kinds(call: ast.Call) -> set[str]:
    words = {node.value for node in ast.walk(call) if isinstance(node, ast.Constant)}
    return {word for word in words if isinstance(word, str) and ACTION.fullmatch(word)}


def test_every_action_is_coded_and_no_code_is_idle() -> None:
    """A new action without its place in DICOM and FHIR is not ready."""
    assert actions_in_the_source() == set(AUDIT_CODES)


def test_every_action_is_documented_with_its_codes() -> None:
    """Line by line, the meanings too."""
    table = {first_span(row[0]): tuple(row[2:]) for row in rows("audit.md", "Actions")}
    expected = {}
    for action in AUDIT_CODES:
        code = code_of(action)
        kind = f"{code.event_type} {DCM[code.event_type]}" if code.event_type else "none"
        expected[action] = (f"{code.event_id} {DCM[code.event_id]}", kind, code.action)
    assert table == expected
