"""HTML of `html` components: its tree, and when two pieces of it are the same.

In: the HTML of one component, as anyone may have written it; out: a tree of elements, texts and comments, and the
canonical form. `canonical_html` is the one definition of equality for HTML: two pieces are equal exactly when their
canonical forms are the same string. Next: :mod:`authoring.markup.unrender`, which must prove by it that nothing is lost.

The text is read as a browser reads it inside a page of the platform (the HTML standard's own algorithm: implied end
tags, `tbody`, entities, misnested tags), in a `div` of a page that goes on behind it. So how a tag, an attribute or a
character was spelled does not count: order of attributes, quotes, letter case of names, entities, `<br>` or `<br/>`.

What counts is all that a learner can see or a script can read:

- every element and attribute, with attribute values to the letter, also in `class` and `style`;
- comments, scripts and styles, to the letter;
- text. Runs of white space (space, tab, newline; not the no-break space) count as one space. That space is dropped
  where a browser shows none: at the start and the end of a line, that is beside block elements and `<br>`, and after
  another space of the same line, even one in another inline element;
- which of two neighbouring inline elements a space stands in;
- in `pre`, `textarea`, `svg`, `math`, and where a `style` sets `white-space` so, every character; but not the newline
  that ends a `pre`, which is not shown;
- whether the platform rewrites a reference: it does for `/static/…`, `/course/…` and `/jump_to_id/…` right after a
  quotation mark, in the text as sent (Open edX: common/djangoapps/static_replace/__init__.py). `src=/static/x.png`
  and `src="/static/x.png"` are different;
- tags that are left open at the end, or that close what was not opened: they change the page around the component.
  Then the rest of the page is part of the canonical form.

HTML that opens more than `MAX_OPEN` elements without closing them, or that holds processing instructions, is equal to
itself only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_OPEN = 1000
"""How many start tags may lack an end tag at any point: a bound on depth, and with it on the parser's time."""


@dataclass(slots=True)
class Element:
    """`tag` in lower case, as the parser gives it; `attributes` in the order written, "" where there is no value."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Comment:
    """What stands between `<!--` and `-->`."""

    text: str


Node: TypeAlias = Element | Comment | str


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


BLOCKS = _names("""
    address article aside blockquote body caption center col colgroup dd details dialog dir div dl dt fieldset
    figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li listing main menu nav
    ol optgroup option p plaintext pre search section summary table tbody td tfoot th thead tr ul xmp
    """)
"""Elements that stand on lines of their own."""

HIDDEN = _names("base link meta script style template title noscript")
"""Elements that show nothing where they stand: a line goes on behind them as if they were not there."""

ATOMS = _names("audio button canvas embed iframe img input meter object progress select svg math textarea video wbr")
"""Inline elements that are one thing in a line of text, whatever is inside."""

VOID = _names("area base br col embed hr img input link meta source track wbr basefont bgsound frame param")
RAW_TEXT = _names("script style xmp iframe noembed noframes plaintext")
"""Elements whose text is not markup: no entities inside."""

VERBATIM = _names("pre textarea listing xmp plaintext script style svg math template iframe noembed noframes")
"""Elements in which every character counts."""

_SPACE = re.compile(r"[ \t\n\r\f]+")
_INLINE_STYLE = re.compile(r"display\s*:\s*(?:inline|ruby|contents)", re.IGNORECASE)
_SPACED_STYLE = re.compile(
    r"white-space(?:-collapse)?\s*:(?!\s*(?:normal|nowrap|collapse|initial|inherit|unset|revert)\b)", re.IGNORECASE
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")

MARK = "\ue000"
"""Stands in trees before a reference that the platform rewrites."""

_REFERENCE = re.compile(r"(?<=[\"'])(?=/(?:static|course|jump_to_id)/)")
_LEFT_ALONE = re.compile(r"[\"'](?=/(?:static|course|jump_to_id)/)")

# What stands behind the component shows whether it is closed: an end tag too many moves it out of its `div`, an open
# element moves it in, and open emphasis goes on in the paragraph.
_BEFORE = "<!DOCTYPE html><html><head></head><body><div><div>"
_AFTER = "</div><hr></div><p>.</p></body></html>"


@dataclass(frozen=True, slots=True)
class Parsed:
    """`nodes` of a piece of HTML; when not `closed`, those of the whole page that it has spilled into."""

    nodes: list[Node]
    closed: bool


def parse_html(text: str) -> Parsed | None:
    """The tree of a piece of HTML, read as a browser reads it in a page; None when it nests too deep or
    holds processing instructions. Each reference
    that the platform would rewrite has `MARK` before it. Never raises."""
    if _opens_too_much(text):
        return None
    text = _SURROGATE.sub("\ufffd", text)
    text = _REFERENCE.sub(MARK, text.replace(MARK, MARK + MARK))  # a mark that is there cannot pass for ours
    root = LexborHTMLParser(f"{_BEFORE}{text}{_AFTER}").root
    if root is None:  # the parser gives no tree for no text; there is always some
        return None
    page = _tree(root)
    match page:
        case None:
            return None
        case Element(
            "html",
            attributes=html_attributes,
            children=[
                Element("head", children=[]),
                Element(
                    "body",
                    attributes=body_attributes,
                    children=[
                        Element("div", children=[Element("div", children=nodes), Element("hr")]),
                        Element("p", children=["."]),
                    ],
                ),
            ],
        ) if not html_attributes and not body_attributes:
            return Parsed(nodes, True)
        case _:
            return Parsed([page], False)


def canonical_html(text: str) -> str:
    """The canonical form of a component's HTML (see the module). Never raises."""
    parsed = parse_html(text)
    if parsed is None:
        return text
    canonical = canonical_nodes(trim(parsed.nodes))
    return canonical if parsed.closed else f"<!DOCTYPE html>{canonical}"


