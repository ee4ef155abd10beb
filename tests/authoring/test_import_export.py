"""`authoring import` and `authoring export` in detail: the account, importing again over edits, exporting, what goes wrong.

The ordinary way is in test_importing.py.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from authoring import importing
from authoring.cli import main
from authoring.importing import CONFLICTS, RECORD
from tests.conftest import write_tree
from tests.packages import COURSE_XML, parts_of_folder

UNIT = "01-first/01-lesson/01-hello.md"
OTHER = "01-first/01-lesson/02-more.md"

PACKAGE: Mapping[str, str | bytes] = {
    "course.xml": COURSE_XML,
    "course/R.xml": '<course display_name="A course"><chapter url_name="c" display_name="First">'
    '<sequential url_name="s" display_name="Lesson"><vertical url_name="v"/><vertical url_name="w"/>'
    "</sequential></chapter></course>",
    "vertical/v.xml": '<vertical display_name="Hello"><html url_name="h"/><html url_name="odd"/><mystery url_name="m" power="9"/></vertical>',
    "vertical/w.xml": '<vertical display_name="More"><html url_name="k"/></vertical>',
    "html/h.xml": '<html filename="h" display_name="Text"/>',
    "html/h.html": '<p>Some words and <a href="/static/a.png">a picture</a>.</p>',
    "html/k.xml": '<html filename="k" display_name="Text"/>',
    "html/k.html": '<p>See <a href="/jump_to_id/v">the first unit</a>.</p>',
    "html/odd.xml": '<html filename="odd" display_name="Text"/>',
    "html/odd.html": '<form><input type="text"></form><p>unclosed <b>x',
    "static/a.png": b"\x89PNG",
    "static/old.txt": b"old",
    "notes.txt": "a file of nobody",
}


def run(*arguments: object, code: int = 0) -> Result:
    """Run a command; nothing but its own exit may come of it."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, f"exit {result.exit_code}\n{result.output}"
    assert "Traceback" not in result.output
    return result


def report(*arguments: object, code: int = 0) -> dict[str, Any]:
    found = json.loads(run(*arguments, "--json", code=code).stdout)
    assert isinstance(found, dict)
    return found


def texts(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def edit(file: Path, old: str, new: str) -> bytes:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")
    return file.read_bytes()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "package", PACKAGE)


@pytest.fixture
def folder(package: Path, tmp_path: Path) -> Path:
    """The package, imported."""
    run("import", package, tmp_path / "folder")
    return tmp_path / "folder"


# --- import


def test_the_account_for_a_script(package: Path, tmp_path: Path) -> None:
    account = report("import", package, tmp_path / "folder")
    assert account["ok"] is True
    assert account["course"] == "course-v1:O+N+R"
    assert account["importer"] == "olx"
    assert account["blocks"]["html"] == 3
    assert (account["converted"], account["verbatim"], account["dropped"], account["percentage"]) == (9, 3, 0, 100.0)
    assert account["conflicts"] == account["kept"] == account["replaced"] == []
    kept = {item["what"]: item for item in account["items"]}
    assert kept.keys() == {"html/odd", "mystery/m", "file notes.txt"}
    assert kept["html/odd"]["why"] == "HTML that no Markdown renders to"
    assert kept["mystery/m"]["source"] == "vertical/v.xml:1"
    assert kept["mystery/m"]["target"] == UNIT
    assert kept["file notes.txt"]["target"] == "_olx/notes.txt"


def test_fail_under(package: Path, tmp_path: Path) -> None:
    run("import", package, tmp_path / "whole", "--fail-under", "100")
    run("import", package, tmp_path / "x", "--fail-under", "101", code=2)
    assert not (tmp_path / "x").exists()


