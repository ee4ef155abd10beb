"""new, sandbox, doctor: beginning a course, a place to rehearse, and what is configured."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from authoring.cli import options
from authoring.cli.output import echo, echo_json, handle_errors, stderr_console
from authoring.declared.schema import write_platform_schema
from authoring.doctor import diagnose
from authoring.errors import AuthoringError
from authoring.sandbox import DOCUMENTED, OBSERVED, serve
from authoring.scaffold import available_samples, available_templates, copy_sample, create_course
from authoring.schemas import write_schemas
from authoring.session import SANDBOX_FILE
from authoring.settings import load_target
from authoring.state import local_folder


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path), required=False)
@click.option("--template", default="course", show_default=True, metavar="NAME", help="Which scaffold to start from.")
@click.option("--sample", metavar="NAME", help="Copy a sample course instead of a scaffold.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A variable of the scaffold, e.g. org=AcmeX.",
)
@click.option("--list", "listing", is_flag=True, help="List scaffolds and sample courses.")
@options.as_json
@handle_errors
def new(
    folder: Path | None,
    template: str,
    sample: str | None,
    settings: tuple[str, ...],
    listing: bool,
    as_json: bool,
) -> None:
    """Start a course folder."""
    if listing:
        _list_templates(as_json=as_json)
        return
    if folder is None:
        raise click.UsageError("Missing argument 'DIR'.")
    variables: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise click.BadParameter(f"{setting!r} is not NAME=VALUE", param_hint="--set")
        variables[name] = value
    written = copy_sample(sample, folder) if sample else create_course(folder, template, variables)
    if as_json:
        echo_json({"folder": str(folder), "files": [str(path) for path in written]})
        return
    echo(f"{folder}: {len(written)} files written")
    echo(f"  look at it:   authoring check {folder}")
    echo(f"  try it out:   authoring push {folder} --publish")


def _list_templates(*, as_json: bool) -> None:
    templates = available_templates()
    samples = available_samples()
    if as_json:
        echo_json(
            {
                "templates": [{"name": item.name, "description": item.description} for item in templates],
                "samples": list(samples),
            }
        )
        return
    for item in templates:
        echo(f"{item.name:<12}{item.description}")
    for name in samples:
        echo(f"{name:<24}(sample course: authoring new DIR --sample {name})")


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@options.as_json
@handle_errors
def schemas(folder: Path, as_json: bool) -> None:
    """Write the JSON Schemas of course.yaml, front matter, directives and platform.yaml, for editors."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = (*write_schemas(folder), write_platform_schema(folder))
    except OSError as error:
        raise AuthoringError(f"{folder}: cannot be written ({error.strerror})", "choose another folder") from error
    if as_json:
        echo_json({"files": [str(path) for path in written]})
        return
    echo(f"{folder}: {len(written)} schemas written")
    echo("  in VS Code: a first line `# yaml-language-server: $schema=PATH/course.schema.json` in course.yaml")


@click.command()
@options.course_folder
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8400, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 picks one.")
@options.profile
@handle_errors
def sandbox(folder: Path, host: str, port: int, profile: str) -> None:
    """Serve the embedded sandbox of a course folder: look at what was pushed, or rehearse against it."""
    if not folder.is_dir():
        raise AuthoringError(f"{folder}: no such folder", "name a course folder")
    database = local_folder(folder) / SANDBOX_FILE
    stderr_console().print(f"Sandbox of {folder}: open http://{host}:{port}/ (Ctrl-C stops it)", markup=False)
    serve(database, host, port, OBSERVED if profile == "observed" else DOCUMENTED)


@click.command()
@options.course_folder
@options.target
@click.option("--course", "course_key", metavar="KEY", help="Look at this course, too: course-v1:ORG+NUMBER+RUN.")
@options.as_json
@handle_errors
def doctor(folder: Path, target_name: str | None, course_key: str | None, as_json: bool) -> None:
    """Say in plain words what is configured, reachable and authorised. Changes nothing."""
    target = load_target(target_name, folder, os.environ)
    findings = diagnose(target, options.course_key(course_key, "--course") if course_key is not None else None)
    if as_json:
        echo_json({"ok": all(f.ok is not False for f in findings), "findings": [f.to_json() for f in findings]})
    else:
        for finding in findings:
            mark = {True: "ok  ", False: "FAIL", None: "-   "}[finding.ok]
            echo(f"{mark} {finding.subject}: {finding.message}")
            if finding.hint:
                echo(f"       {finding.hint}")
    sys.exit(3 if any(finding.ok is False for finding in findings) else 0)
