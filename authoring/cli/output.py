"""How commands speak: results on stdout, progress and findings on stderr, JSON where a script reads, exit codes."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from authoring import interrupts
from authoring.diagnostics import Diagnostic, Diagnostics, Severity
from authoring.errors import ApiError, AuthoringError, SourceError
from authoring.operations import Operation, Plan
from authoring.report import describe

EXIT_CODES = {
    0: "done",
    1: "the input is at fault: nothing was sent",
    2: "the command was used wrongly",
    3: "the platform refused, or could not be reached",
    4: "partly done: run the same command again, it goes on from there",
    5: "the saved plan is stale",
    6: "another writer works on the same course",
    7: "consent is needed: the plan has a step that wants a flag; nothing was sent",
    8: "`status --exit-code`: source and platform differ",
    70: "a defect of this program; please report it",
    130: "interrupted by Ctrl-C",
    143: "interrupted by SIGTERM",
}
"""Stable. docs/commands.md lists them."""

CONSENT = 7
INTERRUPTED = 130
DIFFERENT = 8
DEFECT = 70

P = ParamSpec("P")
R = TypeVar("R")


def stderr_console() -> Console:
    """For progress and findings. `NO_COLOR` is honoured by rich."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def echo(line: str = "") -> None:
    """A line of the result."""
    click.echo(line)


def echo_json(value: object) -> None:
    """The result for a script: one JSON document on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"not JSON: {type(value).__name__}")


def show_diagnostics(diagnostics: Iterable[Diagnostic], *, quiet: bool = False) -> None:
    """Findings on stderr, in the order of files and lines; `quiet` leaves out what is only worth knowing."""
    console = stderr_console()
    colours = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
    for finding in Diagnostics(diagnostics).sorted():
        if quiet and finding.severity is Severity.INFO:
            continue
        place = f"{finding.where}: " if finding.where else ""
        console.print(place, style="bold", end="", markup=False)
        console.print(f"{finding.severity}[{finding.code}]", style=colours[finding.severity], end="", markup=False)
        console.print(f": {finding.message}", markup=False)
        if finding.hint:
            console.print(f"  hint: {finding.hint}", style="dim", markup=False)


def count_line(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`, or `no errors`."""
    findings = list(diagnostics)
    parts = []
    for severity in (Severity.ERROR, Severity.WARNING):
        count = sum(finding.severity is severity for finding in findings)
        if count:
            parts.append(f"{count} {severity}{'s' if count != 1 else ''}")
    return ", ".join(parts) or "no errors"


def handle_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Turn AuthoringError into a message and its exit code; with `--json`, into a JSON document as well."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except AuthoringError as error:
            if kwargs.get("as_json"):
                echo_json(error_report(error))
            fail(error)
        except KeyboardInterrupt:
            stderr_console().print("Interrupted. Run the same command again: it goes on from here.", style="red")
            sys.exit(interrupts.exit_code())
        except BrokenPipeError:
            # The reader of a pipe went away; Python would complain once more while it closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)

    return wrapper


def tell(message: str) -> None:
    """Say on stderr why nothing happens for a while."""
    stderr_console().print(message, style="dim", highlight=False)


def tell_interrupted() -> None:
    """What is said at the first Ctrl-C: from within a signal handler, so with nothing but a write."""
    os.write(2, b"\nInterrupted: the call in flight is finished first; once more stops at once.\n")


def fail(error: AuthoringError) -> NoReturn:
    """Print an error with its findings and hint on stderr, and exit with its code."""
    if isinstance(error, SourceError):
        show_diagnostics(error.diagnostics, quiet=True)
    console = stderr_console()
    console.print("Error: ", style="bold red", end="")
    console.print(error.message, markup=False)
    if isinstance(error, SourceError) and error.diagnostics:
        console.print(f"  {count_line(error.diagnostics)}; nothing was sent", markup=False)
    hint = _hint_of(error)
    if hint:
        console.print(f"  hint: {hint}", style="dim", markup=False)
    sys.exit(error.exit_code)


def _hint_of(error: AuthoringError) -> str | None:
    """What to do next; a call that failed without a word of advice can at least be tried again."""
    if error.hint is None and isinstance(error, ApiError):
        return "run the same command again; `authoring doctor` says what answers"
    return error.hint


def error_report(error: AuthoringError) -> dict[str, object]:
    """An error for scripts."""
    report: dict[str, object] = {
        "error": {
            "kind": type(error).__name__,
            "message": error.message,
            "hint": _hint_of(error),
            "exit_code": error.exit_code,
        }
    }
    if isinstance(error, SourceError):
        report["diagnostics"] = [finding.to_json() for finding in error.diagnostics]
    return report


_LARGE = 5_000_000


class RunProgress:
    """Progress of a run on stderr: a bar on a terminal, nothing in a pipe."""

    def __init__(self, plan: Plan, progress: Progress | None, task: TaskID | None) -> None:
        self._plan = plan
        self._progress = progress
        self._task = task
        self._description = ""

    def began(self, number: int, operation: Operation) -> None:
        if self._progress is not None and self._task is not None:
            self._description = describe(operation, self._plan)[:60]
            self._progress.update(self._task, description=self._description)

    def ended(self, number: int, operation: Operation) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task)

    def sending(self, done: int, total: int) -> None:
        """Large files are shown as they go; small ones are gone before anyone reads it."""
        if self._progress is not None and self._task is not None and total > _LARGE:
            share = f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB"
            self._progress.update(self._task, description=f"{self._description} ({share})")

    def noted(self, message: str) -> None:
        stderr_console().print(f"note: {message}", markup=False)


@contextmanager
def run_progress(plan: Plan) -> Iterator[RunProgress]:
    """The observer of a run."""
    console = stderr_console()
    if not console.is_terminal or not plan.operations:
        yield RunProgress(plan, None, None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield RunProgress(plan, progress, progress.add_task("", total=len(plan.operations)))
