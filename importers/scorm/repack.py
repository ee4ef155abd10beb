"""The package written anew, so that the platform's block makes of it what it means.

An open package in, a zip out: the manifest first and at the top, as :mod:`importers.scorm.rewrite` makes it; then the files
of its folder by name, without what operating systems leave. The same package gives the same bytes. Files are streamed:
memory does not grow with the package. Files above the manifest are not part of a SCORM package, and stay behind.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from authoring.archives import CHUNK, Package
from importers.scorm.locate import MANIFEST_NAME, is_junk
from importers.scorm.package import ScormPackage, read_package
from importers.scorm.rewrite import rewrite_manifest

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16
_UNIX = 3
_PACKED_ALREADY = re.compile(
    r"\.(?:7z|aac|avif|docx|epub|gif|gz|jpe?g|m4a|m4v|mov|mp3|mp4|og[gv]|opus|pdf|png|pptx|rar|web[mp]|woff2?|xlsx|zip)"
)
"""Files that deflate would only spend time on."""


def repack(package: Package, out: Path) -> None:
    """Write a valid SCORM package at `out`, with what the first item launches as its first resource.

    Meant for a package of which :attr:`~importers.scorm.prediction.Prediction.goes_wrong`, and for a folder. Raises
    PackageError when the package is not SCORM, and OSError when `out` cannot be written; then `out` is as it was.
    """
    meant = read_package(package)
    files = (path for path in package.files if _belongs(path, meant.root))
    write_zip(out, rewrite_manifest(meant), meant, files)


def write_zip(out: Path, manifest: bytes, meant: ScormPackage, files: Iterable[PurePosixPath]) -> None:
    """Write a package of this manifest and these files of the package, which are below its root.

    Raises OSError when `out` cannot be written; then it is as it was.
    """
    part = out.with_name(f".{out.name}.part")
    try:
        with zipfile.ZipFile(part, "w") as archive:
            archive.writestr(_entry(MANIFEST_NAME, len(manifest)), manifest)
            for path in sorted(files):
                found = meant.package.files[path]
                entry = _entry(str(path.relative_to(meant.root)), found.size)
                with found.file.open("rb") as source, archive.open(entry, "w") as target:
                    shutil.copyfileobj(source, target, CHUNK)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _belongs(path: PurePosixPath, root: PurePosixPath) -> bool:
    """Whether a file is below the root, other than the manifest in any spelling and what operating systems leave."""
    is_manifest = path.parent == root and path.name.casefold() == MANIFEST_NAME
    return path.is_relative_to(root) and not is_manifest and not is_junk(path)


def _entry(name: str, size: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _LONG_AGO)
    info.create_system = _UNIX
    info.external_attr = _MODE
    is_packed = _PACKED_ALREADY.fullmatch(PurePosixPath(name).suffix.casefold())
    info.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
    info.file_size = size  # from which zipfile tells whether the entry needs the 64-bit form
    return info
