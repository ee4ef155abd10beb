"""Small OLX packages for tests, and what to ask of what they are read as."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from authoring.decompile import folder_of
from authoring.model import Block
from authoring.olx.package import package_files
from importers import Imported
from tests.packages import COURSE_XML

Files: TypeAlias = Mapping[str, str | bytes]
Read: TypeAlias = Callable[[Files], Imported]
"""The fixture `read`: the package is read, and proven to come back through OLX and through a course folder."""


def course(body: str = "", files: Files | None = None, attributes: str = "") -> Files:
    """A package whose course holds `body`."""
    return {"course.xml": COURSE_XML, "course/R.xml": f"<course {attributes}>{body}</course>", **(files or {})}


def unit(body: str, files: Files | None = None) -> Files:
    """A package with one unit, which holds `body`."""
    inside = f'<vertical url_name="v" display_name="Unit">{body}</vertical>'
    return course(f'<chapter url_name="c"><sequential url_name="s">{inside}</sequential></chapter>', files)


def codes(found: Imported) -> list[str]:
    return [finding.code.name for finding in found.findings]


def block(found: Imported, key: str) -> Block:
    return next(block for block in found.course.blocks() if str(block.key) == key)


def keys(found: Imported) -> list[str]:
    """Every block of the tree below the course, in order."""
    return [str(block.key) for block in found.course.root.walk()][1:]


def in_unit(found: Imported) -> list[str]:
    return [str(child.key) for child in block(found, "vertical/v").children]


def everything(found: Imported) -> str:
    """All that a course, its folder, its package and its findings say. The package's files must still be there."""
    folder = folder_of(found.course)
    written = [data for data in package_files(found.course).values() if isinstance(data, bytes)]
    texts = [repr(found.course), *folder.texts.values(), *(str(finding) for finding in found.findings)]
    return "\n".join([*texts, *(data.decode() for data in written)])
