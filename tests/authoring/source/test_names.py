"""Names of files to ids, titles and order."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.source.names import asset_name_of, is_id, order_of, title_of, url_name_of


@pytest.mark.parametrize(
    ("stem", "url_name", "title"),
    [
        ("01-first-steps", "first-steps", "First steps"),
        ("3. What is data?", "What-is-data", "What is data?"),
        ("10_a_b", "a_b", "A b"),
        ("2027", "2027", "2027"),
        ("01-", "01", "01"),
        ("01-???", "01", "???"),
        ("été", "été", "Été"),
        ("!", "unnamed", "!"),
    ],
)
def test_stems(stem: str, url_name: str, title: str) -> None:
    assert (url_name_of(stem), title_of(stem)) == (url_name, title)


def test_order_is_by_number_then_by_name() -> None:
    names = ["b", "a", "10-x", "9-y", "09-a", "100 z"]
    assert sorted(names, key=order_of) == ["09-a", "9-y", "10-x", "100 z", "a", "b"]


def test_asset_names_are_flat_and_not_collapsed() -> None:
    assert asset_name_of(PurePosixPath("static/a b/ (1)~:é.png")) == "a_b___1___é.png"


@given(st.text(min_size=1, max_size=300))
def test_every_stem_gives_an_id_and_a_title(stem: str) -> None:
    assert is_id(url_name_of(stem))
    assert title_of(stem)
