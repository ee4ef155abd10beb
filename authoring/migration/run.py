"""A migration from end to end: packages found, done before or not, run, written down, reported.

`plan_migration` says what there is to do and changes nothing; `run_migration` does it. One run at a time works on a
destination of this machine. State there, or behind the destination's URL:

    migration.jsonl   a line for each package, the last word on it
    report.json, report.md
    .unfinished/      work folders (local destinations); removed when a run begins and when it ends
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from authoring.errors import AuthoringError, BusyError
from authoring.migration.locations import Remote, locate, reaching
from authoring.migration.records import Journal, Outcome, Record, Step
from authoring.migration.report import Report
from authoring.migration.runners import Runner
from authoring.migration.sources import Package, find_packages, name_packages
from authoring.migration.storage import UNFINISHED_FOLDER, remove
from authoring.migration.work import Job, scratch_folder

JOURNAL = "migration.jsonl"
_LOCK = ".migration.lock"
_UPLOAD_SECONDS = 30
"""How often the journal of a remote destination is copied there: its storage cannot append."""


class Standing(StrEnum):
    """What the journal says of a package before a run."""

    NEW = "new"
    FAILED = "failed before"
    DONE = "done before"
    """Its digest is compared; it is converted again only if it has changed."""
    RESIZED = "changed"
    """Done before, but its size is another now."""


@dataclass(frozen=True, slots=True)
class Item:
    """A package with its place in the plan."""

    package: Package
    name: str
    """Of its course folder."""
    standing: Standing
    wanted: bool
    """Whether this run looks at it; `--only-failed` leaves others waiting."""


class Observer(Protocol):
    """Told of progress, from the thread that runs the migration."""

    def began(self, items: Sequence[Item]) -> None: ...

    def ended(self, item: Item, record: Record) -> None: ...


def plan_migration(sources: Iterable[str], destination: str, *, only_failed: bool = False) -> tuple[Item, ...]:
    """The packages, their course folders and how they stand, by source. Changes nothing.

    Raises AuthoringError for sources that are not there or hold nothing, and for an unreadable journal.
    """
    place = locate(destination)
    if isinstance(place, Path) and place.exists() and not place.is_dir():
        raise AuthoringError(f"{place}: the destination is a file", "name a folder")
    known = _read_journal(place)
    return _plan(sources, place, known, only_failed=only_failed)


def _plan(
    sources: Iterable[str], place: Path | Remote, known: Mapping[str, Record], *, only_failed: bool
) -> tuple[Item, ...]:
    packages = find_packages(sources, leave_out=place if isinstance(place, Path) else None)
    names = name_packages(packages, {source: record.destination for source, record in known.items()})
    items = []
    for package in packages:
        standing = _standing(package, known.get(package.source))
        wanted = not only_failed or standing is Standing.FAILED
        items.append(Item(package, names[package.source], standing, wanted))
    return tuple(items)


def _standing(package: Package, record: Record | None) -> Standing:
    if record is None:
        return Standing.NEW
    if record.outcome is Outcome.FAILED:
        return Standing.FAILED
    file = not Path(package.source).is_dir()
    return Standing.RESIZED if file and record.size != package.size else Standing.DONE


def run_migration(
    sources: Iterable[str],
    destination: str,
    step: Step,
    runner: Runner,
    *,
    only_failed: bool = False,
    force: bool = False,
    fail_under: float | None = None,
    observer: Observer | None = None,
) -> Report:
    """Migrate. Returns the report, which has been written beside the course folders as well.

    A package that fails is in the report and stops nothing. Raises AuthoringError as `plan_migration` does, and
    BusyError when another run works on the same destination; an interrupted run goes on when it is started again.
    """
    place = locate(destination)
    root = str(place) if isinstance(place, Path) else place.url(place.path)
    run = f"run-{uuid.uuid4().hex[:8]}"
    with _home(place, root, run) as home:
        journal = Journal(home / JOURNAL)
        try:
            items = _plan(sources, place, journal.latest(), only_failed=only_failed)
            chosen = {item.package.source: item for item in items if item.wanted}
            if observer is not None:
                observer.began(list(chosen.values()))
            # The largest first: a long one that begins last would keep one worker busy and the others idle.
            order = sorted(chosen.values(), key=lambda item: (-item.package.size, item.package.source))
            jobs = [
                Job(item.package.source, item.name, root, run, step, force, journal.get(item.package.source))
                for item in order
            ]
            now: dict[str, Outcome] = {}
            copied = time.monotonic()
            for record in _settled(runner, jobs):
                _write_down(journal, record)
                now[record.source] = record.outcome
                if observer is not None:
                    observer.ended(chosen[record.source], record)
                if isinstance(place, Remote) and time.monotonic() - copied > _UPLOAD_SECONDS:
                    _put(place, JOURNAL, journal.path.read_bytes())
                    copied = time.monotonic()
            journal.compact()
            report = _report(items, journal, now, fail_under)
        finally:
            journal.close()
            if isinstance(place, Remote):
                _put(place, JOURNAL, journal.path.read_bytes())
        _publish_report(place, report)
    return report


def _settled(runner: Runner, jobs: Sequence[Job]) -> Iterator[Record]:
    """A last word for each job: one whose process died is tried once more, alone, before it is given up."""
    died: list[Job] = []
    by_source = {job.source: job for job in jobs}
    with closing(runner.run(jobs)) as records:
        for record in records:
            if record.outcome is Outcome.DIED:
                died.append(by_source[record.source])
            else:
                yield record
    if not died:
        return
    with closing(runner.run(died, alone=True)) as records:
        for record in records:
            if record.outcome is Outcome.DIED:
                hint = "it died twice, the second time alone; see docs/migrate.md"
                yield Record(
                    record.source,
                    record.destination,
                    Outcome.FAILED,
                    reason=record.reason,
                    hint=hint,
                    seconds=record.seconds,
                )
            else:
                yield record


def _write_down(journal: Journal, record: Record) -> None:
    """Into the journal, which knows packages as converted or failed. An unchanged one is there already."""
    if record.outcome is not Outcome.UNCHANGED:
        journal.append(record)


def _report(items: Iterable[Item], journal: Journal, now: dict[str, Outcome], fail_under: float | None) -> Report:
    report = Report(fail_under)
    ordered = sorted(items, key=lambda item: item.name)
    records = journal.records(item.package.source for item in ordered)
    for item in ordered:
        source = item.package.source
        if journal.get(source) is None:
            report.add_waiting(source, item.name)
            continue
        record = next(records)
        kept = record.outcome if record.outcome is Outcome.FAILED else Outcome.UNCHANGED
        report.add(record, now.get(source, kept))
    return report


def _publish_report(place: Path | Remote, report: Report) -> None:
    texts = {
        "report.json": json.dumps(report.to_json(), ensure_ascii=False, indent=1) + "\n",
        "report.md": report.to_markdown(),
    }
    for name, text in texts.items():
        if isinstance(place, Remote):
            _put(place, name, text.encode())
        else:
            fresh = place / f"{name}.new"
            fresh.write_text(text, "utf-8")
            fresh.replace(place / name)


def _put(place: Remote, name: str, content: bytes) -> None:
    with reaching(place.url(place.path)):
        place.filesystem.makedirs(place.path, exist_ok=True)
        place.filesystem.pipe_file(place.child(name), content)


def _read_journal(place: Path | Remote) -> dict[str, Record]:
    """What a journal says, without opening it for writing."""
    if isinstance(place, Path):
        path = place / JOURNAL
        return Journal.read(path.read_bytes(), str(path)) if path.exists() else {}
    content = _get(place, JOURNAL)
    return Journal.read(content, place.url(place.child(JOURNAL))) if content is not None else {}


def _get(place: Remote, name: str) -> bytes | None:
    try:
        with reaching(place.url(place.path)):
            content: bytes = place.filesystem.cat_file(place.child(name))
    except FileNotFoundError:
        return None
    return content


@contextmanager
def _home(place: Path | Remote, root: str, run: str) -> Iterator[Path]:
    """The folder with the journal of this run, locked and tidy: the destination itself, or a stand-in for a remote one."""
    try:
        home = place if isinstance(place, Path) else scratch_folder(root)
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AuthoringError(f"{root}: cannot be made ({error.strerror})", "choose another destination") from error
    lock = FileLock(home / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise BusyError(
            f"{root}: another migration works here", "wait for it, or choose another destination"
        ) from error
    unfinished = home / UNFINISHED_FOLDER
    try:
        if isinstance(place, Remote):
            content = _get(place, JOURNAL)
            (home / JOURNAL).unlink(missing_ok=True)
            if content is not None:
                (home / JOURNAL).write_bytes(content)
        else:
            remove(unfinished)
            (unfinished / run).mkdir(parents=True)
        yield home
    except OSError as error:
        raise AuthoringError(
            f"{root}: cannot be written ({error})", "mend it, then run the same command again: it goes on from here"
        ) from error
    finally:
        # The stand-in for a remote destination goes as a whole: what counts is behind the URL by now.
        remove(home if isinstance(place, Remote) else unfinished)
        lock.release()