def canonical_nodes(nodes: Sequence[Node]) -> str:
    """The canonical form of a tree that is trimmed."""
    return "".join(_written(nodes, canonical=True))


def trim(nodes: Sequence[Node]) -> list[Node]:
    """A copy of a tree that stands in a block element of its own, without the white space that does not count (see the
    module). Once is enough: each time the newline is taken that ends a `pre`."""
    return _Trimmer().trim(nodes)


def serialize(nodes: Sequence[Node]) -> str:
    """HTML that reads as the same tree, for one that is trimmed: block elements start on new lines, and of blank lines
    there are only those of scripts, styles and comments."""
    return "".join(_written(nodes)).replace(MARK, "").strip("\n")


def is_block(node: Node) -> bool:
    """Whether a node stands on lines of its own."""
    if not isinstance(node, Element) or node.tag not in BLOCKS:
        return False
    return "style" not in node.attributes or _INLINE_STYLE.search(node.attributes["style"]) is None


def is_atom(element: Element) -> bool:
    """Whether an element is one thing in a line of text."""
    return element.tag in ATOMS or (element.tag in BLOCKS and not is_block(element))


def is_verbatim(element: Element) -> bool:
    """Whether white space counts inside `element`."""
    return element.tag in VERBATIM or _SPACED_STYLE.search(element.attributes.get("style", "")) is not None


def text_of(nodes: Sequence[Node]) -> Iterator[str]:
    """The texts in a tree, without those that show nothing."""
    stack = list(reversed(nodes))
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, Element) and node.tag not in HIDDEN:
            stack.extend(reversed(node.children))


def escape_text(text: str) -> str:
    """A text between tags. A quotation mark before a reference that the platform leaves alone becomes an entity."""
    return _LEFT_ALONE.sub(lambda quote: f"&#{ord(quote[0])};", _escape(text))


def start_tag(element: Element) -> str:
    """`<tag name="value">`, attributes in the order they have."""
    return f"<{element.tag}{''.join(f' {name}={_quoted(value)}' for name, value in element.attributes.items())}>"


