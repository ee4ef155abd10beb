"""import, export: packages into course folders, course folders into packages."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path, PurePosixPath

import click

from authoring.cli import options
from authoring.cli.output import echo, echo_json, handle_errors, show_diagnostics
from authoring.client import Client
from authoring.diagnostics import Diagnostics, Severity
from authoring.errors import SettingsError, SourceError
from authoring.importing import (
    CONFLICTS,
    ImportOptions,
    ImportResult,
    Item,
    Outcome,
    import_package,
    put_folder,
    scratch_folder,
)
from authoring.model import CHAPTER, SEQUENTIAL, BlockKey, Course
from authoring.olx.package import package_files, write_archive, write_folder
from authoring.pulling import fresh_folder
from authoring.scorm import ScormVersion, write_scorm
from authoring.session import load_course
from authoring.settings import load_target
from importers import Shape

_SHOWN = 20
"""Lines of one kind on the terminal; `--json` has them all."""


@click.command("import")
@click.argument("package", type=click.Path(path_type=Path))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--from", "importer", metavar="FORMAT", help="The package's format. Default: what it turns out to be.")
@click.option("--root", metavar="PATH", help="Which course, where a package holds several: its folder in the package.")
@options.shape
@click.option(
    "--course-key", metavar="KEY", help="The course's key, when the package has none: course-v1:ORG+NUMBER+RUN."
)
@click.option("--merge", is_flag=True, help="Import again: take in what is new, keep what you edited.")
@click.option("--force", is_flag=True, help="Import again: REPLACE what was imported before, edited or not.")
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit with 1 when less than this of the package is in the folder.",
)
@options.as_json
@handle_errors
def import_(
    package: Path,
    folder: Path,
    importer: str | None,
    root: str | None,
    shape: str,
    explode: bool,
    course_key: str | None,
    merge: bool,
    force: bool,
    fail_under: float | None,
    as_json: bool,
) -> None:
    """Make a course folder of a package: a folder, a .zip or a .tar.gz."""
    if merge and force:
        raise click.UsageError("--merge keeps your edits, --force replaces them: choose one")
    course = options.course_key(course_key, "--course-key") if course_key is not None else None
    told = ImportOptions(importer, root, merge, force, Shape(shape), explode, course)
    result = import_package(package, folder, options=told)
    ok = not result.conflicts and (fail_under is None or result.percentage >= fail_under)
    if as_json:
        echo_json({"ok": ok, **result.to_json()})
    else:
        show_diagnostics(result.findings, quiet=True)
        show_import(result, folder)
    sys.exit(0 if ok else 1)


def show_import(result: ImportResult, folder: Path) -> None:
    """What an import did, for people."""
    listing = ", ".join(f"{category} {count}" for category, count in Counter(result.blocks).most_common())
    echo(f"{result.course}: {sum(result.blocks.values())} blocks ({listing})")
    counts = ", ".join(f"{result.count(outcome)} {outcome}" for outcome in Outcome)
    echo(f"{result.percentage:g} % of the package is in {folder}: {counts}")
    reasons: dict[str, list[Item]] = {}
    for item in result.items:
        if item.outcome is not Outcome.CONVERTED:
            reasons.setdefault(f"{item.outcome}, {item.why}", []).append(item)
    for reason, items in sorted(reasons.items(), key=lambda pair: -len(pair[1])):
        first = ", ".join(item.what for item in items[:3]) + (" …" if len(items) > 3 else "")
        echo(f"  {len(items):5} {reason}: {first}")
    for title, paths in (
        ("kept, with your edits", result.kept),
        (f"changed by you and in the package; the package's text is in {CONFLICTS}/", result.conflicts),
        ("replaced, your edits are gone", result.replaced),
    ):
        if paths:
            echo(f"{title}:")
            for path in paths[:_SHOWN]:
                echo(f"  {path}")
            if len(paths) > _SHOWN:
                echo(f"  and {len(paths) - _SHOWN} more")


@click.command()
@click.argument("source", metavar="DIR|COURSE_KEY")
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@options.target
@click.option(
    "--to", "form", type=click.Choice(["olx", "scorm", "folder"]), required=True, help="The format of the package."
)
@click.option(
    "--scorm-version",
    type=click.Choice([str(version) for version in ScormVersion]),
    default=str(ScormVersion.SCORM_12),
    show_default=True,
    help="The version of SCORM; 2004 is its 4th edition.",
)
@click.option("--part", metavar="PART", help="Only this section, subsection or unit: its path in DIR, or category/id.")
@click.option("--force", is_flag=True, help="Replace OUT when it is an archive that is there already.")
@options.as_json
@handle_errors
def export(
    source: str,
    out: Path,
    target_name: str | None,
    form: str,
    scorm_version: str,
    part: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Make a package of a course folder, or of a live course. The same course gives the same bytes.

    olx: an archive (OUT ends in .tar.gz) or a folder, for Studio's import. scorm: a zip that runs in another LMS. folder: a course
    folder of a live course, as `authoring pull COURSE_KEY DIR` makes it.
    """
    if source.startswith("course-v1:"):
        _export_live(source, out, target_name, form, scorm_version, part, force, as_json)
        return
    if form == "folder":
        raise click.UsageError("--to folder is for a live course: name its key")
    _export(Path(source), out, form, scorm_version, part, force, as_json)


