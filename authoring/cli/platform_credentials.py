"""`authoring platform issuer|credential|assertion|launch|sso …`: credentials, tenants and single sign-on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from authoring.cli import options
from authoring.cli.output import echo, echo_json, handle_errors, stderr_console
from authoring.cli.platform_catalog import PARTLY, common, given, show_rows, show_saved
from authoring.cli.platform_common import (
    ask_consent,
    connected,
    consented,
    on_behalf,
    password_from,
    settings_from,
)
from authoring.client import Client
from authoring.errors import SourceError
from authoring.platform.credentials import Award, Credentials, CredentialWish
from authoring.platform.sso import (
    NOT_DOCUMENTED,
    Finding,
    LoginCheck,
    Severity,
    SsoSettings,
    address_of,
    check_hosts,
    check_logins,
    settings_for,
)
from authoring.platform.tenants import Launch, LaunchResult, Tenants
from authoring.platform.writes import wish_of
from authoring.settings import load_target


def register(group: click.Group) -> None:
    """Add the commands for credentials, tenants and single sign-on to `authoring platform`."""
    for command in (issuer, credential, assertion, launch, sso):
        group.add_command(command)


# -- issuers and credentials ----------------------------------------------------------------------------------------------


@click.group()
def issuer() -> None:
    """Issuers: who gives a credential."""


@issuer.command("list")
@on_behalf
@common
def list_issuers(user: str | None, org: str | None, target_name: str | None, as_json: bool) -> None:
    """List the issuers of the tenant."""
    with connected(target_name) as client:
        show_rows(Credentials(client, org, user).list_issuers(), "entityId", "org", "name", as_json=as_json)


@issuer.command("show")
@click.argument("name", metavar="ORG|ID")
@on_behalf
@common
def show_issuer(name: str, user: str | None, org: str | None, target_name: str | None, as_json: bool) -> None:
    """Show the issuer of an organisation."""
    with connected(target_name) as client:
        found = Credentials(client, org, user).find_issuer(name)
    if found is None:
        raise SourceError(f"there is no issuer {name!r}")
    if as_json:
        echo_json(found.model_dump())
    else:
        echo(f"{found.entityId}  {found.org or '-'}  {found.name or '-'}")


@click.group()
def credential() -> None:
    """Credentials: what somebody can be given."""


@credential.command("list")
@click.option("--search", default="", help="With these words.")
@click.option(
    "--course", default="", metavar="COURSE_KEY", help="Of this course; hidden ones too, where this is allowed."
)
@on_behalf
@common
def list_credentials(
    search: str, course: str, user: str | None, org: str | None, target_name: str | None, as_json: bool
) -> None:
    """List the public credentials, or those of a course."""
    with connected(target_name) as client:
        credentials = Credentials(client, org, user)
        rows = credentials.export_course(course) if course and not search else None
        hidden = rows is None
        if rows is None:
            rows = credentials.list(search=search, course=course)
    show_rows(rows, "entityId", "name", as_json=as_json)
    if hidden:
        stderr_console().print("note: those that are not public are not listed", style="dim")


@credential.command("show")
@click.argument("entity_id", metavar="ID")
@on_behalf
@common
def show_credential(entity_id: str, user: str | None, org: str | None, target_name: str | None, as_json: bool) -> None:
    """Show a credential by its entity id."""
    with connected(target_name) as client:
        found = Credentials(client, org, user).read(entity_id)
    if found is None:
        raise SourceError(f"there is no credential {entity_id!r}")
    if as_json:
        echo_json(found.model_dump())
    else:
        echo(f"{found.entityId}  {found.name or '-'}")


@credential.command("create")
@given
@click.option("--known", multiple=True, metavar="ID", help="An entity id that it may have got before; may be repeated.")
@click.option("--new", is_flag=True, help="It was never made before, though nobody can look that up.")
@on_behalf
@common
def create_credential(
    file: Path | None,
    values: tuple[str, ...],
    known: tuple[str, ...],
    new: bool,
    user: str | None,
    org: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Make a credential unless there is one of that name and issuer. The fields are the platform's; name and issuer are required."""
    wish = wish_of(CredentialWish, settings_from(file, values))
    with connected(target_name) as client:
        result = Credentials(client, org, user).create(wish, known, new=new)
    show_saved(result, f"credential {wish.name} ({result.record.entityId})", as_json=as_json)


