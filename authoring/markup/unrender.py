r"""The way back: the HTML of an `html` component to Markdown that renders as the same HTML.

In: HTML as it came from a platform or a package; out: Markdown as a person would write it, or None, when the HTML is
better kept whole. Rendering the Markdown (:mod:`authoring.markup.prose`) gives the same HTML in canonical form
(:mod:`authoring.markup.html`): this is proven for each result, by rendering it. So nothing here must be exact about
CommonMark; what guesses wrong is found out and becomes plainer.

A top-level element is tried as Markdown, first as a person would spell it, then with every character escaped that could
mean something; then as its own tags around the Markdown of what is inside; and stays HTML when nothing holds. Lines of
text that no paragraph encloses cannot be Markdown and stay HTML behind the element before them.

Converters that exist (markdownify, html2text) write Markdown that reads the same, not Markdown that renders the same,
and know neither attributes nor figures nor maths; there was nothing to start from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from authoring.markup.admonitions import ADMONITIONS
from authoring.markup.html import (
    ATOMS,
    HIDDEN,
    MARK,
    VERBATIM,
    VOID,
    Comment,
    Element,
    Node,
    canonical_html,
    canonical_nodes,
    is_block,
    is_verbatim,
    parse_html,
    serialize,
    start_tag,
    text_of,
    trim,
)
from authoring.markup.inlines import NotMarkdown, Spelling, braces, image_markdown, inline_markdown
from authoring.markup.prose import render_prose

MAX_DEPTH = 12
"""How deep elements may nest in each other and still become Markdown."""

MAX_LENGTH = 500_000
MAX_TAGS = 20_000
"""Of one text. What is longer was made by a program and takes minutes to prove; it stays HTML."""

PICTURE = 20
"""How many characters a picture counts for when the share of Markdown is measured."""


def html_to_markdown(html: str) -> str | None:
    """Markdown that renders as `html`, canonically; None where there is none, or where less than half of the text would
    leave HTML. Never raises.

    Links stay as they are written. The first line may look like an option of a directive, as in `Note: …`; so put a
    `---` before the Markdown in the body of one.
    """
    if MARK in html or "\x00" in html or len(html) > MAX_LENGTH or html.count("<") > MAX_TAGS:
        return None
    parsed = parse_html(html)
    if parsed is None or not parsed.closed:
        return None
    nodes = trim(parsed.nodes)
    try:
        pieces = _top_level(nodes)
        markdown = _joined(pieces)
    except NotMarkdown:
        return None
    if 2 * sum(piece.weight for piece in pieces) < _weight(nodes) or not any(piece.weight for piece in pieces):
        return None
    if canonical_html(_rendered(markdown)) != canonical_html(html):
        return None
    return markdown


@dataclass(frozen=True, slots=True)
class _Piece:
    """Lines that stand apart. `raw` is HTML; `weight` is how much of the text is Markdown; a `list_mark` is what a list
    after it must not have; `loose` is text that continues the HTML before it; `colons` is the longest fence; `source` is
    the one element that it was made from."""

    text: str
    raw: bool = False
    weight: int = 0
    list_mark: str = ""
    loose: bool = False
    colons: int = 2
    source: Element | None = None

    @property
    def stands_alone(self) -> bool:
        """Whether a blank line must come before: because there are some inside, or for comments to be seen."""
        return "\n\n" in self.text or self.text.startswith("<!--")


def _weight(nodes: Sequence[Node]) -> int:
    characters = sum(len("".join(text.split())) for text in text_of(nodes))
    return characters + PICTURE * sum(1 for _ in _pictures(nodes))


def _pictures(nodes: Sequence[Node]) -> Iterator[Element]:
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, Element):
            if node.tag in ATOMS or node.tag == "hr":
                yield node
            stack.extend(node.children)


def _same(href: str, line: int, image: bool) -> str:
    return href


def _rendered(markdown: str) -> str:
    return render_prose(markdown, _same).html


def _holds(markdown: str, nodes: Sequence[Node]) -> bool:
    """Whether Markdown renders as trimmed nodes."""
    parsed = parse_html(_rendered(markdown))
    return parsed is not None and parsed.closed and canonical_nodes(trim(parsed.nodes)) == canonical_nodes(nodes)


def _joined(pieces: Sequence[_Piece]) -> str:
    """Pieces of the top level as one text."""
    parts: list[str] = []
    before: _Piece | None = None
    for piece in pieces:
        if before is not None:
            apart = not (before.raw and piece.raw) or piece.stands_alone
            if piece.loose and apart:
                raise NotMarkdown
            parts.append("\n\n" if apart else "\n")
        elif piece.loose:
            raise NotMarkdown
        parts.append(piece.text)
        before = piece
    return "".join(parts) + "\n"


# --- the top level, and what stands between the tags of an element there ---------------------------------------------


def _top_level(nodes: Sequence[Node], depth: int = 0) -> list[_Piece]:
    """The pieces of nodes between which Markdown starts anew. Raises NotMarkdown for text that no HTML is before."""
    pieces: list[_Piece] = []
    for run in _runs(nodes):
        match run:
            case [Element() as element] if is_block(element):
                pieces.extend(_proven(element, pieces[-1] if pieces else None, depth))
            case _ if all(
                isinstance(node, Comment) or (isinstance(node, Element) and node.tag in HIDDEN) for node in run
            ):
                pieces.extend(_raw([node]) for node in run)
            case _:
                loose = _loose(run, depth)
                if loose[0].loose and pieces and (source := pieces[-1].source) is not None:
                    pieces[-1] = _raw([source])  # the text needs HTML to stand behind
                pieces.extend(loose)
    return pieces


def _runs(nodes: Sequence[Node]) -> Iterator[list[Node]]:
    """Block elements one by one, and what stands between them."""
    run: list[Node] = []
    for node in nodes:
        if is_block(node):
            if run:
                yield run
            run = []
            yield [node]
        elif node != "":
            run.append(node)
    if run:
        yield run


def _proven(element: Element, before: _Piece | None, depth: int) -> list[_Piece]:
    """The best pieces for a block element."""
    admonition = _admonition(element, depth)
    if admonition is not None:
        return [admonition] if _holds(admonition.text, [element]) else [_raw([element])]
    other_list = before.list_mark if before is not None else ""
    for spelling in Spelling:
        try:
            piece = _block(element, _Place(spelling, first=before is None, other_list=other_list))
        except NotMarkdown:
            continue
        if not piece.raw and _holds(piece.text, [element]):
            return [replace(piece, source=element)]
    return _tags_around(element, depth) or [_raw([element])]


def _tags_around(element: Element, depth: int) -> list[_Piece]:
    """The element's tags as HTML around the Markdown of what is inside; empty where there is no Markdown inside."""
    if depth >= MAX_DEPTH or is_verbatim(element) or element.tag in VOID:
        return []
    if not any(is_block(child) for child in element.children):
        return []
    try:
        inside = _top_level(element.children, depth + 1)
    except NotMarkdown:
        return []
    if all(piece.raw for piece in inside) and not any("\n\n" in piece.text for piece in inside):
        return []
    opening = _Piece(start_tag(element).replace(MARK, ""), raw=True)
    return [opening, *inside, _Piece(f"</{element.tag}>", raw=True)]


