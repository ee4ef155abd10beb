"""The engine's process seen from here: `Task` in, `Verdict` out, one process for many problems.

Starting the engine takes seconds, so one process serves until it dies; after a crash or a time-out the next task gets a
new one. The process sees no secrets: of the environment it gets only what Python needs.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from authoring.errors import EngineError
from authoring.model import ProblemAnswer

START_LIMIT = 180.0
"""Seconds for the engine to start: its imports are many."""

TIME_LIMIT = 30.0
"""Seconds for one problem."""

PROGRAM = Path(__file__).with_name("engine.py")

_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT")


def available() -> bool:
    """Whether the platform's own problem block, with its engine, is installed (extra `real`)."""
    return find_spec("xblocks_contrib") is not None


@dataclass(frozen=True, slots=True)
class Graded:
    """Points for one answer. `score` is None when no learner could give it; `message` says why, or what the engine
    said of it. `answer` is in the author's words where the engine chose it."""

    score: float | None
    message: str | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the engine makes of a problem; see :mod:`authoring.grading.engine` for the fields."""

    error: str | None = None
    code: bool = False
    outside: str | None = None
    html: str | None = None
    questions: int = 0
    max_score: float = 0
    right: Graded | None = None
    wrong: Graded | None = None
    graded: tuple[Graded, ...] = ()
    offered: tuple[tuple[str, ...], ...] = ()


class EngineProcess:
    """A context manager. Raises EngineError on entry when the engine is missing, and when it does not start."""

    def __init__(self, *, allow_code: bool = False, time_limit: float = TIME_LIMIT) -> None:
        self._allow_code = allow_code
        self._time_limit = time_limit
        self._child: _Child | None = None

    def __enter__(self) -> EngineProcess:
        if not available():
            hint = "install it with the extra `real`: pip install 'ibl-course-authoring[real]'"
            raise EngineError("the platform's grading engine (xblocks-contrib) is not installed", hint)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def judge(self, olx: str, answers: Sequence[ProblemAnswer] = ()) -> Verdict:
        """Load, render and grade one problem. A problem that crashes or outstays its time has an `error`."""
        child = self._child = self._child or _Child()
        task = {"olx": olx, "allow_code": self._allow_code, "answers": answers}
        try:
            row = child.ask(task, self._time_limit)
        except TimeoutError:
            self._stop()
            return Verdict(error=f"it has not come to an end after {self._time_limit:g} seconds")
        except EOFError:
            self._stop()
            return Verdict(error="it ends the engine's process")
        return _verdict(row)

    def _stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None


class _Child:
    """One process and the thread that reads what it says."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="authoring-grading-")
        self._process = subprocess.Popen(  # noqa: S603  # this very program, by its own interpreter  # noqa: S603 - this interpreter, and a program of our own
            [sys.executable, "-P", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            cwd=self._folder.name,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input, output = self._process.stdin, self._process.stdout
        self._said: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(output,), daemon=True)
        self._reader.start()
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        """Raises EngineError when the engine cannot be imported."""
        cause: str | None
        try:
            answer = self._next(START_LIMIT)
        except (TimeoutError, EOFError):
            cause = "its process does not start"
        else:
            cause = None if answer.get("ready") else str(answer.get("error"))
        if cause is not None:
            self.stop()
            hint = "install the extra `real` again: pip install --force-reinstall 'ibl-course-authoring[real]'"
            raise EngineError(f"the platform's grading engine does not start: {cause}", hint)

    def ask(self, task: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Raises TimeoutError and EOFError."""
        try:
            self._input.write(json.dumps(task) + "\n")
            self._input.flush()
        except OSError as error:
            raise EOFError from error
        return self._next(seconds)

    def _read(self, output: IO[str]) -> None:
        for line in output:
            self._said.put(line)
        self._said.put(None)

    def _next(self, seconds: float) -> dict[str, Any]:
        try:
            line = self._said.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None
        if line is None:
            raise EOFError
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def stop(self) -> None:
        """End the process and whatever its scripts started."""
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        self._reader.join(timeout=5)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._folder.cleanup()


def _verdict(row: Mapping[str, Any]) -> Verdict:
    return Verdict(
        error=row["error"],
        code=row["code"],
        outside=row["outside"],
        html=row["html"],
        questions=row["questions"],
        max_score=row["max_score"],
        right=Graded(**row["right"]) if row["right"] else None,
        wrong=Graded(**row["wrong"]) if row["wrong"] else None,
        graded=tuple(Graded(**graded) for graded in row["graded"]),
        offered=tuple(tuple(options) for options in row["offered"]),
    )
