"""Makes Orthanc know the registered modalities, and asks them whether they answer.

Orthanc keeps them in memory, so each process of each node tells its own. None may ask for images (C-FIND, C-GET,
C-MOVE): such an answer would not pass the gate.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any

from ehr_bridge.db.states import May
from ehr_bridge.errors import Unavailable
from ehr_bridge.services.interfaces.modalities import KnownModality, Modalities, key_of

LOGGER = logging.getLogger(__name__)
ECHO_SECONDS = 5
FORBIDDEN = {"AllowFind": False, "AllowGet": False, "AllowMove": False}


@dataclass(frozen=True, slots=True)
class Echo:
    """What became of a C-ECHO (PS3.7 section 9.1.5)."""

    ok: bool
    milliseconds: int
    error: str | None = None


def name_in_orthanc(ae_title: str) -> str:
    """Orthanc's names of modalities have letters, digits and hyphens only, AE titles other characters too."""
    return f"ae-{key_of(ae_title).encode().hex()}"


class OrthancModalities:
    """The registered modalities in this process's Orthanc."""

    def __init__(self, orthanc: Any, modalities: Modalities) -> None:
        self._orthanc = orthanc
        self._modalities = modalities
        self._lock = threading.Lock()
        self._pushed: dict[str, KnownModality] = {}
        self._addresses: dict[str, str] = {}

    def refresh(self, *, names: bool = True) -> None:
        """Read the registry and tell Orthanc what has changed; without `names`, leave modalities for later whose host
        is a name, for to look one up may take seconds. Raises Unavailable when the database is away; then Orthanc keeps
        what it knows."""
        looked_up = self._look_up() if names else {}
        with self._lock:
            wanted = self._modalities.refresh()
            for key in self._pushed.keys() - wanted.keys():
                self._orthanc.RestApiDelete(f"/modalities/{name_in_orthanc(key)}")
                del self._pushed[key]
                self._addresses.pop(key, None)
            for key, modality in wanted.items():
                if self._pushed.get(key) == modality:
                    continue
                if _is_address(modality.host):
                    self._push(key, modality, modality.host)
                elif modality.host in looked_up:
                    self._push(key, modality, looked_up[modality.host])

    def follow(self) -> None:
        """As `refresh`, when the registry says that it has changed, perhaps within its transaction. Never raises and
        looks no name up; the worker does, a moment later."""
        try:
            self.refresh(names=False)
        except Unavailable as error:
            LOGGER.warning("the modalities were not passed on to Orthanc yet: %s", error.code)
        except Exception:
            LOGGER.exception("the modalities were not passed on to Orthanc yet")

    def address_of(self, ae_title: str) -> str | None:
        """The network address of a registered modality, as it was when it was passed on; None when its name leads
        nowhere."""
        return self._addresses.get(key_of(ae_title))

    def echo(self, ae_title: str) -> Echo:
        """Send a C-ECHO to a modality that Orthanc knows; waits a few seconds for the answer."""
        began = time.monotonic()
        error = None
        try:
            self._orthanc.RestApiPost(
                f"/modalities/{name_in_orthanc(ae_title)}/echo", json.dumps({"Timeout": ECHO_SECONDS})
            )
        except Exception as failure:  # orthanc.OrthancException: a code and a text
            LOGGER.info("C-ECHO to %s: %s", ae_title, failure)
            error = (
                "It did not answer a C-ECHO. Compare host, port and AE title with the device, and look whether a "
                "firewall is between; some devices answer only to AE titles that they know."
            )
        return Echo(error is None, round((time.monotonic() - began) * 1000), error)

    def _look_up(self) -> dict[str, str | None]:
        """The addresses of names that Orthanc was not told yet. Nobody waits for it: it holds no lock."""
        new = [one for key, one in self._modalities.refresh().items() if self._pushed.get(key) != one]
        return {one.host: _address(one.host) for one in new if not _is_address(one.host)}

    def _push(self, key: str, modality: KnownModality, address: str | None) -> None:
        if address is None:
            LOGGER.warning("the host of modality %s has no address", modality.ae_title)
            self._addresses.pop(key, None)
        else:
            self._addresses[key] = address
        may = modality.may
        told = FORBIDDEN | {
            "AET": modality.ae_title,
            "Host": address or modality.host,  # Orthanc compares it with the caller's address, as text
            "Port": modality.port,
            "AllowEcho": True,
            "AllowStore": May.STORE in may,
            "AllowFindWorklist": May.WORKLIST in may,
            "AllowStorageCommitment": May.COMMIT in may,
        }
        self._orthanc.RestApiPut(f"/modalities/{name_in_orthanc(key)}", json.dumps(told))
        self._pushed[key] = modality


def _is_address(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def _address(host: str) -> str | None:
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # of a name that nobody can have, such as a..b
        return None
    return str(found[0][4][0])
