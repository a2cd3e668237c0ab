"""Gives Orthanc our object store in place of its storage folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ehr_bridge.storage.objects import ObjectFiles

LOGGER = logging.getLogger(__name__)


def register(orthanc: Any, files: ObjectFiles) -> list[Callable[..., Any]]:
    """Called once, while Orthanc loads plugins; the caller must keep what is returned. An exception in a callback is an
    error in Orthanc's log and to whoever asked; its text is ours, because Orthanc writes tracebacks to nowhere."""

    def create(name: str, _kind: Any, content: bytes) -> None:
        with _logged("stored", name):
            files.create(name, content)

    def read(name: str, _kind: Any) -> bytes:
        with _logged("read", name):
            return files.read(name)

    def remove(name: str, _kind: Any) -> None:
        with _logged("removed", name):
            files.remove(name)

    orthanc.RegisterStorageArea(create, read, remove)
    return [create, read, remove]


@contextmanager
def _logged(what: str, name: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        LOGGER.warning("file %s is not %s: %s", name, what, getattr(error, "why", type(error).__name__))
        raise
