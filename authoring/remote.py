"""What was read of a live course: its structure, and of single blocks what they hold. Made by dialects, in live order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from authoring.keys import block_category
from authoring.model import FieldValue
from authoring.registry import spec


@dataclass(frozen=True, slots=True)
class RemoteBlock:
    """One live block. None stands for what the read did not tell, so that nothing is concluded from silence.

    `children` are usage keys in order; `published` tells that learners have some version of it, `has_changes` that
    its draft differs from that version (units only). `format` is the assignment type of a subsection.
    """

    usage_key: str
    category: str
    display_name: str | None = None
    parent: str | None = None
    children: tuple[str, ...] | None = None
    published: bool | None = None
    has_changes: bool | None = None
    visible_to_staff_only: bool | None = None
    visibility_state: str | None = None
    start: str | None = None
    due: str | None = None
    graded: bool | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteCourse:
    """The structure of a live course, without bodies.

    `key` is the course key, `root` the usage key of the course block, `blocks` maps usage keys in live order.
    `outline_known` tells that every section and subsection is in it, `components_known` that everything in units is.
    """

    key: str
    root: str
    blocks: Mapping[str, RemoteBlock] = field(default_factory=dict)
    components_known: bool = False
    outline_known: bool = True

    def lists(self, category: str) -> bool:
        """Whether a block of this category would be in `blocks` if the course had it in its tree."""
        known = spec(category)
        if known is not None and known.detached:
            return False
        if category in ("course", "vertical"):
            return True
        return self.outline_known if category in ("chapter", "sequential") else self.components_known

    def with_children(self, parent: str, children: tuple[RemoteBlock, ...]) -> RemoteCourse:
        """A copy in which the children of `parent` are known."""
        blocks = dict(self.blocks)
        holder = blocks.get(parent) or RemoteBlock(parent, block_category(parent))
        blocks[parent] = replace(holder, children=tuple(child.usage_key for child in children))
        for child in children:
            known = blocks.get(child.usage_key)  # may have been read before its parent was
            below = known.children if known is not None and child.children is None else child.children
            blocks[child.usage_key] = replace(child, parent=parent, children=below)
        return replace(self, blocks=blocks)

    def walk(self) -> Iterator[RemoteBlock]:
        """The blocks reachable from the root, parents before children, in order."""
        stack = [self.root]
        while stack:
            block = self.blocks.get(stack.pop())
            if block is not None:
                yield block
                stack.extend(reversed(block.children or ()))


@dataclass(frozen=True, slots=True)
class RemoteContent:
    """What one live block holds: its text body, and its explicitly set fields (None: the read did not tell them).

    A text may come back with its `/static/` links rewritten to served addresses: a read is not what was written.
    """

    usage_key: str
    category: str
    display_name: str | None
    content: str | None
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    complete: bool = True
    """False when the route tells only the title and the text (`get-details`)."""
    published: bool | None = None
    has_changes: bool | None = None


class Copying(StrEnum):
    """How far the platform is with the copy of a course."""

    NOT = "not"
    """It is not in the list of courses that are being made: not begun, or done."""
    RUNNING = "running"
    FAILED = "failed"


UNKNOWN_USER = "unknown"
"""Stands for the role of an address that no user of the platform has."""


class HeldPassport(StrEnum):
    """What a course has under the id of an LTI passport."""

    ABSENT = "absent"
    SAME = "same"
    OTHER = "other"
    """Another key or secret, or several passports of this id."""
    UNTOLD = "untold"
    """There is one; whether it is the same cannot be told without its values."""


@dataclass(frozen=True, slots=True)
class RemoteCourseInfo:
    """That a course exists, and its title."""

    key: str
    display_name: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteUpdate:
    """A live announcement. The platform numbers them; `usage_key` is ours, made of that number (`…+type@course_update+block@3`)."""

    usage_key: str
    date: str
    content: str


@dataclass(frozen=True, slots=True)
class RemoteAsset:
    """An uploaded file: its flat name (`/static/NAME`), its key, its size in bytes (None where the platform does not tell)."""

    name: str
    usage_key: str
    size: int | None = None
    content_type: str | None = None
    locked: bool = False
