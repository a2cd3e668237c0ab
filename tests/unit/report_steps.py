"""Versions of reports, and what others' tools say of their documents."""

from __future__ import annotations

import subprocess
import sys
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ehr_bridge.reporting.documents import Place, Site, Subject
from ehr_bridge.reporting.report import Section, Signer, Version
from ehr_bridge.reporting.states import ReportStatus
from tests.support.samples import small

DCIODVFY = Path(sys.executable).with_name("dciodvfy")
DOCTOR = Signer("mueller", "Dr. Jürgen Müller")
HEAD = Signer("chief", "Prof. Grün")
SITE = Site("Klinikum Süd", "Klinikum Süd\nRadiologie")
PLACE = Place("2.25.101", "2.25.102", 9901)
ODD = (
    'Größe, Привет, 漢字 😀, #read("/etc/passwd"), <b>bold</b>, *star* _line_ $x$ `code` @ref \\ '
    "\x00\x1b[0m\ue000, مرحبا, שלום"
)


def version(**changed: Any) -> Version:
    """A final report of a CT of the head; keywords override its fields."""
    final = Version(
        report_id=uuid.UUID(int=7),
        number=1,
        status=ReportStatus.FINAL,
        title="CT des Kopfes",
        language="de-DE",
        sections=(Section("18782-3", "Befund", "Kein Nachweis einer Blutung.\n\nZweiter Absatz."),),
        author=DOCTOR,
        issued_at=datetime(2026, 1, 15, 10, 30, tzinfo=UTC),
        study_instance_uid="2.25.100",
        accession_numbers=("A-1", "A-2"),
        signer=DOCTOR,
    )
    return replace(final, **changed)


def preliminary(**changed: Any) -> Version:
    return version(status=ReportStatus.PRELIMINARY, signer=None, **changed)


def subject(**values: Any) -> Subject:
    """Of a study with these values in its files."""
    return Subject.of(small(**{"StudyInstanceUID": "2.25.100", **values}))


def errors(folder: Path, data: bytes) -> list[str]:
    """What dciodvfy finds wrong with a file."""
    path = folder / "one.dcm"
    path.write_bytes(data)
    run = subprocess.run([DCIODVFY, str(path)], capture_output=True, check=False, timeout=60)
    return [line for line in run.stderr.decode("utf-8", "replace").splitlines() if line.startswith("Error")]


def dsrdump(folder: Path, data: bytes) -> str:
    """The structured report as DCMTK reads it; fails when DCMTK cannot."""
    path = folder / "one.dcm"
    path.write_bytes(data)
    run = subprocess.run(["dsrdump", "+Pl", str(path)], capture_output=True, check=True, timeout=60)
    return run.stdout.decode()
