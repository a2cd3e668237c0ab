"""Who somebody is, in JSON: the same four facts wherever an answer names a person."""

from __future__ import annotations

from datetime import date

from ehr_bridge.api.http.schemas import Model
from ehr_bridge.api.registry.patients import Sex


class PersonAnswer(Model):
    """Null, and `unknown` as the sex, is what nobody says."""

    mrn: str | None
    patient_name: str | None
    patient_birth_date: date | None
    patient_sex: Sex
