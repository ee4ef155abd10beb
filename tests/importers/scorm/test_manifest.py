"""What is read of a manifest, whatever its spelling and encoding."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.diagnostics import Diagnostics, Severity
from importers.scorm.manifest import Edition, Item, Manifest, join, read_manifest
from importers.scorm.metadata import read_metadata
from tests.importers.scorm.packages import ADL2004, CP2004, SCO, manifest

PATH = PurePosixPath("imsmanifest.xml")


def read(text: str | bytes) -> tuple[Manifest, Diagnostics]:
    findings = Diagnostics()
    found = read_manifest(text if isinstance(text, bytes) else text.encode(), PATH, findings)
    assert found is not None, [str(finding) for finding in findings]
    return found, findings


def first_item(found: Manifest) -> Item:
    return found.organizations[0].items[0]


def test_everything_of_scorm_12() -> None:
    items = """
    <item identifier="I1" identifierref="R1" isvisible="false" parameters="?a=1">
      <title>One
        and a half</title>
      <item identifier="I2"><title>Inner</title></item>
      <adlcp:prerequisites type="aicc_script">I0&amp;I9</adlcp:prerequisites>
      <adlcp:maxtimeallowed>00:30:00</adlcp:maxtimeallowed>
      <adlcp:timelimitaction>exit,message</adlcp:timelimitaction>
      <adlcp:datafromlms>some data</adlcp:datafromlms>
      <adlcp:masteryscore>75</adlcp:masteryscore>
    </item>"""
    resources = f"""<resource identifier="R1" {SCO} href="a.html"><file href="a.html"/><file href="b.css"/>
      <dependency identifierref="R2"/></resource><resource identifier="R2" type="webcontent"/>"""
    found, findings = read(manifest(items, resources))
    assert list(findings) == []
    assert found.identifier == "M"
    assert (found.schema, found.version_text, found.edition) == ("ADL SCORM", "1.2", Edition.SCORM_12)
    assert found.default_organization == found.organizations[0].identifier == "O"
    item = first_item(found)
    assert (item.identifier, item.title, item.resource) == ("I1", "One and a half", "R1")
    assert (item.visible, item.parameters) == (False, "?a=1")
    assert item.prerequisites == "I0&I9"
    assert (item.max_time_allowed, item.time_limit_action) == ("00:30:00", "exit,message")
    assert (item.data_from_lms, item.mastery_score) == ("some data", 75)
    assert [inner.title for inner in item.walk()] == ["One and a half", "Inner"]
    assert (item.line, item.items[0].line) == (6, 9)
    resource = found.resources[0]
    assert (resource.scorm_type, resource.href) == ("sco", "a.html")
    assert (resource.files, resource.dependencies) == (("a.html", "b.css"), ("R2",))


def test_everything_of_scorm_2004() -> None:
    items = """
    <item identifier="I1" identifierref="R1"><title>One</title>
      <adlcp:timeLimitAction>exit,no message</adlcp:timeLimitAction>
      <adlcp:dataFromLMS>some data</adlcp:dataFromLMS>
      <adlcp:completionThreshold completedByMeasure="true" minProgressMeasure="0.4"/>
      <imsss:sequencing IDRef="S1"><imsss:limitConditions attemptAbsoluteDurationLimit="PT30M"/></imsss:sequencing>
    </item>
    <item identifier="I2"><title>Two</title><adlcp:completionThreshold>0.6</adlcp:completionThreshold>
      <imsss:sequencing><imsss:objectives><imsss:primaryObjective satisfiedByMeasure="true"/></imsss:objectives>
      </imsss:sequencing></item>
    <item identifier="I3"><title>Three</title><adlcp:completionThreshold minProgressMeasure="0.4"/>
      <imsss:sequencing><imsss:objectives><imsss:primaryObjective>
        <imsss:minNormalizedMeasure>0.5</imsss:minNormalizedMeasure></imsss:primaryObjective></imsss:objectives>
      </imsss:sequencing></item>"""
    collection = """<imsss:sequencingCollection xmlns:imsss="http://www.imsglobal.org/xsd/imsss">
      <imsss:sequencing ID="S1"><imsss:objectives><imsss:primaryObjective satisfiedByMeasure="true">
      <imsss:minNormalizedMeasure>0.7</imsss:minNormalizedMeasure></imsss:primaryObjective></imsss:objectives>
      </imsss:sequencing></imsss:sequencingCollection>"""
    text = manifest(
        items,
        metadata="<metadata><schemaversion>2004 4th Edition</schemaversion></metadata>",
        cp=CP2004,
        adl=f'{ADL2004}" xmlns:imsss="http://www.imsglobal.org/xsd/imsss',
        more=collection,
    )
    found, _ = read(text)
    assert found.edition is Edition.SCORM_2004_4TH
    one, two, three = found.organizations[0].items
    assert (one.time_limit_action, one.data_from_lms) == ("exit,no message", "some data")
    assert (one.max_time_allowed, one.mastery_score, one.completion_threshold) == ("PT30M", 70, 0.4)
    assert one.sequencing is not None
    assert 'IDRef="S1"' in one.sequencing
    assert found.sequencing_collection is not None
    assert (two.mastery_score, two.completion_threshold) == (100, 0.6), "the default of a measure is 1.0"
    assert (three.mastery_score, three.completion_threshold) == (None, None), "a measure that does not count"


@pytest.mark.parametrize(
    ("version", "edition"),
    [
        ("1.2", Edition.SCORM_12),
        ("SCORM 1.2", Edition.SCORM_12),
        ("CAM 1.3", Edition.SCORM_2004_2ND),
        ("2004 2nd Edition", Edition.SCORM_2004_2ND),
        ("2004 3rd Edition", Edition.SCORM_2004_3RD),
        ("2004 4TH EDITION", Edition.SCORM_2004_4TH),
        ("something", Edition.SCORM_12),
    ],
)
def test_the_edition_is_what_the_version_says_else_what_the_namespaces_do(version: str, edition: Edition) -> None:
    found, _ = read(manifest(metadata=f"<metadata><schemaversion>{version}</schemaversion></metadata>"))
    assert found.edition is edition
    assert edition.is_2004 is ("2004" in edition)


def test_an_edition_nobody_names_is_unknown() -> None:
    found, _ = read("<manifest><resources><resource href='a.html'/></resources></manifest>")
    assert found.edition is Edition.UNKNOWN


@pytest.mark.parametrize(
    ("base", "reference", "resolved"),
    [
        ("", "a.html", "a.html"),
        ("p/", "a.html", "p/a.html"),
        ("p/start.html", "a.html", "p/a.html"),
        ("p/q/", "../a.html?x=1", "p/q/../a.html?x=1"),
        ("p/", "https://example.org/a", "https://example.org/a"),
        ("https://example.org/p/", "a.html", "https://example.org/p/a.html"),
    ],
)
def test_references_are_resolved(base: str, reference: str, resolved: str) -> None:
    assert join(base, reference) == resolved


def test_bases_add_up_and_back_slashes_are_turned() -> None:
    resources = (
        f'<resource identifier="R1" {SCO} xml:base="q\\" href="a\\b.html?back=\\"><file href="c.css"/></resource>'
    )
    text = manifest(resources=resources).replace("<resources>", '<resources xml:base="p/">')
    found, findings = read(text)
    assert (found.resources[0].href, found.resources[0].base) == ("p/q/a/b.html?back=\\", "p/q/")
    assert found.resources[0].files == ("p/q/c.css",)
    assert [str(finding.code) for finding in findings] == ["scorm-odd-manifest"]


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (manifest(title="<title>Café</title>").encode(), []),
        (b"\xef\xbb\xbf" + manifest(title="<title>Café</title>").encode(), []),
        (manifest(title="<title>Café</title>").encode("utf-16"), []),
        (manifest(title="<title>Café</title>").encode("utf-16-be"), []),
        (manifest(title="<title>Café</title>").encode("utf-32"), []),
        (manifest(title="<title>Café</title>").encode("cp1252"), ["scorm-encoding"]),
        (
            manifest(title="<title>Café</title>").replace("?>", ' encoding="iso-8859-1"?>').encode(),
            ["scorm-encoding"],
        ),
        (manifest(title="<title>Café</title>").replace("?>", ' encoding="iso-8859-1"?>').encode("latin-1"), []),
        (
            manifest(title="<title>Café</title>").replace("?>", ' encoding="utf-16"?>').encode(),
            ["scorm-encoding"],
        ),
        (
            manifest(title="<title>Café</title>").replace("?>", ' encoding="utf-8"?>').encode("utf-16"),
            ["scorm-encoding"],
        ),
        (b"\r\n  " + manifest(title="<title>Café</title>").encode(), []),
        (manifest(title="<title>Ca\x0bfé</title>").encode(), ["scorm-xml"]),
    ],
)
def test_any_encoding_is_read(data: bytes, codes: list[str]) -> None:
    found, findings = read(data)
    assert found.organizations[0].title == "Café"
    assert [str(finding.code) for finding in findings] == codes


def test_names_in_any_case_and_any_namespace() -> None:
    text = (
        '<M:Manifest xmlns:M="urn:x" Identifier="X"><M:Organizations Default="O"><M:Organization Identifier="O">'
        '<M:Title>T</M:Title><M:Item IdentifierRef="R"><M:TITLE>One</M:TITLE></M:Item></M:Organization></M:Organizations>'
        '<M:Resources><M:Resource Identifier="R" SCORMType="SCO" HREF="a.html"/></M:Resources></M:Manifest>'
    )
    found, _ = read(text)
    assert (found.identifier, found.organizations[0].title) == ("X", "T")
    assert first_item(found).resource == found.resources[0].identifier == "R"
    assert (found.resources[0].scorm_type, found.resources[0].href) == ("sco", "a.html")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<title>One</title>", "", "the item 'I1' has no title"),
        ('default="O"', 'default="P"', "the default organization 'P' does not exist; the first one is used"),
        ('organization identifier="O"', "organization", "an organization without an identifier"),
        ('resource identifier="R1"', "resource", "a resource without an identifier"),
        ("<resources>", '<resources><resource identifier="R1"/>', "a second resource 'R1'; the first one is used"),
        ('identifier="I1"', 'identifier="I1" isvisible="perhaps"', "isvisible='perhaps' is neither true nor false"),
        ("</item>", "<adlcp:masteryscore>all</adlcp:masteryscore></item>", "masteryscore is 'all', not a number"),
        ("</item>", "<adlcp:masteryscore>101</adlcp:masteryscore></item>", "masteryscore is '101', not a number"),
        ("</item>", "", "Opening and ending tag mismatch"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(old: str, new: str, message: str) -> None:
    text = manifest()
    assert old in text
    _, findings = read(text.replace(old, new, 1))
    finding = next(finding for finding in findings if message in finding.message)
    assert finding.severity is Severity.WARNING
    assert finding.where is not None
    assert finding.where.line is not None


def test_a_percent_sign_and_a_comma_are_read_as_meant() -> None:
    text = manifest().replace("</item>", "<adlcp:masteryscore>82,5 %</adlcp:masteryscore></item>")
    assert first_item(read(text)[0]).mastery_score == 82.5


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "scorm-xml"),
        (b"not xml", "scorm-xml"),
        (b"<html/>", "scorm-manifest"),
        (b" " * (20 * 2**20 + 1), "scorm-xml"),
    ],
    ids=["nothing", "text", "another root", "too large"],
)
def test_what_is_no_manifest_is_none(data: bytes, code: str) -> None:
    findings = Diagnostics()
    assert read_manifest(data, PATH, findings) is None
    assert [str(finding.code) for finding in findings.errors] == [code]


def test_a_manifest_without_resources_is_an_error() -> None:
    _, findings = read("<manifest/>")
    assert [finding.message for finding in findings.errors] == ["it has no resources: there is nothing to launch"]


def test_an_entity_reads_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden", "utf-8")
    text = manifest(title="<title>&x;</title>").replace(
        "<manifest ", f'<!DOCTYPE manifest [<!ENTITY x SYSTEM "file://{secret}">]><manifest ', 1
    )
    found, findings = read(text)
    assert found.organizations[0].title == "&x;"
    assert [str(finding.code) for finding in findings] == ["scorm-entities"]


@pytest.mark.parametrize(
    "text",
    [
        "<lom xmlns='http://ltsc.ieee.org/xsd/LOM'><general><title><string language='de'>Ein Kurs</string></title>"
        "<description><string>Was darin ist</string></description><keyword><string>eins</string></keyword>"
        "<keyword><string>zwei</string></keyword></general></lom>",
        "<record xmlns='http://www.imsglobal.org/xsd/imsmd_rootv1p2p1'><general><title><langstring xml:lang='de'>"
        "Ein Kurs</langstring><langstring xml:lang='en'>A course</langstring></title><description><langstring>Was darin "
        "ist</langstring></description><keywords><langstring>eins</langstring></keywords><keywords><langstring>zwei"
        "</langstring></keywords></general></record>",
        "<lom><general><title>Ein Kurs</title><language>de</language><description>Was darin ist</description>"
        "<keyword>eins</keyword><keyword>eins</keyword><keyword>zwei</keyword></general></lom>",
    ],
    ids=["2004", "1.2", "no namespace"],
)
def test_metadata_is_read_in_every_form(text: str) -> None:
    findings = Diagnostics()
    found = read_metadata(text.encode(), PurePosixPath("lom.xml"), findings)
    assert list(findings) == []
    assert (found.title, found.description) == ("Ein Kurs", "Was darin ist")
    assert (found.keywords, found.language) == (("eins", "zwei"), "de")


PIECES = st.sampled_from(
    [
        b"<manifest>", b"</manifest>", b"<resources>", b"</resources>", b"<resource href='a'/>", b"<organizations>",
        b"<organization>", b"<item identifierref='x'>", b"</item>", b"<title>", b"</title>", b"&amp;", b"&x;", b"<", b">",
        b"<?xml version='1.0' encoding='zlib'?>", b"<!DOCTYPE a [", b"]>", b"\xff\xfe", b"\0", b"\xe9", b"<![CDATA[",
    ]
)  # fmt: skip


@given(st.lists(PIECES | st.binary(max_size=8), max_size=20))
def test_nothing_makes_the_reader_fall_over(pieces: list[bytes]) -> None:
    findings = Diagnostics()
    found = read_manifest(b"".join(pieces), PATH, findings)
    assert found is not None or findings.errors
