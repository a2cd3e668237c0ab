"""What Orthanc is told of registered modalities."""

from __future__ import annotations

import json
from typing import Any

from ehr_bridge.db.states import May
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.interfaces.modalities import KnownModality
from plugin.dimse.modalities import OrthancModalities, name_in_orthanc


class Registry:
    def __init__(self) -> None:
        self.known: dict[str, KnownModality] = {}
        self.is_away = False

    def refresh(self) -> dict[str, KnownModality]:
        if self.is_away:
            raise Unavailable("database_unavailable", "away")
        return self.known


class Orthanc:
    def __init__(self) -> None:
        self.told: dict[str, dict[str, Any]] = {}
        self.calls = 0
        self.answers = True

    def RestApiPut(self, path: str, body: str) -> bytes:
        self.calls += 1
        self.told[path] = json.loads(body)
        return b"{}"

    def RestApiDelete(self, path: str) -> None:
        self.calls += 1
        del self.told[path]

    def RestApiPost(self, path: str, body: str) -> bytes:
        assert path.removesuffix("/echo") in self.told
        if not self.answers:
            raise RuntimeError("Error in the network protocol")
        return b"{}"


def modality(title: str, *may: May, host: str = "127.0.0.1") -> KnownModality:
    return KnownModality(title, host, 104, frozenset(may), None)


def made() -> tuple[Registry, Orthanc, OrthancModalities]:
    registry, orthanc = Registry(), Orthanc()
    return registry, orthanc, OrthancModalities(orthanc, registry)  # type: ignore[arg-type]


def test_differences_are_told_and_nothing_else() -> None:
    registry, orthanc, modalities = made()
    registry.known = {"CT1": modality("Ct1", May.STORE), "MR1": modality("MR1", *May)}
    modalities.refresh()
    modalities.refresh()
    assert orthanc.calls == 2
    ct1, mr1 = (orthanc.told[f"/modalities/{name_in_orthanc(one)}"] for one in ("CT1", "MR1"))
    assert (ct1["AET"], ct1["AllowStore"], ct1["AllowFindWorklist"]) == ("Ct1", True, False)
    for told in (ct1, mr1):
        assert [told[f"Allow{what}"] for what in ("Find", "Get", "Move", "Echo")] == [False, False, False, True]
    assert (mr1["AllowFindWorklist"], mr1["AllowStorageCommitment"], ct1["AllowStorageCommitment"]) == (
        True,
        True,
        False,
    )
    registry.known = {"CT1": modality("Ct1", May.WORKLIST)}
    modalities.refresh()
    assert orthanc.calls == 4
    assert [told["AllowStore"] for told in orthanc.told.values()] == [False]


def test_names_in_orthanc_are_of_letters_digits_and_hyphens() -> None:
    assert name_in_orthanc(" ct_2.b ") == name_in_orthanc("CT_2.B") == "ae-43545f322e42"


def test_a_host_is_told_as_its_address() -> None:
    """Orthanc compares it with the caller's, as text; a name without an address is told as it is."""
    registry, orthanc, modalities = made()
    registry.known = {"A": modality("A", host="localhost"), "B": modality("B", host="no..host")}
    modalities.refresh()
    assert {told["Host"] for told in orthanc.told.values()} == {"127.0.0.1", "no..host"}
    assert (modalities.address_of("a"), modalities.address_of("B")) == ("127.0.0.1", None)


def test_no_name_is_looked_up_while_somebody_waits() -> None:
    """The worker does it, within a second."""
    registry, _, modalities = made()
    registry.known = {"A": modality("A", host="localhost"), "B": modality("B", host="127.0.0.1")}
    modalities.follow()
    assert (modalities.address_of("A"), modalities.address_of("B")) == (None, "127.0.0.1")
    modalities.refresh()
    assert modalities.address_of("A") == "127.0.0.1"


def test_while_the_database_is_away_orthanc_keeps_what_it_knows() -> None:
    registry, orthanc, modalities = made()
    registry.known = {"CT1": modality("CT1", May.WORKLIST)}
    modalities.refresh()
    registry.is_away = True
    modalities.follow()
    assert (len(orthanc.told), modalities.address_of("CT1")) == (1, "127.0.0.1")


def test_an_echo_says_what_to_look_at() -> None:
    registry, orthanc, modalities = made()
    registry.known = {"CT1": modality("CT1")}
    modalities.refresh()
    assert modalities.echo("ct1").ok
    orthanc.answers = False
    failed = modalities.echo("CT1")
    assert (failed.ok, "host, port and AE title" in (failed.error or "")) == (False, True)
