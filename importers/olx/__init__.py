"""OLX courses and libraries of every age: pointers, policies, drafts and files to one `Course`.

    layout    where things are in the package
    resolve   pointers to one XML tree
    course    the tree and what is beside it to a Course
    compare   whether two packages are the same

Sources: Open edX: xmodule/modulestore/{xml,xml_importer}.py.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from authoring.archives import Package
from importers import Imported, ReadOptions
from importers.olx.course import read_olx
from importers.olx.layout import find_roots


class OlxImporter:
    name = "olx"
    title = "OLX course or library"

    def roots(self, package: Package) -> tuple[PurePosixPath, ...]:
        return tuple(layout.root for layout in find_roots(package.files))

    def read(self, package: Package, root: PurePosixPath, options: ReadOptions) -> Imported:
        layout = next(layout for layout in find_roots(package.files) if layout.root == root)
        return read_olx(package, layout)


OLX = OlxImporter()
