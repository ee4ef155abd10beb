"""OLX elements written in the richer dialect: text becomes Markdown, options become tags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from lxml import etree

from authoring.markup.canonical import BLOCKS, VERBATIM
from authoring.markup.problem.elements import (
    NotMarkdownError,
    attributes_of,
    collapse,
    escape_xml,
    flag,
    opening_tag,
    raw,
    require,
)
from authoring.markup.problem.escape import escape_line
from authoring.markup.problem.studio_writer import StudioWriter

_MARKDOWN = re.compile(r"([\\`*_~$])")
_MARKDOWN_AND_VARIABLES = re.compile(r"([\\`*_~])")
_LINK = re.compile(r"\[.?\]\(")
_BLOCK_START = re.compile(r"^([0-9]{0,9})([#+>|:.)-])")
"""What begins a heading, a list, a quote, a table or a definition in Markdown."""
_MARKS = re.compile(r"\{\{|\}\}|\[\[|\]\]|>>|<<|\|\|")
_MATHS = re.compile(r"\\\(.+?\\\)|\\\[.+?\\\]", re.DOTALL)


class RichWriter(StudioWriter):
    """Writes the richer dialect: text becomes Markdown, options become tags."""

    def __init__(self, *, tags: bool = False) -> None:
        self.tags = tags
        """Whether inline elements are written as HTML tags, where Markdown's own marks would not be told apart."""
        self.variables = False
        """Whether there is a script, so that `$name` is a variable and no maths."""

    def plain(self, text: str | None) -> str:
        r"""Text that Markdown shows as it is; `\(…\)` stays, because it is maths there too."""
        text = collapse(text)
        parts: list[str] = []
        position = 0
        for maths in _MATHS.finditer(text):
            if not _MARKS.search(maths[0]):
                parts += (self._escape(text[position : maths.start()]), maths[0])
                position = maths.end()
        parts.append(self._escape(text[position:]))
        return "".join(parts)

    def _escape(self, text: str) -> str:
        special = _MARKDOWN_AND_VARIABLES if self.variables else _MARKDOWN
        escaped = special.sub(r"\\\1", escape_xml(text))
        return escaped.replace("[", "&#91;").replace("]", "&#93;")  # a backslash would make maths of them

    def inline(self, element: etree._Element) -> str:
        if not isinstance(element.tag, str) or element.tag in VERBATIM or element.tag in BLOCKS:
            return raw(element)
        if not self.tags:
            attributes = attributes_of(element)
            match element.tag:
                case "strong" if not attributes:
                    return f"**{self.inner(element)}**"
                case "em" if not attributes:
                    return f"*{self.inner(element)}*"
                case "code" if not attributes and not len(element) and element.text and "`" not in element.text:
                    return f"`{element.text}`"
                case "a" if set(attributes) == {"href"} and _simple_link(attributes["href"]):
                    return f"[{self.inner(element)}]({attributes['href']})"
                case "img" if set(attributes) == {"src", "alt"} and _simple_link(attributes["src"]):
                    return f"![{self.plain(attributes['alt'])}]({attributes['src']})"
                case _:
                    pass
        opening = opening_tag(element)
        inner = self.inner(element)
        return f"{opening}{inner}</{element.tag}>" if inner else f"{opening[:-1]}/>"

    def paragraph(self, element: etree._Element) -> str:
        text = self.text(element)
        if not _LINK.match(text):
            text = escape_line(text)
        return _BLOCK_START.sub(r"\1\\\2", text, count=1) or "<p/>"

    def code(self, code: etree._Element) -> str:
        text = code.text or ""
        language = code.get("class", "language-").removeprefix("language-")
        if not set(code.attrib) <= {"class"} or not text.endswith("\n") or "```" in text or " " in language:
            raise NotMarkdownError("code in an unusual form")
        return f"```{language}\n{text}```"

    def script(self, script: etree._Element) -> str:
        if attributes_of(script) != {"type": "loncapa/python"} or "[/python]" in (script.text or ""):
            raise NotMarkdownError("a script of another kind")
        self.variables = True
        return f"[python]{script.text or ''}[/python]"

    def credit(self, choice: etree._Element) -> str | None:
        if choice.get("correct") != "partial":
            return {"true": "x", "false": " "}.get(choice.get("correct", ""))
        try:
            percent = round(float(choice.get("point_value", "")) * 100)
        except ValueError as error:
            raise NotMarkdownError("partial credit without its value") from error
        return f"{percent}%"

    def options(self, response: etree._Element, options: Mapping[str, str | None]) -> str:
        given = {name: value for name, value in options.items() if value is not None}
        return f"{_tag('question', given)}\n" if given else ""

    def number_mark(self, answer: str) -> str:
        return "n=" if re.search(r"[a-df-zA-DF-Z$]", answer) or not re.match(r"\s*[-+.\d\[(]", answer) else "="

    def other(self, response: etree._Element, inside: Sequence[etree._Element]) -> str:
        if response.tag == "formularesponse":
            return self.formula(response, inside)
        require(response, "customresponse", "cfn", "expect")
        options: dict[str, str | None] = {"function": response.get("cfn"), "expect": response.get("expect")}
        if len(inside) == 1 and inside[0].tag == "jsinput":
            attributes = attributes_of(inside[0])
            options.pop("expect")
            return _tag("jsinput", {"file": attributes.pop("html_file", ""), **_given(options), **attributes})
        first = inside[0]
        if any(child.tag != "textline" or attributes_of(child) != attributes_of(first) for child in inside):
            raise NotMarkdownError("inputs of different kinds")
        require(first, "textline", "size", "inline")
        options |= {"size": first.get("size"), "inline": flag(first.get("inline"), "1")}
        if len(inside) > 1:
            options["inputs"] = str(len(inside))
        return _tag("grader", _given(options))

    def formula(self, response: etree._Element, inside: Sequence[etree._Element]) -> str:
        require(response, "formularesponse", "type", "samples", "answer")
        options: dict[str, str | None] = {name: response.get(name) for name in ("answer", "samples")}
        options["case_sensitive"] = "true" if response.get("type") == "cs" else None
        for child in inside:
            if child.tag == "responseparam":
                require(child, "responseparam", "type", "default")
                options["tolerance"] = child.get("default")
            else:
                require(child, "formulaequationinput", "size", "inline", "trailing_text")
                options |= {name: child.get(name) for name in ("size", "trailing_text")}
                options["inline"] = flag(child.get("inline"), "1")
        return _tag("formula", _given(options))


def _given(options: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in options.items() if value is not None}


def _tag(name: str, options: Mapping[str, str]) -> str:
    parts = [name]
    for key, value in options.items():
        if '"' in value or "\n" in value:
            raise NotMarkdownError("a quote in an option")
        parts.append(f"{key}={value}" if re.fullmatch(r"[\w.,:/%#@*^+-]+", value) else f'{key}="{value}"')
    return f"[{' '.join(parts)}]"


def _simple_link(href: str) -> bool:
    return re.fullmatch(r"[^\s()<>&\\*_\[\]`]+", href) is not None
