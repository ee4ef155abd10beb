"""rerun: the next run of one course, or of a whole catalogue, unattended."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import click

from authoring.cli import options
from authoring.cli.course import open_for, where
from authoring.cli.output import (
    CONSENT,
    DEFECT,
    DIFFERENT,
    echo,
    echo_json,
    error_report,
    handle_errors,
    show_diagnostics,
)
from authoring.cli.several import CombinedProgress, combined_progress, defect_text
from authoring.client import Limits
from authoring.diagnostics import Diagnostics
from authoring.errors import SourceError
from authoring.identity import align_implicit_keys
from authoring.planner import PlanOptions
from authoring.report import notice_lines, run_report, verdict_lines
from authoring.rerunning import copy_course, rekeyed, source_part, with_resets, write_run
from authoring.session import load_course
from authoring.several import Ended, side_by_side
from authoring.yamlnodes import Entry, items_of, mapping_of, parse_mapping, text_value


@dataclass(frozen=True, slots=True)
class _Job:
    """One course of a catalogue."""

    folder: Path
    run: str
    start: str | None


@dataclass(frozen=True, slots=True)
class _Done:
    report: Mapping[str, object]
    lines: tuple[str, ...]
    code: int


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), required=False)
@click.option("--run", metavar="RUN", help="The new run, as in 2027_T1.")
@click.option("--start", metavar="DATE", help="When it starts. Not needed when runs/RUN.yaml is there.")
@click.option(
    "--all", "catalogue", type=click.Path(path_type=Path), metavar="FILE", help="Rerun every course of a list."
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=4, show_default=True, metavar="N", help="Courses side by side."
)
@options.target
@options.limits
@options.profile
@options.wait
@click.option("--overwrite", is_flag=True, help="Write over what somebody changed in the new run meanwhile.")
@options.as_json
@handle_errors
def rerun(
    folder: Path | None,
    run: str | None,
    start: str | None,
    catalogue: Path | None,
    jobs: int,
    target_name: str | None,
    max_rate: float | None,
    max_in_flight: int,
    profile: str,
    wait: float,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Make the next run of a live course: copied by the platform, dates moved, published. Run it again to go on.

    FILE for --all is YAML: `run`, `start` and `courses`, a list of folders or of {folder, run, start}.
    """
    if (catalogue is None) == (folder is None and run is None):
        raise click.UsageError("name a folder and --run, or a list with --all")
    limits = Limits(max_rate, max_in_flight)
    job_list = _catalogue(catalogue, run, start) if catalogue is not None else _single(folder, run, start)
    with combined_progress(len(job_list)) as progress:
        by_folder = {job.folder: job for job in job_list}

        def work(place: Path) -> _Done:
            return _rerun(by_folder[place], target_name, profile, wait, limits, progress, overwrite=overwrite)

        ended = side_by_side(by_folder, work, jobs=jobs, ended=lambda found: progress.course_ended(found.ok))
    code = max(_code(one) for one in ended)
    if as_json:
        rows = [_row(one) for one in ended]
        echo_json({"ok": code == 0, "courses": rows} if catalogue is not None else rows[0])
    else:
        for one in ended:
            _show(one)
        if catalogue is not None:
            echo(f"{sum(_code(one) == 0 for one in ended)} of {len(ended)} courses have their run")
    sys.exit(code)


def _single(folder: Path | None, run: str | None, start: str | None) -> list[_Job]:
    if run is None:
        raise click.UsageError("--run names the new run")
    return [_Job(folder or Path(), run, start)]


