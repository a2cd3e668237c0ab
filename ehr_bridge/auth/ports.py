"""What the judge of tokens asks others: what was taken back, what a grant opens, which public keys there are."""

from __future__ import annotations

from typing import Protocol

from ehr_bridge.auth.keys import PublicKey


class RevocationList(Protocol):
    """Answers whether a token was taken back, without a database look-up per call."""

    def __contains__(self, token_id: object, /) -> bool: ...


class Grants(Protocol):
    """Knows which studies a token is for, by a key; only `issued` and `of_patient` may ask the database."""

    def issued(self, token: str, token_id: str) -> str | None:
        """The key of a viewer token that we made; None if we did not."""
        ...

    def of_patient(self, patient: str) -> str:
        """The key of all studies of one patient, by MRN or id; of none if nobody has it."""
        ...

    def studies(self, key: str) -> frozenset[str] | None:
        """The studies as they are linked just now; None when the key must be asked for again."""
        ...


class Keys(Protocol):
    """The EHR's public keys (`ehr_bridge.auth.jwks`)."""

    @property
    def generation(self) -> int: ...

    def find(self, kid: str) -> PublicKey | None: ...
