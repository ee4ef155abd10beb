"""The tree that everything passes through: readers make a `Course`, writers consume it.

A `Block` is what an XBlock is: a category, fields, content, children. Known categories are described in
:mod:`authoring.registry`; unknown ones pass through whole. Values are frozen and treated as immutable all the way
down: mappings and sequences are typed read-only, change is `dataclasses.replace`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TypeAlias

FieldValue: TypeAlias = "None | bool | int | float | str | Sequence[FieldValue] | Mapping[str, FieldValue]"
"""What a field holds, as JSON would carry it. Dates are ISO strings in UTC (`2026-01-31T23:59:00Z`)."""

COURSE = "course"
LIBRARY = "library"
CHAPTER = "chapter"
SEQUENTIAL = "sequential"
VERTICAL = "vertical"
COURSE_UPDATE = "course_update"
"""An announcement: a block of ours alone, of the platform an item of the `course_info` block `updates`."""

TEAM = "#team"
"""The category of keys that stand for people's roles, by e-mail address."""
ROLES = ("staff", "instructor")
NO_ROLE = "none"

OUTLINE_CATEGORIES = (COURSE, CHAPTER, SEQUENTIAL, VERTICAL)
"""The levels of a course outline, from the top; what a vertical holds is a component."""


@dataclass(frozen=True, slots=True, order=True)
class BlockKey:
    """A block's identity inside the tree: its category and `url_name` (the OLX id).

    The platform mints its own ids on create, so a usage key cannot serve: this is what sources, plans and lock
    files name a block by. Written `category/url_name`.
    """

    category: str
    url_name: str

    def __str__(self) -> str:
        return f"{self.category}/{self.url_name}"

    @classmethod
    def parse(cls, text: str) -> BlockKey:
        """The inverse of `str`. Raises ValueError when `text` has no slash or an empty part."""
        category, slash, url_name = text.partition("/")
        if not (slash and category and url_name):
            raise ValueError(f"not a block key (category/url_name): {text!r}")
        return cls(category, url_name)


ROOT_KEY = BlockKey(COURSE, COURSE)
"""The course block itself; the platform's root block has the constant id `course` (opaque-keys: BlockUsageLocator; split modulestore)."""


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """Where something was written: a path relative to the course folder (or package), lines counted from 1."""

    path: PurePosixPath
    line: int | None = None

    def __str__(self) -> str:
        return str(self.path) if self.line is None else f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that travels beside the tree: an image, a PDF, a transcript, a SCORM package.

    `name` is the platform's flat name (`/static/NAME` in links), `digest` the SHA-256 of the content in hex, `size`
    in bytes. `file` is where the content can be read now; it is not part of the asset's identity.
    """

    name: str
    path: PurePosixPath
    digest: str
    size: int
    content_type: str
    locked: bool = False
    display_name: str | None = None
    """What Studio's list of files calls it, where that is not the name of the file."""
    file: Path | None = field(default=None, compare=False, repr=False)
    source: SourceLocation | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of an OLX package that is no part of the tree (a template of custom tags, a broken definition, a read-me),
    kept so that it can be written back.

    `path` is relative to the folder of course.xml; `digest` is the SHA-256 of the content in hex. `file` is where the
    content can be read now; it is not part of the file's identity.
    """

    path: PurePosixPath
    digest: str
    size: int
    file: Path | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Extra:
    """What no field takes, kept so that it can be written back: unknown attributes, raw child elements (XML)."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    elements: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.attributes or self.elements)


ProblemAnswer: TypeAlias = "str | tuple[ProblemAnswer, ...]"
"""What a learner gives: a choice's text, a number or a text as typed; several choices; or one entry per question."""


