"""Any course survives Course → OLX → Course and Course → course folder → Course."""

from __future__ import annotations

import hashlib
import string
import tempfile
from pathlib import Path, PurePosixPath

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authoring.archives import open_package
from authoring.decompile import differing_parts, folder_of
from authoring.model import (
    ROOT_KEY,
    Asset,
    Block,
    BlockKey,
    Course,
    CourseId,
    Draft,
    Extra,
    FieldValue,
    Grader,
    GradingPolicy,
)
from authoring.olx.package import write_archive, write_folder
from authoring.source.assets import content_type_of
from importers.olx.course import read_olx
from importers.olx.layout import find_roots

# What XML cannot hold cannot be in a course; a carriage return is white space there.
TEXT = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"), min_size=1, max_size=20
)
LINES = st.lists(TEXT, min_size=1, max_size=3).map("\n".join)
TITLE = st.one_of(
    TEXT, st.sampled_from(["null", "true", "3.10", '"quoted"', "- a: b", "#x", "[1]", "Week 1: sums", "1e3"])
)
DATE = st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")).filter(lambda text: len(text) == 20)
HTML = st.one_of(
    LINES.map(lambda text: f"<p>{text.replace('&', '&amp;').replace('<', '&lt;')}</p>"),
    st.sampled_from(
        [
            "<h2>Two</h2>\n<p>a <b>b</b> c</p>",
            "a & b < c",
            "<p>unclosed",
            "<ul><li>one</li><li>two</li></ul>",
            "<pre>\n  x\n</pre>",
            ":::html\n---\n",
            "<!-- note --><p>x</p>",
            "<p>```</p>",
            "<script>if (a < b && c) { d(); }</script>",
            "<p><a href='/jump_to_id/nowhere'>x</a></p>",
        ]
    ),
)
PROBLEM = st.sampled_from(
    [
        "<problem><numericalresponse answer='42'><label>Six times seven?</label><formulaequationinput/></numericalresponse></problem>",
        "<problem><multiplechoiceresponse><label>Which?</label><choicegroup type='MultipleChoice'>"
        "<choice correct='true'>a</choice><choice correct='false'>b</choice></choicegroup></multiplechoiceresponse></problem>",
        "<problem><p>odd <i>words</i></p><script type='loncapa/python'>a = 1 &lt; 2</script></problem>",
        "<problem></problem>",
    ]
)
COMMON: dict[str, st.SearchStrategy[FieldValue]] = {
    "display_name": st.one_of(TITLE, st.none()),
    "visible_to_staff_only": st.booleans(),
    "start": st.one_of(DATE, st.none()),
    "group_access": st.dictionaries(
        st.sampled_from(["1", "2", "50"]), st.lists(st.integers(0, 9), max_size=2), max_size=2
    ),
}
FIELDS: dict[str, dict[str, st.SearchStrategy[FieldValue]]] = {
    "html": {"editor": st.sampled_from(["raw", "visual"])},
    "problem": {
        "max_attempts": st.one_of(st.integers(0, 5), st.none()),
        "weight": st.one_of(st.floats(0, 10, allow_nan=False), st.none()),
        "showanswer": st.sampled_from(["always", "never"]),
        "markdown": LINES,
    },
    "video": {
        "youtube_id_1_0": st.sampled_from(["", "abcdefghijk"]),
        "html5_sources": st.lists(st.sampled_from(["https://example.org/a.mp4", "/static/b.mp4"]), max_size=2),
        "transcripts": st.dictionaries(st.sampled_from(["en", "es"]), st.sampled_from(["a.srt"]), max_size=2),
    },
    "poll": {"question": TITLE, "private_results": st.booleans(), "max_submissions": st.integers(0, 3)},
    "discussion": {"discussion_category": TITLE},
    "word_cloud": {"num_inputs": st.integers(1, 9), "instructions": TITLE},
    "sequential": {"format": TITLE, "graded": st.booleans(), "due": st.one_of(DATE, st.none())},
    "chapter": {},
    "vertical": {},
}
NAME = st.text(string.ascii_letters + string.digits + "-_.~", min_size=1, max_size=12).filter(
    lambda text: text.strip(".")
)
EXTRA = st.one_of(
    st.just(Extra()),
    st.just(Extra()),
    st.builds(lambda value: Extra({"odd_attribute": value}), TITLE),
)


