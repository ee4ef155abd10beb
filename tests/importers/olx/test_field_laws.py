"""Whatever the registry says a field can hold survives Course → OLX → Course and Course → course folder → Course."""

from __future__ import annotations

import string
import tempfile
from datetime import datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authoring.archives import open_package
from authoring.decompile import differing_parts, folder_of
from authoring.model import ROOT_KEY, Block, BlockKey, Course, CourseId, FieldValue
from authoring.olx.forms import FORMS
from authoring.olx.package import write_folder
from authoring.registry import Family, FieldSpec, FieldType, categories, fields_of, spec
from importers.olx.course import read_olx
from importers.olx.layout import find_roots

ODD = [
    "",
    "null",
    "true",
    "3.10",
    '"quoted"',
    "- a: b",
    "#x",
    "[1]",
    "{",
    "1e3",
    " lead",
    "2026-01-31",
    "~",
    "@x",
    "é\u2028",
]
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=15),
    st.sampled_from(ODD),
)
NUMBER = st.integers(0, 9) | st.floats(0, 100, allow_nan=False)
PLAIN = st.none() | st.booleans() | NUMBER | TEXT
BY_TYPE: dict[FieldType, st.SearchStrategy[FieldValue]] = {
    FieldType.STRING: TEXT,
    FieldType.INTEGER: st.integers(0, 100),
    FieldType.FLOAT: st.integers(0, 9) | st.floats(0, 100, allow_nan=False),
    FieldType.BOOLEAN: st.booleans(),
    FieldType.DATE: st.datetimes(min_value=datetime(1970, 1, 1)).map(
        lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    ),
    FieldType.TIMEDELTA: st.sampled_from(["1 day", "2 hours 3 minutes"]),
    FieldType.RELATIVE_TIME: st.sampled_from(["00:00:00", "01:02:03"]),
    FieldType.LIST: st.lists(PLAIN, max_size=3),
    FieldType.DICT: st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=5), PLAIN, max_size=3),
}
SKIPPED = {
    "show_tag_list",
    "sources_list",
    "conditional_attr",
    "conditional_value",
    "conditional_message",
    "group_id_to_child",
    "wiki_slug",
}
"""Fields that are references, or that OLX spells in a way of their own that has no null: tests of forms have them."""


def components() -> list[str]:
    """Categories that stand in a unit, and whose OLX is attributes."""
    return sorted(
        name
        for name in categories()
        if (known := spec(name)) is not None
        and not known.detached
        and not known.package
        and not (known.children and known.family is Family.PURE)  # a null text of such a container stays in its `extra`
        and name not in FORMS
        and name not in ("course", "library", "chapter", "sequential", "annotatable", "customtag")
    )


def values(field: FieldSpec) -> st.SearchStrategy[FieldValue]:
    found: st.SearchStrategy[FieldValue] = st.sampled_from(field.values) if field.values else BY_TYPE[field.type]
    return st.none() | found if field.nullable else found


@st.composite
def blocks(draw: st.DrawFn, name: str) -> Block:
    category = draw(st.sampled_from(components()))
    known = spec(category)
    assert known is not None
    fields = {
        key: field
        for key, field in fields_of(category).items()
        if field.type is not FieldType.XML and key not in SKIPPED and key != known.content and field.olx != ""
    }
    chosen = draw(st.lists(st.sampled_from(sorted(fields)), unique=True, max_size=6))
    content = {"html": "<p>x</p>", "problem": "<problem><p>Q</p></problem>"}.get(category)
    return Block(BlockKey(category, name), {key: draw(values(fields[key])) for key in chosen}, content)


@st.composite
def courses(draw: st.DrawFn) -> Course:
    inside = tuple(draw(blocks(f"b{number}")) for number in range(draw(st.integers(1, 3))))
    unit = Block(BlockKey("vertical", "v"), {"display_name": "Unit"}, children=inside)
    lesson = Block(BlockKey("sequential", "s"), {"display_name": "Lesson"}, children=(unit,))
    chapter = Block(BlockKey("chapter", "c"), {"display_name": "Chapter"}, children=(lesson,))
    return Course(CourseId("O", "N", "R"), Block(ROOT_KEY, {"display_name": "Course"}, children=(chapter,)))


RELAXED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@RELAXED
@given(courses())
def test_olx_holds_every_field(course: Course) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        write_folder(course, Path(scratch) / "olx")
        with open_package(Path(scratch) / "olx") as package:
            again = read_olx(package, find_roots(package.files)[0]).course
    found = {block.key: block for block in again.blocks()}
    for block in course.blocks():
        assert list(differing_parts(block, found[block.key])) == [], (block, found[block.key])


@RELAXED
@given(courses())
def test_a_course_folder_holds_every_field(course: Course) -> None:
    assert folder_of(course).unequal == ()
