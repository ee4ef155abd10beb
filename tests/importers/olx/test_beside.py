"""What stands beside the tree of a package: policies, pages, files, drafts, secrets; and packages that are no plain course."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest

from authoring.archives import open_package
from authoring.importing import ImportOptions, read_package
from authoring.model import BlockKey, Grader, LtiPassport
from importers import PackageError
from tests.conftest import write_tree
from tests.importers.small import Read, block, codes, course, everything, in_unit, keys, unit
from tests.packages import COURSE_XML, imported

# --- policies


@pytest.mark.parametrize("path", ["policies/R/policy.json", "policies/R.json"])
def test_a_policy_wins_over_attributes(read: Read, path: str) -> None:
    policy = {
        "course/R": {"display_name": "By policy", "start": "2013-02-05T05:00:00Z", "advanced_modules": ["poll"]},
        "chapter/c": {"display_name": "Chapter by policy", "start": "2014-01-01T00:00Z"},
        "html/h": {"display_name": "3"},
        "html/gone": {"display_name": "Nobody"},
    }
    files = course(
        '<chapter url_name="c" display_name="By attribute"><sequential url_name="s"><vertical url_name="v">'
        '<html url_name="h" display_name="x">y</html></vertical></sequential></chapter>',
        {path: json.dumps(policy)},
        'display_name="By attribute"',
    )
    found = read(files)
    root = found.course.root
    assert root.display_name == "By policy"
    assert (root.fields["start"], root.fields["advanced_modules"]) == ("2013-02-05T05:00:00Z", ["poll"])
    assert block(found, "chapter/c").fields == {"display_name": "Chapter by policy", "start": "2014-01-01T00:00:00Z"}
    assert block(found, "html/h").display_name == "3"
    assert found.course.policies == {"html/gone": {"display_name": "Nobody"}}
    assert codes(found) == ["idle-policy"]
    assert found.course.files == ()


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "\xff", '{"course/R": {"display_name": "x"}, "note": 1}'])
def test_a_broken_policy_is_kept(read: Read, text: str) -> None:
    found = read(course("", {"policies/R/policy.json": text.encode("latin-1")}))
    assert "broken-policy" in codes(found)
    assert [str(file.path) for file in found.course.files] == ["policies/R/policy.json"]


GRADING = json.dumps(
    {
        "GRADER": [{"type": "Homework", "short_label": "HW", "min_count": 12, "drop_count": 2, "weight": 0.15}],
        "GRADE_CUTOFFS": {"A": 0.87, "B": 0.7},
    }
)


@pytest.mark.parametrize("path", ["policies/R/grading_policy.json", "grading_policy.json"])
def test_a_grading_policy(read: Read, path: str) -> None:
    found = read(course("", {path: GRADING}))
    assert codes(found) == []
    grading = found.course.grading
    assert grading is not None
    assert grading.graders == (Grader("Homework", 0.15, 12, 2, "HW"),)
    assert grading.cutoffs == {"A": 0.87, "B": 0.7}


def test_the_grading_policy_of_the_run_wins(read: Read) -> None:
    other = GRADING.replace("Homework", "Lab")
    found = read(course("", {"policies/R/grading_policy.json": GRADING, "grading_policy.json": other}))
    assert found.course.grading is not None and found.course.grading.graders[0].type == "Homework"
    assert [str(file.path) for file in found.course.files] == ["grading_policy.json"]


def test_a_grading_policy_of_another_kind_is_kept(read: Read) -> None:
    found = read(course("", {"grading_policy.json": '{"GRADER": [{"type": "X", "weight": 1, "odd": 2}]}'}))
    assert codes(found) == ["broken-policy"]
    assert found.course.grading is None
    assert [str(file.path) for file in found.course.files] == ["grading_policy.json"]


# --- pages


def test_pages_and_what_a_run_puts_in_their_place(read: Read) -> None:
    tabs = [
        {"type": "courseware", "name": "Course"},
        {"type": "static_tab", "name": "Second", "url_slug": "b", "course_staff_only": True},
        {"type": "static_tab", "name": "First", "url_slug": "a"},
    ]
    items = [
        {"id": 1, "date": "May 1, 2014", "content": "<p>new</p>", "status": "visible"},
        {"id": 2, "date": "May 2, 2014", "content": "<p>gone</p>", "status": "deleted"},
    ]
    found = read(
        course(
            "",
            {
                "policies/R/policy.json": json.dumps({"course/R": {"tabs": tabs}}),
                "tabs/a.html": "<p>a</p>",
                "tabs/b.html": "<p>b</p>",
                "tabs/z.html": "<p>not in the list</p>",
                "about/overview.html": "<p>for all</p>",
                "about/R/overview.html": "<p>for the run</p>",
                "about/effort.html": "2 hours",
                "info/updates.html": "<ol></ol>",
                "info/updates.items.json": json.dumps(items),
                "info/handouts.html": "<ol><li>x</li></ol>",
            },
        )
    )
    assert [str(page.key) for page in found.course.detached if page.category == "static_tab"] == [
        "static_tab/b",
        "static_tab/a",
        "static_tab/z",
    ]
    assert block(found, "static_tab/b").fields == {"display_name": "Second", "course_staff_only": True}
    assert block(found, "about/overview").content == "<p>for the run</p>"
    assert block(found, "about/effort").content == "2 hours"
    update = block(found, "course_update/2014-05-01")
    assert (update.fields, update.content) == ({"date": "May 1, 2014"}, "<p>new</p>")
    infos = [str(page.key) for page in found.course.detached if page.category.startswith("course_")]
    assert infos == ["course_info/handouts", "course_update/2014-05-01"]
    assert block(found, "course_info/handouts").content == "<ol><li>x</li></ol>"


def test_a_page_that_is_no_text_is_kept(read: Read) -> None:
    found = read(course("", {"about/overview.html": b"\xff\xfe"}))
    assert found.course.detached == ()
    assert [str(file.path) for file in found.course.files] == ["about/overview.html"]


# --- other parts of a course


def test_custom_tags(read: Read) -> None:
    found = read(
        unit(
            '<customtag url_name="t" impl="book" page="7"/><customtag url_name="u"><impl>book</impl></customtag>',
            {"custom_tags/book": "page ${page}"},
        )
    )
    assert in_unit(found) == ["customtag/t", "customtag/u"]
    assert [str(file.path) for file in found.course.files] == ["custom_tags/book"]
    assert codes(found) == []


def test_textbooks_and_wiki(read: Read) -> None:
    policy = {
        "course/R": {"pdf_textbooks": [{"tab_title": "Book", "chapters": [{"title": "1", "url": "/static/1.pdf"}]}]}
    }
    textbook = '<textbook title="T" book_url="https://example.org/b"><table_of_contents/></textbook>'
    found = read(course(f'{textbook}<wiki slug="O.N.R"/>', {"policies/R/policy.json": json.dumps(policy)}))
    root = found.course.root
    assert root.fields["wiki_slug"] == "O.N.R"
    assert root.fields["pdf_textbooks"] == policy["course/R"]["pdf_textbooks"]
    assert any("textbook" in element for element in root.extra.elements)
    assert keys(found) == []
    assert codes(found) == []


def test_files_with_names_locks_and_folders(read: Read) -> None:
    assets = {
        "img_a_b.png": {
            "locked": True,
            "displayname": "A chart",
            "contentType": "image/x-odd",
            "import_path": "img/a b.png",
        },
        "gone.pdf": {"locked": False, "displayname": "gone.pdf"},
    }
    found = read(
        unit(
            '<html url_name="h"><![CDATA[<img src="/static/img_a_b.png"> <a href="/static/x.pdf">x</a>]]></html>',
            {
                "static/img/a b.png": b"\x89PNG",
                "static/x.pdf": b"%PDF",
                "static/._x.pdf": b"junk",
                "static/x.pdf~": b"junk",
                "static_import/old.txt": "old",
                "policies/assets.json": json.dumps(assets),
            },
        )
    )
    by_name = {asset.name: asset for asset in found.course.assets}
    assert sorted(by_name) == ["img_a_b.png", "old.txt", "x.pdf"]
    chart = by_name["img_a_b.png"]
    assert (chart.path, chart.locked) == (PurePosixPath("static/img/a b.png"), True)
    assert (chart.display_name, chart.content_type, chart.size) == ("A chart", "image/x-odd", 4)
    assert (by_name["x.pdf"].locked, by_name["x.pdf"].display_name) == (False, None)


def test_other_files_are_kept(read: Read) -> None:
    found = read(course("", {"README.md": "# About", "html/orphan.html": "<p>x</p>", "problem/none.xml": "<problem/>"}))
    assert [str(file.path) for file in found.course.files] == ["README.md", "html/orphan.html", "problem/none.xml"]


@pytest.mark.parametrize("parent", ["parent_url", "parent_sequential_url"])
@pytest.mark.parametrize("key", ["i4x://O/N/sequential/s", "block-v1:O+N+R+type@sequential+block@s"])
def test_drafts(read: Read, parent: str, key: str) -> None:
    found = read(
        unit(
            "",
            {
                "drafts/vertical/v.xml": f'<vertical {parent}="{key}" index_in_children_list="0" display_name="Edited"><html url_name="h"/></vertical>',
                "drafts/html/h.xml": '<html filename="h"/>',
                "drafts/html/h.html": "<p>draft</p>",
                "drafts/vertical/n.xml": f'<vertical {parent}="{key}" index_in_children_list="1"/>',
                "drafts/html/idle.xml": "<html>z</html>",
            },
        )
    )
    edited, new = found.course.drafts
    assert (edited.parent, edited.index, edited.block.display_name) == (BlockKey("sequential", "s"), 0, "Edited")
    assert edited.block.children[0].content == "<p>draft</p>"
    assert (str(new.block.key), new.index) == ("vertical/n", 1)
    assert block(found, "vertical/v").display_name == "Unit"
    assert codes(found) == ["unused-draft"]


# --- secrets


def test_the_secret_of_an_lti_tool_stays_where_it_is(read: Read) -> None:
    policy = {
        "course/R": {"lti_passports": ["my tool:thekey1:hushhush1", "other:$KEY:$SECRET", "short", "b:k:hush:hush"]}
    }
    found = read(course("", {"policies/R/policy.json": json.dumps(policy)}))
    assert found.course.lti_passports == (
        LtiPassport("my tool", "LTI_MY_TOOL_KEY", "LTI_MY_TOOL_SECRET"),
        LtiPassport("other", "KEY", "SECRET"),
        LtiPassport("short", "LTI_SHORT_KEY", "LTI_SHORT_SECRET"),
        LtiPassport("b", "LTI_B_KEY", "LTI_B_SECRET"),
    )
    assert codes(found) == ["lti-secret-left-out"] * 3
    assert not {"hush", "thekey"} & {word for word in ("hush", "thekey") if word in everything(found)}
    assert found.course.files == ()


def test_a_secret_in_a_policy_that_cannot_be_read_is_no_part_of_what_is_said(tmp_path: Path) -> None:
    files = course("", {"policies/R/policy.json": '{"course/R": {"lti_passports": ["t:key1:hushhush1"]},}'})
    with imported(write_tree(tmp_path / "p", files)) as (_, found):
        assert "broken-policy" in codes(found)
        assert "hushhush1" not in everything(found)


# --- packages


def test_an_export_of_format_1(read: Read) -> None:
    inner = unit('<html url_name="h">x</html>')
    files = {f"published/{path}": text for path, text in inner.items()}
    draft = '<vertical parent_url="i4x://O/N/sequential/s" index_in_children_list="1" display_name="New"/>'
    found = read({"format.json": '{"export_format": 1}', **files, "drafts/vertical/n.xml": draft})
    assert in_unit(found) == ["html/h"]
    assert [(str(item.block.key), item.index) for item in found.course.drafts] == [("vertical/n", 1)]
    assert found.course.files == ()


def test_a_library(read: Read) -> None:
    found = read(
        {
            "library.xml": '<library xblock-family="xblock.v1" url_name="library" display_name="Lib" org="O" library="L">'
            '<problem url_name="p"/></library>',
            "problem/p.xml": "<problem display_name='One'><p>Q</p></problem>",
            "policies/assets.json": "{}",
        }
    )
    assert (found.course.id.org, found.course.id.number, found.course.root.category) == ("O", "L", "library")
    assert found.course.root.display_name == "Lib"
    assert keys(found) == ["problem/p"]
    assert codes(found) == []


def test_links_that_became_files(read: Read) -> None:
    """As a checkout without symbolic links has them: a file that holds the name of another."""
    found = read(
        {
            "course.xml": "roots/R.xml",
            "roots/R.xml": COURSE_XML,
            "course/R.xml": '<course><html url_name="h"/></course>',
            "html": "texts",
            "texts/h.xml": '<html filename="h"/>',
            "texts/h.html": "<p>x</p>",
        }
    )
    assert block(found, "html/h").content == "<p>x</p>"
    assert codes(found) == []


def test_several_courses_in_one_package(tmp_path: Path) -> None:
    files = {f"{name}/{path}": text for name in ("a", "b/deep") for path, text in unit("").items()}
    with open_package(write_tree(tmp_path / "p", files)) as package:
        with pytest.raises(PackageError, match="holds 2 courses") as failure:
            read_package(package, ImportOptions(), tmp_path / "p", tmp_path)
        assert failure.value.hint == "choose one with --root: a, b/deep"
        with pytest.raises(PackageError, match="there is no course at 'c'"):
            read_package(package, ImportOptions(root="c"), tmp_path / "p", tmp_path)
        assert read_package(package, ImportOptions(root="b/deep/"), tmp_path / "p", tmp_path)[0] == "olx"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"readme.txt": "x"}, "nothing in it that can be read"),
        ({"course.xml": "<course"}, "course.xml cannot be read: not well-formed XML"),
        ({"course.xml": "<html/>"}, "course.xml cannot be read"),
        ({"course.xml": '<!DOCTYPE a SYSTEM "x"><course url_name="R"/>'}, "a document type is not allowed"),
    ],
)
def test_where_there_is_no_course(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with open_package(write_tree(tmp_path / "p", files)) as package, pytest.raises(PackageError, match=message):
        read_package(package, ImportOptions(), tmp_path / "p", tmp_path)
