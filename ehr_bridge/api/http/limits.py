"""Which requests count against a rate limit (every route that asks for the permission to upload, and those that prove a
password), and how their answers tell what is left.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10: a list with one item for each limit that the request
counted against. A request that was refused before it counted (401, 403) has none.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request

from ehr_bridge.api.http.access import ACCESS, ATTACH
from ehr_bridge.auth.caller import Caller
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.services.accounts.rate_limits import (
    MINUTE,
    SHARE,
    SHARE_ADDRESS,
    SIGN_IN,
    SIGN_IN_ADDRESS,
    UPLOAD,
    Allowance,
    RateLimits,
    UsedUp,
)

PASSWORDS = frozenset(
    {("POST", "/api/v1/auth/login"), ("POST", "/api/v1/auth/password"), ("POST", "/api/v1/share/open")}
)
"""Routes that prove a password, or the PIN of a share."""
POLICY, LEFT = "RateLimit-Policy", "RateLimit"
COUNTED = "ehr_bridge.counted"
"""Key in the WSGI environment: the allowances of this request."""

type Environ = dict[str, Any]


def is_upload(method: str, path: str) -> bool:
    """Whether requests of a route (as in the access table) count as uploads."""
    return ACCESS.get((method, path)) in (Permission.UPLOAD, ATTACH)


def may_tell(method: str, path: str, status: str) -> bool:
    """Whether an answer with that status may have the headers: an upload is counted once its sender is known."""
    return (method, path) in PASSWORDS or (is_upload(method, path) and status != "401")


def count_upload(limits: RateLimits, environ: Environ, caller: Caller) -> None:
    """Count a request of a route for uploads. Raises Unavailable when the sender's limit for this minute is used up."""
    _count(limits, environ, UPLOAD, caller.subject)


def count_sign_in(limits: RateLimits, environ: Environ, username: str) -> None:
    """Count an attempt to prove a password, for the address and for this name from that address. Raises Unavailable
    when the limit for this minute is used up."""
    address = environ.get("REMOTE_ADDR")
    _count(limits, environ, SIGN_IN_ADDRESS, address or "")
    _count(limits, environ, SIGN_IN, f"{address}\n{username.casefold()}")


def count_opening(limits: RateLimits, environ: Environ, share: str) -> None:
    """Count an attempt to open a share, by the digest of its secret, like `count_sign_in`."""
    address = environ.get("REMOTE_ADDR")
    _count(limits, environ, SHARE_ADDRESS, address or "")
    _count(limits, environ, SHARE, f"{address}\n{share}")


def headers_of(environ: Environ) -> list[tuple[str, str]]:
    """What the answer to this request tells of its limits; nothing where none counted it."""
    counted: list[Allowance] = environ.get(COUNTED, [])
    if not counted:
        return []
    return [
        (POLICY, ", ".join(f'"{one.what}";q={one.limit};w={MINUTE}' for one in counted)),
        (LEFT, ", ".join(f'"{one.what}";r={one.remaining};t={one.seconds}' for one in counted)),
    ]


def tell(response: Response) -> Response:
    """After every request of the application."""
    response.headers.extend(headers_of(request.environ))
    return response


def _count(limits: RateLimits, environ: Environ, what: str, who: str) -> None:
    counted: list[Allowance] = environ.setdefault(COUNTED, [])
    try:
        counted.append(limits.take(what, who))
    except UsedUp as refusal:
        counted.append(refusal.allowance)
        raise
