"""The next run of a course that is live: the platform copies it, the lock file follows, and the folder has the last word.

    write runs/RUN.yaml  →  have the platform copy the course (`copying`)  →  plan, apply, publish, verify

Each step finds out by itself whether it was done, so that an interrupted run goes on where it stopped, and one that is
complete is left as it is. What the platform does not copy is not in the new part of the lock file, so the plan sends it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from authoring import interrupts
from authoring.applier import Applied, Observer
from authoring.calls import CallKind
from authoring.checks import check_course
from authoring.client import Limits
from authoring.copying import ensure_copy, nothing_to_copy
from authoring.diagnostics import Diagnostics
from authoring.errors import SettingsError, SourceError
from authoring.identity import align_implicit_keys
from authoring.lockfile import load_lockfile
from authoring.model import CourseId
from authoring.operations import Plan
from authoring.planner import PlanOptions
from authoring.runfile import new_course_id, new_run, read_schedule, same_start, start_of
from authoring.sandbox import DOCUMENTED, Profile
from authoring.session import Session, open_session
from authoring.settings import Target, sandbox_target
from authoring.source import SourceTree, read_tree
from authoring.source.runs import run_path
from authoring.verifying import Verdict


@dataclass(frozen=True, slots=True)
class RerunOptions:
    """What a rerun may do, and for how long it waits: `copy_wait` for the platform's copy, `wait` for another writer."""

    plan: PlanOptions = field(default_factory=lambda: PlanOptions(publish=True))
    copy_wait: float = 1800.0
    wait: float = 0.0
    profile: Profile = DOCUMENTED
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Reran:
    """What a rerun did. `applied` and `verdict` are None when the plan needs consent: then the copy is there, and nothing else
    was sent."""

    source: CourseId
    course: CourseId
    plan: Plan
    copied: bool = False
    """Whether the platform's copy was made, or taken over, by this invocation."""
    written: Path | None = None
    """The run's file, if it was written."""
    applied: Applied | None = None
    verdict: Verdict | None = None
    resent: int = 0
    calls: Mapping[CallKind, int] = field(default_factory=dict)
    """All requests, by kind."""


def rerun(
    folder: Path,
    target: Target | None,
    run: str,
    *,
    start: str | None,
    observer: Observer,
    source_run: str | None = None,
    environ: Mapping[str, str] | None = None,
    options: RerunOptions | None = None,
    sleep: Callable[[float], None] = interrupts.pause,
) -> Reran:
    """Make the run `run` of a course folder at `target` (None: the embedded sandbox), or complete it.

    `start` is the first day, which is needed while there is no `runs/RUN.yaml`; `source_run` the run to copy, course.yaml's
    own when left out. Raises SourceError, SettingsError, StalePlanError when there is nothing to copy, LockfileError, BusyError, and ApiError or ApplyError when the platform fails
    part of the way: the next call goes on from there.
    """
    wanted = options or RerunOptions()
    source, written = _prepare(folder, target, run, start, source_run)
    with open_session(
        folder,
        target,
        environ=os.environ if environ is None else environ,
        profile=wanted.profile,
        wait=wanted.wait,
        limits=wanted.limits,
        run=run,
    ) as session:
        _stop_on_errors(session)
        copied = ensure_copy(session, source, wait=wanted.copy_wait, observer=observer, sleep=sleep)
        session = replace(session, course=align_implicit_keys(session.course, session.state.part))
        result = _bring(session, source, wanted, observer, copied=copied)
        return replace(result, written=written, calls=dict(session.client.calls))


def _prepare(
    folder: Path, target: Target | None, run: str, start: str | None, source_run: str | None
) -> tuple[CourseId, Path | None]:
    """The course that is copied, and the run's file if it had to be written; nothing is sent."""
    tree, findings = read_tree(folder)
    if tree is None or findings.errors:
        raise SourceError(f"{folder}: the course cannot be read", findings)
    schedule = read_schedule(tree, source_run)
    source = schedule.course.id
    new_course_id(source, run)
    if source_run is not None and run == (own := read_schedule(tree).course.id.run):
        raise SourceError(f"{own} is the run of course.yaml itself", hint="name another: --run 2027_T1")
    identity = (target or sandbox_target("http://localhost")).identity
    known = load_lockfile(folder).part(identity, str(source))
    if not any(entry.usage_key for entry in known.entries.values()):
        raise nothing_to_copy(source, identity)
    if run_path(run) in tree.files:
        _check_start(tree, run, start, source_run)
        return source, None
    if start is None:
        raise SettingsError(f"there is no {run_path(run)}, so it must be said when the run begins", "add --start DATE")
    return source, _write(folder / run_path(run), new_run(schedule, run, start))


def _check_start(tree: SourceTree, run: str, start: str | None, source_run: str | None) -> None:
    """Raises SourceError when the run's file is there, and `--start` says otherwise."""
    there = read_schedule(tree, run)
    if start is not None and not same_start(there, start_of(read_schedule(tree, source_run), start)):
        raise SourceError(
            f"{run_path(run)} is there already, and has another start than {start}",
            hint="change `start` in that file, or leave out --start",
        )


def _bring(session: Session, source: CourseId, wanted: RerunOptions, observer: Observer, *, copied: bool) -> Reran:
    """Plan, apply, publish and verify the run, as a push does."""
    options = wanted.plan.with_recreate() if session.embedded else wanted.plan
    plan = session.plan(options)
    result = Reran(source, session.course.id, plan, copied)
    if any(notice.blocking for notice in plan.notices):
        return result
    applied, verdict, resent = session.apply_verified(plan, options, observer)
    if verdict.ok:
        # An archive, which tells what no read does, is asked for when there is something new to see in it.
        verdict = session.verify(archive=copied or bool(applied.operations))
    return replace(result, applied=applied, verdict=verdict, resent=resent)


def _stop_on_errors(session: Session) -> None:
    findings = Diagnostics(session.diagnostics)
    findings.extend(check_course(session.course))
    findings.extend(session.check_packages())
    if findings.errors:
        raise SourceError(f"{session.folder}: the run has findings that stop it", findings)


def _write(file: Path, text: str) -> Path:
    """Put a new file there in one step. Raises SourceError when it cannot be written."""
    temporary: str | None = None
    try:
        file.parent.mkdir(exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".run.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(file)
        temporary = None
    except OSError as error:
        raise SourceError(f"{file} cannot be written ({error.strerror})", hint="check the permissions") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return file