def _raw(nodes: Sequence[Node]) -> _Piece:
    return _Piece(_unfenced(serialize(nodes)), raw=True)


_FENCE = re.compile(r"^(?:```|~~~|:::)", re.MULTILINE)


def _unfenced(text: str) -> str:
    """`text`, which is no code. Raises NotMarkdown where a course folder would see a fence in it or an open comment."""
    if _FENCE.search(text) or f"\n{text}".rfind("\n<!--") > text.rfind("-->"):
        raise NotMarkdown
    return text


def _loose(run: list[Node], depth: int) -> list[_Piece]:
    """Text that no paragraph encloses, as HTML on one line."""
    first = run[0]
    if len(run) == 1 and isinstance(first, Element) and (pieces := _tags_around(first, depth)):
        return pieces
    text = _unfenced(serialize(run))
    if "\n\n" in text:
        raise NotMarkdown
    if isinstance(first, Element) and first.tag == "iframe":
        return [_Piece(text, raw=True)]
    if isinstance(first, Element) and first.tag not in HIDDEN | VERBATIM:
        opening = start_tag(first).replace(MARK, "")
        return [_Piece(f"{opening}\n{text.removeprefix(opening).lstrip()}", raw=True)]
    return [_Piece(text, raw=True, loose=True)]


# --- block elements as Markdown ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """Where Markdown is written, and how: `first` on the page, after an `other_list` with that mark, below `depth` others."""

    spelling: Spelling
    first: bool = False
    other_list: str = ""
    depth: int = 0

    def inside(self, other_list: str = "") -> _Place:
        if self.depth >= MAX_DEPTH:
            raise NotMarkdown
        return _Place(self.spelling, other_list=other_list, depth=self.depth + 1)


