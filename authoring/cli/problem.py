"""problem compile, problem decompile: problem Markdown and OLX, one at a time or in batches."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TextIO

import click

from authoring.cli.output import echo, handle_errors, show_diagnostics
from authoring.diagnostics import Diagnostic, Severity
from authoring.errors import SourceError
from authoring.markup.problem import compile_problem, decompile_problem
from authoring.model import SourceLocation

_file = click.argument("file", metavar="[FILE|-]", type=click.File("r", encoding="utf-8"), default="-")
_jsonl = click.option("--jsonl", is_flag=True, help="Read and write one JSON object a line.")


@click.group()
def problem() -> None:
    """Problem Markdown to OLX, and back where nothing is lost."""


@problem.command("compile")
@_file
@_jsonl
@handle_errors
def compile_(file: TextIO, jsonl: bool) -> None:
    """Print the OLX of problem Markdown.

    With --jsonl: {"id", "markdown"} in, {"id", "olx", "studio_markdown", "diagnostics"} out.
    """
    if jsonl:
        _batch(file, "markdown", _compiled_row)
        return
    where = SourceLocation(PurePosixPath(Path(file.name).name if file.name != "<stdin>" else "stdin"), 1)
    compiled = compile_problem(_text(file), where=where)
    show_diagnostics(compiled.diagnostics)
    echo(compiled.olx)
    sys.exit(1 if _has_errors(compiled.diagnostics) else 0)


@problem.command("decompile")
@_file
@_jsonl
@handle_errors
def decompile(file: TextIO, jsonl: bool) -> None:
    """Print the Markdown of problem OLX; exits with 1 when Markdown cannot say all of it.

    With --jsonl: {"id", "olx"} in, {"id", "markdown", "diagnostics"} out; "markdown" is null where the OLX must stay.
    """
    if jsonl:
        _batch(file, "olx", lambda olx: {"markdown": decompile_problem(olx), "diagnostics": []})
        return
    markdown = decompile_problem(_text(file))
    if markdown is None:
        raise SourceError("Markdown cannot say all of this problem without loss", hint="keep it as OLX: `:::olx`")
    echo(markdown.rstrip("\n"))


def _compiled_row(markdown: str) -> dict[str, object]:
    compiled = compile_problem(markdown)
    return {
        "olx": compiled.olx,
        "studio_markdown": compiled.studio_markdown,
        "diagnostics": [finding.to_json() for finding in compiled.diagnostics],
    }


def _batch(stream: TextIO, field: str, convert: Callable[[str], dict[str, object]]) -> None:
    """Each line by itself: a bad one is reported in its place and does not stop the others."""
    failed = False
    for number, row in _rows(stream):
        text = row.get(field) if isinstance(row, dict) else None
        if not isinstance(text, str):
            failed = True
            answer: dict[str, object] = {"error": f"line {number}: not a JSON object with {field!r}"}
        else:
            answer = convert(text)
        name = row.get("id") if isinstance(row, dict) else None
        click.echo(json.dumps({"id": name, **answer}, ensure_ascii=False))
    sys.exit(1 if failed else 0)


def _rows(stream: TextIO) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(_lines(stream), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError:
                yield number, None


def _lines(stream: TextIO) -> Iterator[str]:
    try:
        yield from stream
    except UnicodeDecodeError as error:
        raise SourceError(f"{stream.name}: not UTF-8 text", hint="save it as UTF-8") from error


def _text(stream: TextIO) -> str:
    return "".join(_lines(stream))


def _has_errors(diagnostics: tuple[Diagnostic, ...]) -> bool:
    return any(finding.severity is Severity.ERROR for finding in diagnostics)
