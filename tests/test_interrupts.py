"""Real processes: Ctrl-C and SIGTERM, kill -9 at a call, two pushes at once, a disk that is full."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from authoring.lockfile import load_lockfile
from authoring.sandbox import OBSERVED, Fault, FaultKind, SandboxServer
from tests.conftest import write_tree
from tests.desk import Desk, differences, ids_of
from tests.studio import Studio
from tests.test_main_job import FILES
from tests.test_pull import FILES as PULLED
from tests.test_pull import (
    Bench,
    add_section,
    delete_component,
    move_unit,
    reorder_sections,
    rewrite_paragraph,
)

pytestmark = pytest.mark.kills


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        yield Desk(write_tree(tmp_path / "course", FILES), server)


def start(desk: Desk, *args: str, file_size: int | None = None) -> subprocess.Popen[str]:
    """`authoring push` as a process of its own; `file_size` is the longest file in bytes that it may write."""
    return subprocess.Popen(
        [sys.executable, "-m", "authoring", "push", str(desk.folder), "--publish", *args],
        env={**os.environ, **desk.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=None
        if file_size is None
        else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size)),
    )


def writes(desk: Desk) -> int:
    return sum(request.kind not in ("read", "login") for request in desk.server.requests)


def wait_for_writes(desk: Desk, number: int, process: subprocess.Popen[str]) -> None:
    while writes(desk) < number:
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)


def assert_made_good(desk: Desk) -> None:
    desk.server.faults.clear()
    desk.push("--publish")
    assert differences(desk) == []
    assert differences(desk, "published") == []
    ids = ids_of(desk.live()["draft"])
    assert len(ids) == len(set(ids))
    assert desk.push("--publish")["operations"] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_call_in_flight_end_and_stops(desk: Desk, number: signal.Signals) -> None:
    desk.server.faults.latency = 0.15
    with start(desk, "--json") as process:
        wait_for_writes(desk, 4, process)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert "the call in flight is finished first" in err
    assert "Traceback" not in err
    error = json.loads(out)["error"]
    assert (error["kind"], error["exit_code"]) == ("InterruptedRunError", 128 + number)
    made = ids_of(desk.live()["draft"])
    (part,) = load_lockfile(desk.folder).parts.values()
    assert {entry.usage_key.rpartition("@")[2] for entry in part.entries.values()} >= set(made), "all is recorded"
    assert_made_good(desk)


def test_a_second_signal_stops_at_once(desk: Desk) -> None:
    desk.server.faults.add(Fault(FaultKind.HANG_AFTER, "create", skip=3, seconds=30))
    with start(desk) as process:
        wait_for_writes(desk, 4, process)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in err
    assert_made_good(desk)


@pytest.mark.parametrize("after", [1, 5, 9, 14, 19])
def test_a_process_that_is_killed_at_a_call(desk: Desk, after: int) -> None:
    """The real thing beside the photographs of `tests.test_photographs`: killed while that call has no answer yet."""
    desk.server.faults.clear()
    desk.server.faults.latency = 0.03
    with start(desk) as process:
        wait_for_writes(desk, after, process)
        process.kill()
    assert_made_good(desk)


@pytest.mark.parametrize("after", [5, 6, 8, 13])
def test_a_call_that_arrives_when_its_process_is_gone_makes_nothing_twice(desk: Desk, after: int) -> None:
    """The call of the killed process is carried out a second later, when the next push is already there."""
    desk.server.faults.latency = 0.05
    with start(desk) as process:
        wait_for_writes(desk, after, process)
        desk.server.faults.latency = 1.2
        time.sleep(0.2)
        process.kill()
    desk.server.faults.latency = 0
    assert "which may still arrive" in desk.run("push").stderr
    assert_made_good(desk)


def test_two_pushes_at_once_are_one_after_the_other(desk: Desk) -> None:
    desk.server.faults.latency = 1.5
    with start(desk) as first:
        wait_for_writes(desk, 1, first)
        with start(desk) as refused, start(desk, "--wait", "60", "--json") as waiting:
            _, err = refused.communicate(timeout=30)
            assert refused.returncode == 6
            assert "another `authoring` works on this course" in err
            assert f"process {first.pid} on " in err
            assert "authoring push" in err
            desk.server.faults.latency = 0
            out, err = waiting.communicate(timeout=60)
        first.communicate(timeout=60)
    assert (first.returncode, waiting.returncode) == (0, 0), err
    assert json.loads(out)["operations"] == []
    assert_made_good(desk)


def test_a_lock_that_a_killed_process_left_does_not_block(desk: Desk) -> None:
    desk.server.faults.latency = 0.05
    with start(desk) as process:
        wait_for_writes(desk, 2, process)
        process.kill()
    assert (desk.folder / ".authoring/writer.json").exists()
    assert_made_good(desk)


def test_a_full_disk_stops_before_the_next_call(desk: Desk) -> None:
    """Files that may not grow are a disk that is full: said plainly, no traceback, nothing lost or made twice."""
    with start(desk, file_size=40_000) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert "cannot be used" in err or "cannot be written" in err
    assert "free some space" in err
    assert "Traceback" not in err
    assert_made_good(desk)


def test_a_refusal_of_the_first_operation_changed_nothing(desk: Desk) -> None:
    desk.server.faults.add(Fault(FaultKind.LOGIN_REDIRECT, "create", times=100))
    refused = desk.push(code=3)
    assert refused["error"]["message"].startswith("stopped at operation 1 of ")
    assert desk.live()["draft"] is None
    assert_made_good(desk)


def test_a_budget_of_retries_ends_a_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authoring.client.transport.RETRIES", 3)
    monkeypatch.setattr("authoring.applier.PAUSES", (0.0, 0.0, 0.0))
    desk.server.faults.add(Fault(FaultKind.THROTTLED, "update", times=100, seconds=0))
    stopped = desk.push(code=4)
    assert "the run has used up its retries" in stopped["error"]["message"]
    assert desk.writes().count("update") == 4
    assert_made_good(desk)


def test_a_component_deleted_in_studio_and_then_edited(tmp_path: Path) -> None:
    """The outline of stock Open edX ends at units: the component is read before it is updated."""
    with SandboxServer(tmp_path / "sandbox.sqlite3", OBSERVED) as server:
        desk = Desk(write_tree(tmp_path / "course", FILES), server, "studio")
        desk.push("--publish")
        (problem,) = [entry for key, entry in desk.part().entries.items() if str(key) == "problem/check"]
        studio_delete(desk, problem.usage_key)
        desk.edit("01-start/01-first/02-more.md", "max_attempts: 2", "max_attempts: 3")
        report = desk.push("--publish")
        assert [row["kind"] for row in report["notices"] if row["kind"] == "deleted-on-platform"]
        desk.push("--publish", "--restore")
        assert differences(desk) == []
        assert differences(desk, "published") == []
        assert desk.push("--publish")["operations"] == []


def studio_delete(desk: Desk, usage_key: str) -> None:
    url = desk.server.url
    with httpx.Client(cookies={"studio_session_id": "sandbox", "csrftoken": "sandbox"}) as http:
        headers = {"X-CSRFToken": "sandbox", "Origin": url, "Referer": f"{url}/"}
        assert http.delete(f"{url}/xblock/{usage_key}", headers=headers).status_code < 300


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_waiting_for_a_copy(tmp_path: Path, number: signal.Signals) -> None:
    with SandboxServer(tmp_path / "sandbox.sqlite3", replace(OBSERVED, rerun_seconds=3600.0)) as server:
        desk = Desk(write_tree(tmp_path / "course", FILES), server)
        desk.push("--publish")
        server.clear_log()
        command = ["rerun", str(desk.folder), "--run", "next", "--start", "2027-01-11", "--copy-wait", "30", "--json"]
        with subprocess.Popen(
            [sys.executable, "-m", "authoring", *command],
            env={**os.environ, **desk.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            wait_for_writes(desk, 1, process)
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
        assert process.returncode == 128 + number
        assert "Traceback" not in err
        assert "the platform copies" in json.loads(out)["error"]["message"]
        assert writes(desk) == 1
        assert not desk.report("rerun", "--run", "next", "--copy-wait", "0", code=4).get("copied")
        assert writes(desk) == 1, "it is not asked for twice"


DYING = """
import os, signal, sys
left, done = int(sys.argv[1]), 0

