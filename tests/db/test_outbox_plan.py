"""What is next for a destination is found by an index, however many wait for others or were sent; on both databases."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from sqlalchemy import Engine, event, insert, text

from ehr_bridge.db.database import Database
from ehr_bridge.db.states import DeliveryState, DestinationKind, Policy
from ehr_bridge.db.tables.logs import Delivery, Destination, Sending
from ehr_bridge.services.delivery.deliveries import Deliveries
from ehr_bridge.services.delivery.queue import Queue

NOW = datetime(2026, 11, 29, tzinfo=UTC)
MINE, AWAY = uuid.UUID(int=1), uuid.UUID(int=2)


def fill(database: Database) -> None:
    """Two destinations: one was sent much and waits for a little, the other is away."""
    usual = {"kind": DestinationKind.WEBHOOK, "url": "https://ehr.example.org", "tls": False, "events": []}
    usual |= {"policy": Policy.BLOCK, "allow_networks": [], "is_ehr": False, "enabled": True}
    with database.write() as session:
        for key, name in ((MINE, "mine"), (AWAY, "away")):
            session.add(Destination(id=key, name=name, created_at=NOW, updated_at=NOW, **usual))
            session.flush()
            session.add(Sending(destination_id=key, failures=0))
        of = [(MINE, DeliveryState.SENT)] * 6000 + [(AWAY, DeliveryState.PENDING)] * 6000
        of += [(MINE, DeliveryState.PENDING)] * 20
        rows = [
            {"destination_id": key, "seq": seq, "event_id": uuid.UUID(int=seq), "type": "order.status", "time": NOW,
             "data": {}, "state": state, "attempts": 0, "tries": []}
            for seq, (key, state) in enumerate(of, 1)
        ]  # fmt: skip
        session.execute(insert(Delivery), rows)
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def test_what_waits_for_others_slows_no_sender_down(database: Database) -> None:
    """The queue's head, its depth and whether it fails at one: no statement reads all deliveries."""
    fill(database)
    sent: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        head = Queue(database, lambda: NOW).head(MINE, 200)
        states = Deliveries(database, lambda: NOW).states()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert head is not None and len(head.waiting) == 20
    assert [one.waiting for one in states] == [6000, 20]
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    with database.engine.connect() as connection:
        looked = [one for one in sent if "FROM deliveries" in one[0]]
        answers = [connection.exec_driver_sql(explain + said, given) for said, given in looked]  # type: ignore[arg-type]
        plans = [" ".join(str(row[-1]) for row in answer) for answer in answers]
    assert "ix_deliveries_undelivered" in plans[0] or "ix_deliveries_destination_id_state_id" in plans[0], plans[0]
    of_mine = [plan for plan, (_, given) in zip(plans, looked, strict=True) if MINE.hex in str(given).replace("-", "")]
    assert of_mine
    for plan in of_mine:
        assert "SCAN deliveries" not in plan and "Seq Scan on deliveries" not in plan, plan
