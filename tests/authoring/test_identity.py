"""Components that nobody named keep their place on the platform when others come and go around them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from authoring.identity import align_implicit_keys
from authoring.lockfile import LockEntry, LockPart, wanted_state
from authoring.model import ROOT_KEY, Block, BlockKey, Course, CourseId

UNIT = BlockKey("vertical", "u")


def course_of(*texts: str, named: str | None = None) -> Course:
    """A unit with one problem a text; `named` gives the first an id of its own."""
    problems = []
    for number, text in enumerate(texts, 1):
        explicit = named is not None and number == 1
        key = BlockKey("problem", named if explicit and named else f"u-problem-{number}")
        problems.append(Block(key, {"display_name": text.split()[0]}, text, implicit_id=not explicit))
    unit = Block(UNIT, children=tuple(problems))
    return Course(CourseId("A", "B", "C"), Block(ROOT_KEY, children=(unit,)))


def lock_of(course: Course) -> LockPart:
    part = LockPart("sandbox", str(course.id))
    for block, parent in course.root.walk_with_parent():
        if parent is not None:
            part = part.with_entry(LockEntry(block.key, f"live-{block.url_name}", parent.key, wanted_state(block)))
    return part


def names(course: Course) -> dict[str | None, str]:
    return {block.content: block.url_name for block in course.root.walk() if block.category == "problem"}


def test_a_new_problem_before_an_old_one_does_not_take_its_name() -> None:
    part = lock_of(course_of("Mean: 3?", "Median: 4?"))
    aligned = names(align_implicit_keys(course_of("New: 1?", "Mean: 3?", "Median: 4?"), part))
    assert aligned == {"Mean: 3?": "u-problem-1", "Median: 4?": "u-problem-2", "New: 1?": "u-problem-3"}


def test_a_reworded_problem_keeps_its_name_by_its_title() -> None:
    part = lock_of(course_of("Mean: 3?", "Median: 4?"))
    aligned = names(align_implicit_keys(course_of("Median: 5?", "Mean: 3?"), part))
    assert aligned == {"Median: 5?": "u-problem-2", "Mean: 3?": "u-problem-1"}


def test_a_removed_problem_leaves_the_others_their_names() -> None:
    part = lock_of(course_of("Mean: 3?", "Median: 4?", "Mode: 5?"))
    assert names(align_implicit_keys(course_of("Median: 4?", "Mode: 5?"), part)) == {
        "Median: 4?": "u-problem-2",
        "Mode: 5?": "u-problem-3",
    }


def test_a_written_id_is_never_changed() -> None:
    part = lock_of(course_of("Mean: 3?", "Median: 4?"))
    aligned = names(align_implicit_keys(course_of("Median: 4?", "Mean: 3?", named="mine"), part))
    assert aligned["Median: 4?"] == "mine"
    assert aligned["Mean: 3?"] == "u-problem-1"


@given(st.permutations(["a 1", "b 2", "c 3", "d 4"]), st.integers(0, 4))
def test_whatever_the_order_what_is_unchanged_keeps_its_name(texts: list[str], cut: int) -> None:
    before = course_of("a 1", "b 2", "c 3", "d 4")
    part = lock_of(before)
    after = align_implicit_keys(course_of(*texts[cut:]), part)
    old = names(before)
    assert names(after) == {text: old[text] for text in texts[cut:]}


@given(
    st.lists(st.sampled_from(["a 1", "a 2", "b 1", "c 1"]), max_size=5),
    st.lists(st.sampled_from(["a 1", "a 2", "b 1", "d 1"]), max_size=5),
)
def test_keys_stay_unique(before: list[str], after: list[str]) -> None:
    aligned = align_implicit_keys(course_of(*after), lock_of(course_of(*before)))
    keys = [block.key for block in aligned.root.walk()]
    assert len(keys) == len(set(keys))
