"""Finding our blocks among those of a live course that no lock file names.

A create whose answer never came, a run that was killed, a lock file that was lost: in each the platform may hold a block
of ours. `match_unclaimed` pairs new blocks of the source with live children of the same parent that nobody claims;
`holds_same` tells from a read whether a component is the one we would create, or an untouched blank one.
Pure: what it needs of the platform is handed in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from authoring.lockfile import LockPart
from authoring.model import ROOT_KEY, Block, BlockKey, Course, FieldValue
from authoring.references import REFERENCE_FIELDS
from authoring.registry import field_spec, spec
from authoring.remote import RemoteBlock, RemoteCourse


@dataclass(frozen=True, slots=True)
class LiveContent:
    """What was read of one live block: its text body and its explicitly set fields."""

    content: str | None
    fields: Mapping[str, FieldValue]


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found: `adopted`, new blocks of the source → usage keys that are theirs; `conflicts`, new components →
    usage keys of components of the same name in the same place that hold something else, or what cannot be seen."""

    adopted: Mapping[BlockKey, str]
    conflicts: Mapping[BlockKey, tuple[str, ...]]


Contents: TypeAlias = Mapping[str, LiveContent | None]
"""Usage key → what was read of a block; None where the login cannot read it. What was not asked for is absent."""
Doubts: TypeAlias = Mapping[BlockKey, frozenset[str]]
"""Blocks whose create was sent and never answered → blocks of the same name that were there before it."""


def unclaimed_components(course: Course, part: LockPart, live: RemoteCourse, contents: Contents) -> dict[str, str]:
    """Live components that may be new ones of `course`, usage key → category: what to read before matching.

    Where a component's parent is itself a component, the parent must have been read and matched (`contents`), so reading
    goes level by level.
    """
    return _Matcher(course, part, live, contents, {}).candidates


def match_unclaimed(
    course: Course, part: LockPart, live: RemoteCourse, contents: Contents, doubts: Doubts = MappingProxyType({})
) -> Matches:
    """Pair new blocks of `course` with live blocks that no entry of `part` claims.

    Only children of the same parent are paired. Containers go by category and display name, in order. Components go by
    what they hold (`contents`): first those that hold the same, then those still as blank as a create leaves them. A name
    may be the category's stock title, since some deployments drop the name on create. Of what cannot be read, the only
    block of its name is the one whose create was in doubt.
    """
    matcher = _Matcher(course, part, live, contents, doubts)
    return Matches(matcher.adopted, matcher.conflicts)


def may_be_unit(block: Block, claimed: Set[str], live: RemoteCourse) -> bool:
    """Whether a block whose place the login does not show could be there. A unit can be ruled out: a list of all units
    comes even where their places do not, and none of this name in it is free."""
    if block.category != "vertical":
        return True
    return any(
        found.category == "vertical" and found.usage_key not in claimed and _same_name(block, found)
        for found in live.blocks.values()
    )


class _Matcher:
    def __init__(self, course: Course, part: LockPart, live: RemoteCourse, contents: Contents, doubts: Doubts) -> None:
        self.live = live
        self.contents = contents
        self.doubts = doubts
        self.claimed = {entry.usage_key for entry in part.entries.values()}
        self.places = {key: entry.usage_key for key, entry in part.entries.items()}
        self.places[ROOT_KEY] = live.root
        self.adopted: dict[BlockKey, str] = {}
        self.conflicts: dict[BlockKey, tuple[str, ...]] = {}
        self.candidates: dict[str, str] = {}
        for block in course.root.walk():
            self._below(block)

    def _below(self, block: Block) -> None:
        parent = self.live.blocks.get(self.places.get(block.key, ""))
        if parent is None or not parent.children:
            return
        there = (self.live.blocks[child] for child in parent.children if child in self.live.blocks)
        free = [candidate for candidate in there if candidate.usage_key not in self.claimed]
        new = [child for child in block.children if child.key not in self.places]
        if not free or not new:
            return
        for child in new:
            if child.category in OUTLINE:
                self._take(child, next((c for c in free if _fits(c, child) and _same_name(child, c)), None), free)
        components = [child for child in new if child.category not in OUTLINE]
        for child in components:
            near = [c for c in free if _fits(c, child) and (_same_name(child, c) or _stock_name(child, c))]
            self.candidates.update((c.usage_key, c.category) for c in near)
        for test in (holds_exactly, holds_same):
            for child in components:
                if child.key not in self.places:
                    near = [c for c in free if _fits(c, child) and (_same_name(child, c) or _stock_name(child, c))]
                    self._take(child, next((c for c in near if self._holds(test, child, c)), None), free)
        for child in components:
            if child.key in self.doubts and child.key not in self.places:
                hidden = [c for c in self._named_alike(child, free) if c.usage_key not in self.doubts[child.key]]
                known = all(c.usage_key in self.contents and self.contents[c.usage_key] is None for c in hidden)
                self._take(child, hidden[0] if len(hidden) == 1 and known else None, free)
        for child in components:
            if child.key not in self.places and (others := self._named_alike(child, free)):
                self.conflicts[child.key] = tuple(other.usage_key for other in others)

    @staticmethod
    def _named_alike(child: Block, free: Iterable[RemoteBlock]) -> list[RemoteBlock]:
        return [other for other in free if _fits(other, child) and _same_name(child, other)]

    def _holds(self, test: Callable[[Block, LiveContent], bool], child: Block, candidate: RemoteBlock) -> bool:
        content = self.contents.get(candidate.usage_key)
        return content is not None and test(child, content)

    def _take(self, child: Block, found: RemoteBlock | None, free: list[RemoteBlock]) -> None:
        if found is not None:
            self.adopted[child.key] = self.places[child.key] = found.usage_key
            free.remove(found)


