"""Rules about texts that learners read: headings, links, tables, colour, videos."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree
from lxml import html as lxml_html

from authoring.diagnostics import Code, Diagnostic, Severity, define
from authoring.model import VERTICAL, Block, Course

HEADING_SKIP = define(
    "heading-skips-level",
    Severity.WARNING,
    "A heading is more than one level below the one before it; screen readers announce a gap.",
    "use the next level: `##` after `#`, `###` after `##`",
)
VAGUE_LINK = define(
    "vague-link-text",
    Severity.WARNING,
    "The text of a link says nothing about where it leads.",
    "name the goal: `[the glossary](…)` rather than `[click here](…)`",
)
NO_TABLE_HEADER = define(
    "table-without-header",
    Severity.WARNING,
    "A table has no header cells, so nobody can tell by ear what a number means.",
    "give the first row of a Markdown table words, or use `<th>`",
)
COLOUR_ONLY = define(
    "colour-only",
    Severity.INFO,
    "Words are set apart by colour alone.",
    "use `**bold**` or say it in words as well",
)
NO_TRANSCRIPT = define(
    "video-without-transcript",
    Severity.WARNING,
    "A video has no transcript.",
    "add `transcripts: {en: ../../static/words.srt}`",
)

_VAGUE = frozenset(
    [
        "here",
        "click here",
        "click",
        "this",
        "this link",
        "link",
        "read more",
        "more",
        "more…",
        "more...",
        "see here",
        "page",
        "go",
        "aquí",
        "haz clic aquí",
        "pulsa aquí",
        "leer más",
        "ici",
        "cliquez ici",
        "lire la suite",
        "hier",
        "hier klicken",
        "mehr",
        "weiterlesen",
        "qui",
        "clicca qui",
    ]
)
_HEADING = re.compile(r"h([1-6])")
_COLOUR = re.compile(r"(?:^|;)\s*color\s*:", re.IGNORECASE)
_WORTH_PARSING = re.compile(r"<(?:h[1-6]|a|table|font)\b|color\s*:", re.IGNORECASE)


def texts_read_well(course: Course) -> Iterator[Diagnostic]:
    """Headings in order, links that say where they lead, tables with headers, no meaning by colour alone."""
    for block in course.blocks():
        if block.category == VERTICAL:
            yield from _unit(block)
    for block in course.detached:
        if block.category in ("static_tab", "about", "course_info", "course_update") and block.content:
            yield from _text(block, [0])


def _unit(unit: Block) -> Iterator[Diagnostic]:
    """The texts of a unit are one page: a heading's level is measured from the text before."""
    level = [0]
    for block in unit.children:
        if block.category == "html" and block.content:
            yield from _text(block, level)


def _text(block: Block, level: list[int]) -> Iterator[Diagnostic]:
    if not block.content or not _WORTH_PARSING.search(block.content):
        return
    try:
        body = lxml_html.fragment_fromstring(block.content, create_parent="div")
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return  # what cannot be parsed is shown by the browser as it can; other rules speak of it
    for element in body.iter(etree.Element):
        tag = str(element.tag)
        heading = _HEADING.fullmatch(tag)
        if heading:
            new = int(heading[1])
            if level[0] and new > level[0] + 1:
                shown = " ".join(element.itertext()).strip()[:60]
                yield _finding(
                    HEADING_SKIP, f"the heading {shown!r} is level {new}, after one of level {level[0]}", block
                )
            level[0] = new
        elif tag == "a" and element.get("href"):
            words = " ".join("".join(str(part) for part in element.itertext()).split())
            if words.lower().rstrip(" .!:") in _VAGUE and element.get("aria-label") is None:
                yield _finding(VAGUE_LINK, f"the link {words!r} does not say where it leads", block)
        elif tag == "table" and element.find(".//th") is None and element.get("role") != "presentation":
            yield _finding(NO_TABLE_HEADER, "this table has no header cells", block)
        elif tag in ("span", "font") and _coloured(element) and not _emphasised(element):
            words = "".join(str(part) for part in element.itertext()).strip()[:40]
            yield _finding(COLOUR_ONLY, f"{words!r} is set apart by colour alone", block)


def _coloured(element: etree._Element) -> bool:
    return bool(element.get("color") or _COLOUR.search(element.get("style") or ""))


def _emphasised(element: etree._Element) -> bool:
    around = [element, *element.iterancestors(), *element.iterdescendants()]
    return any(
        str(found.tag) in ("strong", "b", "em", "i", "u", "mark", "h1", "h2", "h3", "h4", "h5", "h6")
        for found in around
    )


def videos_have_transcripts(course: Course) -> Iterator[Diagnostic]:
    """Every video that plays something has a transcript."""
    for block in course.root.walk():
        if block.category != "video":
            continue
        fields = block.fields
        plays = any(fields.get(name) for name in ("youtube_id_1_0", "html5_sources", "edx_video_id"))
        if plays and not any(fields.get(name) for name in ("transcripts", "sub", "track")):
            yield _finding(
                NO_TRANSCRIPT, f"the video {block.display_name or block.url_name!r} has no transcript", block
            )


def _finding(code: Code, message: str, block: Block) -> Diagnostic:
    return Diagnostic(code, message, block.source, code.remedy, code.severity)
