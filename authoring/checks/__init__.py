"""Checks: what compiles and is likely a mistake, as a reviewer would find it. `Course -> Diagnostics`. Pure.

Each rule is a function in a visible list. How grave a finding is can be set per course, under `checks:` in course.yaml:
`off`, `info`, `warning` or `error` for each code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from authoring.checks.drag_and_drop import drag_and_drop_can_be_solved
from authoring.checks.lti import lti_tools_can_open
from authoring.checks.open_responses import open_responses_can_be_assessed
from authoring.checks.problems import questions_can_be_answered
from authoring.checks.prose import texts_read_well, videos_have_transcripts
from authoring.checks.structure import (
    assets_are_used,
    graded_as_known_type,
    graded_work_has_a_due_date,
    images_have_alt_text,
    learners_work_has_an_id,
    no_secrets,
    nothing_is_empty,
    nothing_shows_samples,
    titles_fit,
    weights_add_up,
)
from authoring.diagnostics import Diagnostic, Diagnostics, Severity
from authoring.model import Course

Rule: TypeAlias = Callable[[Course], Iterable[Diagnostic]]

RULES: tuple[Rule, ...] = (
    graded_as_known_type,
    graded_work_has_a_due_date,
    weights_add_up,
    nothing_is_empty,
    nothing_shows_samples,
    titles_fit,
    texts_read_well,
    images_have_alt_text,
    videos_have_transcripts,
    questions_can_be_answered,
    drag_and_drop_can_be_solved,
    open_responses_can_be_assessed,
    lti_tools_can_open,
    assets_are_used,
    learners_work_has_an_id,
    no_secrets,
)
"""Every rule, in the order in which they are run."""


def check_course(course: Course) -> Diagnostics:
    """What every rule of `RULES` finds, with the severities that the course sets."""
    diagnostics = Diagnostics()
    for rule in RULES:
        diagnostics.extend(at_course_levels(rule(course), course))
    return diagnostics


def at_course_levels(findings: Iterable[Diagnostic], course: Course) -> tuple[Diagnostic, ...]:
    """Findings with the severities that the course sets; those that it turned off are left out."""
    return tuple(finding for found in findings if (finding := _levelled(found, course)) is not None)


def _levelled(finding: Diagnostic, course: Course) -> Diagnostic | None:
    level = course.check_levels.get(finding.code.name)
    if level is None:
        return finding
    return None if level == "off" else replace(finding, severity=Severity(level))


__all__ = ["RULES", "Rule", "at_course_levels", "check_course"]
