"""`ehr-bridge load` against the real server."""

from __future__ import annotations

import csv
import subprocess
import uuid
from pathlib import Path

from tests.live.account_steps import command, program
from tests.support.server import Server, user_token

HEADER = ["file", "line", "field", "code", "reason"]


def files(folder: Path, prefix: str) -> tuple[str, str]:
    """1,200 patients, one of them born in no year, and three orders, one of them for nobody."""
    patients, orders = folder / "patients.csv", folder / "orders.csv"
    rows = [f"{prefix}-{n};Müller{n};Jörg;1961-03-14;male" for n in range(1200)]
    rows[700] = f"{prefix}-700;Müller;Jörg;never;male"
    patients.write_text("\n".join(["mrn;family_name;given_name;birth_date;sex", *rows]), encoding="utf-8-sig")
    told = [f"{prefix}A{n},{prefix}-{n},CT,CT chest" for n in (0, 1199)] + [f"{prefix}A2,{prefix}-x,CT,CT chest"]
    orders.write_text("\n".join(["accession_number,mrn,modality,description", *told]), encoding="utf-8")
    return str(patients), str(orders)


def found(server: Server, prefix: str) -> int:
    return int(server.get(f"/api/v1/patients?q={prefix}-", "nurse").json()["total"])


def test_files_are_checked_loaded_and_loaded_again(server: Server, tmp_path: Path) -> None:
    """A dry run says what will be and keeps nothing; a report names what was refused; a repetition changes nothing."""
    prefix = uuid.uuid4().hex[:6].upper()
    patients, orders = files(tmp_path, prefix)
    report = tmp_path / "refused.csv"

    def loads(*options: str, **more: str) -> subprocess.CompletedProcess[str]:
        return command(server, "load", orders, patients, "--report", str(report), *options, **more)

    tried = loads("--dry-run")
    assert tried.returncode == 3, tried.stderr
    assert "1201 would be created, 0 would be updated or the same, 2 refused" in tried.stdout
    assert found(server, prefix) == 0
    refused = list(csv.reader(report.open(encoding="utf-8")))
    assert [row[:4] for row in refused] == [
        HEADER[:4],
        ["patients.csv", "702", "birth_date", "invalid_request"],
        ["orders.csv", "4", "", "patient_not_found"],
    ]
    loaded = loads()
    assert loaded.returncode == 3 and "1201 created, 0 updated or the same, 2 refused" in loaded.stdout
    assert found(server, prefix) == 1199
    assert list(csv.reader(report.open(encoding="utf-8"))) == refused
    again = loads("--token-stdin", typed=user_token("service", subject="ehr"))
    assert again.returncode == 3 and "0 created, 1201 updated or the same, 2 refused" in again.stdout
    assert "Müller" not in loaded.stdout + loaded.stderr + report.read_text(encoding="utf-8")


def test_a_token_that_may_not_write_stops_it(server: Server, tmp_path: Path) -> None:
    """With the reason, and nothing is loaded."""
    prefix = uuid.uuid4().hex[:6].upper()
    patients, _ = files(tmp_path, prefix)
    stopped = program(server, "load", patients, "--token-stdin", typed=user_token("nurse"))
    assert stopped.returncode == 1 and "permission_missing" in stopped.stderr
    assert found(server, prefix) == 0
    assert command(server, "load", patients, "--token-stdin").returncode == 2
