"""An opinion on whom a study belongs to: header and candidates in, a `Match` with evidence out. Pure.

It never guesses: equal evidence for two orders, or a key whose patient disagrees, is `ambiguous`.
"""

from ehr_bridge.matching.match import match_study
from ehr_bridge.matching.model import (
    Evidence,
    HeaderIdentity,
    Match,
    MatchKind,
    OrderFacts,
    PatientFacts,
)

__all__ = ["Evidence", "HeaderIdentity", "Match", "MatchKind", "OrderFacts", "PatientFacts", "match_study"]
