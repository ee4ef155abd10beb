"""Where course folders go: a folder of this machine (or one that all workers share), or a place behind a URL.

A finished course folder holds a marker, `.migration.json` (names with a dot are no part of a course), that says which
package it was made from and carries its Record. It is what makes a finished folder recognisable without the journal,
and an unfinished one removable. Locally a folder appears with its marker in one rename. Object stores cannot rename,
so there the marker says `unfinished` until everything is up, and is written again last.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from authoring.migration.locations import Remote, locate

MARKER = ".migration.json"
UNFINISHED_FOLDER = ".unfinished"
"""Below a local destination: where course folders are made, and what the next run removes."""

_CHUNK = 1 << 20


class Storage(Protocol):
    """A destination as the worker sees it."""

    def marker(self, name: str) -> Mapping[str, Any] | None:
        """The marker of a course folder, `{}` for a folder without a usable one, None for no folder."""

    def digest(self, name: str) -> str:
        """Of the course folder as it is now; see `tree_digest`."""

    def publish(self, folder: Path, name: str, marker: Mapping[str, object]) -> None:
        """Make `folder` the course folder `name`, in place of one that is there."""


class LocalStorage:
    """A folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def marker(self, name: str) -> Mapping[str, Any] | None:
        folder = self.root / name
        if not os.path.lexists(folder):
            return None
        try:
            return _parse((folder / MARKER).read_bytes())
        except OSError:
            return {}

    def digest(self, name: str) -> str:
        return tree_digest(self.root / name)

    def publish(self, folder: Path, name: str, marker: Mapping[str, object]) -> None:
        (folder / MARKER).write_bytes(_render(marker))
        target = self.root / name
        if os.path.lexists(target):
            # Out of the way first: a folder cannot be renamed onto another. What is moved goes with the work folder.
            target.rename(folder.parent / "replaced")
        folder.rename(target)


class RemoteStorage:
    """A place in a file system of fsspec."""

    def __init__(self, place: Remote) -> None:
        self.place = place

    def marker(self, name: str) -> Mapping[str, Any] | None:
        filesystem = self.place.filesystem
        # Another process may have written since this one looked.
        filesystem.invalidate_cache()
        try:
            return _parse(filesystem.cat_file(f"{self.place.child(name)}/{MARKER}"))
        except FileNotFoundError:
            return {} if filesystem.exists(self.place.child(name)) else None

    def digest(self, name: str) -> str:
        filesystem, folder = self.place.filesystem, self.place.child(name)
        files = {path[len(folder) :].strip("/"): path for path in filesystem.find(folder)}
        whole = hashlib.sha256()
        for relative in sorted(files):
            if relative != MARKER:
                content = hashlib.sha256()
                with filesystem.open(files[relative], "rb") as file:
                    while chunk := file.read(_CHUNK):
                        content.update(chunk)
                whole.update(_entry(relative, content.hexdigest()))
        return whole.hexdigest()

    def publish(self, folder: Path, name: str, marker: Mapping[str, object]) -> None:
        filesystem, target = self.place.filesystem, self.place.child(name)
        ours = {path.relative_to(folder).as_posix(): path for path in files_of(folder)}
        filesystem.makedirs(target, exist_ok=True)
        filesystem.pipe_file(f"{target}/{MARKER}", _render({**marker, "state": "unfinished"}))
        for path in filesystem.find(target):
            relative = path[len(target) :].strip("/")
            if relative != MARKER and relative not in ours:
                filesystem.rm_file(path)
        made = set()
        for relative, path in ours.items():
            parent = f"{target}/{relative}".rpartition("/")[0]
            if parent not in made:
                filesystem.makedirs(parent, exist_ok=True)
                made.add(parent)
            filesystem.put_file(str(path), f"{target}/{relative}")
        filesystem.pipe_file(f"{target}/{MARKER}", _render(marker))


def open_storage(destination: str) -> Storage:
    """The destination that a path or a URL means. Raises AuthoringError as `locate` does."""
    place = locate(destination)
    return RemoteStorage(place) if isinstance(place, Remote) else LocalStorage(place)


def files_of(folder: Path) -> list[Path]:
    """All files (and links) below a folder, in one order everywhere."""
    found = [
        Path(parent) / name for parent, folders, files in os.walk(folder) for name in (*files, *_links(parent, folders))
    ]
    return sorted(found, key=lambda path: path.relative_to(folder).as_posix())


def _links(parent: str, folders: list[str]) -> list[str]:
    return [name for name in folders if (Path(parent) / name).is_symlink()]


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(folder: Path) -> str:
    """SHA-256 of the files of a folder and their names, without its marker. Links count as where they point."""
    whole = hashlib.sha256()
    for path in files_of(folder):
        relative = path.relative_to(folder).as_posix()
        if relative == MARKER:
            continue
        if path.is_symlink():
            content = hashlib.sha256(os.fsencode(path.readlink())).hexdigest()
        elif not path.is_file():
            # A pipe or a device: reading it might never end.
            content = "special"
        else:
            content = file_digest(path)
        whole.update(_entry(relative, content))
    return whole.hexdigest()


def _entry(relative: str, digest: str) -> bytes:
    return relative.encode("utf-8", "surrogateescape") + b"\0" + digest.encode() + b"\n"


def remove(path: Path) -> None:
    """Remove a folder as far as it can be; what stays is removed by the next run."""
    shutil.rmtree(path, ignore_errors=True)


def _render(marker: Mapping[str, object]) -> bytes:
    text = json.dumps(marker, ensure_ascii=False, indent=1, sort_keys=True)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _parse(content: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(content)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
