"""Bodies that are not JSON of ours, as the OpenAPI document tells generators about them."""

from __future__ import annotations

from typing import Any

BINARY: dict[str, Any] = {"type": "string", "format": "binary"}

REQUESTS = {
    "application/dicom": "One DICOM file (PS3.10)",
    "application/octet-stream": "One DICOM file (PS3.10)",
    "multipart/related": 'RFC 2387, with `type="application/dicom"`: an optional first part of `application/json` '
    "with options, where the route has options; each other part `application/dicom`, one file",
    "application/pdf": "One PDF, from its first byte on",
    "image/jpeg": "One JPEG; a baseline JPEG is stored without another compression",
    "image/png": "One PNG; it is stored uncompressed",
    "application/zip": "A ZIP; folders, DICOMDIR and files that are not DICOM are passed over and listed",
    "application/hl7-v2": "One HL7 v2 message, in the character set that its MSH-18 says",
    "x-application/hl7-v2+er7": "The same, as some integration engines call it",
    "application/x-zip-compressed": "A ZIP, as browsers on Windows call it",
}

_REFERENCED: dict[str, Any] = {
    "type": "object",
    "description": "Attributes by tag, as in PS3.18 annex F",
    "additionalProperties": True,
}
STORE_INSTANCES_RESPONSE: dict[str, Any] = {
    "type": "object",
    "description": "Store Instances Response Module (PS3.18 section 10.5.3) as DICOM JSON",
    "additionalProperties": _REFERENCED,
    "examples": [{"00081190": {"vr": "UR", "Value": ["/dicom-web/studies/1.2.826.0.1.3680043.10.543.1"]}}],
}


def say_what_bytes_are(content: dict[str, Any]) -> None:
    """Complete the bodies of a request, in place."""
    for media_type in content.keys() & REQUESTS.keys():
        content[media_type]["schema"] = BINARY | {"description": REQUESTS[media_type]}
