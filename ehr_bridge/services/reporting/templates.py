"""Templates and macros: the examples that are shipped, those of the clinic, and each person's own texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from ehr_bridge.db.database import Database
from ehr_bridge.db.tables.results.reports import ReportMacro, ReportTemplate
from ehr_bridge.errors import Conflict, NotFound
from ehr_bridge.reporting.templates.template import Template, TemplateSection, shipped
from ehr_bridge.services import audit
from ehr_bridge.services.audit.trail import Event, Origin


@dataclass(frozen=True, slots=True)
class KnownTemplate:
    """A template, and where it comes from."""

    template: Template
    source: str
    """`shipped`, `json` or `mrrt`."""
    changed_by: str | None = None
    updated_at: datetime | None = None


class Templates:
    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def all(self) -> list[KnownTemplate]:
        """The clinic's own, and the shipped ones that it has not replaced, by name."""
        with self._database.read() as session:
            own = {row.name: _known(row) for row in session.scalars(select(ReportTemplate))}
        found = {name: KnownTemplate(one, "shipped") for name, one in shipped().items()} | own
        return [found[name] for name in sorted(found)]

    def get(self, name: str) -> KnownTemplate:
        """Raises NotFound."""
        with self._database.read() as session:
            return find_template(session, name)

    def put(self, template: Template, source: str, origin: Origin) -> tuple[KnownTemplate, bool]:
        """Make or replace one of the clinic's; says whether it is new. One with a shipped name stands in its place."""
        now = self._clock()
        with self._database.write() as session:
            row = session.get(ReportTemplate, template.name)
            is_new = row is None
            if row is None:
                row = ReportTemplate(name=template.name, created_at=now)
                session.add(row)
            row.title, row.language, row.body_part = template.title, template.language, template.body_part
            row.modalities, row.sections = list(template.modalities), [asdict(one) for one in template.sections]
            row.source, row.changed_by = source, origin.actor
            action = "report_template.made" if is_new else "report_template.changed"
            audit.append(session, origin, Event(action, detail={"name": row.name, "source": source}), now)
            return _known(row), is_new

    def remove(self, name: str, origin: Origin) -> None:
        """Reports that were begun with it keep their sections.

        Raises:
            NotFound: there is none.
            Conflict: it is shipped, and the clinic has none of its own in its place.
        """
        with self._database.write() as session:
            row = session.get(ReportTemplate, name)
            if row is None:
                find_template(session, name)
                detail = "This template is shipped with the product; make one of your own under its name instead."
                raise Conflict("template_shipped", detail)
            session.delete(row)
            audit.append(session, origin, Event("report_template.removed", detail={"name": name}), self._clock())


class Macros:
    """Texts that a person puts into a report by a short name; each sees their own."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def all(self, owner: str) -> list[ReportMacro]:
        """By name."""
        query = select(ReportMacro).where(ReportMacro.owner == owner).order_by(ReportMacro.name)
        with self._database.read() as session:
            return list(session.scalars(query))

    def get(self, owner: str, name: str) -> ReportMacro:
        """Raises NotFound."""
        with self._database.read() as session:
            row = session.get(ReportMacro, (owner, name))
        if row is None:
            raise NotFound("macro_not_found", "You have no macro with this name.")
        return row

    def put(self, name: str, text: str, origin: Origin) -> tuple[ReportMacro, bool]:
        """Make or replace one of the caller's; says whether it is new."""
        now = self._clock()
        with self._database.write() as session:
            row = session.get(ReportMacro, (origin.actor, name))
            is_new = row is None
            if row is None:
                row = ReportMacro(owner=origin.actor, name=name, created_at=now)
                session.add(row)
            row.text = text
            action = "report_macro.made" if is_new else "report_macro.changed"
            audit.append(session, origin, Event(action, detail={"name": name}), now)
            return row, is_new

    def remove(self, name: str, origin: Origin) -> None:
        """Raises NotFound."""
        with self._database.write() as session:
            row = session.get(ReportMacro, (origin.actor, name))
            if row is None:
                raise NotFound("macro_not_found", "You have no macro with this name.")
            session.delete(row)
            audit.append(session, origin, Event("report_macro.removed", detail={"name": name}), self._clock())


def find_template(session: Session, name: str) -> KnownTemplate:
    """Raises NotFound."""
    row = session.get(ReportTemplate, name)
    if row is not None:
        return _known(row)
    if name in shipped():
        return KnownTemplate(shipped()[name], "shipped")
    raise NotFound("template_not_found", "There is no template with this name.")


def required_of(session: Session, name: str | None) -> frozenset[str]:
    """The codes of the sections that must be written in reports begun with this template; none where it is gone."""
    row = session.get(ReportTemplate, name) if name is not None else None
    if row is not None:
        return _known(row).template.required
    return shipped()[name].required if name in shipped() and name is not None else frozenset()


def _known(row: ReportTemplate) -> KnownTemplate:
    sections = tuple(TemplateSection(**one) for one in row.sections)
    template = Template(row.name, row.title, row.language, sections, tuple(row.modalities), row.body_part)
    return KnownTemplate(template, row.source, row.changed_by, row.updated_at)
