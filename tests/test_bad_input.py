"""Bad input through the command line: each kind has its own message with file, line and hint; nothing is sent.

Every case goes through `check`, `plan` and `push` (what only concerns the platform through the last two), with the
sandbox listening, so that its log proves that nobody asked it anything.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from authoring.cli import main
from authoring.sandbox import SandboxServer
from tests.conftest import write_tree
from tests.desk import LOGIN, Desk
from tests.test_main_job import FILES

UNIT = "01-start/01-first/02-more.md"
COURSE = str(FILES["course.yaml"])
PROBLEM = "\n\n:::problem {#check}\n>>What?<<\n\n= 1\n:::\n"
"""Ends a unit that replaces UNIT: other files link to it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite3") as running:
        yield running


@pytest.fixture
def desk(server: SandboxServer, tmp_path: Path) -> Desk:
    server.clear_log()
    return Desk(write_tree(tmp_path / "course", FILES), server)


def refused(desk: Desk, command: str, *args: str, environ: Mapping[str, str | None] | None = None) -> dict[str, Any]:
    """What a command prints with `--json` when it refuses its input: exit code 1, a hint, no traceback, nothing sent."""
    shown = run(desk, command, *args, environ=environ)
    assert "Traceback" not in shown.output
    assert "nothing was sent" in shown.stderr or "error" in shown.stderr.lower()
    result = run(desk, command, "--json", *args, environ=environ)
    report = json.loads(result.stdout)
    assert isinstance(report, dict)
    assert desk.server.requests == []
    return report


