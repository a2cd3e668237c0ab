"""Headers as modalities of many makers write them (`data/headers.json`), filled in for a patient and an order."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ehr_bridge.matching import HeaderIdentity, PatientFacts

FILE = Path(__file__).with_name("data") / "headers.json"
SPELLINGS = {"ü": ("u", "ue"), "ö": ("o", "oe"), "å": ("a", "aa"), "ß": ("ss", "ss")}
"""How modalities write what they cannot."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A published header, its identity left open."""

    maker: str
    model: str
    source: str
    header: Mapping[str, Any]

    @property
    def modality(self) -> str:
        return str(self.header["Modality"])


@cache
def samples() -> tuple[Sample, ...]:
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple(Sample(row["maker"], row["model"], row["source"], row["header"]) for row in rows)


def filled(sample: Sample, patient: PatientFacts, accession_number: str, chance: random.Random) -> dict[str, Any]:
    """The header for this patient and order, by DICOM keyword."""
    way = chance.randrange(2)
    family, given = (_plain(name or "", way) for name in (patient.family_name, patient.given_name))
    values = {
        "{mrn}": patient.mrn,
        "{FAMILY}": family.upper(),
        "{GIVEN}": given.upper(),
        "{Family}": family.title(),
        "{Given}": given.title(),
        "{born}": f"{patient.birth_date:%Y%m%d}" if patient.birth_date else "",
        "{sex}": {"female": "F", "male": "M"}.get(patient.sex, ""),
        "{accession}": accession_number,
        "{issuer}": patient.issuer or "CCHS",
    }
    return {keyword: _fill(value, values) for keyword, value in sample.header.items()}


def identity_of(header: Mapping[str, Any], study_date: str) -> HeaderIdentity:
    """As `identity.attributes.read_identity` reads it from a file."""
    requested = (header.get("RequestAttributesSequence") or [{}])[0]

    def said(keyword: str) -> str:
        return str(requested.get(keyword) or header.get(keyword) or "")

    return HeaderIdentity(
        study_instance_uid=said("StudyInstanceUID"),
        accession_number=said("AccessionNumber"),
        patient_id=said("PatientID"),
        issuer_of_patient_id=said("IssuerOfPatientID"),
        patient_name=said("PatientName"),
        patient_birth_date=said("PatientBirthDate"),
        patient_sex=said("PatientSex"),
        scheduled_procedure_step_id=said("ScheduledProcedureStepID"),
        requested_procedure_id=said("RequestedProcedureID"),
        modality=said("Modality"),
        study_date=study_date,
        body_part=said("BodyPartExamined"),
        laterality=said("Laterality"),
    )


def accented(name: str) -> str:
    """A name as an EHR has it that knows letters beyond ASCII: Müller, Søren's neighbours."""
    for plain, own in (("ss", "ß"), ("u", "ü"), ("o", "ö"), ("a", "å")):
        if plain in name:
            return name.replace(plain, own, 1)
    return name


def _plain(name: str, way: int) -> str:
    for letter, spellings in SPELLINGS.items():
        name = name.replace(letter, spellings[way])
    return name


def _fill(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [{keyword: _fill(one, values) for keyword, one in item.items()} for item in value]
    text = str(value)
    for placeholder, said in values.items():
        text = text.replace(placeholder, said)
    return text
