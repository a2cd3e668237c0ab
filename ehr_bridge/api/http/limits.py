"""Which requests count against a rate limit: every route that asks for the permission to upload, and sign-in."""

from __future__ import annotations

from ehr_bridge.api.http.access import ACCESS
from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.services.accounts.rate_limits import SIGN_IN, SIGN_IN_ADDRESS, UPLOAD, RateLimits


def count_upload(limits: RateLimits, method: str, path: str, caller: Caller | None) -> None:
    """Count a request, if its route is one for uploads (path as in the access table). Raises Unavailable when the
    sender's limit for this minute is used up."""
    if caller is not None and ACCESS.get((method, path)) == Permission.UPLOAD:
        limits.take(UPLOAD, caller.subject)


def count_sign_in(limits: RateLimits, address: str | None, username: str) -> None:
    """Count an attempt to prove a password, for the address and for this name from that address. Raises Unavailable
    when the limit for this minute is used up."""
    limits.take(SIGN_IN_ADDRESS, address or "")
    limits.take(SIGN_IN, f"{address}\n{username.casefold()}")
