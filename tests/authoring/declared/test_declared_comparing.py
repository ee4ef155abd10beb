"""Laws of the comparison: what is sent settles it, what is somebody else's is never sent, lists keep what is theirs."""

from __future__ import annotations

from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from authoring.calls import Json
from authoring.declared.comparing import compare, seen_of
from authoring.declared.lock import Entry
from authoring.declared.model import Declaration, Ref, UnresolvedError
from authoring.declared.recording import entry_of_changed, entry_of_created, entry_of_found
from authoring.declared.sights import found
from authoring.model import SourceLocation

WHERE = SourceLocation(PurePosixPath("platform.yaml"), 1)
plain = st.sampled_from(["a", "b", "c", None, 1, True])
fields = st.fixed_dictionaries(
    {},
    optional={
        "name": plain,
        "slug": plain,
        "enabled": plain,
        "data": st.dictionaries(st.sampled_from("xyz"), plain, max_size=3),
        "courses": st.lists(st.sampled_from("pqrst"), unique=True).map(tuple),
    },
)
lives = st.fixed_dictionaries(
    {
        "name": plain,
        "slug": plain,
        "enabled": plain,
        "data": st.dictionaries(st.sampled_from("xyz"), plain, max_size=3),
        "courses": st.lists(st.sampled_from("pqrst"), unique=True),
    }
)


def nowhere(ref: Ref) -> Json:
    raise UnresolvedError(str(ref))


def row_of(values: dict[str, Json]) -> Declaration:
    return Declaration("programs", "p", WHERE, values)


def as_sent(values: dict[str, Json]) -> dict[str, Json]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def taken(live: dict[str, Json], values: dict[str, Json], send: tuple[str, ...]) -> dict[str, Json]:
    """A platform that takes what it is sent, and merges mappings."""
    after = dict(live)
    for name in send:
        value, held = values[name], live.get(name)
        after[name] = {**held, **value} if isinstance(value, dict) and isinstance(held, dict) else value
    return after


@given(fields, lives, st.booleans())
def test_what_is_sent_settles_it(values: dict[str, Json], live: dict[str, Json], overwrite: bool) -> None:
    row, sight = row_of(values), found({"id": 1}, live)
    work = compare(row, sight, None, None, nowhere, overwrite=overwrite)
    if overwrite:
        assert work.left == ()
    seen = found({"id": 1}, taken(live, dict(work.values), work.send))
    if work.send:
        before = Entry("programs/p", {"id": 1}, {}, seen_of(sight, work.left))
        entry = entry_of_changed(row, seen, work, before)
    else:
        entry = entry_of_found(row, seen, work, None)
    again = compare(row, seen, entry, None, nowhere)
    assert again.send == ()
    assert {one.field for one in again.left} == {one.field for one in work.left}


@given(fields, lives)
def test_what_was_made_is_settled(values: dict[str, Json], defaults: dict[str, Json]) -> None:
    """The platform fills in what is not declared."""
    row = row_of(values)
    sent = as_sent(values)
    sight = found({"id": 1}, {**defaults, **sent})
    entry = entry_of_created(row, sight, sent, frozenset())
    work = compare(row, sight, entry, None, nowhere)
    assert (work.send, work.left) == ((), ())


@given(fields, fields, lives, lives)
def test_what_somebody_else_changed_is_not_sent(
    first: dict[str, Json], second: dict[str, Json], defaults: dict[str, Json], theirs: dict[str, Json]
) -> None:
    sent = as_sent(first)
    before = {**defaults, **sent}
    entry = entry_of_created(row_of(first), found({"id": 1}, before), sent, frozenset())
    work = compare(row_of(second), found({"id": 1}, theirs), entry, None, nowhere)
    for name in ("name", "slug", "enabled"):
        if repr(theirs[name]) != repr(before[name]):
            assert name not in work.send
            assert name not in second or work.values[name] == theirs[name]


@given(
    st.lists(st.sampled_from("pqrst"), unique=True),
    st.lists(st.sampled_from("pqrst"), unique=True),
    st.lists(st.sampled_from("pqrst"), unique=True),
    st.booleans(),
)
def test_lists_keep_what_is_theirs(new: list[str], live: list[str], old: list[str], overwrite: bool) -> None:
    row = row_of({"courses": tuple(new)})
    entry = Entry("programs/p", {"id": 1}, links={"courses": tuple(old)})
    work = compare(row, found({"id": 1}, {"courses": list(live)}), entry, None, nowhere, overwrite=overwrite)
    result = work.values["courses"] if "courses" in work.send else live
    assert isinstance(result, list)
    foreign = [one for one in live if one not in old and one not in new]
    assert [one for one in result if one in foreign] == foreign
    gone = [one for one in new if one in old and one not in live and not overwrite]
    assert set(result) == set(foreign) | (set(new) - set(gone))
    assert len(result) == len(set(result))
    assert bool(work.left) == bool(gone)
    assert list(work.removed) == [one for one in live if one in old and one not in new]
