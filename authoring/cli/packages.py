"""import, export: packages into course folders, course folders into packages."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import click

from authoring.cli import options
from authoring.cli.output import echo, echo_json, handle_errors, show_diagnostics
from authoring.diagnostics import Severity
from authoring.errors import SourceError
from authoring.importing import CONFLICTS, ImportOptions, ImportResult, Item, Outcome, import_package
from authoring.olx.package import package_files, write_archive, write_folder
from authoring.session import load_course
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
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--to", "form", type=click.Choice(["olx"]), required=True, help="The format of the package.")
@click.option("--force", is_flag=True, help="Replace OUT when it is an archive that is there already.")
@options.as_json
@handle_errors
def export(folder: Path, out: Path, form: str, force: bool, as_json: bool) -> None:
    """Make a package of a course folder: an OLX archive (OUT ends in .tar.gz) or an OLX folder, for Studio's import.

    The same course gives the same bytes.
    """
    course, diagnostics = load_course(folder)
    as_archive = out.name.endswith((".tar.gz", ".tgz"))
    if out.exists() and not (force and as_archive and out.is_file()):
        hint = "--force replaces an archive" if as_archive else "name a folder that does not exist yet"
        raise SourceError(f"{out} is there already", hint=hint)
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
