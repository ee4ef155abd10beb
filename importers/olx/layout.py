"""Where things are in an OLX package: its root, drafts and policies, whatever tool packed it.

    course.xml | library.xml      at any depth; what is beside it belongs to the course
    format.json                   `{"export_format": 1}`: the course is in published/, its drafts in drafts/ beside it

Sources: Open edX: xmodule/modulestore/{xml,xml_importer,xml_exporter}.py; cms/djangoapps/contentstore/tasks.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

COURSE_XML = "course.xml"
LIBRARY_XML = "library.xml"


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders of one course in a package, relative to the package."""

    root: PurePosixPath
    """The folder of course.xml or library.xml."""
    file: PurePosixPath
    drafts: PurePosixPath
    home: PurePosixPath
    """The folder that counts as the course when everything is accounted for: `root`, or what is around published/."""

    @property
    def is_library(self) -> bool:
        return self.file.name == LIBRARY_XML


def find_roots(paths: Iterable[PurePosixPath]) -> tuple[Layout, ...]:
    """Every course or library that a package holds, the shallowest first.

    What is below another root, or below its static files, is part of that one.
    """
    found = sorted(
        (path for path in paths if path.name in (COURSE_XML, LIBRARY_XML) and "static" not in path.parts[:-1]),
        key=lambda path: (len(path.parts), path.name != COURSE_XML, str(path)),
    )
    roots: list[Layout] = []
    for path in found:
        if not any(path.is_relative_to(layout.home) for layout in roots):
            roots.append(_layout(path))
    published = [layout for layout in roots if layout.root.name == "published"]
    if published:
        homes = {layout.home for layout in published}
        roots = [
            layout
            for layout in roots
            if layout in published or not any(layout.root.is_relative_to(home) for home in homes)
        ]
    return tuple(roots)


def _layout(file: PurePosixPath) -> Layout:
    root = file.parent
    if root.name == "published":
        return Layout(root, file, root.parent / "drafts", root.parent)
    return Layout(root, file, root / "drafts", root)