def dying(real):
    def call(*args, **more):
        global done
        if done == left:
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1
        return real(*args, **more)
    return call

for name in ("rename", "replace", "rmdir"):
    setattr(os, name, dying(getattr(os, name)))
from authoring.cli import main
try:
    main(sys.argv[2:])
finally:
    print(done, file=sys.stderr)
"""
"""`authoring …` as a process that is killed before the n-th time that it renames or removes something."""


def dying_pull(desk: Desk, number: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", DYING, str(number), "pull", str(desk.folder)]
    return subprocess.run(command, env={**os.environ, **desk.environ}, capture_output=True, text=True, check=False)


def course_files(folder: Path) -> dict[str, bytes | None]:
    """Every file by path, None for a folder; what is this machine's alone left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if ".authoring" not in path.parts
    }


def test_a_pull_that_is_killed_while_it_writes(tmp_path: Path) -> None:
    """Killed before each of some renames: the next command undoes or ends it, and then all is as without the kill."""
    folder = write_tree(tmp_path / "course", dict(PULLED))
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        desk = Desk(folder, server)
        desk.push()
        studio = Studio(server)
        with closing(studio.http):
            bench = Bench(desk, studio)
            for edit in (rewrite_paragraph, move_unit, delete_component, reorder_sections, add_section):
                edit(bench)
        start = shutil.copytree(folder, tmp_path / "start")
        whole = dying_pull(desk, 10**6)
        assert whole.returncode == 0, whole.stderr
        total = int(whole.stderr.split()[-1])
        expected = course_files(folder)
        assert total > 12
        for number in sorted({*range(0, total, total // 8), total - 3, total - 2, total - 1}):
            shutil.rmtree(folder)
            shutil.copytree(start, folder)
            assert dying_pull(desk, number).returncode == -signal.SIGKILL
            desk.run("status")
            assert not list(folder.glob(".writeback*")), number
            assert {path.rpartition("/")[2] for path in course_files(folder)} <= {
                *(path.rpartition("/")[2] for path in (*course_files(start), *expected))
            }
            assert desk.report("pull")["conflicts"] == []
            assert course_files(folder) == expected, number
            assert desk.push()["operations"] == []
