"""The changes of a folder put on disk: all of them, or none.

    folder, the SourceTree that was read of it, Rewritten  ->  the folder as `Rewritten.tree` has it

This is the edge of the package; all else is pure. New contents are written aside first, then put in place by renaming; what
fails on the way is undone, and what a killed process left half done is undone by `recover` before the folder is read again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout

from authoring.errors import SourceError
from authoring.source import SourceFile, SourceTree
from authoring.writeback.rewriting import Rewritten

_STAGE = ".writeback."
_STEPS = "steps.json"
_LEFT = "left.json"
_LOCK = "lock"
_AGAIN = "nothing was written; run the command again"


def write_changes(folder: Path, before: SourceTree, result: Rewritten) -> None:
    """Make `folder`, which was read as `before`, what `result` says.

    Raises SourceError when a file that is to change is not as it was read, when something else stands where a file is to
    go, or when the disk refuses; the folder is as before then.
    """
    if not result:
        return
    _check(folder, before, result)
    try:
        stage = Path(tempfile.mkdtemp(prefix=_STAGE, dir=folder))
    except OSError as error:
        raise _refused(folder, error) from error
    try:
        with FileLock(stage / _LOCK):
            _write(folder, stage, before, result)
            _tidy(folder, stage)
    finally:
        if not (stage / _STEPS).exists():
            shutil.rmtree(stage, ignore_errors=True)


def recover(folder: Path) -> bool:
    """Undo what a process that was killed in `write_changes` left half written, or tidy up after it when all was written; whether
    there was anything. One that is at work is left alone. Raises SourceError when the disk refuses."""
    found = False
    for stage in sorted(folder.glob(f"{_STAGE}*")):
        try:
            with FileLock(stage / _LOCK, timeout=0):
                if (stage / _LEFT).exists():
                    _tidy(folder, stage)
                else:
                    _undo_steps(folder, stage)
                (stage / _STEPS).unlink(missing_ok=True)
        except Timeout:
            continue
        except OSError as error:
            raise SourceError(
                f"{folder} was left half written by a run that was killed: {error.strerror or error}",
                hint=f"check its permissions; what is missing is in {stage.name}/old",
            ) from error
        found = True
        shutil.rmtree(stage, ignore_errors=True)
    return found


def _undo_steps(folder: Path, stage: Path) -> None:
    file = stage / _STEPS
    if not file.exists():
        return  # killed before anything was moved
    steps = json.loads(file.read_text("utf-8"))
    for path in steps["placed"]:
        if not (stage / "new" / path).exists() and (folder / path).exists():
            (folder / path).unlink()
    for old, new in steps["moved"]:
        if (folder / new).exists() and not (stage / "old" / old).exists() and not (folder / old).exists():
            _put(folder / new, folder / old)
    for path in steps["leaving"]:
        if (stage / "old" / path).exists() and not (folder / path).exists():
            _put(stage / "old" / path, folder / path)
    _remove_made(folder, steps["made"])


def _put(old: Path, new: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    old.rename(new)


def _write(folder: Path, stage: Path, before: SourceTree, result: Rewritten) -> None:
    change = _Change()
    placed = (*result.written, *result.copies)
    parents = {parent for path in (*placed, *result.moved.values()) for parent in path.parents}
    made = [str(path) for path in sorted(parents, key=lambda path: -len(path.parts)) if not (folder / path).exists()]
    steps = {
        "made": made,
        "leaving": [str(path) for path in _leaving(before, result)],
        "moved": [[str(old), str(new)] for old, new in result.moved.items() if new not in result.written],
        "placed": [str(path) for path in placed],
    }
    try:
        _stage(stage, result, before)
        (stage / _STEPS).write_text(json.dumps(steps), "utf-8")
        for path in _leaving(before, result):
            change.rename(folder / path, stage / "old" / path)
        for old, new in result.moved.items():
            if new not in result.written:
                change.rename(stage / "old" / old, folder / new)
        for path in placed:
            change.rename(stage / "new" / path, folder / path)
        _left_behind(stage, result)
        (stage / _STEPS).unlink()  # from here on there is nothing to undo
    except OSError as error:
        try:
            change.undo()
            _remove_made(folder, made)
        except OSError as second:
            message = f"{folder} was left half written: {second.strerror or second}"
            raise SourceError(message, hint=f"what is missing is in {stage.name}/old; move it back") from error
        (stage / _STEPS).unlink(missing_ok=True)
        raise _refused(folder, error) from error


class _Change:
    """Renames that can be undone."""

    def __init__(self) -> None:
        self.done: list[tuple[Path, Path]] = []

    def rename(self, old: Path, new: Path) -> None:
        new.parent.mkdir(parents=True, exist_ok=True)
        old.rename(new)
        self.done.append((old, new))

    def undo(self) -> None:
        for old, new in reversed(self.done):
            old.parent.mkdir(parents=True, exist_ok=True)
            new.rename(old)


def _leaving(before: SourceTree, result: Rewritten) -> Iterator[PurePosixPath]:
    """The files that go from where they are: deleted, moved, or about to be replaced."""
    yield from result.deleted
    yield from result.moved
    for path in (*result.written, *result.copies):
        if str(path) in before.files and path not in result.moved and path not in result.deleted:
            yield path


def _stage(stage: Path, result: Rewritten, before: SourceTree) -> None:
    origins = {new: old for old, new in result.moved.items()}
    for path, data in result.written.items():
        target = stage / "new" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        old = before.files.get(str(origins.get(path, path)))
        if old is not None:
            shutil.copymode(stage.parent / old.path, target)
    for path, source in result.copies.items():
        target = stage / "new" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _check(folder: Path, before: SourceTree, result: Rewritten) -> None:
    leaving = set(_leaving(before, result))
    for path in leaving:
        if not _is_as_read(folder / path, before.files[str(path)]):
            raise SourceError(f"{path} has changed since it was read", hint=_AGAIN)
    for path in (*result.moved.values(), *result.written, *result.copies):
        target = folder / path
        if path not in leaving and (target.exists() or target.is_symlink()):
            raise SourceError(f"{path} is to be written, but something is there already", hint="move it away")
        parents = [parent for parent in path.parents if (folder / parent).is_file()]
        if any(parent not in leaving for parent in parents):
            raise SourceError(f"{path} is to be written, but {parents[0]} is a file", hint="move it away")


def _is_as_read(path: Path, file: SourceFile) -> bool:
    try:
        if file.data is not None:
            return path.read_bytes() == file.data
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.digest
    except OSError:
        return False


def _left_behind(stage: Path, result: Rewritten) -> None:
    """Put down which folders may hold nothing any more, and what moved; whoever finds that knows that all else is done."""
    kept = set(result.tree.folders)
    left = {parent for path in (*result.deleted, *result.moved) for parent in path.parents} - {PurePosixPath(".")}
    folders = [str(path) for path in sorted(left, key=lambda path: -len(path.parts)) if str(path) not in kept]
    moved = [[str(old), str(new)] for old, new in result.moved.items()]
    text = json.dumps({"folders": folders, "moved": moved})
    (stage / "new").mkdir(exist_ok=True)
    (stage / "new" / _LEFT).write_text(text, "utf-8")
    (stage / "new" / _LEFT).rename(stage / _LEFT)


def _tidy(folder: Path, stage: Path) -> None:
    """Takes away folders that hold nothing any more. What nobody reads (hidden files, back-ups) follows its folder, or
    stays in it under a name that is no part of the course: an empty folder would be a section."""
    left = json.loads((stage / _LEFT).read_text("utf-8"))
    moved = [(PurePosixPath(old), PurePosixPath(new)) for old, new in left["moved"]]
    for path in map(PurePosixPath, left["folders"]):
        here = folder / path
        if not here.is_dir():
            continue
        try:
            target = _follows(path, moved)
            for item in list(here.iterdir()):
                (folder / target).mkdir(parents=True, exist_ok=True)
                item.rename(folder / target / item.name)
            here.rmdir()
        except OSError:
            continue  # the course is written; what is in the way is for `check` to report


def _follows(path: PurePosixPath, moved: Iterable[tuple[PurePosixPath, PurePosixPath]]) -> PurePosixPath:
    for old, new in moved:
        if old.is_relative_to(path):
            tail = old.relative_to(path).parts
            if new.parts[-len(tail) :] == tail:
                return PurePosixPath(*new.parts[: -len(tail)])
    return path.with_name(f"_{path.name}")


def _remove_made(folder: Path, made: Iterable[str]) -> None:
    """Remove folders, the deepest first, that were made for what was taken back: an empty folder would be a section."""
    for path in made:
        with suppress(OSError):
            (folder / path).rmdir()


def _refused(folder: Path, error: OSError) -> SourceError:
    return SourceError(
        f"{folder} cannot be written: {error.strerror or error}", hint="check its permissions; nothing was changed"
    )
