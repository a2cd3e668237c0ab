"""Grants that a test holds in memory, in place of the database."""

from __future__ import annotations


class FakeGrants:
    """Every viewer token is ours unless it is said otherwise, and opens these studies."""

    def __init__(self, *studies: str, issued: bool = True) -> None:
        self.now = frozenset(studies)
        self.of: dict[str, frozenset[str]] = {}
        self._issued = issued

    def issued(self, token: str, token_id: str) -> str | None:
        return token_id if self._issued else None

    def of_patient(self, patient: str) -> str:
        return f"patient {patient}"

    def studies(self, key: str) -> frozenset[str] | None:
        return self.of.get(key, self.now)
