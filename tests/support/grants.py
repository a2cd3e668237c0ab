"""Grants that a test holds in memory, in place of the database."""

from __future__ import annotations

from ehr_bridge.errors import Unavailable


class FakeGrants:
    """Every viewer token is ours unless it is said otherwise, and opens these studies."""

    def __init__(self, *studies: str, issued: bool = True) -> None:
        self.now = frozenset(studies)
        self.of: dict[str, frozenset[str]] = {}
        self._issued = issued
        self.is_away = False
        """As when the database does not answer."""

    def issued(self, token: str, token_id: str) -> str | None:
        if self.is_away:
            raise Unavailable("database_unavailable", "away")
        return token_id if self._issued else None

    def of_patient(self, patient: str) -> str:
        return f"patient {patient}"

    def studies(self, key: str) -> frozenset[str] | None:
        return self.of.get(key, self.now)
