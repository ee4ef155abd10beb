"""Where each block of the changed course stands: names of files and folders, numbered so that they sort as the blocks stand.

    the outline of the folder, the wanted course  ->  Layout: a path for each section, subsection, unit and page

A block that stays where it is keeps its name. What is new, has moved or changed its place gets a free number between its
neighbours; where there is none, the folder gets a `children` list. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from authoring.decompile.places import FOLDERS, HANDOUTS, title_word
from authoring.model import CHAPTER, COURSE, COURSE_UPDATE, LIBRARY, SEQUENTIAL, VERTICAL, Block, BlockKey, Course
from authoring.olx.reader import POINTER_ONLY
from authoring.source.names import order_of, stem_of
from authoring.source.outline import id_of_page

CONTAINS = {COURSE: CHAPTER, CHAPTER: SEQUENTIAL, SEQUENTIAL: VERTICAL}

_NUMBER = re.compile(r"^([0-9]+)([-_. ]+)")


@dataclass(frozen=True, slots=True)
class Home:
    """The file or folder of a block: a unit's file, a section's folder, OLX of any category."""

    path: str
    key: BlockKey
    is_folder: bool = False


@dataclass(slots=True)
class Layout:
    """`paths` are those of the blocks that have a file or folder of their own; `children` the folders whose settings
    must list their children, with the names in order."""

    paths: dict[BlockKey, str] = field(default_factory=dict)
    children: dict[BlockKey, tuple[str, ...]] = field(default_factory=dict)
    whole: set[BlockKey] = field(default_factory=set)
    """Blocks that are OLX files."""


def home_key(block: Block) -> BlockKey:
    """What a block's file is kept under. A mere pointer may stand besides the block itself, in a file of its own."""
    if POINTER_ONLY in block.extra.attributes:
        return BlockKey(block.category, f"{block.url_name} (pointer)")
    return block.key


def is_standard(block: Block, parent: Block) -> bool:
    """Whether a block can be a folder or a Markdown file where it stands."""
    return (
        block.category == CONTAINS.get(parent.category)
        and POINTER_ONLY not in block.extra.attributes
        and re.fullmatch(r"[\w.~-]{1,150}", block.url_name) is not None
    )


def layout_of(
    wanted: Course,
    homes: Mapping[BlockKey, Home],
    listed: Iterable[BlockKey],
    whole: Iterable[BlockKey],
    others: Mapping[str, frozenset[str]],
) -> Layout:
    """The places of all blocks of `wanted`.

    `homes` are the places that there are now, `listed` the folders with a `children` list, `whole` the blocks that are to
    be OLX, `others` the names in each folder that no block stands for.
    """
    layout = Layout(whole=set(whole))
    lists = set(listed)

    def folder(block: Block, path: str, old: str | None) -> None:
        names = _names(
            block,
            old,
            homes,
            layout.whole,
            block.key in lists,
            others.get(old if old is not None else "?", frozenset()),
        )
        ordered = [name for name, _ in names]
        if block.key in lists or sorted(ordered, key=order_of) != ordered:
            layout.children[block.key] = tuple(ordered)
        for child, (name, kept) in zip(block.children, names, strict=True):
            inner = f"{path}/{name}" if path else name
            layout.paths[home_key(child)] = inner
            if home_key(child) in layout.whole or not is_standard(child, block) or inner.endswith(".xml"):
                layout.whole.add(home_key(child))
            elif child.category != VERTICAL:
                home = homes.get(home_key(child)) if kept else None
                folder(child, inner, home.path if home is not None else None)

    if wanted.root.category != LIBRARY:
        folder(wanted.root, "", "")
    _pages(wanted, homes, layout)
    return layout


def _names(
    parent: Block,
    folder: str | None,
    homes: Mapping[BlockKey, Home],
    whole: Iterable[BlockKey],
    listed: bool,
    taken: frozenset[str],
) -> list[tuple[str, bool]]:
    """The name of each child, and whether it had it (perhaps elsewhere) before."""
    whole = set(whole)
    own: list[str | None] = []
    stays: list[bool] = []
    for child in parent.children:
        home = homes.get(home_key(child))
        usable = home is not None and _fits(child, parent, home, whole)
        name = home.path.rpartition("/")[2] if usable and home is not None else None
        own.append(name)
        stays.append(name is not None and home is not None and folder is not None and _folder(home.path) == folder)
    orders = [order_of(name) if stay and name else None for name, stay in zip(own, stays, strict=True)]
    for fixed in () if listed else (_longest(orders), _longest(orders, right=True)):
        names: list[str] = [name if name is not None and n in fixed else "" for n, name in enumerate(own)]
        if _fill(names, own, parent, whole, taken):
            break
    else:  # a list says the order, since no numbers are free, and what is here keeps its name
        names = [name if name is not None and stay else "" for name, stay in zip(own, stays, strict=True)]
        used = {name.casefold() for name in (*taken, *names) if name}
        for n, child in enumerate(parent.children):
            if not names[n]:
                stem, suffix = _stem_of(child, own[n], parent, whole)
                names[n] = _free(stem, suffix, used)
                used.add(names[n].casefold())
    return [(name, old is not None) for name, old in zip(names, own, strict=True)]


