"""The lock file: text and value agree, bad files are refused with their line, saving is all or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.errors import LockfileError
from authoring.lockfile import (
    LockedAsset,
    LockEntry,
    Lockfile,
    LockPart,
    digest,
    load_lockfile,
    parse_lockfile,
    render_lockfile,
    save_lockfile,
    wanted_state,
)
from authoring.model import Block, BlockKey

names = st.text("abcdefgh-_.~é7", min_size=1, max_size=12)
keys = st.builds(BlockKey, st.sampled_from(["html", "problem", "vertical", "chapter", "x-y"]), names)
digests = st.dictionaries(names, st.text("0123456789abcdef", min_size=16, max_size=16), max_size=4)


@st.composite
def lockfiles(draw: st.DrawFn) -> Lockfile:
    lock = Lockfile()
    for target in draw(st.lists(st.sampled_from(["sandbox", "https://a.example", "https://b.example"]), unique=True)):
        entries = {
            key: LockEntry(
                key,
                f"block-v1:{n}",
                draw(st.none() | keys),
                pushed,
                draw(st.none() | digests | st.just(pushed)),
            )
            for n, (key, pushed) in enumerate(draw(st.dictionaries(keys, digests, min_size=1, max_size=6)).items())
        }
        assets = {
            name: LockedAsset(name, "ab" * 32, size)
            for name, size in draw(st.dictionaries(names, st.integers(0, 10**12), max_size=3)).items()
        }
        lock = lock.with_part(LockPart(target, "course-v1:A+B+C", entries, assets))
    return lock


@given(lockfiles())
def test_what_is_rendered_is_read_back(lock: Lockfile) -> None:
    assert parse_lockfile(render_lockfile(lock)) == lock


@given(lockfiles())
def test_the_same_value_gives_the_same_bytes(lock: Lockfile) -> None:
    again = Lockfile(dict(reversed(list(lock.parts.items()))))
    assert render_lockfile(again) == render_lockfile(lock)


def test_every_block_has_a_line_of_its_own_so_that_branches_merge() -> None:
    part = LockPart("sandbox", "course-v1:A+B+C")
    for name in ("b", "a", "c"):
        key = BlockKey("html", name)
        part = part.with_entry(LockEntry(key, f"block-{name}", BlockKey("vertical", "u"), {"data": "0" * 16}, None))
    lines = render_lockfile(Lockfile().with_part(part)).splitlines()
    assert [line.split('"')[3] for line in lines[2:]] == ["html/a", "html/b", "html/c"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"course_lock": 99}\n', "course.lock:1: written by a newer release"),
        ("<<<<<<< HEAD\n", "course.lock:1: the file still has merge conflict markers"),
        ('{"course_lock": 1}\n=======\n', "course.lock:2: the file still has merge conflict markers"),
        ('{"course_lock": 1}\nnonsense\n', "course.lock:2: not a line of JSON"),
        ('{"course_lock": 1}\n[]\n', "course.lock:2: not a JSON object"),
        ('{"target": "x", "course": "y"}\n', "course.lock:1: the first line must say"),
        ('{"course_lock": 1}\n{"block": "html/a"}\n', "course.lock:2: a line before the first target"),
        (
            '{"course_lock": 1}\n{"target": "x", "course": "y"}\n{"block": "html/a", "usage": "u"}\n',
            "course.lock:3: a value is missing",
        ),
        (
            '{"course_lock": 1}\n{"target": "x", "course": "y"}\n'
            + '{"block": "html/a", "usage": "u", "parent": null, "pushed": {}, "published": null}\n' * 2,
            "course.lock:4: html/a stands twice",
        ),
        (
            '{"course_lock": 1}\n{"target": "x", "course": "y"}\n{"neither": 1}\n',
            "course.lock:3: neither a target",
        ),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_a_remedy(text: str, says: str) -> None:
    with pytest.raises(LockfileError) as caught:
        parse_lockfile(text)
    assert caught.value.message.startswith(says)
    assert caught.value.hint


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_lockfile(text)
    except LockfileError as error:
        assert error.hint


def test_no_file_is_an_empty_lock(tmp_path: Path) -> None:
    assert load_lockfile(tmp_path) == Lockfile()


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "course.lock").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LockfileError, match="not UTF-8"):
        load_lockfile(tmp_path)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "course.lock").mkdir()
    with pytest.raises(LockfileError, match="cannot be read"):
        load_lockfile(tmp_path)


def test_a_failed_save_keeps_the_old_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    part = LockPart("sandbox", "c", {}, {"a": LockedAsset("a", "0", 1)})
    save_lockfile(Lockfile().with_part(part), tmp_path)
    before = (tmp_path / "course.lock").read_bytes()
    (tmp_path / "course.lock").unlink()
    (tmp_path / "course.lock").mkdir()
    (tmp_path / "course.lock" / "x").write_bytes(before)
    with pytest.raises(LockfileError, match="cannot be written"):
        save_lockfile(Lockfile(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["course.lock"]


@given(st.dictionaries(names, st.integers() | st.text() | st.none() | st.lists(st.integers())))
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, object]) -> None:
    assert digest(dict(reversed(list(value.items())))) == digest(value)  # type: ignore[arg-type]


def test_a_null_and_an_empty_text_are_the_default() -> None:
    key = BlockKey("html", "a")
    assert wanted_state(Block(key, {"start": None}, "")) == wanted_state(Block(key))
