"""Rules about the whole course: grading, empty places, files, ids, titles, secrets."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from authoring.diagnostics import Code, Diagnostic, Severity, define, suggest
from authoring.model import CHAPTER, SEQUENTIAL, VERTICAL, Block, Course, FieldValue
from authoring.registry import spec

UNKNOWN_ASSIGNMENT_TYPE = define(
    "unknown-assignment-type",
    Severity.ERROR,
    "A subsection is graded as an assignment type that the grading policy does not have: it counts nothing.",
    "set `format` to one of the assignment types in course.yaml",
)
GRADING_WEIGHTS = define(
    "grading-weights",
    Severity.WARNING,
    "The weights of the assignment types do not add up to 100%.",
    "correct the weights in course.yaml",
)
EMPTY = define(
    "empty-block",
    Severity.WARNING,
    "A section, subsection or unit with nothing in it; learners see it all the same.",
    "put something into it, or start its name with `_` until there is",
)
NO_ALT_TEXT = define(
    "image-without-alt",
    Severity.WARNING,
    "An image without alternative text, which says nothing to people who cannot see it.",
    "describe it: `![a rising line](chart.png)`; for pure decoration write `{role=presentation}` after it",
)
UNUSED_ASSET = define(
    "unused-asset",
    Severity.INFO,
    "A file below static/ that no text and no setting mentions.",
    "remove it, or link to it",
)
SAMPLE_CONTENT = define(
    "sample-content",
    Severity.WARNING,
    "A component leaves out what the platform then fills with an example of its own, and learners see that.",
    "set the options that are named",
)
IMPLICIT_ID = define(
    "implicit-id",
    Severity.INFO,
    "A component that keeps learners' work has no id of its own; its place in the unit names it.",
    "give it an id, as in `:::problem {#median}`, so that it keeps its learners wherever it moves",
)


PLATFORM_ASSIGNMENT_TYPES = ("Homework", "Lab", "Midterm Exam", "Final Exam")
"""What a course has that names no grading policy (Open edX: xmodule/course_block.py)."""


def graded_as_known_type(course: Course) -> Iterator[Diagnostic]:
    """A graded subsection counts by its `format`, which must be an assignment type, letter by letter."""
    known: tuple[str, ...] = PLATFORM_ASSIGNMENT_TYPES
    if course.grading is not None:
        known = tuple(grader.type for grader in course.grading.graders)
    for block in course.blocks():
        if block.category != SEQUENTIAL:
            continue
        kind = block.fields.get("format")
        if kind in known or (not kind and block.fields.get("graded") is not True):
            continue
        title = block.display_name or block.url_name
        if kind:
            hint = suggest(str(kind), known) or f"assignment types: {', '.join(known) or 'none'}"
            message = f"the assignment type {str(kind)!r} of {title!r} is not in the grading policy"
        else:
            hint, message = None, f"{title!r} is graded, but `format` does not say as what"
        yield _finding(UNKNOWN_ASSIGNMENT_TYPE, message, block, hint)


def weights_add_up(course: Course) -> Iterator[Diagnostic]:
    """The weights of all assignment types are 100% together."""
    policy = course.grading
    if policy is None or not policy.graders:
        return
    total = sum(grader.weight for grader in policy.graders)
    if abs(total - 1) > 0.0005:
        message = f"the weights add up to {total * 100:g}%"
        yield Diagnostic(GRADING_WEIGHTS, message, policy.source, GRADING_WEIGHTS.remedy, GRADING_WEIGHTS.severity)


def nothing_is_empty(course: Course) -> Iterator[Diagnostic]:
    """Sections, subsections and units hold something."""
    for block in course.root.walk():
        if block.category in (CHAPTER, SEQUENTIAL, VERTICAL) and not block.children:
            known = spec(block.category)
            kind = known.title if known is not None else block.category
            yield _finding(EMPTY, f"the {kind} {block.display_name or block.url_name!r} is empty", block)


_IMAGE = re.compile(r"""<img\b(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""", re.IGNORECASE)
_ALT = re.compile(r"""\balt\s*=\s*(?:"\s*[^"\s]|'\s*[^'\s]|[^"'\s>])""", re.IGNORECASE)
_DECORATION = re.compile(
    r"""\brole\s*=\s*["']?(?:presentation|none)\b|\baria-hidden\s*=\s*["']?true\b""", re.IGNORECASE
)
_SOURCE = re.compile(r"""\bsrc\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)


def images_have_alt_text(course: Course) -> Iterator[Diagnostic]:
    """Every image has alternative text or says that it is decoration."""
    for block in course.blocks():
        if block.content is None or "<img" not in block.content:
            continue
        for image in _IMAGE.findall(block.content):
            if not _ALT.search(image) and not _DECORATION.search(image):
                source = _SOURCE.search(image)
                name = html.unescape(source[1]) if source is not None else "image"
                yield _finding(NO_ALT_TEXT, f"{name} has no alternative text", block)


_STATIC = re.compile(r"""/static/([^"'?\#\s<>&)\\]+)""")


def assets_are_used(course: Course) -> Iterator[Diagnostic]:
    """Every file below static/ is mentioned somewhere."""
    if not course.assets:
        return
    used: set[str] = set()
    for block in course.blocks():
        for text in (block.content, *block.extra.attributes.values(), *block.extra.elements):
            if text is not None and "/static/" in text:
                used.update(_STATIC.findall(text))
        for text in _texts(block.fields.values()):
            used.add(text)
            if "/static/" in text:
                used.update(_STATIC.findall(text))
    for asset in course.assets:
        if asset.name not in used:
            message = f"nothing makes use of {asset.path.name!r}"
            yield Diagnostic(UNUSED_ASSET, message, asset.source, UNUSED_ASSET.remedy, UNUSED_ASSET.severity)


def nothing_shows_samples(course: Course) -> Iterator[Diagnostic]:
    """Open edX: the defaults of many components are made-up questions, addresses and videos."""
    for block in course.root.walk():
        known = spec(block.category)
        if known is None or known.direct_only or block.extra.elements:
            continue
        names = [
            field.name
            for field in known.own_fields.values()
            if field.sample
            and (field.authored or field.name == known.content)
            and field.name not in block.fields
            and not (field.name == known.content and block.content)
        ]
        if names:
            names = ["text" if name == known.content else name for name in names]
            message = f"the {known.title} {block.url_name!r} shows the platform's example: no {', no '.join(names)}"
            yield _finding(SAMPLE_CONTENT, message, block)


def learners_work_has_an_id(course: Course) -> Iterator[Diagnostic]:
    """What keeps learners' work has an id that its author chose."""
    for block in course.root.walk():
        known = spec(block.category)
        if block.implicit_id and known is not None and known.learner_state:
            yield _finding(IMPLICIT_ID, f"this {known.title} has no id of its own", block)


NO_DUE_DATE = define(
    "graded-without-due",
    Severity.WARNING,
    "A graded subsection has no due date, neither its own nor an inherited one.",
    "write `due: 2027-02-15` into its subsection.yaml, or `self_paced: true` into course.yaml",
)
LONG_TITLE = define(
    "overlong-title",
    Severity.WARNING,
    "A title is longer than the course navigation shows.",
    "shorten it; say the rest in the text",
)
SECRET_IN_SOURCE = define(
    "secret-in-source",
    Severity.ERROR,
    "Something that looks like a password or key stands in the course.",
    "remove it and change it where it is valid; passports belong into the environment (`lti_passports` in course.yaml)",
)
TITLE_LIMIT = 120
"""Characters; longer titles are cut off in the course navigation."""


def graded_work_has_a_due_date(course: Course) -> Iterator[Diagnostic]:
    """A graded subsection has a due date, or inherits one, unless learners set their own pace."""
    if course.root.fields.get("self_paced") is True:
        return
    dated: set[int] = set()
    for block, parent in course.root.walk_with_parent():
        if block.fields.get("due") or block.fields.get("relative_weeks_due") or (parent and id(parent) in dated):
            dated.add(id(block))
        elif block.category == SEQUENTIAL and block.fields.get("graded") is True:
            yield _finding(NO_DUE_DATE, f"{block.display_name or block.url_name!r} is graded and never due", block)


def titles_fit(course: Course) -> Iterator[Diagnostic]:
    """Titles are as short as the navigation can show; learners never see that of a text."""
    for block in course.blocks():
        title = block.display_name
        if title is not None and len(title) > TITLE_LIMIT and block.category != "html":
            yield _finding(LONG_TITLE, f"the title {title[:40]!r}… has {len(title)} characters", block)


_SECRETS = (
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}\b")),
    ("a bearer token", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")),
    (
        "a password or key",
        re.compile(
            r"(?i)\b(?:password|passwd|secret|api[_-]?key|access[_-]?token)\b[\"']?\s*[:=]\s*"
            r"[\"']?(?=[A-Za-z0-9+/_-]*[0-9])(?=[A-Za-z0-9+/_-]*[A-Za-z])[A-Za-z0-9+/_-]{16,}"
        ),
    ),
)


def no_secrets(course: Course) -> Iterator[Diagnostic]:
    """Nothing that looks like a secret stands in a text or a setting; the finding never repeats it."""
    if course.root.fields.get("lti_passports"):
        message = "`lti_passports` holds passports with their secrets"
        yield _finding(SECRET_IN_SOURCE, message, course.root)
    for block in course.blocks():
        for text in (block.content, *_texts(block.fields.values())):
            if text is None or len(text) < 16:
                continue
            for what, pattern in _SECRETS:
                if pattern.search(text):
                    yield _finding(SECRET_IN_SOURCE, f"this {block.category} holds what looks like {what}", block)
                    break


def _finding(code: Code, message: str, block: Block, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code, message, block.source, hint or code.remedy, code.severity)


def _texts(values: Iterable[FieldValue]) -> Iterator[str]:
    """Every text inside field values."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            yield from _texts(value.values())
        elif isinstance(value, list | tuple):
            yield from _texts(value)