def test_what_is_dropped_counts_against_the_whole(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No OLX loses anything, so a reader that loses something stands in."""
    from importers import Imported, Lost, importers
    from importers.olx import OLX, OlxImporter

    class Lossy(OlxImporter):
        def read(self, *arguments: Any) -> Imported:
            read = OLX.read(*arguments)
            return Imported(read.course, read.findings, (Lost("activity 7", "there is no such block"),))

    monkeypatch.setattr(importing, "importers", lambda: {**importers(), "olx": Lossy()})
    account = report("import", package, tmp_path / "a")
    assert (account["dropped"], account["percentage"]) == (1, 92.3)
    run("import", package, tmp_path / "b", "--fail-under", "92.3")
    failed = run("import", package, tmp_path / "c", "--fail-under", "100", code=1)
    assert "dropped, there is no such block: activity 7" in failed.stdout


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_an_archive_says_the_same_as_a_folder(package: Path, folder: Path, tmp_path: Path, suffix: str) -> None:
    form = {".tar.gz": "gztar", ".zip": "zip"}[suffix]
    archive = shutil.make_archive(str(tmp_path / "packed"), form, tmp_path, "package")
    run("import", archive, tmp_path / "again")
    first, second = texts(folder), texts(tmp_path / "again")
    del first[RECORD], second[RECORD]
    assert first == second


def test_an_empty_folder_is_as_good_as_none(package: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    run("import", package, tmp_path / "empty")
    assert (tmp_path / "empty" / "course.yaml").is_file()


def test_a_folder_that_is_there_is_left_alone(package: Path, folder: Path) -> None:
    before = texts(folder)
    result = run("import", package, folder, code=1)
    assert "is there already" in result.stderr
    assert "--merge" in result.stderr and "--force" in result.stderr
    assert texts(folder) == before
    assert report("import", package, folder, code=1)["error"]["exit_code"] == 1


# --- importing again


def test_merge_of_the_same_package_changes_nothing(package: Path, folder: Path) -> None:
    before = texts(folder)
    assert report("import", package, folder, "--merge")["changed"] == 0
    assert texts(folder) == before


def test_merge_keeps_edits_and_takes_what_is_new(package: Path, folder: Path) -> None:
    mine = edit(folder / UNIT, "Some words", "My own words")
    write_tree(package, {"html/k.html": "<p>New text.</p>", "static/new.txt": b"new"})
    (package / "static" / "old.txt").unlink()
    account = report("import", package, folder, "--merge")
    assert account["ok"] is True
    assert account["kept"] == [UNIT]
    assert account["conflicts"] == []
    assert (folder / UNIT).read_bytes() == mine
    assert "New text." in (folder / OTHER).read_text("utf-8")
    assert (folder / "static" / "new.txt").read_bytes() == b"new"
    assert not (folder / "static" / "old.txt").exists()


def test_merge_keeps_edits_of_what_the_package_lost(package: Path, folder: Path) -> None:
    (folder / "static" / "old.txt").write_bytes(b"mine")
    (package / "static" / "old.txt").unlink()
    assert report("import", package, folder, "--merge")["kept"] == ["static/old.txt"]
    assert (folder / "static" / "old.txt").read_bytes() == b"mine"


def test_merge_leaves_files_of_the_author_alone(package: Path, folder: Path) -> None:
    (folder / "01-first" / "01-lesson" / "03-mine.md").write_text("Mine.\n")
    (folder / OTHER).unlink()
    report("import", package, folder, "--merge")
    assert (folder / "01-first" / "01-lesson" / "03-mine.md").read_text() == "Mine.\n"
    assert not (folder / OTHER).exists(), "what the author took away stays away"


def test_a_conflict_is_put_beside(package: Path, folder: Path) -> None:
    mine = edit(folder / UNIT, "Some words", "My own words")
    write_tree(package, {"html/h.html": "<p>Their words.</p>"})
    result = run("import", package, folder, "--merge", code=1)
    assert f"the package's text is in {CONFLICTS}/" in result.stdout and UNIT in result.stdout
    assert (folder / UNIT).read_bytes() == mine
    assert "Their words." in (folder / CONFLICTS / UNIT).read_text("utf-8")
    run("check", folder)


def test_a_conflict_that_is_settled_is_none_any_more(package: Path, folder: Path) -> None:
    edit(folder / UNIT, "Some words", "My own words")
    write_tree(package, {"html/h.html": "<p>Their words.</p>"})
    run("import", package, folder, "--merge", code=1)
    shutil.move(folder / CONFLICTS / UNIT, folder / UNIT)
    account = report("import", package, folder, "--merge")
    assert account["conflicts"] == account["kept"] == []


def test_force_replaces_edits_and_says_so(package: Path, folder: Path) -> None:
    before = texts(folder)
    edit(folder / UNIT, "Some words", "My own words")
    result = run("import", package, folder, "--force")
    assert result.stdout.splitlines()[-2:] == ["replaced, your edits are gone:", f"  {UNIT}"]
    assert texts(folder) == before


def test_merge_and_force_exclude_each_other(package: Path, folder: Path) -> None:
    assert "choose one" in run("import", package, folder, "--merge", "--force", code=2).stderr


def test_merge_into_a_folder_that_no_import_made(package: Path, folder: Path) -> None:
    """Every file counts as the author's."""
    (folder / RECORD).unlink()
    mine = edit(folder / UNIT, "Some words", "My own words")
    assert report("import", package, folder, "--merge", code=1)["conflicts"] == [UNIT]
    assert (folder / UNIT).read_bytes() == mine


def test_a_broken_record_stops_a_merge(package: Path, folder: Path) -> None:
    (folder / RECORD).write_text("{")
    before = texts(folder)
    assert f"{RECORD} cannot be read" in " ".join(run("import", package, folder, "--merge", code=1).stderr.split())
    assert texts(folder) == before


# --- export


def test_export_to_a_folder_is_the_package_again(package: Path, folder: Path, tmp_path: Path) -> None:
    result = run("export", folder, tmp_path / "olx", "--to", "olx")
    count = len(texts(tmp_path / "olx"))
    assert result.stdout == f"course-v1:O+N+R: {count} files in {tmp_path / 'olx'}\n"
    assert parts_of_folder(tmp_path / "olx") == parts_of_folder(package)


def test_the_same_course_gives_the_same_bytes(package: Path, folder: Path, tmp_path: Path) -> None:
    run("export", folder, tmp_path / "one.tar.gz", "--to", "olx")
    copy = shutil.copytree(folder, tmp_path / "elsewhere")
    for file in copy.rglob("*"):
        os.utime(file, (1, 1))
    account = report("export", copy, tmp_path / "two.tar.gz", "--to", "olx")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "two.tar.gz") as tar:
        names = tar.getnames()
    assert len(names) == account["files"] and "course/course.xml" in names
    assert parts_of_folder(tmp_path / "two.tar.gz") == parts_of_folder(package)


