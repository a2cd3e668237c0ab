"""Templates of reports, and each person's own macros."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from flask import Response
from pydantic import Field, StringConstraints, model_validator

from ehr_bridge.api.http.blueprints import Blueprint
from ehr_bridge.api.http.context import answer, caller, origin, services
from ehr_bridge.api.http.schemas import EmptyIsNone, Input, Model, Moment, Problem, Text16, Text64, Versioned
from ehr_bridge.api.registry.orders import Modality
from ehr_bridge.api.reporting.reports import MOST_SECTIONS, ReportText, TemplateName
from ehr_bridge.api.writing.conditions import honours
from ehr_bridge.errors import InvalidInput, NotFound
from ehr_bridge.reporting.templates.mrrt import NotMrrt, read_mrrt
from ehr_bridge.reporting.templates.template import Template, TemplateSection
from ehr_bridge.services.reporting.templates import KnownTemplate
from ehr_bridge.wrong_values import written

blueprint = Blueprint("report_templates", "Reports")
PUTS: dict[str | int, Any] = {400: Problem, 415: Problem, 422: Problem}
Language = Annotated[
    str, Field(max_length=35, pattern=written(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "a language tag, such as de-AT"))
]


class TemplatePath(Input):
    name: TemplateName = Field(description="Small letters, digits and hyphens")


class MacroPath(Input):
    name: Annotated[
        str, Field(pattern=written(r"^[a-z0-9][a-z0-9-]{0,31}$", "small letters, digits and hyphens, at most 32"))
    ] = Field(description="What is typed to put the text in")


class TemplateSectionBody(Input):
    code: Text64 = Field(description="LOINC where there is one, else a word of your own; each section has another")
    title: Text64 = Field(description="Its heading")
    text: ReportText = Field("", description="What a report begins with")
    required: bool = Field(False, description="No report is signed while it is empty")


class TemplateBody(Input):
    """Either a template in JSON, or `mrrt`, a page of IHE MRRT, which brings everything with it."""

    title: Annotated[Text64 | None, EmptyIsNone] = Field(None, description="What it is for")
    language: Annotated[Language | None, EmptyIsNone] = Field(None, description="As in BCP 47")
    modalities: list[Modality] = Field([], max_length=10, description="Of which examinations; none: of all")
    body_part: Annotated[Text16 | None, EmptyIsNone] = Field(None, description="Of which; left out: of all")
    sections: list[TemplateSectionBody] = Field([], max_length=MOST_SECTIONS)
    mrrt: Annotated[Annotated[str, StringConstraints(max_length=200_000)] | None, EmptyIsNone] = Field(
        None, description="The whole HTML page; what it says is read as text, nothing else of it is kept"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> TemplateBody:
        has_own = self.title is not None and self.language is not None and bool(self.sections)
        if (self.mrrt is None) != has_own:
            raise ValueError("send title, language and sections, or mrrt alone")
        if len({one.code for one in self.sections}) < len(self.sections):
            raise ValueError("two sections have one code; give each its own")
        return self


class TemplateSectionAnswer(Model):
    code: str = Field(description="LOINC, or a word of the template's own")
    title: str = Field(description="Its heading")
    text: str = Field(description="What a report begins with")
    required: bool = Field(description="No report is signed while it is empty")


class TemplateAnswer(Versioned):
    name: str
    title: str = Field(description="What it is for")
    language: str = Field(description="As in BCP 47")
    modalities: list[str] = Field(description="Of which examinations; none: of all")
    body_part: str | None
    sections: list[TemplateSectionAnswer]
    source: str = Field(description="`shipped` with the product, `json`, or `mrrt`: imported from a page")
    changed_by: str | None
    updated_at: Moment | None


class TemplateList(Model):
    items: list[TemplateAnswer]


class MacroBody(Input):
    text: ReportText = Field(min_length=1, description="What is put in")


class MacroAnswer(Versioned):
    name: str
    text: str = Field(description="What is put in")
    updated_at: Moment


class MacroList(Model):
    items: list[MacroAnswer]


def _template_tags(path: TemplatePath) -> list[str]:
    with suppress(NotFound):
        return [_template(services().results.templates.get(path.name)).etag()]
    return []


def _told_template_tags(path: TemplatePath, body: TemplateBody) -> list[str]:
    return _template_tags(path)


def _macro_tags(path: MacroPath) -> list[str]:
    with suppress(NotFound):
        return [MacroAnswer.model_validate(services().results.macros.get(caller().subject, path.name)).etag()]
    return []


def _told_macro_tags(path: MacroPath, body: MacroBody) -> list[str]:
    return _macro_tags(path)


@blueprint.get("/report-templates", responses={200: TemplateList})
def list_report_templates() -> Response:
    """Templates of reports, by name: those shipped, and the clinic's own"""
    return answer(TemplateList(items=[_template(one) for one in services().results.templates.all()]))


