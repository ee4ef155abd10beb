"""`authoring platform user|enrol …`: users and enrolments, one by one and as lists."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from authoring.cli import options, platform_mentors
from authoring.cli.output import echo, echo_json, handle_errors, stderr_console
from authoring.cli.platform_common import connected, password_from
from authoring.errors import SourceError
from authoring.platform.enrolment_rows import RowOutcome
from authoring.platform.imports import ImportReport, count_rows, import_enrolments, import_users
from authoring.platform.people import HONOR, Enrolled, NewUser, People, Person, UserResult
from authoring.platform.roster_journal import RosterJournal
from authoring.session import load_course

PARTLY = 4
"""The exit code when something was done and something was not."""


def register(group: click.Group) -> None:
    """Add the commands for people, mentors and bots to `authoring platform`."""
    for command in (user, enrol):
        group.add_command(command)
    platform_mentors.register(group)


# -- users ------------------------------------------------------------------------------------------------------------


@click.group()
def user() -> None:
    """Users of the LMS."""


def _user_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(
        (
            click.argument("username"),
            click.argument("email"),
            click.option("--name", help="The full name. Not every platform takes it: the result says so."),
            click.option("--provider", help="Link with a login of this identity provider."),
            click.option("--uid", "tpa_uid", help="Who they are there. Default: the username."),
            click.option("--staff/--no-staff", "is_staff", default=None, help="Global staff: may do everything."),
            click.option("--active/--no-active", "is_active", default=None, help="Whether they can log in."),
            click.option("--password-env", metavar="VARIABLE", help="The environment variable with the password."),
            options.target,
            options.as_json,
        )
    ):
        function = option(function)
    return function


@user.command("create")
@_user_options
@handle_errors
def create_user(
    username: str,
    email: str,
    name: str | None,
    provider: str | None,
    tpa_uid: str | None,
    is_staff: bool | None,
    is_active: bool | None,
    password_env: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Make a user. The password is asked for, or stands in an environment variable."""
    new = NewUser(username, email, password_from(password_env), name, provider, tpa_uid, is_staff, is_active)
    with connected(target_name) as client:
        _show_user(People(client).create_user(new), as_json=as_json)


