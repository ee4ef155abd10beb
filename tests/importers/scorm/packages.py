"""Small SCORM packages for tests: the odd ones, each with the word for what is odd about it, and the corpus."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.packages import CORPUS as CORPUS_FOLDER

CORPUS = sorted((CORPUS_FOLDER / "scorm").glob("*.zip"))

CP12 = "http://www.imsproject.org/xsd/imscp_rootv1p1p2"
ADL12 = "http://www.adlnet.org/xsd/adlcp_rootv1p2"
CP2004 = "http://www.imsglobal.org/xsd/imscp_v1p1"
ADL2004 = "http://www.adlnet.org/xsd/adlcp_v1p3"

PAGE = "<html><head><title>A page</title></head><body>Hello</body></html>"

Members = Sequence[tuple[str, str | bytes]]
"""Names and contents, in the order of the zip."""


def manifest(
    items: str = '<item identifier="I1" identifierref="R1"><title>One</title></item>',
    resources: str = '<resource identifier="R1" type="webcontent" adlcp:scormtype="sco" href="a.html"/>',
    *,
    metadata: str = "<metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion></metadata>",
    title: str = "<title>A course</title>",
    cp: str = CP12,
    adl: str = ADL12,
    more: str = "",
) -> str:
    return (
        f'<?xml version="1.0"?>\n<manifest identifier="M" xmlns="{cp}" xmlns:adlcp="{adl}">\n{metadata}\n'
        f'<organizations default="O"><organization identifier="O">{title}\n{items}\n</organization></organizations>\n'
        f"<resources>\n{resources}\n</resources>{more}\n</manifest>\n"
    )


def write_zip(path: Path, members: Members) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            info.filename = name  # as it is: ZipInfo would turn the back slashes on some systems
            archive.writestr(info, content)
    return path


@dataclass(frozen=True)
class Case:
    """A package; `is_hopeless` when there is no course in it."""

    title: str
    files: Members
    is_hopeless: bool = False


def simple(title: str, text: str | bytes, *pages: str) -> Case:
    return Case(title, (("imsmanifest.xml", text), *((page, PAGE) for page in pages or ("a.html",))))


SCO = 'type="webcontent" adlcp:scormtype="sco"'
ASSET = 'type="webcontent" adlcp:scormtype="asset"'

CASES = (
    simple("as it should be", manifest()),
    Case("a folder was zipped", (("course/imsmanifest.xml", manifest()), ("course/a.html", PAGE))),
    Case(
        "another manifest first",
        (("z/imsmanifest.xml", manifest()), ("z/b.html", PAGE), ("imsmanifest.xml", manifest()), ("a.html", PAGE)),
    ),
    Case(
        "a sibling folder whose name begins the same",
        (("course/imsmanifest.xml", manifest()), ("course/a.html", PAGE), ("course-media/x.png", "x")),
    ),
    Case("the manifest in upper case", (("IMSMANIFEST.XML", manifest()), ("a.html", PAGE))),
    Case("back slashes in the zip", (("course\\imsmanifest.xml", manifest()), ("course\\a.html", PAGE))),
    Case(
        "back slashes beside the manifest",
        (
            ("imsmanifest.xml", manifest(resources=f'<resource identifier="R1" {SCO} href="p\\a.html"/>')),
            ("p\\a.html", PAGE),
            ("p\\", ""),
        ),
    ),
    simple(
        "an asset first",
        manifest(
            resources=f'<resource identifier="R0" {ASSET} href="b.html"/><resource identifier="R1" {SCO} href="a.html"/>'
        ),
        "a.html",
        "b.html",
    ),
    simple(
        "parameters of the first item",
        manifest('<item identifier="I1" identifierref="R1" parameters="?mode=test"><title>One</title></item>'),
    ),
    simple(
        "one page with two sets of parameters",
        manifest(
            '<item identifier="I1" identifierref="R1" parameters="?n=1"><title>One</title></item>'
            '<item identifier="I2" identifierref="R1" parameters="?n=2"><title>Two</title></item>'
        ),
    ),
    simple("no title of the organization", manifest(title="")),
    simple("an empty title of the organization", manifest(title="<title/>")),
    simple("an item without a title", manifest('<item identifier="I1" identifierref="R1" isvisible="true"/>')),
    simple(
        "an item without a title that is not visited",
        manifest('<item identifier="I1" identifierref="R1"/>'),
    ),
    simple(
        "a reference to nothing",
        manifest(
            '<item identifier="I0" identifierref="none" isvisible="true"><title>Gone</title></item>'
            '<item identifier="I1" identifierref="R1"><title>One</title></item>'
        ),
    ),
    simple(
        "a quote in an identifier",
        manifest(
            '<item identifier="I1" identifierref="O\'R" isvisible="true"><title>One</title></item>',
            f'<resource identifier="O\'R" {SCO} href="a.html"/>',
        ),
    ),
    simple(
        "schemaversion with a space", manifest(metadata="<metadata><schemaversion> 1.2 </schemaversion></metadata>")
    ),
    simple(
        "schemaversion on its own line", manifest(metadata="<metadata><schemaversion>1.2\n</schemaversion></metadata>")
    ),
    simple("an empty schemaversion", manifest(metadata="<metadata><schemaversion/></metadata>")),
    simple(
        "2004 without a schemaversion",
        manifest(
            resources='<resource identifier="R1" type="webcontent" adlcp:scormType="sco" href="a.html"/>',
            metadata="",
            cp=CP2004,
            adl=ADL2004,
        ),
    ),
    simple(
        "a prefix for everything",
        manifest()
        .replace("<", "<ims:")
        .replace("<ims:/", "</ims:")
        .replace("<ims:?", "<?")
        .replace("xmlns=", "xmlns:ims="),
    ),
    simple(
        "a prefix, and a default namespace in the metadata",
        manifest(metadata="<metadata><lom xmlns='http://ltsc.ieee.org/xsd/LOM'><general/></lom></metadata>")
        .replace("<", "<ims:")
        .replace("<ims:/", "</ims:")
        .replace("<ims:?", "<?")
        .replace('xmlns="', 'xmlns:ims="')
        .replace("ims:lom", "lom")
        .replace("ims:general", "general"),
    ),
    simple("no namespace", manifest().replace(f'xmlns="{CP12}"', "")),
    simple(
        "names in capitals",
        manifest()
        .replace("<manifest", "<Manifest")
        .replace("</manifest", "</Manifest")
        .replace("identifierref", "identifierRef")
        .replace("resources>", "Resources>")
        .replace("<resource ", "<Resource "),
    ),
    simple("a byte order mark", b"\xef\xbb\xbf" + manifest().encode()),
    simple("UTF-16", manifest().replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16")),
    simple("UTF-16 that says UTF-8", manifest().replace('"1.0"', '"1.0" encoding="UTF-8"').encode("utf-16")),
    simple("windows-1252 that says nothing", manifest(title="<title>Café</title>").encode("cp1252")),
    simple(
        "windows-1252 that says so",
        manifest(title="<title>Café</title>").replace('"1.0"', '"1.0" encoding="windows-1252"').encode("cp1252"),
    ),
    simple("an encoding that does not exist", manifest().replace('"1.0"', '"1.0" encoding="utf8-bom"').encode()),
    simple("a blank line first", "\n" + manifest()),
    simple("an unclosed element", manifest().replace("</item>", "")),
    simple("an ampersand", manifest(title="<title>You & me</title>")),
    simple(
        "xml:base",
        manifest(resources=f'<resource identifier="R1" {SCO} xml:base="p/q/" href="a.html"/>'),
        "p/q/a.html",
    ),
    simple(
        "an escaped name",
        manifest(resources=f'<resource identifier="R1" {SCO} href="a%20b.html?x=1#top"/>'),
        "a b.html",
    ),
    simple(
        "a name in another case",
        manifest(resources=f'<resource identifier="R1" {SCO} href="Start/A.HTML"/>'),
        "start/a.html",
    ),
    simple(
        "no href, and an index.html",
        manifest(resources=f'<resource identifier="R1" {SCO}><file href="p/index.html"/></resource>'),
        "p/index.html",
        "q/index.html",
    ),
    simple(
        "no href, and another page",
        manifest(resources=f'<resource identifier="R1" {SCO}><file href="a.html"/></resource>'),
    ),
    simple(
        "a manifest within",
        manifest(
            '<item identifier="I1" identifierref="SUB"><title>Part</title></item>',
            "",
            more=(
                '<manifest identifier="SUB" xml:base="part/"><organizations default="SO"><organization identifier="SO">'
                '<title>Sub</title><item identifier="SI" identifierref="SR"><title>Within</title></item></organization>'
                f'</organizations><resources><resource identifier="SR" {SCO} href="a.html"/></resources></manifest>'
            ),
        ),
        "part/a.html",
    ),
    simple("no organization", manifest().replace("<organization ", "<other ").replace("</organization>", "</other>")),
    simple(
        "an entity of its own",
        manifest(title="<title>&school;</title>").replace(
            '<manifest identifier="M"', '<!DOCTYPE manifest [<!ENTITY school "The School">]>\n<manifest identifier="M"'
        ),
    ),
    simple(
        "items far within items",
        manifest(
            '<item identifier="I0" isvisible="true"><title>x</title>' * 100
            + '<item identifier="I1" identifierref="R1"><title>One</title></item>'
            + "</item>" * 100
        ),
    ),
    Case("no manifest", (("index.html", PAGE),), is_hopeless=True),
    Case("a manifest that is a page", (("imsmanifest.xml", PAGE), ("index.html", PAGE)), is_hopeless=True),
    Case("an empty manifest", (("imsmanifest.xml", b""), ("index.html", PAGE)), is_hopeless=True),
)
