"""A changed text merged into the Markdown that a person wrote.

    the old Markdown, the HTML that it means, the HTML that it shall mean  ->  the new Markdown, or None

Block by block: a paragraph, list or table that renders as before keeps its very text; one that changed takes the change
word by word, so that line breaks, reference links and spelling around it stay; what is new is written as
:mod:`authoring.markup.unrender` writes it. The result is rendered and must be the wanted HTML, canonically. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from authoring.markup.html import Element, Node, canonical_html, canonical_nodes, parse_html, serialize, trim
from authoring.markup.links import LinkFunction, rewrite_html
from authoring.markup.prose import Segment, render_page
from authoring.markup.unrender import html_to_markdown
from authoring.writeback.texts import merge3

_BULLET = re.compile(r"^([ \t]*)([-*+])(?=[ \t])", re.MULTILINE)

LinkBack = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a text is rendered with: links to the platform's and back, the other texts of its page (for their link
    definitions), the prefix of its footnotes."""

    link: LinkFunction
    back: LinkBack
    others: tuple[str, ...] = ()
    prefix: str = "p"

    def render(self, text: str) -> str:
        segments = [Segment(text, 1, self.prefix), *(Segment(other, 1, "other") for other in self.others)]
        return render_page(segments, self.link)[0].html

    def unlinked(self, html: str) -> str:
        return rewrite_html(html, lambda href, line, image: self.back(href), 1)

    def markdown(self, html: str) -> str | None:
        return html_to_markdown(self.unlinked(html))


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of the old text: the blank lines (and link definitions) before it, its lines, the nodes it renders as."""

    gap: str
    text: str
    html: str
    nodes: tuple[str, ...]


def merge_markdown(old: str, wanted: str, around: Surroundings) -> str | None:
    """Markdown that renders as `wanted`, as near to `old` as can be; None when there is none."""
    target = canonical_html(wanted.strip())
    for text in (*_merged(old, wanted, target, around), around.markdown(wanted)):
        if text is not None and text.strip() and canonical_html(around.render(text).strip()) == target:
            return text.strip("\n")
    return None


def _merged(old: str, wanted: str, target: str, around: Surroundings) -> Iterator[str]:
    parsed = parse_html(wanted.strip())
    if parsed is None or not parsed.closed:
        return
    new = [node for node in trim(parsed.nodes) if not (isinstance(node, str) and not node.strip())]
    blocks, tail = _blocks(old, around)
    if blocks is None:
        return
    notes = _footnotes(new)
    noted = blocks[-1].html if blocks and notes and not blocks[-1].text else ""
    if noted:  # they stand elsewhere than they show: their words are looked for in the whole text
        new = [node for node in new if node not in notes]
        blocks = blocks[:-1]
    around = replace(around, others=(*around.others, old))  # its link definitions serve each of its blocks
    before = [node for block in blocks for node in block.nodes]
    after = [canonical_nodes([node]) for node in new]
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    kept: dict[int, int] = {}
    """Old block -> the first of its nodes in the new text."""
    matched = {match.a + n: match.b + n for match in matcher.get_matching_blocks() for n in range(match.size)}
    at = 0
    for index, block in enumerate(blocks):
        places = [matched.get(at + n) for n in range(len(block.nodes))]
        at += len(block.nodes)
        first = places[0] if places else None
        if first is not None and places == list(range(first, first + len(places))):
            kept[index] = first
    for by_word in (True, False):
        text = "".join(_parts(blocks, new, kept, tail, around, by_word=by_word))
        yield text
        if noted:
            yield from merge3(around.unlinked(canonical_html(noted)), text, around.unlinked(canonical_nodes(notes)))
    yield from merge3(around.unlinked(canonical_html(around.render(old))), old, around.unlinked(target))


def _footnotes(nodes: Sequence[Node]) -> list[Node]:
    """What stands for the footnotes at the end of a text: a rule and a section."""
    last = list(nodes[-2:])
    classes = [node.attributes.get("class") for node in last if isinstance(node, Element)]
    return last if classes == ["footnotes-sep", "footnotes"] else []


def _parts(
    blocks: Sequence[_Block],
    new: Sequence[Node],
    kept: dict[int, int],
    tail: str,
    around: Surroundings,
    *,
    by_word: bool,
) -> Iterator[str]:
    at, previous, started = 0, -1, False
    for index in [*sorted(kept), len(blocks)]:
        place = kept.get(index, len(new))
        fresh = list(new[at:place])
        gone = blocks[previous + 1 : index]
        for text, gap in _changed(gone, fresh, around, by_word=by_word):
            yield (gap or "\n\n") if started else gap.lstrip("\n")
            started = started or bool(text)
            yield text
        if index < len(blocks):
            untouched = not fresh and not gone
            gap = blocks[index].gap
            yield gap if (untouched or gap.count("\n") > 1) and (started or gap.strip()) else "\n\n" if started else ""
            yield blocks[index].text
            started = True
            at, previous = place + len(blocks[index].nodes), index
    yield tail


def _changed(
    gone: Sequence[_Block], fresh: Sequence[Node], around: Surroundings, *, by_word: bool
) -> Iterator[tuple[str, str]]:
    """The texts for new nodes in the place of old blocks, each with the lines before it."""
    if by_word and len(gone) == len(fresh) and all(len(block.nodes) == 1 for block in gone):
        for block, node in zip(gone, fresh, strict=True):
            yield _by_word(block, node, around), block.gap
        return
    for block in gone:
        if block.gap.strip():
            yield "", block.gap.rstrip("\n")  # link definitions: others may need them
    if fresh:
        html = serialize(fresh)
        yield (
            (around.markdown(html) or around.unlinked(html)).strip("\n"),
            gone[0].gap if gone and not gone[0].gap.strip() else "",
        )


def _by_word(block: _Block, node: Node, around: Surroundings) -> str:
    html = serialize([node])
    new, old = around.markdown(html), around.markdown(block.html)
    if new is None:
        return around.unlinked(html)
    bullet = _BULLET.search(block.text)
    if bullet is not None:  # a list goes on with the marks that it has
        new = _BULLET.sub(lambda match: match[1] + bullet[2], new)
        old = _BULLET.sub(lambda match: match[1] + bullet[2], old) if old is not None else None
    new = new.strip("\n")
    if old is not None and isinstance(node, Element):
        wanted = canonical_html(html)
        for text in merge3(old.strip("\n"), block.text, new):
            if canonical_html(around.render(text).strip()) == wanted:
                return text
    return new


def _blocks(old: str, around: Surroundings) -> tuple[list[_Block] | None, str]:
    lines = old.split("\n")
    segments = [Segment(old, 1, around.prefix), *(Segment(other, 1, "other") for other in around.others)]
    found: list[_Block] = []
    end = 0
    for block in render_page(segments, around.link, blocks=True)[0].blocks:
        parsed = parse_html(block.html)
        if parsed is None or not parsed.closed:
            return None, ""
        nodes = [node for node in trim(parsed.nodes) if not (isinstance(node, str) and not node.strip())]
        canonical = tuple(canonical_nodes([node]) for node in nodes)
        if block.lines is None:
            found.append(_Block("", "", block.html, canonical))
            continue
        start, stop = block.lines
        while stop > start and not lines[stop - 1].strip():
            stop -= 1
        if start < end:
            return None, ""
        gap = "".join(f"{line}\n" for line in lines[end:start])
        found.append(_Block(gap if not found else f"\n{gap}", "\n".join(lines[start:stop]), block.html, canonical))
        end = stop
    rest = "\n".join(lines[end:])
    return found, (f"\n{rest}" if rest and found else rest)
