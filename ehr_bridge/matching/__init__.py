"""The match: to which patient and order a study belongs. Header and candidates in, a `Match` with evidence out. Pure.

It never guesses: equal evidence, a key whose patient disagrees, or agreement that relatives and namesakes share too is
left to a person.
"""

from ehr_bridge.matching.compare import Population
from ehr_bridge.matching.match import add_order, judge_order, match_study
from ehr_bridge.matching.model import (
    NAME_PARTS,
    Basis,
    Evidence,
    EvidenceGrade,
    HeaderIdentity,
    Match,
    MatchKind,
    OrderFacts,
    PatientFacts,
    RequestAttributes,
    StepFacts,
)
from ehr_bridge.matching.rules import Rules

__all__ = [
    "NAME_PARTS",
    "Basis",
    "Evidence",
    "EvidenceGrade",
    "HeaderIdentity",
    "Match",
    "MatchKind",
    "OrderFacts",
    "PatientFacts",
    "Population",
    "RequestAttributes",
    "Rules",
    "StepFacts",
    "add_order",
    "judge_order",
    "match_study",
]
