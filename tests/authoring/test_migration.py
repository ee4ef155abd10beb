"""Many packages at once: found, named, run in worker processes, written down, gone on with, reported."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import types
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result
from filelock import FileLock
from hypothesis import example, given
from hypothesis import strategies as st

from authoring.cli import migration as command
from authoring.errors import AuthoringError, BusyError
from authoring.migration import InProcess, Outcome, Report, Runner, WorkerProcesses, plan_migration, run_migration
from authoring.migration.sources import Package, find_packages, name_packages, readable_name

# --- a step that does as its package says ---------------------------------------------------------------------------


def obey(source: str, destination: str) -> Mapping[str, object]:
    """Packages of these tests are text: a line of orders, then the text of the course."""
    path = Path(source)
    if path.is_dir():
        path = path / "course.xml"
    order, _, text = path.read_text("utf-8").partition("\n")
    made = Path(destination)
    made.mkdir()
    (made / "course.yaml").write_text(text, "utf-8")
    (made / "static").mkdir()
    (made / "static" / "a.txt").write_text("a")
    match order.split():
        case ["fail"]:
            raise AuthoringError("no course in it", "look at it")
        case ["defect"]:
            raise KeyError("surprise")
        case ["hang"]:
            time.sleep(600)
        case ["die"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["die-once", mark]:
            if not Path(mark).exists():
                Path(mark).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        case ["wait-for", mark]:
            while not Path(mark).exists():
                time.sleep(0.02)
        case ["slow", seconds]:
            time.sleep(float(seconds))
        case ["talk"]:
            print("this must not end up between the answers", flush=True)
        case ["nothing"]:
            shutil.rmtree(made)
    dropped = 1 if order == "drop" else 0
    finding = {"code": "olx-odd", "severity": "warning", "path": "a.xml", "line": 3, "message": "odd", "hint": "mend"}
    return {
        "package": path.name,
        "importer": "olx",
        "course": f"course-v1:A+{path.stem}+R",
        "blocks": {"html": 2, "problem": 1},
        "converted": 3 - dropped,
        "verbatim": 0,
        "dropped": dropped,
        "percentage": 100.0 if not dropped else 66.7,
        "findings": [finding] * dropped,
        "files": 1,
    }


def packages(folder: Path, orders: Mapping[str, str]) -> Path:
    """Write `{name: order}` as packages; the text of each course is its name."""
    for name, order in orders.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{order}\n{name}\n")
    return folder


def go(source: Path | str, dest: Path | str, runner: Runner | None = None, **options: Any) -> Report:
    return run_migration([str(source)], str(dest), obey, runner or InProcess(), **options)


def outcomes(report: Report) -> dict[str, str]:
    return {line.destination: str(line.outcome) for line in report.packages}


def reasons(report: Report) -> dict[str, str | None]:
    return {line.destination: line.reason for line in report.packages if line.outcome is Outcome.FAILED}


def tree(folder: Path) -> dict[str, bytes]:
    """All that a run leaves, apart from how long it took."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != ".migration.lock":
            content = path.read_bytes()
            if path.name == "migration.jsonl":
                lines = [json.loads(line) for line in content.splitlines()]
                content = json.dumps([{**line, "seconds": 0} for line in lines]).encode()
            found[path.relative_to(folder).as_posix()] = content
    return found


# --- which packages there are ---------------------------------------------------------------------------------------


def found(*sources: str, below: Path, leave_out: Path | None = None) -> list[str]:
    return [
        Path(package.source).relative_to(below).as_posix() for package in find_packages(sources, leave_out=leave_out)
    ]


def test_packages_are_found_at_any_depth_and_packages_are_not_looked_into(tmp_path: Path) -> None:
    names = ("a.zip", "b/c.tar.gz", "b/d/E.IMSCC", "f/course.xml", "f/static/inner.zip", "g.mbz", "h.tgz", "notes.txt")
    packages(tmp_path, dict.fromkeys((*names, "lib/x/library.xml", ".git/old.zip", "b/.hidden.zip"), "ok"))
    expected = ["a.zip", "b/c.tar.gz", "b/d/E.IMSCC", "f", "g.mbz", "h.tgz", "lib/x"]
    assert found(str(tmp_path), below=tmp_path) == expected
    assert found(str(tmp_path / "f"), str(tmp_path / "f"), below=tmp_path) == ["f"]
    assert found(tmp_path.as_uri() + "/b", below=tmp_path) == ["b/c.tar.gz", "b/d/E.IMSCC"]
    assert found(str(tmp_path / "**/*.tar.gz"), str(tmp_path / "?.zip"), below=tmp_path) == ["a.zip", "b/c.tar.gz"]
    assert found(str(tmp_path), below=tmp_path, leave_out=tmp_path / "b") == ["a.zip", "f", "g.mbz", "h.tgz", "lib/x"]