@blueprint.get("/report-templates/<name>", responses={200: TemplateAnswer, 404: Problem, 422: Problem})
def get_report_template(path: TemplatePath) -> Response:
    """One template of reports"""
    return answer(_template(services().results.templates.get(path.name)))


@blueprint.put("/report-templates/<name>", responses={200: TemplateAnswer, 201: TemplateAnswer, **PUTS})
@honours(_told_template_tags)
def put_report_template(path: TemplatePath, body: TemplateBody) -> Response:
    """Make or replace a template, in JSON or from a page of IHE MRRT; one with a shipped name stands in its place"""
    if body.mrrt is None:
        sections = tuple(TemplateSection(**one.model_dump()) for one in body.sections)
        assert body.title is not None and body.language is not None
        kinds = tuple(dict.fromkeys(body.modalities))
        template = Template(path.name, body.title, body.language, sections, kinds, body.body_part)
    else:
        try:
            template = read_mrrt(body.mrrt, path.name)
        except NotMrrt as fault:
            raise InvalidInput("not_mrrt", f"The page cannot be read: {fault}.", (("mrrt", str(fault)),)) from None
    source = "json" if body.mrrt is None else "mrrt"
    known, is_new = services().results.templates.put(template, source, origin())
    return answer(_template(known), 201 if is_new else 200)


@blueprint.delete("/report-templates/<name>", responses={204: None, 404: Problem, 409: Problem, 422: Problem})
@honours(_template_tags)
def delete_report_template(path: TemplatePath) -> Response:
    """Remove a template of the clinic; reports that were begun with it stay as they are"""
    services().results.templates.remove(path.name, origin())
    return Response(status=204)


@blueprint.get("/report-macros", responses={200: MacroList})
def list_report_macros() -> Response:
    """The caller's own macros, by name"""
    rows = services().results.macros.all(caller().subject)
    return answer(MacroList(items=[MacroAnswer.model_validate(one) for one in rows]))


@blueprint.get("/report-macros/<name>", responses={200: MacroAnswer, 404: Problem, 422: Problem})
def get_report_macro(path: MacroPath) -> Response:
    """One macro of the caller"""
    return answer(MacroAnswer.model_validate(services().results.macros.get(caller().subject, path.name)))


@blueprint.put("/report-macros/<name>", responses={200: MacroAnswer, 201: MacroAnswer, **PUTS})
@honours(_told_macro_tags)
def put_report_macro(path: MacroPath, body: MacroBody) -> Response:
    """Make or replace a macro of the caller"""
    row, is_new = services().results.macros.put(path.name, body.text, origin())
    return answer(MacroAnswer.model_validate(row), 201 if is_new else 200)


@blueprint.delete("/report-macros/<name>", responses={204: None, 404: Problem, 422: Problem})
@honours(_macro_tags)
def delete_report_macro(path: MacroPath) -> Response:
    """Remove a macro of the caller"""
    services().results.macros.remove(path.name, origin())
    return Response(status=204)


def _template(known: KnownTemplate) -> TemplateAnswer:
    template = known.template
    sections = [TemplateSectionAnswer.model_validate(one) for one in template.sections]
    return TemplateAnswer(
        name=template.name,
        title=template.title,
        language=template.language,
        modalities=list(template.modalities),
        body_part=template.body_part,
        sections=sections,
        source=known.source,
        changed_by=known.changed_by,
        updated_at=known.updated_at,
    )
