"""A lane: one worker process that takes one package after another, and can be killed.

The same lane is used on this machine and inside a cluster's worker, because a package may need killing (time-out) or
may kill its process (memory, a crash in a C library), and neither may cost the worker or its other packages. It is a
plain child process rather than one of `multiprocessing` or `concurrent.futures`: cluster workers are daemons, which may
not have such children, and a pool of several processes cannot tell which package broke it.

Requests are pickled, being our own; answers are JSON, because the child works on other people's files. A child whose
parent is gone, however it went, sees the end of its input and ends itself with whatever it has started.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO

from authoring.errors import AuthoringError
from authoring.migration.records import Outcome, Record
from authoring.migration.storage import remove
from authoring.migration.work import Job, run_job, work_folder

_SIZE = struct.Struct("!Q")
_SHOWN = 300
"""Characters of a dead worker's last words."""

_START_SECONDS = 120
"""For a child to start and to import the step, where time is limited at all."""

_SERVE = "from authoring.migration.lane import serve; serve()"


class Lane:
    """The parent's end. One job at a time; not for several threads. `close` ends the child at once."""

    def __init__(self) -> None:
        self._words: IO[bytes] = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - lives as long as the lane
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()

    def __enter__(self) -> Lane:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, job: Job, timeout: float | None = None) -> Record:
        """Do a job in the child, which is started where need be and killed after `timeout` seconds."""
        child = self._ready()
        began = time.monotonic()
        late = threading.Event()
        answer = None
        # Until the child has taken the job it starts up and imports, which is no part of a package's time.
        with _limit(child, None if timeout is None else _START_SECONDS, late):
            taken = _ask(child, job)
        if taken:
            began = time.monotonic()
            with _limit(child, timeout, late):
                answer = _answer(child)
        if answer is not None:
            self._words.truncate(0)
            return Record.from_json(json.loads(answer))
        _end(child)
        self._child = None
        self._sweep(job)
        spent = time.monotonic() - began
        if late.is_set() and taken:
            hint = "allow more with --timeout, or leave the package out"
            reason = f"not finished after {timeout:g} seconds"
            return Record(job.source, job.name, Outcome.FAILED, reason=reason, hint=hint, seconds=spent)
        return Record(job.source, job.name, Outcome.DIED, reason=self._last_words(child), seconds=spent)

    def close(self) -> None:
        """End the child, in the middle of a job if there is one. Safe from another thread."""
        self._closed.set()
        child = self._child
        if child is not None:
            _end(child)
        with contextlib.suppress(OSError):
            self._words.close()

    def _ready(self) -> subprocess.Popen[bytes]:
        """The child, or a new one where there is none or it has ended since."""
        if self._child is not None:
            if self._child.poll() is None:
                return self._child
            _end(self._child)
        # The child finds the same modules, the step's among them; -P keeps the current folder out of their way.
        paths = os.pathsep.join(path for path in sys.path if path)
        child = subprocess.Popen(  # noqa: S603 - this very interpreter, and a fixed line
            [sys.executable, "-P", "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env={**os.environ, "PYTHONPATH": paths},
            start_new_session=True,
        )
        self._child = child
        if self._closed.is_set():
            _end(child)
        return child

    def _sweep(self, job: Job) -> None:
        """Remove what a killed child has left; where this machine cannot, the next run does."""
        with contextlib.suppress(OSError, AuthoringError):
            for left in work_folder(job.destination, job.run).glob(f"{job.name}.{'[0-9a-f]' * 8}"):
                remove(left)

    def _last_words(self, child: subprocess.Popen[bytes]) -> str:
        code = child.returncode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            memory = ": out of memory, most likely" if name == "SIGKILL" else ""
            how = f"its process was ended by {name}{memory}"
        else:
            how = f"its process ended with {code}"
        with contextlib.suppress(OSError, ValueError):
            self._words.seek(0)
            lines = [line.strip() for line in self._words.read().decode("utf-8", "replace").splitlines()]
            said = next((line for line in lines if line.startswith("Fatal")), next(filter(None, reversed(lines)), ""))
            self._words.truncate(0)
            if said:
                how = f"{how} ({said[:_SHOWN]})"
        return how


@contextmanager
def _limit(child: subprocess.Popen[bytes], seconds: float | None, late: threading.Event) -> Iterator[None]:
    """Kill the child when the block takes longer."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, _end, (child, late))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _ask(child: subprocess.Popen[bytes], job: Job) -> bool:
    """Whether the child has taken the job: it has not when it ended instead."""
    assert child.stdin is not None
    request = pickle.dumps(job)
    try:
        child.stdin.write(_SIZE.pack(len(request)) + request)
        child.stdin.flush()
    except (OSError, ValueError):
        return False
    return _answer(child) is not None


def _answer(child: subprocess.Popen[bytes]) -> bytes | None:
    """The child's next line, or None when it ended instead."""
    assert child.stdout is not None
    try:
        line = child.stdout.readline()
    except (OSError, ValueError):
        return None
    return line if line.endswith(b"\n") else None


def _end(child: subprocess.Popen[bytes], note: threading.Event | None = None) -> None:
    """Kill a child and all that it has started, and wait until it is gone."""
    if note is not None:
        note.set()
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(child.pid, signal.SIGKILL)
            else:
                child.kill()
    child.wait()
    if note is None:
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def serve() -> None:
    """The child: jobs from standard input, answers to what was standard output."""
    faulthandler.enable()
    answers = os.fdopen(os.dup(1), "wb")
    # What a step prints must not end up between the answers.
    os.dup2(2, 1)
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    while True:
        job = jobs.get()
        answers.write(b"taken\n")
        answers.flush()
        record = run_job(job)
        answers.write(json.dumps(record).encode() + b"\n")
        answers.flush()


def _listen(jobs: queue.SimpleQueue[Job]) -> None:
    """Take jobs; at the end of the input, end this process in whatever it is doing, and all that it has started."""
    source = sys.stdin.buffer
    while head := source.read(_SIZE.size):
        try:
            job = pickle.loads(source.read(*_SIZE.unpack(head)))  # noqa: S301 - written by the parent
        except Exception:
            # A step that this machine does not have, say. The last line becomes the reason that people read.
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        jobs.put(job)
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
