"""The way back for lines of text: a trimmed tree of inline HTML to Markdown.

In: the inline nodes of one paragraph, heading, cell or list item (:mod:`authoring.markup.html`); out: the Markdown that
should render as them. Whether it does is for the caller to prove (:mod:`authoring.markup.unrender`): here is decided
what a person would write, not what the renderer makes of every odd neighbourhood. For those there is
`Spelling.CAREFUL`, which escapes all that could mean something and keeps tags instead of marks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import Enum

from markdown_it import MarkdownIt

from authoring.markup.html import (
    MARK,
    RAW_TEXT,
    VOID,
    Comment,
    Element,
    Node,
    is_block,
    start_tag,
    text_of,
)
from authoring.markup.prose import MAX_NESTING


class Spelling(Enum):
    """How Markdown is written."""

    PLAIN = "plain"
    """As a person would: marks, and a backslash only where a character could be taken for one."""
    CAREFUL = "careful"
    """Tags instead of marks for emphasis, and an escape before every character that is one somewhere."""


class NotMarkdown(Exception):
    """What Markdown has no words for. Never leaves the way back: the element stays HTML."""


_EMPHASIS = {"em": "*", "strong": "**", "s": "~~"}
_LINKS = MarkdownIt("commonmark")

_PLAIN = re.compile(r"[\\`*_\[<&~$!{|]")
_CAREFUL = re.compile(r"[\\`*_\[\]<>&~$!{}|()\"'^]")
_INVISIBLE = re.compile(
    "[\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\x00-\x09\x0b-\x1f\x7f-\x9f]"
)
_LINE_START = re.compile(r"#{1,6}(?=\s|$)|[-+](?=\s|$)|--|==*(?=\s|$)|>|\||:|~(?=\s|$)|(?P<number>\d{1,9})[.)](?=\s|$)")
_ENTITY = re.compile(r"&(?:#\w+|\w+);")
_BRACKETED = re.compile(r"\[(?![ xX^]?\])[^\[\]^\\]*\](?=[\s.,;?)]|$)")
_CLASSES = re.compile(r"[\w-]+(?: [\w-]+)*")
_ID = re.compile(r"[\w.:-]+")
_ATTRIBUTE_NAME = re.compile(r"[A-Za-z_][\w:.-]*")
_BARE_VALUE = re.compile(r"[^\s\"'{}=<>`]+")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]+")


def inline_markdown(
    nodes: Sequence[Node],
    spelling: Spelling,
    *,
    cell: bool = False,
    heading: bool = False,
) -> str:
    """The Markdown of inline nodes; several lines only where there are hard breaks, one line in a `cell` or `heading`.

    Raises NotMarkdown for what cannot stand in a line of text.
    """
    writer = _Writer(spelling, one_line=cell or heading, cell=cell, heading=heading)
    writer.dollars = sum(text.count("$") for text in text_of(nodes)) > 1
    writer.write(nodes, 0)
    return "".join(writer.out)


def braces(attributes: dict[str, str]) -> str:
    """`{#id .class key=value}`, "" for none. Raises NotMarkdown for what braces cannot hold."""
    items: list[str] = []
    for name, value in attributes.items():
        if name == "class" and _CLASSES.fullmatch(value):
            items.extend(f".{word}" for word in value.split(" "))
        elif name == "id" and _ID.fullmatch(value):
            items.append(f"#{value}")
        elif not _ATTRIBUTE_NAME.fullmatch(name) or '"' in value or "\n" in value or MARK in value:
            raise NotMarkdown
        else:
            items.append(f"{name}={value}" if _BARE_VALUE.fullmatch(value) else f'{name}="{value}"')
    return f"{{{' '.join(items)}}}" if items else ""


def plain_reference(value: str) -> str:
    """A link's target as it stands in Markdown. Raises NotMarkdown for one that the renderer would change."""
    value = value.removeprefix(MARK)
    if _LINKS.normalizeLink(value) != value or not _LINKS.validateLink(value):
        raise NotMarkdown
    value = _ENTITY.sub(_ampersand, value).replace("\\", "\\\\")
    if not value or "(" in value or ")" in value or value.startswith("<"):
        return f"<{value}>"
    return value


def quoted_title(value: str) -> str:
    r"""` "title"`, with a space before it. Raises NotMarkdown for a title of several lines."""
    if "\n" in value or MARK in value:
        raise NotMarkdown
    value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f' "{_ENTITY.sub(_ampersand, value)}"'


