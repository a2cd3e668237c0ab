"""Files that others made: those that the pydicom wheel ships, and those of a folder that `pytest --testdata` names.

The suite needs nothing outside the clone. Whoever has more real files names their folder, and every test over real
files reads them too.
"""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file

WHEEL = Path(pydicom.__file__).parent / "data"
_NOT_DICOM = {".py", ".pyc", ".txt", ".md", ".json", ".dump", ".gz", ".icc"}
_named: list[Path] = []


def name_folder(folder: Path) -> None:
    """Read this folder too."""
    assert folder.is_dir(), f"--testdata: no folder {folder}"
    _named.append(folder)


def named_folders() -> tuple[Path, ...]:
    """The folders that the command line names."""
    return tuple(_named)


def wheel_file(name: str) -> bytes:
    """One of the files that pydicom ships.

    Raises:
        ValueError: this pydicom has none of that name.
    """
    return Path(str(get_testdata_file(name, download=False))).read_bytes()


@cache
def wheel_files() -> tuple[Path, ...]:
    """Every file with DICOM in it that the pydicom wheel ships."""
    return tuple(_files(WHEEL / "test_files")) + tuple(_files(WHEEL / "charset_files"))


def real_files() -> tuple[Path, ...]:
    """Those of the wheel and of the folders that the command line names."""
    return wheel_files() + tuple(path for folder in _named for path in _files(folder))


def hl7_files() -> tuple[Path, ...]:
    """HL7 v2 messages in the folders that the command line names."""
    return tuple(path for folder in _named for path in sorted(folder.rglob("*.hl7")))


def mr_series() -> list[bytes]:
    """A real MR series, seven slices."""
    folder = WHEEL / "test_files" / "dicomdirtests" / "98892003" / "MR700"
    return [path.read_bytes() for path in sorted(folder.iterdir())]


def too_long(data: bytes) -> bytes:
    """A file as a vendor wrote it: behind the last element stands as much again that is no DICOM."""
    return data + bytes(range(1, 256)) * (len(data) // 255)


def lossless_jpeg(data: bytes) -> bytes:
    """The same image as DCMTK encodes it (process 14, selection value 1)."""
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = Path(folder) / "plain.dcm", Path(folder) / "packed.dcm"
        plain.write_bytes(data)
        subprocess.run(["/usr/bin/dcmcjpeg", "+e1", plain, packed], check=True, timeout=20)
        return packed.read_bytes()


def longest_side(data: bytes) -> int:
    """Rows or columns, whatever is more."""
    ds = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
    return max(int(ds.Rows), int(ds.Columns))


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in _NOT_DICOM and "LICENSE" not in path.name:
            yield path
