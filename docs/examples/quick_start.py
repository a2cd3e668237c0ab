"""Order, upload, list, viewer link, events: `python quick_start.py ADDRESS TOKEN FILE [SEQ]`."""

import sys
from datetime import UTC, datetime
from urllib.parse import urljoin

import requests


def main(bridge: str, token: str, file: str, seq: str = "0") -> None:
    def call(method: str, path: str, headers: dict | None = None, **options) -> dict:
        headers = {"Authorization": f"Bearer {token}"} | (headers or {})
        answer = requests.request(method, f"{bridge}/api/v1/{path}", headers=headers, timeout=60, **options)
        if not answer.ok:  # a problem (RFC 9457): `code` for programs, `detail` for people, `type` says what to do
            raise SystemExit(answer.text)
        return answer.json()

    now = datetime.now(UTC).isoformat()  # an older message that comes late never replaces a newer one
    person = {"family_name": "Ferreira", "given_name": "João", "birth_date": "1975-06-30", "sex": "male", "as_of": now}
    call("PUT", "patients/MRN-2001", json=person)
    order = {"mrn": "MRN-2001", "modality": "MR", "description": "MR brain", "as_of": now}
    call("PUT", "orders/ACC-2026-0101", json=order)
    with open(file, "rb") as image:
        named = {"Content-Type": "application/dicom", "X-Order-Id": "ACC-2026-0101"}
        call("POST", "dicom/upload", data=image, headers=named)
    study = call("GET", "dicom/studies/order/ACC-2026-0101")["items"][0]["study_instance_uid"]
    print(urljoin(bridge, call("GET", f"dicom/viewer-url/{study}")["url"]))
    while (page := call("GET", "events", params={"after": seq, "limit": 1000}))["items"]:
        for event in page["items"]:
            print(event["seq"], event["type"], event["data"]["study_instance_uid"] or "")
        seq = page["next"]  # remember it: the next run goes on from here


main(*sys.argv[1:])
