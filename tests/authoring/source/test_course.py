"""A course folder becomes the course that it describes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from authoring.model import Block, BlockKey, Course, LtiPassport
from authoring.source import read_course
from tests.conftest import BuildCourse


def read(build_course: BuildCourse, files: Mapping[str, str | bytes]) -> Course:
    course, diagnostics = read_course(build_course(files))
    assert not list(diagnostics), "\n".join(map(str, diagnostics))
    assert course is not None
    return course


def unit_of(build_course: BuildCourse, text: str, more: Mapping[str, str | bytes] | None = None) -> Block:
    course = read(build_course, {"01-a/01-b/01-unit.md": text, **(more or {})})
    return course.root.children[0].children[0].children[0]


def outline(block: Block, depth: int = 0) -> str:
    line = "  " * depth + f"{block.key} {block.display_name!r}\n"
    return line + "".join(outline(child, depth + 1) for child in block.children)


def test_names_order_and_ids(build_course: BuildCourse) -> None:
    course = read(
        build_course,
        {
            "course.yaml": "org: Demo\nnumber: 3.10\nrun: 2027_T1\ntitle: No\n",
            "10-last/01-only/01-end.md": "The end.",
            "02-welcome/section.yaml": "title: Hello!\nid: hi\n",
            "02-welcome/02 second_steps/2-b.md": "B",
            "02-welcome/02 second_steps/10-c.md": "C",
            "02-welcome/02 second_steps/1-a (draft).md": "---\nid: alpha\n---\nA",
            "02-welcome/01-first/Zebra.md": "Z",
            "02-welcome/01-first/_hidden.md": "not read \xff",
            "02-welcome/01-first/README.md": "not read",
            "02-welcome/.git/config": "not read",
            "README.md": "not read",
            "course.lock": "not read",
        },
    )
    assert str(course.id) == "course-v1:Demo+3.10+2027_T1"
    assert outline(course.root) == (
        "course/course 'No'\n"
        "  chapter/hi 'Hello!'\n"
        "    sequential/first 'First'\n"
        "      vertical/Zebra 'Zebra'\n"
        "        html/Zebra-html-1 'Zebra'\n"
        "    sequential/second_steps 'Second steps'\n"
        "      vertical/alpha 'A (draft)'\n"
        "        html/alpha-html-1 'A (draft)'\n"
        "      vertical/b 'B'\n"
        "        html/b-html-1 'B'\n"
        "      vertical/c 'C'\n"
        "        html/c-html-1 'C'\n"
        "  chapter/last 'Last'\n"
        "    sequential/only 'Only'\n"
        "      vertical/end 'End'\n"
        "        html/end-html-1 'End'\n"
    )


def test_children_lists_set_the_order(build_course: BuildCourse) -> None:
    course = read(
        build_course,
        {
            "course.yaml": "org: D\nnumber: N\nrun: R\nchildren: [two, 01-one]\n",
            "01-one/a/x.md": "X",
            "two/subsection/subsection.yaml": "children: [02-q.md, p]\n",
            "two/subsection/p.md": "P",
            "two/subsection/02-q.md": "Q",
        },
    )
    assert [child.url_name for child in course.root.children] == ["two", "one"]
    assert [child.url_name for child in course.root.children[0].children[0].children] == ["q", "p"]


def test_components_in_order_with_lines(build_course: BuildCourse) -> None:
    unit = unit_of(
        build_course,
        "---\n"
        "title: What is data?\n"
        "---\n"
        "\n"
        "# Words first\n"
        "\n"
        ":::video {#intro}\n"
        "title: Two minutes\n"
        "youtube: https://youtu.be/dQw4w9WgXcQ?t=3\n"
        ":::\n"
        "\n"
        "More words.\n"
        ":::problem\n"
        "max_attempts: 2\n"
        "---\n"
        ">>Which?<<\n"
        "(x) this\n"
        "( ) that\n"
        ":::\n"
        "<!-- a remark for authors -->\n",
    )
    assert [(str(child.key), child.implicit_id, child.source and child.source.line) for child in unit.children] == [
        ("html/unit-html-1", True, 5),
        ("video/intro", False, 7),
        ("html/unit-html-2", True, 12),
        ("problem/unit-problem-1", True, 13),
    ]
    words, video, more, problem = unit.children
    assert words.fields == {"display_name": "Words first", "editor": "raw"}
    assert words.content == "<h1>Words first</h1>\n"
    assert video.fields == {"display_name": "Two minutes", "youtube_id_1_0": "dQw4w9WgXcQ"}
    assert more.display_name == "What is data?"
    assert problem.content is not None and problem.content.startswith("<problem>")
    assert problem.fields["max_attempts"] == 2
    assert problem.fields["markdown_edited"] is True
    assert str(problem.fields["markdown"]).startswith(">>Which?<<")


def test_links_lead_where_the_platform_looks(build_course: BuildCourse) -> None:
    unit = unit_of(
        build_course,
        "[unit](../02-c/01-next.md) [part](../02-c/01-next.md#clip) [further](../02-c/01-next.md#end)\n"
        "[section](../../01-a) [subsection](../02-c/) [page][faq] ![chart](../../static/img/a%20b.png)\n"
        "[file](/static/img_a_b.png) [out](https://example.org/x.md) [here](#top)\n"
        '<a href="../02-c/01-next.md">raw</a> <img src=../../static/img/a%20b.png alt="b">\n\n'
        ":::problem {#q}\n<p><a href='01-unit.md'>me</a></p>\n= 3\n:::\n\n[faq]: ../../pages/faq.md#two\n",
        {
            "01-a/02-c/01-next.md": ":::video {#clip}\n:::\n\n## The end {#end}\n",
            "pages/faq.md": "## Two {#two}\n",
            "static/img/a b.png": b"png",
        },
    )
    html, problem = unit.children
    assert html.content == (
        '<p><a href="/jump_to_id/next">unit</a> <a href="/jump_to_id/clip">part</a> '
        '<a href="/jump_to_id/next#end">further</a>\n'
        '<a href="/jump_to_id/a">section</a> <a href="/jump_to_id/c">subsection</a> '
        '<a href="/course/faq/#two">page</a> <img src="/static/img_a_b.png" alt="chart" />\n'
        '<a href="/static/img_a_b.png">file</a> <a href="https://example.org/x.md">out</a> <a href="#top">here</a>\n'
        '<a href="/jump_to_id/next">raw</a> <img src="/static/img_a_b.png" alt="b"></p>\n'
    )
    assert problem.content is not None and '<a href="/jump_to_id/unit">me</a>' in problem.content


def test_reference_definitions_serve_the_whole_unit_and_footnotes_their_prose(build_course: BuildCourse) -> None:
    unit = unit_of(
        build_course,
        "One[^1] [site].\n\n[^1]: First.\n\n:::done\n:::\n\nTwo[^1].\n\n[^1]: Second.\n\n"
        ":::done\n:::\n\n[site]: https://example.org\n",
    )
    one, _, two, _ = unit.children
    assert one.content is not None and '<a href="https://example.org">site</a>' in one.content
    assert 'id="fn-unit-html-1-1"' in one.content
    assert two.content is not None and 'id="fn-unit-html-2-1"' in two.content and "Second." in two.content


def test_fields_are_read_by_their_type(build_course: BuildCourse) -> None:
    course = read(
        build_course,
        {
            "course.yaml": (
                "org: D\nnumber: N\nrun: R\ntitle: 'yes'\ntimezone: Europe/Madrid\nstart: 2026-03-01\nend: 2026-03-01\n"
                "settings:\n  language: es\n"
                "grading:\n"
                "  assignment_types:\n"
                "    - {type: Homework, short_label: HW, weight: 40%, min_count: 2, drop_count: 1}\n"
                "    - {type: Exam, weight: 0.6}\n"
                "  cutoffs: {A: 0.9, B: 60%}\n"
                "  grace_period: 01:30\n"
                "lti_passports:\n  tool: {key_env: KEY, secret_env: SECRET}\n"
            ),
            "a/b/subsection.yaml": "format: Homework\ndue: 2026-07-31T20:00:00+01:00\nhide_after_due: yes\n",
            "a/b/u.md": "---\ngroup_access: {50: [1, 2]}\nvisible_to_staff_only: false\ndue:\n---\nText",
        },
    )
    assert course.root.fields["start"] == "2026-02-28T23:00:00Z"
    assert course.root.fields["end"] == "2026-03-01T22:59:00Z"
    assert course.root.fields["display_name"] == "yes"
    assert course.root.fields["language"] == "es"
    grading = course.grading
    assert grading is not None
    assert [(g.type, g.weight, g.min_count, g.drop_count, g.short_label) for g in grading.graders] == [
        ("Homework", 0.4, 2, 1, "HW"),
        ("Exam", 0.6, 1, 0, ""),
    ]
    assert (grading.cutoffs, grading.grace_period) == ({"A": 0.9, "B": 0.6}, 90)
    assert course.lti_passports == (LtiPassport("tool", "KEY", "SECRET"),)
    subsection = course.root.children[0].children[0]
    assert subsection.fields == {
        "format": "Homework",
        "graded": True,
        "due": "2026-07-31T19:00:00Z",
        "hide_after_due": True,
        "display_name": "B",
    }
    assert subsection.children[0].fields == {
        "group_access": {"50": [1, 2]},
        "visible_to_staff_only": False,
        "due": None,
        "display_name": "U",
    }


def test_conveniences(build_course: BuildCourse) -> None:
    unit = unit_of(
        build_course,
        ":::video\nsources: [../../static/v.mp4, 'https://example.org/v.mp4']\n"
        "transcripts:\n  en: ../../static/subs/v.srt\n:::\n"
        ":::pdf\nfile: ../../static/paper.pdf\n:::\n"
        ":::scorm {#safety}\nfile: _packages/safety.zip\n:::\n"
        ":::poll {#colour}\nquestion: Colour?\nanswers:\n- Red\n- {key: b, label: Blue, image: ../../static/b.png, alt: sky}\n:::\n"
        ":::survey\nanswers: [Good, Bad]\nquestions: [How?]\n:::\n",
        {
            "01-a/01-b/_packages/safety.zip": b"zip",
            "static/v.mp4": b"",
            "static/subs/v.srt": b"",
            "static/paper.pdf": b"",
            "static/b.png": b"",
        },
    )
    video, pdf, scorm, poll, survey = unit.children
    assert video.fields == {
        "youtube_id_1_0": "",
        "html5_sources": ["/static/v.mp4", "https://example.org/v.mp4"],
        "transcripts": {"en": "subs_v.srt"},
    }
    assert pdf.fields == {"url": "/static/paper.pdf"}
    assert scorm.key == BlockKey("scorm", "safety")
    assert scorm.package is not None and scorm.package.name == "safety.zip"
    assert scorm.package.file is not None and scorm.package.file.read_bytes() == b"zip"
    assert poll.fields["answers"] == [
        ["red", {"label": "Red", "img": "", "img_alt": ""}],
        ["b", {"label": "Blue", "img": "/static/b.png", "img_alt": "sky"}],
    ]
    assert survey.fields["answers"] == [["good", "Good"], ["bad", "Bad"]]
    assert survey.fields["questions"] == [["how", {"label": "How?", "img": "", "img_alt": ""}]]


def test_containers_hold_components(build_course: BuildCourse) -> None:
    unit = unit_of(
        build_course,
        "::::library_content {#bank}\nmax_count: 1\n---\n:::problem {#one}\n= 1\n:::\n\nWords.\n\n"
        ":::problem {#two}\n= 2\n:::\n::::\n",
    )
    (bank,) = unit.children
    assert [str(child.key) for child in bank.children] == ["problem/one", "html/unit-html-1", "problem/two"]
    assert bank.fields == {"max_count": 1}


def test_olx_in_a_directive_and_in_a_file(build_course: BuildCourse) -> None:
    course = read(
        build_course,
        {
            "a/b/01-u.md": ':::olx {#w}\n<word_cloud num_inputs="3" odd="kept"/>\n:::\n',
            "a/b/02-v.xml": (
                '<vertical display_name="V">\n<html><p><a href="01-u.md">u</a></p></html>\n'
                '<problem url_name="p" max_attempts="3"><p>Q</p></problem>\n<whatever x="1"><y/></whatever></vertical>'
            ),
            "a/b/03-pack.zip": b"zip",
        },
    )
    first, second, third = course.root.children[0].children[0].children
    (cloud,) = first.children
    assert cloud.key == BlockKey("word_cloud", "w")
    assert (cloud.fields, cloud.extra.attributes) == ({"num_inputs": 3}, {"odd": "kept"})
    html, problem, unknown = second.children
    assert html.content == '<p><a href="/jump_to_id/u">u</a></p>'
    assert (problem.key, problem.fields) == (BlockKey("problem", "p"), {"max_attempts": 3})
    assert problem.content == "<problem><p>Q</p></problem>"
    assert (unknown.fields, unknown.content) == ({"x": "1"}, "<whatever><y/></whatever>")
    assert third.children[0].package is not None
    assert not third.children[0].implicit_id
    assert course.root.fields["advanced_modules"] == ["scorm", "word_cloud"]


def test_pages_stand_beside_the_tree(build_course: BuildCourse) -> None:
    course = read(
        build_course,
        {
            "about/overview.html": '<img src="/static/a.png" alt="a">\n',
            "about/short_description.md": "Plain & simple\n",
            "pages/02-faq.md": "---\ntitle: Questions\n---\nWhy?",
            "pages/01-glossary.md": "[faq](02-faq.md)",
            "handouts.md": "- one\n",
            "static/a.png": b"",
        },
    )
    assert [(str(block.key), block.display_name, block.content) for block in course.detached] == [
        ("course_info/handouts", None, "<ul>\n<li>one</li>\n</ul>\n"),
        ("about/overview", None, '<img src="/static/a.png" alt="a">\n'),
        ("about/short_description", None, "Plain & simple"),
        ("static_tab/glossary", "Glossary", '<p><a href="/course/faq/">faq</a></p>\n'),
        ("static_tab/faq", "Questions", "<p>Why?</p>\n"),
    ]


def test_assets_have_the_platform_s_names(build_course: BuildCourse) -> None:
    course = read(build_course, {"static/a (1)/é:b.png": b"1", "static/c.srt": b"2"})
    assert [(asset.name, asset.size, asset.content_type) for asset in course.assets] == [
        ("a__1__é_b.png", 1, "image/png"),
        ("c.srt", 1, "application/x-subrip"),
    ]


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_and_byte_order_marks_do_not_matter(build_course: BuildCourse, line_end: str) -> None:
    text = "---\ntitle: T\n---\nOne\n\n:::video {#v}\nyoutube: dQw4w9WgXcQ\n:::\n"
    plain = unit_of(build_course, text)
    odd = unit_of(build_course, "\ufeff" + text.replace("\n", line_end))
    assert odd == plain
    assert odd.children[1].source == plain.children[1].source


def test_the_same_folder_gives_the_same_course(build_course: BuildCourse, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a/b/c.md": "Text $x$\n", "static/x.png": b"1"}
    assert read(build_course, files) == read(build_course, files)
