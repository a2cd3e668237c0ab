"""What a peer of the MPPS port may not do: send too much, too slowly, no DICOM, or take all associations."""

from __future__ import annotations

import contextlib
import logging
import socket
import time

import pytest
from pydicom.uid import generate_uid

from plugin.dimse import bounds
from tests.support.mpps import Modality, begun, ended
from tests.support.mpps_world import World, serving, world_of_modalities
from tests.support.steps import eventually

LIMITLESS = b"\x01\x00\xff\xff\xff\xff" + b"\0" * 100
"""The beginning of an association request of 4 GB."""


@pytest.fixture
def world() -> World:
    return world_of_modalities()


def is_closed(connection: socket.socket) -> bool:
    """Whether the server has ended it; it may say that it aborts before."""
    connection.settimeout(180)
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\n\r\n" * 1000, LIMITLESS], ids=["http", "4 GB"])
def test_what_is_no_request_ends_the_connection_at_once(
    world: World, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), serving(world) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(sent)
            assert is_closed(connection)
        modality = Modality(server.port, "MR1")
        assert modality.create(begun(), "1.2.3").Status == 0x0000
        modality.release()
    (record,) = caplog.records
    assert record.getMessage().startswith("MPPS: the connection from 127.0.0.1 is closed: ")


def test_a_peer_that_dribbles_is_not_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it sends a byte: the whole PDU has its time."""
    monkeypatch.setattr(bounds, "SECONDS", 0.3)
    with serving(world) as server, socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(LIMITLESS[:2] + b"\0\0\1\0")
        connection.settimeout(0.05)
        began = time.monotonic()
        while time.monotonic() - began < 180:
            try:
                connection.sendall(b"\0")
                if not connection.recv(4096):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            pytest.fail("it was waited for")


def test_an_association_has_its_most_bytes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the report is kept; the modality may open another association."""
    monkeypatch.setattr(bounds, "MOST_BYTES", 50_000)
    with serving(world) as server:
        modality = Modality(server.port, "MR1")
        assert modality.create(begun(), "1.2.3").Status == 0x0000
        many = ended(images={"1.2": [generate_uid() for _ in range(1000)]})
        assert modality.set(many, "1.2.3").get("Status") is None
        eventually(lambda: not modality.association.is_established)
        assert Modality(server.port, "MR1").association.is_established
    assert [uid for uid, *_ in world.said] == ["1.2.3"]


def test_one_address_does_not_take_all_associations(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_FROM_ONE_ADDRESS", 2)
    with serving(world) as server:
        first, second = (Modality(server.port, "MR1") for _ in range(2))
        assert not Modality(server.port, "MR1").association.is_established
        assert first.create(begun(), "1.2.3").Status == second.create(begun(), "1.2.4").Status == 0x0000


def test_devices_behind_one_address_do_not_take_each_others_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that keeps its associations open is told to come later; the next one is let in."""
    monkeypatch.setattr(bounds, "MOST_OF_ONE_PEER", 2)
    monkeypatch.setattr(bounds, "MOST_UNKNOWN", 2)
    with serving(world) as server:
        kept = [Modality(server.port, "MR1") for _ in range(2)]
        assert all(one.association.is_established for one in kept)
        third = Modality(server.port, "MR1").association
        assert (third.is_established, third.is_rejected) == (False, True)
        assert Modality(server.port, "US1").association.is_established
        kept[0].release()
        eventually(lambda: Modality(server.port, "MR1").association.is_established)


def test_who_says_nothing_has_its_own_bound(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside which those that were let in stay, however many they are."""
    monkeypatch.setattr(bounds, "MOST_UNKNOWN", 2)
    with serving(world) as server, contextlib.ExitStack() as silent:
        kept = [Modality(server.port, "MR1") for _ in range(4)]
        assert all(one.association.is_established for one in kept)
        for _ in range(2):
            silent.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        eventually(lambda: not Modality(server.port, "MR1").association.is_established)
        assert kept[0].create(begun(), "1.2.3").Status == 0x0000
