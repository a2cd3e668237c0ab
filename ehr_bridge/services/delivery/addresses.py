"""Which network addresses a destination may have. Judged when a connection is made, of the very address that is used.

Whoever may enter a destination could otherwise make this server call what only it can reach: its own ports, the
neighbours in its network, the machine's metadata.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

METADATA = (ip_network("fd00:ec2::254/128"), ip_network("100.100.100.200/32"), ip_network("168.63.129.16/32"))
"""Where clouds tell a machine its secrets, besides the link-local addresses."""
LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")


def networks_of(written: Iterable[str]) -> list[Network]:
    """Raises ValueError for what is no network."""
    return [ip_network(one, strict=False) for one in written]


def is_permitted(address: Address, networks: Iterable[Network], *, is_encrypted: bool) -> bool:
    """Whether a destination may be at this address: public ones if what is sent is encrypted, others, and all without
    encryption, in one of the networks; never link-local, multicast, unspecified and metadata addresses."""
    plain = unmapped(address)
    if plain.is_link_local or plain.is_multicast or plain.is_unspecified or any(plain in one for one in METADATA):
        return False
    if any(plain in one for one in networks):
        return True
    return is_encrypted and plain.is_global


def unmapped(address: Address) -> Address:
    """The IPv4 address within an IPv6 one (::ffff:a.b.c.d, 6to4, NAT64), which is where it leads."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in NAT64:
            return IPv4Address(address.packed[-4:])
    return address


NAT64 = ip_network("64:ff9b::/96")


def literal(host: str) -> Address | None:
    """The address that a host is written as, in any spelling that a resolver takes for one (127.1, 0x7f.1, 2130706433),
    or as a name that always is this machine; None for other names."""
    bare = host.removeprefix("[").removesuffix("]").split("%", 1)[0]
    try:
        return ip_address(bare)
    except ValueError:
        pass
    name = bare.lower().rstrip(".")
    if name in LOCAL_NAMES or name.endswith(".localhost"):
        return IPv4Address("127.0.0.1")
    try:
        return IPv4Address(socket.inet_aton(bare))
    except OSError:
        return None
