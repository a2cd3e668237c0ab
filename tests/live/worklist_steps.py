"""What a modality does with its worklist, with DCMTK and pynetdicom."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pynetdicom.sop_class import ModalityWorklistInformationFind  # type: ignore[attr-defined]
from sqlalchemy import create_engine, text

from tests.support.scu import patient_ae
from tests.support.server import Server, user_token
from tests.support.worklist import identifier

FINDSCU = "/usr/bin/findscu"
"""By its path: pynetdicom installs a program of that name too."""
ALL_KEYS = (
    "0008,0050", "0008,0090", "0008,1110", "0008,1120", "0010,0010", "0010,0020", "0010,0030", "0010,0040",
    "0010,1030", "0010,2000", "0010,2110", "0010,21c0", "0020,000d", "0032,1032", "0032,1060", "0038,0010",
    "0038,0050", "0038,0300", "0038,0500", "0040,1001", "0040,1003", "0040,1004", "0040,3001",
    *(f"0040,0100[0].{tag}" for tag in (
        "0008,0060", "0032,1070", "0040,0001", "0040,0002", "0040,0003", "0040,0006", "0040,0007", "0040,0009",
        "0040,0010", "0040,0011", "0040,0012",
    )),
)  # fmt: skip
"""Return keys of type 1 and 2 (PS3.4 table K.6-1), as DCMTK writes them."""


def register(server: Server, ae_title: str, *may: str, host: str = "127.0.0.1", port: int = 11112) -> None:
    answer = server.put(f"/api/v1/modalities/{ae_title}", {"host": host, "port": port, "may": list(may)}, "admin")
    assert answer.status_code in (200, 201), answer.text


def findscu(server: Server, folder: Path, calling: str, *keys: str) -> tuple[int, list[Dataset]]:
    """Ask with DCMTK for all that a device may show; its exit code and the items."""
    folder.mkdir(exist_ok=True)
    arguments = [
        one for key in (*(k for k in ALL_KEYS if not any(o.startswith(k) for o in keys)), *keys) for one in ("-k", key)
    ]
    command = [FINDSCU, "-W", "-X", "-aet", calling, "-aec", "ORTHANC", *arguments]
    done = subprocess.run(
        [*command, "127.0.0.1", str(server.dicom_port)], cwd=folder, capture_output=True, timeout=180, check=False
    )
    items: list[Dataset] = [pydicom.dcmread(path) for path in sorted(folder.glob("rsp*.dcm"))]
    return done.returncode, items


def find(server: Server, calling: str, keys: Mapping[str, Any]) -> tuple[list[int | None], list[Dataset]]:
    """Ask with pynetdicom: the statuses of all answers, and the items. An abort has no status."""
    ae = patient_ae(calling)
    ae.add_requested_context(ModalityWorklistInformationFind)
    association = ae.associate("127.0.0.1", server.dicom_port, ae_title="ORTHANC")
    assert association.is_established
    statuses: list[int | None] = []
    items: list[Dataset] = []
    for status, one in association.send_c_find(identifier(keys), ModalityWorklistInformationFind):
        statuses.append(status.get("Status"))
        if one is not None:
            items.append(one)
    if association.is_established:
        association.release()
    return statuses, items


def audited(server: Server, actor: str) -> list[dict[str, Any]]:
    """What the audit trail says of a calling AE title."""
    answer = server.request("GET", f"/api/v1/audit?actor=ae:{actor}", user_token("admin"))
    return list(answer.json()["items"])


def match_of(server: Server, uid: str) -> str:
    """How certain the link of a study is, as the database has it."""
    engine = create_engine(server.database_url)
    with engine.connect() as connection:
        query = text("SELECT match_kind FROM studies WHERE study_instance_uid = :uid")
        kind = connection.scalar(query, {"uid": uid})
    engine.dispose()
    return str(kind)
