"""Rules about open response assessments: the platform's own, which it applies in Studio's editor and nowhere else.

Source: ora2: openassessment/xblock/utils/validation.py, openassessment/assessment/serializers/base.py. What arrives by the API
goes past them, and learners meet the error when they hand in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from authoring.diagnostics import Code, Diagnostic, Severity, define
from authoring.model import Block, Course, FieldValue

BROKEN_RUBRIC = define(
    "broken-rubric",
    Severity.ERROR,
    "A rubric that the platform refuses: nobody can assess with it.",
    "give each criterion a `name` of its own and a `prompt`, and each of its `options` a `name` of its own and `points`",
)
BROKEN_STEPS = define(
    "broken-assessment-steps",
    Severity.ERROR,
    "The steps of an open response assessment do not fit together.",
    "name each step once: student-training (before peers only), peer-assessment, self-assessment, staff-assessment (last)",
)

CATEGORY = "openassessment"
STEPS = ("peer-assessment", "self-assessment", "staff-assessment")
TRAINING = "student-training"

Row = Mapping[str, FieldValue]


def open_responses_can_be_assessed(course: Course) -> Iterator[Diagnostic]:
    """The rubric is complete; the steps are known, in order, and say what they must."""
    for block in course.root.walk():
        if block.category != CATEGORY:
            continue
        criteria, steps = block.fields.get("rubric_criteria"), block.fields.get("rubric_assessments")
        if criteria is not None:
            for said in _rubric(_rows(criteria)):
                yield _finding(BROKEN_RUBRIC, said, block)
        if steps is not None:
            for said in _steps(_rows(steps)):
                yield _finding(BROKEN_STEPS, said, block)


def _rubric(criteria: Sequence[Row]) -> Iterator[str]:
    if not criteria:
        yield "the rubric has no criteria"
    yield from _named(criteria, "criterion")
    for criterion in criteria:
        name, options = repr(criterion.get("name")), _rows(criterion.get("options"))
        if not criterion.get("prompt"):
            yield f"the criterion {name} has no prompt"
        if not options and criterion.get("feedback") != "required":
            yield f"the criterion {name} has neither options nor `feedback: required`"
        yield from _named(options, f"option of {name}")
        for option in options:
            points = option.get("points")
            if isinstance(points, bool) or not isinstance(points, int) or points < 0:
                yield f"the option {option.get('name')!r} of {name} has no points, or not a whole number of them"


def _named(rows: Sequence[Row], what: str) -> Iterator[str]:
    names = [row.get("name") for row in rows]
    if not all(names):
        yield f"one {what} has no name"
    for name, count in Counter(str(name) for name in names if name).items():
        if count > 1:
            yield f"{count} times there is one {what} called {name!r}"


def _steps(steps: Sequence[Row]) -> Iterator[str]:
    names = [str(step.get("name")) for step in steps]
    if not any(name in STEPS for name in names):
        yield f"no step assesses anything: none of {', '.join(STEPS)}"
    for name, count in Counter(names).items():
        if name not in (*STEPS, TRAINING):
            yield f"there is no step {name!r}"
        elif count > 1:
            yield f"the step {name!r} stands {count} times"
    if "staff-assessment" in names[:-1]:
        yield "staff-assessment is not the last step"
    if TRAINING in names and "peer-assessment" not in names[names.index(TRAINING) :]:
        yield "student-training prepares for peer-assessment, which does not follow"
    for name, step in zip(names, steps, strict=True):
        if name == "peer-assessment":
            yield from _peers(step)
        elif name == TRAINING and not step.get("examples"):
            yield "student-training has no examples"
        elif name == "staff-assessment" and len(steps) == 1 and step.get("required") is not True:
            yield "staff-assessment is the only step and not `required: true`"


def _peers(step: Row) -> Iterator[str]:
    given, taken = step.get("must_grade"), step.get("must_be_graded_by")
    if not isinstance(given, int) or not isinstance(taken, int) or given < 1 or taken < 1:
        yield "peer-assessment needs `must_grade` and `must_be_graded_by`, one at least"
    elif given < taken:
        yield f"{taken} peers must assess each answer, but each learner assesses only {given}"


def _rows(value: FieldValue) -> Sequence[Row]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []


def _finding(code: Code, message: str, block: Block) -> Diagnostic:
    return Diagnostic(code, message, block.source, code.remedy, code.severity)
