"""The registry of destinations: who is told of what, by what way, and who may decide about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ehr_bridge.authorities import fault_of
from ehr_bridge.db.database import Database
from ehr_bridge.db.paging import Key, Page, Sorts, fetch_page
from ehr_bridge.db.states import UNDELIVERED, DestinationKind, Policy
from ehr_bridge.db.tables.logs import Delivery, Destination, DestinationEvent, Sending
from ehr_bridge.errors import Conflict, InvalidInput, NotFound
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin
from ehr_bridge.services.delivery.addresses import is_permitted, literal, networks_of
from ehr_bridge.services.delivery.kinds import TOLD
from ehr_bridge.services.delivery.secrets import Safe, new_secret

OVERLAP = timedelta(hours=24)
"""How long webhooks are signed with the former secret too."""
SORTS = Sorts(
    {"name": (), "updated_at": Key(Destination.updated_at.expression, datetime.fromisoformat)},
    "name",
    Key(Destination.name.expression),
)


@dataclass(frozen=True, slots=True)
class DestinationData:
    """What an administrator says of a destination."""

    kind: DestinationKind
    events: tuple[str, ...]
    url: str | None = None
    host: str | None = None
    port: int | None = None
    tls: bool = False
    policy: Policy | None = None
    """None: `block` for HL7 and FHIR, `skip` for webhooks."""
    allow_networks: tuple[str, ...] = ()
    is_ehr: bool | None = None
    """None: HL7 and FHIR are, webhooks are not."""
    charset: str | None = None
    order_message: str | None = None
    reports_from: str | None = None
    """The sender of reports from outside that this is."""
    enabled: bool = True
    description: str | None = None
    ca_certificates: str | None = None
    """Of the authorities that are trusted there, in PEM."""
    subscription: dict[str, Any] | None = None
    """Where a FHIR Subscription has made it, what that says besides (`subscriptions`)."""


@dataclass(frozen=True, slots=True)
class Put:
    """A destination as it is now; the secret only where it was made by this call."""

    destination: Destination
    is_new: bool
    secret: str | None = None


class Destinations:
    def __init__(self, database: Database, clock: Callable[[], datetime], safe: Safe) -> None:
        self._database = database
        self._clock = clock
        self._safe = safe

    def get(self, name: str) -> Destination:
        """Raises NotFound."""
        with self._database.read() as session:
            return find(session, name)

    def search(self, limit: int, offset: int, text: str | None = None, sort: str | None = None) -> Page[Destination]:
        """The destinations with this text in name, address or description; by name unless asked otherwise. Raises
        InvalidInput when the list cannot be sorted like that."""
        query = select(Destination).order_by(*SORTS.order(sort))
        if text:
            columns = (Destination.name, Destination.url, Destination.host, Destination.description)
            query = query.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
        with self._database.read() as session:
            return fetch_page(session, query, limit, offset)

    def all(self) -> list[Destination]:
        with self._database.read() as session:
            return list(session.scalars(select(Destination).order_by(Destination.name)))

    def put(self, name: str, data: DestinationData, token: str | None, origin: Origin) -> Put:
        """Register a destination, or replace what is registered of it; a token that is not given stays. Repeating a
        call changes nothing.

        Raises:
            InvalidInput: its address is not permitted, this kind is not told of such events, or the token is
                for another server.
            Conflict: another kind of destination has this name.
        """
        now = self._clock()
        data = _whole(data, now)
        with self._database.write() as session:
            row = session.scalar(select(Destination).where(Destination.name == name))
            is_new = row is None
            if row is None:
                row = _new(session, name, data, now)
            if row.kind != data.kind:
                detail = "A destination does not change its kind: what waits for it was for the other. Choose a name."
                raise Conflict("destination_of_another_kind", detail)
            told = asdict(data) | {"events": sorted(set(data.events)), "allow_networks": list(data.allow_networks)}
            if not is_new and (row.subscription is None) != (data.subscription is None):
                detail = "A FHIR Subscription has made this destination: change that, at /fhir/Subscription."
                raise Conflict("made_by_subscription", detail)
            is_token = data.kind == DestinationKind.FHIR or data.subscription is not None
            if is_token and row.secret is not None and token is None:
                _require_same_server(row.url, data.url)
            changed = [field for field, value in told.items() if is_new or getattr(row, field) != value]
            secret = new_secret() if is_new and not is_token and data.kind == DestinationKind.WEBHOOK else None
            if not changed and token is None:
                return Put(row, is_new=False)
            for field in changed:
                setattr(row, field, told[field])
            if (given := secret or token) is not None:
                row.secret = self._safe.close(row.id, given)
                changed.append("secret")
            session.flush()
            if "events" in changed:
                _tell_of(session, row)
            action = "destination.registered" if is_new else "destination.changed"
            said = {"destination": name, "kind": str(data.kind), "fields": sorted(changed)}
            audit.append(session, origin, Event(action, detail=said), now)
        return Put(row, is_new, secret)

    def remove(self, name: str, origin: Origin) -> None:
        """Forget a destination and all of its deliveries, sent or not. Raises NotFound."""
        with self._database.write() as session:
            row = find(session, name)
            left = select(func.count()).select_from(Delivery)
            left = left.where(Delivery.destination_id == row.id, Delivery.state.in_(UNDELIVERED))
            detail = {"destination": name, "kind": str(row.kind), "undelivered": session.scalar(left) or 0}
            session.delete(row)
            audit.append(session, origin, Event("destination.removed", detail=detail), self._clock())

    def renew_secret(self, name: str, origin: Origin) -> tuple[Destination, str]:
        """A new secret for a webhook; until `OVERLAP` is over it is signed with both. Raises NotFound, Conflict."""
        now = self._clock()
        with self._database.write() as session:
            row = find(session, name)
            if row.kind != DestinationKind.WEBHOOK or row.subscription is not None:
                raise Conflict("no_secret", "Only webhooks are signed; the token of a FHIR server is given with PUT.")
            secret = new_secret()
            is_readable = row.secret is not None and self._safe.opens(
                row.id, row.secret
            )  # else nobody can sign with it
            row.former_secret, row.former_secret_until = (row.secret, now + OVERLAP) if is_readable else (None, None)
            row.secret = self._safe.close(row.id, secret)
            audit.append(session, origin, Event("destination.secret_renewed", detail={"destination": name}), now)
        return row, secret

    def start(self, name: str, origin: Origin) -> Destination:
        """Try again now, also if it was stopped. Raises NotFound."""
        now = self._clock()
        with self._database.write() as session:
            row = find(session, name)
            sending = session.get_one(Sending, row.id)
            sending.stopped_at = sending.stopped_because = sending.next_at = sending.failing_since = None
            sending.failures = 0
            audit.append(session, origin, Event("destination.started", detail={"destination": name}), now)
        return row


def find(session: Session, name: str) -> Destination:
    """Raises NotFound."""
    row = session.scalar(select(Destination).where(Destination.name == name))
    if row is None:
        raise NotFound("destination_not_found", "No destination is registered with this name.")
    return row


def _new(session: Session, name: str, data: DestinationData, now: datetime) -> Destination:
    row = Destination(name=name, kind=data.kind, created_at=now, **_unset())
    session.add(row)
    session.flush()
    session.add(Sending(destination_id=row.id, failures=0))
    return row


def _unset() -> dict[str, object]:
    return {"tls": False, "events": [], "policy": Policy.BLOCK, "allow_networks": [], "is_ehr": False, "enabled": True}


def _require_same_server(former: str | None, url: str | None) -> None:
    """A token is for the server that it was given for. Raises InvalidInput."""
    if _server(former) != _server(url):
        faults = (("token", "the address leads to another server than the token was given for: give the token again"),)
        raise InvalidInput("invalid_request", "This cannot be a destination.", faults)


def _server(url: str | None) -> tuple[str, str, int | None]:
    parts = urlsplit(url or "")
    return parts.scheme, parts.hostname or "", parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _tell_of(session: Session, row: Destination) -> None:
    known = {one.type: one for one in session.scalars(select(DestinationEvent).filter_by(destination_id=row.id))}
    for type_ in set(row.events) - known.keys():
        session.add(DestinationEvent(destination_id=row.id, type=type_))
    for type_ in known.keys() - set(row.events):
        session.delete(known[type_])


def _whole(data: DestinationData, now: datetime) -> DestinationData:
    """With what is usual for its kind where nothing is said. Raises InvalidInput."""
    is_webhook = data.kind == DestinationKind.WEBHOOK
    faults = [*_faults(data), *_faults_of_authorities(data, now)]
    if faults:
        raise InvalidInput("invalid_request", "This cannot be a destination.", tuple(faults))
    return replace(
        data,
        policy=data.policy or (Policy.SKIP if is_webhook else Policy.BLOCK),
        is_ehr=(not is_webhook) if data.is_ehr is None else data.is_ehr,
    )


def _faults(data: DestinationData) -> list[tuple[str, str]]:
    is_hl7 = data.kind == DestinationKind.HL7
    faults = []
    if is_hl7:
        faults += [(name, "HL7 needs it") for name in ("host", "port") if getattr(data, name) is None]
        faults += [("url", "HL7 is sent to a host and a port")] if data.url is not None else []
    else:
        faults += [("url", "this kind needs it")] if data.url is None else []
        names = ("host", "port", "charset", "order_message")
        faults += [(name, "only for HL7") for name in names if getattr(data, name) is not None]
        faults += [("tls", "only for HL7; write https in the url")] if data.tls else []
    unknown = sorted(set(data.events) - TOLD[data.kind])
    if unknown:
        allowed = ", ".join(sorted(TOLD[data.kind]))
        faults.append(("events", f"this kind cannot be told of {', '.join(unknown)}; allowed: {allowed}"))
    try:
        networks = networks_of(data.allow_networks)
    except ValueError:
        return [*faults, ("allow_networks", "networks such as 10.20.0.0/16")]
    where = data.host if is_hl7 else urlsplit(data.url or "").hostname
    is_encrypted = _is_encrypted(data)
    address = literal(where) if where else None
    if address is not None and not is_permitted(address, networks, is_encrypted=is_encrypted):
        why = (
            "this address is not permitted: name its network in allow_networks; link-local addresses never are, and "
            "outside of these networks only encrypted connections"
        )
        faults.append(("host" if is_hl7 else "url", why))
    return faults


def _faults_of_authorities(data: DestinationData, now: datetime) -> list[tuple[str, str]]:
    if data.ca_certificates is None:
        return []
    if not _is_encrypted(data):
        return [("ca_certificates", "only where it is encrypted: with tls, or an address that begins with https")]
    fault = fault_of(data.ca_certificates, now)
    return [] if fault is None else [("ca_certificates", fault)]


def _is_encrypted(data: DestinationData) -> bool:
    return data.tls if data.kind == DestinationKind.HL7 else (data.url or "").lower().startswith("https:")
