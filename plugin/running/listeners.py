"""Ports beside Orthanc's own, each on while a setting names it: HL7 v2, FHIR and MPPS.

They are opened last, when the gate stands in the path. One that cannot be opened keeps nothing else from serving;
health says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from ehr_bridge.api.fhir.app import LARGEST as LARGEST_RESOURCE
from ehr_bridge.api.fhir.app import create_fhir_app
from ehr_bridge.services.bundle import Services
from plugin.beside.lines import ACCESS_CHANGED, CHANGED
from plugin.beside.process import Beside
from plugin.dimse.modalities import OrthancModalities
from plugin.serving.fhir import FhirServer, NotGuarded
from plugin.serving.mllp import open_port

LOGGER = logging.getLogger(__name__)


class Listener(Protocol):
    @property
    def port(self) -> int: ...
    @property
    def is_well(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Listeners:
    def __init__(self, of: Mapping[str, Listener]) -> None:
        """By the names that health has for them."""
        self._of = of

    @property
    def checks(self) -> dict[str, Callable[[], bool]]:
        return {name: partial(_is_well, one) for name, one in self._of.items()}

    def start(self) -> None:
        for name, one in self._of.items():
            try:
                one.start()
            except (OSError, NotGuarded) as error:
                LOGGER.error("the port of %s could not be opened: %s", name, error)
            else:
                LOGGER.warning("%s is served on port %d", name, one.port)

    def stop(self) -> None:
        for one in self._of.values():
            one.stop()


def make_listeners(services: Services, modalities: OrthancModalities) -> Listeners:
    """Those whose ports are set."""
    settings = services.settings
    found: dict[str, Listener] = {}
    if settings.fhir_listens_on is not None:
        application = create_fhir_app(services)
        found["fhir"] = FhirServer(application, settings.bind, settings.fhir_listens_on, LARGEST_RESOURCE)
    if settings.mpps_port is not None:
        from plugin.dimse.mpps import MppsServer  # imports pynetdicom, which no other start needs

        found["mpps"] = MppsServer(
            settings.mpps_port,
            settings.ae_title,
            services.modalities,
            modalities,
            services.performed,
            services.worklist,
            services.commitment_requests,
            services.refusals.hand_over,
            settings.time_zone,
            settings.mpps_tls,
        )
    if settings.hl7_port is not None:  # last, because it may wait for the port
        found["hl7"] = _hl7(services, settings.hl7_port)
    return Listeners(found)


def _hl7(services: Services, port: int) -> Beside:
    """In a process of its own (ADR 0063). What it commits is followed here at once, not like what other nodes do."""

    def access_changed() -> None:
        services.claims.forget()
        services.restrictions.changed()

    told = {CHANGED: services.claims.forget, ACCESS_CHANGED: access_changed}
    return Beside("plugin.beside.hl7", partial(open_port, port, services.sources), told)


def _is_well(listener: Listener) -> bool:
    return listener.is_well
