"""Order, upload, list, viewer link with a client that openapi-python-client generated as the package `bridge`.

`python generated.py ADDRESS TOKEN FILE` with a token of the roles service and doctor.
"""

import io
import sys

from bridge import AuthenticatedClient
from bridge.api.orders import put_order
from bridge.api.patients import put_patient
from bridge.api.studies import list_studies
from bridge.api.uploads import upload_file
from bridge.api.viewer import get_viewer_url
from bridge.models import OrderBody, PatientBody
from bridge.types import File


def main(address: str, token: str, file: str) -> str:
    """Send one image for a new order; answers the link that shows it."""
    bridge = AuthenticatedClient(address, token, raise_on_unexpected_status=True)
    person = PatientBody(family_name="Ferreira", given_name="João", sex="male")
    put_patient.sync("MRN-3001", client=bridge, body=person)
    wish = OrderBody(mrn="MRN-3001", modality="MR", description="MR brain")
    order = put_order.sync("ACC-2026-0301", client=bridge, body=wish)
    with open(file, "rb") as image:
        sent = File(payload=io.BytesIO(image.read()), mime_type="application/dicom")
    stored = upload_file.sync(client=bridge, body=sent, x_order_id=str(order.id))
    study = stored.studies[0].study_instance_uid
    listed = list_studies.sync(client=bridge, accession_number="ACC-2026-0301")
    if [each.study_instance_uid for each in listed.items] != [study]:
        raise SystemExit("the study is not listed under its order")
    return get_viewer_url.sync(study, client=bridge).url


if __name__ == "__main__":
    print(main(*sys.argv[1:4]))
