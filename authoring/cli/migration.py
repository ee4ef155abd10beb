"""migrate: many packages into course folders, here or on a cluster."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from authoring.cli import options
from authoring.cli.output import echo, echo_json, handle_errors, show_diagnostics, stderr_console
from authoring.cli.packages import show_import
from authoring.collecting import collect_packages
from authoring.importing import ImportOptions
from authoring.migration import (
    InProcess,
    Item,
    Outcome,
    Record,
    Report,
    Runner,
    Standing,
    WorkerProcesses,
    plan_migration,
    run_migration,
)
from authoring.migration.cluster import Cluster
from authoring.migration.sources import find_packages
from authoring.migration.step import import_step
from authoring.model import CourseId
from importers import Shape

_HOUR = 3600.0
_OVERHEAD = 100_000
"""Bytes that a package counts for beside its own in the estimate: small ones take their time, too."""
_SHOWN = 20
"""Lines about packages on the terminal; the report has them all."""


@click.command()
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.argument("destination", metavar="DEST")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    metavar="N",
    help="Worker processes. Default: as many as there are processors. 0: none, for debuggers; knows no --timeout.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=_HOUR,
    show_default=True,
    metavar="SECONDS",
    help="Give up a package after this long.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Run on the Dask cluster of this scheduler (extra `cluster`).")
@click.option("--only-failed", is_flag=True, help="Only try again what failed before.")
@click.option("--force", is_flag=True, help="Do all again, and REPLACE course folders that are there, edited or not.")
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit with 1 when less than this was kept of any package.",
)
@click.option("--dry-run", is_flag=True, help="List what would be done.")
@options.shape
@click.option(
    "--one-course",
    metavar="KEY",
    help="Make ONE course of all packages, in DEST: course-v1:ORG+NUMBER+RUN. Sections are the packages' folders.",
)
@options.as_json
@handle_errors
def migrate(
    sources: tuple[str, ...],
    destination: str,
    workers: int | None,
    timeout: float,
    scheduler: str | None,
    only_failed: bool,
    force: bool,
    fail_under: float | None,
    dry_run: bool,
    shape: str,
    explode: bool,
    one_course: str | None,
    as_json: bool,
) -> None:
    """Make course folders of many packages, side by side. Run it again to go on, or to take in what is new.

    SOURCE is a package, a folder of packages, a glob, or a URL of any of these; DEST is a folder or a URL.
    """
    if scheduler is not None and workers is not None:
        raise click.UsageError("--workers is for this machine; a cluster has its own")
    if force and only_failed:
        raise click.UsageError("--force does all again, --only-failed only what failed: choose one")
    if one_course is not None:
        if scheduler is not None or only_failed or workers is not None:
            raise click.UsageError("--one-course reads all packages in one process, and always all of them")
        told = ImportOptions(force=force, shape=Shape(shape), explode=explode)
        _collect(
            sources, destination, options.course_key(one_course, "--one-course"), told, dry_run, fail_under, as_json
        )
        return
    if dry_run:
        _show_plan(plan_migration(sources, destination, only_failed=only_failed), force=force, as_json=as_json)
        return
    plain = shape == Shape.AUTO and not explode
    with _runner(workers, scheduler, timeout) as runner, _progress() as progress:
        report = run_migration(
            sources,
            destination,
            import_step if plain else partial(import_step, shape=shape, explode=explode),
            runner,
            only_failed=only_failed,
            force=force,
            fail_under=fail_under,
            observer=progress,
        )
    if as_json:
        echo_json(report.to_json())
    else:
        _show_report(report, destination)
    sys.exit(0 if report.ok else 1)


def _collect(
    sources: tuple[str, ...],
    destination: str,
    course: CourseId,
    told: ImportOptions,
    dry_run: bool,
    fail_under: float | None,
    as_json: bool,
) -> None:
    """All packages as one course; the same account as of an import."""
    packages = [Path(package.source) for package in find_packages(sources, leave_out=Path(destination))]
    if dry_run:
        for path in packages:
            echo(str(path))
        echo(f"{len(packages)} packages for {course}")
        return
    with _counting(len(packages)) as progress:
        result = collect_packages(packages, Path(destination), course, options=told, progress=progress)
    refused = [item for item in result.items if item.what.startswith("package ")]
    ok = not refused and (fail_under is None or result.percentage >= fail_under)
    if as_json:
        echo_json({"ok": ok, "packages": len(packages), "refused": len(refused), **result.to_json()})
    else:
        show_diagnostics(result.findings, quiet=True)
        show_import(result, Path(destination))
        echo(f"{len(packages) - len(refused)} of {len(packages)} packages are in the course")
    sys.exit(0 if ok else 1)


@contextmanager
def _counting(total: int) -> Iterator[Callable[[int, int], None] | None]:
    console = stderr_console()
    if not console.is_terminal:
        yield None
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("packages", total=total)
        yield lambda done, _: progress.update(task, completed=done)


@contextmanager
def _runner(workers: int | None, scheduler: str | None, timeout: float) -> Iterator[Runner]:
    if scheduler is not None:
        with Cluster(scheduler, timeout) as cluster:
            yield cluster
    elif workers == 0:
        yield InProcess()
    else:
        yield WorkerProcesses(workers or _processors(), timeout)


def _processors() -> int:
    """Those that this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Progress:
    """Progress on stderr: a bar with an estimate on a terminal, nothing in a pipe."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._total = self._done = self._failed = 0

    def began(self, items: Sequence[Item]) -> None:
        self._total = len(items)
        if self._progress is not None:
            weight = sum(item.package.size + _OVERHEAD for item in items)
            self._task = self._progress.add_task(self._text(), total=weight)
            self._progress.start()

    def ended(self, item: Item, record: Record) -> None:
        self._done += 1
        self._failed += record.outcome is Outcome.FAILED
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, advance=item.package.size + _OVERHEAD, description=self._text())

    def _text(self) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{self._done}/{self._total} packages{failed}"


@contextmanager
def _progress() -> Iterator[_Progress]:
    console = stderr_console()
    if not console.is_terminal:
        yield _Progress(None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("left"))
    # Packages are few and large: the estimate looks back over more of them than rich's half minute.
    progress = Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        speed_estimate_period=600,
        refresh_per_second=4,
    )
    try:
        yield _Progress(progress)
    finally:
        progress.stop()


def _show_plan(items: Sequence[Item], *, force: bool, as_json: bool) -> None:
    def action(item: Item) -> str:
        if not item.wanted:
            return "leave"
        if force or item.standing is not Standing.DONE:
            return "convert"
        return "compare"

    if as_json:
        echo_json(
            [
                {
                    "source": item.package.source,
                    "size": item.package.size,
                    "destination": item.name,
                    "standing": str(item.standing),
                    "action": action(item),
                }
                for item in items
            ]
        )
        return
    for item in items:
        echo(f"{action(item):8} {item.package.source} -> {item.name} ({item.standing})")
    actions = [action(item) for item in items]
    echo(
        f"{len(items)} packages: {actions.count('convert')} to convert, {actions.count('compare')} done before, "
        f"converted again only if their digest has changed, {actions.count('leave')} to leave alone"
    )


def _show_report(report: Report, destination: str) -> None:
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.outcomes().items() if count)
    echo(f"{len(report.packages)} packages: {counts}")
    wanted = report.for_a_person()
    for line in wanted[:_SHOWN]:
        kept = f"{line.percentage:g} % kept, {line.errors} errors" if line.percentage is not None else ""
        echo(f"  {line.destination}: {line.reason or kept}")
        if line.hint:
            echo(f"    hint: {line.hint}")
    if len(wanted) > _SHOWN:
        echo(f"  and {len(wanted) - _SHOWN} more that need a person")
    echo(f"  see {destination.rstrip('/')}/report.md")
