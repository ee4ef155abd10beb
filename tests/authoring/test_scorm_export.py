"""A course as a SCORM package: its manifest, its files, what is left out, and that our own reader reads it back."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from authoring.archives import open_package
from authoring.cli import main
from authoring.errors import SourceError
from authoring.importing import ImportOptions, import_package
from authoring.model import BlockKey, Course
from authoring.scorm import ScormVersion, write_scorm
from authoring.scorm.questions import Problem, Ungradable, read_problem
from authoring.session import load_course
from importers import Shape
from importers.scorm.manifest import Edition
from importers.scorm.package import read_package
from importers.scorm.prediction import Outcome, member_names, predict
from tests.conftest import write_tree
from tests.scormcourse import FILES

VERSIONS = list(ScormVersion)
EDITIONS = {ScormVersion.SCORM_12: Edition.SCORM_12, ScormVersion.SCORM_2004: Edition.SCORM_2004_4TH}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "course", dict(FILES))


@pytest.fixture
def course(folder: Path) -> Course:
    return load_course(folder)[0]


def names(file: Path) -> list[str]:
    with zipfile.ZipFile(file) as archive:
        return archive.namelist()


def text(file: Path, name: str) -> str:
    with zipfile.ZipFile(file) as archive:
        return archive.read(name).decode()


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_our_reader_reads_it_back(course: Course, tmp_path: Path, version: ScormVersion) -> None:
    out = tmp_path / "out.zip"
    written = write_scorm(course, out, version)
    assert (written.scos, written.questions) == (2, 6)
    with open_package(out) as package:
        read = read_package(package)
        prediction = predict(package, member_names(out), read)
    assert read.edition is EDITIONS[version]
    assert read.title == "Every question"
    assert [(sco.title, sco.trail, sco.launch, sco.mastery_score) for sco in read.scos] == [
        ("Hello", ("Start", "Words"), "pages/hello.html", None),
        ("The quiz", ("Tasks", "All of them"), "pages/quiz.html", 60.0),
    ]
    assert not list(read.findings)
    assert prediction.outcome is Outcome.ACCEPTED and not prediction.goes_wrong
    assert names(out)[0] == "imsmanifest.xml"


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_it_comes_back_as_the_same_outline(course: Course, tmp_path: Path, version: ScormVersion) -> None:
    write_scorm(course, tmp_path / "out.zip", version)
    import_package(tmp_path / "out.zip", tmp_path / "back", options=ImportOptions(shape=Shape.COURSE))
    back, _ = load_course(tmp_path / "back")

    def outline(one: Course) -> list[tuple[str, str | None]]:
        return [(block.category, block.display_name) for block in one.blocks() if block.category in OUTLINE]

    assert outline(back) == outline(course)


OUTLINE = ("chapter", "sequential", "vertical")


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_one_unit_is_one_sco_that_the_platform_takes(course: Course, tmp_path: Path, version: ScormVersion) -> None:
    out = tmp_path / "unit.zip"
    assert write_scorm(course, out, version, only=BlockKey("vertical", "quiz")).scos == 1
    with open_package(out) as package:
        prediction = predict(package, member_names(out))
    assert prediction.outcome is Outcome.ACCEPTED and not prediction.goes_wrong and not list(prediction.problems)
    assert prediction.index_page == "pages/quiz.html"
    assert prediction.scorm_version == ("SCORM_2004" if version is ScormVersion.SCORM_2004 else "SCORM_12")


def test_only_files_that_are_used_come_along_and_links_lead_to_them(course: Course, tmp_path: Path) -> None:
    write_scorm(course, tmp_path / "out.zip")
    found = names(tmp_path / "out.zip")
    assert "static/picture.png" in found and "static/unused.txt" not in found
    page = text(tmp_path / "out.zip", "pages/hello.html")
    assert 'src="../static/picture.png"' in page
    assert "/jump_to_id/" not in page and ">the quiz</a>" in page


def test_what_is_left_out_is_said(course: Course, tmp_path: Path) -> None:
    written = write_scorm(course, tmp_path / "out.zip")
    left = {str(one.key): one.why for one in written.left_out}
    assert "LTI" in left["lti_consumer/tool"]
    assert "script" in left["problem/script"]
    page = text(tmp_path / "out.zip", "pages/quiz.html")
    assert "“Not for a browser” is not part of this package." in page


def test_the_same_course_gives_the_same_bytes(course: Course, folder: Path, tmp_path: Path) -> None:
    digests = set()
    for number in range(2):
        out = tmp_path / f"{number}.zip"
        write_scorm(load_course(folder)[0], out)
        digests.add(hashlib.sha256(out.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_right_answers_are_not_to_be_read_in_the_page(course: Course, tmp_path: Path) -> None:
    write_scorm(course, tmp_path / "out.zip")
    page = text(tmp_path / "out.zip", "pages/quiz.html")
    assert "Paname" not in page and "3.14" not in page and "circumference" not in page


def test_the_command_writes_a_part_and_says_what_is_missing(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "quiz.zip"
    arguments = ["export", str(folder), str(out), "--to", "scorm", "--scorm-version", "2004"]
    for part in ("02-tasks/01-all/01-quiz.md", "02-tasks/01-all", "vertical/quiz"):
        result = CliRunner().invoke(main, [*arguments, "--part", part, "--json", "--force"])
        assert result.exit_code == 0, result.output
        report = json.loads(result.stdout)
        assert (report["scos"], report["questions"]) == (1, 6)
        assert [row["block"] for row in report["left_out"]] == ["problem/script"]
    result = CliRunner().invoke(main, [*arguments, "--part", "02-tasks/nowhere", "--force"])
    assert result.exit_code == 1 and "nowhere" in result.stderr
    before = out.read_bytes()
    assert CliRunner().invoke(main, arguments).exit_code == 1, "it is there already"
    assert out.read_bytes() == before
    assert CliRunner().invoke(main, [*arguments[:4], "olx", "--part", "x"]).exit_code != 0


def test_nothing_is_left_behind_when_it_cannot_be_written(course: Course, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be written"):
        write_scorm(course, tmp_path / "no/such/folder/out.zip")
    with pytest.raises(SourceError, match="no part"):
        write_scorm(course, tmp_path / "out.zip", only=BlockKey("vertical", "gone"))
    assert [path.name for path in tmp_path.iterdir()] == ["course"]


# --- what a browser can grade


def problem(body: str) -> Problem:
    return read_problem(f"<problem>{body}</problem>", "q1")


@pytest.mark.parametrize(
    ("answer", "tolerance", "low", "high"),
    [
        ("10", "", 9.9999, 10.0001),
        ("10", "5%", 9.5, 10.5),
        ("-10", "5%", -10.5, -9.5),
        ("10", "0.5", 9.5, 10.5),
        ("1e3", "0", 1000.0, 1000.0),
    ],
)
def test_a_number_has_its_tolerance(answer: str, tolerance: str, low: float, high: float) -> None:
    given = f'<responseparam type="tolerance" default="{tolerance}"/>' if tolerance else ""
    found = problem(f'<numericalresponse answer="{answer}">{given}<formulaequationinput/></numericalresponse>')
    first, second, *opened = found.questions[0].right[0].split()
    assert (float(first), float(second)) == pytest.approx((low, high)) and opened == ["0", "0"]


@pytest.mark.parametrize(("answer", "opened"), [("[1,2]", "0 0"), ("(1, 2]", "1 0"), ("[1;2)", "0 1")])
def test_a_range_is_open_or_closed(answer: str, opened: str) -> None:
    found = problem(f'<numericalresponse answer="{answer}"><formulaequationinput/></numericalresponse>')
    assert found.questions[0].right == (f"1.0 2.0 {opened}",)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('<numericalresponse answer="2*pi"><formulaequationinput/></numericalresponse>', "worked out on the platform"),
        ('<numericalresponse answer="$x"><formulaequationinput/></numericalresponse>', "by a script"),
        ("<customresponse><textline/></customresponse>", "customresponse"),
        ('<stringresponse answer="a"><textline/></stringresponse><script>x = 1</script>', "a script of it"),
        (
            '<multiplechoiceresponse><choicegroup><choice correct="false">a</choice></choicegroup></multiplechoiceresponse>',
            "right",
        ),
        ("<p>Only words.</p>", "asks nothing"),
        ("<optionresponse/>", "nothing to answer with"),
    ],
)
def test_what_a_browser_cannot_grade_is_said(body: str, why: str) -> None:
    with pytest.raises(Ungradable, match=why):
        problem(body)


def test_a_dropdown_of_either_form() -> None:
    for body in (
        "<optioninput options=\"('a','b c')\" correct=\"b c\"/>",
        '<optioninput><option correct="False">a</option><option correct="True">b c</option></optioninput>',
    ):
        (question,) = problem(f"<optionresponse>{body}</optionresponse>").questions
        assert [label for _, label in question.labels] == ["a", "b c"]
        assert question.right == (question.labels[1][0],)
