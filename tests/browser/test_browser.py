"""The packages of the SCORM writer in another LMS: scorm-again's API around them, in headless Chromium.

Skipped, saying so, without Node.js, without the packages of tests/browser (`npm ci` there; scripts/test does it), without
Chromium, or with AUTHORING_BROWSER=0.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authoring.resources import samples_dir
from authoring.scorm import ScormVersion, write_scorm
from authoring.session import load_course
from tests.conftest import write_tree
from tests.scormcourse import FILES, RIGHT, WRONG, submit

HERE = Path(__file__).parent
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)


def missing() -> str | None:
    if os.environ.get("AUTHORING_BROWSER") == "0":
        return "AUTHORING_BROWSER=0"
    if shutil.which("node") is None:
        return "no Node.js"
    if not (HERE / "node_modules/scorm-again").is_dir():
        return "run `npm ci` in tests/browser"
    return None if CHROMIUM else "no Chromium"


pytestmark = pytest.mark.skipif(missing() is not None, reason=f"no browser tests: {missing()}")

Visit = Callable[..., list[dict[str, Any]]]
VERSIONS = [ScormVersion.SCORM_12, ScormVersion.SCORM_2004]
QUIZ = "pages/quiz.html"


def unpacked(folder: Path, target: Path, version: ScormVersion) -> Path:
    course, _ = load_course(folder)
    write_scorm(course, target / "package.zip", version)
    with zipfile.ZipFile(target / "package.zip") as archive:
        archive.extractall(target / "package")
    return target / "package"


def visit(root: Path, version: ScormVersion, *visits: dict[str, Any]) -> list[dict[str, Any]]:
    job = {"root": str(root), "version": str(version), "chromium": CHROMIUM, "visits": list(visits)}
    done = subprocess.run(
        ["node", "visit.mjs"], cwd=HERE, input=json.dumps(job), capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads(done.stdout)
    assert [result["errors"] for result in results] == [[]] * len(visits)
    return list(results)


@pytest.fixture(params=VERSIONS, ids=str)
def package(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, ScormVersion]:
    folder = write_tree(tmp_path / "course", dict(FILES))
    return unpacked(folder, tmp_path, request.param), request.param


def told(result: dict[str, Any], version: ScormVersion) -> dict[str, Any]:
    """What the LMS knows, by the same names in both versions."""
    cmi = result["cmi"]
    if version is ScormVersion.SCORM_2004:
        score = cmi["score"]
        return {
            "complete": cmi["completion_status"],
            "success": cmi["success_status"],
            "raw": score["raw"],
            "scaled": score["scaled"],
            "exit": cmi["exit"],
        }
    return {"status": cmi["core"]["lesson_status"], "raw": cmi["core"]["score"]["raw"], "exit": cmi["core"]["exit"]}


def kept(result: dict[str, Any], version: ScormVersion) -> dict[str, Any]:
    """What an LMS would hand to the next visit."""
    cmi = result["cmi"]
    if version is ScormVersion.SCORM_2004:
        names = ("suspend_data", "completion_status", "success_status")
        return {name: cmi[name] for name in names}
    core = cmi["core"]
    return {"suspend_data": cmi["suspend_data"], "core.lesson_status": core["lesson_status"]}


def test_all_right_is_a_pass_with_full_score(package: tuple[Path, ScormVersion]) -> None:
    root, version = package
    result = "form.problem >> nth=3 >> .result"
    solution = "form.problem >> nth=3 >> .solution"
    feedback = "form.problem >> nth=0 >> .feedback"
    steps = [*RIGHT, *submit(1, 2, 3, 4, 5, 6), {"text": result}, {"text": solution}, {"text": feedback}]
    (found,) = visit(root, version, {"page": QUIZ, "steps": steps})
    assert found["texts"][0] == "1 of 1 point"
    assert "circumference" in found["texts"][1]
    assert found["texts"][2].startswith("Correct") and "Indeed." in found["texts"][2]
    if version is ScormVersion.SCORM_2004:
        expected = {"complete": "completed", "success": "passed", "raw": "100", "scaled": "1", "exit": "suspend"}
    else:
        expected = {"status": "passed", "raw": "100", "exit": "suspend"}
    assert {name: str(value) for name, value in told(found, version).items()} == expected
    interactions = found["interactions"]
    assert [one["type"] for one in interactions] == ["choice", "choice", "choice", "numeric", "numeric", "fill-in"]
    assert [one["result"] for one in interactions] == ["correct"] * 6
    response = "learner_response" if version is ScormVersion.SCORM_2004 else "student_response"
    answers = [str(one[response]) for one in interactions]
    two = ("choice_1[,]choice_3", "choice_2") if version is ScormVersion.SCORM_2004 else ("a,c", "b")
    assert answers[1] == two[0] and answers[2] == two[1] and answers[3:] == ["3.145", "5", "paname"]


def test_all_wrong_is_a_fail(package: tuple[Path, ScormVersion]) -> None:
    root, version = package
    first = "form.problem >> nth=0 >> .feedback"
    (found,) = visit(root, version, {"page": QUIZ, "steps": [*WRONG, *submit(1, 2, 3, 4, 5, 6), {"text": first}]})
    assert "Incorrect" in found["texts"][0] and "Two times two." in found["texts"][0]
    known = told(found, version)
    assert float(known["raw"]) == 0
    assert known.get("status", known.get("success")) == "failed"
    if version is ScormVersion.SCORM_2004:
        assert known["complete"] == "completed"


def test_part_of_it_is_incomplete_and_is_there_again_next_time(package: tuple[Path, ScormVersion]) -> None:
    root, version = package
    (first,) = visit(root, version, {"page": QUIZ, "steps": [*RIGHT[:3], *submit(1, 2)]})
    known = told(first, version)
    assert known.get("status", known.get("complete")) == "incomplete"
    assert 33 <= float(known["raw"]) <= 34
    again = [
        {"checked": '[name="q1-1"][value="q1-1-1"]'},
        {"checked": '[name="q2-1"][value="q2-1-1"]'},
        {"disabled": "form.problem >> nth=0 >> button[type=submit]"},
        *RIGHT[3:],
        *submit(3, 4, 5, 6),
    ]
    (second,) = visit(root, version, {"page": QUIZ, "state": kept(first, version), "steps": again})
    assert second["texts"] == [True, False, True]
    known = told(second, version)
    assert float(known["raw"]) == 100
    assert known.get("status", known.get("success")) == "passed"


def test_attempts_are_counted_over_visits(package: tuple[Path, ScormVersion]) -> None:
    root, version = package
    left = {"text": "form.problem >> nth=3 >> .attempts"}
    wrong = {"fill": ['[name="q4-1"]', "9"]}
    (first,) = visit(root, version, {"page": QUIZ, "steps": [left, wrong, *submit(4), left]})
    assert first["texts"] == ["2 attempts left", "1 attempt left"]
    state = kept(first, version)
    closed = {"disabled": "form.problem >> nth=3 >> button[type=submit]"}
    solution = {"text": "form.problem >> nth=3 >> .solution"}
    (second,) = visit(root, version, {"page": QUIZ, "state": state, "steps": [left, *submit(4), closed, solution]})
    assert second["texts"][:2] == ["1 attempt left", True] and "circumference" in second["texts"][2]


def test_nothing_is_submitted_while_a_question_is_open(package: tuple[Path, ScormVersion]) -> None:
    root, version = package
    steps = [*submit(1), {"text": "form.problem >> nth=0 >> .result"}]
    (found,) = visit(root, version, {"page": QUIZ, "steps": steps})
    assert found["texts"] == ["Answer every question first."]
    assert found["interactions"] == []


def test_a_page_of_words_is_complete_when_it_was_seen(package: tuple[Path, ScormVersion]) -> None:
    root, version = package
    (found,) = visit(root, version, {"page": "pages/hello.html", "steps": [{"text": ".absent"}]})
    assert "“A tool” is not part of this package." in found["texts"][0]
    known = told(found, version)
    assert known.get("status", known.get("complete")) == "completed"


def test_it_works_by_keyboard_alone(package: tuple[Path, ScormVersion]) -> None:
    root, version = package
    steps = [
        {"press": ['[name="q1-1"][value="q1-1-1"]', "Space"]},
        {"press": ['[name="q1-1"][value="q1-1-1"]', "Enter"]},
    ]
    shown = {"text": "form.problem >> nth=0 >> .feedback"}
    (found,) = visit(root, version, {"page": QUIZ, "steps": [*steps, shown]})
    assert found["texts"][0].startswith("Correct")


@pytest.mark.parametrize("version", VERSIONS, ids=str)
def test_every_unit_of_the_sample_course_opens_without_an_error(version: ScormVersion, tmp_path: Path) -> None:
    root = unpacked(samples_dir() / "reading-data", tmp_path, version)
    pages = sorted((root / "pages").glob("*.html"))
    assert len(pages) > 30
    visit(root, version, *({"page": f"pages/{page.name}", "steps": [{"text": "h1"}]} for page in pages))
