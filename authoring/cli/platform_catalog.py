"""`authoring platform role|skill|program|pathway|resource|catalog-course …`: the catalogue, one endpoint at a time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from authoring.cli import options
from authoring.cli.output import echo, echo_json, handle_errors, stderr_console
from authoring.cli.platform_common import ask_consent, connected, consented, organisation, settings_from
from authoring.platform.catalog import Catalog, Deleted, PathwayWish, ProgramWish, ResourceWish
from authoring.platform.records import Record
from authoring.platform.taxonomy import Claim, Kind, Taxonomy, TermWish
from authoring.platform.writes import Learner, Saved, wish_of

PARTLY = 4
"""The exit code when something was done and something was not."""


def register(group: click.Group) -> None:
    """Add the commands for the catalogue to `authoring platform`."""
    for kind in Kind:
        group.add_command(_terms(kind))
    for command in (program, pathway, resource, catalog_course):
        group.add_command(command)


def common(function: Callable[..., None]) -> Callable[..., None]:
    """`--org`, `--target`, `--json`, and errors as messages."""
    for decorate in (handle_errors, options.as_json, options.target, organisation):
        function = decorate(function)
    return function


def given(function: Callable[..., None]) -> Callable[..., None]:
    """`--from FILE` and `--set NAME=VALUE`: what a row shall be."""
    function = click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="A field; may be repeated.")(
        function
    )
    path = click.Path(path_type=Path)
    return click.option("--from", "file", type=path, metavar="FILE", help="A YAML or JSON file of fields.")(function)


def person(function: Callable[..., None]) -> Callable[..., None]:
    """`--username`, `--user-id`: whose."""
    function = click.option("--user-id", type=int, help="The user, by the platform's number.")(function)
    return click.option("--username", help="The user, by name.")(function)


def learner(username: str | None, user_id: int | None) -> Learner | None:
    return Learner(user_id, username) if username or user_id is not None else None


def show_saved(result: Saved[Any], name: str, *, as_json: bool) -> None:
    """A row that was saved, and on stderr what the platform did not take."""
    if as_json:
        echo_json(result.to_json())
    else:
        echo(f"{name}: {'made' if result.created else 'was there'}")
    for difference in result.not_taken:
        stderr_console().print(f"warning: not taken: {difference}", markup=False)
    for note in result.notes:
        stderr_console().print(f"note: {note}", markup=False)


def show_rows(rows: Iterable[Record], *fields: str, as_json: bool) -> None:
    """A line a row, with these fields of it."""
    if as_json:
        echo_json([row.model_dump() for row in rows])
        return
    for row in rows:
        echo("  ".join(str(getattr(row, field)) if getattr(row, field) is not None else "-" for field in fields))


def show_deleted(deleted: Deleted, what: str, *, as_json: bool) -> None:
    if as_json:
        echo_json(deleted.model_dump())
    else:
        echo(f"{what}: {'was not there' if deleted.count == 0 else 'deleted'}")


# -- roles and skills ---------------------------------------------------------------------------------------------------


def _terms(kind: Kind) -> click.Group:
    """`authoring platform role …` or `skill …`."""
    word = kind.value[:-1]

    @click.group(word, help=f"The {kind} of the catalogue, and whose they are.")
    def group() -> None: ...

    @group.command("list", help=f"List the {kind}.")
    @click.option("--name", default="", help="With this name, whatever its case.")
    @click.option("--slug", default="", help="With this slug.")
    @common
    def list_terms(name: str, slug: str, org: str | None, target_name: str | None, as_json: bool) -> None:
        with connected(target_name) as client:
            rows = Taxonomy(client, org).list(kind, name=name, slug=slug)
        show_rows(rows, "id", "name", "slug", "platform_key", as_json=as_json)

    @group.command("save", help=f"Make a {word}, or change the one of that slug or name.")
    @click.argument("name", required=False)
    @given
    @click.option("--shared", is_flag=True, help="For all tenants.")
    @common
    def save_term(
        name: str | None,
        file: Path | None,
        values: tuple[str, ...],
        shared: bool,
        org: str | None,
        target_name: str | None,
        as_json: bool,
    ) -> None:
        fields = settings_from(file, values)
        wish = wish_of(TermWish, {**fields, **({"name": name} if name else {}), **({"shared": True} if shared else {})})
        with connected(target_name) as client:
            result = Taxonomy(client, org).save(kind, wish)
        show_saved(result, f"{word} {result.record.name} ({result.record.id})", as_json=as_json)

    for claim in Claim:
        _claim(group, kind, claim)
    return group


def _claim(group: click.Group, kind: Kind, claim: Claim) -> None:
    @group.command(claim.value, help=f"Show the {claim} {kind} of a user; with --set or --none, set them.")
    @person
    @click.option("--set", "terms", multiple=True, metavar="NAME", help="One of them, by name or id; may be repeated.")
    @click.option("--none", "none", is_flag=True, help="Set them to none.")
    @click.option("--as-names", is_flag=True, help="Send names, for releases that take no ids.")
    @common
    def command(
        username: str | None,
        user_id: int | None,
        terms: tuple[str, ...],
        none: bool,
        as_names: bool,
        org: str | None,
        target_name: str | None,
        as_json: bool,
    ) -> None:
        user = Learner(user_id, username)
        with connected(target_name) as client:
            taxonomy = Taxonomy(client, org)
            if not terms and not none:
                claimed = taxonomy.read_claimed(kind, claim, user)
                if as_json:
                    echo_json(claimed.model_dump())
                else:
                    show_rows(claimed.terms(kind), "id", "name", as_json=False)
                return
            wanted = [int(term) if term.isdecimal() else term for term in terms]
            result = taxonomy.set_claimed(kind, claim, user, wanted, as_names=as_names)
        if as_json:
            echo_json(result.to_json())
        else:
            echo(f"{user}: {', '.join(term.name for term in result.terms) or 'none'}")
        if result.others:
            stderr_console().print(f"note: others stayed: {', '.join(result.others)}", markup=False)
        if result.missing:
            stderr_console().print(f"warning: not taken: {', '.join(result.missing)}", markup=False)
            sys.exit(PARTLY)


# -- programs -----------------------------------------------------------------------------------------------------------


@click.group()
def program() -> None:
    """Programs: courses that belong together."""


@program.command("list")
@click.option("--id", "program_id", default="", help="With this program id.")
@click.option("--of", "owner", default="", metavar="ORG", help="Of this organisation.")
@common
def list_programs(program_id: str, owner: str, org: str | None, target_name: str | None, as_json: bool) -> None:
    """List the programs."""
    with connected(target_name) as client:
        rows = Catalog(client, org).list_programs(program_id=program_id, org=owner)
    show_rows(rows, "program_id", "org", "name", "slug", as_json=as_json)


@program.command("save")
@given
@common
def save_program(
    file: Path | None, values: tuple[str, ...], org: str | None, target_name: str | None, as_json: bool
) -> None:
    """Make a program or change it. Without `course_list` its courses stay.

    Fields: program_id, name, course_list, org, platform_key, program_key, slug, enabled, program_type, data.
    """
    wish = wish_of(ProgramWish, settings_from(file, values))
    with connected(target_name) as client:
        show_saved(Catalog(client, org).save_program(wish), f"program {wish.program_id}", as_json=as_json)


@program.command("delete")
@click.argument("program_id")
@click.argument("owner", metavar="ORG")
@consented
@common
def delete_program(
    program_id: str, owner: str, yes: bool, org: str | None, target_name: str | None, as_json: bool
) -> None:
    """Delete a program of an organisation."""
    ask_consent(f"Delete the program {program_id} of {owner}?", yes=yes)
    with connected(target_name) as client:
        show_deleted(Catalog(client, org).delete_program(program_id, owner), program_id, as_json=as_json)


# -- pathways -----------------------------------------------------------------------------------------------------------


@click.group()
def pathway() -> None:
    """Pathways: courses, programs and resources in a person's order."""


