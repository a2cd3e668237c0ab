"""Two studies of two people, and every way from a token for the first to the second."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.support.archive import orthanc_id
from tests.support.samples import small
from tests.support.server import Server, user_token
from tests.support.steps import place_order, upload

KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
"""The EHR's own, known to the server as `ehr-1`; and one that nobody knows."""
LEVELS = ("studies", "series", "instances")


@dataclass
class Study:
    """What an attacker may know of a study."""

    uid: str
    series: str
    sop: str
    mrn: str
    name: str
    accession: str

    @property
    def secrets(self) -> list[str]:
        """What no answer may tell who is not to see it."""
        return [self.uid, self.series, self.sop, self.mrn, self.name, self.accession]

    @property
    def ids(self) -> dict[str, str]:
        """Orthanc's own ids, which anybody can work out from the identifiers."""
        levels = [self.mrn, self.uid, self.series, self.sop]
        names = ("patients", "studies", "series", "instances")
        return {name: orthanc_id(*levels[: number + 1]) for number, name in enumerate(names)}

    @property
    def instance_path(self) -> str:
        return f"/dicom-web/studies/{self.uid}/series/{self.series}/instances/{self.sop}"


@dataclass
class Scene:
    server: Server
    a: Study
    b: Study
    token: str
    """May view, download and annotate A."""


def attacked_server(folder: Path) -> Server:
    """A server whose EHR signs with a key of its own."""
    entry = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
    (folder / "jwks.json").write_text(json.dumps({"keys": [{**entry, "kid": "ehr-1"}]}))
    return Server(folder / "var", {"EHR_BRIDGE_JWKS": str(folder / "jwks.json"), "EHR_BRIDGE_SMART_SCOPES": "1"})


def a_study(server: Server, family_name: str) -> Study:
    """A stored study of a new patient."""
    order = place_order(server, family_name=family_name)
    data = small()
    uid = upload(server, data, X_Order_Id=order["id"]).json()["studies"][0]["study_instance_uid"]
    ds = pydicom.dcmread(io.BytesIO(data))
    return Study(uid, ds.SeriesInstanceUID, ds.SOPInstanceUID, order["mrn"], family_name, order["accession_number"])


def make_scene(server: Server) -> Scene:
    """Study A with a token for it, and study B."""
    a, b = a_study(server, "Ahlgren"), a_study(server, "Bergqvist")
    wish = {"study_instance_uids": [a.uid], "operations": ["view", "annotate", "download"]}
    doctor = user_token("doctor", "radiologist", subject="dora")
    token = server.request("POST", "/api/v1/dicom/viewer-token", doctor, json=wish).json()["token"]
    return Scene(server, a, b, token)


def tells(answer: Any, study: Study, asked: str) -> list[str]:
    """Which secrets of a study an answer holds that were not in the question."""
    text = answer.content.decode("latin-1") + str(answer.headers)
    return [secret for secret in study.secrets if secret in text and secret not in asked]


def ways_to(study: Study) -> list[str]:
    """Every route that names a study, a series, an instance or their parents."""
    base, instance = f"/dicom-web/studies/{study.uid}", study.instance_path
    series = f"{base}/series/{study.series}"
    wado = f"/wado?requestType=WADO&studyUID={study.uid}&seriesUID={study.series}&objectUID={study.sop}"
    paths = [base, series, instance]
    paths += [f"{at}/{what}" for at in (base, series, instance) for what in ("metadata", "rendered", "thumbnail")]
    paths += [f"{base}/series", f"{base}/instances", f"{series}/instances"]
    paths += [f"{instance}/frames/1", f"{instance}/frames/1/rendered", f"{instance}/bulk/7fe00010"]
    paths += [f"{wado}&contentType=application/dicom", wado]
    ids = study.ids
    paths += [f"/{level}/{ids[level]}" for level in LEVELS]
    paths += [f"/{level}/{ids[level]}/statistics" for level in LEVELS]
    paths += [f"/studies/{ids['studies']}/series", f"/studies/{ids['studies']}/instances-tags"]
    paths += [f"/series/{ids['series']}/study", f"/series/{ids['series']}/shared-tags"]
    of_instance = ("file", "tags", "simplified-tags", "study", "series", "preview", "rendered", "frames/0/preview")
    return paths + [f"/instances/{ids['instances']}/{what}" for what in of_instance]
