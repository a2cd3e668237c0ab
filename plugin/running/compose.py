"""The composition root: builds and registers everything inside Orthanc, in order."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ehr_bridge.api.app import create_app
from ehr_bridge.api.fhir.launch import with_launching
from ehr_bridge.api.http.request_ids import RequestIds
from ehr_bridge.db import migrate
from ehr_bridge.db.database import Database
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.bundle import Services, build_services
from ehr_bridge.services.jobs.spool import spool_of
from ehr_bridge.services.modifying.runner import ModificationJobs
from ehr_bridge.services.uploads.settling import settle_leftovers
from ehr_bridge.services.uploads.under_way import SILENT_FOR
from ehr_bridge.settings import MEGABYTE, load_settings
from ehr_bridge.shallow_json import loads
from ehr_bridge.storage.making import files_of
from ehr_bridge.storage.room import Room
from plugin.dimse.commitment import CommitmentScp
from plugin.dimse.modalities import OrthancModalities
from plugin.dimse.rejections import Rejections
from plugin.dimse.sending import OrthancSender
from plugin.dimse.worklist import WorklistScp
from plugin.running.advisories import installed_version, written
from plugin.running.following import make_following
from plugin.running.listeners import Listeners, make_listeners
from plugin.running.logs import Rotation, log_to
from plugin.running.selftest import LEAST_STACK, NotFitToServe, run_self_test
from plugin.running.sending import CommitmentWorker, make_sending
from plugin.running.side_workers import keep_in_bucket, make_delivering, make_fixity
from plugin.running.threads import keeping_thread, take_turns_soon
from plugin.running.worker import Chore, Worker
from plugin.serving.bodies import Bodies, free_memory
from plugin.serving.find import ScopedFind
from plugin.serving.gate import Gate
from plugin.serving.pages import Pages
from plugin.serving.resources import Resources
from plugin.serving.wsgi import WsgiAdapter
from plugin.starting.orthanc_config import ORTHANC, altering_switch, calls_for_duplicates
from plugin.storing.archive import OrthancArchive
from plugin.storing.catchup import CatchUp
from plugin.storing.ingest import Ingest
from plugin.storing.purging import PurgingArchive
from plugin.storing.store_refusals import StoreRefusals
from plugin.storing.taking_over import TakingOver

LOGGER = logging.getLogger(__name__)
LOUD = "ehr_bridge_actors_refused_often"
"""Metric: how many actors were refused 50 times or more within a minute."""
STUCK = "ehr_bridge_stuck_jobs"
"""Metric: how many jobs hold their studies and need a person to continue."""
UNFILED = "ehr_bridge_unfiled_reports"
"""Metric: how many documents of reports cannot be filed for an error that does not pass."""


def install(orthanc: Any, environ: Mapping[str, str]) -> list[Callable[..., Any]]:
    """Build the product for this environment and register it with Orthanc. Called once, while Orthanc loads plugins.

    Returns the callbacks, which the caller must keep as long as the process lives: when it stops, orthanc-python 5.0
    drops them without holding the GIL, a fatal error if that was the last reference.
    """
    take_turns_soon()
    settings = load_settings(environ)
    log_to(orthanc, settings.log_format)
    if (said := altering_switch(loads(orthanc.GetConfiguration()))) is not None:
        LOGGER.error("refusing to start: %s", said)
        os._exit(3)
    services = build_services(settings, Database(settings.sqlalchemy_url))
    files = files_of(settings)
    room = Room(files, settings.storage_path, settings.data_dir, settings.storage_reserve_bytes)
    archive = OrthancArchive(orthanc, files, room)
    bodies = Bodies(settings.max_dicom_file_size_mb * MEGABYTE, settings.max_upload_size_mb * MEGABYTE, free_memory)
    resources = Resources(orthanc)
    gate = Gate(
        services.authenticator,
        services.sight,
        resources.study_of,
        bodies,
        services.refusals.hand_over,
        services.viewings.note,
        services.sharing.report_files.of,
    )
    purging = PurgingArchive(archive, files, settings.purge_journal_path)
    modalities = OrthancModalities(orthanc, services.modalities)
    services.modalities.follow(modalities.follow)
    worklist = WorklistScp(
        services.worklist, services.modalities, modalities, settings.dicom_port, services.refusals.hand_over
    )
    commitment = CommitmentScp(
        orthanc,
        services.commitments,
        services.commitment_requests,
        services.modalities,
        archive,
        lambda: spool_of(settings).node,
    )
    worker = _make_worker(services, archive, purging, modalities)
    fixity = make_fixity(services, archive)
    sending = make_sending(services, archive, OrthancSender(orthanc, modalities))
    delivering = make_delivering(services, archive)
    committing = CommitmentWorker(services, archive, modalities)
    workers = [make_following(services), worker, fixity, *sending, delivering, committing]
    area = keep_in_bucket(orthanc, files, archive, services, workers)
    store_refusals = StoreRefusals(settings.dicom_port, services.refusals.hand_over)
    ingest = Ingest(
        orthanc,
        services.intake,
        archive,
        services.quarantine,
        store_refusals,
        worker.hand_over,
        int(settings.other_content_status, 16),
        calls_for_duplicates(installed_version(ORTHANC)),
    )
    checks = {
        "gate": lambda: gate.is_open,
        "database": lambda: migrate.may_serve(services.database),
        "orthanc": archive.answers,
        "ohif": Pages.has_viewer,
        "worker": lambda: all(one.is_well for one in workers),
        "storage": lambda: archive.has_room(settings.max_dicom_file_size_mb * MEGABYTE),
        "worklist": lambda: worklist.is_ours,
        "jobs": lambda: services.system.stuck_jobs() == 0,
        "deliveries": lambda: services.outbox.deliveries.in_trouble() == 0,
    }
    listeners = make_listeners(services, modalities)
    checks |= listeners.checks
    if any(source.silence_minutes for source in services.sources.known):
        checks["interfaces"] = services.messages.nobody_is_silent
    orthanc_version = written(installed_version(ORTHANC))
    app = create_app(services, archive, checks, lambda: worker.waiting, orthanc_version, modalities.echo)
    adapter = WsgiAdapter(with_launching(app, services), gate.peer, bodies.done)

    life = Lifecycle(orthanc, gate, adapter, workers, services, resources, modalities, worklist, listeners, commitment)
    hooks: list[tuple[Any, Callable[..., Any]]] = [
        (orthanc.RegisterIncomingHttpRequestFilter, keeping_thread(gate.allow)),
        (orthanc.RegisterReceivedInstanceCallback, ingest.on_received),
        (orthanc.RegisterOnStoredInstanceCallback, ingest.on_stored),
        (orthanc.RegisterOnChangeCallback, keeping_thread(life)),
        (orthanc.RegisterIncomingCStoreInstanceFilter, keeping_thread(ingest.on_c_store)),
        (orthanc.RegisterWorklistCallback, worklist),
    ]
    routes: dict[str, Callable[..., Any]] = {
        "/tools/find": ScopedFind(
            orthanc,
            services.authenticator,
            services.sight,
            resources.series_of,
            lambda: adapter.arguments_are_decoded,
            services.studies.home_of,
            services.sharing.report_files.of,
        ),
        "/api/v1(/.*)?": adapter,
        "/instances": adapter,
        "/ehr/smart/(launch|callback)": adapter,  # before the pages
        "/((ehr|ohif)(/.*)?)?": WsgiAdapter(RequestIds(Pages(settings.frame_ancestors or "")), gate.peer),
    }
    for register, hook in hooks:
        register(hook)
    for path, route in routes.items():
        orthanc.RegisterRestCallback(path, route)
    orthanc.RegisterStorageCommitmentScpCallback(*(commits := (commitment.begin, commitment.look_up)))
    return [hook for _, hook in hooks] + list(routes.values()) + [*commits, *area]


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Orthanc's OnChangeCallback, for start and stop."""

    orthanc: Any
    gate: Gate
    adapter: WsgiAdapter
    workers: Sequence[Worker]
    """Stopped from the last to the first."""
    services: Services
    resources: Resources
    modalities: OrthancModalities
    worklist: WorklistScp
    listeners: Listeners
    commitment: CommitmentScp

    def __call__(self, change_type: int, _level: int, resource: str) -> None:
        kinds = self.orthanc.ChangeType
        if change_type == kinds.DELETED:
            self.resources.forget(resource)
        elif change_type in (kinds.JOB_SUCCESS, kinds.JOB_FAILURE):
            self.commitment.job_ended(resource, succeeded=change_type == kinds.JOB_SUCCESS)
        elif change_type == kinds.ORTHANC_STARTED:
            threading.Thread(target=self._begin, name="ehr-bridge-self-test", daemon=True).start()
        elif change_type == kinds.ORTHANC_STOPPED:
            self.listeners.stop()
            self.worklist.end()
            for worker in reversed(self.workers):
                worker.stop()
            self.services.recorder.close()
            self._last_words()
            self.services.database.dispose()

    def _last_words(self) -> None:
        """Write counts that wait for their minute, and the last anchor of the audit trail."""
        services = self.services
        for say in (lambda: services.refusals.flush(last=True), services.anchors.write, services.nodes.end):
            try:
                say()
            except Exception:  # the others are still said
                LOGGER.exception("the last refusals, audit anchor or sign of life could not be written")

    def _begin(self) -> None:
        try:
            self.services.sight.refresh()  # until then the gate shows no images
        except Unavailable as error:
            LOGGER.warning("hidden studies and restricted patients are not known yet: %s", error.code)
        self.modalities.follow()
        for worker in self.workers:
            worker.start()
        settings = self.services.settings
        try:
            run_self_test(settings.http_port, self.gate, self.adapter, 0 if settings.small_stacks else LEAST_STACK)
        except NotFitToServe as error:
            LOGGER.error("refusing to serve: %s", error)
            os._exit(3)  # a server whose gate is open to everybody must serve nothing
        self.services.nodes.begin()
        self.worklist.prove(self.orthanc, settings.ae_title)
        LOGGER.warning("the gate stands in the path; serving on port %d", settings.http_port)
        self.listeners.start()


