"""Order, upload, viewer link: `python client.py ADDRESS TOKEN FILE` with a token of the roles service and doctor."""

import sys

import requests


def main(bridge: str, token: str, file: str) -> str:
    """Send one image for a new order; answers the link that shows it."""
    http = requests.Session()
    http.headers["Authorization"] = f"Bearer {token}"

    def call(method: str, path: str, **options) -> dict:
        answer = http.request(method, bridge + path, timeout=60, **options)
        if not answer.ok:  # a problem (RFC 9457): 'code' for programs, 'detail' for people
            raise SystemExit(f"{answer.status_code} {answer.text}")
        return answer.json()

    person = {"family_name": "Ferreira", "given_name": "João", "birth_date": "1975-06-30", "sex": "male"}
    call("PUT", "/api/v1/patients/MRN-2001", json=person)
    wish = {"mrn": "MRN-2001", "modality": "MR", "description": "MR brain", "ordered_by": "Adeyemi^Tunde"}
    order = call("PUT", "/api/v1/orders/ACC-2026-0101", json=wish)

    headers = {"Content-Type": "application/dicom", "X-Order-Id": order["id"], "X-File-Name": "scan.dcm"}
    with open(file, "rb") as image:
        stored = call("POST", "/api/v1/dicom/upload", data=image, headers=headers)
    study = stored["studies"][0]
    print("linked" if study["match"]["order_id"] == order["id"] else "not linked", file=sys.stderr)
    link = call("GET", f"/api/v1/dicom/viewer-url/{study['study_instance_uid']}")["url"]
    return link if "://" in link else bridge + link


if __name__ == "__main__":
    print(main(*sys.argv[1:4]))