@dataclass(frozen=True, slots=True)
class ProblemTest:
    """What an author says of a problem: `answer` scores `score`, a fraction of the problem's points."""

    answer: ProblemAnswer
    score: float
    source: SourceLocation | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Block:
    """One XBlock.

    `fields` holds explicitly set fields only, `display_name` among them; an absent field has the class default or
    the inherited value. `content` is the category's text body (`data` of html, problem, static_tab …; for an unknown
    category its raw XML), named by `CategorySpec.content`. `package` is the file that belongs to the block itself
    and is uploaded through its handler (a SCORM package).

    `implicit_id` tells that nobody wrote the `url_name`: it was made from the position in the unit, so that
    :mod:`authoring.identity` may align it with the lock file. `tests` are what a problem's author says of answers and
    scores; they never travel, so they are no part of equality either.
    """

    key: BlockKey
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    content: str | None = None
    children: tuple[Block, ...] = ()
    package: Asset | None = None
    extra: Extra = field(default_factory=Extra)
    implicit_id: bool = field(default=False, compare=False)
    tests: tuple[ProblemTest, ...] = field(default=(), compare=False)
    source: SourceLocation | None = field(default=None, compare=False)

    @property
    def category(self) -> str:
        return self.key.category

    @property
    def url_name(self) -> str:
        return self.key.url_name

    @property
    def display_name(self) -> str | None:
        value = self.fields.get("display_name")
        return value if isinstance(value, str) else None

    def walk(self) -> Iterator[Block]:
        """This block and all below it, parents before children, in order."""
        stack = [self]
        while stack:
            block = stack.pop()
            yield block
            stack.extend(reversed(block.children))

    def walk_with_parent(self) -> Iterator[tuple[Block, Block | None]]:
        """As `walk`, each block with its parent; the first has none."""
        stack: list[tuple[Block, Block | None]] = [(self, None)]
        while stack:
            block, parent = stack.pop()
            yield block, parent
            stack.extend((child, block) for child in reversed(block.children))

    def transform(self, change: Callable[[Block], Block]) -> Block:
        """A copy of the tree with `change` applied to every block, children first."""
        if self.children:
            children = tuple(child.transform(change) for child in self.children)
            if any(new is not old for new, old in zip(children, self.children, strict=True)):
                return change(replace(self, children=children))
        return change(self)


@dataclass(frozen=True, slots=True)
class CourseId:
    """org, number and run: what makes a course key. Permanent once the course exists."""

    org: str
    number: str
    run: str

    def __str__(self) -> str:
        return f"course-v1:{self.org}+{self.number}+{self.run}"


@dataclass(frozen=True, slots=True)
class Grader:
    """One assignment type of the grading policy; `weight` is a fraction (0.15), as in grading_policy.json."""

    type: str
    weight: float
    min_count: int = 1
    drop_count: int = 0
    short_label: str = ""


@dataclass(frozen=True, slots=True)
class GradingPolicy:
    """Assignment types and cut-offs (`{"Pass": 0.5}`, fractions); `grace_period` in minutes."""

    graders: tuple[Grader, ...] = ()
    cutoffs: Mapping[str, float] = field(default_factory=lambda: {"Pass": 0.5})
    grace_period: int | None = None
    source: SourceLocation | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class LtiPassport:
    """An LTI 1.1 passport by name. The secret is never in the tree: `key_env` and `secret_env` name the environment
    variables that hold the client key and the client secret when it is pushed."""

    lti_id: str
    key_env: str
    secret_env: str
    source: SourceLocation | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Draft:
    """What Studio holds beside the published version of a block: the version that was last edited, or a block that was
    never published. `index` is its place among the children of `parent`."""

    block: Block
    parent: BlockKey | None
    index: int


@dataclass(frozen=True, slots=True)
class Course:
    """A whole course.

    `root` is the course block (key `course/course`): its fields are the course settings, its children the chapters.
    `detached` are the blocks that have no parent on the platform (about, static_tab, course_info, course_update), in order.
    `drafts`, `policies` and `files` come from OLX packages and go back into them; no call of the API carries them.
    """

    id: CourseId
    root: Block
    detached: tuple[Block, ...] = ()
    assets: tuple[Asset, ...] = ()
    grading: GradingPolicy | None = None
    lti_passports: tuple[LtiPassport, ...] = ()
    drafts: tuple[Draft, ...] = ()
    policies: Mapping[str, Mapping[str, FieldValue]] = field(default_factory=dict)
    """Settings that a package's policy file has for blocks that the package does not hold: `category/url_name` → values."""
    files: tuple[KeptFile, ...] = ()
    team: Mapping[str, str] = field(default_factory=dict)
    """Who works on the course: e-mail address → `staff`, `instructor`, or `none` for who shall not. Those alone are spoken of."""
    check_levels: Mapping[str, str] = field(default_factory=dict, compare=False)
    """How grave the course takes the findings of checks: code → off, info, warning or error."""

    def blocks(self) -> Iterator[Block]:
        """Every block, the root first, then the tree in order, then the detached ones."""
        yield from self.root.walk()
        for block in self.detached:
            yield from block.walk()
