"""Readers of packages that other tools made: `package -> Course + what is to be said about it`, one for each format.

A reader is found by what the package holds. Other distributions may bring readers of their own: an entry point in the
group `ibl_course_authoring.importers` that names an :class:`Importer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path, PurePosixPath
from typing import Protocol

from authoring.archives import Package, PackageError
from authoring.diagnostics import Diagnostics
from authoring.model import Course, CourseId

ENTRY_POINTS = "ibl_course_authoring.importers"


@dataclass(frozen=True, slots=True)
class Lost:
    """Something of the package that the course does not hold."""

    what: str
    why: str
    path: PurePosixPath | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What a reader makes of a package. Assets and kept files are read from the package while it is open."""

    course: Course
    findings: Diagnostics
    lost: tuple[Lost, ...] = ()
    provenance: Mapping[str, object] = field(default_factory=dict)


class Shape(StrEnum):
    """What is made of a package that could be several things."""

    AUTO = "auto"
    """A course where there is more than one thing to launch, else a component."""
    COURSE = "course"
    COMPONENT = "component"
    """One unit with the whole package."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a reader may be told. A reader leaves alone what does not concern its format."""

    scratch: Path
    """A folder for files that the reader makes; they must last as long as the package is open."""
    shape: Shape = Shape.AUTO
    explode: bool = False
    """Turn what is static into components of the course's own."""
    course: CourseId | None = None
    """The key of the course, for packages that have none of their own."""
    original: Path | None = None
    """Where the package was opened from: a file or a folder."""


class Importer(Protocol):
    """Reads one format."""

    name: str
    """What `--from` calls it: `olx`."""
    title: str
    """What it reads, for people: "OLX course or library"."""

    def roots(self, package: Package) -> tuple[PurePosixPath, ...]:
        """The folders in the package that hold something it reads; empty when there is nothing for it."""

    def read(self, package: Package, root: PurePosixPath, options: ReadOptions) -> Imported:
        """Read what is at one of `roots`. Raises PackageError when there is no course to be made of it."""


@cache
def importers() -> Mapping[str, Importer]:
    """Name -> reader; what comes with this distribution first."""
    from importers.olx import OLX
    from importers.scorm import SCORM

    found: dict[str, Importer] = {OLX.name: OLX, SCORM.name: SCORM}
    for point in entry_points(group=ENTRY_POINTS):
        importer = point.load()
        found.setdefault(importer.name, importer)
    return found


__all__ = [
    "ENTRY_POINTS",
    "Imported",
    "Importer",
    "Lost",
    "Package",
    "PackageError",
    "ReadOptions",
    "Shape",
    "importers",
]
