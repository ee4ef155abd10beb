"""Many courses side by side: one thread and one writer each, a bounded number at a time, each one's failure its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from authoring.errors import AuthoringError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ended(Generic[T]):
    """What became of one course: a result, or the error that ended it. `defect` is one that is none of the user's."""

    folder: Path
    result: T | None = None
    error: AuthoringError | None = None
    defect: Exception | None = None

    @property
    def ok(self) -> bool:
        return self.error is None and self.defect is None


def side_by_side(
    folders: Iterable[Path],
    work: Callable[[Path], T],
    *,
    jobs: int,
    ended: Callable[[Ended[T]], None] | None = None,
) -> Sequence[Ended[T]]:
    """Do `work` for each folder, at most `jobs` at once; the results in the order of the folders.

    `ended` is told of each in the calling thread, as they end. An interrupt begins no further course, waits for those that
    are under way, and is raised again.
    """
    waiting = list(folders)
    results: dict[Path, Ended[T]] = {}
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        running: dict[Future[Ended[T]], Path] = {pool.submit(_one, work, folder): folder for folder in waiting}
        try:
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    found = future.result()
                    results[running.pop(future)] = found
                    if ended is not None:
                        ended(found)
        except BaseException:
            for future in running:
                future.cancel()
            raise
    return [results[folder] for folder in waiting]


def _one(work: Callable[[Path], T], folder: Path) -> Ended[T]:
    try:
        return Ended(folder, work(folder))
    except AuthoringError as error:
        return Ended(folder, error=error)
    except Exception as defect:  # a defect costs its own course, and is said with it
        return Ended(folder, defect=defect)
