"""From the rows of a file to those of the platform: one a course, one a person, where the platform has them apart. Pure.

Comes in: a `Declaration` as it is written. Goes out: those that are planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from authoring.declared.kinds import CLAIM, CLAIMS, LINK
from authoring.declared.model import CourseRef, Declaration, Ref, Value
from authoring.diagnostics import Diagnostics
from authoring.keys import parse_course_key
from authoring.yamlnodes import BAD_VALUE


def expanded(row: Declaration, findings: Diagnostics) -> Iterator[Declaration]:
    """The rows that a row of the file stands for; what cannot stand together is reported."""
    match row.kind:
        case "catalog":
            yield from _catalog(row)
        case "mentors":
            yield from _mentor(row, findings)
        case "credentials":
            yield _credential(row)
        case "people":
            yield from _person(row)
        case "assertions":
            yield from _assertions(row, findings)
        case _:
            yield row


def _report(findings: Diagnostics, row: Declaration, what: str, hint: str) -> None:
    findings.report(BAD_VALUE, f"{row.kind}: {row.name!r}: {what}", row.where, hint)


def _rest(row: Declaration, *names: str) -> dict[str, Value]:
    return {name: value for name, value in row.fields.items() if name not in names}


def _catalog(row: Declaration) -> Iterator[Declaration]:
    course = row.fields["course"]
    assert isinstance(course, CourseRef)
    fields = {"org": parse_course_key(course.key).org, **_rest(row, "course")}
    yield replace(row, fields=fields, scope=course.key, origins=(course.origin,))


def _courses(value: Value) -> tuple[CourseRef, ...]:
    return tuple(one for one in value if isinstance(one, CourseRef)) if isinstance(value, tuple) else ()


def _credential(row: Declaration) -> Declaration:
    courses = _courses(row.fields.get("courses"))
    scope = ",".join(sorted(course.key for course in courses))
    return replace(row, scope=scope, origins=tuple(sorted(course.origin for course in courses)))


def _mentor(row: Declaration, findings: Diagnostics) -> Iterator[Declaration]:
    settings = row.fields.get("settings")
    if isinstance(settings, dict) and (held := {"new_mentor_name", "template_name"} & settings.keys()):
        _report(findings, row, f"{sorted(held)[0]} has its own key", "write `name:` and `template:`")
    yield replace(row, fields=_rest(row, "courses"))
    for course in _courses(row.fields.get("courses")):
        mentor = Ref(f"mentors/{row.name}", "unique_id")
        yield Declaration(LINK, row.name, row.where, {"mentor_uuid": mentor}, course.key, (course.origin,))


def _person(row: Declaration) -> Iterator[Declaration]:
    person = {name: row.fields[name] for name in ("username", "user_id") if name in row.fields}
    for claim in CLAIMS:
        terms = row.fields.get(claim)
        if terms is not None:
            yield Declaration(CLAIM, row.name, row.where, {**person, "terms": terms}, claim)


def _assertions(row: Declaration, findings: Diagnostics) -> Iterator[Declaration]:
    given = [name for name in ("course", "program", "pathway") if name in row.fields]
    if len(given) != 1:
        _report(findings, row, "name one thing that it is given for", "one of `course`, `program`, `pathway`")
        return
    course = row.fields.get("course")
    people = row.fields["people"]
    assert isinstance(people, tuple)
    for person in people:
        scope, origins = str(person), (str(person),)
        if isinstance(course, CourseRef):
            scope, origins = f"{person},{course.key}", (f"{person},{course.origin}",)
        fields = {"person": str(person), **_rest(row, "people")}
        yield replace(row, fields=fields, scope=scope, origins=origins)
