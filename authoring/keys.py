"""The platform's keys, parsed and checked by `edx-opaque-keys`; names of assets, cleaned as the platform cleans them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from opaque_keys import InvalidKeyError
from opaque_keys.edx.keys import CourseKey
from opaque_keys.edx.locator import CourseLocator

from authoring.model import BlockKey, CourseId

MAX_LENGTH = 255
"""Of a whole key: the width of the database columns that hold keys (opaque-keys: django/models.py)."""

_PART = re.compile(r"[\w\-~.:]+")


def check_course_id(course: CourseId) -> str | None:
    """What is wrong with a course's org, number and run, or None.

    Allowed are letters of any script, digits and `-~.:_` (opaque-keys: `Locator.ALLOWED_ID_CHARS`).
    """
    for name, part in (("org", course.org), ("number", course.number), ("run", course.run)):
        if not _PART.fullmatch(part):
            return f"{name} {part!r} may hold only letters, digits and - ~ . : _"
    try:
        CourseLocator(course.org, course.number, course.run)
    except InvalidKeyError as error:
        return f"not a course key: {error}"
    if len(str(course)) > MAX_LENGTH:
        return f"the course key is {len(str(course))} characters long, at most {MAX_LENGTH} fit"
    return None


def parse_course_key(text: str) -> CourseId:
    """`course-v1:ORG+NUMBER+RUN` → CourseId. Raises ValueError for anything else."""
    try:
        key = CourseKey.from_string(text)
    except InvalidKeyError as error:
        raise ValueError(f"not a course key: {text!r}") from error
    if not isinstance(key, CourseLocator) or key.deprecated or not (key.org and key.course and key.run):
        raise ValueError(f"not a course key (course-v1:ORG+NUMBER+RUN): {text!r}")
    return CourseId(key.org, key.course, key.run)


def make_usage_key(course: CourseId, key: BlockKey) -> str:
    """The usage key that a block has when it keeps our id (OLX import, course_info, the root)."""
    return f"block-v1:{course.org}+{course.number}+{course.run}+type@{key.category}+block@{key.url_name}"


def block_id(usage_key: str) -> str:
    """The block id inside a usage key: what `/jump_to_id/` takes."""
    return usage_key.rpartition("+block@")[2]


def category_of(usage_key: str) -> str:
    """The category inside a usage key."""
    return usage_key.rpartition("+block@")[0].rpartition("+type@")[2]


def asset_name(path: PurePosixPath) -> str:
    """The platform's name of a file below `static/`: slashes and unsafe characters become `_`
    (opaque-keys: `AssetLocator`; Open edX: `StaticContent.compute_location`)."""
    return re.sub(r"[^\w.%-]", "_", str(path).replace("/", "_"))