_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\xa0", "&nbsp;"), ("\r", "&#13;"))


def _escape(text: str) -> str:
    for character, entity in _ENTITIES:
        text = text.replace(character, entity)
    return text


def _quoted(value: str) -> str:
    value = value.replace("&", "&amp;").replace("\xa0", "&nbsp;").replace("\r", "&#13;").replace("\n", "&#10;")
    value = _LEFT_ALONE.sub(lambda quote: f"&#{ord(quote[0])};", value)
    if _REFERENCE.match(f'"{value}', 1):
        value = f"&#47;{value[1:]}"
    if '"' in value and "'" not in value:
        return f"'{value}'"
    return '"' + value.replace('"', "&quot;") + '"'


def _opens_too_much(text: str) -> bool:
    opened = 0
    for match in _TAG.finditer(text):
        if match[1]:
            opened = max(opened - 1, 0)
        elif match[2].lower() not in VOID:
            opened += 1
            if opened > MAX_OPEN:
                return True
    return False


def _tree(root: LexborNode) -> Element | None:
    """The parser's tree as ours; neighbouring texts become one. None where it has what is neither element, text nor
    comment: processing instructions, which browsers do not agree on."""
    top = Element("")
    stack: list[tuple[LexborNode, Element]] = [(root, top)]
    while stack:
        source, parent = stack.pop()
        if source.is_element_node:
            element = Element(source.tag or "", {name: value or "" for name, value in source.attributes.items()})
            parent.children.append(element)
            if element.tag == "template":
                element.children = [source.inner_html or ""]  # a document of its own, kept as text
                continue
            child = source.last_child
            while child is not None:
                stack.append((child, element))
                child = child.prev
        elif source.is_text_node:
            text = source.text_content or ""
            if parent.children and isinstance(parent.children[-1], str):
                parent.children[-1] += text
            elif text:
                parent.children.append(text)
        elif source.is_comment_node:
            parent.children.append(Comment((source.html or "").removeprefix("<!--").removesuffix("-->")))
        else:
            return None
    page = top.children[0]
    assert isinstance(page, Element)
    return page


_LINE_START, _CONTENT, _AFTER_SPACE = range(3)


class _Trimmer:
    """Copies a tree; keeps where in its line of text a browser would be."""

    def __init__(self) -> None:
        self.state = _LINE_START
        self.spaced: list[Node] = []
        """The children whose last text ends with the last collapsible space, while `state` is `_AFTER_SPACE`."""
        self.spaced_at = 0
        self.last_text: list[Node] | None = None
        """The children that end with a verbatim text, while nothing but end tags has followed it."""

    def trim(self, nodes: Sequence[Node]) -> list[Node]:
        top: list[Node] = []
        # An entry is a node, where its copy goes and whether white space counts there; or an element that ends.
        stack: list[tuple[Node, list[Node] | None, bool]] = [(node, top, False) for node in reversed(nodes)]
        while stack:
            node, target, verbatim = stack.pop()
            if target is None:
                assert isinstance(node, Element)
                self.end(node)
            elif isinstance(node, str):
                self.text(node, target, verbatim)
            elif isinstance(node, Comment):
                self.last_text = None
                target.append(node)
            else:
                copy = Element(node.tag, node.attributes)
                target.append(copy)
                self.start(copy)
                stack.append((copy, None, False))
                if node.tag in RAW_TEXT or node.tag == "template":
                    copy.children = list(node.children)
                else:
                    inside = verbatim or is_verbatim(node)
                    stack.extend((child, copy.children, inside) for child in reversed(node.children))
        self.line_ends()
        return top

    def text(self, text: str, target: list[Node], verbatim: bool) -> None:
        if verbatim:
            if text:
                target.append(text)
                self.last_text = target
                self.state = _CONTENT
            return
        text = _SPACE.sub(" ", text)
        if self.state != _CONTENT:
            text = text.removeprefix(" ")
        if not text:
            return
        if target and isinstance(target[-1], str):
            target[-1] += text
        else:
            target.append(text)
        self.state = _CONTENT
        if text.endswith(" "):
            self.state = _AFTER_SPACE
            self.spaced, self.spaced_at = target, len(target) - 1

    def start(self, element: Element) -> None:
        if is_block(element) or element.tag == "br":
            self.line_ends()
        elif is_atom(element):
            self.state = _LINE_START
        self.last_text = None

    def end(self, element: Element) -> None:
        if element.tag == "pre" and self.last_text is not None:
            text = self.last_text.pop()
            assert isinstance(text, str)
            if text != "\n":
                self.last_text.append(text.removesuffix("\n"))
            self.last_text = None
        if is_block(element):
            self.line_ends()
        elif is_atom(element):
            self.line_ends()
            self.state = _CONTENT

    def line_ends(self) -> None:
        if self.state == _AFTER_SPACE:
            text = self.spaced[self.spaced_at]
            assert isinstance(text, str)
            self.spaced[self.spaced_at] = text.removesuffix(" ")
        self.state = _LINE_START


