"""Headers and orders, and how strongly they agree."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date
from typing import Any

from ehr_bridge.matching import Evidence, HeaderIdentity, OrderFacts, PatientFacts, match_study

ASA = PatientFacts(uuid.uuid4(), "1000471", None, "Lindqvist", "Åsa", date(1961, 3, 14), "female")
ORDER = OrderFacts(uuid.uuid4(), "ACC-1", "2.25.1", False, ASA)
HEADER = HeaderIdentity("1.2.3", "ACC-1", "1000471", "", "Lindqvist^Åsa", "19610314", "F")


def line(field: str, patient: PatientFacts = ASA, **said: Any) -> Evidence:
    match = match_study(replace(HEADER, **said), [replace(ORDER, patient=patient)])
    return next(line for line in match.evidence if line.field == field)


def named(family: str, given: str) -> PatientFacts:
    return replace(ASA, family_name=family, given_name=given)
