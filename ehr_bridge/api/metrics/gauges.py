"""The state of the installation as numbers, looked at when somebody asks, and not again within a few seconds."""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from ehr_bridge import meters
from ehr_bridge.api.metrics.names import COUNTED, GAUGES
from ehr_bridge.api.metrics.operations import Value, of_backups, of_nodes, of_objects, of_readiness
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.nodes.readiness import checks_of, look
from ehr_bridge.services.system.measures import Depth, Queues
from ehr_bridge.services.system.state import ADVICE, SystemState
from ehr_bridge.version import VERSION

HELD_SECONDS = 5.0
"""However many ask, the database is asked no more often."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the numbers are of."""

    services: Services
    archive: Archive
    checks: Mapping[str, Callable[[], bool]]
    """By the names that health has for them; each raises or says whether it is well."""
    handed_over: Callable[[], int]
    orthanc_version: str | None


class Gauges:
    """A collector of prometheus-client."""

    def __init__(self, known: Known, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._known = known
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._held: list[Metric] = []
        self._until = 0.0

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            if self._monotonic() >= self._until:
                self._held = [*_families(_values(self._known))]
                self._until = self._monotonic() + HELD_SECONDS
            return self._held


def _families(values: Iterable[Value]) -> Iterator[Metric]:
    found: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
    for name, labels, number in values:
        if name not in found:
            about, *names = GAUGES[name]
            kind = CounterMetricFamily if name in COUNTED else GaugeMetricFamily
            found[name] = kind(name, about, labels=names)
        found[name].add_metric(labels, number)
    return iter(found.values())


def _values(known: Known) -> Iterator[Value]:
    """What cannot be asked is left out: the checks say what is away."""
    services, system = known.services, known.services.system
    dialect = "sqlite" if services.database.is_sqlite else "postgresql"
    about = (VERSION, known.orthanc_version or "unknown", platform.python_version(), dialect)
    yield "ehr_bridge_build_info", about, 1
    yield "ehr_bridge_start_timestamp_seconds", (), meters.STARTED_AT
    yield (
        "ehr_bridge_restarts_total",
        (),
        system.deaths(),
    )
    machine = system.machine(services.settings.storage_path)
    for name in ("resident_bytes", "open_files", "threads"):
        yield f"ehr_bridge_{name}", (), getattr(machine, name)
    yield "ehr_bridge_database_connections", (), machine.connections
    if machine.storage_seconds is not None:
        yield "ehr_bridge_storage_write_seconds", (), machine.storage_seconds
    well = {name: _is_well(check) for name, check in known.checks.items()}
    for name, is_well in well.items():
        yield "ehr_bridge_check", (name,), is_well
    parts = {name: partial(well.__getitem__, name) for name in well}
    checks = checks_of(parts, services.settings, known.archive)
    wrong, _ = look(services.database, services.nodes, checks)
    yield from of_readiness(wrong)
    if (age := services.worklist.age_seconds) is not None:
        yield "ehr_bridge_worklist_age_seconds", (), age
    try:
        yield "ehr_bridge_database_seconds", (), system.database_seconds()
        state, queues, now = system.look(known.archive, known.handed_over()), system.queues(), services.clock()
        yield from _of_state(state)
        yield from of_nodes(state)
        yield from of_objects(state.objects, now)
        yield from _of_queues(queues, now)
        yield from of_backups(state, queues, now)
        yield "ehr_bridge_audit_whole", (), services.anchors.is_kept()
        yield "ehr_bridge_reports_unfiled", (), services.results.filing.failing()
    except Unavailable:
        return


def _is_well(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception:  # as health takes it
        return False


def _of_state(state: SystemState) -> Iterator[Value]:
    usage, disk, jobs = state.usage, state.disk, state.jobs
    if disk is not None:
        yield "ehr_bridge_storage_free_bytes", (), disk.free_bytes
        yield "ehr_bridge_storage_size_bytes", (), disk.total_bytes
    if usage is not None:
        yield "ehr_bridge_archive_bytes", (), usage.size_bytes
        yield "ehr_bridge_archive_studies", (), usage.number_of_studies
        yield "ehr_bridge_archive_instances", (), usage.number_of_instances
    yield "ehr_bridge_instances_to_record", (), state.instances_to_record
    if state.changes_to_check is not None:
        yield "ehr_bridge_changes_to_check", (), state.changes_to_check
    for name in ("waiting", "running", "failed", "stuck"):
        yield "ehr_bridge_jobs", (name,), getattr(jobs, name)
    yield "ehr_bridge_uploads_under_way", (), state.uploads_under_way
    yield "ehr_bridge_quarantined_files", (), state.quarantined
    yield "ehr_bridge_damaged_files", (), state.fixity.damaged
    if state.fixity.checked_until is not None:
        yield "ehr_bridge_fixity_timestamp_seconds", (), state.fixity.checked_until.timestamp()
    needed = {one.code: 1 if one.count is None else one.count for one in state.attention}
    for code in ADVICE:
        yield "ehr_bridge_attention", (code,), needed.get(code, 0)


def _of_queues(queues: Queues, now: datetime) -> Iterator[Value]:
    for status, depth in queues.studies.items():
        yield from _depth("studies_waiting", (status,), depth, now)
    for kind, depth in queues.deliveries.items():
        yield from _depth("deliveries_waiting", (kind,), depth, now)
    yield from _depth("second_looks", (), queues.second_looks, now)
    yield "ehr_bridge_jobs_oldest_seconds", (), queues.jobs.age(now)
    yield from _depth("sendings", (), queues.sendings, now)
    yield "ehr_bridge_viewer_tokens", (), queues.viewer_tokens
    yield "ehr_bridge_audit_events_total", (), queues.audit_events


def _depth(name: str, labels: tuple[str, ...], depth: Depth, now: datetime) -> Iterator[Value]:
    yield f"ehr_bridge_{name}", labels, depth.waiting
    yield f"ehr_bridge_{name}_oldest_seconds", labels, depth.age(now)
