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
from contextlib import contextmanager
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
    settings = {**desk.environ, "XDG_CONFIG_HOME": str(desk.folder.parent / "config"), **(environ or {})}
    with as_owner(desk.folder.parent):
        result = CliRunner(env=settings).invoke(main, [command, str(desk.folder), *args])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 1, result.output
    return result


@contextmanager
def as_owner(folder: Path) -> Iterator[None]:
    """With the rights of the folder's owner: root, who runs the tests in a container, may read everything."""
    owner, ours = folder.stat().st_uid, os.geteuid()
    if ours == owner:
        yield
        return
    os.seteuid(owner)
    try:
        yield
    finally:
        os.seteuid(ours)


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
    Bad(
        "unclosed front matter",
        {UNIT: f"---\ntitle: More\nText.{PROBLEM}"},
        "unclosed-front-matter",
        UNIT,
        1,
        "not closed",
    ),
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
        {"02-end/01-last/02-more.md": ":::done {#again}\n:::\n"},
        "duplicate-id",
        "02-end/01-last/02-more.md",
        1,
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
    Bad(
        "settings not UTF-8",
        {"01-start/section.yaml": b"title: \xff\n"},
        "not-utf8",
        "01-start/section.yaml",
        1,
        "0xff",
    ),
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
        finding, *_ = (row for row in findings(report) if row["path"] == path)
        assert {row["code"] for row in findings(report) if row["path"] == path} == {"is-a-directory"}
    assert finding["hint"]


CLOSED = ("course.yaml", UNIT, "01-start/section.yaml", "static/chart.png", "01-start", ".authoring", "")
"""What the tests below close to us."""
NOBODY = 65534
"""A user without rights."""


@pytest.fixture
def plain_desk(server: SandboxServer) -> Iterator[Desk]:
    """A desk whose files are kept from us by their permissions, also when the tests run as root."""
    server.clear_log()
    home = Path(tempfile.mkdtemp())
    desk = Desk(write_tree(home / "course", FILES), server)
    if os.geteuid() == 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    try:
        yield desk
    finally:
        for path in CLOSED:
            if (desk.folder / path).exists():
                (desk.folder / path).chmod(0o755)
        shutil.rmtree(home)


@pytest.mark.parametrize("command", ["check", "plan", "push"])
@pytest.mark.parametrize("path", CLOSED[:5])
def test_an_unreadable_file(path: str, command: str, plain_desk: Desk) -> None:
    (plain_desk.folder / path).chmod(0)
    report = refused(plain_desk, command)
    finding, *_ = (row for row in findings(report) if row["path"] == path)
    assert finding["code"] == "unreadable-file"
    assert "ermission" in finding["message"]
    assert finding["hint"]


@pytest.mark.parametrize("command", ["plan", "push"])
def test_a_folder_that_may_not_be_written(command: str, plain_desk: Desk) -> None:
    plain_desk.folder.chmod(0o555)
    report = refused(plain_desk, command)
    assert report["error"]["message"] == ".authoring/ cannot be made in the course folder (Permission denied)"
    assert "permissions" in report["error"]["hint"]


@pytest.mark.parametrize("command", ["plan", "push"])
def test_a_local_folder_that_may_not_be_written(command: str, plain_desk: Desk) -> None:
    (plain_desk.folder / ".authoring").mkdir()
    (plain_desk.folder / ".authoring/.gitignore").write_text("*\n")
    (plain_desk.folder / ".authoring").chmod(0o555)
    report = refused(plain_desk, command)
    assert ".authoring/ cannot be written" in report["error"]["message"]
    assert "permissions" in report["error"]["hint"]


LOCK = '{"course_lock": 1}\n{"target": "https://a.example.org", "course": "course-v1:A+B+C"}\n'
TOML = '[targets.staging]\ncms_url = "https://studio.example.org"\n'
SECRET = "hunter2-hunter2-hunter2"


def write(path: str, content: str | bytes) -> Callable[[Path], object]:
    return lambda folder: write_tree(folder, {path: content})