def _written(nodes: Sequence[Node], *, canonical: bool = False) -> Iterator[str]:
    """The text of a trimmed tree, piece by piece."""
    # An entry is a node and whether it may not be moved to a new line; or an end tag.
    stack: list[tuple[Node, bool] | str] = [(node, False) for node in reversed(nodes)]
    while stack:
        entry = stack.pop()
        if isinstance(entry, str):
            yield entry
            continue
        node, verbatim = entry
        if isinstance(node, str):
            if not node:
                continue
            yield _lines(_escape(node)) if canonical else _without_blank_lines(escape_text(node), verbatim)
        elif isinstance(node, Comment):
            yield f"<!--{_lines(node.text) if canonical else node.text}-->"
        else:
            block = is_block(node) and not verbatim
            if block:
                yield "\n"
            yield _canonical_tag(node) if canonical else start_tag(node)
            if node.tag in VOID:
                continue
            stack.append(f"</{node.tag}>")
            if node.tag in RAW_TEXT or node.tag == "template":
                raw = "".join(child for child in node.children if isinstance(child, str))
                stack.append(_lines(raw) if canonical else raw)
                continue
            if node.tag in ("pre", "textarea", "listing") and not canonical and _starts_with_newline(node):
                yield "\n"  # the parser drops one
            if node.tag == "pre" and not canonical and _ends_with_newline(node):
                stack.append("&#10;")  # of two that end it one does not count
            inside = verbatim or is_verbatim(node)
            if block and not inside and any(is_block(child) for child in node.children[-1:]):
                stack.append("\n")
            stack.extend((child, inside) for child in reversed(node.children))


def _starts_with_newline(element: Element) -> bool:
    return any(isinstance(child, str) and child.startswith("\n") for child in element.children[:1])


def _ends_with_newline(element: Element) -> bool:
    node: Node = element
    while isinstance(node, Element) and node.children:
        node = node.children[-1]
    return isinstance(node, str) and node.endswith("\n")


def _canonical_tag(element: Element) -> str:
    attributes = "".join(
        f' {name}="{_lines(value.replace("&", "&amp;").replace(chr(34), "&quot;"))}"'
        for name, value in sorted(element.attributes.items())
    )
    return f"<{element.tag}{attributes}>"


def _lines(text: str) -> str:
    """Newlines as entities: those of the canonical form are its own."""
    return text.replace("\n", "&#10;")


_BLANK_LINE = re.compile(r"(?:(?<=\n)|\A)([ \t]*)\n")
_FENCE_LINE = re.compile(r"^([`~:])(?=\1\1)", re.MULTILINE)


def _without_blank_lines(text: str, verbatim: bool) -> str:
    """A text between tags in which neither Markdown nor a course folder finds marks of their own."""
    if verbatim:
        text = _BLANK_LINE.sub(r"\1&#10;", text)
    return _FENCE_LINE.sub(lambda match: f"&#{ord(match[1])};", text)
