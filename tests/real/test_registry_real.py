"""The registry against the classes that the platform runs.

For each class: every field in settings or content scope is in the registry with the same type, default,
scope, closed list and least number; and every own field of the registry is in the class.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

from authoring.registry import FieldSpec, FieldType, categories, fields_of

pytest.importorskip("xblock", reason="needs the platform's blocks: pip install 'ibl-course-authoring[real]'")

BLOCKS = {
    "annotatable": "xblocks_contrib:AnnotatableBlock",
    "discussion": "xblocks_contrib:DiscussionXBlock",
    "done": "done:DoneXBlock",
    "drag-and-drop-v2": "drag_and_drop_v2:DragAndDropBlock",
    "google-calendar": "google_drive:GoogleCalendarBlock",
    "google-document": "google_drive:GoogleDocumentBlock",
    "html": "xblocks_contrib:HtmlBlock",
    "lti": "xblocks_contrib:LTIBlock",
    "lti_consumer": "lti_consumer.lti_xblock:LtiConsumerXBlock",
    "openassessment": "openassessment.xblock.openassessmentblock:OpenAssessmentBlock",
    "pdf": "xblock_pdf:PDFBlock",
    "poll": "poll:PollBlock",
    "poll_question": "xblocks_contrib:PollBlock",
    "problem": "xblocks_contrib:ProblemBlock",
    "scorm": "openedxscorm:ScormXBlock",
    "survey": "poll:SurveyBlock",
    "video": "xblocks_contrib:VideoBlock",
    "word_cloud": "xblocks_contrib:WordCloudBlock",
}
"""Category to class, as the packages' own entry points have it."""

BLOCKS_OF_THE_PLATFORM = {
    "edx_sga": "edx_sga.sga:StaffGradedAssignmentXBlock",
    "staffgradedxblock": "staff_graded.staff_graded:StaffGradedXBlock",
}
"""Classes that import the platform itself."""

NOT_IN_THE_CLASS = {
    ("pdf", "href"): "the ibl platform's block of the same name has it",
}
"""Own fields of the registry that one deployment has and another has not."""

TYPES = {
    "String": FieldType.STRING,
    "Integer": FieldType.INTEGER,
    "Float": FieldType.FLOAT,
    "Boolean": FieldType.BOOLEAN,
    "Date": FieldType.DATE,
    "DateTime": FieldType.DATE,
    "Timedelta": FieldType.TIMEDELTA,
    "RelativeTime": FieldType.RELATIVE_TIME,
    "List": FieldType.LIST,
    "Dict": FieldType.DICT,
    "XMLString": FieldType.XML,
}


def _type(field: Any) -> FieldType:
    return next(TYPES[cls.__name__] for cls in type(field).__mro__ if cls.__name__ in TYPES)


def _authored_fields(block: Any) -> dict[str, Any]:
    """The class's fields in the two scopes that authors set."""
    return {
        name: field
        for name, field in block.fields.items()
        if getattr(field.scope, "name", None) in ("settings", "content")
    }


def _plain(value: Any) -> Any:
    """As JSON would carry it: translated strings are text, tuples are lists, times are `HH:MM:SS`."""
    if isinstance(value, datetime.timedelta):
        return str(value).rjust(8, "0")
    return json.loads(json.dumps(value, default=str))


def _choices(field: Any) -> set[Any]:
    listed = field.values
    if not isinstance(listed, list | tuple) or _type(field) is FieldType.BOOLEAN:
        return set()
    return {choice["value"] if isinstance(choice, dict) else choice for choice in listed}


def _made_for_each_block(field: Any) -> bool:
    """Whether the default is no value but the order to make one up (`xblock.fields.UNIQUE_ID`)."""
    return str(field.default) == "fields.UNIQUE_ID"


def _differences(spec: FieldSpec, field: Any) -> list[str]:
    found = []
    if spec.type is not _type(field):
        found.append(f"type {spec.type}, really {_type(field)}")
    if spec.scope != field.scope.name:
        found.append(f"scope {spec.scope}, really {field.scope.name}")
    default = _plain(field.default)
    # A long sample is not repeated in the registry: that there is one is all it says.
    long_sample = spec.sample and spec.default is None and default
    if not long_sample and not _made_for_each_block(field) and _plain(spec.default) != default:
        found.append(f"default {spec.default!r}, really {default!r}")
    if _choices(field) and set(spec.values) != _choices(field):
        found.append(f"values {spec.values}, really {sorted(_choices(field))}")
    if isinstance(field.values, dict) and spec.minimum != field.values.get("min"):
        found.append(f"minimum {spec.minimum}, really {field.values.get('min')}")
    return found


def _check(category: str, block: Any) -> None:
    real = _authored_fields(block)
    known = fields_of(category)
    problems = {name: _differences(known[name], field) for name, field in real.items() if name in known}
    problems = {name: found for name, found in problems.items() if found}
    problems |= {name: ["not in the registry"] for name in real.keys() - known.keys()}
    own = set(categories()[category].own_fields)
    missing = own - real.keys() - {name for which, name in NOT_IN_THE_CLASS if which == category}
    problems |= {name: ["not in the class"] for name in missing}
    assert problems == {}


@pytest.mark.parametrize("category", BLOCKS)
def test_the_registry_agrees_with_the_class(category: str, load_block: Callable[[str], Any]) -> None:
    block = load_block(BLOCKS[category])
    if category == "discussion" and "discussion_id" not in block.fields:
        pytest.skip("this release of xblocks-contrib has an empty discussion block (0.x); 1.x has the real one")
    _check(category, block)


@pytest.mark.usefixtures("platform_stand_ins")
@pytest.mark.parametrize("category", BLOCKS_OF_THE_PLATFORM)
def test_the_registry_agrees_with_the_class_that_imports_the_platform(
    category: str, load_block: Callable[[str], Any]
) -> None:
    _check(category, load_block(BLOCKS_OF_THE_PLATFORM[category]))


def test_no_exception_is_left_over(load_block: Callable[[str], Any]) -> None:
    for category, name in NOT_IN_THE_CLASS:
        assert name in categories()[category].own_fields
        assert name not in load_block(BLOCKS[category]).fields