def _export_live(
    key: str,
    out: Path,
    target_name: str | None,
    form: str,
    scorm_version: str,
    part: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """By way of a course folder: what that can say is what comes out."""
    course = options.course_key(key, "COURSE_KEY")
    target = load_target(target_name, Path(), os.environ)
    if target is None:
        raise SettingsError(
            "no platform is chosen", "set IBL_CMS_URL and a login, or name one of authoring.toml by --target"
        )
    with Client(target) as client, fresh_folder(client, course, target.identity) as made:
        if form == "folder":
            if out.exists():
                raise SourceError(f"{out} is there already", hint="name a new folder")
            put_folder(out, made.folder)
            if as_json:
                echo_json(
                    {"ok": True, "format": form, "course": key, "out": str(out), "unread": dict(made.live.unread())}
                )
            else:
                echo(f"{course}: {len(made.folder.texts) + len(made.folder.copies)} files in {out}")
            return
        with scratch_folder() as scratch:
            put_folder(scratch / "course", made.folder)
            _export(scratch / "course", out, form, scorm_version, part, force, as_json)


def _export(
    folder: Path, out: Path, form: str, scorm_version: str, part: str | None, force: bool, as_json: bool
) -> None:
    course, diagnostics = load_course(folder)
    as_archive = form == "scorm" or out.name.endswith((".tar.gz", ".tgz"))
    if out.exists() and not (force and as_archive and out.is_file()):
        hint = "--force replaces an archive" if as_archive else "name a folder that does not exist yet"
        raise SourceError(f"{out} is there already", hint=hint)
    if form == "scorm":
        _export_scorm(course, out, ScormVersion(scorm_version), part, diagnostics, as_json)
        return
    if part is not None:
        raise click.UsageError("--part is for SCORM; an OLX package is a whole course")
    files = package_files(course)
    if as_archive:
        write_archive(course, out)
    else:
        write_folder(course, out)
    if as_json:
        warnings = [finding.to_json() for finding in diagnostics.sorted() if finding.severity is Severity.WARNING]
        echo_json(
            {
                "ok": True,
                "format": form,
                "course": str(course.id),
                "out": str(out),
                "files": len(files),
                "diagnostics": warnings,
            }
        )
    else:
        show_diagnostics(diagnostics, quiet=True)
        echo(f"{course.id}: {len(files)} files in {out}")


def _export_scorm(
    course: Course, out: Path, version: ScormVersion, part: str | None, diagnostics: Diagnostics, as_json: bool
) -> None:
    """Write the package and say what is not in it."""
    written = write_scorm(course, out, version, only=_part(course, part) if part is not None else None)
    if as_json:
        echo_json(
            {
                "ok": True,
                "format": "scorm",
                "version": str(version),
                "course": str(course.id),
                "out": str(out),
                "scos": written.scos,
                "questions": written.questions,
                "files": written.files,
                "left_out": [{"block": str(one.key), "title": one.title, "why": one.why} for one in written.left_out],
                "diagnostics": [f.to_json() for f in diagnostics.sorted() if f.severity is Severity.WARNING],
            }
        )
        return
    show_diagnostics(diagnostics, quiet=True)
    echo(f"{course.id}: {written.scos} SCOs, {written.questions} questions, {written.files} files in {out}")
    reasons: dict[str, list[str]] = {}
    for one in written.left_out:
        reasons.setdefault(one.why, []).append(one.title)
    for why, titles in sorted(reasons.items(), key=lambda pair: -len(pair[1])):
        echo(f"  {len(titles):5} {why}: {', '.join(titles[:3])}{' …' if len(titles) > 3 else ''}")


def _part(course: Course, text: str) -> BlockKey:
    """The part of a course that a path (of a file or folder) or a key names. Raises SourceError."""
    wanted = PurePosixPath(text.strip("/"))
    for block in course.blocks():
        where = block.source.path if block.source is not None else None
        is_folder = block.category in (CHAPTER, SEQUENTIAL)
        if str(block.key) == text or (where is not None and (where.parent if is_folder else where) == wanted):
            return block.key
    hint = "name its file or folder as it stands in the course folder, or its key, as in vertical/first-steps"
    raise SourceError(f"there is no section, subsection or unit {text!r}", hint=hint)