OUTLINE = ("chapter", "sequential", "vertical")


def _fits(candidate: RemoteBlock, child: Block) -> bool:
    return candidate.category == child.category


def _same_name(block: Block, candidate: RemoteBlock) -> bool:
    return (block.display_name or _stock_title(block.category)) == candidate.display_name


def _stock_name(block: Block, candidate: RemoteBlock) -> bool:
    return candidate.display_name in (_stock_title(block.category), *_STOCK_TITLES.get(block.category, ()))


def _stock_title(category: str) -> str | None:
    known = field_spec(category, "display_name")
    return known.default if known and isinstance(known.default, str) else None


_STOCK_TITLES = {"html": ("Text",), "problem": ("Blank Problem", "Blank Common Problem", "Problem")}


def holds_exactly(block: Block, live: LiveContent) -> bool:
    """Whether a live component has the text that the source has, and has one."""
    return bool(normal_content(block.content)) and normal_content(live.content) == normal_content(block.content)


def holds_same(block: Block, live: LiveContent) -> bool:
    """Whether a live component is the one we would make: the same content, or still as blank as a create leaves it."""
    known = spec(block.category)
    name = (known.content if known else None) or "data"
    default = field_spec(block.category, name)
    stock = default.default if default else None
    content = normal_content(live.content)
    if content and content not in (
        normal_content(block.content),
        normal_content(stock if isinstance(stock, str) else ""),
    ):
        return False
    for field, value in live.fields.items():
        if field in ("display_name", name, *REFERENCE_FIELDS.get(block.category, ())):
            continue
        described = field_spec(block.category, field)
        if field in block.fields and same_value(value, block.fields[field]):
            continue
        if described is not None and (not described.authored or same_value(value, described.default)):
            continue
        return False
    return True


_STATIC = re.compile(r"/(?:assets/courseware/v\d+/[0-9a-f]+/)?asset-v1:[^\"'\s]*?type@asset\+block@")
_LINK = re.compile(r"(?:/courses/[^/\"'\s]+)?(/jump_to_id/|(?<=[\"'])/course/)[\w\-~.%]+")


def normal_content(text: str | None) -> str:
    """A text body as it compares: served asset addresses back to `/static/`, outer white space apart.

    A read is not what was written: the platform rewrites `/static/x` (Open edX: `static_replace`). Links to blocks
    hold ids that the platform minted, so only that there is such a link is compared.
    """
    if not text:
        return ""
    return _LINK.sub(r"\1*", _STATIC.sub("/static/", text)).strip()


def same_value(one: FieldValue, other: FieldValue) -> bool:
    """JSON equality, with dates compared as moments' text and numbers as numbers."""
    if isinstance(one, str) and isinstance(other, str):
        return _moment(one) == _moment(other)
    return json.dumps(one, sort_keys=True, default=list) == json.dumps(other, sort_keys=True, default=list)


def _moment(text: str) -> str:
    return re.sub(r"(\d\d:\d\d:\d\d)(?:\.0+)?(?:Z|\+00:00)$", r"\1Z", text)