def test_a_file_that_is_named_is_taken_whatever_its_name(tmp_path: Path) -> None:
    packages(tmp_path, {"export.bin": "ok"})
    assert found(str(tmp_path / "export.bin"), below=tmp_path) == ["export.bin"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.zip", "no such file"),
        ("empty", "no packages here"),
        ("*.zip", "no packages here"),
        ("sftp://me:secret@host/x.zip", "password"),
        ("https://host/x.zip?signature=secret", "query"),
        ("file://elsewhere/x.zip", "host"),
    ],
)
def test_sources_that_cannot_be_used_are_refused_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(AuthoringError, match=message) as caught:
        go(source, tmp_path / "out")
    assert "secret" not in f"{caught.value} {caught.value.hint}"
    assert not (tmp_path / "out" / "report.json").exists()


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/x/DemoX.2014.tar.gz", "DemoX.2014"),
        ("/x/Intro to Physics (2).zip", "Intro-to-Physics-2"),
        ("/x/demo/course", "demo"),
        ("/course", "course"),
        ("s3://bucket/a/Über uns.imscc", "Über-uns"),
        ("/x/CON.zip", "course-CON"),
        ("/x/...zip", "course"),
        ("/x/.._..", "course"),
        ("/x/\udcff.zip", "course"),
    ],
)
def test_a_course_folder_is_named_after_its_package(source: str, name: str) -> None:
    assert readable_name(source) == name


def test_names_that_clash_get_a_digest_of_the_source_each() -> None:
    names = name_packages([Package("/a/x.zip"), Package("/b/X.tgz"), Package("/c/y.zip")], {})
    assert names["/c/y.zip"] == "y"
    assert names["/a/x.zip"].startswith("x-")
    assert names["/b/X.tgz"].startswith("X-")


def test_a_course_folder_takes_no_name_that_the_migration_needs(tmp_path: Path) -> None:
    source = packages(tmp_path / "in", {"report.md.zip": "ok", "Migration.jsonl.zip": "ok"})
    assert all(name[:-9] in ("report.md", "Migration.jsonl") for name in outcomes(go(source, tmp_path / "out")))


def test_a_newcomer_renames_nobody() -> None:
    names = name_packages([Package("/a/x.zip"), Package("/b/x.zip")], {"/b/x.zip": "x"})
    assert names["/b/x.zip"] == "x"
    assert names["/a/x.zip"] != "x"


@example([":", "\udd00"], Random(0))
@given(st.lists(st.text(st.characters(exclude_characters="\0")), unique=True), st.randoms())
def test_names_are_unique_safe_and_the_same_in_any_order(texts: list[str], random: Any) -> None:
    given_packages = [Package(f"/{number}/{text}.zip") for number, text in enumerate(texts)]
    names = name_packages(given_packages, {})
    assert len({name.casefold() for name in names.values()}) == len(texts)
    assert all(Path(name).name == name and not name.startswith(".") for name in names.values())
    assert all(len(name.encode()) < 230 for name in names.values())
    shuffled = random.sample(given_packages, len(given_packages))
    assert name_packages(shuffled, {}) == names


# --- runs -----------------------------------------------------------------------------------------------------------


