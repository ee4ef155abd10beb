"""What an OLX archive of a live course says of its blocks: the way to fields that no read of a block shows."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from authoring.archives import PackageError, open_package
from authoring.client import Client
from authoring.dialects import NoRouteError
from authoring.errors import ApiError
from authoring.model import Block, CourseId
from importers import ReadOptions
from importers.olx import OLX


def archived_blocks(client: Client, course: CourseId) -> Mapping[str, Block] | None:
    """Block id -> block as it was last edited, by the platform's own export; None where there is none to be had.

    The export is one more way to read, so that it fails is no error: what only it tells stays unknown then.
    """
    with tempfile.TemporaryDirectory(prefix="authoring-export-") as name:
        file = Path(name) / "course.tar.gz"
        try:
            client.export_course(course, file)
            with open_package(file) as package:
                (root,) = OLX.roots(package)
                found = OLX.read(package, root, ReadOptions(Path(name))).course
        except (NoRouteError, ApiError, PackageError, OSError, ValueError):
            return None
        blocks = {block.url_name: block for block in found.blocks()}
        for draft in found.drafts:  # what is being edited is what a read of a block shows, too
            blocks.update((block.url_name, block) for block in draft.block.walk())
        return blocks
