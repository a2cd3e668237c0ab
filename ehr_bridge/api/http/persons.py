"""Who somebody is, in JSON: the same four facts wherever an answer names a person."""

from __future__ import annotations

from datetime import date

from ehr_bridge.api.patients import Sex
from ehr_bridge.api.schemas import Model


class PersonAnswer(Model):
    """Null, and `unknown` as the sex, is what nobody says."""

    mrn: str | None
    patient_name: str | None
    patient_birth_date: date | None
    patient_sex: Sex
