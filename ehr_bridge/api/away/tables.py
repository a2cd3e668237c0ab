"""Every list as a table to keep: `format=csv` on the list itself, so its filters, search and sort are the same.

The rows are read page by page, as somebody for whom every restricted patient is closed, and written into a file that
has no name. Only when it is whole, and the audit trail has it, is it sent: a table that ends too early looks like a
whole one.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Set
from functools import wraps
from pathlib import Path
from typing import IO, Any, Final
from zoneinfo import ZoneInfo

from flask import Response, request
from pydantic_core import from_json
from sqlalchemy import select

from ehr_bridge import spreadsheets
from ehr_bridge.api.away.columns import cells_of, headers_of
from ehr_bridge.api.away.streamed import Streamed, StreamedResponse, attachment
from ehr_bridge.api.filters import PageQuery
from ehr_bridge.api.http.context import caller, closed, origin, plain_path, services
from ehr_bridge.auth.permissions import Permission
from ehr_bridge.db.tables.registry import Order, Patient
from ehr_bridge.errors import InvalidInput, Unavailable
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event
from ehr_bridge.services.visibility.restrictions import Closed

type View = Callable[..., Response]

MOST_ROWS: Final = 100_000
AT_ONCE: Final = 2
"""Tables that one node makes at the same time; everybody else's requests go on meanwhile."""
ROWS_AT_ONCE: Final = 500
IN_MEMORY: Final = 2**20
"""Bytes of a table before it goes on the disk."""
PIECE: Final = 2**16
ROWS, BYTES = "X-Row-Count", "X-Byte-Count"
NOT_FILTERS = frozenset({"format", "limit", "offset", "cursor"})
NUMBERS = frozenset({"mrn", "original_patient_id", "modified_patient_id", "PatientID"})
"""Fields of lists that hold the number of a patient."""
_RUNNING = threading.BoundedSemaphore(AT_ONCE)


def saved_as_table(view: View) -> View:
    """A list that answers with a table too."""

    @wraps(view)
    def list_or_table(**given: Any) -> Response:
        if given["query"].form != "csv":
            return view(**given)
        caller().require(Permission.DOWNLOAD)
        if not _RUNNING.acquire(blocking=False):
            raise Unavailable("busy", "Other tables are being made; try again in a moment.")
        try:
            return _table(view, given)
        finally:
            _RUNNING.release()

    return list_or_table


def _table(view: View, given: Mapping[str, Any]) -> Response:
    path = plain_path(str(request.url_rule))
    file = new_file(services().settings.data_dir)
    try:
        count = write(file, path, _pages(view, given))
        size = file.tell()
        _note(path, count)
    except BaseException:
        file.close()
        raise
    response = StreamedResponse(Streamed(pieces(file)), content_type=spreadsheets.MEDIA_TYPE)
    response.headers["Content-Disposition"] = attachment(_file_name(path))
    response.headers[ROWS] = str(count)
    response.headers[BYTES] = str(size)
    return response


def new_file(folder: Path | None) -> IO[bytes]:
    """In memory while it is small, else in this folder, without a name: nothing of it stays, whatever happens."""
    return tempfile.SpooledTemporaryFile(IN_MEMORY, dir=None if folder is None else str(folder))


def write(file: IO[bytes], path: str, pages: Iterator[list[dict[str, Any]]]) -> int:
    """Write all rows; returns how many."""
    file.write((spreadsheets.BEGINNING + spreadsheets.lines([headers_of(path)])).encode())
    count = 0
    for items in pages:
        file.write(spreadsheets.lines(cells_of(path, item) for item in items).encode())
        count += len(items)
    return count


def _pages(view: View, given: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """The rows of the list, each once, without those of restricted patients.

    Raises InvalidInput `too_many_rows` before the first page, and whatever the list itself raises.
    """
    names, numbers = _names_of(closed())
    seen: set[str] = set()
    query: PageQuery = given["query"]
    place: dict[str, Any] = {"limit": ROWS_AT_ONCE, "offset": 0} | ({"cursor": None} if _has_cursor(query) else {})
    while True:
        page = from_json(view(**{**given, "query": query.model_copy(update=place)}).get_data())
        if page["total"] > MOST_ROWS:
            raise InvalidInput(
                "too_many_rows",
                f"The list has {page['total']} rows, and a table at most {MOST_ROWS}. Narrow the list, by time for "
                "instance, and save it in parts.",
            )
        items = page["items"]
        fresh = [item for item in items if _is_new(item, seen)]
        yield [item for item in fresh if not _names_any(item, names, numbers)] if names else fresh
        if "cursor" in place:
            if page["next"] is None:
                return
            place["cursor"] = page["next"]
        else:
            place["offset"] += len(items)
            if not items or place["offset"] >= page["total"]:
                return


def _has_cursor(query: PageQuery) -> bool:
    return "cursor" in type(query).model_fields


def _is_new(item: Mapping[str, Any], seen: set[str]) -> bool:
    """Whether this row was not on a page before: what is added meanwhile moves rows of a list without a cursor."""
    key = item.get("id")
    if key is None:
        return True
    if (word := str(key)) in seen:
        return False
    seen.add(word)
    return True


def _names_of(shut: Closed) -> tuple[frozenset[str], frozenset[str]]:
    """Ids that name what is restricted, and the numbers of the patients: for lists that show ids without a person, such
    as viewer tokens, or what a file says of itself, such as uploads."""
    if not shut.patients:
        return frozenset(), frozenset()
    with services().database.read() as session:
        orders = session.scalars(select(Order.id).where(Order.patient_id.in_(shut.patients))).all()
        numbers = session.scalars(select(Patient.mrn).where(Patient.id.in_(shut.patients))).all()
    return frozenset(map(str, (*shut.patients, *orders))) | shut.studies, frozenset(numbers)


def _names_any(value: Any, names: Set[str], numbers: Set[str], key: str = "") -> bool:
    """Whether anything in an item, however deep, names one of these."""
    if isinstance(value, str):
        return value in names or (key in NUMBERS and value in numbers)
    if isinstance(value, dict):
        return any(_names_any(one, names, numbers, name) for name, one in value.items())
    return isinstance(value, list) and any(_names_any(one, names, numbers, key) for one in value)


def _note(path: str, count: int) -> None:
    """In the audit trail, without values: a filter may be somebody's name."""
    narrowed = sorted(name for name, value in request.args.items() if value and name not in NOT_FILTERS)
    detail = {"list": path.removeprefix("/api/v1/"), "count": count, "filters": narrowed, "format": "csv"}
    event = Event("list.saved", detail=detail)
    with services().database.write() as session:
        audit.append(session, origin(), event, services().clock())


def _file_name(path: str) -> str:
    words = [word for word in path.removeprefix("/api/v1/").split("/") if not word.startswith("{")]
    today = services().clock().astimezone(ZoneInfo(services().settings.time_zone))
    return f"{words[-1] if words[-1] not in ('patient', 'order', 'accession') else words[-2]}-{today:%Y-%m-%d}.csv"


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """What was written, a little at a time; the file is gone afterwards."""
    try:
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece
    finally:
        file.close()
