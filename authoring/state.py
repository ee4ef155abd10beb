"""What is known of a course on one target while it is worked on: the lock file over the journal, one writer at a time."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections import defaultdict
from collections.abc import Set
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from authoring.errors import BusyError, LockfileError
from authoring.journal import Changes, Intent, Journal
from authoring.lockfile import Lockfile, LockPart, load_lockfile, remove_partial, save_lockfile
from authoring.model import BlockKey
from authoring.operations import CreateBlock, Operation

LOCAL_FOLDER = ".authoring"
SAVE_EVERY = 2.0
"""Seconds between two writings of the lock file during a run; the journal holds what is newer."""


def local_folder(course_folder: Path) -> Path:
    """`.authoring/` of a course folder, made when absent, with a `.gitignore` of its own.

    Raises LockfileError when it cannot be made.
    """
    folder = course_folder / LOCAL_FOLDER
    try:
        folder.mkdir(exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("# what belongs to this machine alone\n*\n", "utf-8")
    except OSError as error:
        raise LockfileError(
            f"{LOCAL_FOLDER}/ cannot be made in the course folder ({error.strerror})",
            "check the folder's permissions",
        ) from error
    return folder


class CourseState:
    """The lock file's part for one target and course, kept true step by step.

    A context manager: entering takes the course's writer lock (BusyError when another process has it) and replays the
    journal; leaving writes the lock file.
    """

    def __init__(self, folder: Path, target: str, course: str, *, wait: float = 0.0) -> None:
        self.folder = folder
        self._target = target
        self._course = course
        self._wait = wait
        self._local = local_folder(folder)
        self._lock = FileLock(self._local / "writer.lock")
        self._owner = self._local / "writer.json"
        self._saved = 0.0
        self._dirty = False
        self._whole = Lockfile()
        self._journal: Journal | None = None
        self._finished: list[tuple[int, Changes]] = []
        self._begun: int | None = None
        self._doubts: defaultdict[BlockKey, list[int]] = defaultdict(list)
        self.part = LockPart(target, course)

    def __enter__(self) -> CourseState:
        try:
            self._lock.acquire(timeout=self._wait)
        except Timeout as error:
            raise BusyError(
                f"another `authoring` works on this course{self._describe_owner()}",
                "wait until it is done, or pass --wait SECONDS",
            ) from error
        except OSError as error:
            raise LockfileError(
                f"{LOCAL_FOLDER}/ cannot be written ({error.strerror})", "check the folder's permissions"
            ) from error
        try:
            self._owner.write_text(
                json.dumps(
                    {
                        "pid": os.getpid(),
                        "host": socket.gethostname(),
                        "command": " ".join(["authoring", *sys.argv[1:2]]),
                        "since": int(time.time()),
                    }
                ),
                "utf-8",
            )
            remove_partial(self.folder)
            self._whole = load_lockfile(self.folder)
            self._journal = Journal(self._local)
            before = self._whole.part(self._target, self._course)
            self.part = self._journal.replay(before)
            self._dirty = self.part != before
        except OSError as error:
            self._release()
            raise LockfileError(f"{LOCAL_FOLDER}/ cannot be written ({error.strerror})", "free some space") from error
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._dirty:
                self.save()
        finally:
            self._release()

    @property
    def journal(self) -> Journal:
        if self._journal is None:
            raise RuntimeError("CourseState is used outside its with-block")
        return self._journal

    def begin(self, operation: Operation) -> int:
        """Put the intent of an operation on disk, and with it the outcome of the one before; returns its id."""
        intent = self.journal.advance(self._target, self._course, self._finished, operation)
        assert intent is not None
        self._finished.clear()
        self._begun = intent
        return intent

    def finish(self, intent: int, changes: Changes) -> None:
        """Take the outcome of an operation into `part`; it is on disk before the next one begins."""
        self._finished += [(intent, changes), *self._answered_by(changes)]
        self.part = changes.apply(self.part)
        self._dirty = True
        if time.monotonic() - self._saved > SAVE_EVERY:
            self.save()

    def settle(self, changes: Changes) -> None:
        """Put on disk, at once, what the operation under way has brought so far; its intent is answered by that."""
        assert self._begun is not None
        answered = [(self._begun, changes), *self._answered_by(changes)]
        self.journal.advance(self._target, self._course, answered, None)
        self.part = changes.apply(self.part)
        self._dirty = True

    def refuse(self, intent: int) -> None:
        """Record that an operation is known not to have happened."""
        self.journal.refuse(intent)

    def _answered_by(self, changes: Changes) -> list[tuple[int, Changes]]:
        """The creates of earlier runs that are no longer in doubt, now that their blocks have an entry."""
        return [(old, Changes()) for entry in changes.entries for old in self._doubts.pop(entry.key, ())]

    def drop_intents(self, keep: Set[BlockKey]) -> None:
        """Forget what earlier runs left open: the live course was read since. The creates of the blocks `keep` stay in doubt
        until these have an entry: a run that is killed before that must still know of them."""
        self._doubts.clear()
        for intent in self.pending():
            if isinstance(intent.operation, CreateBlock) and intent.operation.key in keep:
                self._doubts[intent.operation.key].append(intent.id)
            else:
                self.journal.refuse(intent.id)

    def pending(self) -> tuple[Intent, ...]:
        """Operations that an earlier run began and whose outcome nobody knows."""
        return self.journal.pending(self._target, self._course)

    @property
    def continued(self) -> bool:
        """Whether the journal of this machine goes back to earlier runs on this course."""
        return self.journal.knows(self._target, self._course)

    def save(self) -> None:
        """Write the lock file, then drop from the journal what it now holds."""
        self.journal.advance(self._target, self._course, self._finished, None)
        self._finished.clear()
        self._whole = self._whole.with_part(self.part)
        save_lockfile(self._whole, self.folder)
        self.journal.settle(self._target, self._course)
        self._saved = time.monotonic()
        self._dirty = False

    def sibling(self, course: str) -> LockPart:
        """What is known of another course of this folder on the same target."""
        return self.journal.replay(self._whole.part(self._target, course))

    def replace(self, part: LockPart) -> None:
        """Put another part in the place of this one, and write the lock file."""
        self.part = part
        self.save()

    def _describe_owner(self) -> str:
        try:
            owner = json.loads(self._owner.read_text("utf-8"))
            age = int(time.time()) - int(owner["since"])
            return f" ({owner['command']}, process {owner['pid']} on {owner['host']}, for {age} s)"
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def _release(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._owner.unlink(missing_ok=True)
        self._lock.release()
