"""The dates of an open response assessment: texts inside its fields, in UTC without an offset (Open edX: ora2,
openassessment/xblock/utils/defaults.py). Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from authoring.diagnostics import Diagnostics
from authoring.model import Block, Course, FieldValue
from authoring.source.calendar import Calendar, is_relative
from authoring.yamlnodes import BAD_VALUE

OPEN_RESPONSE = "openassessment"
UNSET_MOMENTS = ("2001-01-01T00:00", "2029-01-01T00:00", "2030-01-01T00:00")
"""How the platform's values for "always", "never" and "not yet" begin; they belong to no run."""
_STEPS = "rubric_assessments"

Change = Callable[[str, str], str]
"""`(text, name) -> text`; the name is `start` or `due`."""


def with_moments(block: Block, change: Change) -> Block:
    """An open response assessment with each of its dates changed; any other block as it is."""
    if block.category != OPEN_RESPONSE:
        return block
    fields = dict(block.fields)
    for name in ("submission_start", "submission_due"):
        fields[name] = _changed(fields.get(name), name.removeprefix("submission_"), change)
    steps = fields.get(_STEPS)
    if isinstance(steps, list | tuple):
        fields[_STEPS] = [_step(step, change) for step in steps]
    fields = {name: value for name, value in fields.items() if value is not None or name in block.fields}
    return block if fields == block.fields else replace(block, fields=fields)


def _step(step: FieldValue, change: Change) -> FieldValue:
    if not isinstance(step, dict):
        return step
    return {key: _changed(value, key, change) if key in ("start", "due") else value for key, value in step.items()}


def _changed(value: FieldValue, name: str, change: Change) -> FieldValue:
    return change(value, name) if isinstance(value, str) and value else value


def read_moments(course: Course, calendar: Calendar, diagnostics: Diagnostics) -> Course:
    """The course with what was written relative to the start as the platform keeps it. A bad one is reported."""

    def read(block: Block) -> Block:
        def change(text: str, name: str) -> str:
            if not is_relative(text):
                return text
            try:
                return calendar.read(text, name).removesuffix("Z")
            except ValueError as error:
                diagnostics.report(BAD_VALUE, f"{name!r} cannot be {text[:60]!r}: {error}", block.source)
                return text

        return with_moments(block, change)

    return replace(course, root=course.root.transform(read))
