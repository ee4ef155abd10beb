"""Three-way merges: each combination of changes has an outcome, and nothing is lost in any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authoring.conflicts import conflict_text, conflict_to_json
from authoring.lockfile import (
    LockedAsset,
    LockEntry,
    Lockfile,
    LockPart,
    digest,
    parse_lockfile,
    render_lockfile,
    wanted_state,
    with_orders,
)
from authoring.merge import (
    CHILDREN,
    EVERYTHING,
    EXISTENCE,
    GRADING,
    ORDER,
    PLACE,
    Merged,
    Side,
    merge,
)
from authoring.model import ROOT_KEY, Asset, Block, BlockKey, Course, CourseId, Grader, GradingPolicy
from authoring.operations import policy_to_json
from authoring.writeback import differences, same_course
from tests.authoring.writeback.edits import EDITS, change, configure, grade, page, without

A, B, C, Z = (BlockKey("vertical", name) for name in "abcz")
ONE, TWO = BlockKey("sequential", "one"), BlockKey("sequential", "two")
TEXT = BlockKey("html", "text")


def unit(key: BlockKey, *children: Block) -> Block:
    return Block(key, {"display_name": key.url_name.upper()}, children=children)


def course_of(*sequences: Block) -> Course:
    chapter = Block(BlockKey("chapter", "only"), {"display_name": "Only"}, children=sequences)
    return Course(CourseId("Demo", "X", "R"), Block(ROOT_KEY, {"display_name": "X"}, children=(chapter,)))


def start() -> Course:
    text = Block(TEXT, {"display_name": "T"}, "<p>One.</p>\n<p>Two.</p>")
    return course_of(
        Block(ONE, {"display_name": "One"}, children=(unit(A, text), unit(B), unit(C))),
        Block(TWO, {"display_name": "Two"}, children=(unit(Z),)),
    )


def locked(course: Course, *, orders: bool = True) -> LockPart:
    entries = {}
    for block, parent in course.root.walk_with_parent():
        state = wanted_state(block)
        key = parent.key if parent is not None else None
        entries[block.key] = LockEntry(block.key, f"block-v1:{block.key}", key, state, state)
    for block in course.detached:
        entries[block.key] = LockEntry(block.key, f"block-v1:{block.key}", None, wanted_state(block))
    if course.grading is not None:
        policy = {"policy": digest(policy_to_json(course.grading))}  # type: ignore[arg-type]
        entries[GRADING] = LockEntry(GRADING, "", None, policy)
    assets = {asset.name: LockedAsset(asset.name, asset.digest, asset.size) for asset in course.assets}
    part = LockPart("target", "course", entries, assets)
    return with_orders(part, course) if orders else part


BASE = start()
LOCK = locked(BASE)


def title(key: BlockKey, text: str) -> Callable[[Course], Course]:
    return lambda course: change(course, key, lambda b: replace(b, fields={**b.fields, "display_name": text}))


def gone(key: BlockKey) -> Callable[[Course], Course]:
    return lambda course: replace(course, root=without(course.root, key))


def moved(key: BlockKey, parent: BlockKey) -> Callable[[Course], Course]:
    def move(course: Course) -> Course:
        block = next(block for block in course.blocks() if block.key == key)
        course = replace(course, root=without(course.root, key))
        return change(course, parent, lambda b: replace(b, children=(*b.children, block)))

    return move


def ordered(parent: BlockKey, *names: str) -> Callable[[Course], Course]:
    def order(course: Course) -> Course:
        return change(
            course,
            parent,
            lambda b: replace(b, children=tuple(sorted(b.children, key=lambda c: names.index(c.url_name)))),
        )

    return order


def added(name: str, parent: BlockKey, index: int) -> Callable[[Course], Course]:
    new = unit(BlockKey("vertical", name))
    return lambda course: change(
        course, parent, lambda b: replace(b, children=(*b.children[:index], new, *b.children[index:]))
    )


def under(name: str, parent: BlockKey) -> Callable[[Course], Course]:
    new = Block(BlockKey("html", name), {"display_name": name}, "<p>New.</p>")
    return lambda course: change(course, parent, lambda b: replace(b, children=(*b.children, new)))


def both(*edits: Callable[[Course], Course]) -> Callable[[Course], Course]:
    def apply(course: Course) -> Course:
        for edit in edits:
            course = edit(course)
        return course

    return apply


def same(course: Course) -> Course:
    return course


OUTCOMES: tuple[
    tuple[str, Callable[[Course], Course], Callable[[Course], Course], Callable[[Course], Course], set[str]], ...
] = (
    # name, ours, theirs, the merged course, the parts in conflict
    ("nothing", same, same, same, set()),
    ("theirs changed", same, title(A, "X"), title(A, "X"), set()),
    ("ours changed", title(A, "X"), same, title(A, "X"), set()),
    ("changed alike", title(A, "X"), title(A, "X"), title(A, "X"), set()),
    ("changed otherwise", title(A, "X"), title(A, "Y"), title(A, "X"), {"display_name"}),
    ("two blocks changed", title(A, "X"), title(B, "Y"), both(title(A, "X"), title(B, "Y")), set()),
    ("ours deleted", gone(A), same, gone(A), set()),
    ("theirs deleted", same, gone(A), gone(A), set()),
    ("both deleted", gone(A), gone(A), gone(A), set()),
    ("deleted, changed", gone(A), title(A, "X"), gone(A), {EXISTENCE}),
    ("changed, deleted", title(A, "X"), gone(A), title(A, "X"), {EXISTENCE}),
    ("deleted, changed below", gone(A), title(TEXT, "X"), gone(A), {EXISTENCE}),
    ("changed below, deleted", title(TEXT, "X"), gone(A), title(TEXT, "X"), {EXISTENCE}),
    ("deleted, moved", gone(A), moved(A, TWO), gone(A), {EXISTENCE}),
    ("moved, deleted", moved(A, TWO), gone(A), moved(A, TWO), {EXISTENCE}),
    ("moved, changed", moved(A, TWO), title(A, "X"), both(moved(A, TWO), title(A, "X")), set()),
    ("changed, moved", title(A, "X"), moved(A, TWO), both(title(A, "X"), moved(A, TWO)), set()),
    ("moved alike", moved(A, TWO), moved(A, TWO), moved(A, TWO), set()),
    ("moved out, holder deleted", moved(A, TWO), gone(ONE), both(moved(A, TWO), gone(ONE)), {EXISTENCE}),
    ("holder deleted, moved out", gone(ONE), moved(A, TWO), gone(ONE), {EXISTENCE}),
    ("ours reordered", ordered(ONE, *"cab"), same, ordered(ONE, *"cab"), set()),
    ("theirs reordered", same, ordered(ONE, *"cab"), ordered(ONE, *"cab"), set()),
    ("reordered alike", ordered(ONE, *"cab"), ordered(ONE, *"cab"), ordered(ONE, *"cab"), set()),
    ("reordered otherwise", ordered(ONE, *"bac"), ordered(ONE, *"acb"), ordered(ONE, *"bac"), {ORDER}),
    ("reordered, changed", ordered(ONE, *"cab"), title(A, "X"), both(ordered(ONE, *"cab"), title(A, "X")), set()),
    ("reordered, deleted", ordered(ONE, *"cab"), gone(A), both(ordered(ONE, *"cab"), gone(A)), set()),
    ("deleted, reordered", gone(A), ordered(ONE, *"cab"), both(ordered(ONE, *"cab"), gone(A)), set()),
    ("reordered, new", ordered(ONE, *"cab"), added("n", ONE, 1), both(ordered(ONE, *"cab"), added("n", ONE, 2)), set()),
    ("new, reordered", added("n", ONE, 1), ordered(ONE, *"cab"), both(ordered(ONE, *"cab"), added("n", ONE, 2)), set()),
    ("reordered, moved", ordered(ONE, *"cab"), moved(B, TWO), both(ordered(ONE, *"cab"), moved(B, TWO)), set()),
    ("moved, reordered", moved(B, TWO), ordered(ONE, *"cab"), both(ordered(ONE, *"cab"), moved(B, TWO)), set()),
    ("new, new", added("n", ONE, 1), added("m", ONE, 3), both(added("m", ONE, 3), added("n", ONE, 1)), set()),
    ("holder deleted, new in it", gone(ONE), added("n", ONE, 0), gone(ONE), {EXISTENCE}),
    ("new in it, holder deleted", added("n", ONE, 0), gone(ONE), added("n", ONE, 0), {EXISTENCE}),
    (
        "moved into a holder with something new in it, holder deleted",
        both(under("n", C), moved(C, TWO)),
        gone(TWO),
        both(under("n", C), gone(TWO)),
        set(),
    ),
    (
        "holder deleted, moved into it with something new in it",
        gone(TWO),
        both(under("n", C), moved(C, TWO)),
        both(under("n", C), gone(TWO)),
        set(),
    ),
    (
        "changed, deleted after something was moved out and emptied",
        title(ONE, "X"),
        both(moved(A, TWO), gone(TEXT), gone(ONE)),
        both(title(ONE, "X"), moved(A, TWO), gone(TEXT)),
        {EXISTENCE},
    ),
    (
        "moved and a holder deleted, moved into that holder",
        both(moved(TEXT, C), gone(TWO)),
        both(moved(TEXT, Z), title(TWO, "X")),
        both(moved(TEXT, C), gone(TWO)),
        {EXISTENCE, PLACE},
    ),
    (
        "moved here and reordered, moved here alike",
        both(moved(Z, ONE), ordered(ONE, *"zbac")),
        both(moved(Z, ONE), ordered(ONE, *"azbc")),
        both(moved(Z, ONE), ordered(ONE, *"zbac")),
        set(),
    ),
    (
        "moved here, moved elsewhere here",
        both(moved(Z, ONE), ordered(ONE, *"bzac")),
        both(moved(Z, ONE), ordered(ONE, *"azbc")),
        both(moved(Z, ONE), ordered(ONE, *"bzac")),
        {ORDER},
    ),
)


def merged(ours: Callable[[Course], Course], theirs: Callable[[Course], Course], **options: object) -> Merged:
    return merge(LOCK, ours(BASE), theirs(BASE), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "ours", "theirs", "wanted", "parts"), OUTCOMES, ids=[case[0] for case in OUTCOMES])
def test_each_combination_has_its_outcome(
    name: str,
    ours: Callable[[Course], Course],
    theirs: Callable[[Course], Course],
    wanted: Callable[[Course], Course],
    parts: set[str],
) -> None:
    result = merged(ours, theirs)
    assert {conflict.part for conflict in result.conflicts} == parts
    assert not list(differences(wanted(BASE), result.course))


@pytest.mark.parametrize(("name", "ours", "theirs", "wanted", "parts"), OUTCOMES, ids=[case[0] for case in OUTCOMES])
def test_conflicts_are_the_same_from_both_sides(
    name: str,
    ours: Callable[[Course], Course],
    theirs: Callable[[Course], Course],
    wanted: Callable[[Course], Course],
    parts: set[str],
) -> None:
    there, back = merged(ours, theirs).conflicts, merged(theirs, ours).conflicts
    assert {(c.key, c.part) for c in there} == {(c.key, c.part) for c in back}
    for conflict in there:
        other = next(c for c in back if (c.key, c.part) == (conflict.key, conflict.part))
        assert (conflict.ours, conflict.theirs) == (other.theirs, other.ours)


def test_moved_to_two_places_is_a_conflict() -> None:
    three = BlockKey("sequential", "three")
    base = change(BASE, BlockKey("chapter", "only"), lambda b: replace(b, children=(*b.children, Block(three))))
    result = merge(locked(base), moved(A, TWO)(base), moved(A, three)(base))
    assert [(c.key, c.part, c.ours, c.theirs) for c in result.conflicts] == [(A, PLACE, TWO, three)]
    assert same_course(result.course, moved(A, TWO)(base))
    theirs = merge(locked(base), moved(A, TWO)(base), moved(A, three)(base), resolve=Side.THEIRS)
    assert not theirs.conflicts and same_course(theirs.course, moved(A, three)(base))


def test_an_order_that_nobody_recorded_is_a_conflict_where_the_two_differ() -> None:
    lock = locked(BASE, orders=False)
    assert not merge(lock, BASE, title(A, "X")(BASE)).conflicts
    result = merge(lock, BASE, ordered(ONE, *"cab")(BASE))
    assert [conflict.part for conflict in result.conflicts] == [ORDER]
    theirs = merge(lock, BASE, ordered(ONE, *"cab")(BASE), resolve={ONE: Side.THEIRS})
    assert not theirs.conflicts and same_course(theirs.course, ordered(ONE, *"cab")(BASE))


def test_two_reorders_that_do_not_meet_are_merged() -> None:
    base = change(BASE, ONE, lambda b: replace(b, children=(*b.children, unit(BlockKey("vertical", "d")))))
    result = merge(locked(base), ordered(ONE, *"bacd")(base), ordered(ONE, *"abdc")(base))
    assert not result.conflicts
    assert same_course(result.course, ordered(ONE, *"badc")(base))


@pytest.mark.parametrize("side", list(Side))
def test_a_resolution_decides(side: Side) -> None:
    for ours, theirs in [(title(A, "X"), title(A, "Y")), (gone(A), title(A, "X")), (title(A, "X"), gone(A))]:
        result = merged(ours, theirs, resolve=side)
        assert not result.conflicts
        assert same_course(result.course, (ours if side is Side.OURS else theirs)(BASE))


def test_what_was_not_read_is_kept_and_is_no_deletion() -> None:
    without_text = gone(TEXT)(BASE)
    assert same_course(merge(LOCK, BASE, without_text, unread={(A, CHILDREN)}).course, BASE)
    assert same_course(merge(LOCK, BASE, gone(A)(BASE), unread={(ONE, CHILDREN)}).course, BASE)
    assert same_course(merge(LOCK, BASE, gone(A)(BASE), unread={(A, EXISTENCE), (A, CHILDREN)}).course, BASE)
    unread = title(A, "")(BASE)
    assert same_course(merge(LOCK, BASE, unread, unread={(A, "display_name")}).course, BASE)
    assert same_course(merge(LOCK, BASE, unread, unread={(A, EVERYTHING)}).course, BASE)


def test_texts_that_mean_the_same_are_no_change() -> None:
    spelled = change(BASE, TEXT, lambda b: replace(b, content="<p>One.</p><p>Two.</p>"))
    result = merge(LOCK, BASE, spelled)
    assert not result.taken and result.course == BASE


def test_a_text_conflict_is_shown_as_git_shows_it() -> None:
    def said(text: str) -> Callable[[Course], Course]:
        return lambda course: change(course, TEXT, lambda b: replace(b, content=f"<p>One.</p><p>{text}</p>"))

    (conflict,) = merged(said("Three <em>ours</em>."), said("Four.")).conflicts
    assert conflict_text(conflict).split("\n") == [
        "html/text, data: both changed it",
        "One.",
        "",
        "<<<<<<< yours",
        "Three *ours*.",
        "=======",
        "Four.",
        ">>>>>>> live",
    ]
    assert conflict_to_json(conflict)["part"] == "data"


def test_every_kind_of_conflict_can_be_shown() -> None:
    for _, ours, theirs, _, _ in OUTCOMES:
        for conflict in merged(ours, theirs).conflicts:
            assert str(conflict.key) in conflict_text(conflict)
            assert conflict_to_json(conflict)["block"] == str(conflict.key)


def test_grading_and_files() -> None:
    policy = GradingPolicy((Grader("Homework", 1.0),))
    picture = Asset("a.png", PurePosixPath("static/a.png"), "1" * 64, 1, "image/png")
    base = replace(BASE, grading=policy, assets=(picture,))
    lock = locked(base)
    other = replace(policy, cutoffs={"Pass": 0.7})
    new = replace(picture, digest="2" * 64)
    taken = merge(lock, base, replace(base, grading=other, assets=(new,)))
    assert taken.course.grading == other and taken.course.assets == (new,) and not taken.conflicts
    assert merge(lock, replace(base, grading=other), base).course.grading == other
    mine = replace(base, grading=replace(policy, cutoffs={"Pass": 0.6}), assets=(replace(new, digest="3" * 64),))
    conflicts = merge(lock, mine, replace(base, grading=other, assets=(new,))).conflicts
    assert {str(conflict.key) for conflict in conflicts} == {"#course/grading", "#asset/a.png"}
    assert all(conflict_text(conflict) for conflict in conflicts)


def test_orders_are_kept_in_the_lock_file() -> None:
    lock = Lockfile().with_part(LOCK)
    assert parse_lockfile(render_lockfile(lock)) == lock
    assert LOCK.entries[ONE].children == (A, B, C)


RANDOM = [edit for edit in EDITS if edit not in (configure, grade, page)]


def edited(random: Random, count: int) -> Course:
    course = BASE
    for _ in range(count):
        course = random.choice(RANDOM)(course, random)
    return course


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 4), st.integers(0, 4))
def test_the_laws_of_merging(random: Random, ours: int, theirs: int) -> None:
    mine, live = edited(random, ours), edited(random, theirs)
    assert same_course(merge(LOCK, BASE, live).course, live), "what only theirs changed is taken"
    assert same_course(merge(LOCK, mine, BASE).course, mine), "what only ours changed is kept"
    assert not merge(LOCK, BASE, live).conflicts and not merge(LOCK, mine, BASE).conflicts
    assert same_course(merge(LOCK, mine, mine).course, mine), "two equal changes are one"
    result, back = merge(LOCK, mine, live), merge(LOCK, live, mine)
    assert {(c.key, c.part) for c in result.conflicts} == {(c.key, c.part) for c in back.conflicts}
    again = merge(LOCK, result.course, live)
    assert same_course(again.course, result.course), "merging once more changes nothing"
    keys = [block.key for block in result.course.blocks()]
    assert len(keys) == len(set(keys))
    disputed = {c.key for c in result.conflicts if c.part == EXISTENCE}
    known = {block.key for block in BASE.blocks()}
    for course in (mine, live):
        for block, parent in course.root.walk_with_parent():
            if block.key in known or block.key in keys:
                continue
            assert parent is not None
            holders = {b.key for b in course.root.walk() if block.key in {inner.key for inner in b.walk()}}
            assert disputed & holders, f"{block.key} is new and was lost"
