"""The tables of what goes to other systems and comes from them in order: events and their deliveries, HL7 messages; and
how far logs are read."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ehr_bridge.db.states import (
    UNDELIVERED,
    DeliveryState,
    DestinationKind,
    MessageState,
    Policy,
    column_of,
    is_one_of,
)
from ehr_bridge.db.tables.base import UID, Base, Dated
from ehr_bridge.db.types import BigId

ORTHANC_CHANGES = "orthanc_changes"
"""The cursor in the archive's own log of changes."""


class Cursor(Base):
    """How far a reader has read a log; one row per reader."""

    __tablename__ = "cursors"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


class FeedEvent(Base):
    """One fact about a patient, an order or a study, written in its transaction by `db.facts` alone.

    Ids only: no MRN, accession number or name. The newest row is never deleted, so that numbers go on.
    """

    __tablename__ = "events"

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    """1, 2, 3 … without gaps, in the order of the commits."""
    id: Mapped[uuid.UUID]
    """The event's name wherever else it is sent."""
    type: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime] = mapped_column(index=True)
    patient_id: Mapped[uuid.UUID | None]
    """Whose fact it is; of what is no longer a patient's, whose it was."""
    order_id: Mapped[uuid.UUID | None]
    study_instance_uid: Mapped[str | None] = mapped_column(UID)
    data: Mapped[dict[str, Any]]


IS_UNDELIVERED = is_one_of("state", UNDELIVERED)


class Destination(Dated, Base):
    """Another system that is told what happens here, as an administrator has described it."""

    __tablename__ = "destinations"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[DestinationKind] = mapped_column(column_of(DestinationKind, "kind"))
    url: Mapped[str | None] = mapped_column(String(500))
    """Of a webhook, or the base address of a FHIR server."""
    host: Mapped[str | None] = mapped_column(String(255))
    port: Mapped[int | None]
    """Of an HL7 receiver."""
    tls: Mapped[bool]
    """Whether HL7 is sent encrypted."""
    events: Mapped[list[Any]]
    """Their types, sorted."""
    policy: Mapped[Policy] = mapped_column(column_of(Policy, "policy"))
    allow_networks: Mapped[list[Any]]
    """Networks besides the public ones that it may be in."""
    is_ehr: Mapped[bool]
    """It speaks for every person, as the EHR does: it is told of restricted patients too."""
    charset: Mapped[str | None] = mapped_column(String(16))
    order_message: Mapped[str | None] = mapped_column(String(16))
    reports_from: Mapped[str | None] = mapped_column(String(255))
    """The sender of reports from outside that is the same system: what it has sent is not told back."""
    enabled: Mapped[bool]
    """False: what happens waits for it."""
    description: Mapped[str | None] = mapped_column(String(255))
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Sealed: with which webhooks are signed, or the token for a FHIR server."""
    former_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Webhooks are signed with it too, until then."""
    former_secret_until: Mapped[datetime | None]
    ca_certificates: Mapped[str | None] = mapped_column(Text)
    """Of the authorities that are trusted there, in PEM; None: those that the machine trusts."""
    subscription: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What a FHIR Subscription says of itself, where one has made this destination."""


class DestinationEvent(Base):
    """That a destination is told of events of this type: `Destination.events` as rows, for a join."""

    __tablename__ = "destination_events"

    destination_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Destination.id, ondelete="CASCADE"), primary_key=True)
    type: Mapped[str] = mapped_column(String(64), primary_key=True)


class Sending(Base):
    """Who sends to a destination now, and how that goes. Written by `services.delivery` while it sends."""

    __tablename__ = "destination_sending"

    destination_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Destination.id, ondelete="CASCADE"), primary_key=True)
    lease_by: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]
    """One sender at a time, on all nodes together."""
    failures: Mapped[int]
    """Attempts since the destination last took or answered something."""
    failing_since: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    """Nothing is tried before."""
    stopped_at: Mapped[datetime | None]
    stopped_because: Mapped[str | None] = mapped_column(String(16))
    """`gone` or `failing`: nothing is tried until a person says so."""
    last_error: Mapped[str | None] = mapped_column(String(500))
    last_error_at: Mapped[datetime | None]
    last_sent_at: Mapped[datetime | None]
    numbered: Mapped[int | None] = mapped_column(BigInteger)
    """How many events a subscription was told of: each notification has its number, without gaps."""


class Delivery(Base):
    """One event on its way to one destination; written by `services.delivery.enqueue` in the event's transaction."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index(
            "ix_deliveries_undelivered",
            "destination_id",
            "id",
            sqlite_where=text(IS_UNDELIVERED),
            postgresql_where=text(IS_UNDELIVERED),
        ),
        Index("ix_deliveries_destination_id_state_id", "destination_id", "state", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    """Growing in the order of the events; a destination is told in this order."""
    destination_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Destination.id, ondelete="CASCADE"))
    seq: Mapped[int] = mapped_column(BigInteger)
    """The event's number in the feed."""
    event_id: Mapped[uuid.UUID]
    """What the receiver knows doubles by, however often it is sent."""
    type: Mapped[str] = mapped_column(String(64))
    time: Mapped[datetime] = mapped_column(index=True)
    """When it happened."""
    patient_id: Mapped[uuid.UUID | None]
    order_id: Mapped[uuid.UUID | None]
    study_instance_uid: Mapped[str | None] = mapped_column(UID)
    report_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    report_version: Mapped[int | None]
    data: Mapped[dict[str, Any]]
    order_status: Mapped[str | None] = mapped_column(String(16))
    """What the order was when it happened."""
    state: Mapped[DeliveryState] = mapped_column(column_of(DeliveryState, "state"))
    attempts: Mapped[int]
    """How often it was refused. An attempt that reached nobody does not count."""
    tries: Mapped[list[Any]]
    """The last ones that failed: `{"at", "milliseconds", "error"}`."""
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    """What is sent, from before the first attempt on; None for webhooks, whose content follows from the row."""
    last_error: Mapped[str | None] = mapped_column(String(500))
    ended_at: Mapped[datetime | None]
    """When it was sent, given up or dropped."""
    milliseconds: Mapped[int | None]
    """Until the receiver had answered."""
    receipt: Mapped[str | None] = mapped_column(String(1000))
    """The beginning of the receiver's answer."""
    dropped_by: Mapped[str | None] = mapped_column(String(255))
    drop_reason: Mapped[str | None] = mapped_column(String(500))