@pathway.command("list")
@click.option("--id", "pathway_id", default="", help="With this pathway id.")
@person
@common
def list_pathways(
    pathway_id: str, username: str | None, user_id: int | None, org: str | None, target_name: str | None, as_json: bool
) -> None:
    """List the pathways."""
    with connected(target_name) as client:
        rows = Catalog(client, org).list_pathways(pathway_id=pathway_id, user=learner(username, user_id))
    show_rows(rows, "pathway_id", "username", "name", "pathway_uuid", as_json=as_json)


@pathway.command("save")
@given
@common
def save_pathway(
    file: Path | None, values: tuple[str, ...], org: str | None, target_name: str | None, as_json: bool
) -> None:
    """Make a pathway or change it.

    Fields: name, path, user_id, username, pathway_id, pathway_uuid, platform_key, slug, visible, data.
    """
    wish = wish_of(PathwayWish, settings_from(file, values))
    with connected(target_name) as client:
        show_saved(Catalog(client, org).save_pathway(wish), f"pathway {wish.name}", as_json=as_json)


# -- resources ----------------------------------------------------------------------------------------------------------


@click.group()
def resource() -> None:
    """Resources: books, videos and pages beside the courses."""


@resource.command("list")
@click.option("--type", "resource_type", default="", help="Of this type.")
@click.option("--url", default="", help="With this address.")
@person
@common
def list_resources(
    resource_type: str,
    url: str,
    username: str | None,
    user_id: int | None,
    org: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """List the resources of the tenant, or of a user."""
    with connected(target_name) as client:
        rows = Catalog(client, org).list_resources(
            resource_type=resource_type, url=url, user=learner(username, user_id)
        )
    show_rows(rows, "id", "resource_type", "name", "url", as_json=as_json)


@resource.command("save")
@given
@click.option("--image", type=click.Path(path_type=Path), help="A picture to upload.")
@common
def save_resource(
    file: Path | None,
    values: tuple[str, ...],
    image: Path | None,
    org: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Make a resource, or change the one of that address and type.

    Fields: resource_type, url, name, id, user_id, username, platform_key, platform_org, description, skills, data.
    """
    wish = wish_of(ResourceWish, settings_from(file, values))
    with connected(target_name) as client:
        result = Catalog(client, org).save_resource(wish, image)
    show_saved(result, f"resource {wish.name} ({result.record.id})", as_json=as_json)


@resource.command("delete")
@click.argument("number", metavar="ID", type=int)
@click.option("--user-id", type=int, help="Whose it is. Default: the tenant's.")
@consented
@common
def delete_resource(
    number: int, user_id: int | None, yes: bool, org: str | None, target_name: str | None, as_json: bool
) -> None:
    """Delete a resource."""
    ask_consent(f"Delete the resource {number}?", yes=yes)
    with connected(target_name) as client:
        deleted = Catalog(client, org).delete_resource(number, user=learner(None, user_id))
    show_deleted(deleted, f"resource {number}", as_json=as_json)


# -- courses ------------------------------------------------------------------------------------------------------------


@click.group("catalog-course")
def catalog_course() -> None:
    """Courses as the catalogue lists them; their content is another matter."""


@catalog_course.command("list")
@click.option("--id", "course_id", default="", help="With this key.")
@click.option("--of", "owner", default="", metavar="ORG", help="Of this organisation.")
@common
def list_courses(course_id: str, owner: str, org: str | None, target_name: str | None, as_json: bool) -> None:
    """List the courses of the catalogue."""
    with connected(target_name) as client:
        rows = Catalog(client, org).list_courses(course_id=course_id, org=owner)
    show_rows(rows, "course_id", "org", "name", as_json=as_json)


@catalog_course.command("save")
@click.argument("course_id", metavar="COURSE_KEY")
@click.argument("owner", metavar="ORG")
@click.option("--name", help="Its title.")
@click.option("--move", is_flag=True, help="Also when it is another organisation's.")
@common
def save_course(
    course_id: str, owner: str, name: str | None, move: bool, org: str | None, target_name: str | None, as_json: bool
) -> None:
    """List a course in the catalogue, or change how it is listed."""
    with connected(target_name) as client:
        result = Catalog(client, org).save_course(course_id, owner, name=name, move=move)
    show_saved(result, course_id, as_json=as_json)


@catalog_course.command("delete")
@click.argument("course_id", metavar="COURSE_KEY")
@consented
@common
def delete_course(course_id: str, yes: bool, org: str | None, target_name: str | None, as_json: bool) -> None:
    """Take a course out of the catalogue."""
    ask_consent(f"Take {course_id} out of the catalogue?", yes=yes)
    with connected(target_name) as client:
        show_deleted(Catalog(client, org).delete_course(course_id), course_id, as_json=as_json)


@catalog_course.command("metadata")
@click.argument("course_id", metavar="COURSE_KEY")
@given
@click.option("--replace", is_flag=True, help="Put them in the place of all that is there.")
@consented
@common
def course_metadata(
    course_id: str,
    file: Path | None,
    values: tuple[str, ...],
    replace: bool,
    yes: bool,
    org: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Show a course's metadata; with --set or --from, merge into them."""
    metadata = settings_from(file, values)
    if replace:
        ask_consent(f"Replace all metadata of {course_id}?", yes=yes)
    with connected(target_name) as client:
        catalog = Catalog(client, org)
        if not metadata and not replace:
            echo_json(catalog.read_metadata(course_id))
            return
        result = catalog.save_metadata(course_id, metadata, replace=replace)
    show_saved(result, course_id, as_json=as_json)
