"""rerun: the next run of one course, or of a whole list of them, unattended."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from authoring.catalogue import CatalogueCourse, load_catalogue
from authoring.cli import options
from authoring.cli.beside import Beside, apply_beside
from authoring.cli.output import (
    CONSENT,
    DEFECT,
    DIFFERENT,
    echo,
    echo_json,
    error_report,
    handle_errors,
    show_diagnostics,
    tell_interrupted,
)
from authoring.cli.several import CombinedProgress, combined_progress, defect_text
from authoring.client import Limits
from authoring.errors import SourceError
from authoring.interrupts import finishing_calls
from authoring.planner import PlanOptions
from authoring.report import notice_lines, run_report, verdict_lines
from authoring.rerunning import Reran, RerunOptions, rerun
from authoring.sandbox import DOCUMENTED, OBSERVED, Profile
from authoring.settings import load_target
from authoring.several import Ended, side_by_side
from authoring.source.runs import run_path


@click.command(name="rerun")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), required=False)
@click.option("--run", metavar="RUN", help="The new run, such as 2027_T1.")
@click.option("--start", metavar="DATE", help="When it begins; needed until runs/RUN.yaml is there.")
@click.option("--from", "source_run", metavar="RUN", help="The run to copy. Default: course.yaml's own.")
@click.option(
    "--all",
    "catalogue",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Rerun every course of a list; --run and --start then stand in the place of the list's own.",
)
@click.option(
    "--platform",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A platform.yaml, or a folder of them, to apply as the new run when the course is there.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=4, show_default=True, metavar="N", help="Courses side by side."
)
@options.target
@options.consent_beside_publishing
@click.option(
    "--copy-wait",
    type=click.FloatRange(min=0),
    default=1800.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the platform's copy.",
)
@options.limits
@options.profile
@options.wait
@options.as_json
@handle_errors
def rerun_command(
    folder: Path | None,
    run: str | None,
    start: str | None,
    source_run: str | None,
    catalogue: Path | None,
    platform: Path | None,
    jobs: int,
    target_name: str | None,
    wanted: PlanOptions,
    copy_wait: float,
    max_rate: float | None,
    max_in_flight: int,
    profile: str,
    wait: float,
    as_json: bool,
) -> None:
    """Make the next run of a live course: copied by the platform, dates moved, published. Run it again to go on.

    FILE for --all is YAML: `run`, `start` and `courses`, a list of folders or of {folder, run, start, from, platform}.
    """
    temper = OBSERVED if profile == "observed" else DOCUMENTED
    several = RerunOptions(replace(wanted, publish=True), copy_wait, wait, temper, Limits(max_rate, max_in_flight))
    if catalogue is not None:
        if folder is not None or source_run is not None or platform is not None:
            raise click.UsageError("with --all, folders, the runs that are copied and platform files stand in the list")
        courses = load_catalogue(catalogue, run=run, start=start)
    elif run is None:
        raise click.UsageError("--run says what the new run is called")
    else:
        courses = (CatalogueCourse(folder or Path(), run, start, source_run, platform),)
    ended = _rerun_all(courses, target_name, several, jobs)
    beside = _apply_beside(courses, ended, target_name, temper)
    code = max(*(_code(one) for one in ended), *(one.exit_code for one in beside), 0)
    if as_json:
        rows = [_row(one) for one in ended]
        applied = {"platform": [one.to_json() for one in beside]} if beside else {}
        echo_json({"ok": code == 0, "courses": rows, **applied} if catalogue is not None else {**rows[0], **applied})
    else:
        for one in ended:
            _show(one)
        for file in beside:
            file.show()
        if catalogue is not None:
            echo(f"{sum(_code(one) == 0 for one in ended)} of {len(ended)} courses have their run")
    sys.exit(code)


def _rerun_all(
    courses: Sequence[CatalogueCourse], target_name: str | None, wanted: RerunOptions, jobs: int
) -> Sequence[Ended[Reran]]:
    """Do all side by side. A signal lets the calls in flight end; those that were not begun are begun no more."""
    by_folder = {course.folder: course for course in courses}

    def work(folder: Path) -> Reran:
        return _rerun_one(by_folder[folder], target_name, wanted, progress)

    with finishing_calls(tell_interrupted), combined_progress(len(courses)) as progress:
        return side_by_side(by_folder, work, jobs=jobs, ended=lambda found: progress.course_ended(found.ok))


def _rerun_one(
    course: CatalogueCourse,
    target_name: str | None,
    wanted: RerunOptions,
    progress: CombinedProgress,
) -> Reran:
    return rerun(
        course.folder,
        load_target(target_name, course.folder, os.environ),
        course.run,
        start=course.start,
        source_run=course.source_run,
        observer=progress,
        environ=os.environ,
        options=wanted,
    )


def _apply_beside(
    courses: Sequence[CatalogueCourse], ended: Sequence[Ended[Reran]], target_name: str | None, profile: Profile
) -> tuple[Beside, ...]:
    """Apply the platform files of the courses, each once as each run, where all that name it have their run."""
    files: dict[tuple[Path, str], list[Path]] = {}
    for course in courses:
        if course.platform is not None:
            files.setdefault((course.platform, course.run), []).append(course.folder)
    if not files:
        return ()
    ready = {one.folder: _code(one) in (0, DIFFERENT) for one in ended}
    with finishing_calls(tell_interrupted):
        return apply_beside(files, ready, target_name, profile)


def _code(one: Ended[Reran]) -> int:
    if one.error is not None:
        return one.error.exit_code
    if one.result is None:
        return DEFECT
    if one.result.verdict is None:
        return CONSENT
    return 0 if one.result.verdict.ok else DIFFERENT


def _row(one: Ended[Reran]) -> dict[str, object]:
    row: dict[str, object] = {"folder": str(one.folder), "exit_code": _code(one)}
    if one.error is not None:
        return row | error_report(one.error)
    if one.result is None:
        return row | {"error": {"kind": "defect", "message": defect_text(one.defect), "hint": None}}
    return row | _report(one.result)


def _report(done: Reran) -> dict[str, object]:
    """What a rerun did, for scripts."""
    head: dict[str, object] = {
        "course": str(done.course),
        "source": str(done.source),
        "copied": done.copied,
        "written": run_path(done.course.run) if done.written else None,
        "calls": {str(kind): count for kind, count in sorted(done.calls.items()) if count},
    }
    if done.applied is None or done.verdict is None:
        return head | {"operations": [], "notices": list(notice_lines(done.plan))}
    return {
        **run_report(done.plan, done.applied, calls=done.calls),
        **head,
        "verified": done.verdict.to_json(),
        "resent": done.resent,
    }


def _show(one: Ended[Reran]) -> None:
    if one.error is not None:
        if isinstance(one.error, SourceError):
            show_diagnostics(one.error.diagnostics, quiet=True)
        echo(f"{one.folder}: FAILED: {one.error.message}")
        if one.error.hint:
            echo(f"  hint: {one.error.hint}")
    elif one.result is None:
        echo(f"{one.folder}: FAILED: {defect_text(one.defect)}; this is a defect of the toolkit, please report it")
    else:
        for line in _lines(one.folder, one.result):
            echo(line)


def _lines(folder: Path, done: Reran) -> Sequence[str]:
    lines = [f"{folder}: {done.course}, a run of {done.source}"]
    if done.written is not None:
        lines.append(f"  wrote {done.written}: look at its dates, and commit it")
    if done.copied:
        lines.append("  copied by the platform")
    if done.applied is None or done.verdict is None:
        lines.append("  NOT SENT: the plan needs consent; run the same command again with the flag that it names")
        return [*lines, *(f"  {line}" for line in notice_lines(done.plan))]
    count = len(done.applied.operations)
    lines.append(f"  {count} operations done" if count else "  nothing to do: it is as its source says")
    return [*lines, *(f"  {line}" for line in (*verdict_lines(done.verdict, done.resent), *notice_lines(done.plan)))]