class ReceivedMessage(Base):
    """One message: as it came, how it was read, what it changed and what was answered.

    A row is written in the transaction of what the message changes; the same bytes of the same source have one row.
    """

    __tablename__ = "hl7_messages"
    __table_args__ = (
        Index("ix_hl7_messages_source_sha256", "source", "sha256", unique=True),
        Index("ix_hl7_messages_source_control_id", "source", "control_id"),
        Index("ix_hl7_messages_source_last_received_at", "source", "last_received_at"),
        Index("ix_hl7_messages_state_last_received_at", "state", "last_received_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    source: Mapped[str] = mapped_column(String(64))
    """Its name in the list of sources; '' for one that is not listed."""
    door: Mapped[str] = mapped_column(String(16))
    """`mllp` or `api`."""
    sent_by: Mapped[str] = mapped_column(String(255))
    """Subject of the token, or `hl7:` and the name of the source."""
    address: Mapped[str | None] = mapped_column(String(64))
    received_at: Mapped[datetime] = mapped_column(index=True)
    last_received_at: Mapped[datetime]
    times_received: Mapped[int]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    codec: Mapped[str | None] = mapped_column(String(16))
    """Python's name of its character set; None where its text cannot be read."""
    charset_from: Mapped[str | None] = mapped_column(String(16))
    """How that was decided (`ehr_bridge.hl7.text.How`)."""
    sender: Mapped[str] = mapped_column(String(500))
    """MSH-3 and MSH-4, with a blank between."""
    type: Mapped[str] = mapped_column(String(64))
    """Message type and event: `ADT^A08`."""
    control_id: Mapped[str] = mapped_column(String(200))
    reuses_control_id: Mapped[bool]
    """Another message of this source has the same number."""
    state: Mapped[MessageState] = mapped_column(column_of(MessageState, "state"))
    is_final: Mapped[bool]
    """False: it failed for a reason of ours, and is tried again when it is sent again."""
    code: Mapped[str | None] = mapped_column(String(3))
    """Why it was refused (HL7 table 0357)."""
    place: Mapped[str | None] = mapped_column(String(40))
    """Where in the message: `PID-3.4`."""
    reason: Mapped[str | None] = mapped_column(String(1000))
    reading: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What it asks for, in our words; None where it cannot be read."""
    changes: Mapped[list[Any]]
    """The audit events of what it changed: action, ids and detail."""
    ack: Mapped[bytes] = mapped_column(LargeBinary)
    patient_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    """Whose message it is, if that patient was on record."""
    replayed_by: Mapped[str | None] = mapped_column(String(255))
    replayed_at: Mapped[datetime | None]
