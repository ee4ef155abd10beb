"""SCORM packages that nobody would write, for laws."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.importers.scorm.packages import ASSET, PAGE, SCO, Members, manifest

NAMES = st.sampled_from(["a.html", "b b.html", "p/c.html", "p/q/d.html", "é.html", "100%.html", "gone.html"])
IDENTIFIERS = st.sampled_from(["R1", "R2", "R3", "o'r", "x y", "", "7"])
TITLES = st.sampled_from(["", "<title/>", "<title>T</title>", "<title> </title>"])
VISIBLE = st.sampled_from(["", ' isvisible="true"', ' isvisible="false"'])
PARAMETERS = st.sampled_from(["", ' parameters="?n=1"', ' parameters="#x"'])


@st.composite
def items(draw: st.DrawFn, depth: int = 0) -> str:
    inner = "".join(draw(st.lists(items(depth + 1), max_size=2))) if depth < 2 else ""
    return f'<item identifierref="{draw(IDENTIFIERS)}"{draw(VISIBLE)}{draw(PARAMETERS)}>{draw(TITLES)}{inner}</item>'


@st.composite
def resources(draw: st.DrawFn) -> str:
    href = draw(st.sampled_from(["", 'href="{}"', 'xml:base="p/" href="{}"'])).format(draw(NAMES).replace("%", "%25"))
    file = f'<file href="{draw(NAMES)}"/>' if draw(st.booleans()) else ""
    kind = draw(st.sampled_from([SCO, ASSET, "", 'type="webcontent" adlcp:scormType="SCO"']))
    return (
        f'<resource identifier="{draw(IDENTIFIERS)}" {kind} {href}>{file}'
        f'<dependency identifierref="{draw(IDENTIFIERS)}"/></resource>'
    )


PAGES = ("a.html", "b b.html", "p/c.html", "p/q/d.html", "é.html", "100%.html")
METADATA = st.sampled_from(
    [
        "",
        "<metadata><schemaversion/></metadata>",
        "<metadata><schemaversion>CAM 1.3</schemaversion></metadata>",
        "<metadata><schemaversion>1.2 </schemaversion></metadata>",
    ]
)


@st.composite
def odd_packages(draw: st.DrawFn) -> Members:
    """Names and contents: a manifest of the strangest kind, and pages, some of which it names."""
    course = "".join(draw(st.lists(items(), max_size=4)))
    files = "".join(draw(st.lists(resources(), max_size=4)))
    text = manifest(course, files, title=draw(TITLES), metadata=draw(METADATA))
    return (("imsmanifest.xml", text), *((page, PAGE) for page in PAGES))
