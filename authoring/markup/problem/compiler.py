"""Problem Markdown to problem OLX: `compile_problem`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

from authoring.diagnostics import Diagnostic, Severity
from authoring.markup.canonical import parse_xml
from authoring.markup.problem.findings import BROKEN_HTML, LOOKS_LIKE_MARKDOWN, NO_QUESTION, Findings
from authoring.markup.problem.inline import rewrite_links
from authoring.markup.problem.repair import repair, tags_as_text, without_control_characters
from authoring.markup.problem.rich import MARKER, RichReader, is_rich
from authoring.markup.problem.studio import BrokenPartError, convert_part, split_parts
from authoring.markup.problem.tags import looks_like_tag
from authoring.markup.problem.text import Text, strip
from authoring.model import SourceLocation


@dataclass(frozen=True, slots=True)
class CompiledProblem:
    """`olx` is the whole `<problem>`; `studio_markdown` what Studio can go on editing, or None; and the findings."""

    olx: str
    studio_markdown: str | None
    diagnostics: tuple[Diagnostic, ...]


def compile_problem(
    markdown: str,
    *,
    where: SourceLocation | None = None,
    link: Callable[[str], str] | None = None,
    read_file: Callable[[str], str] | None = None,
) -> CompiledProblem:
    """OLX of problem Markdown, in either dialect (see the package). Whatever is written, sound OLX comes out.

    `where` is the place of the first line, from which findings are counted. `link` answers for each link, image and
    page of a JavaScript input what to write instead, in Markdown and in raw HTML. `read_file` returns the text of a
    file that the problem names and raises OSError or ValueError when it cannot; without it such files are findings.
    """
    findings = Findings(where)
    source = markdown.replace("\r\n", "\n").replace("\r", "\n")
    source = without_control_characters(source, findings)
    if is_rich(source):
        problem = RichReader(findings, link, read_file).problem(source)
        olx: str = etree.tostring(problem, encoding="unicode")
        _check_question(problem, findings)
        return CompiledProblem(olx, None, findings.sorted())
    if link is not None:
        source = rewrite_links(source, link)
    return _compile_studio(source, findings)


def _convert(text: str, first: int, findings: Findings) -> tuple[str, list[str], str]:
    """The OLX and the hints of a repaired part, and the part itself, repaired once more where that was necessary."""
    try:
        return *convert_part(Text.of(text, first), findings), text
    except BrokenPartError:
        findings.report(BROKEN_HTML, "the HTML of this part cannot be made sense of", first, deviates=True)
    try:
        return *convert_part(Text.of(tags_as_text(text), first), Findings()), text
    except BrokenPartError:
        return "\n".join(f"<p>{escape(line)}</p>" for line in text.split("\n") if strip(line)), [], text


_MARKDOWN = re.compile(
    r"""
      !\[[^\[\]\n]*\]\([^)\s]+\)
    | (?<!\[)\[[^\[\]\n]+\]\((?:https?:|/|\.|[\w-]+[./])[^)\s]*\)
    | \*\*[^\s*](?:[^*\n]*[^\s*])?\*\*
    | `[^`\n]+`
    """,
    re.VERBOSE,
)


def _check_markdown(source: str, findings: Findings) -> None:
    """Say once that Markdown and tags of the richer dialect are plain text without its first line."""
    found = _MARKDOWN.search(source)
    if found is not None:
        message = f"shown as it is written: {found[0][:60]!r}"
        findings.report(LOOKS_LIKE_MARKDOWN, message, source.count("\n", 0, found.start()))
    for number, line in enumerate(source.split("\n")):
        if "[" in line and looks_like_tag(line):
            message = f"{line.strip()[:60]!r} is shown as it is written: this problem is not marked as `{MARKER}`"
            findings.report(LOOKS_LIKE_MARKDOWN, message, number, severity=Severity.WARNING)


def _compile_studio(source: str, findings: Findings) -> CompiledProblem:
    _check_markdown(source, findings)
    olx: list[str] = []
    hints: list[str] = []
    repaired: list[str] = []
    position = 0
    for start, end in split_parts(source, findings):
        first = source.count("\n", 0, start)
        text = repair(source[start:end], first, findings)
        converted, more, text = _convert(text, first, findings)
        olx.append(converted)
        hints += (_sound(hint, first, findings) for hint in more)
        repaired += (source[position:start], text)
        position = end
    repaired.append(source[position:])
    tail = "".join(f"  <hint>{hint}</hint>\n" for hint in hints)
    demand = f"\n<demandhint>\n{tail}</demandhint>" if hints else ""
    whole = "\n\n".join(olx)
    problem = f"<problem>\n{whole}{demand}\n</problem>"
    _check_question(parse_xml(problem), findings)
    return CompiledProblem(problem, "".join(repaired) if findings.exact else None, findings.sorted())


def _sound(hint: str, first: int, findings: Findings) -> str:
    """A demand hint that is XML; `first` is the first line of its part."""
    try:
        parse_xml(f"<hint>{hint}</hint>")
    except ValueError:
        message = f"the HTML of this hint cannot be made sense of: {hint[:60]!r}"
        findings.report(BROKEN_HTML, message, first, deviates=True)
        return escape(hint)
    return hint


def _check_question(problem: etree._Element, findings: Findings) -> None:
    if not any(isinstance(element.tag, str) and element.tag.endswith("response") for element in problem.iter()):
        findings.report(NO_QUESTION, "nothing is asked in this problem", 0)
