"""push of several course folders: side by side, one progress, one report."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from authoring.checks import check_course
from authoring.cli.output import (
    CONSENT,
    DEFECT,
    DIFFERENT,
    echo,
    echo_json,
    error_report,
    show_diagnostics,
    stderr_console,
    tell,
    tell_interrupted,
)
from authoring.client import Limits
from authoring.diagnostics import Diagnostics, Severity
from authoring.errors import SourceError
from authoring.interrupts import finishing_calls
from authoring.operations import Operation, Plan
from authoring.planner import PlanOptions
from authoring.report import notice_lines, run_report, verdict_lines
from authoring.sandbox import Profile
from authoring.session import open_session
from authoring.settings import load_target
from authoring.several import Ended, side_by_side
from authoring.transport import Transport


@dataclass(frozen=True, slots=True)
class Wanted:
    """What each of the pushes is to do."""

    target: str | None
    options: PlanOptions
    transport: Transport
    profile: Profile
    strict: bool
    wait: float
    jobs: int
    limits: Limits
    verify: bool = True
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Pushed:
    """One push that came to its end, or that needs consent and sent nothing."""

    report: Mapping[str, object]
    lines: tuple[str, ...]
    consent: bool = True
    same: bool = True
    """Whether what was read back is what the source says."""


def push_several(folders: Sequence[Path], wanted: Wanted, *, as_json: bool) -> None:
    """Push all, report all, and exit: 0, or the highest code of one of them."""
    with finishing_calls(tell_interrupted), combined_progress(len(folders)) as progress:

        def push_one(folder: Path) -> Pushed:
            return _push(folder, wanted, progress)

        ended = side_by_side(folders, push_one, jobs=wanted.jobs, ended=lambda found: progress.course_ended(found.ok))
    code = max(_code(one) for one in ended)
    if as_json:
        echo_json({"ok": code == 0, "courses": [_row(one) for one in ended]})
    else:
        for one in ended:
            _show(one)
        good = sum(_code(one) == 0 for one in ended)
        echo(f"{good} of {len(ended)} courses are as their sources say")
    sys.exit(code)


def _push(folder: Path, wanted: Wanted, progress: CombinedProgress) -> Pushed:
    target = load_target(wanted.target, folder, os.environ)
    with open_session(
        folder,
        target,
        environ=os.environ,
        profile=wanted.profile,
        wait=wanted.wait,
        limits=wanted.limits,
        run=wanted.run,
        tell=tell,
    ) as session:
        findings = Diagnostics(session.diagnostics)
        findings.extend(check_course(session.course))
        findings.extend(session.check_packages())
        warned = any(finding.severity is Severity.WARNING for finding in findings)
        if findings.errors or (wanted.strict and warned):
            raise SourceError(f"{folder}: the course has findings that stop it", findings)
        options = wanted.options.with_recreate() if session.embedded else wanted.options
        plan = session.plan(options, wanted.transport)
        if any(notice.blocking for notice in plan.notices):
            return Pushed(
                {"course": str(plan.course), "notices": list(notice_lines(plan))}, tuple(notice_lines(plan)), False
            )
        progress.planned(plan)
        verdict, resent = None, 0
        if wanted.verify:
            applied, verdict, resent = session.apply_verified(plan, options, progress)
        else:
            applied = session.apply(plan, progress)
        report = run_report(plan, applied, calls=session.client.calls)
        lines: tuple[str, ...] = ()
        if verdict is not None:
            report |= {"verified": verdict.to_json(), "resent": resent}
            lines = tuple(verdict_lines(verdict, resent))
        line = f"{len(applied.operations)} operations done, {sum(session.client.calls.values())} calls"
        return Pushed(report, (line, *lines, *notice_lines(plan)), same=verdict is None or verdict.ok)


def _code(one: Ended[Pushed]) -> int:
    if one.error is not None:
        return one.error.exit_code
    if one.defect is not None:
        return DEFECT
    if one.result is None or not one.result.consent:
        return CONSENT
    return 0 if one.result.same else DIFFERENT


def _row(one: Ended[Pushed]) -> dict[str, object]:
    row: dict[str, object] = {"folder": str(one.folder), "exit_code": _code(one)}
    if one.error is not None:
        return row | error_report(one.error)
    if one.defect is not None:
        return row | {"error": {"kind": type(one.defect).__name__, "message": defect_text(one.defect), "hint": None}}
    assert one.result is not None
    return row | dict(one.result.report)


def _show(one: Ended[Pushed]) -> None:
    if one.error is not None:
        if isinstance(one.error, SourceError):
            show_diagnostics(one.error.diagnostics, quiet=True)
        echo(f"{one.folder}: FAILED: {one.error.message}")
        if one.error.hint:
            echo(f"  hint: {one.error.hint}")
    elif one.defect is not None:
        echo(f"{one.folder}: FAILED: {defect_text(one.defect)}; this is a defect of the toolkit, please report it")
    elif one.result is not None:
        state = "" if one.result.consent else "NOT SENT: the plan needs consent: "
        echo(f"{one.folder}: {state}{one.result.lines[0] if one.result.lines else ''}")
        for line in one.result.lines[1:]:
            echo(f"  {line}")


def defect_text(error: Exception | None) -> str:
    """Where a defect came from."""
    if error is None:
        return "no result"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}"


class CombinedProgress:
    """The observer of all runs together: one bar on a terminal, nothing in a pipe. Safe in threads."""

    def __init__(self, courses: int, progress: Progress | None, task: TaskID | None) -> None:
        self._courses = courses
        self._done = self._failed = 0
        self._progress = progress
        self._task = task
        self._total = 0

    def planned(self, plan: Plan) -> None:
        self._total += len(plan.operations)
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, total=self._total)

    def course_ended(self, ok: bool) -> None:
        self._done += 1
        self._failed += not ok
        if self._progress is not None and self._task is not None:
            failed = f", {self._failed} failed" if self._failed else ""
            self._progress.update(self._task, description=f"{self._done}/{self._courses} courses{failed}")

    def began(self, number: int, operation: Operation) -> None:
        """One line is for all: it does not say what each is at."""

    def ended(self, number: int, operation: Operation) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task)

    def sending(self, done: int, total: int) -> None:
        """As for `began`."""

    def noted(self, message: str) -> None:
        stderr_console().print(f"note: {message}", markup=False)


@contextmanager
def combined_progress(courses: int) -> Iterator[CombinedProgress]:
    """The observer of several runs: a bar on a terminal, nothing in a pipe."""
    console = stderr_console()
    if not console.is_terminal:
        yield CombinedProgress(courses, None, None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield CombinedProgress(courses, progress, progress.add_task(f"0/{courses} courses", total=None))
