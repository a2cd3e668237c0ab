"""From which addresses the metrics may be read without a token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

PASSED_ON = frozenset({"HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA"})
PASSED_ON_BY = "HTTP_X_FORWARDED_"
"""What proxies add: whose request it is, the address of the connection does not say then."""


def is_listed(environ: Mapping[str, Any], networks: Iterable[IPv4Network | IPv6Network] | None) -> bool:
    """Whether a request comes straight from one of these, as the gate has seen its connection."""
    if not networks or any(name in PASSED_ON or name.startswith(PASSED_ON_BY) for name in environ):
        return False
    try:
        address = ip_address(environ.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in networks)