def test_one_bad_package_stops_nobody(tmp_path: Path) -> None:
    orders = {"good": "ok", "bad": "fail", "defect": "defect", "empty": "nothing", "loud": "talk", "part": "drop"}
    source = packages(tmp_path / "in", {f"{name}.zip": order for name, order in orders.items()})
    report = go(source, tmp_path / "out", WorkerProcesses(2))
    assert outcomes(report) == {
        **dict.fromkeys(("good", "loud", "part"), "done"),
        **dict.fromkeys(("bad", "defect", "empty"), "failed"),
    }
    assert reasons(report)["bad"] == "no course in it"
    assert "KeyError: 'surprise' (test_migration.py:" in str(reasons(report)["defect"])
    assert (tmp_path / "out/good/course.yaml").read_text() == "good.zip\n"
    left = sorted(path.name for path in (tmp_path / "out").iterdir() if path.name != ".migration.lock")
    assert left == ["good", "loud", "migration.jsonl", "part", "report.json", "report.md"]


def test_a_package_that_kills_its_process_costs_itself_alone(tmp_path: Path) -> None:
    mark = tmp_path / "died"
    orders = {"a.zip": "ok", "b.zip": "die", "c.zip": f"die-once {mark}", "d.zip": "ok"}
    report = go(packages(tmp_path / "in", orders), tmp_path / "out", WorkerProcesses(2))
    assert outcomes(report) == {"a": "done", "b": "failed", "c": "done", "d": "done"}
    assert "SIGKILL" in str(reasons(report)["b"])
    assert not (tmp_path / "out/.unfinished").exists()


def test_a_package_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    source = packages(tmp_path / "in", {"a.zip": "hang", "b.zip": "ok", "c.zip": "ok"})
    report = go(source, tmp_path / "out", WorkerProcesses(2, timeout=4))
    assert outcomes(report) == {"a": "failed", "b": "done", "c": "done"}
    assert reasons(report)["a"] == "not finished after 4 seconds"


def test_every_way_of_running_gives_the_same(tmp_path: Path) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok", "b/a.zip": "drop", "c.zip": "fail", "d/course.xml": "ok"})
    trees = []
    for number, runner in enumerate((InProcess(), WorkerProcesses(1), WorkerProcesses(3))):
        go(source, tmp_path / str(number), runner)
        trees.append(tree(tmp_path / str(number)))
    assert trees[0] == trees[1] == trees[2]


def test_a_rerun_does_only_what_is_left(tmp_path: Path) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok", "b.zip": "fail", "c/course.xml": "ok"})
    go(source, tmp_path / "out")
    packages(source, {"b.zip": "ok", "d.zip": "ok"})
    first = (tmp_path / "out/a/course.yaml").stat().st_ino
    report = go(source, tmp_path / "out")
    assert outcomes(report) == {"a": "unchanged", "b": "done", "c": "unchanged", "d": "done"}
    assert (tmp_path / "out/a/course.yaml").stat().st_ino == first
    lines = [json.loads(line) for line in (tmp_path / "out/migration.jsonl").read_text().splitlines()]
    assert [(line["destination"], line["outcome"]) for line in lines] == [(name, "done") for name in "abcd"]
    assert lines[0]["size"] == len("ok\na.zip\n")
    assert len(lines[0]["sha256"]) == 64


def test_a_package_that_has_changed_is_converted_again_unless_somebody_edited_its_course(tmp_path: Path) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok", "b.zip": "ok", "c.zip": "ok"})
    out = tmp_path / "out"
    go(source, out)
    (out / "b/course.yaml").write_text("mine")
    (out / "c/course.yaml").write_text("mine")
    packages(source, {"a.zip": "talk", "b.zip": "talk"})
    report = go(source, out)
    assert outcomes(report) == {"a": "done", "b": "failed", "c": "unchanged"}
    assert "was edited" in str(reasons(report)["b"])
    assert (out / "b/course.yaml").read_text() == (out / "c/course.yaml").read_text() == "mine"
    assert outcomes(go(source, out, force=True)) == dict.fromkeys("abc", "done")
    assert (out / "b/course.yaml").read_text() == "b.zip\n"


def test_a_folder_that_is_no_migrations_is_left_alone(tmp_path: Path) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok"})
    packages(tmp_path / "out", {"a/notes.txt": "mine"})
    assert "not made by a migration" in str(reasons(go(source, tmp_path / "out"))["a"])
    assert (tmp_path / "out/a/notes.txt").exists()


