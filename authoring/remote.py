"""What was read of a live course: its structure and publish state, without bodies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from authoring.model import FieldValue


@dataclass(frozen=True, slots=True)
class RemoteBlock:
    """One live block. None means that the target does not tell."""

    usage_key: str
    category: str
    display_name: str
    parent: str | None = None
    children: tuple[str, ...] | None = None
    published: bool | None = None
    has_changes: bool | None = None


@dataclass(frozen=True, slots=True)
class RemoteCourse:
    """A live course: blocks by usage key, in outline order.

    `components_known` is whether the children of every unit were read; where not, only those of the units that were
    asked for are. `outline_known` is whether sections and subsections were read; where not, the parents of units and
    what a unit's draft holds are unknown too.
    """

    key: str
    root: str
    blocks: Mapping[str, RemoteBlock]
    components_known: bool
    outline_known: bool = True


@dataclass(frozen=True, slots=True)
class RemoteContent:
    """One live block read whole: its body and its explicitly set fields."""

    usage_key: str
    category: str
    content: str | None
    fields: Mapping[str, FieldValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteAsset:
    """An uploaded file: its platform name; `size` in bytes, None where the target does not tell."""

    name: str
    size: int | None


@dataclass(frozen=True, slots=True)
class CourseInfo:
    """That a course exists, and its name."""

    key: str
    display_name: str
