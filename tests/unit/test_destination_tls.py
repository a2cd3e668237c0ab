"""Receivers behind TLS whose certificate a hospital's own authority has signed, for all three kinds of destination."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ehr_bridge.authorities import fault_of
from ehr_bridge.db.states import DestinationKind
from ehr_bridge.db.tables.logs import Destination
from ehr_bridge.derived_keys import SharedSecret
from ehr_bridge.services.delivery.outcomes import Kind, Outcome
from ehr_bridge.services.delivery.secrets import Safe, new_secret
from ehr_bridge.services.delivery.sender import Transport
from plugin.sending.fhir import Fhir
from plugin.sending.hl7 import Hl7
from plugin.sending.webhooks import Webhooks
from tests.support.authority import DAY, Authority, encrypted
from tests.support.receivers import Behaviour, Receiver, answering
from tests.unit.sending_steps import MESSAGE, acknowledging, waiting

SAFE = Safe(SharedSecret("the secret of this server, long enough"))
NOW = datetime.now(UTC)
AUTHORITY, ANOTHER = Authority(), Authority("South Wing CA")
type Listen = Callable[[Behaviour, tuple[str, str]], Receiver]


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Listen]:
    opened: list[Receiver] = []

    def start(behaviour: Behaviour, certificate: tuple[str, str]) -> Receiver:
        opened.append(Receiver(encrypted(behaviour, certificate, tmp_path)))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def send(kind: DestinationKind, port: int, authorities: str | None) -> Outcome:
    key = uuid.uuid4()
    to = Destination(id=key, kind=kind, allow_networks=["127.0.0.0/8"], ca_certificates=authorities, tls=True)
    if kind == DestinationKind.HL7:
        to.host, to.port = "127.0.0.1", port
    else:
        to.url, to.secret = f"https://127.0.0.1:{port}/in", SAFE.close(key, new_secret())
    by = MADE[kind]()
    with closing(by):
        return by.send(to, waiting(), MESSAGE)


MADE: dict[DestinationKind, Callable[[], Transport]] = {
    DestinationKind.WEBHOOK: lambda: Webhooks(SAFE, lambda: datetime.now(UTC)),
    DestinationKind.HL7: Hl7,
    DestinationKind.FHIR: lambda: Fhir(SAFE),
}


def behaviour_of(kind: DestinationKind) -> Behaviour:
    return acknowledging() if kind == DestinationKind.HL7 else answering("200 OK")


@pytest.mark.parametrize("kind", list(DestinationKind))
def test_the_hospitals_own_authority_is_trusted_where_it_was_named_and_nowhere_else(
    listen: Listen, kind: DestinationKind
) -> None:
    """Without it, or with another one, nothing is sent; no setting leaves the certificate unverified."""
    port = listen(behaviour_of(kind), AUTHORITY.server()).port
    assert send(kind, port, AUTHORITY.pem).kind is Kind.SENT
    assert send(kind, port, ANOTHER.pem + AUTHORITY.pem).kind is Kind.SENT
    for authorities in (None, ANOTHER.pem):
        outcome = send(kind, port, authorities)
        assert (outcome.kind, "certificate cannot be verified" in outcome.said) == (Kind.AWAY, True)


@pytest.mark.parametrize("kind", list(DestinationKind))
@pytest.mark.parametrize(
    ("server", "said"),
    [
        (AUTHORITY.server("127.0.0.9"), "IP address mismatch"),
        (AUTHORITY.server(ends=NOW - DAY), "certificate has expired"),
    ],
)
def test_its_certificate_must_be_valid_and_its_own(
    listen: Listen, kind: DestinationKind, server: tuple[str, str], said: str
) -> None:
    outcome = send(kind, listen(behaviour_of(kind), server).port, AUTHORITY.pem)
    assert (outcome.kind, said in outcome.said) == (Kind.AWAY, True), outcome.said


def test_who_trusts_another_authority_now_does_not_go_on_with_the_kept_connection(listen: Listen) -> None:
    receiver = listen(answering("200 OK"), AUTHORITY.server())
    key = uuid.uuid4()
    to = Destination(id=key, kind=DestinationKind.FHIR, allow_networks=["127.0.0.0/8"], ca_certificates=AUTHORITY.pem)
    to.url = f"https://127.0.0.1:{receiver.port}/in"
    with closing(Fhir(SAFE)) as by:
        assert by.send(to, waiting(), b"{}").kind is Kind.SENT
        to.ca_certificates = ANOTHER.pem
        assert by.send(to, waiting(), b"{}").kind is Kind.AWAY


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        (AUTHORITY.pem, None),
        (AUTHORITY.pem + ANOTHER.pem, None),
        ("MIIB", "each begins with"),
        (AUTHORITY.pem + AUTHORITY.private_key, "private key"),
        (AUTHORITY.pem[:200] + AUTHORITY.pem[260:], "copy it again"),
        (AUTHORITY.server()[0], "certificate 1 (ris) is a server's"),
        (AUTHORITY.pem + Authority("Old CA", NOW - DAY).pem, "certificate 2 (Old CA) has expired on"),
        (AUTHORITY.pem * 21, "at most 20"),
    ],
)
def test_what_is_no_authority_is_said_when_it_is_given(pem: str, said: str | None) -> None:
    fault = fault_of(pem, NOW + timedelta(seconds=1))
    assert (fault is None) if said is None else (fault is not None and said in fault), fault
