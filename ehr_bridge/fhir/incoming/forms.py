"""The text and the files of a DiagnosticReport (`presentedForm`): text is read, a PDF is kept as it came, nothing is
fetched from elsewhere."""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

import nh3

from ehr_bridge.errors import InvalidInput
from ehr_bridge.reporting.received import PDF, File
from ehr_bridge.reporting.wording import one_line, paragraphs

MOST_FORMS = 20
MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,100}")
BLOCKS = frozenset({"p", "div", "li", "tr", "br", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "td", "th", "dt", "dd"})
_BREAK = re.compile(r"</?(?:p|div|li|tr|br|h[1-6]|pre|dt|dd)\s*/?>")
_CELL = re.compile(r"</t[dh]>")
_TAG = re.compile(r"<[^>]*>")
CHARSETS = re.compile(
    r"(?:us-)?ascii|utf-?8|utf-16(?:le|be)?|iso[-_]8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|koi8-[ru]"
    r"|shift_jis|euc-(?:jp|kr)|gb2312|gbk|gb18030|big5"
)
"""Of text. Python knows other codecs, and with some of them a text of megabytes takes minutes."""
type Part = tuple[str, str, str]
"""Code, heading and text."""


def forms_of(given: Sequence[Mapping[str, Any]]) -> tuple[list[Part], list[File]]:
    """The texts, and the files that are no text. Raises InvalidInput."""
    parts: list[Part] = []
    files: list[File] = []
    if len(given) > MOST_FORMS:
        raise _refused(0, f"at most {MOST_FORMS} forms of one report")
    for number, one in enumerate(given):
        said, _, parameters = str(one.get("contentType") or "").lower().partition(";")
        title = one_line(str(one.get("title") or ""))
        if not one.get("data"):
            if one.get("url"):
                parts.append(("report", title or "Kept elsewhere", str(one["url"])))
            continue
        content = _content(one, number)
        kind = said.strip()
        if kind.startswith("text/"):
            text = _decoded(content, parameters)
            parts.append(("report", title or "Report", text_of_html(text) if kind == "text/html" else text))
            continue
        is_pdf = content.startswith(b"%PDF-")
        if kind == PDF and not is_pdf:
            raise _refused(number, "it is no PDF")
        kind = PDF if is_pdf else kind if MEDIA_TYPE.fullmatch(kind) else "application/octet-stream"
        files.append(File((title or "Report")[:255], kind, content))
    return parts, files


def narrative_of(resource: Mapping[str, Any]) -> tuple[str, bool]:
    """What its narrative says, and whether that is more than its elements do."""
    text = resource.get("text")
    if not isinstance(text, dict):
        return "", False
    return text_of_html(str(text.get("div") or "")), text.get("status") in ("additional", "extensions")


def text_of_html(page: str) -> str:
    """What a person would read of it; scripts, styles and whatever is no text are dropped by a parser of HTML (nh3)."""
    clean = nh3.clean(page, tags=set(BLOCKS), attributes={}, url_schemes=set(), link_rel=None)
    text = _TAG.sub("", _BREAK.sub("\n", _CELL.sub("\t", clean)))
    return "\n".join(" ".join(line.split()) for line in paragraphs(html.unescape(text)))


def _content(one: Mapping[str, Any], number: int) -> bytes:
    data = one["data"]
    try:
        raw = data if isinstance(data, bytes) else str(data).encode("ascii")
        content = base64.b64decode(b"".join(raw.split()), validate=True)
    except (ValueError, binascii.Error):
        raise _refused(number, "its data are not Base64") from None
    if not content:
        raise _refused(number, "it has no content")
    try:
        wanted = base64.b64decode(str(one.get("hash") or ""), validate=True)
    except (ValueError, binascii.Error):
        wanted = b""
    ours = hashlib.sha1(content, usedforsecurity=False).digest()
    if len(wanted) == len(ours) and wanted != ours:
        raise _refused(number, "its data are not those of its hash")
    return content


def _decoded(content: bytes, parameters: str) -> str:
    found = re.search(r"charset\s*=\s*\"?([a-z0-9_.:-]+)", parameters)
    said = found[1] if found and CHARSETS.fullmatch(found[1]) else "utf-8"
    for name in (said, "utf-8"):
        try:
            return content.decode(name)
        except (LookupError, UnicodeError):
            continue
    return content.decode("latin-1")


def _refused(number: int, why: str) -> InvalidInput:
    field = f"DiagnosticReport.presentedForm[{number}]"
    return InvalidInput("resource_invalid", f"{field}: {why}.", ((field, why),))
