"""Fixtures for tests of importers."""

from __future__ import annotations

from pathlib import Path

import pytest

from importers import Imported
from importers.olx.compare import parts
from importers.olx.layout import find_roots
from tests.conftest import write_tree
from tests.importers.small import Files, Read, everything
from tests.packages import imported, through_folder, through_olx


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """`read(files) -> Imported`, once the package is proven to come back by both ways."""

    def read_package(files: Files) -> Imported:
        with imported(write_tree(tmp_path / "package", files)) as (package, found):
            original = parts(package, find_roots(package.files)[0])
            assert through_olx(found.course, original, tmp_path) == ()
            assert through_folder(found.course, original, tmp_path) == ()
            assert "urn:ibl-course-authoring" not in everything(found), "marks of the reader are nobody else's business"
            return found

    return read_package