def _block(element: Element, place: _Place) -> _Piece:
    """A block element as Markdown, unproven. Raises NotMarkdown, or answers with HTML, for what has no Markdown."""
    text: str
    match element:
        case Element("p", attributes={**attributes}) if not attributes:
            text = inline_markdown(element.children, place.spelling)
        case Element("h1" | "h2" | "h3" | "h4" | "h5" | "h6" as tag):
            words = inline_markdown(element.children, place.spelling, heading=True)
            text = " ".join(filter(None, ("#" * int(tag[1]), words, braces(element.attributes))))
        case Element("ul" | "ol"):
            return _list(element, place)
        case Element("blockquote", attributes={**attributes}) if not attributes:
            inside = _inside(element.children, place, "\n\n")
            text = _indented(inside, "> ", "> ")
        case Element("pre", attributes={**attributes}, children=[Element("code") as code]) if not attributes:
            text = _fence(code)
        case Element("hr", attributes={**attributes}) if not attributes:
            text = "***" if place.first else "---"
        case Element("table", attributes={**attributes}) if not attributes:
            text = _table(element, place)
        case Element("dl", attributes={**attributes}) if not attributes:
            text = _definitions(element, place)
        case Element("figure", attributes={**attributes}) if not attributes:
            text = _figure(element)
        case Element("div", attributes={"class": "math block", **rest}, children=[str(content)]) if not rest:
            text = _maths(content)
        case _:
            raise NotMarkdown
    if not text:
        raise NotMarkdown
    return _Piece(text, weight=_weight([element]))


def _inside(nodes: Sequence[Node], place: _Place, between: str) -> str:
    """Blocks, and text at the start, inside a list item or a quotation."""
    parts: list[str] = []
    other_list = ""
    for run in _runs(nodes):
        match run:
            case [Element() as element] if is_block(element):
                try:
                    piece = _block(element, place.inside(other_list))
                except NotMarkdown:
                    piece = _raw([element])
                    if between == "\n" or "\n\n" in piece.text:
                        raise
                parts.append(piece.text)
                other_list = piece.list_mark
            case _:
                parts.append(inline_markdown(run, place.spelling))
                other_list = ""
    return between.join(parts)


def _indented(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    indented = [f"{rest}{line}" if line else rest.rstrip() for line in lines[1:]]
    return "\n".join([f"{first}{lines[0]}".rstrip(" ") if not lines[0] else f"{first}{lines[0]}", *indented])


def _list(element: Element, place: _Place) -> _Piece:
    attributes = dict(element.attributes)
    number = 1
    mark = "*" if place.other_list == "-" else "-"
    if element.tag == "ol":
        mark = ")" if place.other_list == "." else "."
        start = attributes.pop("start", "1")
        if not re.fullmatch(r"0|[1-9]\d{0,7}", start) or ("start" in element.attributes and start == "1"):
            raise NotMarkdown
        number = int(start)
    tasks = attributes == {"class": "contains-task-list"}
    if (attributes and not tasks) or not element.children:
        raise NotMarkdown
    items = [child for child in element.children if isinstance(child, Element) and child.tag == "li"]
    if len(items) != len(element.children):
        raise NotMarkdown
    loose = any(isinstance(child, Element) and child.tag == "p" for item in items for child in item.children)
    between = "\n\n" if loose else "\n"
    lines = []
    for index, item in enumerate(items):
        children = item.children
        box = ""
        if item.attributes:
            if not tasks:
                raise NotMarkdown
            box, children = _task(item)
        first = f"{mark} " if element.tag == "ul" else f"{number + index}{mark} "
        lines.append(_indented(box + _inside(children, place, between), first, " " * len(first)))
    return _Piece(between.join(lines), weight=_weight([element]), list_mark=mark)


def _task(item: Element) -> tuple[str, list[Node]]:
    """The box and the text of a task. Raises NotMarkdown when the item is none."""
    match item:
        case Element(
            attributes={"class": "task-list-item", **others},
            children=[Element("input", attributes={**box}), str(text), *rest],
        ) if not others and text.startswith(" "):
            checked = box.pop("checked", None)
            expected = {"class": "task-list-item-checkbox", "disabled": "disabled", "type": "checkbox"}
            if box == expected and checked in (None, "checked"):
                return ("[x] " if checked else "[ ] "), [text.removeprefix(" "), *rest]
    raise NotMarkdown


def _fence(code: Element) -> str:
    language = code.attributes.get("class", "")
    if not all(isinstance(child, str) for child in code.children) or len(code.attributes) != (
        "class" in code.attributes
    ):
        raise NotMarkdown
    if language and not re.fullmatch(r"language-[\w+#.-]+", language):
        raise NotMarkdown
    text = "".join(child for child in code.children if isinstance(child, str))
    if MARK in text:
        raise NotMarkdown
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language.removeprefix('language-')}\n{text}\n{fence}" if text else f"{fence}\n{fence}"


