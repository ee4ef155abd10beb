"""SCORM packages as courses and as components: structure, titles, packages of single SCOs, static pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from authoring.archives import open_package
from authoring.errors import SourceError
from authoring.importing import ImportOptions, ImportResult, import_package
from authoring.model import Block, Course
from authoring.session import load_course
from importers import Shape
from importers.scorm.package import read_package
from importers.scorm.single import needed_files
from tests.importers.scorm.packages import ASSET, CORPUS, SCO, Members, manifest, write_zip

Import = Callable[..., tuple[ImportResult, Course]]

NESTED = """
<item identifier="A"><title>Part one</title>
  <item identifier="A1" identifierref="R1"><title>First</title></item>
  <item identifier="A2"><title>Deeper</title>
    <item identifier="A21" identifierref="R2"><title>Second</title></item>
    <item identifier="A22" identifierref="R3"><title>Third</title></item>
  </item>
  <item identifier="A3" identifierref="R4"><title>Fourth</title><adlcp:masteryscore>80</adlcp:masteryscore></item>
</item>
<item identifier="B" identifierref="R5"><title>Alone</title></item>
"""
RESOURCES = (
    "".join(
        f'<resource identifier="R{n}" {SCO} href="{n}/page.html"><file href="{n}/page.html"/>'
        '<dependency identifierref="S"/></resource>'
        for n in range(1, 6)
    )
    + '<resource identifier="S" type="webcontent" adlcp:scormtype="asset"><file href="shared/style.css"/></resource>'
)


def page(body: str, head: str = "") -> str:
    return f"<html><head><title>T</title>{head}</head><body>{body}</body></html>"


FILES: Members = (
    ("imsmanifest.xml", manifest(NESTED, RESOURCES)),
    *((f"{n}/page.html", page(f'<h1>Page {n}</h1><img src="../shared/{n}.png">')) for n in range(1, 6)),
    *((f"shared/{n}.png", f"picture {n}") for n in range(1, 6)),
    ("shared/style.css", "h1 {background: url(back.png)}"),
    ("shared/back.png", "back"),
    ("shared/forgotten.js", "// no manifest names it"),
)


@pytest.fixture
def load(tmp_path: Path) -> Import:
    def load(members: Members | Path, **options: object) -> tuple[ImportResult, Course]:
        source = members if isinstance(members, Path) else write_zip(tmp_path / "package.zip", members)
        target = tmp_path / f"course-{len(list(tmp_path.iterdir()))}"
        result = import_package(source, target, options=ImportOptions(**options))  # type: ignore[arg-type]
        course, diagnostics = load_course(target)
        assert not diagnostics.errors
        return result, course

    return load


def outline(course: Course) -> list[object]:
    def row(block: Block) -> object:
        if block.category == "vertical":
            return block.display_name
        return [block.display_name, [row(child) for child in block.children]]

    return [row(child) for child in course.root.children]


def components(course: Course) -> list[Block]:
    return [block for block in course.blocks() if block.category in ("scorm", "html")]


def test_sections_follow_the_organization_and_each_sco_is_a_unit(load: Import) -> None:
    _, course = load(FILES)
    assert outline(course) == [
        ["Part one", [["Part one", ["First"]], ["Deeper", ["Second", "Third"]], ["Part one", ["Fourth"]]]],
        ["A course", [["A course", ["Alone"]]]],
    ]
    assert [block.display_name for block in components(course)] == ["First", "Second", "Third", "Fourth", "Alone"]
    assert all(block.package is not None and block.package.file is not None for block in components(course))


def test_each_sco_is_a_package_with_what_it_needs(load: Import) -> None:
    _, course = load(FILES)
    fourth = components(course)[3]
    assert fourth.package is not None and fourth.package.file is not None
    with open_package(fourth.package.file) as package:
        names = sorted(map(str, package.files))
        read = read_package(package)
    assert [(sco.title, sco.launch, sco.mastery_score) for sco in read.scos] == [("Fourth", "4/page.html", 80.0)]
    assert not read.missing
    # The page, what it and its style sheet name, what the manifest names for it, and what the manifest names nowhere.
    assert {"4/page.html", "shared/4.png", "shared/back.png", "shared/style.css", "shared/forgotten.js"} <= set(names)
    assert "1/page.html" not in names


def test_one_sco_is_a_component_unless_a_course_is_asked_for(load: Import) -> None:
    members = (("imsmanifest.xml", manifest()), ("a.html", page("Hello")))
    for options in ({}, {"shape": Shape.COURSE}):
        _, course = load(members, **options)
        assert [block.category for block in components(course)] == ["scorm"]


def test_as_a_component_the_package_is_the_very_same_file(load: Import, tmp_path: Path) -> None:
    result, course = load(FILES, shape=Shape.COMPONENT)
    (block,) = components(course)
    assert block.package is not None
    assert block.package.digest == hashlib.sha256((tmp_path / "package.zip").read_bytes()).hexdigest()
    assert any(str(finding.code) == "scorm-unreached" for finding in result.findings)


def test_an_asset_does_not_score(load: Import) -> None:
    asset = f'<resource identifier="R1" {ASSET} href="a.html"/>'
    _, course = load((("imsmanifest.xml", manifest(resources=asset)), ("a.html", page("Hello"))))
    (block,) = components(course)
    assert block.fields["has_score"] is False


def test_what_a_course_cannot_do_is_among_the_losses(load: Import) -> None:
    items = (
        '<item identifier="I1" identifierref="R1"><title>One</title></item>'
        '<item identifier="I2" identifierref="R2"><title>Two</title><adlcp:prerequisites>I1</adlcp:prerequisites></item>'
    )
    resources = "".join(f'<resource identifier="R{n}" {SCO} href="{n}.html"/>' for n in (1, 2))
    text = manifest(items, resources).replace(
        "</organization></organizations>",
        "</organization><organization identifier='P'><title>Another way</title>"
        "<item identifier='J' identifierref='R2'><title>Only two</title></item></organization></organizations>",
    )
    result, course = load((("imsmanifest.xml", text), ("1.html", page("1")), ("2.html", page("2"))))
    assert outline(course) == [["A course", [["A course", ["One", "Two"]]]]]
    dropped = [item.what for item in result.items if item.outcome == "dropped"]
    assert dropped == ["prerequisites of 1 items", "organization Another way"]


def test_a_page_elsewhere_on_the_web_becomes_a_link(load: Import) -> None:
    items = (
        '<item identifier="I1" identifierref="R1"><title>Here</title></item>'
        '<item identifier="I2" identifierref="R2"><title>There &amp; back</title></item>'
    )
    resources = (
        f'<resource identifier="R1" {SCO} href="a.html"/>'
        f'<resource identifier="R2" {ASSET} href="https://example.org/?a=1&amp;b=&quot;2"/>'
    )
    _, course = load((("imsmanifest.xml", manifest(items, resources)), ("a.html", page("Hello"))))
    first, second = components(course)
    assert (first.category, second.category) == ("scorm", "html")
    assert "https://example.org/?a=1&amp;b=" in (second.content or "") and "There &amp; back" in (second.content or "")


def test_the_same_package_gives_the_same_course(load: Import, tmp_path: Path) -> None:
    load(FILES)
    load(FILES)
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in sorted(tmp_path.glob("course-*"))
    )
    assert first == second


def test_the_key_of_the_course_can_be_chosen(load: Import) -> None:
    from authoring.model import CourseId

    _, course = load(FILES, course=CourseId("Org", "N1", "2027"))
    assert str(course.id) == "course-v1:Org+N1+2027"


# --- static pages

STATIC = page(
    '<h1>Words</h1><p>See <a href="2.html">the next</a> and <a href="files/a%20b.pdf#page=2">a file</a>.</p>'
    '<img src="images/x.png" alt="X">',
    '<script src="js/APIWrapper.js"></script><script>function loadPage() { LMSInitialize(""); }</script>',
).replace("<body>", '<body onload="loadPage()" onunload="doQuit()">')

EXPLODED: Members = (
    (
        "imsmanifest.xml",
        manifest(
            "".join(f'<item identifier="I{n}" identifierref="R{n}"><title>Page {n}</title></item>' for n in (1, 2, 3)),
            "".join(f'<resource identifier="R{n}" {SCO} href="{n}.html"/>' for n in (1, 2, 3)),
        ),
    ),
    ("1.html", STATIC),
    ("2.html", page("<p>Text only.</p>")),
    ("3.html", page('<form><input name="a"></form>')),
    ("images/x.png", "picture"),
    ("files/a b.pdf", "file"),
    ("js/APIWrapper.js", "var API;"),
)


def test_static_pages_become_components_of_the_course(load: Import) -> None:
    result, course = load(EXPLODED, explode=True)
    first, second, third = components(course)
    assert [block.category for block in (first, second, third)] == ["html", "html", "scorm"]
    units = [block for block in course.blocks() if block.category == "vertical"]
    assert f'href="/jump_to_id/{units[1].url_name}"' in (first.content or "")
    assert "script" not in (first.content or "") and "onload" not in (first.content or "")
    names = {asset.name for asset in course.assets}
    assert all(f"/static/{name}" in (first.content or "") for name in names) and len(names) == 2
    (finding,) = [finding for finding in result.findings if str(finding.code) == "scorm-not-exploded"]
    assert "'Page 3'" in finding.message and "form" in finding.message


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('<p onclick="show()">x</p>', "reacts to the learner"),
        ("<p>x</p><script>document.write('x')</script>", "a script of its own"),
        ('<p>x</p><script src="quiz.js"></script>', "runs the script quiz.js"),
        ('<iframe src="a.html"></iframe>', "a page within the page"),
        ('<p>x <a href="javascript:go()">go</a></p>', "a link runs a script"),
        ('<p>x <a href="other.html">more</a></p>', "no item of its own"),
        ('<p>x <img src="gone.png"></p>', "not in the package"),
        ('<p style="display: none">x</p>', "hidden at first"),
        ("   ", "nothing is on the page"),
    ],
)
def test_what_is_more_than_text_stays_a_package(load: Import, body: str, why: str) -> None:
    result, course = load(
        (("imsmanifest.xml", manifest()), ("a.html", page(body)), ("other.html", page("more")), ("quiz.js", "")),
        explode=True,
    )
    assert [block.category for block in components(course)] == ["scorm"]
    (finding,) = [finding for finding in result.findings if str(finding.code) == "scorm-not-exploded"]
    assert why in finding.message


# --- what is no package


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ((("index.html", page("x")),), "nothing in it that can be read"),
        ((("cmi5.xml", "<courseStructure/>"),), "cmi5"),
        ((("a.crs", "x"), ("a.au", "x")), "AICC"),
        ((("imsmanifest.xml", "<manifest"),), "nothing in it can be launched"),
    ],
)
def test_what_is_no_scorm_package_is_said_by_its_name(tmp_path: Path, members: Members, words: str) -> None:
    source = write_zip(tmp_path / "package.zip", members)
    with pytest.raises(SourceError, match=words):
        import_package(source, tmp_path / "course")
    assert [path.name for path in tmp_path.iterdir()] == ["package.zip"]


# --- the corpus


@pytest.mark.corpus
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_corpus_package_is_a_component_and_a_course(path: Path, load: Import) -> None:
    """Counts, titles, pages and scores beside the manifest's own are in test_corpus.py; here is what the course has."""
    with open_package(path) as package:
        meant = read_package(package)
        wanted = [(sco.title, sco.launch, sco.mastery_score) for sco in meant.scos]
        needed = [len(needed_files(meant, sco)) for sco in meant.scos]
    _, whole = load(path, shape=Shape.COMPONENT)
    (block,) = components(whole)
    assert block.package is not None and block.package.size == path.stat().st_size
    _, course = load(path, shape=Shape.COURSE)
    found = []
    for block in components(course):
        assert block.package is not None and block.package.file is not None
        with open_package(block.package.file) as package:
            read = read_package(package)
            (sco,) = read.scos
            assert read.edition.is_2004 == meant.edition.is_2004
            found.append((sco.title, sco.launch, sco.mastery_score))
            assert len(package.files) - 1 == needed[len(found) - 1]
            assert block.display_name == sco.title
    assert found == wanted
    _, exploded = load(path, shape=Shape.COURSE, explode=True)
    assert [block.display_name for block in components(exploded)] == [title for title, _, _ in wanted]
