"""Keys as text: taking usage and course keys apart, and making them."""

from __future__ import annotations

import re

from authoring.sandbox.refusals import Refusal, broken

_PART = r"[\w\-~.:]+"
_USAGE = re.compile(rf"block-v1:({_PART}\+{_PART}\+{_PART})\+type@({_PART})\+block@({_PART})")
_COURSE = re.compile(rf"course-v1:({_PART})\+({_PART})\+({_PART})")


def course_of(usage: str) -> str:
    """The course key inside a usage key. Raises Refusal(500) when it is no usage key: InvalidKeyError is not caught."""
    found = _USAGE.fullmatch(usage)
    if not found:
        raise broken()
    return f"course-v1:{found[1]}"


def category_of(usage: str) -> str:
    return usage.rpartition("+block@")[0].rpartition("+type@")[2]


def block_id_of(usage: str) -> str:
    return usage.rpartition("+block@")[2]


def usage_of(course: str, category: str, block_id: str) -> str:
    return f"block-v1:{course.removeprefix('course-v1:')}+type@{category}+block@{block_id}"


def root_of(course: str) -> str:
    """The course block: its id is always `course`."""
    return usage_of(course, "course", "course")


def course_parts(course: str) -> tuple[str, str, str]:
    """Org, number and run. Raises Refusal(400)."""
    found = _COURSE.fullmatch(course)
    if not found:
        raise Refusal(400, {"ErrMsg": f"Invalid course key: {course}", "OrgErrMsg": "", "CourseErrMsg": ""})
    return found[1], found[2], found[3]


def asset_key(course: str, name: str) -> str:
    return f"asset-v1:{course.removeprefix('course-v1:')}+type@asset+block@{name}"


def clean_asset(filename: str) -> str:
    """The flat name under which a file is kept (Open edX: xmodule/contentstore/content.py)."""
    return re.sub(r"[^\w.%-]", "_", filename.replace("/", "_"))
