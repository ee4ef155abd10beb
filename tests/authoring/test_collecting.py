"""Many packages as one course."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from authoring.archives import open_package
from authoring.cli import main
from authoring.model import Course
from authoring.session import load_course
from importers.scorm.package import read_package
from tests.importers.scorm.packages import CORPUS, PAGE, SCO, Members, manifest, write_zip
from tests.packages import CORPUS as CORPUS_FOLDER

KEY = "course-v1:Org+All+1"
TWO: Members = (
    (
        "imsmanifest.xml",
        manifest(
            "".join(f'<item identifier="I{n}" identifierref="R{n}"><title>Page {n}</title></item>' for n in (1, 2)),
            "".join(f'<resource identifier="R{n}" {SCO} href="{n}.html"/>' for n in (1, 2)),
            title="<title>Two pages</title>",
        ),
    ),
    ("1.html", '<html><body>To <a href="2.html">two</a> <img src="x.png"></body></html>'),
    ("2.html", PAGE),
    ("x.png", "picture"),
)
ONE: Members = (("imsmanifest.xml", manifest()), ("a.html", PAGE))


def collect(source: Path, target: Path, *options: str, code: int = 0) -> dict[str, object]:
    result = CliRunner().invoke(main, ["migrate", str(source), str(target), "--one-course", KEY, "--json", *options])
    assert result.exit_code == code, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def compiled(folder: Path) -> Course:
    course, diagnostics = load_course(folder)
    assert not diagnostics.errors
    return course


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    folder = tmp_path / "packages"
    for place in ("01-safety", "02-privacy"):
        (folder / place).mkdir(parents=True)
    write_zip(folder / "01-safety/a.zip", ONE)
    write_zip(folder / "01-safety/b.zip", ONE)
    write_zip(folder / "02-privacy/c.zip", TWO)
    return folder


def outline(course: Course) -> list[object]:
    return [
        [
            chapter.display_name,
            [[one.display_name, [unit.display_name for unit in one.children]] for one in chapter.children],
        ]
        for chapter in course.root.children
    ]


def test_folders_become_sections_and_packages_units_or_subsections(packages: Path, tmp_path: Path) -> None:
    report = collect(packages, tmp_path / "course")
    assert (report["ok"], report["packages"], report["refused"]) == (True, 3, 0)
    course = compiled(tmp_path / "course")
    assert str(course.id) == KEY
    assert outline(course) == [
        ["Safety", [["Safety", ["A course", "A course"]]]],
        ["Privacy", [["Two pages", ["Page 1", "Page 2"]]]],
    ]
    found = [block.package for block in course.blocks() if block.package is not None]
    assert len({asset.path for asset in found}) == 4


def test_links_and_files_of_exploded_packages_stay_their_own(packages: Path, tmp_path: Path) -> None:
    (packages / "01-safety/a.zip").unlink()
    write_zip(packages / "01-safety/z.zip", (*TWO[:-1], ("x.png", "another picture")))
    collect(packages, tmp_path / "course", "--explode")
    course = compiled(tmp_path / "course")
    assert len({asset.digest for asset in course.assets}) == 2
    names = {asset.name: asset.digest for asset in course.assets}
    pictures, targets = [], []
    for block in course.blocks():
        text = block.content or ""
        if block.category == "html" and "/static/" in text:
            (name,) = (name for name in names if f"/static/{name}" in text)
            pictures.append(names[name])
            targets.append(text.partition("/jump_to_id/")[2].partition('"')[0])
    units = [block.url_name for block in course.blocks() if block.category == "vertical"]
    assert len(set(pictures)) == 2 and len(set(targets)) == 2 and set(targets) <= set(units)


def test_one_that_cannot_be_read_leaves_the_others_alone(packages: Path, tmp_path: Path) -> None:
    (packages / "01-safety/broken.zip").write_bytes(b"no zip")
    report = collect(packages, tmp_path / "course", code=1)
    assert (report["ok"], report["packages"], report["refused"]) == (False, 4, 1)
    items = report["items"]
    assert isinstance(items, list)
    assert [item["what"] for item in items if item["outcome"] == "dropped"] == ["package 01-safety/broken.zip"]
    assert len(list((tmp_path / "course").rglob("*.md"))) == 4


def test_nothing_readable_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/a.zip").write_bytes(b"no zip")
    result = CliRunner().invoke(main, ["migrate", str(tmp_path / "packages"), str(tmp_path / "c"), "--one-course", KEY])
    assert result.exit_code == 1 and "none of the 1 packages" in result.stderr
    assert not (tmp_path / "c").exists()


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS, reason="no corpus beside the project")
def test_the_corpus_is_one_course(tmp_path: Path) -> None:
    report = collect(CORPUS_FOLDER / "scorm", tmp_path / "course", "--as", "component")
    assert (report["packages"], report["refused"]) == (len(CORPUS), 0)
    course = compiled(tmp_path / "course")
    titles = []
    for path in CORPUS:
        with open_package(path) as package:
            titles.append(read_package(package).title)
    assert [block.display_name for block in course.blocks() if block.category == "vertical"] == titles


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS, reason="no corpus beside the project")
def test_each_package_of_the_corpus_is_a_course(tmp_path: Path) -> None:
    arguments = ["migrate", str(CORPUS_FOLDER / "scorm"), str(tmp_path / "all"), "--workers", "0", "--json"]
    result = CliRunner().invoke(main, [*arguments, "--as", "course", "--explode"])
    assert result.exit_code == 0, result.output
    assert len([folder for folder in (tmp_path / "all").iterdir() if (folder / "course.yaml").is_file()]) == len(CORPUS)
