"""The types of the field registry: what a category is and what its fields are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from authoring.model import FieldValue


class FieldType(StrEnum):
    """How a value is checked, written in YAML and in OLX (XBlock: xblock/fields.py)."""

    STRING = "string"
    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    """ISO 8601 in UTC, `2026-01-31T23:59:00Z`."""
    TIMEDELTA = "timedelta"
    """`1 day 2 hours 3 minutes 4 seconds`."""
    RELATIVE_TIME = "relative_time"
    """`HH:MM:SS`, at most 23:59:59."""
    LIST = "list"
    DICT = "dict"
    XML = "xml"
    """A string that must parse as XML (XMLString)."""


class Scope(StrEnum):
    """XBlock's scope of a field that authors set."""

    SETTINGS = "settings"
    CONTENT = "content"


class Family(StrEnum):
    """Which serializer writes the block as OLX (Open edX: xmodule/xml_block.py; XBlock: xblock/core.py)."""

    XML = "xml"
    """XmlMixin: a pointer in the parent, the definition in `TAG/ID.xml`."""
    PURE = "pure"
    """Pure XBlock: inline in the parent's file, with `xblock-family="xblock.v1"`."""


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of a category."""

    name: str
    type: FieldType
    default: FieldValue = None
    scope: Scope = Scope.SETTINGS
    inheritable: bool = False
    """Set on an ancestor, it is inherited (Open edX: xmodule/modulestore/inheritance.py)."""
    values: tuple[FieldValue, ...] = ()
    """The only values the platform understands; empty where any is."""
    minimum: float | None = None
    """The least number the platform's own editor takes, where it names one."""
    nullable: bool = True
    """Whether an explicit null is kept as a value."""
    api: bool = True
    """Whether the API takes it as metadata; what it does not take is set by a handler or another endpoint."""
    olx: str | None = None
    """The attribute's name in OLX where it differs from `name`; `""` when it is no attribute."""
    authored: bool = True
    """Offered to authors in front matter and schema; false for the platform's own bookkeeping."""
    sample: bool = False
    """The platform's default is sample content (a demo video, a made-up question): a block that leaves the
    field unset shows that to learners. Long samples are not repeated here; `default` is then None."""
    help: str = ""


@dataclass(frozen=True, slots=True)
class CategorySpec:
    """One category of block."""

    name: str
    title: str
    """What authors call it: "section", "problem"."""
    family: Family
    own_fields: Mapping[str, FieldSpec] = field(default_factory=dict)
    content: str | None = None
    """The field that `Block.content` holds (`data`), or None when the category has no text body."""
    children: bool = False
    """Whether it holds other blocks."""
    detached: bool = False
    """Has no parent on the platform (about, static_tab, course_info)."""
    direct_only: bool = False
    """Published by every save (Open edX: DIRECT_ONLY_CATEGORIES)."""
    learner_state: bool = False
    """Learners' work hangs on its identity, so it must never be recreated by accident."""
    advanced_module: str | None = None
    """The `advanced_modules` entry that a course needs for it, if any."""
    package: bool = False
    """Takes an uploaded package through its handler (SCORM)."""
    help: str = ""
