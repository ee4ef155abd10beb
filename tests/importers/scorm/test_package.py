"""A package as it was meant: its course, the files of each part, what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from authoring.archives import PackageError, open_package
from importers.scorm.locate import Locator, with_parameters
from importers.scorm.package import Kind, ScormPackage, read_package, recognise
from tests.importers.scorm.packages import ASSET, CASES, PAGE, SCO, Case, Members, manifest, write_zip

Read = Callable[[Members], ScormPackage]

CARTRIDGE = '<manifest xmlns="http://www.imsglobal.org/xsd/imsccv1p1/imscp_v1p1"/>'
QTI = "<manifest><metadata><schema>QTIv2.1 Package</schema></metadata></manifest>"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_members(members: Members) -> ScormPackage:
        with open_package(write_zip(tmp_path / "package.zip", members)) as package:
            return read_package(package)

    return read_members


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ((("imsmanifest.xml", manifest()),), Kind.SCORM),
        ((("imsmanifest.xml", manifest().encode("utf-16")),), Kind.SCORM),
        ((("x/IMSManifest.XML", "<manifest/>"),), Kind.SCORM),
        ((("cmi5.xml", "<courseStructure/>"), ("a.html", PAGE)), Kind.CMI5),
        ((("cmi5.xml", "<courseStructure/>"), ("imsmanifest.xml", manifest())), Kind.SCORM),
        ((("C.CRS", ""), ("C.AU", ""), ("C.DES", ""), ("C.CST", "")), Kind.AICC),
        ((("imsmanifest.xml", CARTRIDGE),), Kind.COMMON_CARTRIDGE),
        ((("imsmanifest.xml", QTI),), Kind.QTI),
        ((("imsmanifest.xml", QTI.encode("utf-16")),), Kind.QTI),
        ((("__MACOSX/._imsmanifest.xml", "x"), ("__MACOSX/imsmanifest.xml", "x")), Kind.NONE),
        ((("index.html", PAGE),), Kind.NONE),
    ],
)
def test_a_package_is_recognised(members: Members, kind: Kind, tmp_path: Path) -> None:
    with open_package(write_zip(tmp_path / "package.zip", members)) as package:
        assert recognise(package) is kind
        if kind is not Kind.SCORM:
            with pytest.raises(PackageError) as caught:
                read_package(package)
            assert caught.value.hint
            (finding,) = caught.value.diagnostics
            assert str(finding.code) == "not-scorm"
            if kind is not Kind.NONE:
                assert str(kind) in finding.message


@pytest.mark.parametrize("case", [case for case in CASES if not case.is_hopeless], ids=lambda case: case.title)
def test_every_odd_package_has_something_to_launch(case: Case, read: Read) -> None:
    found = read(case.files)
    assert found.scos
    assert found.title
    assert all(sco.page in found.package.files for sco in found.scos)
    assert all(finding.hint and finding.where for finding in found.findings)


def test_the_activities_follow_the_organization(read: Read) -> None:
    items = """
    <item identifier="A"><title>Part one</title>
      <item identifier="B" identifierref="R1"><title>Lesson</title></item>
      <item identifier="C" identifierref="R1" parameters="&amp;n=2"><title>Again</title></item>
    </item>
    <item identifier="D" identifierref="R1"><title>End</title></item>"""
    found = read((("imsmanifest.xml", manifest(items)), ("a.html", PAGE)))
    part, end = found.activities
    assert part.sco is None
    assert [activity.title for activity in part.walk()] == ["Part one", "Lesson", "Again"]
    assert end.children == ()
    assert [(sco.trail, sco.title, sco.launch) for sco in found.scos] == [
        (("Part one",), "Lesson", "a.html"),
        (("Part one",), "Again", "a.html?n=2"),
        ((), "End", "a.html"),
    ]


def test_a_sco_needs_the_files_of_what_it_depends_on(read: Read) -> None:
    resources = f"""
    <resource identifier="R1" {SCO} href="a.html"><file href="a.css"/><dependency identifierref="R2"/></resource>
    <resource identifier="R2" {ASSET}><file href="shared/api.js"/><file href="shared/gone.js"/>
      <dependency identifierref="R3"/><dependency identifierref="none"/></resource>
    <resource identifier="R3" {ASSET}><file href="shared/x.png"/><dependency identifierref="R1"/></resource>"""
    pages = ("a.html", "a.css", "shared/api.js", "shared/x.png", "notes.txt", "schema.xsd", "Thumbs.db")
    found = read((("imsmanifest.xml", manifest(resources=resources)), *((page, PAGE) for page in pages)))
    (sco,) = found.scos
    assert [str(path) for path in sco.files] == ["a.css", "a.html", "shared/api.js", "shared/x.png"]
    assert sco.missing == found.missing == ("shared/gone.js",)
    assert found.surplus == (PurePosixPath("notes.txt"),)
    assert [str(finding.code) for finding in found.findings] == [
        "scorm-missing-file",
        "scorm-reference",
        "scorm-surplus-file",
    ]
    assert [str(finding.where) for finding in found.findings][:2] == ["imsmanifest.xml:10", "imsmanifest.xml:10"]


def test_everything_is_relative_to_the_folder_of_the_nearest_manifest(read: Read) -> None:
    members = (
        ("deep/er/imsmanifest.xml", manifest()),
        ("course/imsmanifest.xml", manifest()),
        ("course/a.html", PAGE),
        ("outside.html", PAGE),
        ("__MACOSX/course/._a.html", "x"),
    )
    found = read(members)
    assert (found.root, found.manifest.path) == (PurePosixPath("course"), PurePosixPath("course/imsmanifest.xml"))
    assert found.scos[0].page == PurePosixPath("course/a.html")
    assert found.surplus == ()
    messages = [finding.message for finding in found.findings]
    assert messages == [
        "the manifest is in the folder course, not at the top",
        "there are 2 manifests; this one is read, not deep/er/imsmanifest.xml",
    ]


def test_the_default_organization_is_read_and_the_others_are_named(read: Read) -> None:
    text = (
        manifest()
        .replace(
            "<organizations default=",
            '<organizations default="O"><organization identifier="P"><title>Other</title></organization><!-- ',
            1,
        )
        .replace('"O"><organization identifier="O">', '--><organization identifier="O">', 1)
    )
    found = read((("imsmanifest.xml", text), ("a.html", PAGE)))
    assert found.title == "A course"
    assert [finding.message for finding in found.findings] == ["of 2 organizations, 'A course' is read, not 'Other'"]


def test_a_manifest_within_stands_where_an_item_refers_to_it(read: Read) -> None:
    within = next(case for case in CASES if case.title == "a manifest within")
    found = read(within.files)
    (part,) = found.activities
    assert [activity.title for activity in part.walk()] == ["Part", "Within"]
    assert found.scos[0].trail == ("Part",)
    assert found.scos[0].page == PurePosixPath("part/a.html")


def test_manifests_that_refer_to_each_other_end(read: Read) -> None:
    text = manifest(
        '<item identifier="I1" identifierref="S"><title>One</title></item>',
        f'<resource identifier="R1" {SCO} href="a.html"/>',
        more=(
            '<manifest identifier="S"><organizations><organization identifier="SO"><item identifier="SI" '
            'identifierref="S"><title>Round</title></item><item identifier="SJ" identifierref="R1"><title>Up</title>'
            "</item></organization></organizations><resources/></manifest>"
        ),
    )
    found = read((("imsmanifest.xml", text), ("a.html", PAGE)))
    assert [sco.title for sco in found.scos] == ["Up"]


def test_metadata_beside_the_manifest_is_read(read: Read) -> None:
    metadata = "<metadata><schemaversion>1.2</schemaversion><adlcp:location>m/lom.xml</adlcp:location></metadata>"
    lom = "<lom><general><title>Of the file</title><description>Why</description><keyword>a</keyword></general></lom>"
    members = (("imsmanifest.xml", manifest(metadata=metadata, title="")), ("m/lom.xml", lom), ("a.html", PAGE))
    found = read(members)
    assert (found.title, found.metadata.description, found.metadata.keywords) == ("Of the file", "Why", ("a",))
    assert found.surplus == ()
    gone = read((members[0], members[2]))
    assert [finding.message for finding in gone.findings] == ["the metadata file m/lom.xml is missing"]


def test_without_any_title_a_course_is_called_as_its_only_sco_or_its_file(read: Read) -> None:
    assert read((("imsmanifest.xml", manifest(title="")), ("a.html", PAGE))).title == "One"
    two = '<item identifier="I1" identifierref="R1"><title>One</title></item>' * 2
    assert read((("imsmanifest.xml", manifest(two, title="")), ("a.html", PAGE))).title == "package"


def test_a_package_in_which_nothing_can_be_launched_is_an_error(read: Read) -> None:
    resources = f'<resource identifier="R1" {ASSET}><file href="a.png"/></resource>'
    found = read((("imsmanifest.xml", manifest(resources=resources)), ("a.png", "x")))
    assert found.scos == ()
    assert [str(finding.code) for finding in found.findings.errors] == ["scorm-nothing-to-launch"]


def test_a_page_elsewhere_on_the_web_is_no_missing_file(read: Read) -> None:
    resources = f'<resource identifier="R1" {SCO} href="https://example.org/a"/>'
    found = read((("imsmanifest.xml", manifest(resources=resources)),))
    (sco,) = found.scos
    assert (sco.is_external, sco.page, sco.missing) == (True, None, ())


@pytest.mark.parametrize(
    ("href", "parameters", "launch"),
    [
        ("a.html", None, "a.html"),
        ("a.html", "", "a.html"),
        ("a.html", "n=1", "a.html?n=1"),
        ("a.html", "?n=1", "a.html?n=1"),
        ("a.html", "&n=1&m=2", "a.html?n=1&m=2"),
        ("a.html?x=1", "?n=1", "a.html?x=1&n=1"),
        ("a.html#top", "?n=1", "a.html?n=1#top"),
        ("a.html", "#part", "a.html#part"),
        ("a.html#top", "#part", "a.html#top"),
    ],
)
def test_parameters_join_as_the_standard_has_it(href: str, parameters: str | None, launch: str) -> None:
    assert with_parameters(href, parameters) == launch


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("a.html", "c/a.html"),
        ("./p/../a.html?x#y", "c/a.html"),
        ("A.HTML", "c/a.html"),
        ("100%25.html", "c/100%.html"),
        ("100%.html", "c/100%.html"),
        ("a%20b.html", "c/a%20b.html"),
        ("what?.html", "c/what?.html"),
        ("caf%C3%A9.html", "c/café.html"),
        ("../outside.html", None),
        ("/etc/passwd", None),
        ("", None),
        ("gone.html", None),
        ("a\0.html", None),
    ],
)
def test_a_url_finds_its_file_below_the_root(url: str, found: str | None) -> None:
    names = ("c/a.html", "c/100%.html", "c/a%20b.html", "c/a b.html", "c/what?.html", "c/café.html", "outside.html")
    locator = Locator(map(PurePosixPath, names), PurePosixPath("c"))
    assert locator.find(url) == (PurePosixPath(found) if found else None)
