"""What must be there at the end."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import create_engine, text

from tests.bench.soak.ledger import Ledger, Sent
from tests.bench.soak.world import World
from tests.live.filing_steps import documents, radiologist
from tests.support.server import Server, user_token
from tests.support.steps import eventually, instances, study

PATIENCE_SECONDS = 180
SHOWN = 3
"""Of what is wrong."""
DOCUMENTS = ("SR", "DOC")


class Claim(NamedTuple):
    name: str
    holds: bool | None
    """None: not judged."""
    note: str


def judged(name: str, wrong: Iterable[object], number: int, of: str) -> Claim:
    found = list(wrong)
    shown = f"; {len(found)} wrong: {', '.join(map(str, found[:SHOWN]))}" if found else ""
    return Claim(name, not found, f"{number} {of}{shown}")


def settled(act: Callable[[], bool]) -> bool:
    """Whether it becomes true while the chores of the nodes come to an end."""
    try:
        return bool(eventually(act, PATIENCE_SECONDS))
    except AssertionError:
        return False


def judged_at_rest(name: str, wrong: Callable[[], Iterable[object]], number: int, of: str) -> Claim:
    """Of what chores may still be about to do: judged when nothing is wrong, or at the end of the patience."""
    found: list[object] = []

    def is_right() -> bool:
        found[:] = wrong()
        return not found

    settled(is_right)
    return judged(name, found, number, of)


def what_is_there(world: World, ledger: Ledger) -> Iterator[Claim]:
    """Each thing is looked at when the chores have had time: purges, filing, counts."""
    kept = [one for one in ledger.studies.values() if one.uid not in ledger.deletions and one.images]
    images = sum(len(one.images) for one in kept)
    settled(lambda: not _unsettled(world))
    yield judged_at_rest(
        "every deletion is a purge", partial(_unpurged, world, ledger), len(ledger.deletions), "deletions"
    )
    yield judged(
        "every report is signed, and filed once", _wrong_reports(world, ledger), len(ledger.reports), "reports"
    )
    yield judged("every image is there, once", _wrong_images(world, kept), images, f"images of {len(kept)} studies")
    yield judged_at_rest("everybody counts as many", partial(_wrong_counts, world, kept), len(kept), "studies")
    yield judged_at_rest(
        "each study has the link of its order", partial(_wrong_links, world, kept), len(kept), "studies"
    )
    yield judged("every order is there, once", _wrong_orders(world, ledger), len(ledger.orders), "orders")
    yield judged_at_rest(
        "every event is told once, alike by both", partial(_wrong_events, world, ledger, kept), *_events_told(world)
    )
    for name, node in zip("AB", world.nodes, strict=True):
        said = node.get("/api/v1/audit/verify", "admin").json()
        yield Claim(f"the audit trail is whole, says {name}", said["ok"] is True, f"{said['events']} events")
    for name, node in zip("AB", world.nodes, strict=True):
        settled(partial(_is_well, node))
        health = node.get("/api/v1/health").json()
        asked = node.get("/api/v1/system", "admin").json()["attention"]
        codes = ", ".join(f"{one['code']} {one['count']}" for one in asked)
        yield Claim(f"{name} is well", health["status"] == "ok", f"{health['status']}; attention: {codes or 'none'}")


def _is_well(node: Server) -> bool:
    return bool(node.get("/api/v1/health").json()["status"] == "ok")


def _is_filed(node: Server, uid: str) -> bool:
    return len(documents(node, uid)) == len(DOCUMENTS)


def _rows(world: World, statement: str) -> list[tuple[Any, ...]]:
    engine = create_engine(world.a.database_url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]
    finally:
        engine.dispose()


def _unsettled(world: World) -> list[tuple[Any, ...]]:
    waiting = "SELECT study_instance_uid FROM studies WHERE NOT is_settled"
    return _rows(
        world, f"{waiting} UNION ALL SELECT status FROM deletion_requests WHERE status IN ('approved', 'purging')"
    )


def _unpurged(world: World, ledger: Ledger) -> Iterator[str]:
    """Also those that either node still shows."""
    found = Counter(_rows(world, "SELECT id, status FROM deletion_requests"))
    states = {str(row[0]): row[1] for row in found}
    if len(states) != len(ledger.deletions):
        yield f"{len(states)} requests"
    for uid, deletion in ledger.deletions.items():
        if states.get(deletion) != "purged":
            yield f"{uid} {states.get(deletion)}"
        for node in world.nodes:
            if node.get(f"/dicom-web/studies/{uid}/metadata", "doctor").status_code == 200:
                yield f"{uid} is shown"


def _wrong_images(world: World, kept: list[Sent]) -> Iterator[str]:
    """The pixels of every file that A gives out."""
    for sent in kept:
        try:
            found = [one for one in instances(world.a, sent.uid) if one.Modality not in DOCUMENTS]
        except AssertionError:
            yield f"{sent.uid}: not given out"
            continue
        pixels = {str(one.SOPInstanceUID): hashlib.sha256(one.PixelData).hexdigest() for one in found}
        if pixels != sent.images or len(found) != len(sent.images):
            both = len(pixels.keys() & sent.images.keys())
            yield f"{sent.uid}: {len(sent.images)} sent, {len(found)} there, {both} of them sent"


def _wrong_counts(world: World, kept: list[Sent]) -> Iterator[str]:
    """The rows of images, the count of the study, and what both nodes show; documents of reports are no images."""
    recorded = "SELECT s.study_instance_uid, s.number_of_instances, count(i.orthanc_instance_id) FROM studies s"
    recorded += " JOIN instances i ON i.study_id = s.id GROUP BY s.id"
    counted = {uid: (told, rows) for uid, told, rows in _rows(world, recorded)}
    for sent in kept:
        told, rows = counted.get(sent.uid, (0, 0))
        shown = {(study(node, sent.uid) or {}).get("number_of_instances") for node in world.nodes}
        if not (told == rows == len(sent.images) and shown == {told}):
            yield f"{sent.uid}: {len(sent.images)} sent, {rows} recorded, {told} counted, {shown} shown"


def _wrong_links(world: World, kept: list[Sent]) -> Iterator[str]:
    joined = "SELECT s.study_instance_uid, o.accession_number, s.link_status FROM studies s"
    rows = _rows(world, f"{joined} LEFT JOIN orders o ON o.id = s.order_id")
    found = {row[0]: row[1:] for row in rows}
    for sent in kept:
        if found.get(sent.uid) != (sent.accession_number, "linked"):
            yield f"{sent.uid}: {found.get(sent.uid)}"
    links = "SELECT study_instance_uid, count(*) FROM audit_events WHERE action = 'study.linked' GROUP BY 1"
    audited = dict(_rows(world, links))
    for sent in kept:
        if audited.get(sent.uid) != 1:
            yield f"{sent.uid}: linked {audited.get(sent.uid)} times"


def _wrong_orders(world: World, ledger: Ledger) -> Iterator[str]:
    joined = "SELECT o.accession_number, p.mrn FROM orders o JOIN patients p ON p.id = o.patient_id"
    found = Counter(_rows(world, joined))
    for accession, mrn in ledger.orders.items():
        if found.get((accession, mrn)) != 1:
            yield f"{accession}: {found.get((accession, mrn))}"
    if (number := found.total()) != len(ledger.orders):
        yield f"{number} in all"


def _wrong_reports(world: World, ledger: Ledger) -> Iterator[str]:
    for uid, report in ledger.reports.items():
        path = f"/api/v1/reports/{report}/versions"
        said = world.a.request("GET", f"{path}/1/verify", radiologist()).json()
        if said.get("ok") is not True:
            yield f"{report}: {said}"
        number = len(world.a.request("GET", path, radiologist()).json()["items"])
        if number != 1:
            yield f"{report}: {number} versions"
        if not settled(partial(_is_filed, world.a, uid)):
            yield f"{report}: {len(documents(world.a, uid))} documents"


def _events_told(world: World) -> tuple[int, str]:
    return len(_events(world.a)), "events"


def _wrong_events(world: World, ledger: Ledger, kept: list[Sent]) -> Iterator[str]:
    told = _events(world.a)
    if told != _events(world.b)[: len(told)]:
        yield "the nodes tell different ones"
    if len({one["id"] for one in told}) != len(told):
        yield "an id twice"

    def count(kind: str, key: str) -> Counter[str]:
        return Counter(one["data"][key] for one in told if one["type"].endswith(kind))

    orders = count("order.created", "order_id")
    ids = dict(_rows(world, "SELECT accession_number, id FROM orders"))
    linked, gone = count("study.linked", "study_instance_uid"), count("study.deleted", "study_instance_uid")
    final = count("report.final", "report_id")
    expected = [
        ("order.created", [(str(ids.get(one)), orders) for one in ledger.orders]),
        ("study.linked", [(one.uid, linked) for one in kept]),
        ("study.deleted", [(one, gone) for one in ledger.deletions]),
        ("report.final", [(one, final) for one in ledger.reports.values()]),
    ]
    for kind, keys in expected:
        for key, found in keys:
            if found[key] != 1:
                yield f"{kind} of {key}: {found[key]} times"


def _events(node: Server) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    after, token = 0, user_token("service")
    while True:
        said = node.request("GET", f"/api/v1/events?after={after}&limit=1000", token).json()
        told += said["items"]
        if said["next"] == after:
            return told
        after = said["next"]
