"""Lists saved as tables: an installation with rows in every list, and tables as a spreadsheet reads them."""

from __future__ import annotations

import csv
import io
from typing import Any

from ehr_bridge.api.away.columns import COLUMNS
from tests.api.conftest import Api
from tests.api.deletion_steps import STUDIES
from tests.api.message_steps import send
from tests.api.outbox_steps import put
from tests.api.performed_steps import create, request
from tests.api.privacy_steps import restrict
from tests.api.rejection_steps import rejected
from tests.api.report_steps import begin
from tests.support.client import Answer
from tests.support.messages import adt
from tests.support.samples import small

EVERYBODY = ("admin", "radiologist", "service", "doctor")
TAKES_AWAY = ("admin", "radiologist")
"""Everything that a list or a table needs, and no word for others: restrictions hold."""
EVIL = "@SUM(1)"


def furnished(api: Api) -> Api:
    """Two patients in every list that has patients: one whose name is a formula, one who is restricted, also to those
    who may see them."""
    put(api)
    modality = {"host": "127.0.0.1", "port": 104, "may": ["store", "send_to"], "description": "=1+1"}
    assert api.call("PUT", "/api/v1/modalities/MR1", "admin", json=modality).status_code in (200, 201)
    for number, mrn, family in (("ACC-1", "MRN-1", EVIL), ("ACC-9", "MRN-VIP", "Geheim")):
        order = api.place_order(number, mrn, family_name=family, given_name="Ärmel")
        uid = f"1.2.3.{number[-1]}"
        facts = {"PatientID": mrn, "AccessionNumber": number, "StudyInstanceUID": uid, "StudyDate": "20260115"}
        for image in (1, 2):
            data = small(**facts, SOPInstanceUID=f"{uid}.{image}", SeriesInstanceUID=f"{uid}.0")
            answer = api.upload(data, headers={"X-Order-Id": order["id"]})
            assert answer.status_code == 201, answer.json
        stray = small(
            PatientID=mrn, PatientName="Nobody^Knows", StudyInstanceUID=f"1.2.4.{number[-1]}", AccessionNumber=""
        )
        assert api.upload(stray).status_code == 201
        api.services.recorder.settle()
        begin(api, order_id=number)
        create(api, request(api, number))
        token = {"study_instance_uids": [uid], "operations": ["view"], "ttl_seconds": 600}
        assert api.call("POST", "/api/v1/dicom/viewer-token", "doctor", json=token).status_code == 201
        rejected(api, uid, [f"{uid}.2"])
        gone = small(StudyInstanceUID=f"1.2.5.{number[-1]}", SOPInstanceUID=f"1.2.5.{number[-1]}.1")
        assert api.upload(gone, headers={"X-Order-Id": order["id"]}).status_code == 201
        asked = api.call("DELETE", f"{STUDIES}/1.2.5.{number[-1]}", "radiologist", headers={"X-Reason": "Test images"})
        assert asked.status_code == 202, asked.json
        merged = {"accession_number": f"{number}-B", "reason": "Mistyped"}
        assert api.call("POST", f"/api/v1/orders/{number}/accession-number", "service", json=merged).status_code == 202
    assert send(api, adt(mrn="MRN-1", name=f"{EVIL}^Ärmel")).status_code == 200
    restrict(api, "MRN-VIP", *EVERYBODY)
    return api


def path_of(path: str) -> str:
    values = {"patient": "MRN-1", "order": "ACC-1-B", "accession_number": "ACC-1-B", "study_uid": "1.2.3.1"}
    return path.format(**values, name="ehr")


def saved(api: Api, path: str, *roles: str, query: str = "", **more: Any) -> Answer:
    return api.get(f"{path_of(path)}?format=csv{query}", *(roles or TAKES_AWAY), **more)


def rows(answer: Answer) -> list[dict[str, str]]:
    """The table as Python's csv reads it; every row has a cell for each column."""
    assert answer.status_code == 200, answer.json
    assert answer.content_type == "text/csv; charset=utf-8; header=present"
    data = answer.get_data()
    assert data.startswith(b"\xef\xbb\xbf") and data.endswith(b"\r\n")
    lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    assert {len(line) for line in lines} == {len(lines[0])}
    assert answer.headers["X-Byte-Count"] == str(len(data))
    assert answer.headers["X-Row-Count"] == str(len(lines) - 1)
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


LISTS = sorted(COLUMNS)
