"""What verifying a token asks of others: what is revoked, which studies a grant covers, which public keys exist."""

from __future__ import annotations

from typing import Protocol

from ehr_bridge.auth.keys import PublicKey


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


class Keys(Protocol):
    """The EHR's public keys (`ehr_bridge.auth.jwks`)."""

    @property
    def generation(self) -> int: ...

    def find(self, kid: str) -> PublicKey | None: ...
