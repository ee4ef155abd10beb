"""Two writers: of this machine, where one waits or is refused; and on the platform, where the loser's write is dropped with a 200."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest

from authoring.sandbox import DOCUMENTED, OBSERVED, SandboxServer
from tests.conftest import write_tree
from tests.desk import Desk, differences
from tests.studio import Studio

UNITS = 12
FILES: dict[str, str | bytes] = {
    "course.yaml": "org: DemoX\nnumber: V1\nrun: r\ntitle: Rivals\n",
    **{
        f"01-a/01-b/{n:02}-u{n}.md": f"---\ntitle: Unit {n}\n---\nWords {n}.\n\n:::problem {{#p{n}}}\n>>1 + {n}?<<\n\n= {n + 1}\n:::\n"
        for n in range(1, UNITS + 1)
    },
}


@pytest.fixture(params=["ibl", "studio"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    folder = write_tree(tmp_path / "course", dict(FILES))
    profile = replace(OBSERVED if request.param == "studio" else DOCUMENTED, collisions_lose=True)
    with SandboxServer(tmp_path / "sandbox.sqlite3", profile) as server:
        yield Desk(folder, server, request.param)


def start(desk: Desk, *options: str, limit: int | None = None) -> subprocess.Popen[str]:
    """A push in a process of its own; with a `limit` no file of it can grow beyond so many bytes."""

    def prepare() -> None:
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, "-m", "authoring", "push", str(desk.folder), "--json", *options],
        env={**os.environ, **desk.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,
    )


def test_two_pushes_of_one_course_are_never_interleaved(desk: Desk) -> None:
    desk.server.faults.latency = 0.02
    first, second = start(desk), start(desk)
    told = [process.communicate(timeout=120) for process in (first, second)]
    desk.server.faults.latency = 0.0
    codes = sorted(process.returncode for process in (first, second))
    assert codes in ([0, 6], [0, 0]), told
    if codes == [0, 6]:
        refused = told[0] if first.returncode == 6 else told[1]
        error = json.loads(refused[0])["error"]
        assert "another `authoring` works on this course" in error["message"] and "--wait" in error["hint"]
    assert differences(desk) == []
    assert desk.push()["operations"] == []


def test_the_second_push_can_wait(desk: Desk) -> None:
    desk.server.faults.latency = 0.02
    both = [start(desk, "--wait", "60") for _ in range(2)]
    told = [process.communicate(timeout=120) for process in both]
    desk.server.faults.latency = 0.0
    assert [process.returncode for process in both] == [0, 0], told
    assert differences(desk) == []
    operations = sorted(len(json.loads(out)["operations"]) for out, _ in told)
    assert operations[0] == 0, "the second found nothing left to do"


def test_with_a_rival_writing_all_the_time_the_end_is_right(desk: Desk) -> None:
    """The platform drops the write that ends second and answers success (Open edX: `update_course_index`)."""
    desk.push()
    studio = Studio(desk.server)
    part = desk.part()
    theirs = next(entry.usage_key for key, entry in part.entries.items() if str(key) == "problem/p1")
    for number in range(2, UNITS + 1):
        desk.edit(f"01-a/01-b/{number:02}-u{number}.md", f"Words {number}.", f"Other words {number}.")
    stop = Event()

    def write() -> None:
        attempts = 1
        while not stop.is_set():
            attempts = attempts % 9 + 1
            studio.http.post(f"/xblock/{theirs}", json={"metadata": {"max_attempts": attempts}})

    rival = Thread(target=write)
    with closing(studio.http):
        rival.start()
        try:
            reports = [json.loads(desk.run("push", "--json", code=None).stdout) for _ in range(3)]
        finally:
            stop.set()
            rival.join()
    assert any(report.get("resent") or report.get("operations") for report in reports)
    desk.push()
    mine = [row for row in differences(desk) if "problem/p1" not in row]
    assert mine == []
    drift = desk.report("drift")
    assert {row["block"] for row in drift["taken"]} <= {"problem/p1"}, "the rival's own block is theirs"


@pytest.mark.parametrize("limit", [4096, 30_000])
def test_a_full_disk_is_said_and_nothing_is_lost(desk: Desk, limit: int) -> None:
    process = start(desk, limit=limit)
    out, err = process.communicate(timeout=120)
    assert process.returncode != 0, out
    assert "Traceback" not in err, err
    assert "error" in json.loads(out)
    for _ in range(3):
        result = desk.run("push", code=None)
        if result.exit_code == 0:
            break
    assert result.exit_code == 0, result.output
    assert differences(desk) == []


def test_a_folder_that_cannot_be_written(desk: Desk) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    desk.folder.chmod(0o555)
    try:
        result = desk.run("push", code=None)
    finally:
        desk.folder.chmod(0o755)
    assert result.exit_code != 0 and "cannot be" in result.stderr
    assert desk.writes() == []
