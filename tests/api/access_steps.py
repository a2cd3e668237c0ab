"""An example for each path parameter of the API."""

from __future__ import annotations

import re
import uuid

EXAMPLES = {
    "code": "stale",
    "patient": "MRN-1",
    "accession_number": "ACC-1",
    "order": "ACC-1",
    "study_uid": "1.2.3",
    "deletion_id": str(uuid.uuid4()),
    "rejection_id": str(uuid.uuid4()),
    "change_id": str(uuid.uuid4()),
    "token_id": str(uuid.uuid4()),
    "upload_id": str(uuid.uuid4()),
    "quarantine_id": str(uuid.uuid4()),
    "modification_id": str(uuid.uuid4()),
    "job_id": str(uuid.uuid4()),
    "message_id": str(uuid.uuid4()),
    "username": "nobody",
    "key_id": str(uuid.uuid4()),
    "sending_id": str(uuid.uuid4()),
    "step_uid": "1.2.3",
    "ae_title": "CT2",
    "name": "ehr",
    "delivery_id": "1",
    "glass_id": str(uuid.uuid4()),
    "document_id": str(uuid.uuid4()),
    "report_id": str(uuid.uuid4()),
    "number": "1",
    "view_id": str(uuid.uuid4()),
    "position": "0",
    "share_id": str(uuid.uuid4()),
    "batch_id": str(uuid.uuid4()),
}


def concrete(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: EXAMPLES[m[1]], path)
