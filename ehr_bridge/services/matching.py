"""What the judge would say to studies that have not come: look-up and verdict as on arrival, nothing stored."""

from __future__ import annotations

from collections.abc import Iterable

from ehr_bridge.db.database import Database
from ehr_bridge.matching import HeaderIdentity, Match, Rules
from ehr_bridge.services.match_lookup import give_opinion


class Matching:
    def __init__(self, database: Database, rules: Rules) -> None:
        self._database = database
        self.rules = rules

    def judge(self, identities: Iterable[HeaderIdentity]) -> list[Match]:
        """The verdict on each header, in their order."""
        with self._database.read() as session:
            return [give_opinion(session, identity, self.rules) for identity in identities]