def mkdir(path: str) -> Callable[[Path], object]:
    return lambda folder: (folder / path).mkdir(parents=True)


@dataclass(frozen=True)
class Odd:
    """What is wrong around a good course: the change, the variables and arguments, and what the message must say."""

    title: str
    says: str
    hint: str
    spoil: Callable[[Path], object] = field(default=lambda folder: None)
    environ: Mapping[str, str | None] = field(default_factory=dict)
    args: tuple[str, ...] = ()


AROUND = (
    Odd("merge conflict", "course.lock:3: the file still has merge", "both sides", write("course.lock", f"{LOCK}<<<<<<< HEAD\n")),
    Odd("corrupt lock file", "course.lock:3: not a line of JSON", "git", write("course.lock", f'{LOCK}{{"block": \n')),
    Odd("a lock line of another kind", "course.lock:3: neither a target", "git", write("course.lock", f'{LOCK}{{"x": 1}}\n')),
    Odd("a lock line without its values", "course.lock:3: a value is missing", "git", write("course.lock", f'{LOCK}{{"block": "html/a"}}\n')),
    Odd("newer lock file", "course.lock:1: written by a newer release", "upgrade", write("course.lock", '{"course_lock": 99}\n')),
    Odd("lock file not UTF-8", "course.lock: not UTF-8", "git", write("course.lock", b"\xff\xfe")),
    Odd("lock file is a directory", "course.lock: cannot be read (Is a directory)", "permissions", mkdir("course.lock")),
    Odd("corrupt journal", "journal.sqlite3 cannot be used", "delete it", write(".authoring/journal.sqlite3", b"no database" * 99)),
    Odd("journal is a directory", "journal.sqlite3 cannot be used", "delete it", mkdir(".authoring/journal.sqlite3")),
    Odd(".authoring is a file", ".authoring/ cannot be made", "permissions", write(".authoring", "x")),
    Odd("unknown target", "no target named 'stagin' (known: staging; and sandbox)", "'staging'", write("authoring.toml", TOML), {}, ("--target", "stagin")),
    Odd("two targets", "two targets are asked for", "unset IBL_CMS_URL", write("authoring.toml", TOML), {}, ("--target", "staging")),
    Odd("half a session", "IBL_STUDIO_CSRF is not set", "IBL_STUDIO_CSRF", environ={"IBL_STUDIO_CSRF": None}),
    Odd("the other half", "IBL_STUDIO_SESSION is not set", "IBL_STUDIO_SESSION", environ={"IBL_STUDIO_SESSION": None}),
    Odd("a client without its secret", "IBL_CLIENT_SECRET is not set", "IBL_CLIENT_SECRET", environ={"IBL_CLIENT_SECRET": None}),
    Odd("a secret without its client", "IBL_CLIENT_ID is not set", "IBL_CLIENT_ID", environ={"IBL_CLIENT_ID": None}),
    Odd("no login", "has no login", "IBL_STUDIO_SESSION", environ=dict.fromkeys(LOGIN)),
    Odd("a cookie in quotes", "it has quotes around it", "value alone", environ={"IBL_STUDIO_SESSION": f'"{SECRET}"'}),
    Odd("a cookie with its name", "starts with the cookie's name", "value alone", environ={"IBL_STUDIO_CSRF": f"csrftoken={SECRET}"}),
    Odd("two cookies", "is not a cookie's value", "value alone", environ={"IBL_STUDIO_SESSION": f"{SECRET}; b=c"}),
    Odd("a cookie over two lines", "it has a line break", "value alone", environ={"IBL_STUDIO_SESSION": f"{SECRET}\nx"}),
    Odd("an address without a scheme", "not an address with http", "https://", environ={"IBL_CMS_URL": "studio.example.org"}),
    Odd("a port that is none", "IBL_CMS_URL is not an address", "https://", environ={"IBL_CMS_URL": "http://a.org:99999"}),
    Odd("a login in the address", "has a login in it", "doctor", environ={"IBL_CMS_URL": f"https://me:{SECRET}@a.org"}),
    Odd("unknown dialect", "`dialect` is 'moodle'", "ibl, studio", environ={"IBL_DIALECT": "moodle"}),
    Odd("not TOML", "authoring.toml: not TOML", "docs/commands.md", write("authoring.toml", "[targets.a\n")),
    Odd("settings not UTF-8", "authoring.toml: not UTF-8", "UTF-8", write("authoring.toml", b"\xff\xfe")),
    Odd("settings are a directory", "authoring.toml: cannot be read", "permissions", mkdir("authoring.toml")),
    Odd("unknown setting", "targets.staging.timout: unknown key", "'timeout'", write("authoring.toml", f"{TOML}timout = 3\n")),
    Odd("a setting outside", "unknown key 'target'", "'targets'", write("authoring.toml", "[target.a]\n")),
    Odd("time-out in words", "`timeout` is not a number", "60", write("authoring.toml", f'{TOML}timeout = "fast"\n'), {"IBL_CMS_URL": None}, ("--target", "staging")),
    Odd("a secret in the settings", "client_secret: a secret does not belong in a file", "client_secret_env", write("authoring.toml", f'{TOML}client_secret = "{SECRET}"\n')),
    Odd("a secret for a variable's name", "client_secret_env: not the name of", "not the secret itself", write("authoring.toml", f'{TOML}client_secret_env = "{SECRET}"\n')),
)  # fmt: skip


