"""A package written anew: the platform makes of it what it means, and nothing of it is lost."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from lxml import etree

from authoring.archives import PackageError, open_package
from importers.scorm.package import ScormPackage, read_package
from importers.scorm.prediction import Outcome, Prediction, member_names, predict
from importers.scorm.repack import repack
from tests.importers.scorm.generated import odd_packages
from tests.importers.scorm.packages import (
    ADL12,
    ADL2004,
    ASSET,
    CASES,
    CP12,
    CP2004,
    PAGE,
    SCO,
    Case,
    Members,
    manifest,
    write_zip,
)

HOPEFUL = [case for case in CASES if not case.is_hopeless]


def packed_again(folder: Path, members: Members) -> tuple[ScormPackage, ScormPackage, Prediction, Path]:
    """The package before and after, and what the platform makes of the new one."""
    path, out = write_zip(folder / "package.zip", members), folder / "out.zip"
    with open_package(path) as package:
        before = read_package(package)
        repack(package, out)
    with open_package(out) as package:
        after = read_package(package)
        return before, after, predict(package, member_names(out), after), out


def xml_of(out: Path) -> etree._Element:
    with zipfile.ZipFile(out) as archive:
        return etree.fromstring(archive.read("imsmanifest.xml"))


@pytest.mark.parametrize("case", HOPEFUL, ids=lambda case: case.title)
def test_what_was_odd_is_now_taken_as_meant(case: Case, tmp_path: Path) -> None:
    before, after, prediction, out = packed_again(tmp_path, case.files)
    assert prediction.outcome is Outcome.ACCEPTED
    assert not prediction.goes_wrong, [str(problem) for problem in prediction.problems]
    assert after.title == before.title
    assert [(sco.title, sco.trail, sco.mastery_score) for sco in after.scos] == [
        (sco.title, sco.trail, sco.mastery_score) for sco in before.scos
    ]
    assert prediction.scorm_version == ("SCORM_2004" if before.edition.is_2004 else "SCORM_12")
    left = {"scorm-surplus-file", "scorm-organizations", "scorm-manifest-place"}
    assert {str(finding.code) for finding in after.findings} <= left
    assert member_names(out)[0] == "imsmanifest.xml"


@pytest.mark.parametrize("case", HOPEFUL, ids=lambda case: case.title)
def test_packing_twice_changes_nothing_more(case: Case, tmp_path: Path) -> None:
    *_, out = packed_again(tmp_path, case.files)
    again = tmp_path / "again.zip"
    with open_package(out) as package:
        repack(package, again)
    assert again.read_bytes() == out.read_bytes()


def test_the_manifest_comes_first_then_the_files_by_name(tmp_path: Path) -> None:
    members = (
        ("course/z.html", PAGE),
        ("course/sub/b.mp4", "film"),
        ("__MACOSX/course/._a.html", "x"),
        ("course/.DS_Store", "x"),
        ("course/a.html", PAGE),
        ("course/imsmanifest.xml", manifest()),
        ("outside.txt", "x"),
    )
    *_, out = packed_again(tmp_path, members)
    assert member_names(out) == ("imsmanifest.xml", "a.html", "sub/b.mp4", "z.html")
    with zipfile.ZipFile(out) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        kinds = {info.filename: info.compress_type for info in archive.infolist()}
    assert kinds["sub/b.mp4"] == zipfile.ZIP_STORED
    assert kinds["a.html"] == zipfile.ZIP_DEFLATED


def test_a_manifest_reads_as_one_that_a_person_would_write(tmp_path: Path) -> None:
    items = (
        '<item identifier="I1" identifierref="R1" parameters="?n=1"><title>One</title>'
        "<adlcp:masteryscore>80</adlcp:masteryscore></item>"
    )
    resources = (
        f'<resource identifier="R0" {ASSET} href="b.html"/>'
        f'<resource identifier="R1" {SCO} xml:base="p/" href="a.html"><dependency identifierref="R0"/>'
        '<dependency identifierref="gone"/></resource>'
    )
    members = (("imsmanifest.xml", manifest(items, resources)), ("p/a.html", PAGE), ("b.html", PAGE))
    *_, out = packed_again(tmp_path, members)
    with zipfile.ZipFile(out) as archive:
        written = archive.read("imsmanifest.xml").decode()
    assert (
        written
        == f"""<?xml version='1.0' encoding='utf-8'?>
<manifest xmlns="{CP12}" xmlns:adlcp="{ADL12}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" identifier="M">
  <metadata>
    <schema>ADL SCORM</schema>
    <schemaversion>1.2</schemaversion>
  </metadata>
  <organizations default="O">
    <organization identifier="O">
      <title>A course</title>
      <item identifier="I1" isvisible="true" identifierref="R1">
        <title>One</title>
        <adlcp:masteryscore>80</adlcp:masteryscore>
      </item>
    </organization>
  </organizations>
  <resources>
    <resource identifier="R1" type="webcontent" adlcp:scormtype="sco" href="p/a.html?n=1">
      <file href="p/a.html"/>
      <dependency identifierref="R0"/>
    </resource>
    <resource identifier="R0" type="webcontent" adlcp:scormtype="asset" href="b.html">
      <file href="b.html"/>
    </resource>
  </resources>
