"""The WSGI application, built for given services; nothing exists at import time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from flask import Response
from flask_openapi3 import Info, License, OpenAPI

from ehr_bridge.api import (
    deletions,
    events,
    quarantine,
    reconciliation,
    retrieve,
    splitting,
    stuck_jobs,
    studies,
    system,
    tags,
    viewer,
)
from ehr_bridge.api.away import printing
from ehr_bridge.api.chart import documents, timeline
from ehr_bridge.api.dashboard import board, dose, turnaround
from ehr_bridge.api.day import assigning
from ehr_bridge.api.day import counts as day_counts
from ehr_bridge.api.day import views as order_views
from ehr_bridge.api.document import problem_pages
from ehr_bridge.api.http import context, docs_page, limits, problems
from ehr_bridge.api.http.json_bodies import ShallowJson
from ehr_bridge.api.http.openapi import complete
from ehr_bridge.api.http.request_ids import RequestIds
from ehr_bridge.api.http.schemas import Problem
from ehr_bridge.api.http.watch import Watch
from ehr_bridge.api.images import rejections
from ehr_bridge.api.interfaces import deliveries, destinations, modalities, performed, sendings
from ehr_bridge.api.messages import routes as messages
from ehr_bridge.api.messages.door import MessageDoor
from ehr_bridge.api.metrics import routes as metrics
from ehr_bridge.api.metrics.counting import Counting
from ehr_bridge.api.metrics.gauges import Gauges, Known
from ehr_bridge.api.nodes import ready
from ehr_bridge.api.people import account_management, accounts, audit, notices, privacy, service_keys
from ehr_bridge.api.registry import (
    authorities,
    batches,
    desk,
    history,
    identity_changes,
    matching,
    order_acts,
    orders,
    patches,
    patients,
)
from ehr_bridge.api.reporting import acts as report_acts
from ehr_bridge.api.reporting import communications, reading_list, reports, templates
from ehr_bridge.api.reporting import documents as report_documents
from ehr_bridge.api.retention import routes as retention
from ehr_bridge.api.sharing import door, shares
from ehr_bridge.api.uploads import forms, inspection, known_files, routes, stow
from ehr_bridge.api.uploads.express import Express
from ehr_bridge.api.writing import conditions
from ehr_bridge.api.writing.described import describe_conditions, marked
from ehr_bridge.services.archive.storing import Archive
from ehr_bridge.services.bundle import Services
from ehr_bridge.version import VERSION

MODULES = (
    authorities,
    patients,
    patches,
    batches,
    matching,
    orders,
    day_counts,
    notices,
    assigning,
    order_views,
    board,
    turnaround,
    dose,
    order_acts,
    desk,
    documents,
    timeline,
    printing,
    messages,
    routes,
    forms,
    inspection,
    known_files,
    stow,
    studies,
    viewer,
    shares,
    door,
    audit,
    accounts,
    system,
    ready,
    metrics,
    problem_pages,
    tags,
    stuck_jobs,
    account_management,
    service_keys,
    deletions,
    retention,
    retrieve,
    privacy,
    reconciliation,
    splitting,
    quarantine,
    rejections,
    identity_changes,
    events,
    history,
    modalities,
    performed,
    sendings,
    destinations,
    deliveries,
    reports,
    report_acts,
    report_documents,
    communications,
    reading_list,
    templates,
)
_DESCRIBING = Lock()
LICENSE = License(name="GNU Affero General Public License 3.0 or later", identifier="AGPL-3.0-or-later")


def create_app(
    services: Services,
    archive: Archive,
    checks: Mapping[str, system.Check],
    handed_over: Callable[[], int] = lambda: 0,
    orthanc_version: str | None = None,
    echoes: modalities.Echoes | None = None,
) -> OpenAPI:
    """The application behind /api/v1 (and the two doors of `stow` outside it).

    `handed_over` returns how many stored instances have not reached the recorder yet; `echoes` asks modalities.
    """
    app = _routes(_Application)
    app.extensions[context.EXTENSION] = services
    app.extensions[routes.ARCHIVE] = archive
    app.extensions[messages.DOOR] = MessageDoor(services)
    app.extensions[ready.CHECKS] = checks
    app.extensions[system.HANDED_OVER] = handed_over
    app.extensions[system.ORTHANC_VERSION] = orthanc_version
    app.extensions[metrics.GAUGES] = Gauges(Known(services, archive, checks, handed_over, orthanc_version))
    app.extensions[modalities.ECHO] = echoes
    app.wsgi_app = Express(app.wsgi_app, services, archive)  # type: ignore[method-assign]
    app.wsgi_app = Watch(app.wsgi_app, services.refusals)  # type: ignore[method-assign]
    app.wsgi_app = Counting(RequestIds(app.wsgi_app))  # type: ignore[method-assign]
    return app


def openapi_document(*, has_basic: bool = False) -> dict[str, Any]:
    """The answer of /api/v1/openapi.json, without a server, a database or an archive.

    `has_basic` says whether the installation has a service account for HTTP Basic.
    """
    with _DESCRIBING:
        for module in MODULES:
            module.blueprint.describe()
        app = _routes(OpenAPI)
        app.generate_spec_json()  # type: ignore[no-untyped-call]
        describe_conditions(app.spec_json, *marked(app))
        return complete(app.spec_json, has_basic)


class _Application(OpenAPI):
    """An application that builds its OpenAPI document when it is first requested."""

    def generate_spec_json(self) -> None:
        settings = context.services().settings
        self.spec_json = openapi_document(has_basic=settings.username is not None)


def _routes(kind: type[OpenAPI]) -> OpenAPI:
    app = kind(
        "ehr_bridge",
        info=Info(title="Orthanc EHR bridge", version=VERSION, license=LICENSE),
        security_schemes={},
        validation_error_callback=problems.from_validation,
        validation_error_model=Problem,
        doc_prefix="/api/v1",
        doc_url="/openapi.json",
    )
    app.json = ShallowJson(app)
    problems.register(app)
    context.guard(app)
    conditions.guard(app)
    docs_page.register(app)
    for module in MODULES:
        app.register_api(module.blueprint)
    app.after_request(_no_store)
    app.after_request(limits.tell)
    return app


def _no_store(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response
