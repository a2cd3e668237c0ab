"""The pages have words for every sentence that the server says of a field."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from ehr_bridge.wrong_values import FALLBACK, SENTENCES
from tests.support.server import ROOT

RULES = ROOT / "plugin" / "web" / "src" / "i18n" / "fieldMessage.ts"
REGEX = re.compile(r"^  \[/(\^.+)/, \"(\w+)\"\],$", re.MULTILINE)
VALIDATORS = ROOT / "ehr_bridge" / "api" / "http" / "schemas.py"
SAID = re.compile(r"raise ValueError\(\s*f?\"([^\"]+)\"", re.MULTILINE)


def _rules() -> list[tuple[re.Pattern[str], str]]:
    found = REGEX.findall(RULES.read_text())
    return [(re.compile(pattern.replace("(?<", "(?P<")), word) for pattern, word in found]


def _sentences() -> list[str]:
    """With something filled in; and what the validators of patients, orders and numbers say."""
    filled: defaultdict[str, str] = defaultdict(lambda: "7", expected="'a' or 'b'")
    sentences = [one.format_map(filled) for one in SENTENCES.values()]
    lengths = [f"write at {which} 2 {what}" for which in ("most", "least") for what in ("characters", "entries")]
    return sorted({*sentences, *lengths, "it is empty", FALLBACK, *SAID.findall(VALIDATORS.read_text())})


NOT_AT_A_DESK = (
    "a blank here may have been a plus sign",  # of an address, which no person writes
)


@pytest.mark.parametrize("sentence", _sentences())
def test_a_sentence_about_a_field_is_said_in_german(sentence: str) -> None:
    if sentence.startswith(NOT_AT_A_DESK):
        return
    words = [word for pattern, word in _rules() if pattern.search(sentence)]
    assert words, f"no rule of {RULES.name} fits: {sentence}"
    assert words[0] != "expected" or "'" in sentence, f"{RULES.name} has no words of its own for: {sentence}"
