"""The MLLP port: every frame has one answer, in its order, whatever peers do; and only those who may can connect."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ehr_bridge.hl7.framing import framed
from ehr_bridge.hl7.sources import Source, Sources, Tls
from plugin.serving import mllp
from plugin.serving.mllp import MllpServer
from tests.support.certificates import Certificates
from tests.support.mllp import Peer
from tests.support.steps import eventually

LARGEST = 100_000


class Echo:
    """Answers with what it got, and remembers for whom."""

    def __init__(self, ack: bytes = b"") -> None:
        self.ack = ack
        self.heard: list[tuple[bytes, str, tuple[str, ...], bool]] = []

    def __call__(self, content: bytes, address: str, among: Sequence[Source], *, is_whole: bool = True) -> Echo:
        self.heard.append((content, address, tuple(source.name for source in among), is_whole))
        return Echo(b"ACK " + content[:100])


@contextmanager
def serving(sources: Sources | None = None) -> Iterator[tuple[MllpServer, Echo]]:
    echo = Echo()
    server = MllpServer(0, sources or Sources(), echo, LARGEST)
    server.start()
    try:
        yield server, echo
    finally:
        server.stop()


def at(*addresses: str, **more: object) -> Source:
    networks = tuple(ipaddress.ip_network(address) for address in addresses)
    return replace(Sources().unlisted("2.5.1"), name="north", networks=networks, **more)  # type: ignore[arg-type]


def test_every_frame_is_answered_in_its_order() -> None:
    """One byte at a time; five in one segment; without VT; garbage between; too large, and the next one again."""
    with serving() as (server, echo), Peer(server.port) as peer:
        for byte in framed(b"MSH|one"):
            peer.put(bytes([byte]))
        assert peer.answer() == "ACK MSH|one"
        peer.put(b"".join(framed(b"MSH|%d" % number) for number in range(5)))
        assert [peer.answer() for _ in range(5)] == [f"ACK MSH|{number}" for number in range(5)]
        peer.put(b"MSH|bare\x1c\r")
        assert peer.answer() == "ACK MSH|bare"
        assert peer.send(b"MSH|" + b"x" * 3_000_000) == "ACK MSH|" + "x" * 96
        assert peer.send(b"MSH|next") == "ACK MSH|next"
        assert [is_whole for *_, is_whole in echo.heard] == [True] * 7 + [False, True]
        assert {address for _, address, *_ in echo.heard} == {"127.0.0.1"}


def test_a_peer_that_ends_in_the_middle_of_a_frame_is_no_message() -> None:
    """And nobody else is disturbed."""
    with serving() as (server, echo):
        with Peer(server.port) as cut:
            cut.put(b"\x0bMSH|half")
        with Peer(server.port) as peer:
            assert peer.send(b"MSH|whole") == "ACK MSH|whole"
        assert [content for content, *_ in echo.heard] == [b"MSH|whole"]


def test_without_sources_only_this_machine_can_connect() -> None:
    """With sources, every interface listens, and the address decides."""
    with serving() as (server, _):
        assert server._listener is not None and server._listener.getsockname()[0] == "127.0.0.1"
    with serving(Sources((at("127.0.0.1"),))) as (server, echo), Peer(server.port) as peer:
        assert server._listener is not None and server._listener.getsockname()[0] == "0.0.0.0"
        peer.send(b"MSH|1")
        assert echo.heard[0][2] == ("north",)


def test_a_peer_at_another_address_is_not_let_in() -> None:
    """The connection ends, and nothing is read of it."""
    with serving(Sources((at("192.0.2.1"),))) as (server, echo), Peer(server.port) as peer:
        assert _ended(lambda: peer.send(b"MSH|1"))
        assert echo.heard == []


def test_connections_of_one_address_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that ends makes room for another."""
    monkeypatch.setattr(mllp, "MOST_CONNECTIONS", 2)
    with serving() as (server, _), Peer(server.port) as first, Peer(server.port) as second:
        assert first.send(b"1") and second.send(b"2")
        with Peer(server.port) as third:
            assert _ended(lambda: third.send(b"3"))
        first.__exit__(None, None, None)

        def has_room() -> bool:
            with Peer(server.port) as another:
                return not _ended(lambda: another.send(b"4"))

        eventually(has_room)


def test_who_says_nothing_in_the_middle_of_a_frame_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between frames it may be silent for longer."""
    monkeypatch.setattr(mllp, "FRAME_SECONDS", 0.05)
    with serving() as (server, echo), Peer(server.port) as peer:
        assert peer.send(b"MSH|1") == "ACK MSH|1"
        peer.put(b"\x0bMSH|half")
        assert peer.answer() == "" and len(echo.heard) == 1


def test_stopping_ends_open_connections_and_frees_the_port() -> None:
    """A thread that waits for a peer must not outlive the server."""
    with serving() as (server, _), Peer(server.port) as peer:
        assert peer.send(b"MSH|1")
        port = server.port
        server.stop()
        assert _ended(lambda: peer.send(b"MSH|2")) and not server.is_well
        eventually(lambda: not any(one.name.startswith("ehr-bridge-mllp") for one in threading.enumerate()))
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_source_with_certificates_is_let_in_by_its_own_only(tmp_path: Path) -> None:
    """TLS on both sides: in clear, without a certificate or with a stranger's nobody is heard."""
    ours, theirs, stranger = (Certificates(tmp_path / name) for name in ("ours", "theirs", "stranger"))
    tls = Tls(ours.certificate, ours.key, theirs.certificate)
    with serving(Sources((at("127.0.0.1", tls=tls),))) as (server, echo):
        with Peer(server.port, ours.trusted_by(theirs)) as peer:
            assert peer.send(b"MSH|1") == "ACK MSH|1"
        for client in (ours.trusted_by(stranger), ours.trusted_by(None), None):
            assert _ended(lambda client=client: _say(server.port, client))  # type: ignore[misc]
        assert [content for content, *_ in echo.heard] == [b"MSH|1"]
        with Peer(server.port, ours.trusted_by(theirs)) as peer:
            assert peer.send(b"MSH|2") == "ACK MSH|2"


def test_a_certificate_that_cannot_be_used_keeps_the_port_shut(tmp_path: Path) -> None:
    """Instead of taking messages in clear."""
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("nothing")
    server = MllpServer(0, Sources((at("127.0.0.1", tls=Tls(*(tmp_path / n for n in "abc"))),)), Echo(), LARGEST)
    with pytest.raises(OSError, match=r"."):
        server.start()
    assert not server.is_well


def _say(port: int, tls: ssl.SSLContext | None) -> str:
    with Peer(port, tls) as peer:
        return peer.send(b"MSH|stranger")


def _ended(talk: Callable[[], str]) -> bool:
    """Whether the other side closed the connection instead of answering."""
    try:
        return talk() == ""
    except OSError:
        return True
