"""Prose: Markdown to the HTML of `html` components.

In: the prose segments of one page (a unit, a tab) with their first lines; out: HTML for each, its first
heading, and whatever is odd about it. The segments of a page are parsed together in two phases, so that a
link definition serves the whole page, and each text is parsed once. Links are handed to the `link`
function, which answers with what the platform resolves (:mod:`authoring.markup.links`).

CommonMark with tables, strikethrough, footnotes, definition lists, task lists, admonitions, maths,
attributes in braces, and figures: a paragraph that holds only an image with a title. Raw HTML is kept as
written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from authoring.markup.admonitions import admonitions_plugin
from authoring.markup.attributes import attributes_plugin
from authoring.markup.links import LinkFunction, rewrite_html
from authoring.markup.math import math_plugin

MAX_NESTING = 20
"""How deep lists, quotes and emphasis may nest (markdown-it's own limit for CommonMark)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Prose between two directives: its Markdown, the line of the file on which it starts, and the prefix
    that keeps its footnotes apart from those of other components on the same page."""

    text: str
    line: int
    prefix: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """`html` of a segment; `heading` is the text of its first heading; `footnotes_missing` are marks like
    `[^1]` that no definition belongs to, each with its line."""

    html: str
    heading: str | None
    footnotes_missing: tuple[tuple[str, int], ...]
    blocks: tuple[RenderedBlock, ...] = field(default=(), compare=False)
    """The blocks of its top level, where `render_page` was asked for them."""


@dataclass(frozen=True, slots=True)
class RenderedBlock:
    """One block of the top level: the lines it was written on (from 0, the end not among them; None for footnotes, which
    stand together at the end) and its HTML."""

    lines: tuple[int, int] | None
    html: str


@cache
def parser() -> MarkdownIt:
    """The one configured parser. It holds no state between calls."""
    md = MarkdownIt("commonmark", {"html": True, "maxNesting": MAX_NESTING})
    md.enable(["table", "strikethrough"])
    footnote_plugin(md, inline=False)
    deflist_plugin(md)
    tasklists_plugin(md)
    math_plugin(md)
    attributes_plugin(md)
    admonitions_plugin(md)
    md.core.ruler.push("page", _finish_page)
    return md


def render_page(segments: Sequence[Segment], link: LinkFunction, *, blocks: bool = False) -> list[Rendered]:
    """HTML for each segment of a page; with `blocks`, also block by block.

    `link(href, line, image)` is called for every link, image and raw HTML reference and answers what to
    write instead.
    """
    md = parser()
    rules = md.core.ruler.getRules("")
    first = md.core.ruler.get_active_rules().index("block") + 1
    references: dict[str, Any] = {}
    states = []
    for segment in segments:
        env: dict[str, Any] = {
            "references": references,
            "docId": segment.prefix,
            "page": _Page(segment.line, link),
        }
        state = StateCore(segment.text, md, env)
        for rule in rules[:first]:
            rule(state)
        states.append(state)
    rendered = []
    for state in states:
        for rule in rules[first:]:
            rule(state)
        html = md.renderer.render(state.tokens, md.options, state.env)
        page: _Page = state.env["page"]
        parts = tuple(_blocks(md, state)) if blocks else ()
        rendered.append(Rendered(html, page.heading, tuple(page.footnotes_missing), parts))
    return rendered


def _blocks(md: MarkdownIt, state: StateCore) -> Iterator[RenderedBlock]:
    depth, start = 0, 0
    for index, token in enumerate(state.tokens):
        depth += token.nesting
        if depth == 0:
            tokens = state.tokens[start : index + 1]
            lines = tokens[0].map
            html = md.renderer.render(tokens, md.options, state.env)
            yield RenderedBlock((lines[0], lines[1]) if lines else None, html)
            start = index + 1


def render_prose(text: str, link: LinkFunction, *, line: int = 1, prefix: str = "p") -> Rendered:
    """One segment on its own."""
    return render_page([Segment(text, line, prefix)], link)[0]


class _Page:
    """What the last rule finds and needs while one segment is parsed."""

    __slots__ = ("first_line", "footnotes_missing", "heading", "link")

    def __init__(self, first_line: int, link: LinkFunction) -> None:
        self.first_line = first_line
        self.link = link
        self.heading: str | None = None
        self.footnotes_missing: list[tuple[str, int]] = []


_FOOTNOTE_MARK = re.compile(r"\[\^[^\]\s]+\]")


def _finish_page(state: StateCore) -> None:
    """Links, figures, the first heading and left-over footnote marks, in one walk over the tokens."""
    page: _Page = state.env["page"]
    tokens = state.tokens
    line = page.first_line
    for index, token in enumerate(tokens):
        if token.map is not None:
            line = page.first_line + token.map[0]
        if token.type == "inline":
            children = token.children or []
            _finish_inline(children, line, page)
            if (
                len(children) == 1
                and children[0].type == "image"
                and "title" in children[0].attrs
                and tokens[index - 1].type == "paragraph_open"
            ):
                _make_figure(tokens, index)
        elif token.type == "html_block":
            token.content = rewrite_html(token.content, page.link, line)
        elif token.type == "heading_open" and page.heading is None:
            page.heading = _plain_text(tokens[index + 1].children or ()).strip() or None


def _finish_inline(children: Iterable[Token], line: int, page: _Page) -> None:
    for child in children:
        match child.type:
            case "text":
                if "[^" in child.content:
                    page.footnotes_missing.extend((m, line) for m in _FOOTNOTE_MARK.findall(child.content))
            case "softbreak" | "hardbreak":
                line += 1
            case "link_open":
                child.attrs["href"] = page.link(str(child.attrs.get("href", "")), line, False)
            case "image":
                child.attrs["src"] = page.link(str(child.attrs.get("src", "")), line, True)
            case "html_inline":
                child.content = rewrite_html(child.content, page.link, line)
                line += child.content.count("\n")
            case _:
                pass


def _make_figure(tokens: list[Token], index: int) -> None:
    """Turn the paragraph around the image at `index` into a figure with the image's title as its caption."""
    image = (tokens[index].children or [])[0]
    caption = str(image.attrs.pop("title"))
    opening, closing = tokens[index - 1], tokens[index + 1]
    opening.type, opening.tag, opening.hidden = "figure_open", "figure", False
    closing.type, closing.tag, closing.hidden = "figure_close", "figure", False
    figcaption = Token("html_inline", "", 0, content=f"<figcaption>{escapeHtml(caption)}</figcaption>")
    tokens[index].children = [image, figcaption]


def _plain_text(children: Iterable[Token]) -> str:
    parts = []
    for child in children:
        if child.type in ("text", "code_inline", "math_inline", "math_display"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif child.type == "image":
            parts.append(_plain_text(child.children or ()))
    return "".join(parts)