</manifest>
"""
    )


def test_sequencing_navigation_and_metadata_are_kept(tmp_path: Path) -> None:
    more = """<imsss:sequencingCollection><imsss:sequencing ID="S"/></imsss:sequencingCollection>"""
    items = """<item identifier="I1" identifierref="R1"><title>One</title>
      <metadata><lom xmlns="http://ltsc.ieee.org/xsd/LOM"><general><title><string>L</string></title></general></lom></metadata>
      <adlcp:timelimitaction>exit,message</adlcp:timelimitaction><adlcp:data><adlcp:map targetID="x"/></adlcp:data>
      <imsss:sequencing IDRef="S"><imsss:controlMode flow="true"/></imsss:sequencing>
      <adlnav:presentation><adlnav:navigationInterface><adlnav:hideLMSUI>exit</adlnav:hideLMSUI>
      </adlnav:navigationInterface></adlnav:presentation></item>"""
    text = manifest(
        items,
        resources='<resource identifier="R1" type="webcontent" adlcp:scormType="sco" href="a.html"/>',
        metadata="<metadata><schemaversion>2004 3rd Edition</schemaversion></metadata>",
        cp=CP2004,
        adl=f'{ADL2004}" xmlns:imsss="urn:seq" xmlns:adlnav="urn:nav" xmlns:adlseq="urn:adlseq',
        more=more,
    ).replace('organization identifier="O"', 'organization identifier="O" adlseq:objectivesGlobalToSystem="false"')
    before, after, _, out = packed_again(tmp_path, (("imsmanifest.xml", text), ("a.html", PAGE)))
    (item,) = after.manifest.organizations[0].items
    assert item.metadata.title == "L"
    assert item.time_limit_action == "exit,message"
    root = xml_of(out)
    for path in (
        ".//{urn:seq}sequencing[@IDRef='S']/{urn:seq}controlMode",
        "{urn:seq}sequencingCollection/{urn:seq}sequencing[@ID='S']",
        ".//{urn:nav}hideLMSUI",
        f".//{{{ADL2004}}}data/{{{ADL2004}}}map",
        f".//{{{ADL2004}}}timeLimitAction",
        ".//*[@{urn:adlseq}objectivesGlobalToSystem='false']",
    ):
        assert root.find(path) is not None, path
    assert before.manifest.sequencing_collection is not None
    assert after.manifest.sequencing_collection is not None


def test_one_page_launched_in_two_ways_stays_two_ways(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.title == "one page with two sets of parameters")
    before, after, prediction, _ = packed_again(tmp_path, case.files)
    assert prediction.index_page == "a.html?n=1"
    assert [sco.launch for sco in after.scos] == [sco.launch for sco in before.scos] == ["a.html?n=1", "a.html?n=2"]


def test_a_folder_becomes_a_package(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "imsmanifest.xml").write_text(manifest(), "utf-8")
    (folder / "a.html").write_text(PAGE, "utf-8")
    with open_package(folder) as package:
        repack(package, tmp_path / "out.zip")
    assert member_names(tmp_path / "out.zip") == ("imsmanifest.xml", "a.html")


def test_what_cannot_be_packed_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    out.write_text("before", "utf-8")
    with open_package(write_zip(tmp_path / "page.zip", (("index.html", PAGE),))) as package:  # noqa: SIM117
        with pytest.raises(PackageError):
            repack(package, out)
    with open_package(write_zip(tmp_path / "a.zip", (("imsmanifest.xml", manifest()), ("a.html", PAGE)))) as package:
        package.files[next(path for path in package.files if path.name == "a.html")].file.unlink()
        with pytest.raises(OSError, match="No such file"):
            repack(package, out)
    assert out.read_text("utf-8") == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "out.zip", "page.zip"]


@given(odd_packages())
@settings(deadline=None, max_examples=50)
def test_packed_again_the_platform_starts_with_the_first_item(
    tmp_path_factory: pytest.TempPathFactory, members: Members
) -> None:
    before, after, prediction, _ = packed_again(tmp_path_factory.mktemp("law"), members)
    assert [(sco.title, sco.trail, sco.page) for sco in after.scos] == [
        (sco.title, sco.trail, sco.page) for sco in before.scos
    ]
    assert not prediction.goes_wrong or not before.scos
    if before.scos and prediction.outcome is Outcome.ACCEPTED:
        assert prediction.index_page == after.scos[0].launch
