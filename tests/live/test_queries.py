"""Lists, downloads and thumbnails through the real server."""

from __future__ import annotations

import io
import time
import zipfile

import numpy as np
from PIL import Image

from tests.support.material import longest_side, lossless_jpeg, wheel_file
from tests.support.samples import fresh, fresh_series, small
from tests.support.server import Server
from tests.support.steps import eventually, place_order, upload

STUDIES = "/api/v1/dicom/studies"


def test_the_list_is_searched_as_people_type(server: Server) -> None:
    """Percent-encoding, accents and wildcards arrive whole, whatever Orthanc does to arguments."""
    family = f"Çelik{time.time_ns()}"
    order = place_order(server, family_name=family, given_name="Émilie Zoë")
    uid = upload(server, small(), X_Order_Id=order["id"]).json()["studies"][0]["study_instance_uid"]
    for typed in (f"{family}, Émilie", f"zoe {family.upper()}", f"celik{family[5:9]}*, e?ilie", f"{family}^emi"):
        query = {"patient_name": typed, "modality": "MR", "mrn": order["mrn"], "link_status": "linked"}
        answer = server.get(STUDIES, "nurse", params={**query, "study_date_from": "2026-01-01", "sort": "-study_date"})
        assert [item["study_instance_uid"] for item in answer.json()["items"]] == [uid], (typed, answer.text)
    for path in (f"patient/{order['mrn']}", f"order/{order['id']}", f"accession/{order['accession_number']}"):
        assert [i["study_instance_uid"] for i in server.get(f"{STUDIES}/{path}", "nurse").json()["items"]] == [uid]
    assert server.get(STUDIES, "nurse", params={"sort": "colour"}).json()["errors"][0]["field"] == "sort"


def test_a_download_is_byte_for_byte_what_is_stored(server: Server) -> None:
    """The real MR series; a client that hangs up in the middle harms nobody."""
    order = place_order(server)
    answers = [upload(server, data, X_Order_Id=order["id"]) for data in fresh_series()]
    uid = answers[0].json()["studies"][0]["study_instance_uid"]
    path = f"/api/v1/dicom/download/{uid}"
    with server.get(path, "doctor", stream=True) as answer:
        assert next(answer.iter_content(4))[:4] == b"PK\x03\x04"
    answer = server.get(path, "doctor")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    assert order["accession_number"] in answer.headers["Content-Disposition"]
    wado = server.get(
        f"/dicom-web/studies/{uid}",
        "doctor",
        headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'},
    ).content
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None and len(archive.namelist()) == len(answers)
        for name in archive.namelist():
            assert archive.read(name) in wado
            assert name.split("/")[0] == f"{order['mrn']} Lindqvist Åsa"
    assert server.get(path, "nurse").status_code == 403
    assert server.get("/api/v1/dicom/download/1.2.3", "doctor").json()["code"] == "study_not_found"
    downloads = f"/api/v1/audit?study_instance_uid={uid}&action=study.downloaded"
    eventually(lambda: server.get(downloads, "admin").json()["total"] == 2)


def test_thumbnails_of_syntaxes_we_and_orthanc_decode(sqlite_server: Server) -> None:
    """RLE and JPEG 2000 here; JPEG-LS and lossless JPEG by Orthanc, windowed here."""
    files = {
        "RLE": wheel_file("MR_small_RLE.dcm"),
        "JPEG 2000": wheel_file("JPEG2000.dcm"),
        "JPEG-LS": wheel_file("MR_small_jpeg_ls_lossless.dcm"),
        "lossless JPEG": lossless_jpeg(wheel_file("CT_small.dcm")),
    }
    for name, data in files.items():
        answer = upload(sqlite_server, fresh(data))
        uid = answer.json()["studies"][0]["study_instance_uid"]
        seen = sqlite_server.get(f"/api/v1/dicom/thumbnail/{uid}", "nurse")
        with Image.open(io.BytesIO(seen.content)) as image:
            values = np.asarray(image)
        assert max(values.shape) == min(256, longest_side(data)) and values.std() > 20
        assert len(np.unique(values)) > 100, name  # a placeholder has a few greys
        headers = {"If-None-Match": seen.headers["ETag"]}
        again = sqlite_server.get(f"/api/v1/dicom/thumbnail/{uid}", "nurse", headers=headers)
        assert (again.status_code, again.content) == (304, b"")
