"""What verifying a token asks of the services: what is revoked, which studies a grant covers."""

from __future__ import annotations

from typing import Protocol


class RevocationList(Protocol):
    """Answers whether a token is revoked, without a database query per call."""

    def __contains__(self, token_id: object, /) -> bool: ...


class Grants(Protocol):
    """Knows which studies a token covers, by a key. Only `issued` and `of_patient` may query the database."""

    def issued(self, token: str, token_id: str) -> str | None:
        """The key of a viewer token that we issued; None if we did not."""
        ...

    def of_patient(self, patient: str) -> str:
        """The key of all studies of one patient, by MRN or id. An unknown patient has a key without studies."""
        ...

    def studies(self, key: str) -> frozenset[str] | None:
        """The studies as they are linked now; None when the key has expired and must be asked for again."""
        ...
