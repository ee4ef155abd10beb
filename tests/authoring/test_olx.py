"""OLX elements to blocks."""

from __future__ import annotations

from contextlib import suppress
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.diagnostics import Diagnostics
from authoring.model import Block, BlockKey
from authoring.olx import block_from_element, parse_element, value_from_attribute
from authoring.registry import FieldSpec, FieldType

PATH = PurePosixPath("u.xml")


def read(text: str, first_line: int = 1) -> tuple[Block | None, list[str]]:
    diagnostics = Diagnostics()
    element = parse_element(text, PATH, first_line, diagnostics)
    block = None
    if element is not None:
        block = block_from_element(
            element,
            path=PATH,
            first_line=first_line,
            new_key=lambda category: BlockKey(category, "new"),
            diagnostics=diagnostics,
        )
    return block, [str(finding).splitlines()[0] for finding in diagnostics]


def block_of(text: str) -> Block:
    block, findings = read(text)
    assert block is not None and not findings, findings
    return block


def test_attributes_become_fields_by_their_type() -> None:
    problem = block_of(
        '<problem url_name="p" max_attempts="3" weight="2.0" display_name="null" due="2026-01-31T23:59:00Z" '
        'group_access=\'{"50": [1]}\' show_reset_button="True" odd="kept" rerandomize="&quot;never&quot;"><p>Q</p></problem>'
    )
    assert problem.key == BlockKey("problem", "p")
    assert problem.fields == {
        "max_attempts": 3,
        "weight": 2.0,
        "display_name": None,
        "due": "2026-01-31T23:59:00Z",
        "group_access": {"50": [1]},
        "show_reset_button": True,
        "rerandomize": "never",
    }
    assert problem.extra.attributes == {"odd": "kept"}
    assert problem.content == '<problem odd="kept"><p>Q</p></problem>'


def test_pure_blocks_read_text_as_it_is() -> None:
    poll = block_of(
        '<poll url_name="x" xblock-family="xblock.v1" question="null" answers=\'[["a", {"label": "A"}]]\' max_submissions="2"/>'
    )
    assert poll.fields == {"question": "null", "answers": [["a", {"label": "A"}]], "max_submissions": 2}


def test_text_bodies() -> None:
    assert block_of("<html>a &lt; b <b>c</b> d<!-- e --></html>").content == "a < b <b>c</b> d<!-- e -->"
    assert block_of("<html><![CDATA[a < b]]></html>").content == "a < b"


def test_containers_and_lines() -> None:
    unit, findings = read(
        "<?xml version='1.0' encoding='latin-1'?>\n<vertical>\n<!-- x -->\n<html>é</html>\n<split_test>\n<vertical/></split_test></vertical>",
        5,
    )
    assert unit is not None and not findings
    assert unit.implicit_id
    assert [(str(block.key), block.source and block.source.line) for block in unit.walk()] == [
        ("vertical/new", 6),
        ("html/new", 8),
        ("split_test/new", 9),
        ("vertical/new", 10),
    ]
    assert unit.children[0].content == "é"


def test_video() -> None:
    video = block_of(
        '<video youtube="0.75:a,1.00:b" download_video="true"><source src="https://x/y.mp4"/><transcript language="es" src="z.srt"/></video>'
    )
    assert video.fields == {
        "download_video": True,
        "html5_sources": ["https://x/y.mp4"],
        "transcripts": {"es": "z.srt"},
        "youtube_id_0_75": "a",
        "youtube_id_1_0": "b",
    }
    assert not video.extra


def test_what_nobody_knows_is_kept_whole() -> None:
    block = block_of('<mystery display_name="M" power="9"><part n="1">text</part></mystery>')
    assert block.fields == {"display_name": "M", "power": "9"}
    assert block.content == '<mystery><part n="1">text</part></mystery>'
    assert block_of("<mystery/>").content is None


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("<a>\n<b></a>", "u.xml:2: error[broken-olx]: not well-formed XML: "),
        ("", "u.xml:1: error[broken-olx]: not well-formed XML: "),
        ("<a>&nope;</a>", "u.xml:1: error[broken-olx]: not well-formed XML: Entity 'nope' not defined"),
        (
            '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
            "u.xml:1: error[broken-olx]: a document type is not allowed in OLX",
        ),
        ("<vertical>\n<problem max_attempts='x'/></vertical>", "u.xml:2: warning[bad-olx]: max_attempts='x' is not"),
        (
            "<vertical>\nwords\n</vertical>",
            "u.xml:1: warning[bad-olx]: text inside <vertical>, which holds components only: 'words'",
        ),
        ("<vertical>" * 110 + "</vertical>" * 110, "u.xml:1: error[bad-olx]: elements nest too deep"),
    ],
)
def test_findings(text: str, finding: str) -> None:
    _, findings = read(text)
    assert len(findings) == 1
    assert findings[0].startswith(finding)


@given(
    st.text(max_size=20) | st.sampled_from(["Infinity", "-1e999", "NaN", "[NaN]", "9" * 5000, "[" * 3000]),
    st.sampled_from(FieldType),
    st.booleans(),
)
def test_any_attribute_is_read_or_refused(text: str, type_: FieldType, pure: bool) -> None:
    with suppress(ValueError):
        value_from_attribute(text, FieldSpec("f", type_), pure=pure)
