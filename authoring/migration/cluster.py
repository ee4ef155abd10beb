"""The same jobs on a Dask cluster: `distributed`, of the extra `cluster`.

Only a few jobs for each worker are with the scheduler at a time: hundreds of thousands would cost it memory, and an
interrupted run would have to take them back. A worker that is lost costs nothing but time, since Dask gives its jobs
to others, and a job that finds its package finished leaves it alone. Each thread of a worker drives a lane of its own,
so that a package is killed on time-out and one that crashes does not take the worker along.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Sequence
from typing import Any

from authoring.errors import AuthoringError
from authoring.migration.lane import Lane
from authoring.migration.records import Outcome, Record
from authoring.migration.runners import Records
from authoring.migration.work import Job

_AHEAD = 3
"""Jobs with the scheduler for each thread of the cluster: one at work, the others so that it never waits."""

_CONNECT_SECONDS = 30

_own = threading.local()


def run_in_lane(job: Job, timeout: float | None) -> dict[str, object]:
    """What a cluster's worker calls. The lane stays for the thread's next job, and ends with the worker's process."""
    lane = getattr(_own, "lane", None)
    if lane is None:
        lane = _own.lane = Lane()
    return lane.run(job, timeout).to_json()


class Cluster:
    """A Dask cluster by the address of its scheduler. Use as a context manager.

    Raises AuthoringError when `distributed` is missing or no scheduler answers.
    """

    def __init__(
        self, address: str, timeout: float | None = None, *, connect_seconds: float = _CONNECT_SECONDS
    ) -> None:
        try:
            self._dask: Any = importlib.import_module("distributed")
        except ModuleNotFoundError as error:
            raise AuthoringError(
                "--scheduler needs Dask's distributed, which is not installed",
                "pip install 'ibl-course-authoring[cluster]', here and on the workers",
            ) from error
        self._timeout = timeout
        try:
            self._client: Any = self._dask.Client(address, timeout=connect_seconds, set_as_default=False)
        except (OSError, ValueError) as error:
            raise AuthoringError(
                f"{address}: no Dask scheduler answers ({error})", "is it running, and is this its address?"
            ) from error

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *exception: object) -> None:
        self._client.close()

    def run(self, jobs: Sequence[Job], *, alone: bool = False) -> Records:
        waiting = iter(jobs)
        running: dict[str, tuple[Any, Job]] = {}
        done = self._dask.as_completed(loop=self._client.loop)

        def submit() -> None:
            room = 1 if alone else _AHEAD * max(1, sum(self._client.nthreads().values()))
            while len(running) < room and (job := next(waiting, None)) is not None:
                future = self._client.submit(run_in_lane, job, self._timeout, pure=False)
                running[future.key] = (future, job)
                done.add(future)

        try:
            submit()
            while running:
                future = next(done)
                _, job = running.pop(future.key)
                yield _record(future, job)
                submit()
        finally:
            if running:
                self._client.cancel([future for future, _ in running.values()], force=True)


def _record(future: Any, job: Job) -> Record:
    if future.cancelled():
        raise AuthoringError("the connection to the Dask scheduler is lost", "run again: it goes on from here")
    error = future.exception()
    if error is None:
        return Record.from_json(future.result())
    # KilledWorker (several workers were lost with this job), or something no job should raise.
    return Record(job.source, job.name, Outcome.DIED, reason=f"{type(error).__name__}: {error}")
