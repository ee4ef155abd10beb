"""Sections and subsections where no read tells them: those of the lock file, above the units that the platform lists. Pure.

The ibl platform lists all units of a course in outline order, without what is above them (docs/platform.md). A lock file
knows in which subsection each stood. What it cannot know stays open: new sections and subsections, their order, and where a
new unit between two subsections belongs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from authoring.lockfile import LockPart
from authoring.model import CHAPTER, ROOT_KEY, SEQUENTIAL, VERTICAL, BlockKey
from authoring.remote import RemoteBlock, RemoteCourse


@dataclass(frozen=True, slots=True)
class Skeleton:
    """An outline down from the course. `open` are usage keys of blocks that may have more children than it says, `astray`
    the units of which nobody knows where they stand: known ones are where they were, new ones are left out."""

    outline: RemoteCourse
    open: frozenset[str]
    astray: tuple[RemoteBlock, ...]


def with_known_containers(outline: RemoteCourse, part: LockPart) -> Skeleton:
    """An outline that lacks sections and subsections, with those that the lock file has."""
    containers = {
        key: entry for key, entry in part.entries.items() if key.category in (CHAPTER, SEQUENTIAL) and entry.usage_key
    }
    usages: dict[BlockKey, str] = {ROOT_KEY: outline.root, **{key: one.usage_key for key, one in containers.items()}}
    units = [block for block in outline.blocks.values() if block.category == VERTICAL and block.parent is None]
    parents = {entry.usage_key: entry.parent for entry in part.entries.values()}
    home = {
        unit.usage_key: usages[parent]
        for unit in units
        if (parent := parents.get(unit.usage_key)) is not None and parent.category == SEQUENTIAL and parent in usages
    }
    order = [unit.usage_key for unit in units if unit.usage_key in home or unit.usage_key not in parents]
    places, astray = subsections_of(order, home)

    children: dict[str, list[str]] = {usage: [] for usage in usages.values()}
    blocks = dict(outline.blocks)
    for key, entry in containers.items():
        above = usages.get(entry.parent) if entry.parent is not None else None
        blocks[entry.usage_key] = RemoteBlock(entry.usage_key, key.category, parent=above)
        if above is not None:
            children[above].append(entry.usage_key)
    for unit in order:
        if unit in places:
            children[places[unit]].append(unit)
            blocks[unit] = replace(blocks[unit], parent=places[unit])
    for usage, below in children.items():
        blocks[usage] = replace(blocks[usage], children=tuple(below))
    above_units = {usage for key, usage in usages.items() if key.category != SEQUENTIAL}
    return Skeleton(replace(outline, blocks=blocks), frozenset(above_units), tuple(blocks[unit] for unit in astray))


def subsections_of(order: Sequence[str], home: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The subsection of each unit, as far as the order of all units tells, and the units of which it does not.

    `home` says where each stood. The units of a subsection stand together: one in the midst of another's has moved there, and
    a new one was made there. One between two is where it was, or is left out when it is new.
    """
    runs = [
        (place, list(units)) for place, units in groupby((unit for unit in order if unit in home), home.__getitem__)
    ]
    longest: dict[str, int] = {}
    for number, (place, units) in enumerate(runs):
        if place not in longest or len(units) > len(runs[longest[place]][1]):
            longest[place] = number
    found: dict[str, str] = {}
    doubtful: set[str] = set()
    for number, (place, units) in enumerate(runs):
        before = runs[number - 1][0] if number else None
        after = runs[number + 1][0] if number + 1 < len(runs) else None
        moved = longest[place] != number
        if moved and before is not None and before == after:
            place = before
        elif moved:
            doubtful.update(units)
        found.update(dict.fromkeys(units, place))
    for number, unit in enumerate(order):
        if unit not in home:
            before = next((found[one] for one in reversed(order[:number]) if one in home), None)
            after = next((found[one] for one in order[number + 1 :] if one in home), None)
            if before is not None and before == after:
                found[unit] = before
            else:
                doubtful.add(unit)
    return found, tuple(unit for unit in order if unit in doubtful)