class _Writer:
    def __init__(self, spelling: Spelling, *, one_line: bool, cell: bool, heading: bool) -> None:
        self.plain = spelling is Spelling.PLAIN
        self.one_line = one_line
        self.cell = cell
        self.heading = heading
        self.dollars = False
        """Whether the text has more than one, so that two could be taken for maths."""
        self.out: list[str] = []

    @property
    def before(self) -> str:
        """The character written last; a newline at the start."""
        return next((part[-1] for part in reversed(self.out) if part), "\n")

    def write(self, nodes: Sequence[Node], depth: int) -> None:
        if depth > MAX_NESTING // 2:
            raise NotMarkdown
        for position, node in enumerate(nodes):
            following = nodes[position + 1] if position + 1 < len(nodes) else None
            if isinstance(node, str):
                bracket = isinstance(following, Element) and following.tag in ("a", "img", "span")
                self.text(node, follows=following is not None or depth > 0, bracket=bracket)
            elif isinstance(node, Comment):
                if "\n" in node.text or self.before == "\n":
                    raise NotMarkdown
                self.out.append(f"<!--{node.text}-->")
            elif is_block(node):
                raise NotMarkdown
            else:
                self.element(node, following, depth)

    def element(self, node: Element, following: Node | None, depth: int) -> None:
        match node:
            case Element("br", attributes={**rest}) if not rest:
                hard = not self.one_line and depth == 0 and following is not None and self.before != "\n"
                self.out.append("\\\n" if hard else "<br>")
                return
            case Element("em" | "strong" | "s", attributes={**rest}) if not rest and self.plain:
                if self.emphasis(node, following, depth):
                    return
            case Element("code"):
                if self.code(node):
                    return
            case Element("a", attributes={"href": _}):
                if self.link(node, depth):
                    return
            case Element("img", attributes={"src": _, "alt": _}):
                if self.image(node):
                    return
            case Element("span", attributes={"class": "math inline" | "math display"}):
                if self.maths(node, following):
                    return
            case _:
                pass
        if node.tag == "span" and node.attributes and self.span(node, depth):
            return
        self.tags(node, depth)

    def tags(self, node: Element, depth: int) -> None:
        """The element's own tags around the Markdown of what is inside."""
        if (node.tag in RAW_TEXT and node.children) or node.tag == "template":
            raise NotMarkdown  # Markdown would read what is inside
        self.out.append(start_tag(node).replace(MARK, ""))
        if node.tag not in VOID:
            self.write(node.children, depth + 1)
            self.out.append(f"</{node.tag}>")

    def emphasis(self, node: Element, following: Node | None, depth: int) -> bool:
        mark = _EMPHASIS[node.tag]
        before = self.before
        if mark == "*" and before == "*":
            mark = "_"
        if before == mark[0]:
            return False
        start = len(self.out)
        self.out.append(mark)
        self.write(node.children, depth + 1)
        inside = "".join(self.out[start + 1 :])
        after = _first_character(following)
        good = (
            bool(inside)
            and not inside[0].isspace()
            and not inside[-1].isspace()
            and (not _is_punctuation(inside[0]) or before.isspace() or _is_punctuation(before))
            and (not _is_punctuation(inside[-1]) or after.isspace() or _is_punctuation(after))
            and not (mark == "_" and after.isalnum())
        )
        if not good:
            self.out[start] = f"<{node.tag}>"
        self.out.append(mark if good else f"</{node.tag}>")
        return True

    def code(self, node: Element) -> bool:
        match node.children:
            case [str(text)] if text.strip() and "\n" not in text and not (self.cell and "|" in text):
                pass
            case _:
                return False
        text = text.replace(MARK, "")
        if _INVISIBLE.search(text):
            return False
        try:
            attributes = braces(node.attributes)
        except NotMarkdown:
            return False
        runs = {len(run) for run in re.findall("`+", text)}
        fence = "`" * next(length for length in range(1, len(runs) + 2) if length not in runs)
        if self.before == "`":
            return False
        padding = " " if text[0] in " `" or text[-1] in " `" else ""
        self.out.append(f"{fence}{padding}{text}{padding}{fence}{attributes}")
        return True

    def link(self, node: Element, depth: int) -> bool:
        attributes = dict(node.attributes)
        href = attributes.pop("href")
        title = attributes.pop("title", None)
        try:
            target = plain_reference(href)
            if node.children == [href] and not attributes and title is None and _ABSOLUTE.fullmatch(href):
                self.out.append(f"<{href}>")
                return True
            tail = f"]({target}{quoted_title(title) if title is not None else ''}){braces(attributes)}"
        except NotMarkdown:
            return False
        self.out.append("[")
        self.write(node.children, depth + 1)
        self.out.append(tail)
        return True

    def image(self, node: Element) -> bool:
        try:
            self.out.append(image_markdown(node))
        except NotMarkdown:
            return False
        return True

    def span(self, node: Element, depth: int) -> bool:
        try:
            attributes = braces(node.attributes)
        except NotMarkdown:
            return False
        self.out.append("[")
        self.write(node.children, depth + 1)
        self.out.append(f"]{attributes}")
        return True

    def maths(self, node: Element, following: Node | None) -> bool:
        if len(node.attributes) != 1 or len(node.children) != 1 or not isinstance(node.children[0], str):
            return False
        text = node.children[0]
        opening, closing, mark = ("\\(", "\\)", "$") if "inline" in node.attributes["class"] else ("\\[", "\\]", "$$")
        content = text.removeprefix(opening).removesuffix(closing)
        if f"{opening}{content}{closing}" != text or not content or content != content.strip() or "\n" in content:
            return False
        if self.cell and "|" in content:
            return False
        after = _first_character(following)
        price = content[0].isdigit() and "\\" not in content and re.search(r"\s[^\W\d_]{2,}", content)
        if "$" not in content and not price and not after.isdigit() and after != "$" and not _counts(self.before):
            self.out.append(f"{mark}{content}{mark}")
        elif closing not in content:
            self.out.append(f"{opening}{content}{closing}")
        else:
            return False
        return True

    def text(self, text: str, *, follows: bool, bracket: bool) -> None:
        """A text; `follows` says that it may be followed on its line, `bracket` that this may be by a bracket."""
        if "\n" in text:
            raise NotMarkdown  # it counts, and what is on the next line could be anything
        if MARK in text:
            raise NotMarkdown  # the renderer writes quotation marks as entities, so nothing would be rewritten
        line_start = self.before == "\n"
        before = self.before
        pattern = _PLAIN if self.plain else _CAREFUL

        def escape(match: re.Match[str]) -> str:
            return self.escaped(match, before, follows, bracket)

        written = pattern.sub(escape, text)
        written = _INVISIBLE.sub(_entity, written)
        if line_start:
            written = _LINE_START.sub(_guarded, written, count=1) if _LINE_START.match(written) else written
        if self.heading and not follows:
            written = re.sub(r"(^|\s)(#+)$", r"\1\\\2", written)
        if written:
            self.out.append(written)

    def escaped(self, match: re.Match[str], before_text: str, follows: bool, bracket: bool) -> str:
        text, at, character = match.string, match.start(), match[0]
        if not self.plain:
            if character == "&":
                return "&amp;"
            return f"&#{ord(character)};" if character in "\\[]()'\"" else f"\\{character}"
        before = text[at - 1] if at else before_text
        after = text[at + 1] if at + 1 < len(text) else ("\n" if not follows else ".")
        match character:
            case "\\":
                bare = not _is_punctuation(after) and after != "\n"
            case "*" | "_":
                bare = before == after == " " or (character == "_" and before.isalnum() and after.isalnum())
            case "[":
                bare = before == "\\" or (_BRACKETED.match(text, at) is not None and before not in "!]\n")
                if not bare and "\\]" in text:
                    return "&#91;"  # a backslash would open displayed maths
            case "<":
                bare = not (after.isalpha() or after in "/!?.")
            case "&":
                if _ENTITY.match(text, at):
                    return "&amp;"
                bare = True
            case "~":
                bare = after != "~" and before != "~" and not (at + 1 == len(text) and follows)
            case "$":
                bare = not self.dollars
            case "!":
                bare = after != "[" and not (at + 1 == len(text) and bracket)
            case "{":
                bare = not self.heading and at > 0 and before != "]"
            case "|":
                bare = not self.cell
            case _:
                bare = False
        return character if bare else f"\\{character}"


