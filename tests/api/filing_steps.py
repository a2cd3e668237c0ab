"""Reports being filed in their studies, as steps."""

from __future__ import annotations

import io

from pydicom import dcmread
from pydicom.dataset import Dataset

from tests.api.conftest import Api

NODE = "node-1"


def filed(api: Api, node: str = NODE) -> list[Dataset]:
    """Let the worker file what is due; the documents that the archive has then, SR before PDF, oldest first."""
    for _ in range(4):
        api.services.results.filing.run(api.archive, node)
    return documents(api)


def documents(api: Api) -> list[Dataset]:
    read = [dcmread(io.BytesIO(data)) for data in api.archive.instances.values()]
    found = [one for one in read if one.Modality in ("SR", "DOC")]
    return sorted(found, key=lambda one: int(one.SeriesNumber))


def text(document: Dataset) -> str:
    """All text of an SR."""
    items = [item for section in document.ContentSequence for item in section.get("ContentSequence", [])]
    return "\n".join(item.TextValue for item in items)
