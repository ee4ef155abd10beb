"""The smallest set of roots that covers what changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from authoring.model import ROOT_KEY, Block, BlockKey
from authoring.publishing import publish_roots


def tree(*shape: int) -> Block:
    """Sections with `shape[i]` units each, two units a subsection."""
    chapters = []
    for c, units in enumerate(shape):
        sequentials = []
        for s in range((units + 1) // 2):
            names = range(s * 2, min(units, s * 2 + 2))
            verticals = tuple(Block(BlockKey("vertical", f"{c}{s}{u}")) for u in names)
            sequentials.append(Block(BlockKey("sequential", f"{c}{s}"), children=verticals))
        chapters.append(Block(BlockKey("chapter", str(c)), children=tuple(sequentials)))
    return Block(ROOT_KEY, children=tuple(chapters))


def units_of(root: Block) -> list[BlockKey]:
    return [block.key for block in root.walk() if block.category == "vertical"]


def test_one_unit_is_published_by_itself() -> None:
    root = tree(4, 4)
    unit = units_of(root)[0]
    assert publish_roots(root, {unit}, set()) == [(unit, (unit,))]


def test_a_whole_course_is_one_call() -> None:
    root = tree(4, 4)
    assert [key for key, _ in publish_roots(root, set(units_of(root)), set())] == [ROOT_KEY]


def test_two_units_of_one_subsection_are_one_call_there() -> None:
    root = tree(4, 4)
    first, second = units_of(root)[:2]
    assert publish_roots(root, {first, second}, set()) == [(BlockKey("sequential", "00"), (first, second))]


def test_what_somebody_else_edits_is_never_covered() -> None:
    root = tree(4, 4)
    foreign = {ROOT_KEY, BlockKey("chapter", "1"), BlockKey("sequential", "10")}
    ours = set(units_of(root)) - {BlockKey("vertical", "100")}
    roots = [str(key) for key, _ in publish_roots(root, ours, foreign)]
    assert roots == ["chapter/0", "vertical/101", "sequential/11"]


@given(st.lists(st.integers(0, 5), max_size=4), st.data())
def test_every_unit_is_covered_exactly_once(shape: list[int], data: st.DataObject) -> None:
    root = tree(*shape)
    chosen = data.draw(st.sets(st.sampled_from(units_of(root)))) if units_of(root) else set()
    covered = [unit for _, units in publish_roots(root, chosen, set()) for unit in units]
    assert sorted(covered) == sorted(chosen)
    assert len(publish_roots(root, chosen, set())) <= 1
