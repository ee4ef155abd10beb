"""YAML is read by the types of the fields, with positions."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.diagnostics import Diagnostics
from authoring.model import FieldValue
from authoring.registry import FieldSpec, FieldType
from authoring.yamlnodes import INVALID, Invalid, field_value, items_of, mapping_of, parse_mapping, plain_value

PATH = PurePosixPath("x.yaml")


def read_date(text: str, field: str) -> str:
    if not text.startswith("20"):
        raise ValueError("no date")
    return f"{text} as {field}"


def read(text: str, spec: FieldSpec) -> tuple[FieldValue | Invalid, list[str]]:
    diagnostics = Diagnostics()
    entries = parse_mapping(f"f: {text}", PATH, 1, diagnostics)
    assert entries is not None
    return field_value(entries["f"], spec, diagnostics, read_date), [finding.message for finding in diagnostics]


T = FieldType


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (T.STRING, "No", "No"),
        (T.STRING, "3.10", "3.10"),
        (T.STRING, "1:30", "1:30"),
        (T.STRING, "2026-01-31", "2026-01-31"),
        (T.STRING, "'null'", "null"),
        (T.STRING, "null", None),
        (T.STRING, "", ""),
        (T.STRING, "|\n  two\n  lines\n", "two\nlines\n"),
        (T.BOOLEAN, "true", True),
        (T.BOOLEAN, "No", False),
        (T.BOOLEAN, "on", True),
        (T.INTEGER, "-12", -12),
        (T.INTEGER, "'7'", 7),
        (T.INTEGER, "", None),
        (T.FLOAT, "0.5", 0.5),
        (T.FLOAT, "1e3", 1000.0),
        (T.FLOAT, "2", 2),
        (T.DATE, "2026-01-31", "2026-01-31 as f"),
        (T.DATE, "~", None),
        (T.TIMEDELTA, "1 day  2 hours", "1 day 2 hours"),
        (T.RELATIVE_TIME, "1:30", "00:01:30"),
        (T.RELATIVE_TIME, "01:02:03", "01:02:03"),
        (T.LIST, "[a, 1, No, null, '2', 1.5, true]", ["a", 1, "No", None, "2", 1.5, True]),
        (T.DICT, "{1: [2], a: {b: c}}", {"1": [2], "a": {"b": "c"}}),
        (T.XML, "<a b='c'/>", "<a b='c'/>"),
    ],
)
def test_values(type_: FieldType, text: str, value: FieldValue) -> None:
    assert read(text, FieldSpec("f", type_)) == (value, [])


@pytest.mark.parametrize(
    ("type_", "text", "message"),
    [
        (T.STRING, "[a]", "'f' takes text, not a list or a mapping"),
        (T.BOOLEAN, "1", "'f' cannot be '1': expected true or false"),
        (T.INTEGER, "1.0", "'f' cannot be '1.0': expected a whole number"),
        (T.INTEGER, "9" * 30, "'f' cannot be '999999999999999999999999999999': expected a whole number"),
        (T.FLOAT, "nan", "'f' cannot be 'nan': expected a number"),
        (T.FLOAT, "1e999", "'f' cannot be '1e999': expected a number"),
        (T.DATE, "soon", "'f' cannot be 'soon': no date"),
        (T.TIMEDELTA, "2h", "'f' cannot be '2h': expected a duration such as `2 days` or `1 hour 30 minutes`"),
        (T.RELATIVE_TIME, "24:00:00", "'f' cannot be '24:00:00': a time is at most 23:59:59"),
        (T.LIST, "a", "'f' takes a list"),
        (T.DICT, "[a]", "'f' takes a mapping"),
        (T.LIST, "[{a: 1, a: 2}]", "'f': 'a' is written twice"),
        (T.LIST, "[!x a]", "'f': tags such as '!x' are not read"),
        (T.DICT, "{[a]: b}", "'f': a key must be a word"),
    ],
)
def test_refused(type_: FieldType, text: str, message: str) -> None:
    assert read(text, FieldSpec("f", type_)) == (INVALID, [message])


def test_limits_of_a_field() -> None:
    assert read("c", FieldSpec("f", T.STRING, values=("a", "b"))) == (INVALID, ["'f' cannot be 'c'"])
    assert read("1", FieldSpec("f", T.INTEGER, values=(1, 2))) == (1, [])
    assert read("-1", FieldSpec("f", T.INTEGER, minimum=0)) == (INVALID, ["'f' must be at least 0"])
    assert read("null", FieldSpec("f", T.BOOLEAN, nullable=False)) == (INVALID, ["'f' needs a value: true or false"])


def test_positions() -> None:
    diagnostics = Diagnostics()
    entries = parse_mapping("\na: 1\nb:\n  c: 2\n\n  d:\n  - x\n  - y\n", PATH, 10, diagnostics)
    assert entries is not None
    assert [(entry.key, entry.where.line) for entry in entries.values()] == [("a", 11), ("b", 12)]
    inner = mapping_of(entries["b"], diagnostics)
    assert inner is not None
    assert [(entry.key, entry.where.line) for entry in inner.values()] == [("c", 13), ("d", 15)]
    items = items_of(inner["d"], diagnostics)
    assert items is not None
    assert [(item.scalar, item.where.line) for item in items] == [("x", 16), ("y", 17)]
    assert mapping_of(entries["a"], diagnostics) is None
    assert items_of(entries["a"], diagnostics) is None
    assert len(diagnostics) == 2


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n"])
def test_blank_text_has_no_entries(text: str) -> None:
    diagnostics = Diagnostics()
    assert parse_mapping(text, PATH, 1, diagnostics) == {}
    assert not list(diagnostics)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- a", 1),
        ("word", 1),
        ("a: 1\n\tb: 2", 2),
        ("a: 1\nb: \x07", 2),
        ("a: 1\n---\nb: 2", 2),
        ("a: *x", 1),
        ("a: 'x", 1),
    ],
)
def test_what_is_no_mapping(text: str, line: int) -> None:
    diagnostics = Diagnostics()
    assert parse_mapping(text, PATH, 1, diagnostics) is None
    assert [(str(finding.code), finding.where and finding.where.line) for finding in diagnostics] == [
        ("broken-yaml", line)
    ]


@given(st.text(max_size=80))
def test_any_text_is_a_mapping_or_reported(text: str) -> None:
    diagnostics = Diagnostics()
    entries = parse_mapping(text, PATH, 1, diagnostics)
    assert entries is not None or diagnostics.errors
    for entry in (entries or {}).values():
        value = plain_value(entry, diagnostics)
        assert value is not INVALID or diagnostics.errors


# JSON writes other characters as pairs of surrogates, which YAML does not know.
TEXT = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=10)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_json_is_yaml(value: FieldValue) -> None:
    """What JSON says is read as it is: quoted text stays text, numbers are numbers."""
    diagnostics = Diagnostics()
    entries = parse_mapping('{"f": ' + json.dumps(value) + "}", PATH, 1, diagnostics)
    assert entries is not None, list(diagnostics)
    assert plain_value(entries["f"], diagnostics) == value
