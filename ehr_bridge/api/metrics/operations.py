"""Nodes, readiness, backups and object storage as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from ehr_bridge.db.states import BackupKind, NodeState
from ehr_bridge.services.nodes.readiness import WRONG
from ehr_bridge.services.system.measures import Queues
from ehr_bridge.services.system.state import SystemState
from ehr_bridge.storage.files import ERRORS, ObjectState

type Value = tuple[str, tuple[str, ...], float]
"""Name, values of its labels, number."""

NODE_STATES = (NodeState.STARTING.value, NodeState.SERVING.value, NodeState.DRAINING.value, "lost")
"""One that has ended is none."""


def of_readiness(wrong: Sequence[str]) -> Iterator[Value]:
    for reason in WRONG:
        yield "ehr_bridge_not_ready", (reason,), reason in wrong


def of_nodes(state: SystemState) -> Iterator[Value]:
    """Names of nodes are chosen by people, so they are no labels; Prometheus knows each by its address."""
    found = Counter(one.state.value for one in state.nodes)
    for name in NODE_STATES:
        yield "ehr_bridge_nodes", (name,), found[name]
    for one in state.nodes:
        if one.is_this:
            yield "ehr_bridge_node_clock_ahead_seconds", (), one.clock_ahead_seconds


def of_backups(state: SystemState, queues: Queues, now: datetime) -> Iterator[Value]:
    yield "ehr_bridge_backup_scheduled", (), state.backups.is_scheduled
    for kind, one in queues.backups.items():
        labels = (kind.value,)
        success = 0.0 if one.succeeded_at is None else one.succeeded_at.timestamp()
        running = 0.0 if one.running_since is None else max((now - one.running_since).total_seconds(), 0.0)
        yield "ehr_bridge_backup_success_timestamp_seconds", labels, success
        yield "ehr_bridge_backup_seconds", labels, one.seconds
        yield "ehr_bridge_backup_failed", labels, one.has_failed
        yield "ehr_bridge_backup_running_seconds", labels, running
    backup = queues.backups[BackupKind.BACKUP]
    yield "ehr_bridge_backup_bytes", (), backup.size_bytes
    yield "ehr_bridge_backup_added_bytes", (), backup.added_bytes


def of_objects(state: ObjectState | None, now: datetime) -> Iterator[Value]:
    """All 0 where images are in a folder."""
    since = None if state is None else state.oldest_at
    yield "ehr_bridge_objects_waiting", (), 0 if state is None else state.waiting
    yield "ehr_bridge_objects_waiting_bytes", (), 0 if state is None else state.waiting_bytes
    yield "ehr_bridge_objects_limit_bytes", (), 0 if state is None else state.limit_bytes
    yield "ehr_bridge_objects_oldest_seconds", (), 0.0 if since is None else max((now - since).total_seconds(), 0.0)
    yield "ehr_bridge_objects_removing", (), 0 if state is None else state.removing
    for error in ERRORS:
        yield "ehr_bridge_objects_failing", (error,), state is not None and state.error == error
