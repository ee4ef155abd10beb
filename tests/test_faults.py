"""What networks and busy servers do, at every write of a push: the next push, or the one after it, makes it good.

For each fault, at each write call of a first push and of an update push, in each dialect and temper: the push runs into
the fault, then runs again without one. At the end the live course is what the source says, nothing twice and nothing
left over; after each run the lock file is valid. By default each fault meets a sample of the calls, so that all calls
are met; with `AUTHORING_FULL=1` in the environment each fault meets each call.

Left out: updates that the platform takes and silently loses. Nothing is read back after an update, so that a run cannot
know of it. So with components. A section, subsection or unit that is lost so is missed by the next plan, and `--restore`
(for the course `--recreate`) makes it anew.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from authoring.lockfile import load_lockfile
from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, Profile, SandboxServer
from tests import counting
from tests.conftest import write_tree
from tests.desk import Desk, differences, ids_of
from tests.test_main_job import PNG

FULL = os.environ.get("AUTHORING_FULL") == "1"
PASSPORT = {"TOOL_KEY": "tool-key-1", "TOOL_SECRET": "tool-secret-1"}
RUNS = 4
"""At most so many pushes without a fault until all is as it should be."""

FIRST: Mapping[str, str | bytes] = {
    "course.yaml": "org: DemoX\nnumber: DS101\nrun: {run}\ndisplay_name: Data\nstart: 2027-01-11\n"
    "lti_passports:\n  tool: {key_env: TOOL_KEY, secret_env: TOOL_SECRET}\n"
    "grading:\n  assignment_types:\n    - {type: Homework, short_label: HW, weight: 100%, min_count: 1, drop_count: 0}\n"
    "  cutoffs: {Pass: 0.6}\n",
    "static/chart.png": PNG,
    "about/overview.md": "What you will learn.\n",
    "pages/faq.md": "---\ntitle: Questions\n---\nAsk.\n",
    "01-start/section.yaml": "title: Start here\n",
    "01-start/01-first/subsection.yaml": "title: First steps\n",
    "01-start/01-first/01-hello.md": "---\ntitle: Hello\n---\nWelcome to [the check](02-more.md#check).\n\n"
    "![A chart](../../static/chart.png)\n\n:::done {#one}\n:::\n\n:::done {#two}\n:::\n",
    "01-start/01-first/02-more.md": "---\ntitle: More\n---\n:::problem {#check}\ndisplay_name: Check\nmax_attempts: 2\n"
    "---\n>>What is 1 + 1?<<\n\n( ) 1\n(x) 2\n:::\n\n::::itembank {#bank}\nmax_count: 1\n---\n"
    ":::problem {#bank-a}\n>>1 + 1<<\n\n= 2\n:::\n\n:::problem {#bank-b}\n>>1 + 1<<\n\n= 2\n:::\n::::\n",
    "01-start/02-second/01-last.md": "---\ntitle: Last\n---\nGood bye.\n",
}
"""A course of every shape, with twins: two components that nobody can tell apart but by their number."""


def change(folder: Path) -> None:
    """An update of every shape: texts, fields, a title, a file, a new unit, a moved one, another order, one removed."""
    first = folder / "01-start/01-first"
    edit(first / "01-hello.md", "Welcome to", "Welcome again to")
    edit(first / "02-more.md", "max_attempts: 2\n", "weight: 3\n")
    edit(folder / "01-start/section.yaml", "Start here", "Begin here")
    edit(folder / "about/overview.md", "What", "All that")
    edit(folder / "pages/faq.md", "Ask.", "Ask us.")
    (folder / "static/chart.png").write_bytes(PNG + b"\n")
    write_tree(folder, {"01-start/01-first/01-z-between.md": "In between.\n\n:::done {#three}\n:::\n"})
    (folder / "01-start/02-second/01-last.md").rename(first / "03-last.md")
    write_tree(folder, {"01-start/02-second/01-new.md": "New words.\n"})
    edit(first / "01-hello.md", ":::done {#one}\n:::\n\n:::done {#two}\n:::\n", ":::done {#two}\n:::\n")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} in {file.name}"
    file.write_text(text.replace(old, new), "utf-8")


@dataclass
class FaultDesk(Desk):
    """A desk with the passport's variables and a short time-out."""

    timeout: float = 30.0

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, **PASSPORT}

    def configure(self, seconds: float) -> None:
        settings = f'[targets.here]\ncms_url = "{self.server.url}"\ntimeout = {seconds}\n'
        (self.folder / "authoring.toml").write_text(settings)


