"""Every refusal of the product, in one tree.

A refusal says what happened (`code`, stable and documented in docs/api.md) and what to do next (`detail`).
It knows nothing of HTTP or DIMSE: the doors translate `code` with the tables of `ehr_bridge.api.http.problems`
and `plugin.storing.ingest`.

    BridgeError
    ├── InvalidInput        what was sent cannot be used
    │   └── RefusedInstance one DICOM file cannot be taken
    ├── NotAuthenticated    the caller is unknown
    ├── NotPermitted        the caller is known and may not do this
    ├── NotFound            it does not exist, or not for this caller
    ├── Conflict            it disagrees with what is recorded
    └── Unavailable         a part is away; trying again later may help
"""

from __future__ import annotations


class BridgeError(Exception):
    """A refusal with a stable `code` and a `detail` for people; never holds patient data or tokens."""

    def __init__(self, code: str, detail: str, errors: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.errors = errors
        """Pairs of field and message, for structured input."""


class InvalidInput(BridgeError):
    """What was sent cannot be used; sending it again unchanged fails again."""


class RefusedInstance(InvalidInput):
    """One DICOM file cannot be taken (PS3.10); the others of the upload may be."""


class NotAuthenticated(BridgeError):
    """There is no token, or an invalid one (RFC 6750 section 3.1)."""

    def __init__(
        self,
        code: str,
        detail: str,
        retry_after_seconds: int | None = None,
        why: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.retry_after_seconds = retry_after_seconds
        """Set for a refusal that ends by itself."""
        self.why = why
        """Which claim of the token failed, and how: for the log and the audit trail, never for the answer."""


class NotPermitted(BridgeError):
    """The caller is known and may not do this."""


class NotFound(BridgeError):
    """It does not exist, or the caller may not know that it does."""


class Conflict(BridgeError):
    """The request contradicts what is recorded."""


class Unavailable(BridgeError):
    """A part that is needed is away; the same request may succeed later."""

    def __init__(self, code: str, detail: str, retry_after_seconds: int = 5) -> None:
        super().__init__(code, detail)
        self.retry_after_seconds = retry_after_seconds
