"""Courses that other people made: in and out, through OLX and through a course folder, nothing differs.

The corpus stands beside the project, or where the environment variable AUTHORING_CORPUS says.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from authoring.archives import PackageError, open_package
from authoring.olx.package import write_folder
from importers.olx.compare import parts
from importers.olx.course import read_olx
from importers.olx.layout import find_roots
from tests.packages import ARCHIVES, through_folder, through_olx

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not ARCHIVES, reason="the corpus is not beside the project"),
]

REFUSED = {"hastexo-olx-utils-mako-source.tar.gz": "not well-formed XML", "edx-platform-NoVersionNumber.tar.gz": None}
"""Packages without a course: a template, and one that holds a single number."""


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.gz"))
def test_nothing_is_lost_on_the_way_in_and_out(archive: Path, tmp_path: Path) -> None:
    with open_package(archive) as package:
        layouts = find_roots(package.files)
        if archive.name in REFUSED:
            message = REFUSED[archive.name]
            if message is None:
                assert layouts == ()
                return
            with pytest.raises(PackageError, match=message):
                read_olx(package, layouts[0])
            return
        assert layouts
        for number, layout in enumerate(layouts):
            course = read_olx(package, layout).course
            original = parts(package, layout)
            scratch = tmp_path / str(number)
            scratch.mkdir()
            assert through_olx(course, original, scratch) == (), layout.root
            assert through_folder(course, original, scratch) == (), layout.root


def complaints(course_xml: Path) -> int:
    """How many errors the field's validator finds.

    It looks at HTML in files only, and we write HTML that stood inline, unchanged, into files as Studio does: what it
    says of HTML cannot be compared.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        validate = pytest.importorskip("olxcleaner").validate
        _, store, _ = validate(str(course_xml), steps=8)
    return sum(1 for error in store.errors if error.level == "ERROR" and error.name != "InvalidHTML")


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.gz"))
def test_a_validator_finds_no_more_in_our_output(archive: Path, tmp_path: Path) -> None:
    with open_package(archive) as package:
        for number, layout in enumerate(find_roots(package.files)):
            if layout.is_library or archive.name in REFUSED or number > 3:
                continue
            original = tmp_path / f"original-{number}"
            for file in package.below(layout.root):
                target = original / file.path.relative_to(layout.root)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(file.file)
            write_folder(read_olx(package, layout).course, tmp_path / f"ours-{number}")
            before = complaints(original / "course.xml")
            assert complaints(tmp_path / f"ours-{number}" / "course.xml") <= before
