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
from ehr_bridge.api.messages.door import LARGEST as LARGEST_MESSAGE
from ehr_bridge.api.messages.door import MessageDoor
from ehr_bridge.services.bundle import Services
from plugin.dimse.modalities import OrthancModalities
from plugin.serving.fhir import FhirServer, NotGuarded
from plugin.serving.mllp import MllpServer

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
    if settings.hl7_port is not None:
        found["hl7"] = MllpServer(settings.hl7_port, services.sources, MessageDoor(services).receive, LARGEST_MESSAGE)
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
    return Listeners(found)


def _is_well(listener: Listener) -> bool:
    return listener.is_well
