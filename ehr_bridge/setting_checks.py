"""Checks of single settings: each returns the value in the form in which it is used, or raises ValueError."""

from __future__ import annotations

import json
import re
from ipaddress import ip_network
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import SecretStr

type Charset = Literal[
    "ascii", "latin1", "latin2", "latin3", "latin4", "latin5", "cyrillic", "arabic", "greek", "hebrew", "utf8"
]
"""Character sets of the worklist, by Orthanc's names in small letters."""
ORIGIN = re.compile(r"https?://(\[[0-9a-f:]+\]|[a-z0-9-]+(\.[a-z0-9-]+)*)(:[0-9]{1,5})?")


def database_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("use sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME")
    return value


def orthanc_database_url(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("postgresql://", "postgresql+psycopg://")):
        raise ValueError("use postgresql://USER:PASSWORD@HOST/NAME")
    return value


def long_enough(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value().encode()) < 32:
        raise ValueError("use at least 32 bytes (RFC 7518 section 3.2)")
    return value


def ae_title(value: str) -> str:
    if not value.strip() or not value.isascii() or "\\" in value:
        raise ValueError("use 1 to 16 ASCII characters without a backslash (PS3.5 section 6.2, AE)")
    return value.strip()


def site_path(value: str) -> str:
    if not value.startswith(("/", "https://", "http://")):
        raise ValueError("use a path such as /ohif or an http(s) address")
    return value.rstrip("/")


def origins(value: str) -> str:
    """Origins (RFC 6454 section 6.2) with blanks between, as Content-Security-Policy writes them."""
    found = list(dict.fromkeys(value.split()))
    for one in found:
        parts = urlsplit(one)
        is_here = parts.hostname in {"127.0.0.1", "::1", "localhost"}
        if not (parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_here))):
            raise ValueError(f"{one} must begin with https:// and a host (http:// on this machine only)")
        if ORIGIN.fullmatch(one) is None:
            raise ValueError(f"{one} is no origin: write scheme, host in small letters and port, without path or *")
    return " ".join(found)


def public_url(value: str) -> str:
    """Like `address`; its last slash is taken away."""
    return address(value).rstrip("/")


def address(value: str) -> str:
    """The address of a server, without query and fragment."""
    parts = urlsplit(value)
    is_here = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if not (parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_here))):
        raise ValueError("begin with https:// and a host (http:// on this machine only)")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError("write scheme, host, port and path, nothing else")
    return value


def networks(value: object) -> object:
    """Addresses and networks (CIDR) with blanks between."""
    if not isinstance(value, str):
        return value
    try:
        return tuple(dict.fromkeys(ip_network(one) for one in value.replace(",", " ").split()))
    except ValueError:
        raise ValueError("write addresses or networks, such as 10.1.2.3 or 10.1.2.0/24, with blanks between") from None


def fixity_days(value: float) -> float:
    if value != 0 and not 0.0001 <= value <= 3650:
        raise ValueError("use 0.0001 to 3650 days, or 0 for never")
    return value


ORDER_KEYS = ("study_instance_uid", "accession_number", "scheduled_procedure_step_id", "requested_procedure_id")
"""The keys that name an order, in the order in which they are listed."""


def order_keys(value: str) -> str:
    keys = [key.strip() for key in value.split(",")]
    if set(keys) - set(ORDER_KEYS) or len(keys) != len(set(keys)):
        raise ValueError(f"use some of {', '.join(ORDER_KEYS)}, each once, with commas between")
    return ",".join(keys)


def authorities(value: str) -> str:
    """Names as in Issuer of Patient ID (LO); a universal ID such as an OID follows after `=`."""
    entries = [entry.strip().partition("=") for entry in value.split(",")]
    names = [name.strip() for name, _, _ in entries]
    universal = [uid.strip() for _, _, uid in entries if uid.strip()]
    if len(entries) < 2 or not all(names) or any(len(name) > 64 or set(name) & set("|\\^") for name in names):
        raise ValueError("use two names or more, with commas between, of 1 to 64 characters without |, ^ and \\")
    every = [text.casefold() for text in (*names, *universal)]
    if len(every) != len(set(every)):
        raise ValueError("name each authority and each universal ID once")
    return ", ".join(f"{name.strip()}={uid.strip()}" if uid.strip() else name.strip() for name, _, uid in entries)


def key_source(value: str) -> str:
    if "://" in value:
        parts = urlsplit(value)
        is_here = parts.hostname in {"127.0.0.1", "::1", "localhost"}
        if not (parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_here))):
            raise ValueError("use a file or an https:// address (http:// on this machine only)")
        if parts.username is not None:
            raise ValueError("use an address without a user name")
    return value


def time_zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (ValueError, ZoneInfoNotFoundError, OSError):
        raise ValueError("use an IANA name, such as Europe/Vienna") from None


def as_json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError('use JSON, such as {"their-name": ["doctor"]}') from None


def local_mrn(value: str) -> str:
    return _pattern(value, 64)


def local_accession(value: str) -> str:
    return _pattern(value, 16)


_COUNT = re.compile(r"\{n(?::0?([1-9][0-9]?))?\}")


def _pattern(value: str, longest: int) -> str:
    """A pattern of numbers (`ehr_bridge.services.registry.local_numbers`): {n} or {n:04} once, {date} at most once."""
    counts = _COUNT.findall(value)
    rest = _COUNT.sub("", value).replace("{date}", "", 1)
    if len(counts) != 1 or re.fullmatch(r"[A-Za-z0-9_-]*", rest) is None:
        raise ValueError(
            "write letters, digits, _ and -, with {n} once (the count; {n:04} gives four digits or more), and {date} "
            "at most once (YYYYMMDD), such as L{n:07}"
        )
    digits = int(counts[0] or 1)
    if len(rest) + digits + (8 if "{date}" in value else 0) > longest:
        raise ValueError(f"numbers of this pattern have more than {longest} characters")
    return value
