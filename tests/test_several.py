"""Several courses in one push: side by side, each exactly as its source says, one's failure its own, limits held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from authoring.cli import main
from authoring.client import Limits
from authoring.sandbox import Fault, FaultKind, SandboxServer
from tests.conftest import write_tree
from tests.desk import Desk, differences


def course(folder: Path, number: int) -> Path:
    return write_tree(
        folder,
        {
            "course.yaml": f"org: DemoX\nnumber: N{number}\nrun: r\ntitle: Course {number}\n",
            "01-a/01-b/01-c.md": f"Words of course {number}.\n\n:::problem {{#p}}\n>>1 + {number}?<<\n\n= {number + 1}\n:::\n",
        },
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        yield server


@pytest.fixture
def desks(tmp_path: Path, server: SandboxServer) -> list[Desk]:
    return [Desk(course(tmp_path / f"course-{number}", number), server) for number in range(1, 6)]


def push(desks: list[Desk], *options: str) -> Result:
    folders = [str(desk.folder) for desk in desks]
    result = CliRunner(env=desks[0].environ).invoke(main, ["push", *folders, *options])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def report(desks: list[Desk], *options: str) -> list[dict[str, Any]]:
    rows = json.loads(push(desks, "--json", *options).stdout)["courses"]
    assert isinstance(rows, list)
    return rows


def test_each_is_as_its_source_says_and_a_second_push_writes_nothing(desks: list[Desk], server: SandboxServer) -> None:
    rows = report(desks, "--jobs", "5")
    assert [row["exit_code"] for row in rows] == [0] * 5
    assert [row["folder"] for row in rows] == [str(desk.folder) for desk in desks]
    assert [differences(desk) for desk in desks] == [[]] * 5
    server.clear_log()
    result = push(desks)
    assert result.exit_code == 0 and "5 of 5 courses" in result.stdout
    assert {request.kind for request in server.requests} <= {"read", "login"}


def test_the_failure_of_one_leaves_the_others_alone(desks: list[Desk]) -> None:
    (desks[1].folder / "course.yaml").write_text("org: DemoX\nnumber: [\n", "utf-8")
    (desks[3].folder / "01-a/01-b/01-c.md").write_text("[nowhere](gone.md)\n", "utf-8")
    rows = report(desks)
    assert [row["exit_code"] for row in rows] == [0, 1, 0, 1, 0]
    assert rows[3]["diagnostics"][0]["path"] == "01-a/01-b/01-c.md"
    assert [differences(desks[number]) for number in (0, 2, 4)] == [[]] * 3
    result = push(desks)
    assert result.exit_code == 1
    assert f"{desks[1].folder}: FAILED" in result.stdout and "3 of 5 courses" in result.stdout


def test_a_fault_stops_one_and_the_next_push_completes_it(desks: list[Desk], server: SandboxServer) -> None:
    server.faults.add(Fault(FaultKind.UNAUTHORIZED, "create", path="xblock", times=2))
    rows = report(desks)
    assert all(row["exit_code"] in (0, 3, 4) for row in rows)
    assert [row["exit_code"] for row in report(desks)] == [0] * 5
    assert [differences(desk) for desk in desks] == [[]] * 5


def test_consent_is_asked_for_each(desks: list[Desk], server: SandboxServer) -> None:
    push(desks)
    (desks[2].folder / "course.lock").unlink()
    desks[2].edit("01-a/01-b/01-c.md", "Words", "Other words")
    (row,) = [row for row in report(desks) if row["exit_code"]]
    assert row["folder"] == str(desks[2].folder) and row["exit_code"] == 7


def test_the_same_folder_twice_is_a_mistake(desks: list[Desk]) -> None:
    assert push([desks[0], desks[0]]).exit_code == 2
    assert push(desks, "--plan", "x.json").exit_code == 2


def test_limits_are_shared() -> None:
    """Evenly spaced on a clock that only waiting moves, and never more under way than allowed."""
    now, under_way, most = 0.0, 0, 0
    begun: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        now = max(now, now + seconds)

    limits = Limits(10, 3, clock=lambda: now, sleep=sleep)
    for _ in range(20):
        with limits.slot():
            begun.append(now)
    gaps = [round(after - before, 6) for before, after in pairwise(begun)]
    assert all(gap >= 0.099 for gap in gaps)

    shared = Limits(None, 3)

    def ask() -> None:
        nonlocal under_way, most
        for _ in range(50):
            with shared.slot():
                under_way += 1
                most = max(most, under_way)
                under_way -= 1

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most <= 3
