"""A rerun interrupted everywhere: every way to die and every fault, at every call; then the same command makes it good.

The copy, the files that it lacks, the run's own dates, and blocks that the source got since it was pushed: after the
interruption and one more call there is one new course, draft and published exactly as the folder says, the old one is as it
was, and a third call writes nothing. Cases, disks and samples are those of `tests.test_photographs`; a *slow* setting has a
platform that copies in the background.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from authoring.keys import block_id
from authoring.lockfile import LockPart, load_lockfile
from authoring.model import Course
from authoring.olx.reader import without_pointers
from authoring.sandbox import DOCUMENTED, OBSERVED, SandboxServer
from authoring.session import load_course
from tests import counting
from tests.conftest import write_tree
from tests.crashing import CrashDesk, Moment, Photo, Wire, photograph, wrongs
from tests.test_photographs import (
    CRASHES,
    DISKS,
    FAULTS,
    FIRST,
    NOT_WITH_A_TOKEN,
    SAYS,
    SECRETS,
    Setting,
    disk_of,
    edit,
    lesson,
    sample,
    strike_at,
)

SAMPLE = int(os.environ.get("AUTHORING_SAMPLE", "4"))
"""Cases of each setting and kind that run by default."""
RUN = "2028_T1"
RERUN = ("--run", RUN, "--start", "2028-01-10")
SOURCE, TARGET = "course-v1:DemoX+X1+r", f"course-v1:DemoX+X1+{RUN}"

SETTINGS = (
    (Setting("ibl", DOCUMENTED), 0.0),
    (Setting("ibl", OBSERVED), 0.03),
    (Setting("ibl", DOCUMENTED, session=False), 0.0),
    (Setting("studio", DOCUMENTED), 0.03),
    (Setting("studio", OBSERVED), 0.0),
)

counts = counting.cases["reruns interrupted"]
stops = counting.cases["reruns interrupted: of these, stopped and said that this login cannot see it"]


class RunDesk(CrashDesk):
    """A desk that looks at the new run."""

    def course(self) -> Course:
        return without_pointers(load_course(self.folder, RUN)[0])

    def part(self) -> LockPart:
        (part,) = (one for (_, key), one in load_lockfile(self.folder).parts.items() if key == TARGET)
        return part


@dataclass
class Stage:
    setting: Setting
    desk: RunDesk
    wire: Wire
    start: Photo
    source: dict[str, Any]
    moments: list[Moment]
    calls: int


@pytest.fixture(scope="module", params=SETTINGS, ids=lambda one: f"{one[0]}{'-slow' if one[1] else ''}")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    setting, seconds = request.param
    home = tmp_path_factory.mktemp("reruns")
    database, folder = home / "platform.sqlite3", home / "course"
    with (
        pytest.MonkeyPatch.context() as patch,
        SandboxServer(database, replace(setting.profile, rerun_seconds=seconds)) as server,
    ):
        patch.setattr("authoring.copying.PAUSES", (0.01, 0.02, 0.03))
        write_tree(
            folder, {path: text for path, text in FIRST.items() if setting.session or path not in NOT_WITH_A_TOKEN}
        )
        write_tree(folder, {"01-start/02-second/subsection.yaml": "due: week 11 Sunday\n"})
        edit(
            folder / "01-start/01-first/subsection.yaml",
            "title: First steps\n",
            "title: First steps\ndue: 2027-01-31\n",
        )
        if not setting.session:
            edit(folder / "01-start/01-first/01-hello.md", "![A chart](../../static/chart.png)\n\n", "")
            edit(folder / "course.yaml", "team: {ada@example.org: staff}\n", "")
        (folder / "static").mkdir(exist_ok=True)
        lesson(folder, "<p>A lesson.</p>")
        desk = RunDesk(folder, server, setting.dialect, setting.session, secrets=SECRETS, database=database)
        wire = Wire(patch)
        desk.push("--publish")
        # What the source got since: the new run has it, the old one does not.
        write_tree(folder, {"02-next/01-then/01-new.md": "New words.\n\n:::done {#three}\n:::\n"})
        edit(folder / "01-start/01-first/02-more.md", "max_attempts: 2\n", "weight: 3\n")
        hello = folder / "01-start/01-first/01-hello.md"
        if setting.session:
            edit(hello, "Welcome to", "Before.\n\n:::done {#zero}\n:::\n\nWelcome again to")
        else:  # a token alone cannot put it in front
            edit(hello, ":::done {#two}\n:::\n", ":::done {#two}\n:::\n\n:::done {#zero}\n:::\n")
        source = server.snapshot(SOURCE)
        start = desk.photo()
        server.clear_log()
        moments = photograph(desk, wire, lambda: desk.report("rerun", *RERUN))
        made = Stage(setting, desk, wire, start, source, moments, len(server.requests))
        assert found_wrong(made) == []
        yield made


def found_wrong(stage: Stage) -> list[str]:
    """What is not as it should be after a rerun that is complete."""
    desk = stage.desk
    found = wrongs(desk)
    if sorted(desk.server.courses()) != sorted([SOURCE, TARGET]):
        found.append(f"courses: {desk.server.courses()}")
    if desk.server.snapshot(SOURCE) != stage.source:
        found.append("the old run was changed")
    old, new = (ids_below(desk.server.snapshot(key)["draft"]) for key in (SOURCE, TARGET))
    if not old <= new:
        found.append(f"blocks that are not the old run's: {old - new}")
    desk.server.clear_log()
    again = desk.report("rerun", "--run", RUN, code=None)
    if again.get("operations") != [] or desk.writes():
        found.append(f"the next call is not empty: {again}")
    return found


def ids_below(node: dict[str, Any]) -> set[str]:
    return {block_id(node["usage"])}.union(*map(ids_below, node["children"]))


def recover(stage: Stage, label: str) -> str | None:
    """The same command again, without a fault; what is wrong then."""
    desk = stage.desk
    desk.server.clear_log()
    result = desk.run("rerun", *RERUN, code=None)
    if result.exit_code == 7 and not stage.setting.session and SAYS.search(result.output):
        stops["exit 7"] += 1
        return None
    if result.exit_code:
        return f"{label}: exit {result.exit_code}: {result.output.strip()[-600:]}"
    found = found_wrong(stage)
    return f"{label}: {found}" if found else None


def test_a_killed_process(stage: Stage) -> None:
    cases = [
        (crash, disk, str(number))
        for number in range(len(stage.moments))
        for crash in CRASHES
        for disk in DISKS
        if not (disk == "lost" and crash == "before record")  # the same as before the reply
    ]
    failures: list[str] = []
    for crash, disk, number in sample(cases, f"{stage.setting} rerun killed", SAMPLE):
        moment = stage.moments[int(number)]
        assert moment.after is not None
        platform = moment.before if crash == "before send" else moment.after
        found = moment.after if crash == "before record" else moment.before
        stage.desk.put_back(platform, files=disk_of(stage.start, found, disk))
        counts[f"killed {crash}"] += 1
        label = f"{stage.setting}: killed {crash} of write {number} ({moment.method} {moment.path}), disk {disk}"
        failures += filter(None, [recover(stage, label)])
    assert not failures, f"{len(failures)} failures\n" + "\n".join(failures[:12])


@pytest.mark.parametrize("lasting", [False, True], ids=["passing", "outage"])
def test_a_fault(stage: Stage, lasting: bool) -> None:
    desk = stage.desk
    cases = [
        (name, disk, str(number))
        for name in FAULTS
        for number in range(stage.calls)
        for disk in (("kept", "lost") if lasting else ("kept",))
    ]
    failures: list[str] = []
    for name, disk, number in sample(cases, f"{stage.setting} rerun {lasting}", SAMPLE):
        desk.put_back(stage.start)
        strike_at(desk, stage.wire, name, int(number), lasting=lasting)
        result = desk.run("rerun", *RERUN, "--copy-wait", "2", code=None)
        desk.server.faults.clear()
        stage.wire.after = None
        counts[name] += 1
        label = f"{stage.setting}: {name} at call {number}{' and an outage' if lasting else ''}, disk {disk}"
        if result.exit_code not in (0, 3, 4) or "Traceback" in result.output:
            failures.append(f"{label}: exit {result.exit_code} {result.output[-500:]}")
        if disk != "kept":
            desk.put_back(desk.photo(), files=disk_of(stage.start, desk.photo(), disk))
        failures += filter(None, [recover(stage, label)])
    assert not failures, f"{len(failures)} failures\n" + "\n".join(failures[:12])
