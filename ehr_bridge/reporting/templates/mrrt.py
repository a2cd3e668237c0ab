"""IHE MRRT (Management of Radiology Report Templates): a template of sections from an HTML5 page.

What is taken is text: headings, and what stands in the fields. Scripts, handlers, styles and references to elsewhere
are dropped first (nh3), and nothing of the page is ever shown as HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import lxml.html
import nh3
from lxml import etree

from ehr_bridge.reporting.templates.template import Template, TemplateSection

MOST_SECTIONS, LONGEST_TEXT = 40, 20_000
TAGS = {
    "section", "header", "p", "div", "span", "label", "input", "textarea", "select", "option", "br", "ul", "ol", "li",
    "table", "tbody", "thead", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "b", "i",
}  # fmt: skip
ATTRIBUTES = {
    "section": {"id", "class", "data-section-name"},
    "input": {"id", "type", "value", "checked", "required"},
    "textarea": {"id", "required"},
    "select": {"id", "multiple", "required"},
    "option": {"selected", "value"},
    "label": {"for"},
}
BLOCKS = frozenset({"p", "div", "li", "tr", "br", "header", "section", "h1", "h2", "h3", "h4", "h5", "h6"})
MODALITY = re.compile(r"\b(CT|MR|MRI|US|CR|DX|MG|NM|PT|PET|XA|RF)\b")
ALIKE = {"MRI": "MR", "PET": "PT"}


class NotMrrt(ValueError):
    """The page is no template; the message says what is missing."""


def read_mrrt(page: str, name: str) -> Template:
    """The template of a page. Raises NotMrrt."""
    try:
        tree = lxml.html.document_fromstring(page)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        raise NotMrrt("this is no HTML page") from None
    said = {_low(meta.get("name")): (meta.get("content") or "").strip() for meta in tree.iter("meta")}
    codes = _codes(tree)
    sections = tuple(islice(_sections(_cleaned(page), codes), MOST_SECTIONS + 1))
    if not sections:
        raise NotMrrt("it has no <section> with a data-section-name")
    if len(sections) > MOST_SECTIONS:
        raise NotMrrt(f"it has more than {MOST_SECTIONS} sections")
    title = said.get("dcterms.title") or _text(tree.find(".//title")) or name
    language = (said.get("dcterms.language") or "en").strip()
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", language) or len(language) > 35:
        raise NotMrrt("dcterms.language is no language tag")
    kinds = [ALIKE.get(one, one) for one in MODALITY.findall(f"{title} {said.get('dcterms.subject', '')}")]
    return Template(name, title[:128], language, sections, tuple(dict.fromkeys(kinds)))


def _cleaned(page: str) -> lxml.html.HtmlElement:
    clean = nh3.clean(page, tags=TAGS, attributes=ATTRIBUTES, url_schemes=set(), link_rel=None)
    return lxml.html.fragment_fromstring(clean, create_parent="div")


def _codes(tree: lxml.html.HtmlElement) -> dict[str, str]:
    """LOINC codes by the id of what they code (`coded_content` of the template's attributes)."""
    found: dict[str, str] = {}
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    for script in tree.iter("script"):
        if _low(script.get("type")) not in ("text/xml", "application/xml"):
            continue
        try:
            told = etree.fromstring((script.text or "").strip().encode(), parser)
        except (etree.XMLSyntaxError, ValueError):
            continue
        for entry in told.iter("entry"):
            of = entry.get("ORIGTXT") or entry.get("origtxt")
            for code in entry.iter("code"):
                if of and _low(code.get("scheme")) in ("loinc", "ln") and code.get("value"):
                    found.setdefault(of, str(code.get("value"))[:64])
    return found


def _sections(body: lxml.html.HtmlElement, codes: dict[str, str]) -> Iterator[TemplateSection]:
    """The outermost ones; sections within become lines of theirs."""
    used: set[str] = set()
    for section in body.iter("section"):
        title = " ".join((section.get("data-section-name") or "").split())[:64]
        if not title or any(above.tag == "section" for above in section.iterancestors()):
            continue
        code = codes.get(section.get("id") or "") or re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        base, number = code[:60], len(used)
        while code in used:
            code, number = f"{base}-{number}", number + 1
        used.add(code)
        required = any("required" in field.attrib for field in section.iter("input", "textarea", "select"))
        text = _plain("".join(_parts(section)), title)
        yield TemplateSection(code, title, text[:LONGEST_TEXT], required)


def _parts(node: lxml.html.HtmlElement) -> Iterator[str]:
    """What a person would read of it, with line breaks."""
    if node.tag in BLOCKS:
        yield "\n"
    if node.tag == "input":
        yield _input(node)
    elif node.tag == "select":
        yield _choice(node)
    else:
        yield node.text or ""
        for child in node:
            yield from _parts(child)
            yield child.tail or ""
        if node.tag == "label":
            yield " "
    if node.tag in BLOCKS:
        yield "\n"


def _input(node: lxml.html.HtmlElement) -> str:
    kind = _low(node.get("type")) or "text"
    if kind in ("checkbox", "radio"):
        return "[x] " if "checked" in node.attrib else "[ ] "
    return "" if kind in ("hidden", "button", "submit") else node.get("value") or "___"


def _choice(node: lxml.html.HtmlElement) -> str:
    """What is selected; or all there is to choose from."""
    options = [option for option in node.iter("option") if _text(option)]
    selected = [_text(option) for option in options if "selected" in option.attrib]
    return ", ".join(selected) if selected else f"[{' / '.join(_text(option) for option in options)}]"


def _plain(text: str, title: str) -> str:
    """Lines without blanks at their ends, and without the heading that the section has anyway."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    lines = [line for line in lines if line]
    if lines and lines[0].rstrip(":").casefold() == title.casefold():
        del lines[0]
    return "\n".join(lines)


def _text(node: lxml.html.HtmlElement | None) -> str:
    return "" if node is None else " ".join(str(node.text_content()).split())


def _low(text: str | None) -> str:
    return (text or "").strip().lower()