@user.command("update")
@_user_options
@handle_errors
def update_user(
    username: str,
    email: str,
    name: str | None,
    provider: str | None,
    tpa_uid: str | None,
    is_staff: bool | None,
    is_active: bool | None,
    password_env: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Change a user, or make one. The password stays unless --password-env names a new one."""
    password = password_from(password_env) if password_env else None
    new = NewUser(username, email, password, name, provider, tpa_uid, is_staff, is_active)
    with connected(target_name) as client:
        _show_user(People(client).update_user(new), as_json=as_json)


def _show_user(result: UserResult, *, as_json: bool) -> None:
    if as_json:
        echo_json(result.to_json())
    else:
        echo(f"{result.username}: {'made' if result.created else 'changed'}")
    for difference in result.not_taken:
        stderr_console().print(f"warning: not taken: {difference}", markup=False)
    if result.unverified:
        stderr_console().print(f"note: cannot be read back: {', '.join(result.unverified)}", markup=False)


@user.command("show")
@click.argument("username", required=False)
@click.option("--email", help="Find them by email.")
@options.target
@options.as_json
@handle_errors
def show_user(username: str | None, email: str | None, target_name: str | None, as_json: bool) -> None:
    """Show a user and their social logins."""
    if bool(username) == bool(email):
        raise click.UsageError("name a user: USERNAME or --email")
    with connected(target_name) as client:
        people = People(client)
        found = people.find_user(email) if email else people.read_user(username or "")
        if found is None:
            raise SourceError(f"there is no user {username or email!r}")
        links = people.read_links(found.username)
    if as_json:
        echo_json({**found.model_dump(), "links": [link.model_dump() for link in links]})
        return
    echo(f"{found.username}  {found.email or '-'}  {found.name or ''}  {'active' if found.is_active else 'not active'}")
    for link in links:
        echo(f"  {link.provider_id}: {link.remote_id or '-'}")


@user.command("import")
@click.argument("file", metavar="FILE.csv", type=click.Path(path_type=Path))
@click.option("--password-env", metavar="VARIABLE", help="The variable with everybody's first password.")
@click.option("--update", is_flag=True, help="Also change those who are there.")
@options.target
@options.as_json
@handle_errors
def import_user_list(
    file: Path, password_env: str | None, update: bool, target_name: str | None, as_json: bool
) -> None:
    """Make everybody on a list. Run it again: it goes on where it was.

    Columns: username, email; optional: name, password_env, provider, tpa_uid, is_staff, is_active.
    """
    with (
        _progress(file) as advance,
        connected(target_name) as client,
        RosterJournal(file, client.target.identity, "user") as journal,
    ):
        report = import_users(
            file, client, journal, environ=os.environ, password_env=password_env, update=update, advance=advance
        )
    _show_import(report, as_json=as_json)


# -- enrolments -------------------------------------------------------------------------------------------------------


@click.group()
def enrol() -> None:
    """Enrolments in courses."""


def _person_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(
        (
            click.option("--username", default="", help="The user, by name."),
            click.option("--email", default="", help="The user, by email."),
            click.option("--user-id", type=int, help="The user, by the LMS's number."),
        )
    ):
        function = option(function)
    return function


def _enrolment_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(
        (
            click.option("--mode", default=HONOR, show_default=True, help="honor, audit, verified …"),
            click.option("--no-check-access", "unchecked", is_flag=True, help="Past closed doors too."),
            options.target,
            options.as_json,
        )
    ):
        function = option(function)
    return function


@enrol.command("one")
@click.argument("course", metavar="[COURSE]", required=False, default="")
@click.option("--item", default="", help="An item of the catalogue, in the place of a course.")
@_person_options
@_enrolment_options
@handle_errors
def enrol_one(
    course: str,
    item: str,
    username: str,
    email: str,
    user_id: int | None,
    mode: str,
    unchecked: bool,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Enrol one user in one course (a key or a course folder)."""
    person = Person.named(username, email, user_id)
    key = course_key(course) if course else ""
    with connected(target_name) as client:
        row = People(client).enrol(person, key, item=item, mode=mode, check_access=not unchecked)
    _show_rows((row.named(str(person)),), as_json=as_json)


@enrol.command("courses")
@click.argument("courses", metavar="COURSE...", nargs=-1, required=True)
@_person_options
@_enrolment_options
@handle_errors
def enrol_courses(
    courses: tuple[str, ...],
    username: str,
    email: str,
    user_id: int | None,
    mode: str,
    unchecked: bool,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Enrol one user in many courses."""
    person = Person.named(username, email, user_id)
    keys = [course_key(course) for course in courses]
    with connected(target_name) as client:
        _show_rows(
            People(client).enrol_in_courses(person, keys, mode=mode, check_access=not unchecked).rows, as_json=as_json
        )


@enrol.command("students")
@click.argument("course")
@click.option("--username", "usernames", multiple=True, help="A user, by name; may be repeated.")
@click.option("--email", "emails", multiple=True, help="A user, by email; may be repeated.")
@_enrolment_options
@handle_errors
def enrol_students(
    course: str,
    usernames: tuple[str, ...],
    emails: tuple[str, ...],
    mode: str,
    unchecked: bool,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Enrol many users in one course."""
    everybody = [Person.named(username=name) for name in usernames] + [Person.named(email=email) for email in emails]
    with connected(target_name) as client:
        found = People(client).enrol_students(course_key(course), everybody, mode=mode, check_access=not unchecked)
    _show_rows(found.rows, as_json=as_json)


@enrol.command("show")
@click.argument("course")
@click.argument("username")
@options.target
@options.as_json
@handle_errors
def show_enrolment(course: str, username: str, target_name: str | None, as_json: bool) -> None:
    """Show a user's enrolment in a course."""
    with connected(target_name) as client:
        found = People(client).read_enrolment(username, course_key(course))
    if as_json:
        echo_json({"enrolled": found is not None, "enrolment": found.model_dump() if found else None})
    elif found is None:
        echo(f"{username}: not enrolled")
    else:
        echo(f"{username}: {found.mode or 'enrolled'}, {'active' if found.is_active else 'not active'}")


@enrol.command("import")
@click.argument("file", metavar="FILE.csv", type=click.Path(path_type=Path))
@click.option("--course", default="", help="The course of rows that name none: a key or a course folder.")
@options.target
@options.as_json
@handle_errors
def import_enrolment_list(file: Path, course: str, target_name: str | None, as_json: bool) -> None:
    """Enrol everybody on a list. Run it again: it goes on where it was.

    Columns: one of username, email, user_id; course (a key, or a course folder beside the list); optional: mode,
    check_access.
    """
    default = course_key(course) if course else ""

    @functools.lru_cache(1024)
    def course_of(text: str) -> str:
        if not text and not default:
            raise SourceError("the row names none, and there is no --course")
        return course_key(text, file.parent) if text else default

    with (
        _progress(file) as advance,
        connected(target_name) as client,
        RosterJournal(file, client.target.identity, "enrolment") as journal,
    ):
        report = import_enrolments(file, client, journal, course_of, advance=advance)
    _show_import(report, as_json=as_json)


_COURSE_KEY = re.compile(r"course-v1:[^/+\s]+\+[^/+\s]+\+[^/+\s]+")


def course_key(text: str, beside: Path | None = None) -> str:
    """A course key, as it is written or as a course folder has it. Raises SourceError."""
    if text.startswith("course-v1:"):
        if not _COURSE_KEY.fullmatch(text):
            raise SourceError(f"{text!r} is not a course key", hint="write course-v1:ORG+NUMBER+RUN")
        return text
    folder = (beside or Path()) / text
    if not (folder / "course.yaml").is_file():
        raise SourceError(
            f"{text!r} is neither a course key nor a course folder", hint="write course-v1:ORG+NUMBER+RUN"
        )
    return str(load_course(folder)[0].id)


# -- showing ------------------------------------------------------------------------------------------------------------


def _show_rows(rows: tuple[RowOutcome, ...], *, as_json: bool) -> None:
    """Every row; the exit code says whether all are done."""
    told = Enrolled(rows)
    if as_json:
        echo_json(told.to_json())
    else:
        words = {True: "enrolled", False: "refused", None: "not known"}
        for row in rows:
            echo(f"{row.name}: {words[row.done]}{f' ({row.reason})' if row.reason else ''}")
    if not told.complete:
        sys.exit(PARTLY)


def _show_import(report: ImportReport, *, as_json: bool) -> None:
    if as_json:
        echo_json(report.to_json())
    else:
        said = ", ".join(f"{count} {state}" for state, count in report.counts.items() if count)
        echo(f"{report.file}: {said or 'nobody on it'}")
        for row in report.problems[:20]:
            echo(
                f"  {report.file.name}:{row.line}: {row.who or '-'}: {row.state}{f' ({row.note})' if row.note else ''}"
            )
        if len(report.problems) > 20:
            echo(f"  … {len(report.problems) - 20} more")
        echo(f"  every row: {report.results_file}")
        if report.stopped is not None:
            stderr_console().print(f"stopped: {report.stopped}", markup=False)
    if not report.complete:
        sys.exit(PARTLY)


@contextmanager
def _progress(file: Path) -> Iterator[Callable[[int], None]]:
    """A bar over a list's rows on a terminal. Raises SourceError when the file cannot be read: before anything is sent."""
    total = count_rows(file)
    console = stderr_console()
    if not console.is_terminal:
        yield lambda count: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(escape(file.name), total=total)
        yield lambda count: progress.advance(task, count)
