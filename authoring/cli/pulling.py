"""pull, drift, adopt: what is live comes back into the course folder."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click

from authoring.cli import options
from authoring.cli.course import open_for, where
from authoring.cli.output import DIFFERENT, echo, echo_json, handle_errors, show_diagnostics
from authoring.client import Client
from authoring.conflicts import conflict_text
from authoring.errors import SettingsError, SourceError
from authoring.importing import put_folder
from authoring.lockfile import Lockfile, save_lockfile
from authoring.merge import Side, Taken
from authoring.pulling import Pulled, fresh_folder
from authoring.settings import load_target

_SHOWN = 20


@click.command()
@click.argument("places", metavar="[COURSE_KEY] DIR", nargs=-1, required=True)
@options.target
@click.option(
    "--ours", "side", flag_value="ours", help="In conflicts, keep what the folder says; the next push sends it."
)
@click.option("--theirs", "side", flag_value="theirs", help="In conflicts, take what the platform says.")
@click.option("--with-team", is_flag=True, help="Name everybody of the course team in course.yaml.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")
@options.profile
@options.wait
@options.as_json
@handle_errors
def pull(
    places: tuple[str, ...],
    target_name: str | None,
    side: str | None,
    with_team: bool,
    dry_run: bool,
    profile: str,
    wait: float,
    as_json: bool,
) -> None:
    """Bring what was changed on the platform into a course folder; or, with a COURSE_KEY, make a folder of a live course.

    Changes of the platform are merged into the very files; in a conflict the folder's part stays, and the exit code is 8.
    """
    if len(places) == 2:
        _pull_fresh(places[0], Path(places[1]), target_name, with_team=with_team, as_json=as_json)
        return
    if len(places) != 1:
        raise click.UsageError("name a course folder, or a course key and a new folder")
    with open_for(Path(places[0]), target_name, profile, wait) as session:
        pulled = session.pull(Side(side) if side else None, dry_run=dry_run, everybody=with_team)
        if as_json:
            echo_json({"course": str(session.course.id), **pulled.to_json()})
        else:
            echo(f"{session.course.id} on {where(session)}")
            _show(pulled, dry_run=dry_run)
    sys.exit(DIFFERENT if pulled.conflicts or pulled.not_placed else 0)


@click.command()
@options.course_folder
@options.target
@options.profile
@options.wait
@click.option("--exit-code", is_flag=True, help="Exit with 8 when the platform has changes.")
@options.as_json
@handle_errors
def drift(folder: Path, target_name: str | None, profile: str, wait: float, exit_code: bool, as_json: bool) -> None:
    """Say what was changed on the platform since the last push or pull, and what both changed. Changes nothing."""
    with open_for(folder, target_name, profile, wait) as session:
        pulled = session.pull(dry_run=True)
        if as_json:
            echo_json({"course": str(session.course.id), **pulled.to_json()})
        else:
            echo(f"{session.course.id} on {where(session)}")
            _show(pulled, dry_run=True)
    sys.exit(DIFFERENT if exit_code and (pulled.taken or pulled.conflicts) else 0)


@click.command()
@options.course_folder
@options.target
@click.option("--yes", is_flag=True, help="Write the lock file without asking.")
@options.profile
@options.wait
@options.as_json
@handle_errors
def adopt(folder: Path, target_name: str | None, yes: bool, profile: str, wait: float, as_json: bool) -> None:
    """Attach a course folder to a course that is live already: match them, show it, write course.lock.

    Nothing is sent. What differs between the two is a conflict for `authoring pull`.
    """
    with open_for(folder, target_name, profile, wait) as session:
        found = session.adopt()
        before = session.state.part.entries
        if before and not yes:
            raise SourceError(
                "course.lock knows this course already", hint="--yes puts what is matched now in its place"
            )
        differing = [pair for pair in found.pairs if not pair.same]
        if as_json:
            echo_json(
                {
                    "course": str(session.course.id),
                    "written": yes,
                    "pairs": [
                        {"block": str(pair.key), "title": pair.title, "usage_key": pair.usage_key, "same": pair.same}
                        for pair in found.pairs
                    ],
                    "only_here": [str(key) for key in found.only_here],
                    "only_there": list(found.only_there),
                }
            )
        else:
            echo(f"{session.course.id} on {where(session)}")
            echo(f"  {len(found.pairs)} blocks are there, {len(differing)} of them with differences")
            _list("there, and different", [f"{pair.key}: {pair.title}" for pair in differing])
            _list("only in the folder; a push makes them", found.only_here)
            _list("only on the platform; a pull brings them", found.only_there)
        if yes or (not as_json and click.confirm("Write course.lock?", err=True)):
            session.state.replace(found.part)
            if not as_json:
                echo("  course.lock is written; see `authoring drift` and `authoring plan`")


def _show(pulled: Pulled, *, dry_run: bool) -> None:
    show_diagnostics(pulled.findings, quiet=True)
    if not (pulled.taken or pulled.conflicts):
        echo("  no changes on the platform")
    _list("changed on the platform" if dry_run else "taken from the platform", map(_taken, pulled.taken))
    _list("files that would change" if dry_run else "files changed", pulled.files)
    for conflict in pulled.conflicts:
        echo("")
        echo(conflict_text(conflict).rstrip())
    if pulled.conflicts:
        echo("")
        echo(
            f"  {len(pulled.conflicts)} conflicts: your part stands in the files. Run again with --ours or --theirs;"
            " or change the files by hand first, and then run again with --ours"
        )
    _list("cannot be said in a course folder", pulled.not_placed)
    if pulled.unread:
        listing = ", ".join(f"{count} {category}" for category, count in sorted(pulled.unread.items()))
        echo(f"  not readable with this login, kept as they are: {listing}")
    if pulled.unread_parts:
        echo(f"  not readable with this login: {', '.join(pulled.unread_parts)}")


def _taken(one: Taken) -> str:
    return f"{one.key}: {one.part}"


def _list(title: str, rows: Iterable[object]) -> None:
    listed = [str(row) for row in rows]
    if not listed:
        return
    echo(f"  {title}:")
    for row in listed[:_SHOWN]:
        echo(f"    {row}")
    if len(listed) > _SHOWN:
        echo(f"    and {len(listed) - _SHOWN} more")


def _pull_fresh(key: str, folder: Path, target_name: str | None, *, with_team: bool, as_json: bool) -> None:
    """A folder of a course that nobody here has seen, with the lock file that adopts it."""
    course = options.course_key(key, "COURSE_KEY")
    target = load_target(target_name, Path(), os.environ)
    if target is None:
        raise SettingsError(
            "no platform is chosen", "set IBL_CMS_URL and a login, or name one of authoring.toml by --target"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SourceError(f"{folder} is there already", hint="name a new folder; `authoring pull DIR` merges into one")
    with Client(target) as client, fresh_folder(client, course, target.identity, everybody=with_team) as made:
        put_folder(folder, made.folder)
        save_lockfile(Lockfile().with_part(made.part), folder)
        blocks = Counter(block.category for block in made.course.blocks())
        left_out = 0 if with_team else len(client.read_team(course) or ())
        if as_json:
            echo_json(
                {
                    "course": str(course),
                    "folder": str(folder),
                    "blocks": dict(sorted(blocks.items())),
                    "files": len(made.folder.texts) + len(made.folder.copies),
                    "unread": dict(made.live.unread()),
                    "unread_parts": list(made.live.unread_parts),
                    "not_equal": [str(one.key) for one in made.folder.unequal],
                    "team_left_out": left_out,
                }
            )
            return
        listing = ", ".join(f"{category} {count}" for category, count in blocks.most_common())
        echo(f"{course}: {sum(blocks.values())} blocks ({listing}) in {folder}")
        _list("not exactly as it is live", [str(one.key) for one in made.folder.unequal])
        unread = ", ".join(f"{count} {category}" for category, count in sorted(made.live.unread().items()))
        if unread:
            echo(f"  not readable with this login: {unread}")
        if made.live.unread_parts:
            echo(f"  not readable with this login: {', '.join(made.live.unread_parts)}")
        if left_out:
            echo(
                f"  {left_out} in the course team, not named in course.yaml: `authoring pull {folder} --with-team` does so"
            )
