"""The port of MPPS on stand-ins for what it stands on, without a database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset

from ehr_bridge.db.states import May
from ehr_bridge.db.tables.interfaces import PerformedStep
from ehr_bridge.dicom.mpps import Performed
from ehr_bridge.dicom.mwl_query import Keys, read_keys
from ehr_bridge.dicom.transliteration import CHARSETS
from ehr_bridge.network_settings import MppsTls
from ehr_bridge.services.audit.refusals import Refusal
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.interfaces.modalities import KnownModality, key_of
from ehr_bridge.services.interfaces.worklist import Answer
from plugin.dimse.mpps import MppsServer


@dataclass
class World:
    """What the port stands on, without a database."""

    known_as: dict[str, KnownModality] = field(default_factory=dict)
    address: str = "127.0.0.1"
    wrong: Exception | None = None
    said: list[tuple[Any, ...]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    items: Sequence[bytes] = ()
    is_incomplete: bool = False
    step: PerformedStep = field(default_factory=PerformedStep)

    def known(self, ae_title: str) -> KnownModality | None:
        return self.known_as.get(key_of(ae_title))

    def address_of(self, _ae_title: str) -> str:
        return self.address

    def create(self, uid: str | None, said: Performed, ae_title: str, origin: Origin) -> str:
        return self._keep(uid or "2.25.7", said, ae_title, origin)

    def change(self, uid: str, said: Performed, origin: Origin) -> str:
        return self._keep(uid, said, "", origin)

    def reported_by(self, ae_title: str, uid: str) -> PerformedStep:
        if self.wrong is not None:
            raise self.wrong
        assert (ae_title, uid) == ("MR1", "1.2.3")
        return self.step

    def _keep(self, uid: str, *more: Any) -> str:
        if self.wrong is not None:
            raise self.wrong
        self.said.append((uid, *more))
        return uid

    def read(self, query: Dataset, charset: str | None) -> Keys:
        return read_keys(query, CHARSETS[charset or "latin1"].codec)

    def find(self, _keys: Keys, _calling: str, _charset: str | None) -> Answer:
        if self.wrong is not None:
            raise self.wrong
        return Answer(self.items, self.is_incomplete)

    def keep(self, ae_title: str, transaction_uid: str, instances: Any, *, address: str) -> None:
        self._keep(transaction_uid, ae_title, instances, address)

    def defined_term(self, charset: str | None) -> str:
        return CHARSETS[charset or "latin1"].defined_term


@contextmanager
def serving(world: World, tls: MppsTls | None = None) -> Iterator[MppsServer]:
    of: Any = world
    server = MppsServer(0, "ORTHANC", of, of, of, of, of, world.refused.append, "Europe/Berlin", tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def world_of_modalities() -> World:
    """With modalities that may do different things."""
    found = World()
    for title, *may in (
        ("MR1", May.MPPS),
        ("CT1", May.WORKLIST),
        ("US1", May.MPPS, May.WORKLIST),
        ("XA1", May.STORE),
        ("SC1", May.COMMIT),
    ):
        found.known_as[title] = KnownModality(title, "127.0.0.1", 104, frozenset(may), None)
    return found
