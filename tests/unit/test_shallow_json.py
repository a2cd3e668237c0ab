"""JSON from outside is looked at before a parser descends into it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_bridge.shallow_json import DEEPEST, TooDeep, loads, require_shallow
from tests.support.nesting import SHAPES, nest
from tests.support.server import ROOT

DEPTHS = [DEEPEST + 1, 100, 600, 5_000, 50_000, 1_000_000]


def depth_of(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_nested_too_deep_is_refused_whole_cut_off_and_in_every_encoding(shape: str, depth: int) -> None:
    """JSON may come as UTF-8, UTF-16 or UTF-32; a parser descends into what never closes, too."""
    text = nest(shape, depth)
    opened = text.partition("1")[0]
    for sent in (text, opened, text.encode(), text.encode("utf-16"), text.encode("utf-32-be")):
        with pytest.raises(TooDeep):
            loads(sent)


def test_the_deepest_that_is_allowed_passes() -> None:
    """And brackets in strings do not count, escaped quotation marks or not."""
    assert depth_of(loads("[" * DEEPEST + "]" * DEEPEST)) == DEEPEST
    assert loads(json.dumps(["[" * 1000, '"' + "{" * 1000, "\\" * 3 + "[" * 1000])) != []
    assert len(loads(json.dumps([{"items": []}] * 10_000))) == 10_000


def test_a_quotation_mark_that_is_half_of_a_character_opens_no_string() -> None:
    """U+2200 holds the byte of a quotation mark in UTF-16; read as bytes, all that follows would look like a text."""
    text = '["\u2200",' + nest("[{}]", 600) + "]"
    with pytest.raises(TooDeep):
        loads(text.encode("utf-16"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(alphabet='[]{}"\\\n\u2200a'),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[]{}"\\a'), inner, max_size=3),
        max_leaves=60,
    )
)
def test_every_document_is_read_as_by_the_library_or_refused_for_its_depth(document: Any) -> None:
    """Nothing in between."""
    text = json.dumps(document, ensure_ascii=False)
    for sent in (text, text.encode(), text.encode("utf-16")):
        if depth_of(document) <= DEEPEST:
            assert loads(sent) == document
        else:
            with pytest.raises(TooDeep):
                loads(sent)


@given(st.text(alphabet='[]{}"\\:,a 1', max_size=300))
def test_nothing_that_passes_makes_a_parser_descend_further(text: str) -> None:
    """Whatever is not even JSON: the library's parser may only fail as it fails for what is shallow."""
    try:
        require_shallow(text)
    except TooDeep:
        return
    try:
        found = json.loads(text)
    except ValueError:
        return
    assert depth_of(found) <= DEEPEST


def test_a_thread_with_the_stack_of_an_http_thread_survives() -> None:
    """100 kB, as Orthanc's web server gives: in a process of its own, for without the look it would end there."""
    script = (
        "import threading; threading.stack_size(102400)\n"
        "from ehr_bridge.shallow_json import TooDeep, loads\n"
        "def run():\n"
        "    try: loads('[' * 50000)\n"
        "    except TooDeep: print('refused')\n"
        "thread = threading.Thread(target=run); thread.start(); thread.join()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout.strip()) == (0, "refused"), done.stderr