def test_export_does_not_write_over_things(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "out.tar.gz"
    archive.write_bytes(b"mine")
    out = write_tree(tmp_path / "out", {"mine.txt": "mine"})
    assert "--force replaces an archive" in run("export", folder, archive, "--to", "olx", code=1).stderr
    assert archive.read_bytes() == b"mine"
    for flags in ((), ("--force",)):
        result = run("export", folder, out, "--to", "olx", *flags, code=1)
        assert "name a folder that does not exist yet" in result.stderr
    assert texts(out) == {"mine.txt": b"mine"}
    run("export", folder, archive, "--to", "olx", "--force")
    assert archive.read_bytes() != b"mine"


# --- errors


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["import", "{tmp}/nowhere", "{tmp}/out"], "nowhere"),
        (["import", "{tmp}/empty.zip", "{tmp}/out"], "empty.zip"),
        (["import", "{tmp}/text.zip", "{tmp}/out"], "text.zip"),
        (["import", "{tmp}/package/static", "{tmp}/out"], "nothing in it that can be read"),
        (["import", "{tmp}/package", "{tmp}/out", "--from", "scorn"], "there is no importer 'scorn'"),
        (["import", "{tmp}/package", "{tmp}/out", "--root", "x"], "there is no course at 'x'"),
        (["import", "{tmp}/package", "{tmp}/text.zip/out"], "cannot be written"),
        (["import", "{tmp}/package", "{tmp}/text.zip"], "is there already"),
        (["import", "{tmp}/package", "{tmp}/text.zip", "--merge"], "text.zip"),
        (["export", "{tmp}/nowhere", "{tmp}/out", "--to", "olx"], "nowhere"),
        (["export", "{tmp}/package", "{tmp}/out", "--to", "olx"], "course.yaml"),
        (["export", "{tmp}/folder", "{tmp}/text.zip/out", "--to", "olx"], "cannot be written"),
        (["export", "{tmp}/folder", "{tmp}/text.zip/out.tar.gz", "--to", "olx"], "cannot be written"),
        (["export", "{tmp}/folder", "{tmp}/none/out.tar.gz", "--to", "olx"], "cannot be written"),
    ],
)
def test_an_error_is_one_line_and_a_hint(
    package: Path, folder: Path, tmp_path: Path, command: list[str], message: str
) -> None:
    (tmp_path / "empty.zip").write_bytes(b"")
    (tmp_path / "text.zip").write_bytes(b"no zip at all")
    before = sorted(path.name for path in tmp_path.iterdir())
    result = run(*(word.format(tmp=tmp_path) for word in command), code=1)
    assert result.stdout == ""
    assert message in result.stderr
    assert "hint: " in result.stderr
    assert sum(line.startswith("Error: ") for line in result.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before
