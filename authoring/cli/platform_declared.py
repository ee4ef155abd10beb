"""`authoring platform plan|apply FILE`: what a `platform.yaml` declares, planned and applied."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from authoring import declared, interrupts
from authoring.cli import options
from authoring.cli.output import CONSENT, echo, echo_json, handle_errors, stderr_console, tell_interrupted
from authoring.cli.platform_common import connected, pairs
from authoring.declared import Applied, Notice, Operation, Options, Plan

F = TypeVar("F", bound=Callable[..., Any])


def register(group: click.Group) -> None:
    """Add `plan` and `apply` to `authoring platform`."""
    for command in (plan, apply):
        group.add_command(command)


def _choices(function: F) -> F:
    """What a plan may do beyond making and changing what is declared."""
    for option in reversed(
        (
            click.option("--launch-tenant", is_flag=True, help="Launch the declared tenant: nothing takes it back."),
            click.option("--issue", is_flag=True, help="Issue the declared assertions: people are told."),
            click.option("--delete", is_flag=True, help="DELETE on the platform what is no longer declared."),
            click.option("--overwrite", is_flag=True, help="Send yours where somebody changed it on the platform."),
            click.option(
                "--send-secrets", is_flag=True, help="Send secrets again: a new value of a variable is not noticed."
            ),
            click.option(
                "--created",
                multiple=True,
                metavar="ROW=ID",
                help="Say that a row of unknown outcome is there under this id.",
            ),
            click.option(
                "--not-created", multiple=True, metavar="ROW", help="Say that a row of unknown outcome is not there."
            ),
        )
    ):
        function = option(function)
    return function


def _options(
    launch_tenant: bool,
    issue: bool,
    delete: bool,
    overwrite: bool,
    send_secrets: bool,
    created: tuple[str, ...],
    not_created: tuple[str, ...],
) -> Options:
    return Options(
        launch_tenant, issue, delete, overwrite, send_secrets, pairs(created, "--created"), frozenset(not_created)
    )


_file = click.argument("path", metavar="FILE|DIR", type=click.Path(path_type=Path))


@click.command()
@_file
@options.run
@_choices
@options.target
@options.as_json
@handle_errors
def plan(path: Path, run: str | None, target_name: str | None, as_json: bool, **choices: Any) -> None:
    """Show what `apply` would do. Nothing is written on the platform."""
    chosen = _options(**choices)
    found = declared.read_declared(path, run)
    with connected(target_name, _place(path)) as client:
        planned = declared.plan(found, client, chosen)
    if as_json:
        echo_json(planned.to_json())
    else:
        _show_plan(planned)
    if planned.doubts:
        sys.exit(CONSENT)


@click.command()
@_file
@options.run
@_choices
@options.target
@options.as_json
@handle_errors
def apply(path: Path, run: str | None, target_name: str | None, as_json: bool, **choices: Any) -> None:
    """Make the platform as a file declares it. A second time nothing is written.

    FILE is a platform.yaml, or a folder of them. Run it again after a failure: it goes on from there.
    """
    chosen = _options(**choices)
    found = declared.read_declared(path, run)
    console = stderr_console()

    def watch(operation: Operation, what: str) -> None:
        if what != "begun" and operation.action.writes:
            console.print(f"{what}: {operation.action} {operation.key}", style="dim", markup=False)

    with interrupts.finishing_calls(tell_interrupted), connected(target_name, _place(path)) as client:
        applied = declared.apply(found, client, chosen, environ=os.environ, watch=watch)
    if as_json:
        echo_json(applied.to_json())
    else:
        show_applied(applied)
    code = CONSENT if applied.plan.doubts else applied.exit_code
    if code:
        sys.exit(code)


# -- showing ------------------------------------------------------------------------------------------------------------


def _place(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _show_plan(planned: Plan) -> None:
    for operation in planned.writes:
        echo(f"{operation.action:<7} {operation.key}: {operation.reason}")
    known = len(planned.operations) - len(planned.writes)
    if known:
        echo(f"{known} rows are there already and only go into the lock file")
    echo(f"{len(planned.writes)} writes")
    _show_notices(planned.notices)


def show_applied(applied: Applied) -> None:
    """Print what an `apply` did."""
    if applied.plan.doubts:
        echo("Nothing was sent.")
    else:
        written = [one for one in applied.done if one.action.writes]
        echo(f"{len(written)} of {len(applied.plan.writes)} writes done")
    for report in applied.imports:
        counts = ", ".join(f"{count} {state}" for state, count in report.counts.items() if count)
        echo(f"{report.file.name}: {counts or 'no rows'} ({report.results_file.name})")
        if report.stopped:
            stderr_console().print(f"  stopped: {report.stopped}", style="red", markup=False)
    for note in applied.notes:
        stderr_console().print(f"note: {note}", markup=False)
    _show_notices(applied.refused, "refused")
    _show_notices(applied.plan.notices)


def _show_notices(notices: tuple[Notice, ...], word: str = "") -> None:
    console = stderr_console()
    for notice in notices:
        console.print(f"{word or notice.concern}: {notice}", markup=False)
        if notice.hint:
            console.print(f"  hint: {notice.hint}", style="dim", markup=False)
