"""Orthanc's configuration for given settings: the template in orthanc-config/, completed at the start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ehr_bridge.services.nodes.naming import node_name
from ehr_bridge.settings import Settings
from plugin.running.advisories import Version, installed_version

ORTHANC = "/usr/sbin/Orthanc"
ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "orthanc-config" / "orthanc.json"
PLUGINS = Path("/usr/share/orthanc/plugins")
ALTERING = {"IngestTranscoding": ""}
"""Switches of Orthanc with which a stored file is not the one that the bridge has taken a digest of; their harmless
value. With `IngestTranscoding` every image would look damaged, and be stored again whenever it is sent again."""
OTHER_SINCE = (1, 13)
"""The version of Orthanc that changed both of the following; an unknown version is treated as a later one."""


def altering_switch(config: Mapping[str, Any]) -> str | None:
    """Why an Orthanc with this configuration must not start; None when it may."""
    for name, harmless in ALTERING.items():
        if config.get(name, harmless) not in (harmless, None):
            return (
                f"{name} is set in Orthanc's configuration: the files would not be what their digests say, and all "
                "would be reported as damaged; remove it (EHR_BRIDGE_STORAGE_COMPRESSION saves space)"
            )
    return None


def needs_md5(version: Version | None) -> bool:
    """Whether this version of Orthanc returns only files whose MD5 is in its index."""
    return version is None or version >= OTHER_SINCE


def calls_for_duplicates(version: Version | None) -> bool:
    """Whether this version calls the C-STORE filter and the stored hook for an instance that it has already."""
    return version is not None and version < OTHER_SINCE


def render(settings: Settings) -> dict[str, Any]:
    """The whole configuration. Plugins are listed one by one: Python first, so that its routes take precedence."""
    config: dict[str, Any] = json.loads(TEMPLATE.read_text())
    plugins = ["libOrthancPython.so", "libOrthancDicomWeb.so"]
    index = settings.data_dir / "orthanc-index"
    if settings.orthanc_libpq_url is not None:
        plugins.append("libOrthancPostgreSQLIndex.so")
        config["PostgreSQL"] = {
            "EnableIndex": True,
            "EnableStorage": False,
            "ConnectionUri": settings.orthanc_libpq_url,
            "Lock": False,
            "IndexConnectionsCount": 8,
            "MaximumConnectionRetries": 20,
        }
    config |= {
        "Plugins": [str(PLUGINS / name) for name in plugins],
        "StorageDirectory": str(settings.storage_path),
        "IndexDirectory": str(index),
        "TemporaryDirectory": str(settings.data_dir / "tmp"),
        "HttpPort": settings.http_port,
        "HttpBindAddresses": [settings.bind],
        "RemoteAccessAllowed": settings.bind != "127.0.0.1",
        "DicomPort": settings.dicom_port,
        "DicomAet": settings.ae_title,
        "DatabaseServerIdentifier": node_name(settings),  # whose server properties are whose, in a shared index
        "DefaultEncoding": settings.worklist_charset.capitalize(),
        # open: our own callback refuses who is not registered, and tells the audit trail; known: Orthanc does
        "DicomAlwaysAllowStore": settings.dicom_access == "open",
        "DicomAlwaysAllowFindWorklist": settings.dicom_access == "open",
        "StableAge": settings.stable_age,
        "StorageCompression": settings.storage_compression,
        "StoreMD5ForAttachments": _makes_md5(settings),
    }
    config["Python"]["Path"] = str(ROOT / "plugin" / "main.py")
    return config


def _makes_md5(settings: Settings) -> bool:
    """Of a compressed file 1.13 could not make it up later, and it costs little beside compressing."""
    return settings.storage_md5 or settings.storage_compression or needs_md5(installed_version(ORTHANC))


def write(settings: Settings) -> Path:
    """Write the configuration, which may hold a password, readable only by its owner; create the folders it names."""
    for folder in (settings.storage_path, settings.data_dir / "orthanc-index", settings.data_dir / "tmp"):
        folder.mkdir(parents=True, exist_ok=True)
    path = settings.data_dir / "orthanc.json"
    written = json.dumps(render(settings), indent=2)
    path.touch(mode=0o600, exist_ok=True)
    path.chmod(0o600)
    if path.read_text() != written:  # a full disk does not prevent a start with the same settings
        path.write_text(written)
    return path