def _fill(
    names: list[str], own: Sequence[str | None], parent: Block, whole: set[BlockKey], taken: frozenset[str]
) -> bool:
    """Gives a numbered name to each that has none; false where no number is free."""
    used = {name.casefold() for name in (*taken, *names) if name}
    width = _width([*names, *(name for name in own if name)])
    n = 0
    while n < len(names):
        if names[n]:
            n += 1
            continue
        end = next((m for m in range(n, len(names)) if names[m]), len(names))
        numbers = _between(names[n - 1] if n else None, names[end] if end < len(names) else None, end - n)
        if numbers is None:
            return False
        for m, number in zip(range(n, end), numbers, strict=True):
            stem, suffix = _stem_of(parent.children[m], own[m], parent, whole)
            names[m] = _free(f"{number:0{width}}-{stem}", suffix, used)
            used.add(names[m].casefold())
        n = end
    return True


def _fits(child: Block, parent: Block, home: Home, whole: set[BlockKey]) -> bool:
    """Whether the file that a block has can be its file in its new place."""
    is_xml = home.path.lower().endswith(".xml")
    if home_key(child) in whole:
        return is_xml
    return is_xml or is_standard(child, parent)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _longest(orders: Sequence[tuple[int, int, str] | None], *, right: bool = False) -> set[int]:
    """The places of a longest rising run: what can keep its name. Of several, `right` takes one with greater names."""
    places = [place for place, order in enumerate(orders) if order is not None]
    best: dict[int, tuple[int, int | None]] = {}
    for place in places:
        before = [other for other in places if other < place and (orders[other] or ()) < (orders[place] or ())]
        last = max(before, key=lambda other: (best[other][0], other if right else -other), default=None)
        best[place] = (1 + (best[last][0] if last is not None else 0), last)
    end = max(places, key=lambda place: (best[place][0], place if right else -place), default=None)
    found: set[int] = set()
    while end is not None:
        found.add(end)
        end = best[end][1]
    return found


def _between(before: str | None, after: str | None, count: int) -> list[int] | None:
    """Numbers for `count` names between two; None where there is no room."""
    low, high = _number(before, -1), _number(after, 10**9)
    if low is None:
        return None
    top = 10**9 if high is None else high
    start = 1 if before is None and top > count else low + 1
    return None if start + count > top else [start + n for n in range(count)]


def _number(name: str | None, default: int) -> int | None:
    if name is None:
        return default
    match = _NUMBER.match(name)
    return int(match[1][:18]) if match is not None else None


def _width(names: Iterable[str]) -> int:
    return max((len(match[1]) for name in names if (match := _NUMBER.match(name))), default=2)


def _stem_of(child: Block, own: str | None, parent: Block, whole: set[BlockKey]) -> tuple[str, str]:
    """The name without number, and the suffix."""
    if own is not None:
        is_folder = child.category not in (VERTICAL,) and not own.lower().endswith(".xml")
        suffix = "" if is_folder else PurePosixPath(own).suffix
        stem = own.removesuffix(suffix) if suffix else own
        return _NUMBER.sub("", stem) or stem, suffix
    if home_key(child) in whole or not is_standard(child, parent):
        return title_word(child), ".xml"
    return title_word(child), ".md" if child.category == VERTICAL else ""


def _free(stem: str, suffix: str, used: set[str]) -> str:
    number, name = 1, f"{stem}{suffix}"
    # What differs in its suffix alone would be one word in a `children` list.
    stems = {PurePosixPath(other).stem if suffix else other for other in used}
    while name.casefold() in used or (suffix and PurePosixPath(name).stem.casefold() in stems):
        number += 1
        name = f"{stem}-{number}{suffix}"
    return name


def _pages(wanted: Course, homes: Mapping[BlockKey, Home], layout: Layout) -> None:
    """Pages are named like units; about texts by their ids."""
    used = {home.path.casefold() for home in homes.values()}
    tabs = [block for block in wanted.detached if block.category == "static_tab"]
    own = [home.path.rpartition("/")[2] if (home := homes.get(block.key)) else None for block in tabs]
    fixed = _longest([order_of(name) if name else None for name in own])
    last = max((_number(name, 0) or 0 for name in own if name), default=0)
    names: list[str] = []
    for place, (block, name) in enumerate(zip(tabs, own, strict=True)):
        if name is not None and place in fixed:
            names.append(name)
            continue
        after = next((own[m] for m in range(place + 1, len(tabs)) if m in fixed), None)
        numbers = _between(names[-1] if names else None, after, 1)
        number = numbers[0] if numbers else None
        stem = _NUMBER.sub("", name) if name else f"{title_word(block)}.md"
        names.append(f"{number:02}-{stem}" if number is not None else f"{last + place + 1:02}-{stem}")
    if sorted(names, key=order_of) != names:
        names = [f"{place:02}-{_NUMBER.sub('', name)}" for place, name in enumerate(names, start=1)]
    for block, name in zip(tabs, names, strict=True):
        layout.paths[block.key] = f"pages/{name}"
    for block in wanted.detached:
        if block.category == "static_tab":
            continue
        if (home := homes.get(block.key)) is not None:
            layout.paths[block.key] = home.path
        elif block.key == HANDOUTS:
            layout.paths[block.key] = "handouts.md"
        else:
            stem, number_ = id_of_page(block.category, block.url_name).lstrip("._~") or "page", 1
            path = f"{FOLDERS[block.category]}/{stem}.md"
            while path.casefold() in used:
                number_ += 1
                path = f"{FOLDERS[block.category]}/{stem}-{number_}.md"
            used.add(path.casefold())
            layout.paths[block.key] = path


def id_of_path(path: str, *, folder: bool) -> str:
    """The id that a file or folder gives by its name."""
    category = COURSE_UPDATE if path.startswith(f"{FOLDERS[COURSE_UPDATE]}/") else ""
    return id_of_page(category, stem_of(path.rpartition("/")[2], folder=folder))
