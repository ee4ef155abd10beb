"""What tests of packages share: packages made from texts, the corpus, two ways around."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pytest

from authoring.archives import Package, open_package
from authoring.decompile import Folder, folder_of
from authoring.model import Course
from authoring.olx.package import write_folder
from authoring.source import read_course
from importers import Imported
from importers.olx.compare import Difference, differences, parts
from importers.olx.course import read_olx
from importers.olx.layout import find_roots

CORPUS = Path(os.environ.get("AUTHORING_CORPUS") or Path(__file__).parents[1].parent / "shared" / "corpus")
ARCHIVES = sorted((CORPUS / "olx").glob("*.tar.gz"))
needs_corpus = pytest.mark.skipif(not ARCHIVES, reason=f"no corpus beside the project: {CORPUS / 'olx'}")
COURSE_XML = '<course url_name="R" org="O" course="N"/>'


def make_package(folder: Path, files: Mapping[str, str]) -> Path:
    """A package as a folder."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return folder


def write_course_folder(folder: Folder, destination: Path) -> Path:
    for path, text in folder.texts.items():
        (destination / path).parent.mkdir(parents=True, exist_ok=True)
        (destination / path).write_text(text, "utf-8")
    for path, file in folder.copies.items():
        (destination / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, destination / path)
    return destination


@contextmanager
def imported(package: Path) -> Iterator[tuple[Package, Imported]]:
    """The one course of a package, while its files can be read."""
    with open_package(package) as opened:
        (layout,) = find_roots(opened.files)
        yield opened, read_olx(opened, layout)


def parts_of_folder(folder: Path) -> Mapping[str, str]:
    with open_package(folder) as package:
        return parts(package, find_roots(package.files)[0])


def through_olx(course: Course, original: Mapping[str, str], scratch: Path) -> tuple[Difference, ...]:
    """What differs after Course → OLX."""
    write_folder(course, scratch / "olx")
    return differences(original, parts_of_folder(scratch / "olx"))


def through_folder(course: Course, original: Mapping[str, str], scratch: Path) -> tuple[Difference, ...]:
    """What differs after Course → course folder on disk → Course → OLX."""
    folder = folder_of(course)
    assert folder.unequal == ()
    again, findings = read_course(write_course_folder(folder, scratch / "folder"))
    assert again is not None, [str(finding) for finding in findings.errors]
    write_folder(again, scratch / "olx-of-folder")
    return differences(original, parts_of_folder(scratch / "olx-of-folder"))


def roots(package: Package) -> tuple[PurePosixPath, ...]:
    return tuple(layout.root for layout in find_roots(package.files))