def run(desk: Desk, command: str, *args: str, environ: Mapping[str, str | None] | None = None) -> Result:
    result = CliRunner(env={**desk.environ, **(environ or {})}).invoke(main, [command, str(desk.folder), *args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 1, result.output
    return result


def findings(report: Mapping[str, Any], severity: str = "error") -> list[dict[str, Any]]:
    return [row for row in report["diagnostics"] if row["severity"] == severity]


@dataclass(frozen=True)
class Bad:
    """A course that is wrong in one way: what is written over the good one, and the finding it must get."""

    title: str
    files: Mapping[str, str | bytes]
    code: str
    path: str
    line: int | None
    says: str
    also: tuple[str, ...] = field(default=())
    """Codes of findings that follow from it."""


SOURCES = (
    Bad(
        "broken YAML",
        {"01-start/section.yaml": "title: [Start\nhide: 1\n"},
        "broken-yaml",
        "01-start/section.yaml",
        2,
        "did not find expected",
    ),
    Bad(
        "broken front matter",
        {UNIT: f'---\ntitle: "More\n---\nText.{PROBLEM}'},
        "broken-yaml",
        UNIT,
        3,
        "broken YAML",
        ("dead-link",),
    ),
    Bad("unclosed front matter", {UNIT: f"---\ntitle: More\nText.{PROBLEM}"}, "unclosed-front-matter", UNIT, 1, "not closed"),
    Bad(
        "unknown key",
        {"01-start/01-first/subsection.yaml": "title: A\ndew: 2027-02-01\n"},
        "unknown-key",
        "01-start/01-first/subsection.yaml",
        2,
        "'dew' is not a key",
    ),
    Bad(
        "unknown key of the course",
        {"course.yaml": COURSE + "stat: 2027-01-01\n"},
        "unknown-key",
        "course.yaml",
        len(COURSE.splitlines()) + 1,
        "'stat' is not a key",
    ),
    Bad(
        "a key twice",
        {"01-start/section.yaml": "title: A\ntitle: B\n"},
        "duplicate-key",
        "01-start/section.yaml",
        2,
        "title",
    ),
    Bad(
        "duplicate id of units",
        {"02-end/01-last/02-more.md": "---\nid: more\n---\n:::done {#again}\n:::\n"},
        "duplicate-id",
        "02-end/01-last/02-more.md",
        2,
        f"already that of a vertical in {UNIT}",
    ),
    Bad(
        "duplicate id of components",
        {UNIT: f"Text.\n\n:::done {{#a}}\n:::\n\n:::done {{#a}}\n:::{PROBLEM}"},
        "duplicate-id",
        UNIT,
        6,
        f"already that of a done in {UNIT}:3",
    ),
    Bad("dead link", {UNIT: f"See [it](nowhere.md).{PROBLEM}"}, "dead-link", UNIT, 1, "'nowhere.md'"),
    Bad("missing image", {UNIT: f"\n![x](../../static/none.png){PROBLEM}"}, "missing-image", UNIT, 2, "none.png"),
    Bad(
        "unclosed directive",
        {UNIT: "Text.\n\n:::problem {#check}\n>>x?<<\n\n= 1\n"},
        "unclosed-directive",
        UNIT,
        3,
        "':::problem' is not closed",
    ),
    Bad("unknown directive", {UNIT: f":::vidoe\n:::{PROBLEM}"}, "unknown-directive", UNIT, 1, ":::vidoe"),
    Bad(
        "a date that does not exist",
        {"01-start/02-graded/subsection.yaml": "title: Homework\ndue: 2027-02-30\n"},
        "bad-value",
        "01-start/02-graded/subsection.yaml",
        2,
        "'due' cannot be '2027-02-30': there is no such date",
    ),
    Bad(
        "a date in words",
        {"course.yaml": COURSE.replace("2027-01-11", "next Monday")},
        "bad-value",
        "course.yaml",
        5,
        "'start' cannot be 'next Monday'",
    ),
    Bad(
        "a folder too deep",
        {"01-start/01-first/deep/unit.md": "x\n"},
        "wrong-nesting",
        "01-start/01-first/deep",
        None,
        "inside a subsection",
    ),
    Bad("a unit in a section", {"01-start/03-unit.md": "x\n"}, "wrong-nesting", "01-start/03-unit.md", None, "section"),
    Bad(
        "broken OLX",
        {"01-start/01-first/05-x.xml": "<vertical>\n<html></vertical>"},
        "broken-olx",
        "01-start/01-first/05-x.xml",
        2,
        "not well-formed XML",
    ),
    Bad(
        "not UTF-8",
        {UNIT: f"---\ntitle: M\n---\nCaf\N{LATIN SMALL LETTER E WITH ACUTE}{PROBLEM}".encode("latin-1")},
        "not-utf8",
        UNIT,
        4,
        "byte 0xe9 in line 4",
        ("dead-link",),
    ),
    Bad("settings not UTF-8", {"01-start/section.yaml": b"title: \xff\n"}, "not-utf8", "01-start/section.yaml", 1, "0xff"),
    Bad(
        "a value of the wrong kind",
        {UNIT: ":::problem {#check}\nmax_attempts: many\n---\n>>x?<<\n\n= 1\n:::\n"},
        "bad-value",
        UNIT,
        2,
        "expected a whole number",
    ),
)


@pytest.mark.parametrize("command", ["check", "plan", "push"])
@pytest.mark.parametrize("bad", SOURCES, ids=lambda bad: str(bad.title))
def test_bad_source(bad: Bad, command: str, desk: Desk) -> None:
    write_tree(desk.folder, bad.files)
    report = refused(desk, command)
    (finding,) = (row for row in findings(report) if row["code"] not in bad.also and row["code"] == bad.code)
    assert (finding["path"], finding["line"]) == (bad.path, bad.line)
    assert bad.says in finding["message"]
    assert finding["hint"]
    assert {row["code"] for row in findings(report)} <= {bad.code, *bad.also}
    shown = run(desk, command)
    place = bad.path if bad.line is None else f"{bad.path}:{bad.line}"
    assert f"{place}: error[{bad.code}]: " in shown.stderr
    assert f"hint: {finding['hint']}" in shown.stderr
    assert shown.stdout == "" or command == "check"


def test_every_kind_has_a_message_of_its_own(desk: Desk) -> None:
    """All at once: as many problems as there are, each at its place, in the order of files and lines."""
    together = [bad for bad in SOURCES if bad.title in TOGETHER]
    assert len(together) == len(TOGETHER)
    for bad in together:
        write_tree(desk.folder, bad.files)
    report = refused(desk, "push")
    found = {(row["code"], row["path"], row["line"]) for row in findings(report)}
    assert found >= {(bad.code, bad.path, bad.line) for bad in together}
    assert len({row["message"] for row in findings(report)}) == len(findings(report))
    places = [(row["path"], row["line"] or 0) for row in refused(desk, "check")["diagnostics"]]
    assert places == sorted(places)


TOGETHER = {
    "broken YAML",
    "unknown key",
    "a date that does not exist",
    "unclosed directive",
    "a folder too deep",
    "broken OLX",
    "a date in words",
}


@pytest.mark.parametrize("command", ["check", "plan", "push"])
@pytest.mark.parametrize("path", ["course.yaml", UNIT, "01-start/section.yaml", "static/chart.png"])
def test_a_file_that_is_a_directory(path: str, command: str, desk: Desk) -> None:
    (desk.folder / path).unlink()
    (desk.folder / path).mkdir()
    report = refused(desk, command)
    if path.startswith("static/"):
        (finding,) = findings(report)
        assert finding["code"] == "missing-image"
        assert finding["line"]
    else:
        (finding,) = (row for row in findings(report) if row["path"] == path)
        assert finding["code"] == "is-a-directory"
    assert finding["hint"]
