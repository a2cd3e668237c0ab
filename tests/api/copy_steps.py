"""One image of an order, and copies of it that come from a modality."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from ehr_bridge.db.tables.logs import Cursor
from ehr_bridge.db.tables.uploads import Instance
from ehr_bridge.services.archive.file_digests import stored_digest
from ehr_bridge.services.audit.trail import Origin
from ehr_bridge.services.bundle import utc_now
from ehr_bridge.services.fixity.rounds import FixityRounds
from ehr_bridge.services.fixity.state import FIXITY
from ehr_bridge.services.uploads.arrivals import AtDoor, Delivery, Door
from plugin.storing.taking_over import TakingOver
from tests.api.conftest import Api
from tests.support.samples import small


class Case:
    """One image of an order, and what is made of each copy of it that a modality sends."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api, self.folder = api, folder
        order = api.place_order()
        self.image = small(
            AccessionNumber=order["accession_number"], PatientID=order["mrn"], PatientName="LINDQVIST^ASA"
        )
        self.seconds = 0

    def copy(self, image: bytes | None = None) -> tuple[AtDoor, bytes]:
        """The arrival of a copy, as the node claims it that received it, and its bytes. The first is the one kept."""
        intake = self.api.services.intake
        delivery = Delivery(None, Door.C_STORE, "modality", Origin("ae:MR1"))
        self.seconds += 1
        now = utc_now() + timedelta(seconds=self.seconds)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(intake, "_clock", lambda: now)
            judged, data = intake.coerce(intake.judge(image or self.image, delivery))
        stored = self.api.archive.store(data)
        return AtDoor(judged, type(stored)(stored.orthanc_instance_id, "", False), stored_digest(data)), data

    def take(self, arrival: AtDoor, *, among_others: bool = False) -> None:
        services = self.api.services
        taking = TakingOver(
            self.api.archive, services.intake, services.recorder, services.quarantine, lambda: among_others
        )
        taking(arrival)
        services.recorder.settle()

    @property
    def kept(self) -> bytes:
        (data,) = self.api.archive.instances.values()
        return data

    def row(self) -> Instance:
        with self.api.services.database.read() as session:
            return session.scalars(select(Instance)).one()

    def age(self) -> None:
        """As if all of it had come two minutes ago."""
        with self.api.services.database.write() as session:
            session.execute(update(Instance).values(received_at=utc_now() - timedelta(minutes=2)))

    def damage(self) -> None:
        ((name, data),) = self.api.archive.instances.items()
        self.api.archive.instances[name] = data[:-1] + bytes([data[-1] ^ 1])

    def check(self) -> None:
        """Reads every file, whichever part of a round the day has come to."""
        with self.api.services.database.write() as session:
            session.execute(delete(Cursor).where(Cursor.name == FIXITY))
        FixityRounds(self.api.services.database, self.api.archive, self.api.services.clock, 30).run(60)

    def quarantined(self, code: str) -> list[bytes]:
        return [path.read_bytes() for path in self.folder.rglob(f"*.{code}.dcm")]

    def told(self) -> list[str]:
        events = self.api.get("/api/v1/audit?limit=50", "admin").json["items"]
        return [event["action"] for event in events if event["action"].startswith("study.file_")]


def was_there(arrival: AtDoor) -> AtDoor:
    return AtDoor(arrival.judged, arrival.stored, None, was_there=True)
