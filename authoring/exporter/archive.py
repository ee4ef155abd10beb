"""What an OLX archive of a live course says: the way to fields that no read of a block shows, and to the files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from authoring.archives import PackageError, open_package
from authoring.client import Client
from authoring.dialects import NoRouteError
from authoring.errors import ApiError
from authoring.model import Asset, Block, CourseId
from importers import ReadOptions
from importers.olx import OLX


@dataclass(frozen=True, slots=True)
class Archived:
    """Blocks by their id on the platform, as they were last edited; and the files."""

    blocks: Mapping[str, Block]
    assets: tuple[Asset, ...]


def read_archive(client: Client, course: CourseId, files: Path | None = None) -> Archived | None:
    """The course by the platform's own export; None where there is none to be had. With `files` its files are put there.

    The export is one more way to read, so that it fails is no error: what only it tells stays unknown then.
    """
    with tempfile.TemporaryDirectory(prefix="authoring-export-") as name:
        file = Path(name) / "course.tar.gz"
        try:
            client.export_course(course, file)
            with open_package(file) as package:
                (root,) = OLX.roots(package)
                found = OLX.read(package, root, ReadOptions(Path(name))).course
                assets = tuple(_kept(asset, files) for asset in found.assets)
        except (NoRouteError, ApiError, PackageError, OSError, ValueError):
            return None
        blocks = {block.url_name: block for block in found.blocks()}
        for draft in found.drafts:  # what is being edited is what a read of a block shows, too
            blocks.update((block.url_name, block) for block in draft.block.walk())
        return Archived(blocks, assets)


def _kept(asset: Asset, files: Path | None) -> Asset:
    if files is None or asset.file is None:
        return replace(asset, file=None)
    target = files / asset.path
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(asset.file, target)
    return replace(asset, file=target)
