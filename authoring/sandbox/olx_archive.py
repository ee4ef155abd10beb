"""Archives of courses: taken apart safely, and put together.

Comes in: the file of an upload; the files of an export. Goes out: a folder and the place of its `course.xml`; a `.tar.gz`,
the same bytes for the same files. Sources: Open edX: openedx/core/lib/extract_archive.py, cms/djangoapps/contentstore/
tasks.py.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

EXTENSIONS = (".tar.gz", ".zip")
LARGEST = 4 << 30
"""Bytes that an archive may unpack to: a rehearsal should not fill the disk. The platform has no such bound."""


class ImportFailure(Exception):
    """An import that ends: `stage` is 1 (unpacking), 2 (verifying) or 3 (updating)."""

    def __init__(self, stage: int, message: str) -> None:
        super().__init__(message)
        self.stage = stage


def unpack(archive: Path, filename: str, folder: Path) -> Path:
    """Unpack an archive into an empty folder; returns where its `course.xml` is. Raises ImportFailure: for members that
    would be written elsewhere, for links and devices, for what is no archive, and when there is no `course.xml`."""
    kind = "zip" if filename.endswith(".zip") else "tar"
    try:
        if kind == "zip":
            _unpack_zip(archive, folder)
        else:
            _unpack_tar(archive, folder)
    except _Unsafe as error:
        raise ImportFailure(1, f"Unsafe {kind} file. Aborting import.") from error
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise ImportFailure(1, f"An unknown error occurred during the unpacking step. ({error})") from error
    for place, folders, files in os.walk(folder):
        folders.sort()
        if "course.xml" in files:
            return Path(place)
    raise ImportFailure(2, "Could not find the course.xml file in the package.")


class _Unsafe(Exception):
    pass


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\x00" in name or "\\" in name or path.parts[:1] == ("~",):
        raise _Unsafe(name)
    return path


def _unpack_tar(archive: Path, folder: Path) -> None:
    total = 0
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            place = folder / _inside(member.name)
            if member.isdir():
                place.mkdir(parents=True, exist_ok=True)
                continue
            # The platform takes links that stay inside; nothing writes such, so none is taken here.
            content = tar.extractfile(member) if member.isreg() else None
            if content is None:
                raise _Unsafe(member.name)
            total += member.size
            _write(place, content, total)


def _unpack_zip(archive: Path, folder: Path) -> None:
    total = 0
    with zipfile.ZipFile(archive) as held:
        for member in held.infolist():
            place = folder / _inside(member.filename)
            if member.is_dir():
                place.mkdir(parents=True, exist_ok=True)
                continue
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
                raise _Unsafe(member.filename)
            total += member.file_size
            with held.open(member) as content:
                _write(place, content, total)


def _write(place: Path, content: IO[bytes], total: int) -> None:
    if total > LARGEST:
        raise _Unsafe(f"more than {LARGEST} bytes")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)


def pack(files: Iterable[tuple[str, bytes | IO[bytes]]], target: IO[bytes]) -> None:
    """Write a `.tar.gz`; a file that is not in memory is given open, and closed here."""
    with (
        gzip.GzipFile("", "wb", 6, target, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, content in files:
            with io.BytesIO(content) if isinstance(content, bytes) else content as source:
                member = tarfile.TarInfo(name)
                member.size = source.seek(0, 2)
                member.mode = 0o644
                source.seek(0)
                tar.addfile(member, source)
