"""Finding our blocks among those of a live course that no lock file names.

A create whose answer never came, a run that was killed, a lock file that was lost: in each the platform may hold a block
that is ours. `match_unclaimed` pairs new blocks of the source with live children of the same parent that nobody claims;
`holds_same` tells from a read whether such a component is the one we would create, or an untouched blank one.
Pure: what it needs of the platform is handed in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from authoring.lockfile import LockPart
from authoring.model import ROOT_KEY, Block, BlockKey, Course, FieldValue
from authoring.registry import field_spec, spec
from authoring.remote import RemoteBlock, RemoteCourse


@dataclass(frozen=True, slots=True)
class LiveContent:
    """What was read of one live block: its text body and its explicitly set fields."""

    content: str | None
    fields: Mapping[str, FieldValue]


def match_unclaimed(course: Course, part: LockPart, live: RemoteCourse) -> dict[BlockKey, str]:
    """New blocks of `course` → usage keys of live blocks that no entry of `part` claims.

    Only children of the same parent are paired, by category and display name, in order; a component may also be
    paired with one that still has its category's stock title, since some deployments drop the name on create.
    """
    claimed = {entry.usage_key for entry in part.entries.values()}
    found: dict[BlockKey, str] = {}
    places: dict[BlockKey, str] = {key: entry.usage_key for key, entry in part.entries.items()}
    places[ROOT_KEY] = live.root
    for block in course.root.walk():
        parent = live.blocks.get(places.get(block.key, ""))
        if parent is None or not parent.children:
            continue
        free = [live.blocks[child] for child in parent.children if child in live.blocks and child not in claimed]
        wanted = [child for child in block.children if child.key not in places]
        for match in (_same_name, _stock_name):
            for child in wanted:
                if child.key in found:
                    continue
                for candidate in free:
                    if candidate.category == child.category and match(child, candidate):
                        found[child.key] = places[child.key] = candidate.usage_key
                        claimed.add(candidate.usage_key)
                        free.remove(candidate)
                        break
    return found


def _same_name(block: Block, candidate: RemoteBlock) -> bool:
    return (block.display_name or _stock_title(block.category)) == candidate.display_name


def _stock_name(block: Block, candidate: RemoteBlock) -> bool:
    if block.category in ("chapter", "sequential", "vertical"):
        return False
    return candidate.display_name in (_stock_title(block.category), *_STOCK_TITLES.get(block.category, ()))


def _stock_title(category: str) -> str | None:
    known = field_spec(category, "display_name")
    return known.default if known and isinstance(known.default, str) else None


_STOCK_TITLES = {"html": ("Text",), "problem": ("Blank Problem", "Blank Common Problem", "Problem")}


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
        if field == "display_name" or field == name:
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
