"""What learners notice of an update, told from the fields that it sets. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from authoring.model import FieldValue
from authoring.operations import Impact
from authoring.registry import spec

GRADING_FIELDS = frozenset(
    [
        "weight",
        "max_attempts",
        "graded",
        "format",
        "due",
        "relative_weeks_due",
        "graceperiod",
        "showanswer",
        "show_correctness",
        "rerandomize",
        "grading_method",
        "attempts_before_showanswer_button",
        "submission_wait_seconds",
        "has_score",
        "points",
        "hide_after_due",
        "grading_policy",
        "is_time_limited",
        "default_time_limit_minutes",
        "rubric_criteria",
        "rubric_assessments",
        "submission_due",
        "submission_start",
    ]
)
ACCESS_FIELDS = frozenset(
    [
        "start",
        "end",
        "enrollment_start",
        "enrollment_end",
        "visible_to_staff_only",
        "group_access",
        "hide_from_toc",
        "invitation_only",
        "catalog_visibility",
        "course_visibility",
        "days_early_for_beta",
        "user_partitions",
        "self_paced",
        "max_student_enrollments_allowed",
        "pre_requisite_courses",
        "course_staff_only",
    ]
)
WORDING_FIELDS = frozenset(
    ["display_name", "question", "answers", "feedback", "prompt", "title", "description", "highlights"]
)


def impact_of_update(category: str, fields: Mapping[str, FieldValue], content: str | None) -> Impact:
    """The gravest thing that learners will notice of an update."""
    known = spec(category)
    if fields.keys() & ACCESS_FIELDS:
        return Impact.ACCESS
    if fields.keys() & GRADING_FIELDS or (content is not None and known is not None and known.learner_state):
        return Impact.GRADING
    if content is not None or fields.keys() & WORDING_FIELDS:
        return Impact.WORDING
    return Impact.SETTINGS