def _catalogue(path: Path, run: str | None, start: str | None) -> list[_Job]:
    """The courses of a list. Raises SourceError with file and line."""
    findings = Diagnostics()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}", hint="name a YAML file with `courses:`") from error
    entries = parse_mapping(text, PurePosixPath(path.name), 1, findings) or {}
    listed = items_of(entries["courses"], findings) if "courses" in entries else None
    found: list[_Job] = []
    for item in listed or ():
        parts = {"folder": item} if item.scalar is not None else (mapping_of(item, findings) or {})
        place = _word(parts, "folder", findings)
        own_run = run or _word(parts, "run", findings) or _word(entries, "run", findings)
        own_start = start or _word(parts, "start", findings) or _word(entries, "start", findings)
        if place is None or own_run is None:
            raise SourceError(
                f"{item.where}: a course needs `folder` and `run`", hint="or write `run:` once, at the top"
            )
        found.append(_Job(path.parent / place, own_run, own_start))
    if findings.errors or not found:
        raise SourceError(f"{path}: no list of courses", findings, "write `courses:` with a folder behind each `- `")
    if len({job.folder.resolve() for job in found}) < len(found):
        raise SourceError(f"{path}: a folder is listed twice", hint="one run of a course at a time")
    return found


def _word(entries: Mapping[str, Entry], name: str, findings: Diagnostics) -> str | None:
    entry = entries.get(name)
    return text_value(entry, findings) if entry is not None else None


def _rerun(
    job: _Job,
    target_name: str | None,
    profile: str,
    wait: float,
    limits: Limits,
    progress: CombinedProgress,
    *,
    overwrite: bool,
) -> _Done:
    written = write_run(job.folder, job.run, job.start, lambda run: load_course(job.folder, run)[0])
    source = load_course(job.folder)[0].id
    with open_for(job.folder, target_name, profile, wait, limits, run=job.run) as session:
        course = session.course.id
        if course == source:
            raise SourceError(f"{course} is the course itself, not another run of it", hint="choose another --run")
        before = source_part(job.folder, session.state.part.target, source)
        title = session.course.root.display_name or course.number
        made = copy_course(session.client, source, course, title, before, observer=progress)
        if not any(entry.usage_key for entry in session.state.part.entries.values()):
            session.state.replace(with_resets(session.client, course, rekeyed(before, source, course)))
            session = replace(session, course=align_implicit_keys(session.course, session.state.part))
        options = PlanOptions(publish=True, overwrite=overwrite)
        plan = session.plan(options)
        if any(notice.blocking for notice in plan.notices):
            lines = tuple(notice_lines(plan))
            return _Done({"course": str(course), "notices": list(lines)}, lines, CONSENT)
        progress.planned(plan)
        applied, verdict, resent = session.apply_verified(plan, options, progress)
        report = run_report(plan, applied, calls=session.client.calls) | {
            "source": str(source),
            "copied": made,
            "run_file_written": written,
            "verified": verdict.to_json(),
            "resent": resent,
        }
        head = f"{course} on {where(session)}: {'copied now' if made else 'was there'}, {len(applied.operations)} operations"
        return _Done(
            report, (head, *verdict_lines(verdict, resent), *notice_lines(plan)), 0 if verdict.ok else DIFFERENT
        )


def _code(one: Ended[_Done]) -> int:
    if one.error is not None:
        return one.error.exit_code
    return DEFECT if one.result is None else one.result.code


def _row(one: Ended[_Done]) -> dict[str, object]:
    row: dict[str, object] = {"folder": str(one.folder), "exit_code": _code(one)}
    if one.error is not None:
        return row | error_report(one.error)
    if one.result is None:
        return row | {"error": {"kind": "defect", "message": defect_text(one.defect), "hint": None}}
    return row | dict(one.result.report)


def _show(one: Ended[_Done]) -> None:
    if one.error is not None:
        if isinstance(one.error, SourceError):
            show_diagnostics(one.error.diagnostics, quiet=True)
        echo(f"{one.folder}: FAILED: {one.error.message}")
        if one.error.hint:
            echo(f"  hint: {one.error.hint}")
    elif one.result is None:
        echo(f"{one.folder}: FAILED: {defect_text(one.defect)}; this is a defect of the toolkit, please report it")
    else:
        echo(f"{one.folder}: {one.result.lines[0]}")
        for line in one.result.lines[1:]:
            echo(f"  {line}")
