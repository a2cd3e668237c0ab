"""What schemathesis, which loads this module, sends as a file: good ones, damaged ones and noise."""

from __future__ import annotations

import gc
from typing import Any
from urllib.parse import unquote, urlencode

import schemathesis
from hypothesis import strategies as st
from schemathesis.transport import SerializationContext, register_serializer

from tests.support.messages import adt, encoded, omi, orm, siu
from tests.support.samples import nested, small
from tests.support.zips import zipped

gc.collect()
gc.freeze()  # what is loaded stays
gc.set_threshold(100_000, 20, 100)
GOOD = small()
FILES = st.one_of(
    st.binary(max_size=400),
    st.builds(small),
    st.sampled_from([GOOD, GOOD[:-40], GOOD[:300], nested(100), small(SOPInstanceUID=None), b""]),
)
BOUNDARY = b"part"


def related(files: list[bytes]) -> bytes:
    head = b"--" + BOUNDARY + b"\r\nContent-Type: application/dicom\r\n\r\n"
    return b"".join(head + data + b"\r\n" for data in files) + b"--" + BOUNDARY + b"--\r\n"


SEVERAL = st.lists(FILES, max_size=3)
schemathesis.openapi.media_type("application/dicom", FILES, aliases=["application/octet-stream"])
schemathesis.openapi.media_type(
    "application/zip",
    st.one_of(
        SEVERAL.map(lambda files: zipped((str(n), data) for n, data in enumerate(files))), st.binary(max_size=400)
    ),
    aliases=["application/x-zip-compressed"],
)
MESSAGES = st.one_of(
    st.sampled_from([encoded(adt()), encoded(orm()), encoded(omi())[:200], encoded(siu("S12")), b"MSH|^~\\&|"]),
    st.binary(max_size=400),
)
schemathesis.openapi.media_type("application/hl7-v2", MESSAGES, aliases=["x-application/hl7-v2+er7"])
schemathesis.openapi.media_type("multipart/related", st.one_of(SEVERAL.map(related), st.binary(max_size=400)))


LONGEST_QUERY = 12_000
"""Bytes. Orthanc's web server takes 16 kB of address and headers together; a `cursor` alone may have 2048 letters."""


@schemathesis.hook
def filter_query(_: schemathesis.HookContext, query: Any) -> bool:
    """Whether the query comes to us at all."""
    return not query or len(urlencode(query, doseq=True, errors="replace")) <= LONGEST_QUERY


@schemathesis.hook
def filter_path_parameters(_: schemathesis.HookContext, path_parameters: Any) -> bool:
    """Whether the address stays the one of this route: Orthanc's server takes a backslash for a slash."""
    return not any("\\" in unquote(str(value)) for value in (path_parameters or {}).values())


def multipart(_: SerializationContext, value: Any) -> dict[str, Any]:
    """The boundary belongs into the header (RFC 2387), which `schemathesis.serializer` has no room for."""
    body = value if isinstance(value, bytes) else getattr(value, "data", str(value).encode(errors="replace"))
    kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY.decode()}'
    return {"data": body, "headers": {"Content-Type": kind}}


register_serializer(multipart, "multipart/related")