Setting = tuple[str, Profile]
SETTINGS: tuple[Setting, ...] = (("ibl", DOCUMENTED), ("ibl", OBSERVED), ("studio", OBSERVED))
FAULTS: tuple[Fault, ...] = (
    Fault(FaultKind.RESET_BEFORE),
    Fault(FaultKind.RESET_AFTER),
    Fault(FaultKind.ERROR_AFTER, status=500),
    Fault(FaultKind.ERROR_AFTER, status=502),
    Fault(FaultKind.ERROR_AFTER, status=504),
    Fault(FaultKind.ERROR_BEFORE, status=500),
    Fault(FaultKind.ERROR_BEFORE, status=503),
    Fault(FaultKind.HANG_AFTER, seconds=2.0),
    Fault(FaultKind.THROTTLED, seconds=0.05),
    Fault(FaultKind.UNAUTHORIZED),
    Fault(FaultKind.LOGIN_REDIRECT),
    Fault(FaultKind.TOKENS_EXPIRED),
    Fault(FaultKind.TRUNCATED),
    Fault(FaultKind.HTML),
    Fault(FaultKind.DISCARDED),
)
PUSH = ("--publish", "--delete-removed")
CONTAINERS = {"first": 7, "update": 2}
"""Push → how many of its creates, which are the first ones, make the course or what its outline lists."""

cases = counting.cases["faults at a write"]
servers: dict[str, SandboxServer] = {}
writes: dict[tuple[str, str, str], list[str]] = {}
"""Dialect, profile, push → the kinds of its writes, in order."""


