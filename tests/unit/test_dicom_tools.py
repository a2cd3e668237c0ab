"""Coerced files under the eyes of others' tools: dciodvfy (dicom3tools) and DCMTK."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings

from ehr_bridge.dicom import coerce, read_header, require_storable
from ehr_bridge.errors import RefusedInstance
from tests.support.material import wheel_files
from tests.unit.dicom_samples import dcmdump
from tests.unit.property_steps import WANTED, files, wishes

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DCIODVFY = Path(sys.executable).with_name("dciodvfy")
LARGEST = 200_000


def errors(path: Path) -> Counter[bytes]:
    """What dciodvfy finds wrong, each complaint with how often."""
    run = subprocess.run([DCIODVFY, str(path)], capture_output=True, check=False, timeout=60)
    return Counter(line.strip() for line in run.stderr.splitlines() if line.startswith(b"Error"))


def new_errors(folder: Path, number: int, path: Path) -> Counter[bytes]:
    """What dciodvfy finds wrong with a file only after it was coerced."""
    data = path.read_bytes()
    try:
        coerced = coerce(read_header(data), WANTED[number % 3], when=WHEN, modifying_system="EHR", source="me").data
    except RefusedInstance:
        return Counter()
    assert coerced != data
    before, after = folder / f"{number}-before.dcm", folder / f"{number}-after.dcm"
    before.write_bytes(data)
    after.write_bytes(coerced)
    return errors(after) - errors(before)


def one_of_each_kind() -> list[Path]:
    kinds: dict[tuple[str, str], Path] = {}
    for path in wheel_files():
        if path.stat().st_size < LARGEST:
            with suppress(RefusedInstance):
                header = read_header(path.read_bytes())
                require_storable(header)
                kinds.setdefault((header.sop_class_uid, header.transfer_syntax_uid), path)
    return list(kinds.values())


def test_dciodvfy_finds_nothing_wrong_that_was_not_wrong_before(tmp_path: Path) -> None:
    """Every kind of object in every transfer syntax that pydicom ships, in three scripts in turn."""
    paths = one_of_each_kind()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda pair: new_errors(tmp_path, *pair), enumerate(paths)))
    assert {path.name: dict(new) for path, new in zip(paths, found, strict=True) if new} == {}
    assert len(list(tmp_path.glob("*-after.dcm"))) > 25


@settings(max_examples=25, deadline=None, database=None)
@given(files(), wishes())
def test_dcmtk_reads_whatever_we_make_of_generated_files(data: bytes, wanted: dict[str, str]) -> None:
    """DCMTK complains of the coerced file only if it complained of the one that came."""
    try:
        coerced = coerce(read_header(data), wanted, when=WHEN, modifying_system="EHR").data
    except RefusedInstance:
        return
    try:
        dcmdump(data, convert=False)
    except AssertionError:
        return
    dcmdump(coerced, convert=False)
