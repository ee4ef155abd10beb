"""Exactly once, case by case: at every write of a push, every way to fail, with the journal kept and with the journal lost.

After the failure the same command runs again without faults, until it says that it is done; then the live course, draft and published,
must be the source exactly: nothing missing, nothing twice, nothing left over, and the next push empty.

A *kill* is a child process that ends without another instruction of Python, before a write is sent or after its answer came and
before anything was recorded of it. *Journal lost*: `.authoring/` is removed and `course.lock` is as before the run, as on the next
machine of a CI. AUTHORING_FULL=1 runs every case; else every n-th, another n for each setting.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from authoring.cli import main
from authoring.sandbox import Fault, FaultKind
from tests import counting
from tests.test_faults import (
    FAULTS,
    PUSH,
    RUNS,
    SETTINGS,
    FaultDesk,
    Setting,
    assert_exact,
    assert_lock_is_valid,
    name_of,
    no_pauses,
    open_desk,
    running,
    writes_of,
)

__all__ = ["no_pauses", "running"]  # fixtures, used by every test here

cases = counting.cases["killed processes and lost machines"]
FULL = os.environ.get("AUTHORING_FULL") == "1"
STRIDE = 1 if FULL else 41
KILLED = 9
each_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: f"{setting[0]}-{setting[1].name}")
each_push = pytest.mark.parametrize("push", ["first", "update"])
each_loss = pytest.mark.parametrize("lost", [False, True], ids=["journal kept", "journal lost"])


def chosen(total: int, turn: int) -> Iterator[int]:
    """The cases of a test that are run."""
    yield from range(turn % min(STRIDE, total), total, STRIDE)


def lose_journal(desk: FaultDesk, lock: bytes | None) -> None:
    shutil.rmtree(desk.folder / ".authoring", ignore_errors=True)
    file = desk.folder / "course.lock"
    if lock is None:
        file.unlink(missing_ok=True)
    else:
        file.write_bytes(lock)


def lock_of(desk: FaultDesk) -> bytes | None:
    file = desk.folder / "course.lock"
    return file.read_bytes() if file.exists() else None


def recover(desk: FaultDesk, label: str) -> None:
    """Push until it is done; then all is exact."""
    for _ in range(RUNS):
        result = desk.run("push", *PUSH, code=None)
        assert_lock_is_valid(desk)
        if result.exit_code == 0:
            break
    assert result.exit_code == 0, f"{label}: {result.output}"
    try:
        assert_exact(desk)
    except AssertionError as error:
        raise AssertionError(f"{label}: {error}") from error


# --- a process that is killed


def push_in_a_child(desk: FaultDesk, *, write: int, after: bool) -> int:
    """Push in a child process that is gone at its n-th write, before it is sent or after its answer; its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        seen = -1
        request: Callable[..., httpx.Response] = httpx.Client.request

        def dying(self: httpx.Client, method: str, url: object, **more: object) -> httpx.Response:
            nonlocal seen
            is_write = method != "GET" and "access_token" not in str(url)
            seen += is_write
            if is_write and seen == write and not after:
                os._exit(KILLED)
            response = request(self, method, url, **more)
            if is_write and seen == write:
                os._exit(KILLED)
            return response

        httpx.Client.request = dying  # type: ignore[method-assign,assignment]  # in this process alone, which ends here
        result = CliRunner(env=desk.environ).invoke(main, ["push", str(desk.folder), *PUSH])
        os._exit(result.exit_code)
    finally:
        os._exit(99)


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@each_loss
@pytest.mark.parametrize("after", [False, True], ids=["before it is sent", "after its answer"])
@each_push
@each_setting
def test_a_kill_at_a_write(setting: Setting, push: str, after: bool, lost: bool, tmp_path: Path) -> None:
    total = len(writes_of(setting, push, tmp_path / "clean"))
    turn = SETTINGS.index(setting) * 8 + after * 4 + lost * 2 + (push == "first")
    for number in chosen(total, turn * 3):
        label = f"killed {'after' if after else 'before'} write {number} of {total}"
        desk = open_desk(setting, tmp_path / "course", push, f"k{after}{lost}{number}")
        lock = lock_of(desk)
        assert push_in_a_child(desk, write=number, after=after) == KILLED, label
        if lost:
            lose_journal(desk, lock)
        cases[f"killed {'after' if after else 'before'}{', journal lost' if lost else ''}"] += 1
        recover(desk, label)


# --- a platform that fails, and then a machine that is lost


SUDDEN = [fault for fault in FAULTS if fault.kind is not FaultKind.DISCARDED]


@pytest.mark.parametrize("fault", SUDDEN, ids=name_of)
@each_push
@each_setting
def test_a_fault_at_a_write_and_the_machine_is_lost(
    setting: Setting, fault: Fault, push: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run with the fault tries once and gives up, as one whose time is over; the next one knows nothing of it."""
    monkeypatch.setattr("authoring.applier.PAUSES", (0.0,))
    kinds = writes_of(setting, push, tmp_path / "clean")
    turn = SUDDEN.index(fault) * 5 + SETTINGS.index(setting) * 2 + (push == "first")
    for number in chosen(len(kinds), turn * 7):
        kind = kinds[number]
        label = f"{name_of(fault)} at write {number} ({kind}) of {len(kinds)}, journal lost"
        desk = open_desk(setting, tmp_path / "course", push, f"l{name_of(fault)}{number}")
        lock = lock_of(desk)
        if fault.kind is FaultKind.HANG_AFTER:
            desk.configure(0.25)
        skip = kinds[:number].count(kind)
        # Everything after it fails as well, so that the run stops where it is.
        desk.server.faults.add(Fault(fault.kind, kind, skip=skip, times=1, status=fault.status, seconds=fault.seconds))
        desk.server.faults.add(Fault(FaultKind.ERROR_BEFORE, "read", skip=30, times=500, status=503))
        with suppress(AssertionError):
            desk.run("push", *PUSH, code=None)
        desk.server.faults.clear()
        (desk.folder / "authoring.toml").unlink(missing_ok=True)
        lose_journal(desk, lock)
        cases[f"{name_of(fault)}, journal lost"] += 1
        recover(desk, label)
