"""scripts/bench linkage: how well studies find their patients, on people nobody here invented.

A scorer that belongs to the workshop, not to the product (`--tool`, or LINKAGE_EVAL) turns the public FEBRL sets into
DICOM headers and patients of an EHR: absent patients, look-alikes (twins, namesakes), masked, mistyped and colliding
numbers. The patients go into a real database, the headers through the very look-up and verdict that every arrival and
`POST /api/v1/match` use, and the scorer counts. Linked is what is `automatic` under the setting named in the output.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import os
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.matching import Basis, HeaderIdentity, Match, PatientFacts, Rules
from ehr_bridge.services.intake.prediction import Matching
from tests.bench.people import judge_all, person_id, write_patients

TOOL = Path(__file__).resolve().parents[2].parent / "shared" / "tools" / "linkage_eval.py"
AT_ONCE = 500
"""Headers of one request."""


def main(arguments: Sequence[str]) -> int:
    """Judge and score; the last line is JSON. Returns the exit code."""
    options = _parse(arguments)
    tool = load(options.tool)
    rules = Rules(automatic=Basis(options.automatic), probability=options.probability)
    print(f"linkage: automatic={rules.automatic} probability={rules.probability}")
    results = []
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as folder:
        database = Database(options.database_url or f"sqlite:///{folder}/linkage.sqlite3")
        migrate.upgrade(database)
        for seed in options.seeds or [tool.DEFAULT_SEED]:
            for base, variant, mrn, collide in tool.STANDARD:
                data = Path(folder) / f"{seed}-{tool.set_name(base, variant, mrn, collide)}"
                with contextlib.redirect_stdout(io.StringIO()):
                    tool.build(str(data), base, variant, mrn, seed, None, collide)
                results.append(_score(tool, data, Matching(database, rules), database))
                print(_line(results[-1]), flush=True)
        database.dispose()
    print(json.dumps(_pool(results)))
    return 0


def _score(tool: ModuleType, data: Path, matching: Matching, database: Database) -> dict[str, Any]:
    patients = json.loads((data / "patients.json").read_text())
    headers = json.loads((data / "headers.json").read_text())
    names = {person_id(one["patient_id"]): one["patient_id"] for one in patients}
    write_patients(database, [patient_of(one) for one in patients])
    begin = time.perf_counter()
    predictions: dict[str, Any] = {}
    for start in range(0, len(headers), AT_ONCE):
        some = headers[start : start + AT_ONCE]
        matches = judge_all(matching, map(header_of, some))
        predictions |= {one["header_id"]: _prediction(m, names) for one, m in zip(some, matches, strict=True)}
    took = time.perf_counter() - begin
    report = dict(tool.evaluate(str(data), predictions))
    return {**report, "ms": took * 1000 / len(headers)}


def _prediction(match: Match, names: dict[Any, str]) -> dict[str, Any]:
    accepted = names[match.patient_id] if match.is_automatic else None
    return {"patient_id": accepted, "verdict": match.kind.value, "score": match.score}


def patient_of(row: dict[str, Any]) -> PatientFacts:
    """Somebody of a set as a patient of an EHR."""
    born = None
    with contextlib.suppress(TypeError, ValueError):  # the sets hold dates that are none; an EHR would not take them
        born = date.fromisoformat(row["birth_date"])
    return PatientFacts(
        person_id(row["patient_id"]), row["mrn"], None, row["family_name"], row["given_name"], born, "unknown"
    )


def header_of(row: dict[str, Any]) -> HeaderIdentity:
    """A header of a set."""
    return HeaderIdentity("", "", row["PatientID"], "", row["PatientName"], row["PatientBirthDate"], row["PatientSex"])


def _line(report: dict[str, Any]) -> str:
    counts = report["all"]
    stolen = report["strata"].get("id collides", {}).get("wrong", 0)
    return (
        f"{report['data']:<36} recall {counts['recall']:.4f}  accepted {counts['accepted']:5}  wrong {counts['wrong']}"
        f"  to the owner of a stray id {stolen}  {report['ms']:.2f} ms/header"
    )


def _pool(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Recall and wrong links, pooled over sets of one kind."""
    kinds = {
        "all": "",
        "hard": "-hard-",
        "hard_full": "-hard-full",
        "hard_half": "-hard-half",
        "base_full": "-base-full",
        "collide": "-collide",
    }
    pooled: dict[str, Any] = {}
    for kind, part in kinds.items():
        is_end = part.endswith(("-full", "-half"))
        counts = [r["all"] for r in results if (r["data"].endswith(part) if is_end else part in r["data"])]
        if not counts:
            continue
        accepted, wrong, correct, known = (
            sum(one[name] for one in counts) for name in ("accepted", "wrong", "correct", "matchable")
        )
        pooled[kind] = {"recall": round(correct / known, 4), "accepted": accepted, "wrong": wrong}
    return pooled


def load(path: Path) -> ModuleType:
    """The scorer as a module."""
    spec = importlib.util.spec_from_file_location("linkage_eval", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench linkage", description="Score the matcher on public people.")
    parser.add_argument("--tool", type=Path, default=Path(os.environ.get("LINKAGE_EVAL", TOOL)), help="the scorer")
    parser.add_argument("--seeds", type=int, nargs="*", help="of the sets (the scorer's own one)")
    parser.add_argument("--automatic", choices=[str(basis) for basis in list(Basis)[:4]], default="demographics")
    parser.add_argument("--probability", type=float, default=Rules().probability)
    parser.add_argument("--database-url", help="an empty database (a new SQLite file)")
    options = parser.parse_args(arguments)
    if not options.tool.is_file():
        parser.error(f"there is no scorer at {options.tool}; name it with --tool or LINKAGE_EVAL")
    return options
