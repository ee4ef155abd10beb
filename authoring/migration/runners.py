"""Ways to run jobs: in worker processes of this machine, or in this process itself. `cluster` has the third.

A runner takes jobs and yields a Record for each, in the order in which they finish. What it does about a package whose
process dies is to say so (outcome `died`); the second try is decided above.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Sequence
from typing import Protocol, TypeAlias

from authoring.migration.lane import Lane
from authoring.migration.records import Record
from authoring.migration.work import Job, run_job

Records: TypeAlias = Generator[Record, None, None]


class Runner(Protocol):
    """Runs jobs. Closing the iterator early stops what is under way and leaves no process behind."""

    def run(self, jobs: Sequence[Job], *, alone: bool = False) -> Records:
        """A Record for each job; `alone`: one after the other, with nothing beside it."""


class InProcess:
    """One package after the other in this very process: for debuggers, and for file systems that live in memory.

    Knows no time-out, and dies with a package that kills its process.
    """

    def run(self, jobs: Sequence[Job], *, alone: bool = False) -> Records:
        for job in jobs:
            yield Record.from_json(run_job(job))


class WorkerProcesses:
    """Lanes of this machine, each fed by a thread."""

    def __init__(self, workers: int, timeout: float | None = None) -> None:
        if workers < 1:
            raise ValueError("at least one worker")
        self._workers = workers
        self._timeout = timeout

    def run(self, jobs: Sequence[Job], *, alone: bool = False) -> Records:
        waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        finished: queue.SimpleQueue[Record | BaseException] = queue.SimpleQueue()
        stopped = threading.Event()
        lanes = [Lane() for _ in range(1 if alone else min(self._workers, len(jobs)))]

        def work(lane: Lane) -> None:
            try:
                while (job := waiting.get()) is not None and not stopped.is_set():
                    finished.put(lane.run(job, self._timeout))
            except BaseException as error:
                # Raised again by whoever reads the records; a thread has nobody to tell.
                finished.put(error)

        for job in jobs:
            waiting.put(job)
        for _ in lanes:
            waiting.put(None)
        threads = [threading.Thread(target=work, args=(lane,), daemon=True) for lane in lanes]
        try:
            for thread in threads:
                thread.start()
            for _ in jobs:
                record = finished.get()
                if isinstance(record, BaseException):
                    raise record
                yield record
        finally:
            stopped.set()
            for lane in lanes:
                lane.close()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