@credential.command("update")
@click.argument("entity_id", metavar="ID")
@given
@on_behalf
@common
def update_credential(
    entity_id: str,
    file: Path | None,
    values: tuple[str, ...],
    user: str | None,
    org: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Change what is given of a credential."""
    with connected(target_name) as client:
        result = Credentials(client, org, user).update(entity_id, settings_from(file, values))
    show_saved(result, f"credential {entity_id}", as_json=as_json)


@credential.command("delete")
@click.argument("entity_id", metavar="ID")
@consented
@on_behalf
@common
def delete_credential(
    entity_id: str, yes: bool, user: str | None, org: str | None, target_name: str | None, as_json: bool
) -> None:
    """Delete a credential that nobody has."""
    ask_consent(f"Delete the credential {entity_id}?", yes=yes)
    with connected(target_name) as client:
        deleted = Credentials(client, org, user).delete(entity_id)
    if as_json:
        echo_json({"deleted": deleted})
    else:
        echo(f"{entity_id}: {'deleted' if deleted else 'was not there'}")


# -- assertions -----------------------------------------------------------------------------------------------------------


@click.group()
def assertion() -> None:
    """Assertions: credentials that somebody was given."""


@assertion.command("list")
@click.argument("person", metavar="USERNAME")
@click.option("--course", default="", metavar="COURSE_KEY", help="For this course.")
@click.option("--revoked", is_flag=True, help="Also those that were taken back.")
@common
def list_assertions(
    person: str, course: str, revoked: bool, org: str | None, target_name: str | None, as_json: bool
) -> None:
    """List what a user was given."""
    with connected(target_name) as client:
        rows = Credentials(client, org).list_assertions(person, course=course, revoked=revoked)
    show_rows(rows, "entityId", "credential", "course", "issuedOn", "revoked", as_json=as_json)


@assertion.command("show")
@click.argument("assertion_id", metavar="ID")
@common
def show_assertion(assertion_id: str, org: str | None, target_name: str | None, as_json: bool) -> None:
    """Show what everybody may see of an assertion."""
    with connected(target_name) as client:
        found = Credentials(client, org).read_public(assertion_id)
    if found is None:
        raise SourceError(f"there is no assertion {assertion_id!r}, or it was revoked")
    if as_json:
        echo_json(found.model_dump())
    else:
        echo(f"{found.entityId}  {found.credential or '-'}  {found.issuedOn or '-'}")


@assertion.command("issue")
@click.argument("entity_id", metavar="CREDENTIAL")
@click.argument("person", metavar="USERNAME")
@click.option("--course", default="", metavar="COURSE_KEY", help="For this course.")
@click.option("--program", default="", help="For this program.")
@click.option("--pathway", default="", help="For this pathway.")
@click.option("--item", default="", help="For this item of the catalogue.")
@click.option("--email", help="Their address.")
@consented
@on_behalf
@common
def issue_assertion(
    entity_id: str,
    person: str,
    course: str,
    program: str,
    pathway: str,
    item: str,
    email: str | None,
    yes: bool,
    user: str | None,
    org: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Give somebody a credential, unless they have it. They are told."""
    award = Award(course, program, pathway, item)
    ask_consent(f"Give {person} the credential {entity_id}?", yes=yes)
    with connected(target_name) as client:
        result = Credentials(client, org, user).issue(entity_id, person, award, email=email)
    if as_json:
        echo_json(result.to_json())
    else:
        echo(f"{person}: {'given' if result.created else 'had it already'} ({result.record.entityId})")


@assertion.command("revoke")
@click.argument("assertion_id", metavar="ID")
@click.option("--reason", required=True, help="Why; everybody may read it.")
@consented
@on_behalf
@common
def revoke_assertion(
    assertion_id: str, reason: str, yes: bool, user: str | None, org: str | None, target_name: str | None, as_json: bool
) -> None:
    """Take back what somebody was given."""
    ask_consent(f"Revoke the assertion {assertion_id}?", yes=yes)
    with connected(target_name) as client:
        found = Credentials(client, org, user).revoke(assertion_id, reason)
    if as_json:
        echo_json(found.model_dump())
    else:
        echo(f"{assertion_id}: revoked")


# -- tenants --------------------------------------------------------------------------------------------------------------


@click.command()
@click.argument("key")
@click.argument("name")
@click.argument("username", metavar="ADMIN")
@click.argument("email")
@click.option("--password-env", metavar="VARIABLE", help="The environment variable with the administrator's password.")
@click.option("--first-name", default="", help="The administrator's.")
@click.option("--last-name", default="", help="The administrator's.")
@click.option("--role", help="The administrator's; newer releases pass over it.")
@click.option("--existing-user", is_flag=True, help="The administrator may be there already.")
@click.option("--advertising", is_flag=True, help="A tenant for advertising.")
@consented
@options.target
@options.as_json
@handle_errors
def launch(
    key: str,
    name: str,
    username: str,
    email: str,
    password_env: str | None,
    first_name: str,
    last_name: str,
    role: str | None,
    existing_user: bool,
    advertising: bool,
    yes: bool,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Launch a tenant KEY, called NAME, with an administrator. Nothing takes it back. It is sent once.

    Exit code 4: a part of it was made; the output says which.
    """
    ask_consent(f"Launch the tenant {key!r} with the administrator {username}?", yes=yes)
    password = password_from(password_env) if password_env is not None or sys.stdin.isatty() else None
    wish = Launch(key, name, username, email, password, first_name, last_name, role, existing_user, advertising)
    with connected(target_name) as client:
        _show_launch(Tenants(client).launch(wish), key, as_json=as_json)


def _show_launch(result: LaunchResult, key: str, *, as_json: bool) -> None:
    if as_json:
        echo_json(result.to_json())
    else:
        echo(f"{key}: {'launched' if result.complete else 'made in part; do not launch it again'}")
        for line in result.there:
            echo(f"  {line}")
        if not result.complete and result.launched.message:
            echo(f"  the platform says: {result.launched.message}")
    for note in result.notes:
        stderr_console().print(f"note: {note}", markup=False)
    if not result.complete:
        sys.exit(PARTLY)


# -- single sign-on -------------------------------------------------------------------------------------------------------


@click.command()
@click.option("--cms", required=True, metavar="HOST", help="Studio.")
@click.option("--lms", required=True, metavar="HOST")
@click.option("--manager", required=True, metavar="HOST", help="The data manager.")
@click.option("--slug", required=True, help="The provider's slug.")
@click.option("--check-logins", "check", is_flag=True, help="Ask each host for a token with the client credentials.")
@options.as_json
@handle_errors
def sso(cms: str, lms: str, manager: str, slug: str, check: bool, as_json: bool) -> None:
    """Print the settings for single sign-on, and check that the hosts fit together.

    --check-logins takes IBL_CLIENT_ID, IBL_CLIENT_SECRET, IBL_MANAGER_CLIENT_ID and IBL_MANAGER_CLIENT_SECRET. Exit code 1: something
    does not fit.
    """
    hosts = {"cms": cms, "lms": lms, "manager": manager}
    findings = check_hosts(hosts, slug)
    wrong = any(finding.severity is Severity.ERROR for finding in findings)
    logins = () if not check or wrong else _logins(hosts)
    settings = None if wrong else settings_for(lms, manager, slug)
    if as_json:
        echo_json(
            {
                "settings": settings.to_json() if settings else None,
                "findings": [finding.to_json() for finding in findings],
                "logins": [login.to_json() for login in logins],
            }
        )
    else:
        _show_sso(settings, findings, logins)
    if wrong or any(login.passed is False for login in logins):
        sys.exit(1)


def _logins(hosts: dict[str, str]) -> tuple[LoginCheck, ...]:
    """With client credentials alone: a session or a key would hide that they fail. Raises SettingsError."""
    other = ("IBL_STUDIO_SESSION", "IBL_STUDIO_CSRF", "IBL_PLATFORM_API_KEY", "IBL_DIALECT")
    environ = {name: value for name, value in os.environ.items() if name not in other}
    environ |= {f"IBL_{name.upper()}_URL": address_of(host).rstrip("/") for name, host in hosts.items()}
    target = load_target(None, Path(), environ)
    if target is None:
        return ()
    with Client(target) as client:
        return check_logins(client)


def _show_sso(settings: SsoSettings | None, findings: tuple[Finding, ...], logins: tuple[LoginCheck, ...]) -> None:
    for finding in findings:
        stderr_console().print(f"{finding.severity}: {finding.about}: {finding.message}", markup=False)
    if settings is None:
        stderr_console().print("No settings are shown for hosts that do not fit.", markup=False)
        return
    for page in (settings.provider, settings.client):
        echo(f"{page.title} ({page.address})")
        for name, value in page.settings.items():
            echo(f"  {name}: {value}")
        if page.note:
            echo(f"  ({page.note})")
    echo("Pages")
    for name, address in settings.pages.items():
        echo(f"  {name}: {address}")
    echo("Not documented")
    for line in NOT_DOCUMENTED:
        echo(f"  {line}")
    marks = {True: "passed", False: "FAILED", None: "not checked"}
    for login in logins:
        echo(f"{login.service.value.upper()}: {marks[login.passed]}: {login.message}")