def test_only_failed(tmp_path: Path) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok", "b.zip": "fail"})
    go(source, tmp_path / "out")
    packages(source, {"a.zip": "talk", "b.zip": "ok", "new.zip": "ok"})
    report = go(source, tmp_path / "out", only_failed=True)
    assert outcomes(report) == {"a": "unchanged", "b": "done", "new": "waiting"}


def test_a_course_folder_that_was_removed_is_made_again(tmp_path: Path) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok"})
    go(source, tmp_path / "out")
    shutil.rmtree(tmp_path / "out/a")
    assert outcomes(go(source, tmp_path / "out")) == {"a": "done"}
    assert (tmp_path / "out/a/course.yaml").exists()


def test_without_its_journal_a_migration_recognises_what_is_finished(tmp_path: Path) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok", "b.zip": "drop"})
    go(source, tmp_path / "out")
    before = tree(tmp_path / "out")
    (tmp_path / "out/migration.jsonl").unlink()
    inode = (tmp_path / "out/a/course.yaml").stat().st_ino
    go(source, tmp_path / "out")
    assert tree(tmp_path / "out") == before
    assert (tmp_path / "out/a/course.yaml").stat().st_ino == inode


def test_a_torn_last_line_of_the_journal_is_cut_off(tmp_path: Path) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok", "b.zip": "ok"})
    go(source, tmp_path / "out")
    before = tree(tmp_path / "out")
    journal = tmp_path / "out/migration.jsonl"
    journal.write_bytes(journal.read_bytes()[:-40])
    go(source, tmp_path / "out")
    assert {**tree(tmp_path / "out"), "report.json": b"", "report.md": b""} == {
        **before,
        "report.json": b"",
        "report.md": b"",
    }


def test_a_result_that_the_journal_missed_is_written_down(tmp_path: Path) -> None:
    source, out = packages(tmp_path / "in", {"a.zip": "ok"}), tmp_path / "out"
    go(source, out)
    old = (out / "migration.jsonl").read_bytes()
    packages(source, {"a.zip": "drop"})
    go(source, out)
    after = tree(out)
    (out / "migration.jsonl").write_bytes(old)
    go(source, out)
    assert tree(out) == after


def test_a_step_that_the_workers_do_not_have_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here_only = types.ModuleType("here_only")
    exec("def step(source, destination): return {}", here_only.__dict__)
    monkeypatch.setitem(sys.modules, "here_only", here_only)
    source = packages(tmp_path / "in", {"a.zip": "ok"})
    report = run_migration([str(source)], str(tmp_path / "out"), here_only.step, WorkerProcesses(1))
    assert "No module named 'here_only'" in str(reasons(report)["a"])


@pytest.mark.parametrize("line", ['{"format": 99}', "not JSON", '{"format": 1, "source": "x", "destination": "../x"}'])
def test_a_journal_that_is_none_of_ours_is_refused(tmp_path: Path, line: str) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out/migration.jsonl").write_text(line + "\n")
    with pytest.raises(AuthoringError, match=r"migration\.jsonl:1: not a line"):
        go(source, tmp_path / "out")


def test_two_runs_do_not_work_on_one_destination(tmp_path: Path) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok"})
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out/.migration.lock"), pytest.raises(BusyError):
        go(source, tmp_path / "out")


# --- a run that is ended --------------------------------------------------------------------------------------------

_RUN = """
import sys
from authoring.migration import WorkerProcesses, run_migration
from test_migration import obey
if __name__ == "__main__":
    run_migration([sys.argv[1]], sys.argv[2], obey, WorkerProcesses(2))
"""


