"""`authoring import` and `authoring export`, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from authoring import importing
from authoring.cli import main
from authoring.importing import CONFLICTS, ImportOptions, import_package
from tests.packages import COURSE_XML, make_package

UNIT = '<vertical display_name="Hello there"><html url_name="h"/><problem url_name="p"/><gadget url_name="g" size="2"/></vertical>'
FILES = {
    "course/course.xml": COURSE_XML,
    "course/course/R.xml": '<course display_name="A course"><chapter url_name="c"/><wiki slug="w"/></course>',
    "course/chapter/c.xml": '<chapter display_name="Begin"><sequential url_name="s"/></chapter>',
    "course/sequential/s.xml": '<sequential display_name="First steps"><vertical url_name="v"/></sequential>',
    "course/vertical/v.xml": UNIT,
    "course/html/h.xml": '<html filename="h" display_name="Words"/>',
    "course/html/h.html": '<p>Some <strong>words</strong> and <a href="/jump_to_id/v">a link</a>, <img src="/static/a.png" alt="a"></p>',
    "course/problem/p.xml": "<problem><numericalresponse answer='42'><label>Six times seven?</label>"
    "<formulaequationinput/></numericalresponse></problem>",
    "course/static/a.png": "png",
    "course/policies/R/policy.json": '{"course/R": {"lti_passports": ["tool:key-4711:secret-4711"]}}',
    "course/custom_tags/book": "More in ${page}",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return make_package(tmp_path / "package", FILES)


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def test_a_package_becomes_a_folder_that_reads_well(package: Path, tmp_path: Path) -> None:
    report = json.loads(run("import", package, tmp_path / "course", "--json", "--fail-under", "100").stdout)
    assert (report["course"], report["percentage"], report["dropped"]) == ("course-v1:O+N+R", 100.0, 0)
    assert [(item["what"], item["outcome"]) for item in report["items"]] == [
        ("gadget/g", "verbatim"),
        ("file custom_tags/book", "verbatim"),
    ]
    unit = (tmp_path / "course/01-begin/01-first-steps/01-hello-there.md").read_text("utf-8")
    assert "Some **words** and [a link](01-hello-there.md)" in unit
    assert "![a](../../static/a.png)" in unit
    assert ":::problem {#p}" in unit and "= 42" in unit
    assert '<gadget url_name="g" size="2"/>' in unit.replace('size="2" url_name="g"', 'url_name="g" size="2"')
    assert run("check", tmp_path / "course").exit_code == 0


def test_no_secret_gets_into_the_folder(package: Path, tmp_path: Path) -> None:
    result = run("import", package, tmp_path / "course")
    assert "LTI_TOOL_SECRET" in result.stderr
    written = [path.read_bytes() for path in (tmp_path / "course").rglob("*") if path.is_file()]
    assert not any(b"4711" in content for content in [*written, result.output.encode()])


def test_a_folder_that_is_there_is_refused(package: Path, tmp_path: Path) -> None:
    run("import", package, tmp_path / "course")
    result = run("import", package, tmp_path / "course", code=1)
    assert "is there already" in result.stderr and "--merge" in result.stderr


def test_merge_keeps_edits_takes_news_and_sets_conflicts_aside(package: Path, tmp_path: Path) -> None:
    course = tmp_path / "course"
    run("import", package, course)
    unit = course / "01-begin/01-first-steps/01-hello-there.md"
    unit.write_text(unit.read_text("utf-8").replace("Some", "Many"), "utf-8")
    again = json.loads(run("import", package, course, "--merge", "--json").stdout)
    assert (again["kept"], again["changed"], again["conflicts"]) == (
        ["01-begin/01-first-steps/01-hello-there.md"],
        0,
        [],
    )

    make_package(package, {"course/chapter/c.xml": FILES["course/chapter/c.xml"].replace("Begin", "Begin anew")})
    (package / "course/static/a.png").write_text("other", "utf-8")
    moved = json.loads(run("import", package, course, "--merge", "--json").stdout)
    assert "Many" in unit.read_text("utf-8"), "an edit in a file that is no longer in the package is kept"
    assert moved["kept"] == ["01-begin/01-first-steps/01-hello-there.md"]
    assert (course / "static/a.png").read_text("utf-8") == "other"

    edited = course / "01-begin-anew/01-first-steps/01-hello-there.md"
    edited.write_text(edited.read_text("utf-8").replace("words", "phrases"), "utf-8")
    make_package(package, {"course/html/h.html": "<p>Other words</p>"})
    clash = json.loads(run("import", package, course, "--merge", "--json", code=1).stdout)
    assert clash["conflicts"] == ["01-begin-anew/01-first-steps/01-hello-there.md"]
    assert "phrases" in edited.read_text("utf-8")
    assert "Other words" in (course / CONFLICTS / clash["conflicts"][0]).read_text("utf-8")


def test_force_says_whose_edits_it_replaced(package: Path, tmp_path: Path) -> None:
    course = tmp_path / "course"
    run("import", package, course)
    unit = course / "01-begin/01-first-steps/01-hello-there.md"
    unit.write_text("gone\n", "utf-8")
    (course / "mine.txt").write_text("mine\n", "utf-8")
    report = json.loads(run("import", package, course, "--force", "--json").stdout)
    assert report["replaced"] == ["01-begin/01-first-steps/01-hello-there.md"]
    assert "words" in unit.read_text("utf-8") and (course / "mine.txt").exists()


def test_a_crash_leaves_no_folder(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put, written = importing._put, []

    def stop(target: Path, content: bytes | Path) -> None:
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        written.append(target)
        put(target, content)

    monkeypatch.setattr(importing, "_put", stop)
    with pytest.raises(importing.SourceError, match="No space left"):
        import_package(package, tmp_path / "course", options=ImportOptions())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["package"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such.zip", "out"], "there is no such file or folder"),
        (["{package}", "out", "--from", "word"], "there is no importer 'word'"),
        (["{package}", "out", "--root", "elsewhere"], "there is no course at 'elsewhere'"),
        (["{empty}", "out"], "nothing in it that can be read"),
        (["{page}", "out"], "a web page"),
    ],
)
def test_what_is_wrong_is_one_line_with_a_remedy(
    arguments: list[str], said: str, package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_package(tmp_path / "empty", {"read.me": "nothing"})
    (tmp_path / "page.zip").write_text("<!DOCTYPE html><title>Log in</title>", "utf-8")
    names = {"{package}": "package", "{empty}": "empty", "{page}": "page.zip"}
    result = run("import", *(names.get(argument, argument) for argument in arguments), code=1)
    assert said in result.stderr and "hint:" in result.stderr
    assert not (tmp_path / "out").exists()


def test_export_and_import_are_inverse_and_give_the_same_bytes(package: Path, tmp_path: Path) -> None:
    run("import", package, tmp_path / "course")
    run("export", tmp_path / "course", tmp_path / "one.tar.gz", "--to", "olx")
    run("import", tmp_path / "one.tar.gz", tmp_path / "again")
    run("export", tmp_path / "again", tmp_path / "two.tar.gz", "--to", "olx")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    report = json.loads(run("export", tmp_path / "course", tmp_path / "folder", "--to", "olx", "--json").stdout)
    assert report["files"] == sum(path.is_file() for path in (tmp_path / "folder").rglob("*"))
    assert "is there already" in run("export", tmp_path / "course", tmp_path / "folder", "--to", "olx", code=1).stderr
    run("export", tmp_path / "course", tmp_path / "one.tar.gz", "--to", "olx", code=1)
    run("export", tmp_path / "course", tmp_path / "one.tar.gz", "--to", "olx", "--force")


def test_a_library_becomes_a_folder_and_comes_back(tmp_path: Path) -> None:
    package = make_package(
        tmp_path / "library",
        {
            "library/library.xml": '<library url_name="library" xblock-family="xblock.v1" display_name="Bank" org="O"'
            ' library="L"><problem url_name="p"/></library>',
            "library/problem/p.xml": "<problem display_name='One'><p>Q</p></problem>",
        },
    )
    run("import", package, tmp_path / "bank")
    assert "kind: library" in (tmp_path / "bank/course.yaml").read_text("utf-8")
    run("export", tmp_path / "bank", tmp_path / "bank.tar.gz", "--to", "olx")
    run("import", tmp_path / "bank.tar.gz", tmp_path / "bank-again")
    assert "content library" in run("plan", tmp_path / "bank", code=1).stderr
