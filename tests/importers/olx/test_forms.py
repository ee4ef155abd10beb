"""Old and odd forms of OLX, one small package each: what they are read as, what is said about them, and that they come
back, through OLX and through a course folder.

`codes(imported) == []` says that nothing needs to be said of a form.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from authoring.model import BlockKey, Extra
from authoring.olx.reader import POINTER_ONLY
from tests.conftest import write_tree
from tests.importers.small import Read, block, codes, course, in_unit, keys, unit
from tests.packages import imported

# --- definitions


DEFINITIONS = {
    "pointers": course(
        '<chapter url_name="c"/>',
        {
            "chapter/c.xml": '<chapter display_name="One"><sequential url_name="s"/></chapter>',
            "sequential/s.xml": '<sequential><vertical url_name="v"/></sequential>',
            "vertical/v.xml": '<vertical><html url_name="h"/><problem url_name="p"/></vertical>',
            "html/h.xml": '<html filename="h" display_name="Words"/>',
            "html/h.html": "<p>text</p>",
            "problem/p.xml": '<problem max_attempts="2"><p>Q</p></problem>',
        },
    ),
    "inline": course(
        '<chapter url_name="c" display_name="One"><sequential url_name="s"><vertical url_name="v">'
        '<html url_name="h" display_name="Words"><p>text</p></html>'
        '<problem url_name="p" max_attempts="2"><p>Q</p></problem></vertical></sequential></chapter>'
    ),
    "mixed": course(
        '<chapter url_name="c" display_name="One"><sequential url_name="s"/></chapter>',
        {
            "sequential/s.xml": '<sequential><vertical url_name="v"><html url_name="h"/>'
            '<problem url_name="p" max_attempts="2"><p>Q</p></problem></vertical></sequential>',
            "html/h.xml": '<html display_name="Words"><p>text</p></html>',
        },
    ),
}


@pytest.mark.parametrize("form", DEFINITIONS)
def test_pointers_and_inline_definitions_say_the_same(read: Read, form: str) -> None:
    found = read(DEFINITIONS[form])
    assert codes(found) == []
    assert keys(found) == ["chapter/c", "sequential/s", "vertical/v", "html/h", "problem/p"]
    assert block(found, "chapter/c").display_name == "One"
    words = block(found, "html/h")
    assert (words.display_name, words.content) == ("Words", "<p>text</p>")
    problem = block(found, "problem/p")
    assert (problem.fields, problem.content) == ({"max_attempts": 2}, "<problem><p>Q</p></problem>")


def test_slug_is_an_old_url_name(read: Read) -> None:
    found = read(
        unit('<html slug="old"><p>x</p></html><problem slug="p"/>', {"problem/p.xml": "<problem><p/></problem>"})
    )
    assert in_unit(found) == ["html/old", "problem/p"]
    assert codes(found) == []


def test_a_name_or_title_serves_as_url_name(read: Read) -> None:
    found = read(unit('<html name="My name"><p>x</p></html><html display_name="A title!"><p>y</p></html>'))
    assert in_unit(found) == ["html/My_name", "html/A_title"]


def test_nameless_blocks_get_the_same_name_each_time(read: Read) -> None:
    files = unit("<html><p>x</p></html><html><p>y</p></html>")
    first = in_unit(read(files))
    assert len(set(first)) == 2 and all(key.startswith("html/html_") for key in first)


def test_a_problem_by_filename(read: Read) -> None:
    found = read(
        unit(
            '<problem filename="sub/deep" url_name="p" weight="2"/>',
            {"problem/sub/deep.xml": "<problem><p>Q</p></problem>"},
        )
    )
    problem = block(found, "problem/p")
    assert (problem.fields, problem.content) == ({"weight": 2}, "<problem><p>Q</p></problem>")
    assert codes(found) == []
    assert problem.source is not None and str(problem.source.path) == "course/R.xml"


@pytest.mark.parametrize(
    ("filename", "file"),
    [
        ("h", "html/h.html"),
        ("h.html", "html/h.html"),
        ("sub/h", "html/sub/h.html"),
        ("sub/h.html", "html/sub/h.html"),
        ("gone/h", "html/h.html"),
        ("a:h", "html/a/h.html"),
        ("h", "html/h.xml"),
        ("h", "html/h"),
    ],
)
def test_a_text_by_filename(read: Read, filename: str, file: str) -> None:
    found = read(unit(f'<html url_name="t" display_name="T" filename="{filename}"/>', {file: "<p>a & b <br> c"}))
    text = block(found, "html/t")
    assert (text.fields, text.content) == ({"display_name": "T"}, "<p>a & b <br> c")
    assert codes(found) == []
    assert found.course.files == ()


def test_a_text_whose_file_is_missing(read: Read) -> None:
    found = read(unit('<html url_name="t" filename="nowhere"/>'))
    assert codes(found) == ["dangling-pointer"]
    assert in_unit(found) == ["html/t"]


# --- containers


def test_units_in_units(read: Read) -> None:
    found = read(
        unit('<vertical url_name="inner"><html url_name="h"><p>x</p></html></vertical><html url_name="i">y</html>')
    )
    assert codes(found) == []
    assert in_unit(found) == ["vertical/inner", "html/i"]
    assert [str(child.key) for child in block(found, "vertical/inner").children] == ["html/h"]


@pytest.mark.parametrize("tag", ["videosequence", "problemset"])
def test_old_sequences(read: Read, tag: str) -> None:
    found = read(
        course(
            f'<chapter url_name="c"><{tag} url_name="s" display_name="Old" graded="true">'
            f'<video url_name="w" youtube="1.00:abc"/><problem url_name="p"><p>Q</p></problem></{tag}></chapter>'
        )
    )
    assert codes(found) == []
    assert keys(found) == ["chapter/c", f"{tag}/s", "video/w", "problem/p"]
    assert block(found, f"{tag}/s").fields == {"display_name": "Old", "graded": True}
    assert block(found, "video/w").fields["youtube_id_1_0"] == "abc"


def test_a_content_library_in_a_course(read: Read) -> None:
    body = (
        '<library_content url_name="l" source_library_id="library-v1:O+L" max_count="2" mode="random" capa_type="any">'
        '<problem url_name="p"><p>Q</p></problem></library_content>'
    )
    found = read(unit(body))
    assert codes(found) == []
    library = block(found, "library_content/l")
    assert library.fields["max_count"] == 2 and library.fields["source_library_id"] == "library-v1:O+L"
    assert [str(child.key) for child in library.children] == ["problem/p"]


@pytest.mark.parametrize("usage", ["i4x://O/N/vertical/{}", "block-v1:O+N+R+type@vertical+block@{}"])
def test_an_experiment(read: Read, usage: str) -> None:
    groups = f'{{"0": "{usage.format("a")}", "1": "{usage.format("b")}"}}'.replace('"', "&quot;")
    found = read(
        unit(
            f'<split_test url_name="t" user_partition_id="7" group_id_to_child="{groups}">'
            '<vertical url_name="a"><html url_name="h">x</html></vertical><vertical url_name="b"/></split_test>',
            {"vertical/b.xml": "<vertical/>"},
        )
    )
    assert codes(found) == []
    experiment = block(found, "split_test/t")
    assert experiment.fields["group_id_to_child"] == {"0": "vertical/a", "1": "vertical/b"}
    assert [str(child.key) for child in experiment.children] == ["vertical/a", "vertical/b"]


def test_a_conditional(read: Read) -> None:
    found = read(
        unit(
            '<problem url_name="p"><p>Q</p></problem><html url_name="h">x</html>'
            '<conditional url_name="k" sources="i4x://O/N/problem/p" attempted="True" message="First {link}">'
            '<show sources="i4x://O/N/html/h; i4x://O/N/problem/p"/><html url_name="i">y</html></conditional>'
        )
    )
    assert codes(found) == []
    conditional = block(found, "conditional/k")
    assert conditional.fields == {
        "sources_list": ["problem/p"],
        "show_tag_list": ["html/h", "problem/p"],
        "conditional_attr": "attempted",
        "conditional_value": "True",
        "conditional_message": "First {link}",
    }
    assert [str(child.key) for child in conditional.children] == ["html/i"]


# --- fields


def test_dates_that_were_encoded_as_text(read: Read) -> None:
    found = read(
        course(
            '<chapter url_name="c" start="&quot;2013-02-05T05:00:00Z&quot;"><sequential url_name="s" due="null"/></chapter>'
        )
    )
    assert block(found, "chapter/c").fields["start"] == "2013-02-05T05:00:00Z"
    assert block(found, "sequential/s").fields == {"due": None}
    assert codes(found) == []


def test_what_no_field_takes_is_kept(read: Read) -> None:
    found = read(unit('<html url_name="h" ispublic="true">x</html><video url_name="w" max_attempts="often"/>'))
    assert block(found, "html/h").extra == Extra({"ispublic": "true"})
    assert block(found, "video/w").extra.attributes == {"max_attempts": "often"}
    assert codes(found) == ["bad-olx"]


def test_an_unknown_tag_is_kept_whole(read: Read) -> None:
    body = '<mystery url_name="m" display_name="M" power="9"><part n="1">text &lt; <b>x</b></part>tail</mystery>'
    found = read(unit(f'{body}<bare url_name="b" level="1"/>'))
    mystery = block(found, "mystery/m")
    assert mystery.fields == {"display_name": "M", "power": "9"}
    assert mystery.content == '<mystery><part n="1">text &lt; <b>x</b></part>tail</mystery>'
    assert in_unit(found) == ["mystery/m", "bare/b"]
    assert codes(found) == []


def test_comments_and_stray_text_between_blocks(read: Read) -> None:
    found = read(
        unit('<!-- before --><html url_name="a">x</html>stray &amp; lost<!-- after --><html url_name="b">y</html>')
    )
    assert in_unit(found) == ["html/a", "html/b"]
    assert block(found, "vertical/v").extra.elements == ("<!-- before -->", "<!-- after -->", "stray &amp; lost")
    assert codes(found) == ["bad-olx"]


def test_asides(read: Read) -> None:
    aside = '<tags xblock-family="xblock_asides.v1" saved="{&quot;a&quot;: 1}"/>'
    found = read(
        unit(
            '<html url_name="h"/><video url_name="w"/>',
            {
                "html/h.xml": f'<html filename="h">{aside}</html>',
                "html/h.html": "<p>x</p>",
                "video/w.xml": f'<video youtube="1.00:abc">{aside}</video>',
            },
        )
    )
    assert block(found, "html/h").content == "<p>x</p>"
    assert len(block(found, "html/h").extra.elements) == 1
    assert len(block(found, "video/w").extra.elements) == 1
    assert codes(found) == []


# --- names


def test_one_block_in_two_places(read: Read) -> None:
    found = read(
        unit('<html url_name="h"/><html url_name="h"/>', {"html/h.xml": '<html filename="h"/>', "html/h.html": "x"})
    )
    first, second = block(found, "vertical/v").children
    assert first.key == second.key == BlockKey("html", "h")
    assert first.content == "x" and POINTER_ONLY in second.extra.attributes
    assert codes(found) == ["repeated-block"]


def test_two_blocks_of_one_name(tmp_path: Path) -> None:
    """The one form that does not come back as it was: two definitions cannot stand in one file, nor have one id."""
    files = unit('<html url_name="h">x</html><html url_name="h">y</html>')
    with imported(write_tree(tmp_path / "package", files)) as (_, found):
        assert in_unit(found) == ["html/h", "html/h-2"]
        assert block(found, "html/h-2").content == "y"
        assert codes(found) == ["renamed-block"]


@pytest.mark.parametrize(("name", "becomes"), [("a b", "a_b"), ("q&amp;a", "q_a"), ("50%", "50_"), ("dir/x", "dir_x")])
def test_names_that_the_platform_does_not_take(tmp_path: Path, name: str, becomes: str) -> None:
    with imported(write_tree(tmp_path / "package", unit(f'<html url_name="{name}">x</html>'))) as (_, found):
        assert in_unit(found) == [f"html/{becomes}"]
        assert codes(found) == ["renamed-block"]


@pytest.mark.parametrize("name", ["a.b", "a~b", "a-b_c", "été", "a:b"])
def test_odd_names_that_the_platform_takes(read: Read, name: str) -> None:
    found = read(unit(f'<html url_name="{name}">x</html>'))
    assert in_unit(found) == [f"html/{name}"]
    assert codes(found) == []


# --- what is broken


def test_definitions_that_nothing_points_to_take_no_ones_place(read: Read) -> None:
    found = read(
        {
            "course.xml": '<course url_name="R" org="O" course="N"><chapter url_name="c" display_name="Mine">'
            '<vertical url_name="v"><html url_name="h">mine</html></vertical></chapter></course>',
            "course/R.xml": '<course display_name="old"/>',
            "chapter/c.xml": '<chapter display_name="old"/>',
            "html/h.html": "old",
        }
    )
    assert block(found, "chapter/c").display_name == "Mine"
    assert block(found, "html/h").content == "mine"
    assert [str(file.path) for file in found.course.files] == ["chapter/c.xml", "course/R.xml", "html/h.html"]


def test_a_dangling_pointer_stays(read: Read) -> None:
    found = read(unit('<html url_name="gone"/><problem url_name="too"/><html url_name="h">x</html>'))
    assert in_unit(found) == ["html/gone", "problem/too", "html/h"]
    assert POINTER_ONLY in block(found, "html/gone").extra.attributes
    assert codes(found) == ["dangling-pointer", "dangling-pointer"]
    assert found.findings.errors == ()


@pytest.mark.parametrize(
    "text", ["<problem><p></problem>", "", "<html/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><problem>&b;</problem>"]
)
def test_a_broken_definition_is_kept_as_it_is(read: Read, text: str) -> None:
    found = read(unit('<problem url_name="p"/>', {"problem/p.xml": text}))
    assert in_unit(found) == ["problem/p"]
    assert [(str(file.path), file.size) for file in found.course.files] == [("problem/p.xml", len(text))]
    assert codes(found) == ["broken-definition"]
    assert str(found.findings.sorted()[0].where).startswith(("problem/p.xml", "course/R.xml"))


def test_a_pointer_loop_ends(read: Read) -> None:
    found = read(
        course(
            '<chapter url_name="c"/>',
            {
                "chapter/c.xml": '<chapter><vertical url_name="v"/></chapter>',
                "vertical/v.xml": '<vertical><vertical url_name="v"/></vertical>',
            },
        )
    )
    assert "pointer-loop" in codes(found)
    assert keys(found)[:2] == ["chapter/c", "vertical/v"]