def start(source: Path, out: Path) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-c", _RUN, str(source), str(out)],
        env={**os.environ, "PYTHONPATH": paths},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_until(true: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def workers_of(out: Path) -> list[int]:
    """Processes that have a file or folder of the run's open or as an argument: none may outlive it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if f"MIGRATION_TEST={out}".encode() in environment:
            found.append(int(folder.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_ended_leaves_no_process_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: signal.Signals
) -> None:
    out, mark = tmp_path / "out", tmp_path / "mark"
    source = packages(tmp_path / "in", {"a.zip": "ok", "b.zip": f"wait-for {mark}", "c.zip": "ok", "d.zip": "ok"})
    monkeypatch.setenv("MIGRATION_TEST", str(out))
    run = start(source, out)
    try:
        journal = out / "migration.jsonl"
        wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") == 3)
        wait_until(lambda: list(out.glob(".unfinished/*/b.*/course")))
    finally:
        run.send_signal(ending)
        run.wait(60)
    monkeypatch.delenv("MIGRATION_TEST")
    wait_until(lambda: not workers_of(out))
    assert not (out / "b").exists()
    assert (out / ".unfinished").exists() == (ending is signal.SIGKILL)
    mark.touch()
    report = go(source, out, WorkerProcesses(2))
    assert outcomes(report) == {"a": "unchanged", "b": "done", "c": "unchanged", "d": "unchanged"}
    assert not (out / ".unfinished").exists()


# --- reports and the command ----------------------------------------------------------------------------------------


def test_the_report_says_what_needs_a_person(tmp_path: Path) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok", "b.zip": "fail", "c.zip": "drop"})
    report = go(source, tmp_path / "out", fail_under=90)
    value = json.loads((tmp_path / "out/report.json").read_text())
    assert value["blocks"] == {"html": 4, "problem": 2}
    assert value["items"] == {"converted": 5, "verbatim": 0, "dropped": 1}
    assert value["findings"] == [
        {
            "code": "olx-odd",
            "severity": "warning",
            "count": 1,
            "packages": 1,
            "hint": "mend",
            "examples": ["c: a.xml:3: odd"],
        }
    ]
    assert not value["ok"]
    text = (tmp_path / "out/report.md").read_text().replace(str(tmp_path), "")
    assert text == report.to_markdown().replace(str(tmp_path), "") == _REPORT


_REPORT = """\
# Migration

3 packages: 2 done, 1 failed.

5 items converted, 0 kept verbatim, 1 dropped; 2 files.

## What needs a person

- **b** (`/in/b.zip`): no course in it
  - look at it
- **c** (`/in/c.zip`): 1 items dropped; 66.7 % kept, under 90 %

## Findings

| code | severity | times | packages | for example |
| --- | --- | --- | --- | --- |
| `olx-odd` | warning | 1 | 1 | c: a.xml:3: odd |

## Blocks

| block type | count |
| --- | --- |
| html | 4 |
| problem | 2 |

## Packages

| course folder | format | course | blocks | kept | outcome |
| --- | --- | --- | --- | --- | --- |
| a | olx | course-v1:A+a+R | 3 | 100 % | done |
| b |  |  | 0 |  | failed |
| c | olx | course-v1:A+c+R | 3 | 66.7 % | done |
"""


@pytest.fixture
def migrate(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(command, "import_step", obey)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(command.migrate, [str(argument) for argument in arguments])

    return run


def test_the_command_exits_with_1_when_a_package_needs_it(tmp_path: Path, migrate: Any) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok", "b.zip": "drop"})
    done = migrate(source, tmp_path / "out", "--workers", 1)
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    assert "2 packages: 2 done" in done.stdout
    strict = migrate(source, tmp_path / "out", "--workers", 0, "--fail-under", 100, "--json")
    assert strict.exit_code == 1
    assert [line["under"] for line in json.loads(strict.stdout)["packages"]] == [False, True]
    packages(source, {"c.zip": "fail"})
    failed = migrate(source, tmp_path / "out", "--workers", 0)
    assert failed.exit_code == 1
    assert "no course in it" in failed.stdout


def test_a_dry_run_changes_nothing(tmp_path: Path, migrate: Any) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok", "b.zip": "fail"})
    assert "2 to convert" in migrate(source, tmp_path / "out", "--dry-run").stdout
    assert not (tmp_path / "out").exists()
    go(source, tmp_path / "out")
    before = tree(tmp_path / "out")
    planned = json.loads(migrate(source, tmp_path / "out", "--dry-run", "--json").stdout)
    assert [(item["destination"], item["action"]) for item in planned] == [("a", "compare"), ("b", "convert")]
    assert tree(tmp_path / "out") == before
    assert [item.standing for item in plan_migration([str(source)], str(tmp_path / "out"))] == [
        "done before",
        "failed before",
    ]


@pytest.mark.parametrize(
    "arguments", [("--scheduler", "tcp://127.0.0.1:1", "--workers", "2"), ("--force", "--only-failed")]
)
def test_options_that_contradict_each_other(tmp_path: Path, migrate: Any, arguments: tuple[str, ...]) -> None:
    assert migrate(tmp_path, tmp_path / "out", *arguments).exit_code == 2


def test_a_broken_destination_is_an_error_of_one_line(tmp_path: Path, migrate: Any) -> None:
    source = packages(tmp_path / "in", {"a.zip": "ok"})
    (tmp_path / "file").touch()
    failed = migrate(source, tmp_path / "file/out", "--workers", 0)
    assert failed.exit_code == 1
    assert "cannot be made" in failed.stderr


# --- URLs -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """fsspec's file system in memory, emptied afterwards, with this test's own temporary files."""
    fsspec = pytest.importorskip("fsspec", reason="the extra `cluster` is not installed")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    filesystem = fsspec.filesystem("memory")
    yield filesystem
    for path in filesystem.ls("/", detail=False):
        filesystem.rm(path, recursive=True)


def test_from_url_to_url(tmp_path: Path, memory: Any) -> None:
    for path, order in {"a.zip": "ok", "deep/b.tar.gz": "fail", "c/course.xml": "ok", "c/static/x.zip": "ok"}.items():
        memory.pipe_file(f"/in/{path}", f"{order}\n{path}\n".encode())
    report = go("memory://in", "memory://out")
    assert outcomes(report) == {"a": "done", "b": "failed", "c": "done"}
    assert memory.cat_file("/out/a/course.yaml") == b"a.zip\n"
    assert memory.cat_file("/out/a/static/a.txt") == b"a"
    assert json.loads(memory.cat_file("/out/report.json"))["outcomes"]["done"] == 2
    memory.pipe_file("/in/deep/b.tar.gz", b"ok\nb\n")
    assert outcomes(go("memory://in/*.zip", "memory://out")) == {"a": "unchanged"}
    assert outcomes(go("memory://in", "memory://out")) == {"a": "unchanged", "b": "done", "c": "unchanged"}
    assert memory.cat_file("/out/migration.jsonl").count(b"\n") == 3
    assert not list(tmp_path.glob("authoring-migrate-*"))


def test_an_upload_that_was_cut_off_is_finished_by_the_next_run(memory: Any) -> None:
    memory.pipe_file("/in/a.zip", b"ok\na\n")
    go("memory://in", "memory://out")
    marker = json.loads(memory.cat_file("/out/a/.migration.json"))
    memory.pipe_file("/out/a/.migration.json", json.dumps({**marker, "state": "unfinished"}).encode())
    memory.pipe_file("/out/a/left-over.txt", b"x")
    memory.rm_file("/out/a/course.yaml")
    assert outcomes(go("memory://in", "memory://out")) == {"a": "done"}
    assert memory.exists("/out/a/course.yaml")
    assert not memory.exists("/out/a/left-over.txt")


def test_a_course_behind_a_url_that_was_edited_is_kept(memory: Any) -> None:
    memory.pipe_file("/in/a.zip", b"ok\na\n")
    go("memory://in", "memory://out")
    memory.pipe_file("/in/a.zip", b"talk\nb\n")
    assert outcomes(go("memory://in", "memory://out")) == {"a": "done"}
    memory.pipe_file("/in/a.zip", b"talk\nc\n")
    memory.pipe_file("/out/a/course.yaml", b"mine")
    assert "was edited" in str(reasons(go("memory://in", "memory://out"))["a"])
    assert memory.cat_file("/out/a/course.yaml") == b"mine"


def test_worker_processes_fetch_and_put_by_url(tmp_path: Path) -> None:
    pytest.importorskip("fsspec", reason="the extra `cluster` is not installed")
    source = packages(tmp_path / "in", {"a.zip": "ok", "b.zip": "die"})
    report = go(f"local://{source}", f"local://{tmp_path}/out", WorkerProcesses(2))
    assert outcomes(report) == {"a": "done", "b": "failed"}
    assert (tmp_path / "out/a/course.yaml").read_text() == "a.zip\n"


def test_a_url_without_fsspec_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(AuthoringError, match="fsspec") as caught:
        go("s3://bucket/x.zip", tmp_path / "out")
    assert "ibl-course-authoring[cluster]" in str(caught.value.hint)