@pytest.fixture(scope="module", autouse=True)
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One sandbox for each profile; each case is a course of its own in it."""
    home = tmp_path_factory.mktemp("sandboxes")
    with (
        SandboxServer(home / "d.sqlite3", DOCUMENTED) as documented,
        SandboxServer(home / "o.sqlite3", OBSERVED) as seen,
    ):
        servers.update({str(DOCUMENTED.name): documented, str(OBSERVED.name): seen})
        yield


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authoring.applier.PAUSES", (0.0, 0.0, 0.0))


def open_desk(setting: Setting, folder: Path, push: str, number: object = 0) -> FaultDesk:
    """A desk at the point where the push that is to be disturbed comes next."""
    dialect, profile = setting
    run = f"R_{dialect}_{push}_{number}".replace("-", "_")
    server = servers[str(profile.name)]
    shutil.rmtree(folder, ignore_errors=True)
    desk = FaultDesk(write_tree(folder, FIRST), server, dialect)
    edit(folder / "course.yaml", "{run}", run)
    server.faults.clear()
    if push == "update":
        desk.push(*PUSH)
        change(folder)
    server.clear_log()
    return desk


def writes_of(setting: Setting, push: str, folder: Path) -> list[str]:
    dialect, profile = setting
    place = (dialect, str(profile.name), push)
    if place not in writes:
        desk = open_desk(setting, folder, push, f"clean_{profile.name}")
        desk.push(*PUSH)
        writes[place] = desk.writes()
        assert_exact(desk)
    return writes[place]


def assert_exact(desk: Desk) -> None:
    """The live course, draft and published, is what the source says; nothing twice, nothing left over."""
    assert differences(desk) == []
    assert differences(desk, "published") == []
    live = desk.live()
    for branch in ("draft", "published"):
        ids = ids_of(live[branch]) + [node["usage"] for node in live[f"{branch}_detached"]]
        assert len(ids) == len(set(ids))
        assert len([node for node in live[f"{branch}_detached"] if node["category"] == "static_tab"]) == 1
    assert live["draft"]["fields"]["lti_passports"] == [":".join(("tool", *PASSPORT.values()))]
    assert desk.push(*PUSH)["operations"] == []


def assert_lock_is_valid(desk: Desk) -> None:
    for part in load_lockfile(desk.folder).parts.values():
        places = [entry.usage_key for entry in part.entries.values() if entry.usage_key]
        assert len(places) == len(set(places))
        assert all(
            entry.parent is None or entry.parent.category == "course" or entry.parent in part.entries
            for entry in part.entries.values()
        )


def name_of(fault: Fault) -> str:
    return f"{fault.kind}-{fault.status}" if "error" in fault.kind else str(fault.kind)


REFUSALS = (FaultKind.UNAUTHORIZED, FaultKind.LOGIN_REDIRECT, FaultKind.DISCARDED)
SETTLED_AT_ONCE = ("create", "update", "upload", "publish")
"""Kinds of calls whose doubtful outcome the run itself clears up: by looking, or by sending them again."""


def allowed(fault: Fault) -> set[int]:
    """The exit codes that the run with the fault may end with."""
    return {0} if fault.kind not in REFUSALS and fault.call_kind in SETTLED_AT_ONCE else {0, 4}


def disturb(desk: FaultDesk, fault: Fault, label: str) -> None:
    """Push into a fault, then push until it is done: see that all is well."""
    cases[name_of(fault)] += 1
    if fault.kind is FaultKind.HANG_AFTER:
        desk.configure(0.25)
    desk.server.faults.add(fault)
    result = desk.run("push", *PUSH, code=None)
    assert not desk.server.faults.waiting, f"{label}: the fault never struck"
    assert result.exit_code in allowed(fault), f"{label}: {result.output}"
    if result.exit_code:
        assert "Error: " in result.stderr
        assert "hint: " in result.stderr
    assert_lock_is_valid(desk)
    (desk.folder / "authoring.toml").unlink(missing_ok=True)
    again = [*PUSH, "--restore", "--recreate"] if fault.kind is FaultKind.DISCARDED else list(PUSH)
    for _ in range(RUNS):
        result = desk.run("push", *again, code=None)
        assert_lock_is_valid(desk)
        if result.exit_code == 0:
            break
    assert result.exit_code == 0, f"{label}: {result.output}"
    try:
        assert_exact(desk)
    except AssertionError as error:
        raise AssertionError(f"{label}: {error}") from error


@pytest.mark.parametrize("push", ["first", "update"])
@pytest.mark.parametrize("fault", FAULTS, ids=name_of)
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: f"{setting[0]}-{setting[1].name}")
def test_a_fault_at_a_write(setting: Setting, fault: Fault, push: str, tmp_path: Path) -> None:
    kinds = writes_of(setting, push, tmp_path / "clean")
    numbers = list(range(len(kinds)))
    if fault.kind is FaultKind.DISCARDED:
        numbers = [number for number in numbers if kinds[number] == "create"][: CONTAINERS[push]]
    if not FULL:
        turn = FAULTS.index(fault) + len(FAULTS) * SETTINGS.index(setting)
        numbers = [numbers[turn % len(numbers)]]
    for number in numbers:
        kind = kinds[number]
        desk = open_desk(setting, tmp_path / "course", push, f"{name_of(fault)}_{number}")
        skip = kinds[:number].count(kind)
        strike = Fault(fault.kind, kind, skip=skip, status=fault.status, seconds=fault.seconds)
        disturb(desk, strike, f"{name_of(fault)} at write {number} ({kind} {skip + 1}) of {len(kinds)}")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: f"{setting[0]}-{setting[1].name}")
@pytest.mark.parametrize(
    "fault",
    [Fault(FaultKind.RESET_BEFORE), Fault(FaultKind.ERROR_BEFORE, status=503), Fault(FaultKind.LOGIN_REDIRECT)],
    ids=name_of,
)
def test_a_fault_that_lasts(setting: Setting, fault: Fault, tmp_path: Path) -> None:
    """Exit code 3 while nothing could be read, 4 when writing stopped part of the way; nothing is lost by either."""
    desk = open_desk(setting, tmp_path / "course", "first", f"lasting_{setting[1].name}_{fault.kind}")
    desk.server.faults.add(Fault(fault.kind, "read", times=1000, status=fault.status))
    refused = desk.push(*PUSH, code=3)
    assert refused["error"]["hint"]
    assert desk.writes() == []
    desk.server.faults.clear()
    desk.server.faults.add(Fault(fault.kind, "create", skip=9, times=1000, status=fault.status))
    stopped = desk.push(*PUSH, code=4)
    assert stopped["error"]["message"].startswith("stopped at operation ")
    assert_lock_is_valid(desk)
    made = Counter(desk.writes())["create"]
    assert desk.part().entries
    desk.server.faults.clear()
    desk.push(*PUSH)
    assert Counter(desk.writes())["create"] < made + 9
    assert_exact(desk)
    cases["lasting"] += 2


@pytest.mark.kills
@pytest.mark.parametrize("push", ["first", "update"])
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: f"{setting[0]}-{setting[1].name}")
def test_a_killed_process(setting: Setting, push: str, tmp_path: Path) -> None:
    """Kill -9 at any instant, several times over: what comes after goes on from there, exactly."""
    chance = random.Random(f"{setting[0]} {setting[1].name} {push}")
    for number in range(12 if FULL else 1):
        desk = open_desk(setting, tmp_path / "course", push, f"killed_{setting[1].name}_{number}")
        total = len(writes_of(setting, push, tmp_path / "clean"))
        desk.server.clear_log()
        for _ in range(3):
            kill_during_push(desk, after=chance.randrange(1, max(2, total // 3)), then=chance.uniform(0, 0.02))
            assert_lock_is_valid(desk)
            cases["killed"] += 1
        desk.push(*PUSH)
        assert_exact(desk)


def kill_during_push(desk: Desk, *, after: int, then: float) -> None:
    """Start a real process; kill it `then` seconds after so many writes (or let it end, if there are fewer)."""
    desk.server.clear_log()
    command = [sys.executable, "-m", "authoring", "push", str(desk.folder), *PUSH]
    with subprocess.Popen(
        command, env={**os.environ, **desk.environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while (
            process.poll() is None
            and sum(request.kind not in ("read", "login") for request in desk.server.requests) < after
        ):
            time.sleep(0.005)
        time.sleep(then)
        process.send_signal(signal.SIGKILL)
