"""The two tools of write-back: values changed in YAML, words changed in a text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authoring.decompile.yamltext import dump
from authoring.diagnostics import Diagnostics
from authoring.model import FieldValue
from authoring.registry import FieldType
from authoring.source.dates import parse_date
from authoring.source.units import read_unit
from authoring.writeback.pieces import parse_body
from authoring.writeback.texts import Text, merge3, words_of
from authoring.writeback.values import date_text, scalar_text
from authoring.writeback.yamledit import MISSING, CannotEdit, Change, edit_mapping
from authoring.yamlnodes import parse_mapping, plain_value

WORDS = st.sampled_from(
    ["a", "two words", "x: y", "# no", "", "true", "12", "ü", 'say "so"', "it's", "[a]", "a, b", "- x"]
)
SCALARS = st.one_of(st.booleans(), st.integers(-9, 99), st.sampled_from([0.5, 2.25]), WORDS, st.just("line\nline\n"))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["type", "k", "m"]), inner, max_size=3)
    ),
    max_leaves=6,
)
MAPPINGS = st.dictionaries(st.sampled_from(["title", "due", "zeta", "olx"]), VALUES, max_size=4)


def read(text: str) -> dict[str, FieldValue]:
    diagnostics = Diagnostics()
    entries = parse_mapping(text, PurePosixPath("x.yaml"), 1, diagnostics)
    assert entries is not None and not list(diagnostics), (text, list(map(str, diagnostics)))
    return {key: plain_value(entry, diagnostics) for key, entry in entries.items()}  # type: ignore[misc]


@settings(max_examples=100, deadline=None)
@given(MAPPINGS, MAPPINGS)
def test_an_edited_mapping_reads_as_it_shall(old: dict[str, FieldValue], new: dict[str, FieldValue]) -> None:
    text = "".join(f"# about {key}\n{dump({key: value})}" for key, value in old.items()) + "# the end\n"
    changes = [
        Change(key, old.get(key, MISSING), new.get(key, MISSING))
        for key in sorted(old.keys() | new.keys())
        if key not in old or key not in new or dump({key: old[key]}) != dump({key: new[key]})
    ]
    try:
        edited = edit_mapping(text, changes)
    except CannotEdit:
        return
    assert read(edited) == new
    for key in old:
        assert f"# about {key}\n" in edited
    assert edited.endswith("# the end\n") or "# the end\n" in edited
    if not changes:
        assert edited == text


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "wanted"),
    [
        ("a b c", "a b c", "a x c", "a x c"),
        ("a b c", "a *b* c", "a b d", "a *b* d"),
        ("one two three", "one\ntwo three", "one two four", "one\ntwo four"),
        ("a b", "a [b][r]", "a b c", "a [b][r] c"),
    ],
)
def test_a_change_of_words_is_made_in_the_other_spelling(base: str, ours: str, theirs: str, wanted: str) -> None:
    assert merge3(base, ours, theirs)[0] == wanted


def test_a_change_of_what_reads_otherwise_is_left_alone() -> None:
    assert not merge3("a b c", "a x c", "a y c")


@given(st.text(max_size=60))
def test_words_joined_are_the_text(text: str) -> None:
    assert "".join(words_of(text)) == text


@given(st.text(max_size=60).map(lambda text: text.replace("\r", "")), st.booleans(), st.booleans())
def test_a_text_keeps_how_its_file_spells_it(text: str, bom: bool, windows: bool) -> None:
    data = (b"\xef\xbb\xbf" if bom else b"") + text.replace("\n", "\r\n" if windows else "\n").encode()
    read_back = Text.of(data)
    if not text.startswith("\ufeff"):
        assert read_back.encode(read_back.text) == data


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))
def test_a_date_is_written_so_that_it_reads_as_itself(moment: datetime) -> None:
    zone = ZoneInfo("Europe/Madrid")
    value = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    for name in ("start", "due"):
        for old in (None, "2027-01-01", "2027-01-01T10:00:00Z"):
            assert parse_date(date_text(value, name, zone, old), zone, day_end=name == "due") == value


def test_values_in_the_manner_of_their_author() -> None:
    assert scalar_text(False, old="Yes") == "No"
    assert scalar_text(0.45, old="40%") == "45%"
    assert scalar_text("it's", old="its", style="'") == "'it''s'"
    assert scalar_text("2027-03-01T22:59:00Z", name="due", kind=FieldType.DATE, timezone=UTC) == "2027-03-01 22:59"


@given(
    st.lists(st.sampled_from(["a\n", "\n", "<!-- c -->\n", "    code\n", "  \n", ":::done {#x}\n:::\n"]), max_size=12)
)
def test_a_body_in_pieces_is_the_body(parts: list[str]) -> None:
    text = "".join(parts)
    path = PurePosixPath("u.md")
    node = read_unit(text, path, Diagnostics())
    assert node is not None
    keys = {id(component): component.key for component in node.components}
    assert parse_body(text, path, node.components, keys).text() == text
