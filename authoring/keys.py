"""Open edX keys at the edges: checking what people write, and taking apart what the platform answers.

Everything is done by edx-opaque-keys; this module says in words what is wrong. Between the edges keys are text that
is stored, compared and sent.
"""

from __future__ import annotations

import re

from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import AssetKey, CourseKey, UsageKey
from opaque_keys.edx.locator import AssetLocator, BlockUsageLocator, CourseLocator

from authoring.model import CourseId

KEY_LIMIT = 255
"""The longest key the platform's database columns hold."""

PLACEHOLDER_ID = "0" * 32
"""As long as the ids that the platform mints, for measuring the keys that a course will get."""


def course_id(org: str, number: str, run: str) -> CourseId:
    """The identity of a course. Raises ValueError, saying which part is wrong, when the platform could not take it."""
    for name, part in (("org", org), ("number", number), ("run", run)):
        if not part:
            raise ValueError(f"{name} is empty")
        if not re.fullmatch(r"[\w\-~.:]+", part):
            bad = sorted(set(re.sub(r"[\w\-~.:]", "", part)))
            shown = ", ".join("a space" if char == " " else repr(char) for char in bad)
            raise ValueError(f"{name} {part!r} holds {shown}; letters, digits and - _ . ~ : are allowed")
    course = CourseId(org, number, run)
    parse_course_key(str(course))
    longest = usage_key(course, "sequential", PLACEHOLDER_ID)
    if len(longest) > KEY_LIMIT:
        raise ValueError(
            f"org, number and run are too long together: the keys of blocks would have {len(longest)} characters,"
            f" at most {KEY_LIMIT} fit"
        )
    return course


def parse_course_key(text: str) -> CourseId:
    """`course-v1:ORG+NUMBER+RUN` → its parts. Raises ValueError for anything else."""
    try:
        key = CourseKey.from_string(text)
    except InvalidKeyError as error:
        raise ValueError(f"not a course key (course-v1:ORG+NUMBER+RUN): {text!r}") from error
    if not isinstance(key, CourseLocator) or key.deprecated or type(key) is not CourseLocator:
        raise ValueError(f"not a course key of the current form (course-v1:ORG+NUMBER+RUN): {text!r}")
    return CourseId(str(key.org), str(key.course), str(key.run))


def check_usage_key(text: str) -> str:
    """`text` itself when it is a block's usage key (`block-v1:…`). Raises ValueError."""
    _usage_key(text)
    return text


def is_usage_key(text: str) -> bool:
    """Whether `text` is a block's usage key."""
    try:
        _usage_key(text)
    except ValueError:
        return False
    return True


def block_id(usage_key: str) -> str:
    """The id part of a usage key, as `/jump_to_id/` links take it. Raises ValueError."""
    return str(_usage_key(usage_key).block_id)


def block_category(usage_key: str) -> str:
    """The category that a usage key names. Raises ValueError."""
    return str(_usage_key(usage_key).block_type)


def course_key_of(usage_key: str) -> str:
    """The key of the course that a block belongs to, without branch and version. Raises ValueError."""
    return str(_usage_key(usage_key).course_key.for_branch(None))


def usage_key(course: CourseId, category: str, block: str) -> str:
    """The usage key of a block whose id is known beforehand (`handouts`, `overview`). Raises ValueError."""
    return check_usage_key(f"block-v1:{course.org}+{course.number}+{course.run}+type@{category}+block@{block}")


def root_key(course: CourseId) -> str:
    """The usage key of the course block: its id is always `course` (Open edX: split modulestore)."""
    return usage_key(course, "course", "course")


def asset_name(path: str) -> str:
    """The flat name under which the platform keeps an uploaded file.

    Slashes become `_`, and so does every character but letters, digits and `_ . % -` (Open edX:
    xmodule/contentstore/content.py, compute_location). Two files may get the same name.
    """
    return str(AssetLocator.clean_keeping_underscores(path.replace("/", "_")))


def asset_name_of(asset_key: str) -> str:
    """The file name in an asset key (`asset-v1:…+type@asset+block@NAME`). Raises ValueError."""
    try:
        key = AssetKey.from_string(asset_key)
    except InvalidKeyError as error:
        raise ValueError(f"not an asset key: {asset_key!r}") from error
    return str(key.path)


def _usage_key(text: str) -> BlockUsageLocator:
    try:
        key = UsageKey.from_string(text)
    except InvalidKeyError as error:
        raise ValueError(f"not a usage key (block-v1:…+type@…+block@…): {text!r}") from error
    if not isinstance(key, BlockUsageLocator) or key.deprecated:
        raise ValueError(f"not a usage key of the current form (block-v1:…): {text!r}")
    return key
