r"""Markdown inside the problems of the richer dialect: to XML that can stand in OLX.

CommonMark with tables, strikethrough, definition lists, attributes in braces and maths. Maths comes out as bare
`\(…\)` and `\[…\]`, which is what Open edX's MathJax reads. Raw HTML and OLX pass through; HTML that is not XML is
repaired the way browsers do. In a problem with a Python script `$name` is a variable, so there `$…$` is no maths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from lxml import etree
from lxml import html as lxml_html
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.deflist import deflist_plugin

from authoring.markup.attributes import attributes_plugin
from authoring.markup.canonical import parse_xml
from authoring.markup.links import rewrite_html
from authoring.markup.math import end_of_brackets, math_plugin

_EDGES = " \t\n"
_DOLLAR = "\ue000"
"""Stands for a `$` that begins a variable while Markdown is rendered."""


class Markdown:
    """Renders the Markdown of one problem. `link` answers what to write instead of a link or an image."""

    def __init__(self, link: Callable[[str], str] | None, *, variables: bool = False) -> None:
        self.link = link
        self.variables = variables

    def inline(self, text: str) -> str:
        """Text within a line: a choice, a label, feedback."""
        rendered: str = _parser().renderInline(self._before(text.strip(_EDGES)), {"link": self.link})
        return self._after(rendered.strip(_EDGES))

    def block(self, text: str) -> str:
        """Paragraphs, lists, tables …"""
        rendered: str = _parser().render(self._before(text), {"link": self.link})
        return self._after(rendered)

    def _before(self, text: str) -> str:
        return text.replace("$", _DOLLAR) if self.variables else text

    def _after(self, rendered: str) -> str:
        return _well_formed(rendered.replace(_DOLLAR, "$"))


def _well_formed(rendered: str) -> str:
    try:
        parse_xml(f"<x>{rendered}</x>")
    except ValueError:
        root = lxml_html.fragment_fromstring(rendered, create_parent="div")
        text: str = etree.tostring(root, encoding="unicode", with_tail=False)
        return "" if text == "<div/>" else text.removeprefix("<div>").removesuffix("</div>")
    return rendered


@cache
def _parser() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": True, "maxNesting": 20})
    md.enable(["table", "strikethrough"])
    deflist_plugin(md)
    math_plugin(md)
    attributes_plugin(md)
    md.inline.ruler.before("math", "math_verbatim", _verbatim)
    md.add_render_rule("math_inline", _render_inline)
    md.add_render_rule("math_verbatim", _render_verbatim)
    md.add_render_rule("math_display", _render_display)
    md.add_render_rule("math_block", _render_block)
    md.core.ruler.push("problem_links", _rewrite_links)
    return md


def _verbatim(state: StateInline, silent: bool) -> bool:
    r"""`\(…\)` and `\[…\]` to the character as they were written."""
    end = end_of_brackets(state)
    if end is None:
        return False
    if not silent:
        state.push("math_verbatim", "math", 0).content = state.src[state.pos : end + 2]
    state.pos = end + 2
    return True


def _rewrite_links(state: StateCore) -> None:
    link: Callable[[str], str] | None = state.env.get("link")
    if link is None:
        return
    for token in state.tokens:
        for child in [token, *(token.children or ())]:
            match child.type:
                case "link_open":
                    child.attrs["href"] = link(str(child.attrs.get("href", "")))
                case "image":
                    child.attrs["src"] = link(str(child.attrs.get("src", "")))
                case "html_block" | "html_inline":
                    child.content = rewrite_links(child.content, link)
                case _:
                    pass


def rewrite_links(text: str, link: Callable[[str], str]) -> str:
    """The links in HTML or OLX answered by `link`."""
    return rewrite_html(text, lambda href, line, image: link(href), 0)


def _render_verbatim(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return escapeHtml(tokens[index].content)


def _render_inline(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f"\\({escapeHtml(tokens[index].content)}\\)"


def _render_display(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f"\\[{escapeHtml(tokens[index].content)}\\]"


def _render_block(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return f"<p>\\[{escapeHtml(tokens[index].content)}\\]</p>\n"
