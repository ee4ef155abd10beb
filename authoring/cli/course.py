"""check, plan, push, publish, status: a course folder and where it lives."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path

import click

from authoring.checks import check_course
from authoring.cli import options
from authoring.cli.output import (
    CONSENT,
    DIFFERENT,
    count_line,
    echo,
    echo_json,
    handle_errors,
    run_progress,
    show_diagnostics,
    stderr_console,
    tell,
    tell_interrupted,
)
from authoring.cli.several import Wanted, push_several
from authoring.client import Limits
from authoring.diagnostics import Diagnostics, Severity
from authoring.errors import SourceError, StalePlanError
from authoring.grading import grade_course
from authoring.interrupts import finishing_calls
from authoring.operations import Plan, plan_from_json, plan_to_json
from authoring.packages import Packages
from authoring.planner import PlanOptions
from authoring.report import (
    draft_lines,
    impacts,
    nothing_to_do,
    notice_lines,
    plan_lines,
    plan_report,
    planned_calls,
    planned_names,
    run_report,
    verdict_lines,
)
from authoring.sandbox import DOCUMENTED, OBSERVED
from authoring.sarif import sarif_log
from authoring.session import Session, open_session
from authoring.settings import load_target
from authoring.source import read_course
from authoring.state import local_folder
from authoring.transport import Transport
from authoring.verifying import Verdict


@click.command()
@options.course_folder
@options.strict
@click.option("--grade", is_flag=True, help="Grade the problems as well, as `authoring test` does (extra `real`).")
@options.allow_code
@click.option("--sarif", is_flag=True, help="Print the findings as SARIF 2.1.0, for code-scanning views.")
@options.run
@options.as_json
@handle_errors
def check(
    folder: Path, strict: bool, grade: bool, allow_code: bool, sarif: bool, run: str | None, as_json: bool
) -> None:
    """Read a course folder and say what is wrong with it. Sends nothing."""
    if allow_code and not grade:
        raise click.UsageError("--allow-code is for --grade: nothing else runs code")
    course, diagnostics = read_course(folder, run)
    findings = Diagnostics(diagnostics)
    if course is not None:
        findings.extend(check_course(course))
        findings.extend(Packages(lambda: local_folder(folder)).check(course))
        if grade:
            findings.extend(grade_course(course, allow_code=allow_code))
    bad = bool(findings.errors) or (strict and any(f.severity is Severity.WARNING for f in findings))
    blocks = Counter(block.category for block in course.blocks()) if course is not None else Counter[str]()
    if sarif:
        echo_json(sarif_log(findings.sorted()))
    elif as_json:
        echo_json(
            {
                "ok": not bad,
                "course": str(course.id) if course is not None else None,
                "blocks": dict(sorted(blocks.items())),
                "diagnostics": [finding.to_json() for finding in findings.sorted()],
            }
        )
    else:
        show_diagnostics(findings)
        if course is not None:
            listing = ", ".join(f"{category} {count}" for category, count in blocks.most_common())
            echo(f"{course.id}: {sum(blocks.values())} blocks ({listing}), {len(course.assets)} files")
        echo(f"{folder}: {count_line(findings)}")
    sys.exit(1 if bad else 0)


@click.command()
@options.course_folder
@options.target
@options.consent
@options.transport
@options.profile
@options.strict
@options.wait
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan, for `push --plan`.")
@options.run
@options.as_json
@handle_errors
def plan(
    folder: Path,
    target_name: str | None,
    wanted: PlanOptions,
    transport: str,
    profile: str,
    strict: bool,
    wait: float,
    out: Path | None,
    run: str | None,
    as_json: bool,
) -> None:
    """Say what a push would do, call by call. Sends nothing that changes anything."""
    with open_for(folder, target_name, profile, wait, run=run) as session:
        _stop_on_warnings(session, strict)
        made = session.plan(_for(session, wanted), Transport(transport))
        _show_plan(session, made, as_json=as_json)
        if out is not None:
            _save_plan(made, out)
    sys.exit(CONSENT if any(notice.blocking for notice in made.notices) else 0)


@click.command()
@click.argument("folders", metavar="[DIR]...", nargs=-1, type=click.Path(path_type=Path))
@options.target
@options.consent
@options.transport
@options.profile
@options.strict
@options.wait
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Apply a plan saved by `plan --out`, as it stands, or refuse it as stale.",
)
@click.option(
    "--verify/--no-verify",
    default=True,
    show_default=True,
    help="Read back what was sent, and send again what was lost.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=4, show_default=True, metavar="N", help="Courses pushed side by side."
)
@options.limits
@options.run
@options.as_json
@handle_errors
def push(
    folders: tuple[Path, ...],
    target_name: str | None,
    wanted: PlanOptions,
    transport: str,
    profile: str,
    strict: bool,
    wait: float,
    plan_file: Path | None,
    verify: bool,
    jobs: int,
    max_rate: float | None,
    max_in_flight: int,
    run: str | None,
    as_json: bool,
) -> None:
    """Bring a course folder to its target: create what is new, update what changed, nothing twice.

    Several folders are pushed side by side; the failure of one leaves the others alone.
    """
    limits = Limits(max_rate, max_in_flight)
    if len(folders) > 1:
        if plan_file is not None:
            raise click.UsageError("--plan is the plan of one course")
        if len({path.resolve() for path in folders}) < len(folders):
            raise click.UsageError("the same folder is named twice")
        temper = OBSERVED if profile == "observed" else DOCUMENTED
        several = Wanted(target_name, wanted, Transport(transport), temper, strict, wait, jobs, limits, verify, run)
        push_several(folders, several, as_json=as_json)
    folder = folders[0] if folders else Path()
    with open_for(folder, target_name, profile, wait, limits, run=run) as session:
        _stop_on_warnings(session, strict)
        if plan_file is not None:
            made = _load_plan(plan_file, folder)
            session.check_fresh(made)
        else:
            made = session.plan(_for(session, wanted), Transport(transport))
        _apply(session, made, as_json=as_json, verified=_for(session, wanted) if verify else None)


@click.command()
@options.course_folder
@options.target
@options.profile
@options.wait
@options.run
@options.as_json
@handle_errors
def publish(folder: Path, target_name: str | None, profile: str, wait: float, run: str | None, as_json: bool) -> None:
    """Make what was pushed, and is still a draft, what learners see. Pushes nothing."""
    with open_for(folder, target_name, profile, wait, run=run) as session:
        _apply(session, session.plan(PlanOptions(publish=True, only_publish=True)), as_json=as_json)


@click.command()
@options.course_folder
@options.target
@options.profile
@options.wait
@options.run
@options.as_json
@handle_errors
def verify(folder: Path, target_name: str | None, profile: str, wait: float, run: str | None, as_json: bool) -> None:
    """Read the whole live course back and compare it with what was pushed. Changes nothing; exits with 8 on a difference."""
    with open_for(folder, target_name, profile, wait, run=run) as session:
        verdict = session.verify()
        if as_json:
            echo_json({"course": str(session.course.id), **verdict.to_json()})
        else:
            echo(f"{session.course.id} on {where(session)}")
            for line in verdict_lines(verdict):
                echo(f"  {line}")
    _exit_with(verdict)


@click.command()
@options.course_folder
@options.target
@options.profile
@options.wait
@click.option("--exit-code", is_flag=True, help="Exit with 8 when source and platform differ.")
@options.run
@options.as_json
@handle_errors
def status(
    folder: Path, target_name: str | None, profile: str, wait: float, exit_code: bool, run: str | None, as_json: bool
) -> None:
    """Say where source, lock file and platform stand. Changes nothing."""
    with open_for(folder, target_name, profile, wait, run=run) as session:
        made = session.plan(_for(session, PlanOptions()))
        part = session.state.part
        drafts = tuple(made.drafts)
        different = bool(made.operations or made.drafts or made.notices)
        if as_json:
            echo_json(
                {
                    "course": str(made.course),
                    "target": made.target,
                    "locked_blocks": len(part.entries),
                    "pending": {str(impact): count for impact, count in impacts(made).items()},
                    "drafts": [str(key) for key in drafts],
                    "notices": [{"kind": n.kind, "message": n.message} for n in made.notices],
                    "same": not different,
                }
            )
        else:
            echo(f"{made.course} on {where(session)}")
            echo(f"  {len(part.entries)} blocks in the lock file")
            if made.operations:
                listing = ", ".join(f"{count} {impact}" for impact, count in impacts(made).items())
                echo(f"  to push: {len(made.operations)} operations ({listing}); see `authoring plan {folder}`")
            else:
                echo("  nothing to push")
            for line in (*notice_lines(made), *draft_lines(made, done=False)):
                echo(f"  {line}")
    sys.exit(DIFFERENT if exit_code and different else 0)


def open_for(
    folder: Path,
    target_name: str | None,
    profile: str,
    wait: float,
    limits: Limits | None = None,
    run: str | None = None,
) -> AbstractContextManager[Session]:
    target = load_target(target_name, folder, os.environ)
    return open_session(
        folder,
        target,
        environ=os.environ,
        profile=OBSERVED if profile == "observed" else DOCUMENTED,
        wait=wait,
        limits=limits,
        run=run,
        tell=tell,
    )


def _for(session: Session, wanted: PlanOptions) -> PlanOptions:
    """The embedded sandbox may always be refilled: it belongs to this machine, and the lock file may come from another."""
    return wanted.with_recreate() if session.embedded else wanted


def where(session: Session) -> str:
    return "the embedded sandbox" if session.embedded else session.target.identity


def _stop_on_warnings(session: Session, strict: bool) -> None:
    findings = Diagnostics(session.diagnostics)
    findings.extend(check_course(session.course))
    findings.extend(session.check_packages())
    bad = findings.errors or (strict and any(finding.severity is Severity.WARNING for finding in findings))
    if bad:
        raise SourceError(f"{session.folder}: the course has findings that stop it", findings)
    show_diagnostics(findings, quiet=True)


def _show_plan(session: Session, made: Plan, *, as_json: bool) -> None:
    names = planned_names(made, session.state.part, session.dialect)
    if as_json:
        echo_json(plan_report(made, session.dialect, names))
        return
    kinds = Counter(str(call.kind) for _, calls in planned_calls(made, session.dialect, names) for call in calls)
    for line in plan_lines(made, kinds, where=where(session)):
        echo(line)


def _exit_with(verdict: Verdict | None) -> None:
    if verdict is not None and not verdict.ok:
        sys.exit(DIFFERENT)


def _apply(session: Session, made: Plan, *, as_json: bool, verified: PlanOptions | None = None) -> None:
    """Run a plan and say what was done; with the options it was `verified` with, read back what it touched."""
    if any(notice.blocking for notice in made.notices):
        _show_plan(session, made, as_json=as_json)
        stderr_console().print("Nothing was sent: the plan needs consent (see STOP above).", style="red")
        sys.exit(CONSENT)
    verdict, resent = None, 0
    with finishing_calls(tell_interrupted), run_progress(made) as observer:
        if verified is not None:
            applied, verdict, resent = session.apply_verified(made, verified, observer)
        else:
            applied = session.apply(made, observer)
    if as_json:
        report = run_report(made, applied, calls=session.client.calls)
        if verdict is not None:
            report |= {"verified": verdict.to_json(), "resent": resent}
        echo_json(report)
        _exit_with(verdict)
        return
    calls = session.client.calls
    total = sum(calls.values())
    listing = ", ".join(f"{kind} {count}" for kind, count in sorted(calls.items()))
    echo(f"{made.course} on {where(session)}")
    if applied.operations:
        echo(f"  {len(applied.operations)} operations done, {len(applied.created)} blocks made")
    else:
        echo(f"  {nothing_to_do(made)}")
    echo(f"  {total} calls ({listing})" if total else "  no calls")
    if verdict is not None:
        for line in verdict_lines(verdict, resent):
            echo(f"  {line}")
    for line in (*notice_lines(made), *draft_lines(made, done=True)):
        echo(f"  {line}")
    if session.embedded:
        echo(f"  look at it: authoring sandbox {session.folder}")
    _exit_with(verdict)


def _save_plan(made: Plan, out: Path) -> None:
    try:
        out.write_text(json.dumps(plan_to_json(made), ensure_ascii=False, indent=1, default=list) + "\n", "utf-8")
    except OSError as error:
        raise StalePlanError(f"{out}: the plan cannot be written ({error.strerror})", "choose another --out") from error
    stderr_console().print(f"Saved: authoring push --plan {out}", markup=False)


def _load_plan(path: Path, folder: Path) -> Plan:
    remedy = "make one: authoring plan DIR --out FILE"
    try:
        row = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StalePlanError(f"{path}: not a saved plan ({error})", remedy) from error
    try:
        return plan_from_json(row, folder)
    except StalePlanError as error:
        raise StalePlanError(f"{path}: {error.message}", error.hint or remedy) from error
