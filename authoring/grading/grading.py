"""A course's problems before the platform's own engine. `Course -> ProblemGrade`s, each with its findings.

For every problem: it loads, it renders, the right answer (as the engine knows it) gets full score, a wrong one does
not; and each test that its author stated scores what the author said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from authoring.checks import at_course_levels
from authoring.diagnostics import Code, Diagnostic, Diagnostics, Severity, define
from authoring.grading.process import TIME_LIMIT, EngineProcess, Graded, Verdict
from authoring.model import Block, Course, ProblemAnswer, ProblemTest

SAME_SCORE = 0.01
"""How far a score may be from the one stated: a third is written 0.33."""

DOES_NOT_LOAD = define(
    "problem-does-not-load",
    Severity.ERROR,
    "The platform's engine cannot load, render or grade a problem.",
    "correct what the message names; learners would see an error in place of the problem",
)
RIGHT_REFUSED = define(
    "right-answer-refused",
    Severity.ERROR,
    "The answer that the problem itself says is right does not get full score from the platform's engine.",
    "correct the answer, its tolerance or the grader",
)
WRONG_ACCEPTED = define(
    "wrong-answer-accepted",
    Severity.ERROR,
    "The platform's engine gives full score to an answer that should be wrong.",
    "correct the answer, its tolerance or the grader; if every answer is meant to be right, turn this off in `checks:`",
)
TEST_FAILED = define(
    "problem-test-failed",
    Severity.ERROR,
    "An answer does not score what the author of the problem says that it does.",
    "correct the problem, or the test",
)
TEST_NOT_RUN = define(
    "problem-test-not-run",
    Severity.ERROR,
    "A stated test cannot be run, so nothing is proven.",
    "correct the test; allow Python with `--allow-code` if the problem needs it and you trust the course",
)
NOT_GRADABLE = define(
    "not-gradable",
    Severity.INFO,
    "A problem, or a part of it, cannot be graded here.",
    "try it on the platform; where only the right answer is not known, state one under `tests:`",
)


@dataclass(frozen=True, slots=True)
class AnswerResult:
    """One stated test and what came of it; `score` is a fraction, None when the test could not be run."""

    test: ProblemTest
    score: float | None
    message: str | None

    @property
    def passed(self) -> bool:
        return self.score is not None and math.isclose(self.score, self.test.score, abs_tol=SAME_SCORE)


@dataclass(frozen=True, slots=True)
class ProblemGrade:
    """One problem, what the engine made of it, and the findings, at the severities that the course sets."""

    block: Block
    verdict: Verdict
    tests: tuple[AnswerResult, ...]
    findings: tuple[Diagnostic, ...]

    @property
    def passed(self) -> bool:
        return all(finding.severity is not Severity.ERROR for finding in self.findings)

    @property
    def graded(self) -> bool:
        """Whether any answer was graded at all."""
        verdict = self.verdict
        return bool(verdict.right or verdict.wrong or any(test.score is not None for test in self.tests))


def problems_of(course: Course) -> tuple[Block, ...]:
    """Every problem of a course, in order."""
    return tuple(block for block in course.blocks() if block.category == "problem" and block.content)


def grade_problems(
    course: Course, *, allow_code: bool = False, time_limit: float = TIME_LIMIT
) -> Iterator[ProblemGrade]:
    """Grade every problem, one after another. Raises EngineError when the engine is missing or does not start.

    `allow_code` lets Python in problems run, unconfined and as this user; without it such problems are reported as
    not gradable. `time_limit` is in seconds, for one problem.
    """
    with EngineProcess(allow_code=allow_code, time_limit=time_limit) as engine:
        for block in problems_of(course):
            verdict = engine.judge(block.content or "", [test.answer for test in block.tests])
            tests = _results(block, verdict)
            findings = at_course_levels(_findings(block, verdict, tests), course)
            yield ProblemGrade(block, verdict, tests, findings)


def grade_course(course: Course, *, allow_code: bool = False, time_limit: float = TIME_LIMIT) -> tuple[Diagnostic, ...]:
    """The findings of `grade_problems`."""
    grades = grade_problems(course, allow_code=allow_code, time_limit=time_limit)
    return tuple(finding for grade in grades for finding in grade.findings)


def _results(block: Block, verdict: Verdict) -> tuple[AnswerResult, ...]:
    why = _why_not_run(verdict)
    graded = verdict.graded if why is None else (Graded(None, why),) * len(block.tests)
    return tuple(
        AnswerResult(test, _fraction(result, verdict), result.message)
        for test, result in zip(block.tests, graded, strict=True)
    )


def _why_not_run(verdict: Verdict) -> str | None:
    """Why no stated test can have been run."""
    if verdict.error is not None:
        return "the problem does not load"
    if verdict.code:
        return "the problem runs Python, which needs consent"
    if len(verdict.graded) == 0 and verdict.outside is not None:
        return f"the problem needs {verdict.outside}"
    if verdict.max_score == 0:
        return "the problem has no points to give"
    return None


def _fraction(result: Graded, verdict: Verdict) -> float | None:
    return None if result.score is None or not verdict.max_score else result.score / verdict.max_score


def _is_full(result: Graded, verdict: Verdict) -> bool:
    return math.isclose(_fraction(result, verdict) or 0, 1)


def _findings(block: Block, verdict: Verdict, tests: tuple[AnswerResult, ...]) -> Diagnostics:
    found = Diagnostics()
    name = f"problem {block.url_name!r}"

    def report(code: Code, message: str, hint: str | None = None) -> None:
        found.report(code, f"{name}: {message}", block.source, hint)

    if verdict.error is not None:
        report(DOES_NOT_LOAD, verdict.error)
    elif verdict.code:
        hint = "if you trust the course: --allow-code"
        report(NOT_GRADABLE, "it runs Python, which is not done without consent", hint)
    elif verdict.outside is not None:
        report(NOT_GRADABLE, f"it needs {verdict.outside}")
    elif verdict.questions and not verdict.html:
        report(DOES_NOT_LOAD, "it shows nothing")
    if verdict.right is not None and not _is_full(verdict.right, verdict):
        detail = f" ({verdict.right.message})" if verdict.right.message else ""
        report(RIGHT_REFUSED, f"{_points(verdict.right, verdict)} for {verdict.right.answer!r}{detail}")
    if verdict.wrong is not None and _is_full(verdict.wrong, verdict):
        report(WRONG_ACCEPTED, f"full score for {verdict.wrong.answer!r}")
    known = verdict.right is not None or any(test.test.score == 1 for test in tests)
    if verdict.questions and not known and verdict.outside is None and verdict.error is None:
        report(NOT_GRADABLE, "the engine knows no right answer", "state one: `tests: [{answer: …, score: 1}]`")
    for result in tests:
        stated, where = _words(result.test.answer), result.test.source or block.source
        if result.score is None:
            message = f"{name}: the test of {stated} cannot be run: {result.message}"
            found.report(TEST_NOT_RUN, message, where)
        elif not result.passed:
            detail = f" ({result.message})" if result.message else ""
            message = f"{name}: {stated} scores {result.score:.4g}, not {result.test.score:.4g}{detail}"
            found.report(TEST_FAILED, message, where)
    return found


def _points(graded: Graded, verdict: Verdict) -> str:
    return f"{graded.score or 0:g} of {verdict.max_score:g} points"


def _words(answer: ProblemAnswer) -> str:
    if isinstance(answer, str):
        return repr(answer) if answer else "a blank answer"
    return f"[{', '.join(_words(part) for part in answer)}]"
