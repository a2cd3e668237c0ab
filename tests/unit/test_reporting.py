"""The report of a run of the suite."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.support.reporting import ROOT, failures, heaviest, read, versions, write

SUITE = """
import pytest

@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a(engine): pass

def test_b(): assert False

def test_c(): pytest.skip("why")

@pytest.fixture
def broken(): raise RuntimeError

def test_d(broken): pass
"""

TOOK = '<properties><property name="processor_seconds" value="7.25"/></properties>'


def test_it_counts_what_pytest_says_and_names_the_databases(tmp_path: Path) -> None:
    """Failures, errors and skips of a real run; one file is one capability."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=said/one.xml", "tests"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    ((path, tally),) = read(tmp_path / "said").items()
    assert path == "tests/test_it.py"
    assert (tally.tests, tally.failed, tally.skipped, tally.outcome) == (5, 2, 1, "failed")
    assert tally.databases == {"sqlite", "postgresql"}


def test_the_report_says_what_was_tested_in_words(tmp_path: Path) -> None:
    """The words are the first line of the test file."""
    case = f'<testcase classname="tests.unit.test_reporting" name="test_x[sqlite]" time="1.6">{TOOK}</testcase>'
    (tmp_path / "one.xml").write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>")
    text = write(read(tmp_path), "pages   3 s  passed\n", list(versions()), datetime(2026, 1, 31, 9, 5, tzinfo=UTC))
    assert "2026-01-31 09:05 UTC: 1 tests in 1 files, 0 failed, 0 skipped" in text
    row = "| passed | The report of a run of the suite. | 1 | 0 | 0 | sqlite | 2 | 7 | tests/unit/test_reporting.py |"
    assert row in text
    assert "pages   3 s  passed" in text and "pydicom 3" in text and "not known" not in text.split("orthanc")[0]


def test_what_a_test_and_its_processes_take_of_the_processor_is_told_for_its_file(tmp_path: Path) -> None:
    """By the hooks of tests/conftest.py, in a run of its own."""
    burns = "import time\nwhile time.process_time() < 0.6: pass"
    (tmp_path / "test_it.py").write_text(
        f"import subprocess, sys\ndef test_a(): subprocess.run([sys.executable, '-c', {burns!r}], check=True)\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest"]
    command += ["--rootdir", str(tmp_path), f"--junitxml={tmp_path}/said/one.xml", str(tmp_path / "test_it.py")]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    ((path, tally),) = read(tmp_path / "said").items()
    assert path == "test_it.py" and tally.processor >= 0.3
    assert f"{tally.processor:6.0f} s  test_it.py" in heaviest({path: tally})


def test_the_end_of_a_run_names_what_failed(tmp_path: Path) -> None:
    """The last lines of a long log are what a person sees of it."""
    failed = '<failure message="AssertionError: assert 1 == 2&#10;  more">long</failure>'
    cases = f'<testcase classname="tests.unit.test_a" name="test_x">{failed}</testcase>'
    cases += '<testcase classname="tests.unit.test_a" name="test_y"/>'
    assert failures(tmp_path) == ""
    (tmp_path / "one.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    assert failures(tmp_path) == "failed:\n  tests/unit/test_a.py::test_x: AssertionError: assert 1 == 2 more\n"
