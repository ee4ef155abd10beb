"""A readable folder of a live course that nobody here has seen."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from authoring.client import Client
from authoring.decompile import Folder, folder_of
from authoring.errors import SourceError, StalePlanError
from authoring.exporter import LiveCourse, read_whole_course
from authoring.lockfile import LockPart
from authoring.model import Course, CourseId
from authoring.pulling.relocking import fresh_part
from authoring.source import SourceFile, compile_tree, tree_of


@dataclass(frozen=True, slots=True)
class Fresh:
    """A course folder in the making, of a live course, and the lock file's part that adopts it."""

    folder: Folder
    course: Course
    live: LiveCourse
    part: LockPart


@contextmanager
def fresh_folder(client: Client, course: CourseId, target: str, *, everybody: bool = False) -> Iterator[Fresh]:
    """A readable folder of a live course that nobody here has seen; its files can be read until the context ends. With
    `everybody` it names the course team.

    Raises StalePlanError when there is no such course, NoRouteError when the login does not show its structure.
    """
    with tempfile.TemporaryDirectory(prefix="authoring-pull-") as scratch:
        live = read_whole_course(client, course, Path(scratch), everybody=everybody)
        if live is None:
            raise StalePlanError(f"there is no course {course} that this login sees", "look for a mistyped key")
        shown = tuple(asset for asset in live.course.assets if asset.file is not None)
        folder = folder_of(replace(live.course, assets=shown))
        texts = [
            SourceFile(PurePosixPath(path), Path(path), len(text), data=text.encode("utf-8", "surrogatepass"))
            for path, text in folder.texts.items()
        ]
        copies = [
            SourceFile(PurePosixPath(path), file, file.stat().st_size, digest=_file_digest(file))
            for path, file in folder.copies.items()
        ]
        compiled, diagnostics = compile_tree(tree_of([*texts, *copies]))
        if compiled is None:
            raise SourceError("what is live cannot be written as a course folder", diagnostics)
        yield Fresh(folder, compiled, live, fresh_part(target, compiled, live))


def _file_digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