def image_markdown(node: Element, caption: str | None = None) -> str:
    """`![alt](src "title"){attributes}`; a figure's `caption` stands where the title does.

    Raises NotMarkdown for an image that is not said so.
    """
    attributes = dict(node.attributes)
    source, alt, title = attributes.pop("src"), attributes.pop("alt"), attributes.pop("title", None)
    if caption is not None:
        if title is not None:
            raise NotMarkdown
        title = caption
    if "\n" in alt or MARK in alt or "  " in alt or alt != alt.strip():
        raise NotMarkdown
    words = _INVISIBLE.sub(_entity, _ENTITY.sub(_ampersand, re.sub(r"[\\`*_<$]", r"\\\g<0>", alt)))
    return (
        f"![{words}]({plain_reference(source)}{quoted_title(title) if title is not None else ''}){braces(attributes)}"
    )


def _guarded(match: re.Match[str]) -> str:
    number = match["number"]
    return f"\\{match[0]}" if number is None else f"{number}\\{match[0][-1]}"


def _ampersand(match: re.Match[str]) -> str:
    return f"&amp;{match[0][1:]}"


def _entity(match: re.Match[str]) -> str:
    return "&nbsp;" if match[0] == "\xa0" else f"&#{ord(match[0])};"


def _first_character(node: Node | None) -> str:
    """What follows on the line: a character, a space at its end, a full stop for a mark of some kind."""
    if node is None:
        return " "
    if isinstance(node, str):
        return node[:1] or "."
    return " " if isinstance(node, Element) and node.tag == "br" else "."


def _counts(character: str) -> bool:
    """Whether a `$` after `character` opens no maths."""
    return character.isdigit() or character in "$\\"


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"
