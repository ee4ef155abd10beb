"""Problem OLX back to problem Markdown, never at the price of a difference.

The OLX is written in Studio's dialect and, where that cannot say it, in the richer one; the result counts only if
compiling it gives canonically the same OLX (:mod:`authoring.markup.canonical`) without an error. A problem with a
question that neither dialect has a mark for stays OLX, although raw XML would survive in both: nobody reads that as
Markdown. So does one with attributes on `<problem>`, which are settings and belong elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from authoring.diagnostics import Severity
from authoring.markup.canonical import canonical_xml, parse_xml
from authoring.markup.problem.compiler import compile_problem
from authoring.markup.problem.elements import NotMarkdownError
from authoring.markup.problem.rich import MARKER
from authoring.markup.problem.rich_writer import RichWriter
from authoring.markup.problem.studio_writer import QUESTIONS, StudioWriter


def decompile_problem(olx: str) -> str | None:
    """Problem Markdown that compiles to the same OLX, or None when there is none; the OLX is then to be kept."""
    try:
        canonical = canonical_xml(olx)
        root = parse_xml(canonical)
    except ValueError:
        return None
    if root.tag != "problem" or root.attrib or (root.text or "").strip() or not _plain_questions(root):
        return None
    for writer in (StudioWriter(), RichWriter(), RichWriter(tags=True)):
        try:
            markdown = _write(root, writer)
        except NotMarkdownError:
            continue
        compiled = compile_problem(markdown)
        if any(finding.severity is Severity.ERROR for finding in compiled.diagnostics):
            continue
        if canonical_xml(compiled.olx) == canonical:
            return markdown
    return None


def _plain_questions(root: etree._Element) -> bool:
    """Whether every question stands directly in the problem and is of a kind that has a mark."""
    return all(
        element.getparent() is root and element.tag in QUESTIONS
        for element in root.iter()
        if isinstance(element.tag, str) and element.tag.endswith("response")
    )


def _write(root: etree._Element, writer: StudioWriter) -> str:
    children = list(root)
    hints: list[str] = []
    if children and children[-1].tag == "demandhint":
        hints = [writer.hint(hint) for hint in children.pop()]
    parts: list[list[etree._Element]] = []
    scripts: list[str] = []
    for child in children:
        if (child.tail or "").strip():
            raise NotMarkdownError("text outside an element")
        if child.tag == "script" and not parts and isinstance(writer, RichWriter):
            scripts.append(writer.script(child))
        elif child.tag in QUESTIONS or not parts or parts[-1][-1].tag in QUESTIONS:
            parts.append([child])
        else:
            parts[-1].append(child)
    blocks = [_part(part, writer) for part in parts]
    text = "\n\n---\n\n".join(blocks)
    head = [MARKER] if isinstance(writer, RichWriter) else []
    return "\n\n".join([*head, *scripts, *([text] if text else []), *(["\n".join(hints)] if hints else [])]) + "\n"


def _part(elements: Sequence[etree._Element], writer: StudioWriter) -> str:
    if elements[0].tag in QUESTIONS:
        return writer.question(elements[0])
    return writer.flow(elements)
