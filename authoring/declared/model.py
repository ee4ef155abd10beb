"""What `platform.yaml` declares, as values: resources with their fields, and what the fields refer to. Pure.

Comes in: from `reading`. Goes out: `Declared`, to `planning` and `applying`. A `Declaration` names one row of the platform; its
`key` is what the lock file and the journal know it by.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from authoring.calls import Json
from authoring.model import SourceLocation


@dataclass(frozen=True, slots=True)
class Ref:
    """A declared resource, named where one of its platform's names belongs. `attribute` says which: `id`, `program_key` …"""

    key: str
    attribute: str = "id"

    def __str__(self) -> str:
        return f"<{self.key}>"


@dataclass(frozen=True, slots=True)
class CourseRef:
    """A course: its key, and how the file names it. One that is named by its folder moves with `--run`."""

    key: str
    origin: str

    @property
    def moves(self) -> bool:
        return not self.origin.startswith("course-v1:")

    def __str__(self) -> str:
        return self.key


@dataclass(frozen=True, slots=True)
class Variable:
    """`${NAME}`: a secret that stands in an environment variable or in the keyring, and is written nowhere."""

    name: str

    def __str__(self) -> str:
        return f"${{{self.name}}}"


Value: TypeAlias = "Json | Ref | CourseRef | Variable | FileRef | tuple[Value, ...] | Mapping[str, Value]"
"""A value of a field as it is declared."""


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file that is sent along: where it is and what it holds, as a digest."""

    path: Path
    digest: str

    def __str__(self) -> str:
        return self.path.name


class UnresolvedError(Exception):
    """A reference whose row is not there yet; its text is the reference."""


def resolved(value: Value, find: Callable[[Ref], Json]) -> Json:
    """A value as the platform gets it. `find` gives a reference's name on the platform or raises UnresolvedError.

    Variables do not belong here: their values are fetched where they are sent.
    """
    match value:
        case Ref():
            return find(value)
        case CourseRef():
            return value.key
        case FileRef():
            return value.digest
        case Variable():
            raise ValueError("a secret has no value outside of its call")
        case Mapping():
            return {name: resolved(item, find) for name, item in value.items()}
        case tuple() | list():
            return [resolved(item, find) for item in value]
        case _:
            return value


def shown(value: Value) -> Json:
    """A value for people: references and variables by name."""
    match value:
        case Ref() | CourseRef() | FileRef() | Variable():
            return str(value)
        case Mapping():
            return {name: shown(item) for name, item in value.items()}
        case tuple() | list():
            return [shown(item) for item in value]
        case _:
            return value


def refs_in(value: Value) -> Iterator[Ref]:
    match value:
        case Ref():
            yield value
        case Mapping():
            for item in value.values():
                yield from refs_in(item)
        case tuple() | list():
            for item in value:
                yield from refs_in(item)


def canonical(value: object) -> str:
    """The one JSON text of a value."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(value: object) -> str:
    """Of a value that was sent or seen; never of a secret."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Declaration:
    """One row of the platform as it shall be.

    `name` is the file's own word for it. `scope` tells rows of one name apart, such as one a course; `origins` is how the file
    names what the scope stands for, so that a scope which moved with `--run` is known from one that was taken away.
    """

    kind: str
    name: str
    where: SourceLocation
    fields: Mapping[str, Value] = field(default_factory=dict)
    scope: str = ""
    origins: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return key_of(self.kind, self.name, self.scope)

    def needs(self) -> Iterator[str]:
        """The keys of what it refers to."""
        for value in self.fields.values():
            for ref in refs_in(value):
                yield ref.key


def key_of(kind: str, name: str, scope: str = "") -> str:
    """`programs/foundations`, `credentials/certificate@course-v1:Demo+DS101+2027_T1`."""
    return f"{kind}/{name}@{scope}" if scope else f"{kind}/{name}"


@dataclass(frozen=True, slots=True)
class PeopleList:
    """A CSV of users or enrolments. `course` is where a row names none; `folders` are the courses that rows name by folder."""

    kind: str
    file: Path
    name: str
    where: SourceLocation
    course: CourseRef | None = None
    password: Variable | None = None
    update: bool = False

    @property
    def key(self) -> str:
        return key_of(self.kind, self.name)


@dataclass(frozen=True, slots=True)
class Declared:
    """All that a file or a folder of files declares; `folder` is where its lock file and journal are."""

    source: Path
    folder: Path
    lock: Path
    run: str | None = None
    rows: tuple[Declaration, ...] = ()
    lists: tuple[PeopleList, ...] = ()