@pytest.mark.parametrize("command", ["plan", "push"])
@pytest.mark.parametrize("odd", AROUND, ids=lambda odd: str(odd.title))
def test_bad_surroundings(odd: Odd, command: str, desk: Desk) -> None:
    odd.spoil(desk.folder)
    error = refused(desk, command, *odd.args, environ=odd.environ)["error"]
    assert odd.says in error["message"]
    assert odd.hint in error["hint"]
    assert error["exit_code"] == 1
    shown = run(desk, command, *odd.args, environ=odd.environ)
    assert odd.says in shown.stderr
    assert odd.hint in shown.stderr
    assert SECRET not in shown.output
    assert shown.stdout == ""


@pytest.mark.parametrize("command", ["check", "plan", "push"])
@pytest.mark.parametrize(
    ("spoil", "code", "says"),
    [
        (lambda folder: (folder / "course.yaml").unlink(), "no-course-file", "there is no course.yaml in "),
        (shutil.rmtree, "not-a-course-folder", "cannot be opened: No such file or directory"),
        (lambda folder: (shutil.rmtree(folder), folder.write_text("x")), "not-a-course-folder", "is not a folder"),
    ],
    ids=["no course.yaml", "no folder", "a file"],
)
def test_no_course(spoil: Callable[[Path], object], code: str, says: str, command: str, desk: Desk) -> None:
    spoil(desk.folder)
    report = refused(desk, command)
    (finding,) = findings(report)
    assert finding["code"] == code
    assert says in finding["message"]
    assert finding["hint"]
    assert not (desk.folder / ".authoring").exists()


def test_a_passport_without_its_variables_is_refused_before_anything_is_written(desk: Desk) -> None:
    passport = "lti_passports:\n  tool: {key_env: TOOL_KEY, secret_env: TOOL_SECRET}\n"
    write_tree(desk.folder, {"course.yaml": COURSE + passport})
    result = run(desk, "push", environ={"TOOL_KEY": "key"})
    assert "'tool' needs the environment variable TOOL_SECRET" in result.stderr
    assert "TOOL_KEY" not in result.stderr
    assert desk.writes() == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '"plan"', "{}", "[" * 100_000, '{"plan": 1, "operations": [{"op": "explode"}]}'],
    ids=lambda text: str(text[:12]),
)
def test_what_is_no_plan_is_refused(text: str, desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(text)
    report = desk.push("--plan", str(tmp_path / "plan.json"), code=5)
    assert str(tmp_path / "plan.json") in report["error"]["message"]
    assert "authoring plan DIR --out FILE" in report["error"]["hint"]
    assert desk.writes() == []
