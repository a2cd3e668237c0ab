"""The systems that send messages, as a site lists them in a TOML file of `[[source]]`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ehr_bridge.hl7.profile import Profile, ProfileError, load_profile
from ehr_bridge.hl7.text import codec_named
from ehr_bridge.settings import SettingsError

VARIABLE = "EHR_BRIDGE_HL7_SOURCES"
REQUIRED = ("name", "application", "facility", "profile", "addresses", "charset")
OPTIONAL = ("authority", "time_zone", "tls", "silence_minutes", "reports")
LONGEST_NAME = 64
FIRST_WITH_IPC = (2, 4)
"""Messages of this version on are read as of IHE RAD-4 v2.5.1 where no source says how."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM form with which connections of a source are encrypted, and its certificate is verified."""

    certificate: Path
    """Ours, and those that lead to its authority."""
    key: Path
    clients: Path
    """Certificates of the authorities that sign client certificates."""


@dataclass(frozen=True, slots=True)
class Source:
    """A system that sends messages."""

    name: str
    profile: Profile
    time_zone: ZoneInfo
    """Of times without an offset."""
    application: str = ""
    """MSH-3."""
    facility: str = ""
    """MSH-4."""
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """From where it may connect."""
    codec: str | None = None
    """Its character set where MSH-18 does not say one that fits."""
    authority: str | None = None
    """PID-3.4 of the numbers that are our MRNs."""
    tls: Tls | None = None
    """It must encrypt and show a client certificate; None: it does not encrypt."""
    silence_minutes: int | None = None
    """After so long without a message somebody should look."""
    brings_reports: bool = True

    def may_come_from(self, address: str) -> bool:
        return any(plain_address(address) in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Sources:
    """Those of one site; without any, whoever may send is read by the version of the message."""

    known: tuple[Source, ...] = ()
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    def at(self, address: str) -> tuple[Source, ...]:
        """The sources that may connect from this address."""
        return tuple(source for source in self.known if source.may_come_from(address))

    def named(self, application: str, facility: str, among: Sequence[Source] | None = None) -> Source | None:
        """The source with this application and facility."""
        candidates = self.known if among is None else among
        return next((one for one in candidates if (one.application, one.facility) == (application, facility)), None)

    def unlisted(self, version: str) -> Source:
        """How a message is read that comes from no listed source: by the shipped mapping of its version."""
        numbers = tuple(int(part) for part in version.split(".") if part.isascii() and part.isdigit())
        name = "rad-4-2.3.1" if numbers and numbers < FIRST_WITH_IPC else "rad-4-2.5.1"
        return Source("", _shipped(name), self.time_zone)


@cache
def _shipped(name: str) -> Profile:
    """A mapping that comes with the product, read once."""
    return load_profile(name)


def plain_address(address: str) -> IPv4Address | IPv6Address:
    """An IPv4 address that was written as IPv6 is the IPv4 address."""
    found = ip_address(address.partition("%")[0])
    return getattr(found, "ipv4_mapped", None) or found


def load_sources(file: Path | None, time_zone: str) -> Sources:
    """Read and check the file. Raises SettingsError with one line for each thing that is wrong, by source and field."""
    zone = ZoneInfo(time_zone)
    if file is None:
        return Sources((), zone)
    try:
        with file.open("rb") as opened:
            given = tomllib.load(opened)
    except OSError as error:
        raise SettingsError([f"{VARIABLE}: {file} cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{VARIABLE}: {file} is not TOML: {error}"]) from None
    entries = given.get("source")
    if set(given) - {"source"} or not isinstance(entries, list) or not entries:
        raise SettingsError([f"{VARIABLE}: {file} must hold one or more [[source]] and nothing else"])
    problems: list[str] = []
    sources: list[Source] = []
    for number, entry in enumerate(entries, 1):
        name = entry.get("name") if isinstance(entry, dict) else None
        try:
            source = _source(entry, file.parent, zone)
            _require_new(source, sources)
            sources.append(source)
        except ValueError as error:
            problems.append(f"{VARIABLE}: source {repr(name) if isinstance(name, str) else number}: {error}")
    if problems:
        raise SettingsError(problems)
    return Sources(tuple(sources), zone)


def _require_new(source: Source, others: Sequence[Source]) -> None:
    if any(source.name == other.name for other in others):
        raise ValueError("name: another source has it")
    if any((source.application, source.facility) == (other.application, other.facility) for other in others):
        raise ValueError("application and facility: another source has them")
    for other in others:
        if source.tls != other.tls and any(_overlap(a, b) for a in source.networks for b in other.networks):
            raise ValueError(f"tls: must be that of source {other.name!r}, which may connect from the same address")


def _overlap(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _source(entry: Any, file_folder: Path, zone: ZoneInfo) -> Source:
    """Raises ValueError that begins with the field."""
    if not isinstance(entry, dict):
        raise ValueError("write [[source]]")
    if missing := [key for key in REQUIRED if key not in entry]:
        raise ValueError(f"{missing[0]}: is missing")
    if unknown := sorted(set(entry) - {*REQUIRED, *OPTIONAL}):
        raise ValueError(f"{unknown[0]}: unknown; there are {', '.join((*REQUIRED, *OPTIONAL))}")
    name = _text(entry, "name")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"name: at most {LONGEST_NAME} characters")
    codec = codec_named(_text(entry, "charset"))
    if codec is None:
        raise ValueError("charset: latin1, cp1252, utf8, or a name of HL7 table 0211 such as 8859/15")
    try:
        profile = load_profile(_text(entry, "profile"), file_folder)
    except ProfileError as error:
        raise ValueError(f"profile: {error}") from None
    return Source(
        name=name,
        profile=profile,
        time_zone=_zone(entry["time_zone"]) if "time_zone" in entry else zone,
        application=_text(entry, "application", may_be_empty=True),
        facility=_text(entry, "facility", may_be_empty=True),
        networks=_networks(entry["addresses"]),
        codec=codec,
        authority=_text(entry, "authority") if "authority" in entry else None,
        tls=_tls(entry["tls"], file_folder) if "tls" in entry else None,
        silence_minutes=_minutes(entry.get("silence_minutes")),
        brings_reports=_yes_or_no(entry, "reports"),
    )


def _text(entry: Mapping[str, Any], key: str, *, may_be_empty: bool = False) -> str:
    value = entry[key]
    if not isinstance(value, str) or not (value.strip() or may_be_empty):
        raise ValueError(f"{key}: a text")
    return value.strip()


def _tls(given: Any, folder: Path) -> Tls:
    keys = ("certificate", "key", "clients")
    if (
        not isinstance(given, dict)
        or set(given) != set(keys)
        or not all(isinstance(one, str) for one in given.values())
    ):
        raise ValueError('tls: { certificate = "…", key = "…", clients = "…" }, each a file in PEM form')
    files = [folder / given[key] for key in keys]
    if missing := [file for file in files if not file.is_file()]:
        raise ValueError(f"tls: {missing[0]} is no file")
    return Tls(*files)


def _yes_or_no(entry: Mapping[str, Any], key: str) -> bool:
    value = entry.get(key, True)
    if not isinstance(value, bool):
        raise ValueError(f"{key}: true or false")
    return value


def _minutes(value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 525_600):
        raise ValueError("silence_minutes: a whole number of minutes, 1 to 525600")
    return value


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise ValueError("time_zone: a name of the IANA data base, such as Europe/Berlin") from None


def _networks(value: Any) -> tuple[IPv4Network | IPv6Network, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("addresses: a list of addresses or CIDR ranges")
    try:
        return tuple(ip_network(one) for one in value)
    except (ValueError, TypeError):
        raise ValueError("addresses: addresses or CIDR ranges, such as 192.168.7.12 or 10.1.0.0/16") from None
