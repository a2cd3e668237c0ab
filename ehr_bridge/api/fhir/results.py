"""DiagnosticReport in: a result of another system becomes a report from outside. Who sends it is who calls.

Whose it is, is never guessed: everything that it names must be here, and fit together; or it is refused.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from ehr_bridge.api.fhir.allowed import reach, sender_name
from ehr_bridge.api.fhir.referring import invalid, is_elsewhere, local, patient_of
from ehr_bridge.api.fhir.shown import shown_report
from ehr_bridge.api.http.context import caller, origin, services
from ehr_bridge.db.tables.registry import Order
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.fhir.incoming.reports import Named, ReportSaid, refused, report_said, study_uid
from ehr_bridge.fhir.systems import ACCESSION, PLACER, of_type
from ehr_bridge.services.interfaces.fhir.reports import FoundReport
from ehr_bridge.services.registry.numbers import as_uuid
from ehr_bridge.services.reporting.outside import Sender, Whose
from ehr_bridge.services.reporting.people import reporter_of


def report_known_as(key: uuid.UUID) -> FoundReport:
    """The report with this id, if the caller is its sender. Raises NotFound, NotPermitted, Conflict."""
    found = _found(key)
    if found.report.sender != _sender().name:
        raise _anothers()
    return found


def receive_report(document: Mapping[str, Any], known: FoundReport | None) -> tuple[FoundReport, bool]:
    """Keep what it says as the next version of its report, which is `known` or the one with its number; and whether
    nothing of the report was here before.

    Raises:
        InvalidInput: it says what no report can be, or names what is not here.
        NotPermitted: the caller may not see its patient.
        Conflict: what it names does not fit together, or it is not the caller's.
    """
    if known is not None and _without_meta(document) == _without_meta(shown_report(known)):
        return known, False  # it was read, and came back
    said = report_said(_without_our_pdf(document))
    patient = uuid.UUID(patient_of(document))
    records = services().patients.records(str(patient))
    order = _order(said, records)
    uid = _study(said, order)
    if order is None and uid is None and known is None:
        raise refused("basedOn", "name the order, or the study by imagingStudy, that this report is of")
    outside, sender = services().results.outside, _sender()
    if known is not None and known.report.sender != sender.name:
        raise _anothers()
    _require_own(said, known, sender)
    number = _number(said, known, order, uid)
    whose = Whose(patient, None if order is None else order.id, uid)
    taken = outside.receive(replace(said.received, number=number), whose, sender, origin())
    if known is not None and taken.report_id != known.id:
        detail = "The images of this report were deleted for good; send a new one by POST."
        raise Conflict("report_state", detail)
    return _found(taken.report_id), taken.is_new


def _sender() -> Sender:
    return Sender(sender_name())


def _without_meta(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name != "meta"}


def _without_our_pdf(document: Mapping[str, Any]) -> dict[str, Any]:
    """A form that is kept here, as reading the report has shown it, is no content of the next version."""
    ours = f"{services().settings.base_url}/api/v1/reports/"
    forms = [one for one in document.get("presentedForm") or [] if not str(one.get("url") or "").startswith(ours)]
    return {**document, "presentedForm": forms}


def _found(key: uuid.UUID) -> FoundReport:
    return services().fhir_search.report(key, reporter_of(caller(), origin()), _sender().name)


def _require_own(said: ReportSaid, known: FoundReport | None, sender: Sender) -> None:
    """A report of this server that comes back is not another one, and nobody else's to change. Raises Conflict."""
    for one in said.ids:
        key = as_uuid(one)
        if key is None or (known is not None and known.id == key):
            continue
        if services().results.outside.is_of_another(key, sender.name):
            raise _anothers()


def _number(said: ReportSaid, known: FoundReport | None, order: Order | None, uid: str | None) -> str:
    """By which its sender knows it; without one of its own, the number of what it is a report of. Raises Conflict."""
    given = said.received.number
    if known is None:
        return given or (order.accession_number if order is not None else uid or "")
    kept = known.report.sender_number or ""
    if given and given not in (kept, str(known.id)):
        field = "DiagnosticReport.identifier"
        detail = f"{field}: it is not the number under which this report came. Send another report by POST."
        raise Conflict("number_changed", detail, ((field, "another number"),))
    return kept


def _order(said: ReportSaid, records: Collection[uuid.UUID]) -> Order | None:
    """The one order that it names. Raises InvalidInput, Conflict."""
    found = {order.id: order for one in said.orders if (order := _order_named(one, records)) is not None}
    if len(found) > 1:
        raise refused("basedOn", "it names several orders; send a report for each")
    return next(iter(found.values()), None)


def _order_named(named: Named, records: Collection[uuid.UUID]) -> Order | None:
    """By reference and by numbers, which must agree; a reference to another server counts where there is no number."""
    where, orders = f"DiagnosticReport.{named.where}", services().orders
    untyped = [one for one in named.identifiers if not one.get("type")]
    found: dict[uuid.UUID, Order] = {}
    if named.reference and not (named.identifiers and is_elsewhere(named.reference)):
        try:
            order = orders.get(str(local(named.reference, "ServiceRequest", where)))
        except NotFound:
            raise _unknown(where, "order") from None
        found[order.id] = order
    for one in (*of_type(named.identifiers, ACCESSION), *untyped):
        if (known := orders.known(str(one.get("value")))) is not None:
            found[known.id] = known
    for one in (*of_type(named.identifiers, PLACER), *(untyped if not found else ())):
        placed = orders.placed_as(str(one.get("value")), records)
        if len(placed) > 1:
            raise invalid(where, "several orders have this number of the placer")
        found |= {order.id: order for order in placed}
    if not found:
        raise _unknown(where, "order")
    if len(found) > 1:
        raise Conflict("report_of_another_order", f"{where}: its numbers are those of several orders.")
    return next(iter(found.values()))


def _study(said: ReportSaid, order: Order | None) -> str | None:
    """The study that it names. Of several the order decides, which each of them must answer. Raises InvalidInput,
    NotFound, NotPermitted, Conflict."""
    uids = list(dict.fromkeys(filter(None, map(_study_named, said.studies))))
    if len(uids) < 2:
        return next(iter(uids), None)
    if order is None:
        raise refused("imagingStudy", "it names several studies; name the order that it answers")
    for uid in uids:
        if order.id not in services().studies.get(uid).study.order_ids:
            raise Conflict("study_of_another_order", "A study that this report names does not answer its order.")
    return None


def _study_named(named: Named) -> str | None:
    where = f"DiagnosticReport.{named.where}"
    if named.reference and not (named.identifiers and is_elsewhere(named.reference)):
        try:
            view = services().fhir_search.study(local(named.reference, "ImagingStudy", where), reach())
        except NotFound:
            raise _unknown(where, "study") from None
        uid = view.study.study_instance_uid
        if study_uid(named.identifiers) not in (None, uid):
            raise Conflict("study_of_another_order", f"{where}: its reference and its number are of two studies.")
        return uid
    return study_uid(named.identifiers)


def _unknown(where: str, what: str) -> Exception:
    return invalid(where, f"no such {what} is here, so nobody knows what this report is of")


def _anothers() -> Conflict:
    detail = "This report is not of this sender: only who sent it brings another version, and ours are written here."
    return Conflict("report_of_another_sender", detail)
