"""The lock file and the journal: what is written is read, and what is broken is named with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.declared.lock import Entry, Lock, load_lock, parse_lock, render_lock, save_lock
from authoring.declared.state import State
from authoring.errors import BusyError, LockfileError

PLACE = ("https://studio.example.com", "acme")
words = st.text(min_size=1, max_size=10)
json_values = st.none() | st.booleans() | st.integers(-1000, 1000) | words
entries = st.builds(
    Entry,
    words.map(lambda word: f"skills/{word}"),
    st.dictionaries(words, json_values, max_size=3),
    st.dictionaries(words, words, max_size=3),
    st.dictionaries(words, words, max_size=3),
    st.dictionaries(words, st.lists(json_values, min_size=1, max_size=3).map(tuple), max_size=2),
    st.lists(words, max_size=2).map(tuple),
    st.lists(words, max_size=2).map(tuple),
    st.booleans(),
)


@given(st.lists(entries, max_size=4))
def test_what_is_written_is_read(rows: list[Entry]) -> None:
    lock = Lock().with_part(PLACE, {row.key: row for row in rows})
    assert parse_lock(render_lock(lock), "platform.lock") == lock


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "platform.lock:1: the first line must say"),
        ('{"platform_lock": 99}', "platform.lock:1: written by a newer release"),
        ('{"platform_lock": 1}\n<<<<<<< HEAD', "platform.lock:2: the file still has merge conflict markers"),
        ('{"platform_lock": 1}\nnonsense', "platform.lock:2: not a line of JSON"),
        ('{"platform_lock": 1}\n{"row": "a/b"}', "platform.lock:2: a line before the first target"),
        (
            '{"platform_lock": 1}\n{"target": "t", "tenant": "t"}\n{"row": "a/b"}\n{"row": "a/b"}',
            ":4: a/b stands twice",
        ),
        (
            '{"platform_lock": 1}\n{"target": "t", "tenant": "t"}\n{"row": 3}',
            ":3: a value is missing or of the wrong kind",
        ),
        ('{"platform_lock": 1}\n{"target": "t", "tenant": "t"}\n[1]', ":3: a value is missing or of the wrong kind"),
    ],
)
def test_a_broken_lock_file(text: str, said: str) -> None:
    with pytest.raises(LockfileError) as caught:
        parse_lock(text, "platform.lock")
    assert said in caught.value.message
    assert caught.value.hint


def test_what_a_crash_kept_out_of_the_lock_file_is_in_the_journal(tmp_path: Path) -> None:
    file = tmp_path / "platform.lock"
    state = State(file, PLACE)
    state.__enter__()
    state.begin("skills/a", {"name": "d1"})
    state.finish(Entry("skills/a", {"id": 1}))
    state.begin("skills/b", {"name": "d2"})
    state._db.close()
    state._writer.release()  # the process is gone; nothing was written
    assert not file.exists()
    with State(file, PLACE) as again:
        assert again.entries == {"skills/a": Entry("skills/a", {"id": 1})}
        assert dict(again.intents["skills/b"].digests) == {"name": "d2"}
        assert again.known
    assert load_lock(file).part(PLACE) == {"skills/a": Entry("skills/a", {"id": 1})}


def test_what_a_lost_lock_file_knew_is_a_hint(tmp_path: Path) -> None:
    file = tmp_path / "platform.lock"
    with State(file, PLACE) as state:
        state.finish(Entry("skills/a", {"id": 1}))
    file.unlink()
    with State(file, PLACE) as state:
        assert state.entries == {}
        assert state.hints == {"skills/a": Entry("skills/a", {"id": 1})}
        state.drop("skills/a")
    with State(file, PLACE) as state:
        assert state.hints == {}


def test_the_lock_file_wins_over_what_the_journal_wrote_there_before(tmp_path: Path) -> None:
    file = tmp_path / "platform.lock"
    with State(file, PLACE) as state:
        state.finish(Entry("skills/a", {"id": 1}))
    save_lock(Lock().with_part(PLACE, {"skills/a": Entry("skills/a", {"id": 2})}), file)
    with State(file, PLACE) as state:
        assert state.entries["skills/a"].ids == {"id": 2}


def test_a_create_that_nobody_can_look_up_is_marked_in_the_lock_file_before_it_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "platform.lock"
    with State(file, PLACE) as state:
        state.begin("tenant/tenant", {}, mark=True)
        assert json.loads(file.read_text().splitlines()[2]) == {"row": "tenant/tenant", "begun": True}
        state.refuse("tenant/tenant")
    assert load_lock(file).part(PLACE) == {}


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "platform.lock"
    with State(file, PLACE), pytest.raises(BusyError), State(file, PLACE):
        pass


def test_targets_and_tenants_are_apart(tmp_path: Path) -> None:
    file = tmp_path / "platform.lock"
    for tenant in ("acme", "other"):
        with State(file, (PLACE[0], tenant)) as state:
            assert state.entries == {}
            assert not state.known
            state.finish(Entry("skills/a", {"id": tenant}))
    with State(file, PLACE) as state:
        assert state.entries["skills/a"].ids == {"id": "acme"}
