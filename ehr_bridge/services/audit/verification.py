"""Verifies the audit trail byte by byte, inside the running product or offline from a database URL.

    python -m ehr_bridge.services.audit.verification URL [--anchors FILE]... [--secret-file FILE]

It compares the stored bytes of the columns rather than their values, so that it also finds a change that leaves the
value the same (a space inside JSON, a zero after the seconds).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from ehr_bridge.db.database import Database
from ehr_bridge.db.time_limit import in_one_transaction
from ehr_bridge.derived_keys import SharedSecret
from ehr_bridge.services.audit.anchors import Anchor, AnchorFileError, Head, anchor_keys, read_anchors

GENESIS = "0" * 64
TEXTS = (
    "actor", "action", "outcome", "patient_id", "order_id", "study_instance_uid", "address", "detail",
    "previous_hash", "hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verification:
    """The result: how many events are right, and where the first wrong or missing one is."""

    ok: bool
    events: int
    broken_at: int | None = None
    reason: str | None = None
    """None, or: `altered`, `missing`, `cut_off` (an anchor knows a later event), `rewritten` (an anchor knows another
    hash), `anchors_altered`."""
    head: Head | None = None
    """The last verified event; keep it elsewhere to check it again later."""
    anchors: int = 0
    """How many anchors were compared."""


class _Altered(Exception):
    pass


def verify_connection(connection: Connection, anchors: Iterable[Anchor] = ()) -> Verification:
    """Verify the chain: no number is missing, each event refers to the one before, hashes and anchors are right."""
    head: Head | None = None
    expected, compared = 1, 0
    try:
        kept: dict[int, set[str]] = {}
        for anchor in anchors:
            kept.setdefault(anchor.id, set()).add(anchor.hash)
    except AnchorFileError:
        return Verification(False, 0, None, "anchors_altered")
    for number, raw in _rows(connection):
        if number != expected:
            return Verification(False, expected - 1, expected, "missing", head, compared)
        try:
            found = _right_hash(number, raw, head.hash if head else GENESIS)
        except _Altered:
            return Verification(False, expected - 1, expected, "altered", head, compared)
        if known := kept.pop(number, None):
            if known != {found}:
                return Verification(False, expected - 1, expected, "rewritten", head, compared)
            compared += 1
        head, expected = Head(number, found), expected + 1
    if kept:
        return Verification(False, expected - 1, expected, "cut_off", head, compared)
    return Verification(True, expected - 1, head=head, anchors=compared)


def verify_database(url: str, *anchor_files: Path, secret: str | None = None) -> Verification:
    """Verify the trail in a database, without a running server. Raises Unavailable when it does not answer.

    Each of `anchor_files` is a node's `audit-anchor.log`; with the shared `secret` their MACs are checked as well.
    """
    database = Database(url)
    try:
        keys = anchor_keys(SharedSecret(secret)) if secret is not None else ()
        with database.read() as session, in_one_transaction(session):
            anchors = chain.from_iterable(read_anchors(file, keys) for file in anchor_files)
            return verify_connection(session.connection(), anchors)
    finally:
        database.dispose()


def chain_hash(content: list[Any]) -> str:
    """SHA-256 over the previous hash and every field of an event, in a fixed JSON form."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _rows(connection: Connection) -> Iterator[tuple[int, dict[str, bytes | str | None]]]:
    """Every event with the stored bytes of its columns; the type of a value is part of what is compared."""
    if connection.dialect.name == "sqlite":
        columns = [f"CASE typeof({c}) WHEN 'blob' THEN NULL ELSE CAST({c} AS BLOB) END AS {c}" for c in ("at", *TEXTS)]
        columns += [f"typeof({c}) AS type_of_{c}" for c in ("at", *TEXTS)]
    else:
        columns = [f"CAST({c} AS TEXT) AS {c}" for c in TEXTS]
        columns += ["to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS at"]
    query = f"SELECT id, {', '.join(columns)} FROM audit_events ORDER BY id"  # noqa: S608  (names of ours)
    for row in connection.execute(text(query), execution_options={"yield_per": 1000}).mappings():
        yield row["id"], dict(row)


def _right_hash(number: int, raw: dict[str, Any], previous: str) -> str:
    """The hash of an unaltered event. Raises _Altered."""
    values = {name: _text(raw, name) for name in ("at", *TEXTS)}
    at, detail = values["at"], values["detail"]
    if at is None or detail is None or values["previous_hash"] != previous:
        raise _Altered
    try:
        moment = datetime.strptime(at, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
        parsed = json.loads(detail)
    except ValueError:
        raise _Altered from None
    canonical = moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    if at != canonical or not isinstance(parsed, dict) or json.dumps(parsed) != detail:
        raise _Altered
    content = [previous, number, moment.isoformat(timespec="microseconds")]
    content += [values[name] for name in TEXTS[:7]] + [parsed]
    found = chain_hash(content)
    if values["hash"] != found:
        raise _Altered
    return found


def _text(raw: dict[str, Any], name: str) -> str | None:
    value: str | bytes | None = raw[name]
    if (kind := raw.get(f"type_of_{name}")) is not None and kind not in ("text", "null"):
        raise _Altered
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise _Altered from None
    return value


def describe(verdict: Verification) -> str:
    """The result in a sentence for people."""
    if verdict.ok:
        return f"ok: {verdict.events} events, every one there and unaltered; {verdict.anchors} anchors agree"
    if verdict.reason == "anchors_altered":
        return "broken: the anchor file is altered or was made with another secret"
    words = {
        "altered": "is altered",
        "missing": "is missing",
        "cut_off": "and those behind it are missing: the anchors know them",
        "rewritten": "is not the one that the anchors know",
    }
    return (
        f"broken: event {verdict.broken_at} {words[str(verdict.reason)]}; {verdict.events} events before it are right"
    )


def main(arguments: list[str] | None = None) -> int:
    """The command; exit code 0 when the trail is whole, 1 when not."""
    parser = argparse.ArgumentParser(
        prog="python -m ehr_bridge.services.audit.verification", description=describe.__doc__
    )
    parser.add_argument("url", help="SQLAlchemy URL of the database")
    parser.add_argument(
        "--anchors",
        type=Path,
        action="append",
        default=[],
        help="a node's audit-anchor.log; can be repeated",
    )
    parser.add_argument("--secret-file", type=Path, help="file with the shared secret, to check the anchors' MACs")
    given = parser.parse_args(arguments)
    secret = given.secret_file.read_text().strip() if given.secret_file else None
    verdict = verify_database(given.url, *given.anchors, secret=secret)
    sys.stdout.write(describe(verdict) + "\n")
    return 0 if verdict.ok else 1


if __name__ == "__main__":
    sys.exit(main())
