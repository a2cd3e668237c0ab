"""What this process counts of its own work, for `GET /api/v1/metrics` (docs/metrics.md).

These belong to the process, as its log does, and not to a service: whoever does the work counts it where it happens.
Labels are words of ours from short lists, never a value of a request, a file or a person.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable
from itertools import accumulate, product, repeat

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second line for each, which nobody asks for
REGISTRY = CollectorRegistry(auto_describe=False)
"""Ours alone: the library's own one has collectors that read /proc and the heap at each scrape."""
STARTED_AT = time.time()
DESCRIBED: dict[str, tuple[str, ...]] = {}
"""What each is, and its labels, by name."""

_OF_REQUESTS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
OF_THE_GATE = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 1.0)

type Tell = Callable[[str, tuple[str, ...]], None]
_elsewhere: list[Tell] = []


class Total:
    """How often something has happened since the process started."""

    def __init__(self, name: str, about: str, *labels: str) -> None:
        self._name = name
        self._counter = Counter(name, about, labels, registry=REGISTRY)
        self._children: dict[tuple[str, ...], Counter] = {}
        TOTALS[name] = self
        DESCRIBED[name] = about, *labels

    def expect(self, *words: Iterable[str]) -> None:
        """Begin with 0 for each combination of these values of the labels: what grows later from nothing at all is no
        increase to Prometheus."""
        for labels in product(*words):
            self._children[labels] = self._counter.labels(*labels)

    def add(self, *labels: str) -> None:
        if _elsewhere:
            _elsewhere[0](self._name, labels)
            return
        child = self._children.get(labels)
        if child is None:
            child = self._children[labels] = self._counter.labels(*labels)
        child.inc()


class GateTimes(Collector):
    """What the gate decided, and how long that took. The library's counter and histogram together take a fifth of the
    gate's own time; this takes a twentieth (ADR 0085)."""

    DECISIONS, SECONDS = "ehr_bridge_gate_decisions_total", "ehr_bridge_gate_seconds"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str], list[int]] = {}
        """How many took up to each of the bounds, and longer."""
        self._seconds = 0.0
        DESCRIBED[self.DECISIONS] = (
            "Requests to the server, by what their route needs, and whether the gate let them pass or why not",
            "need",
            "outcome",
        )
        DESCRIBED[self.SECONDS] = ("Seconds that the gate took to decide",)
        REGISTRY.register(self)

    def note(self, seconds: float, need: str, outcome: str) -> None:
        bucket = bisect_left(OF_THE_GATE, seconds)
        with self._lock:
            row = self._rows.get((need, outcome))
            if row is None:
                row = self._rows[need, outcome] = [0] * (len(OF_THE_GATE) + 1)
            row[bucket] += 1
            self._seconds += seconds

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            rows, seconds = {labels: list(row) for labels, row in self._rows.items()}, self._seconds
        about, *labels = DESCRIBED[self.DECISIONS]
        decisions = CounterMetricFamily(self.DECISIONS, about, labels=labels)
        for said, row in rows.items():
            decisions.add_metric(said, sum(row))
        reached = accumulate(map(sum, zip(*rows.values(), strict=True))) if rows else repeat(0)
        bounds = (*map(floatToGoString, OF_THE_GATE), "+Inf")
        buckets = [*zip(bounds, reached, strict=False)]
        taken = HistogramMetricFamily(self.SECONDS, DESCRIBED[self.SECONDS][0], buckets=buckets, sum_value=seconds)
        return decisions, taken


class Spans:
    """How long something took, in seconds."""

    def __init__(self, name: str, about: str, buckets: tuple[float, ...], *labels: str) -> None:
        self._histogram = Histogram(name, about, labels, registry=REGISTRY, buckets=buckets)
        self._children: dict[tuple[str, ...], Histogram] = {} if labels else {(): self._histogram}
        DESCRIBED[name] = about, *labels

    def note(self, seconds: float, *labels: str) -> None:
        child = self._children.get(labels)
        if child is None:
            child = self._children[labels] = self._histogram.labels(*labels)
        child.observe(seconds)


TOTALS: dict[str, Total] = {}
"""By name, for what another process has counted."""

REQUESTS = Total(
    "ehr_bridge_requests_total", "Requests to our own routes, by route and class of status", "method", "route", "status"
)
REQUEST_SECONDS = Spans(
    "ehr_bridge_request_seconds", "Seconds until such a request's answer begins", _OF_REQUESTS, "method", "route"
)
GATE = GateTimes()
INSTANCES = Total("ehr_bridge_instances_total", "Files that came, by door and what became of them", "door", "outcome")
INSTANCES.expect(
    ("upload", "rest", "stow_rs", "c_store", "archive"),
    ("stored", "duplicate", "refused", "skipped", "failed", "not_judged", "quarantined", "found_later"),
)
MATCHES = Total(
    "ehr_bridge_matches_total", "New studies, by the kind of match and whether they were linked", "kind", "linked"
)
EVENTS = Total("ehr_bridge_events_total", "Events told of patients, orders, studies and reports, by type", "type")
MESSAGES = Total("ehr_bridge_hl7_messages_total", "HL7 messages that came, by what became of them", "state")
MESSAGES.expect(("applied", "ignored", "refused"))
OBJECT_REQUESTS = Total(
    "ehr_bridge_object_requests_total", "Requests to the bucket, and what became of them", "action", "outcome"
)
OBJECT_REQUESTS.expect(
    ("put", "get", "head", "list", "delete"), ("done", "missing", "away", "not_allowed", "no_bucket")
)
OBJECT_SECONDS = Spans(
    "ehr_bridge_object_seconds",
    "Seconds of a request to the bucket; of a large file's get, until it begins",
    _OF_REQUESTS,
    "action",
)
_CAUGHT_UP = "ehr_bridge_caught_up_timestamp_seconds"
DESCRIBED[_CAUGHT_UP] = ("When the archive's log of changes was last read to its end (Unix time)",)
CAUGHT_UP = Gauge(_CAUGHT_UP, DESCRIBED[_CAUGHT_UP][0], registry=REGISTRY)


def count_elsewhere(tell: Tell) -> None:
    """From now on, what this process counts is told to another one, which has the counts of both."""
    _elsewhere[:] = [tell]


def counted_elsewhere(name: str, labels: tuple[str, ...]) -> None:
    """Another process has counted this. Raises KeyError and ValueError for what we do not count."""
    TOTALS[name].add(*labels)
