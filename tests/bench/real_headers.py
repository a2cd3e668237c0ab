"""scripts/bench headers --folder DIR: studies of real modalities, sent as they are to a real server; what share links.

For each study of the folders (any files; what is no DICOM is left out) the EHR first registers what the header itself
says: the patient by ID, name, birth date, sex and issuer, and, where there is an accession number, an order with it and
the modality. Then every file is sent, unchanged and without a word about whose it is. Counted by maker: studies whose
order is known and that are linked to it, studies whose patient alone is known and that are linked to them, and wrong
ones: linked to anybody or any order but what their own header names. Of every other study it is told why.

A study with no patient ID, or one that no EHR would take, is sent all the same: nobody may be linked to it. Where two
headers of a folder give one number to two people, the first one has it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pydicom
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

from ehr_bridge.matching.dates import parse_da
from tests.support.server import Server, user_token

SEXES = {"M": "male", "F": "female", "O": "other"}
NAME_PARTS = {
    "family_name": "family_name",
    "given_name": "given_name",
    "middle_name": "middle_name",
    "prefix": "name_prefix",
    "suffix": "name_suffix",
}
"""Of a patient, and what pydicom calls them."""
CREATED = 201
KINDS = ("order", "patient", "nobody")


@dataclass(slots=True)
class RealStudy:
    """Files of one study, and what became of them."""

    header: Dataset
    """Of its first file."""
    name: str
    """That file, from the folder on."""
    files: list[Path] = field(default_factory=list)
    known: str = "nobody"
    """What was registered before it was sent: order, patient or nobody."""
    outcome: str = ""
    """linked, wrong, waits or refused."""
    why: str = ""

    def said(self, keyword: str) -> str:
        return str(self.header.get(keyword) or "").strip()

    @property
    def maker(self) -> str:
        return self.said("Manufacturer") or "(no maker)"


def main(arguments: Sequence[str]) -> int:
    """Send and count; the last line is JSON. Returns the exit code: 1 where anything is linked wrongly."""
    parser = argparse.ArgumentParser(prog="scripts/bench headers", description="Send real files and count links.")
    parser.add_argument("--folder", type=Path, action="append", required=True, help="with DICOM files; may be repeated")
    folders: list[Path] = parser.parse_args(arguments).folder
    if missing := [folder for folder in folders if not folder.is_dir()]:
        parser.error(f"there is no folder {missing[0]}")
    studies = studies_of(folders)
    with tempfile.TemporaryDirectory(prefix="ehr-bridge-bench-") as data:
        server = Server(Path(data))
        server.start()
        try:
            register(server, studies)
            for study in studies:
                send(server, study)
        finally:
            server.stop()
    print(f"headers: {len(studies)} studies, {sum(len(study.files) for study in studies)} files")
    print("\n".join(table(studies)))
    counts = Counter((study.known, study.outcome) for study in studies)
    print(json.dumps({f"{known} known": _said(counts, known) for known in KINDS}))
    return 1 if any(study.outcome == "wrong" for study in studies) else 0


def studies_of(folders: Sequence[Path]) -> list[RealStudy]:
    """The studies in the order of their first files."""
    found: dict[str, RealStudy] = {}
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            with suppress(Exception):  # whatever pydicom makes of a file that is no DICOM
                header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
                uid = str(header.get("StudyInstanceUID") or "")
                if uid and header.get("SOPInstanceUID"):
                    name = str(path.relative_to(folder))
                    found.setdefault(uid, RealStudy(header, name)).files.append(path)
    return list(found.values())


def register(server: Server, studies: Sequence[RealStudy]) -> None:
    """Tell the server, as an EHR, what the headers say; the first header that names a number has it."""
    people: dict[str, dict[str, Any]] = {}
    orders: dict[str, str] = {}
    for study in studies:
        mrn, number = study.said("PatientID"), study.said("AccessionNumber")
        person = person_of(study.header)
        if not mrn or people.get(mrn, person) != person:
            study.why = "another person has this patient ID" if mrn else "no patient ID"
            continue
        answer = server.put(f"/api/v1/patients/{quote(mrn, safe='')}", person)
        if not answer.ok:
            study.why = f"the EHR would not take the patient: {answer.json().get('detail')}"
            continue
        people[mrn] = person
        study.known = "patient"
        if number and number not in orders:
            answer = server.put(f"/api/v1/orders/{quote(number, safe='')}", order_of(study))
            if answer.ok:
                orders[number] = mrn
        if orders.get(number) == mrn:
            study.known = "order"


def person_of(header: Dataset) -> dict[str, Any]:
    """The patient, as `PUT patients` takes them; what is no date is unknown."""
    name = PersonName(header.get("PatientName") or "")
    born = parse_da(str(header.get("PatientBirthDate") or ""))
    return {
        **{part: getattr(name, attribute).strip() or None for part, attribute in NAME_PARTS.items()},
        "birth_date": born.isoformat() if born else None,
        "sex": SEXES.get(str(header.get("PatientSex") or ""), "unknown"),
        "issuer": str(header.get("IssuerOfPatientID") or "").strip() or None,
    }


def order_of(study: RealStudy) -> dict[str, Any]:
    """The order, as `PUT orders` takes it."""
    day = study.said("StudyDate")
    scheduled_at = f"{day[:4]}-{day[4:6]}-{day[6:]}T09:00:00Z" if len(day) == 8 else None
    return {
        "mrn": study.said("PatientID"),
        "modality": study.said("Modality"),
        "description": "as the header says",
        "scheduled_at": scheduled_at,
    }


def send(server: Server, study: RealStudy) -> None:
    """Send every file, and note what became of the study."""
    token, headers = user_token("technician"), {"Content-Type": "application/dicom"}
    matches, refusals = [], []
    for path in study.files:
        answer = server.request("POST", "/api/v1/dicom/upload", token, data=path.read_bytes(), headers=headers)
        if answer.status_code == CREATED:
            matches.append(answer.json()["studies"][0]["match"])
        else:
            refusals.append(_refusal(answer.json()))
    if not matches:
        study.outcome, study.why = "refused", refusals[0]
        return
    seen = server.get(f"/api/v1/dicom/studies/{study.said('StudyInstanceUID')}", "technician").json()
    number = seen["accession_number"] if seen["order_id"] else None
    if seen["link_status"] != "linked":
        study.outcome, study.why = "waits", study.why or _doubts(matches[0])
    elif study.known == "nobody" or seen["mrn"] != study.said("PatientID"):
        study.outcome, study.why = "wrong", f"linked to {seen['mrn']}"
    elif number not in (None, study.said("AccessionNumber")):
        study.outcome, study.why = "wrong", f"linked to order {number}"
    elif study.known == "order" and number is None:
        study.outcome, study.why = "waits", "linked to the patient, not to the order"
    else:
        study.outcome = "linked"


def table(studies: Sequence[RealStudy]) -> Iterator[str]:
    """What became of the studies of each maker, and why the others are not linked."""
    makers = Counter(study.maker for study in studies)
    for maker in sorted(makers):
        counts = Counter((study.known, study.outcome) for study in studies if study.maker == maker)
        yield f"  {maker[:38]:<40}" + "; ".join(f"{known} known: {_said(counts, known)}" for known in _known(counts))
    for study in studies:
        if study.outcome != "linked":
            yield f"    {study.outcome}: {study.name} ({study.known} known): {study.why}"


def _said(counts: Counter[tuple[str, str]], known: str) -> dict[str, int]:
    mine = {outcome: count for (kind, outcome), count in sorted(counts.items()) if kind == known}
    return {"studies": sum(mine.values()), **mine}


def _known(counts: Counter[tuple[str, str]]) -> list[str]:
    return [known for known in KINDS if any(kind == known for kind, _ in counts)]


def _doubts(match: dict[str, Any]) -> str:
    """What a verdict says against the study's being linked, or else what it misses."""
    lines = match["evidence"]
    doubts = [line for line in lines if line["agrees"] is False] or [line for line in lines if line["agrees"] is None]
    return f"{match['kind']}: " + "; ".join(f"{line['field']} {line['detail']}" for line in doubts)


def _refusal(body: dict[str, Any]) -> str:
    failed = [one["error"] for one in body.get("instances", []) if one.get("error")]
    return str((failed[0] if failed else body).get("code"))