_ALIGNMENTS = {"": "---", "text-align:left": ":--", "text-align:center": ":-:", "text-align:right": "--:"}


def _table(table: Element, place: _Place) -> str:
    match table.children:
        case [Element("thead", children=[Element("tr") as head])]:
            body: list[Node] = []
        case [Element("thead", children=[Element("tr") as head]), Element("tbody", children=body)]:
            pass
        case _:
            raise NotMarkdown
    rows = []
    for row in [head, *body]:
        if not isinstance(row, Element):
            raise NotMarkdown
        cells = [cell for cell in row.children if isinstance(cell, Element)]
        rows.append([inline_markdown(cell.children, place.spelling, cell=True) for cell in cells])
    columns = len(rows[0])
    rules = [_ALIGNMENTS.get(cell.attributes.get("style", "")) for cell in head.children if isinstance(cell, Element)]
    if not columns or any(len(row) != columns for row in rows) or None in rules:
        raise NotMarkdown
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(columns)]
    if sum(widths) + 3 * columns > 118:
        widths = [0] * columns  # nobody lines up columns that are wider than the page
    rule = [_rule(mark or "---", width) for mark, width in zip(rules, widths, strict=True)]
    lines = [[text.ljust(width) for text, width in zip(row, widths, strict=True)] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]])


def _rule(mark: str, width: int) -> str:
    return mark[0] + mark[1] * (max(width, 3) - 2) + mark[2]


def _definitions(element: Element, place: _Place) -> str:
    groups: list[str] = []
    loose = any(
        isinstance(child, Element) and any(is_block(inner) for inner in child.children) for child in element.children
    )
    after_term = False
    for child in element.children:
        match child:
            case Element("dt", attributes={**attributes}) if not attributes:
                if after_term:
                    raise NotMarkdown
                groups.append(inline_markdown(child.children, place.spelling))
                after_term = True
            case Element("dd", attributes={**attributes}) if not attributes and groups:
                definition = _inside(child.children, place, "\n\n")
                groups[-1] += ("\n\n" if loose else "\n") + _indented(definition, ": ", "  ")
                after_term = False
            case _:
                raise NotMarkdown
    return "\n\n".join(groups)


def _figure(element: Element) -> str:
    match element.children:
        case [Element("img", attributes={"src": _, "alt": _}) as image, Element("figcaption") as caption]:
            pass
        case _:
            raise NotMarkdown
    match caption:
        case Element(attributes={**attributes}, children=[str(text)]) if not attributes:
            return image_markdown(image, text)
    raise NotMarkdown


def _maths(content: str) -> str:
    if not content.startswith("\\[") or not content.endswith("\\]") or MARK in content:
        raise NotMarkdown
    content = _unfenced(content[2:-2].strip().replace("\\\\ ", "\\\\\n"))
    return f"\\[\n{content}\n\\]" if "$$" in content else f"$$\n{content}\n$$"


def _admonition(element: Element, depth: int) -> _Piece | None:
    """`:::note`, a body, `:::`; unproven. None where the element is something else."""
    match element:
        case Element(
            "div",
            attributes={"class": str(names), "role": "note", **others},
            children=[Element("p", attributes={"class": "admonition-title", **more}) as title, *body],
        ) if not others and not more and depth < MAX_DEPTH:
            pass
        case _:
            return None
    name = names.removeprefix("admonition ")
    if name not in ADMONITIONS or name == names:
        return None
    try:
        words = inline_markdown(title.children, Spelling.PLAIN, heading=True)
        inside = _top_level(body, depth + 1)
        text = _joined(inside) if inside else ""
    except NotMarkdown:
        return None
    colons = 1 + max((piece.colons for piece in inside), default=2)
    opening = f"{':' * colons}{name}" + ("" if words == ADMONITIONS[name] else f" {words}")
    weight = _weight([title]) + sum(piece.weight for piece in inside)
    return _Piece(f"{opening}\n{text}{':' * colons}", weight=weight, colons=colons)