def _make_worker(
    services: Services, archive: OrthancArchive, purging: PurgingArchive, modalities: OrthancModalities
) -> Worker:
    recorder, spool = services.recorder, spool_of(services.settings)
    jobs = ModificationJobs(
        services.database,
        archive,
        spool,
        services.claims.rules,
        recorder,
        services.clock,
        services.intake.rules,
        services.quarantine.keep,
    )
    settings = services.settings
    rotation = Rotation(settings.log_path, settings.log_max_mb * MEGABYTE, settings.log_kept)
    rejections = Rejections(settings.log_path, services.refusals.hand_over)
    catch_up = CatchUp(services.database, archive, services.intake, recorder)

    take_over = TakingOver(archive, services.intake, recorder, services.quarantine, services.nodes.have_company)

    def close_leftovers() -> None:
        """At the start, all uploads but those on other nodes that run; later, those that have been silent for long."""
        if closed_before:
            recorder.under_way.close_interrupted(SILENT_FOR)
        else:
            recorder.under_way.close_interrupted(timedelta(0), services.nodes.others())
        closed_before.append(True)

    closed_before: list[bool] = []

    def metric(name: str, value: Callable[[], int]) -> Callable[[], object]:
        return lambda: archive.tell_metric(name, value())

    def settle_old() -> None:
        with services.database.write() as session:
            settle_leftovers(session)

    return Worker(
        take_over,
        [
            Chore("record", recorder.flush, 0.0),
            Chore("second looks", services.second_looks.run, 0.0, unchanged_seconds=2.0),
            Chore("quarantine", services.quarantine.flush, 0.0),
            # before catching up: an interrupted job first finishes its instance
            Chore("modifications", jobs.run, 0.0, unchanged_seconds=2.0),
            Chore("settle", recorder.settle, 2.0),
            Chore("completed orders", services.completion.run, 5.0),
            Chore("performed steps", services.performed.look, 5.0),
            Chore("available studies", services.availability.run, 5.0),
            Chore("old events", services.feed.forget_old, 600.0),
            Chore("old notices", services.results.notices.forget_old, 3600.0),
            Chore("old messages", services.messages.forget_old, 600.0),
            Chore("reports", lambda: services.results.filing.run(archive, spool.node), 0.5, unchanged_seconds=2.0),
            Chore("rejected images", lambda: services.results.moving.run(archive), 0.5, unchanged_seconds=2.0),
            Chore("files of rejections", services.results.leftovers.clear, 60.0),
            Chore("refused modalities", rejections.run, 1.0),
            Chore("refusals", services.refusals.flush, 1.0),
            Chore("metrics", metric(LOUD, services.refusals.alarms.loud), 5.0),
            Chore("stuck jobs", metric(STUCK, services.system.stuck_jobs), 5.0, unchanged_seconds=60.0),
            Chore("unfiled reports", metric(UNFILED, services.results.filing.failing), 5.0, unchanged_seconds=60.0),
            Chore("viewings", services.viewings.flush, 2.0),
            Chore("audit anchor", services.anchors.write_due, 5.0),
            # fetches on a thread of its own, so that nothing else waits for the EHR's identity provider
            *([Chore("EHR's keys", services.ehr_keys.refresh_aside, 1.0)] if services.ehr_keys else []),
            Chore("modalities", modalities.refresh, 1.0, unchanged_seconds=5.0),
            Chore("worklist", services.worklist.refresh, 10.0, unchanged_seconds=60.0),
            Chore("rate limits", services.rate_limits.reconcile, 1.0),
            Chore("service keys", services.key_verifier.note_use, 1.0),
            Chore("purge", lambda: services.purge.run(purging), 0.5, unchanged_seconds=5.0),
            Chore("catch up", catch_up.run, 3.0),
            Chore("quarantined files", services.quarantine.sweep, 60.0),
            Chore("log", rotation.run, 5.0),
            Chore("interrupted uploads", close_leftovers, 60.0),
            Chore("settle leftovers", settle_old, 60.0),
            # not before catch-up could find instances of these claims
            Chore("abandoned claims", services.claims.drop_abandoned, 60.0, due=time.monotonic() + 60.0),
        ],
        state=services.database.change.look,
    )