@st.composite
def blocks(draw: st.DrawFn, category: str, taken: set[BlockKey], children: tuple[Block, ...] = ()) -> Block:
    key = BlockKey(category, draw(NAME.filter(lambda name: BlockKey(category, name) not in taken)))
    taken.add(key)
    known = {**COMMON, **FIELDS.get(category, {})}
    names = draw(st.lists(st.sampled_from(sorted(known)), unique=True, max_size=4))
    fields = {name: draw(known[name]) for name in names}
    content = draw(HTML) if category == "html" else draw(PROBLEM) if category == "problem" else None
    if category == "mystery":
        fields, content = (
            {"power": draw(TITLE)},
            draw(st.sampled_from([None, "<mystery><part n='1'>x</part></mystery>"])),
        )
        return Block(key, fields, content)
    # A problem's unknown attributes are part of its body as well.
    return Block(key, fields, content, children, extra=Extra() if category == "problem" else draw(EXTRA))


LEAVES = ["html", "html", "problem", "problem", "video", "poll", "discussion", "word_cloud", "mystery"]


@st.composite
def courses(draw: st.DrawFn) -> Course:
    taken: set[BlockKey] = set()

    def level(categories: list[str], inner: list[list[str]], most: int) -> tuple[Block, ...]:
        found = []
        for _ in range(draw(st.integers(0, most))):
            category = draw(st.sampled_from(categories))
            children = (
                level(inner[0], inner[1:], most) if inner and category in ("chapter", "sequential", "vertical") else ()
            )
            found.append(draw(blocks(category, taken, children)))
        return tuple(found)

    chapters = level(
        ["chapter"], [["sequential", "sequential", "html"], ["vertical", "vertical", "problem"], LEAVES], 3
    )
    title = draw(TITLE)
    root = Block(ROOT_KEY, {"display_name": title, "language": "en"}, children=chapters)
    pages = (
        Block(BlockKey("static_tab", "faq"), {"display_name": draw(TITLE)}, draw(HTML)),
        Block(BlockKey("about", "overview"), {}, draw(HTML)),
    )
    grading = draw(st.sampled_from([None, GradingPolicy((Grader("Homework", 0.4, 2, 1, "HW"),), {"A": 0.9, "B": 0.5})]))
    drafts: tuple[Draft, ...] = ()
    if chapters and draw(st.booleans()):
        drafts = (
            Draft(draw(blocks("vertical", taken, level(LEAVES, [], 2))), chapters[0].key, draw(st.integers(0, 3))),
        )
    tabs: list[FieldValue] = [{"type": "courseware", "name": "Course"}]
    tabs.append({"type": "static_tab", "name": pages[0].display_name, "url_slug": "faq"})
    return Course(
        CourseId("O", "N", "R"),
        Block(ROOT_KEY, {**root.fields, "tabs": tabs}, children=chapters),
        pages,
        (),
        grading,
        drafts=drafts,
    )


def with_asset(course: Course, folder: Path) -> Course:
    file = folder / "a chart.png"
    file.write_bytes(b"png")
    digest = hashlib.sha256(b"png").hexdigest()
    path = PurePosixPath("static/img/a chart.png")
    name = "img_a_chart.png"
    asset = Asset(name, path, digest, 3, content_type_of(name), locked=True, file=file)
    return Course(course.id, course.root, course.detached, (asset,), course.grading, drafts=course.drafts)


def assert_same(course: Course, again: Course) -> None:
    ours, theirs = list(course.blocks()), list(again.blocks())
    assert sorted(map(str, (block.key for block in ours))) == sorted(map(str, (block.key for block in theirs)))
    assert [block.key for block in course.root.walk()] == [block.key for block in again.root.walk()]
    found = {block.key: block for block in theirs}
    for block in ours:
        assert list(differing_parts(block, found[block.key])) == [], block.key
    assert course.grading == again.grading or (course.grading and course.grading.graders == again.grading.graders)  # type: ignore[union-attr]
    assert set(course.assets) == set(again.assets)
    assert [(draft.parent, draft.index, draft.block.key) for draft in course.drafts] == [
        (draft.parent, draft.index, draft.block.key) for draft in again.drafts
    ]


RELAXED = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@RELAXED
@given(courses())
def test_olx_says_it_all(course: Course) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        course = with_asset(course, folder)
        write_folder(course, folder / "olx")
        with open_package(folder / "olx") as package:
            assert_same(course, read_olx(package, find_roots(package.files)[0]).course)
        write_archive(course, folder / "one.tar.gz")
        write_archive(course, folder / "two.tar.gz")
        assert (folder / "one.tar.gz").read_bytes() == (folder / "two.tar.gz").read_bytes()


@RELAXED
@given(courses())
def test_a_course_folder_says_it_all(course: Course) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        assert folder_of(with_asset(course, Path(scratch))).unequal == ()
