"""Exactly once, exhaustively: every way to die and every fault, at every call of a push; then one more push makes it good.

The course has every kind of operation: a first push, and a second one after edits that update, move, reorder, add and
delete. Each case runs into one crash or fault and then pushes again without: the live course, draft and published, is the
source exactly, nothing twice and nothing left over, and a push after that is empty. The case is one of

- a setting: dialect, profile, login;
- the first or the second push, and the number of the call in it;
- a crash (see `tests.crashing`) or a fault, passing, or followed by an outage that lasts until the process has ended;
- what the next run finds on disk: everything (`kept`), the lock file without the journal (`no-journal`), or the folder as
  it was checked out before the run, as on another machine or a new CI runner (`lost`).

By default a sample runs: a stride with a fixed seed, so that every crash and fault meets every setting.
`AUTHORING_SAMPLE=N` widens it, `AUTHORING_FULL=1` runs all. How many ran is said at the end.
"""

from __future__ import annotations

import os
import random
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest

from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, Profile
from tests import counting
from tests.conftest import write_tree
from tests.crashing import CrashDesk, Moment, Photo, Wire, bench, photograph, wrongs
from tests.importers.scorm.packages import PAGE, manifest, write_zip
from tests.test_main_job import PNG

FULL = os.environ.get("AUTHORING_FULL") == "1"
SAMPLE = int(os.environ.get("AUTHORING_SAMPLE", "14"))
"""Cases of each setting, push and group that run by default."""
SECRETS = {"TOOL_KEY": "tool-key-1", "TOOL_SECRET": "tool-secret-1"}
PUSH = ("--publish", "--delete-removed")

FIRST: Mapping[str, str | bytes] = {
    "course.yaml": "org: DemoX\nnumber: X1\nrun: r\ndisplay_name: Data\nstart: 2027-01-11\n"
    "team: {ada@example.org: staff}\npdf_textbooks: [{tab_title: Book, chapters: [{title: One, url: /static/one.pdf}]}]\n"
    "lti_passports:\n  tool: {key_env: TOOL_KEY, secret_env: TOOL_SECRET}\n"
    "grading:\n  assignment_types:\n    - {type: Homework, short_label: HW, weight: 100%, min_count: 1, drop_count: 0}\n"
    "  cutoffs: {Pass: 0.6}\n",
    "static/chart.png": PNG,
    "about/overview.md": "What you will learn.\n",
    "pages/faq.md": "---\ntitle: Questions\n---\nAsk.\n",
    "handouts.md": "Read.\n",
    "pages/links.md": "---\ntitle: Links\n---\nLook.\n",
    "updates/2027-01-11-open.md": "[Begin](../01-start/01-first/01-hello.md).\n",
    "01-start/section.yaml": "title: Start here\n",
    "01-start/01-first/subsection.yaml": "title: First steps\n",
    "01-start/01-first/01-hello.md": "---\ntitle: Hello\n---\nWelcome to [the check](02-more.md#check).\n\n"
    "![A chart](../../static/chart.png)\n\n:::done {#one}\n:::\n\n:::done {#two}\n:::\n",
    "01-start/01-first/02-more.md": "---\ntitle: More\n---\n:::problem {#check}\ndisplay_name: Check\nmax_attempts: 2\n"
    "---\n>>What is 1 + 1?<<\n\n( ) 1\n(x) 2\n:::\n\n::::itembank {#bank}\nmax_count: 1\n---\n"
    ":::problem {#bank-a}\n>>1 + 1<<\n\n= 2\n:::\n\n:::problem {#bank-b}\n>>1 + 1<<\n\n= 2\n:::\n::::\n",
    "01-start/02-second/01-last.md": "---\ntitle: Last\n---\nGood bye.\n\n:::scorm {#pack}\nfile: ../../static/lesson.zip\n"
    "title: Lesson\n:::\n",
}
"""A course of every shape, with twins that nobody can tell apart but by their order."""

NOT_WITH_A_TOKEN = ("static/chart.png", "pages/faq.md", "pages/links.md", "handouts.md", "updates/2027-01-11-open.md")
"""What an OAuth client alone cannot send."""


def second(folder: Path, *, session: bool) -> None:
    """Edits of every kind: texts, fields, titles, files; something new; with a session also moves, orders and removals."""
    first = folder / "01-start/01-first"
    edit(first / "01-hello.md", "Welcome to", "Welcome again to")
    edit(first / "02-more.md", "max_attempts: 2\n", "weight: 3\n")
    edit(folder / "01-start/section.yaml", "Start here", "Begin here")
    edit(folder / "about/overview.md", "What", "All that")
    write_tree(folder, {"02-next/01-then/01-new.md": "New words.\n\n:::done {#three}\n:::\n"})
    lesson(folder, PAGE + "\n<!-- another -->")
    if session:
        edit(folder / "pages/faq.md", "Ask.", "Ask us.")
        (folder / "pages/links.md").rename(folder / "pages/01-links.md")
        edit(folder / "updates/2027-01-11-open.md", "Begin", "Begin here")
        write_tree(
            folder,
            {"updates/2027-01-12.md": "News.\n", "updates/2027-01-12-twin.md": "---\ndate: 2027-01-12\n---\nNews.\n"},
        )
        edit(
            folder / "course.yaml",
            "team: {ada@example.org: staff}",
            "team: {ada@example.org: none, bob@example.org: instructor}",
        )
        edit(folder / "course.yaml", "tab_title: Book", "tab_title: Our book")
        edit(folder / "handouts.md", "Read.", "Read all.")
        (folder / "static/chart.png").write_bytes(PNG + b"\n")
        edit(first / "01-hello.md", ":::done {#one}\n:::\n\n:::done {#two}\n:::\n", ":::done {#two}\n:::\n")
        write_tree(folder, {"01-start/01-first/01-z-between.md": "In between.\n\n:::done {#four}\n:::\n"})
        text = (first / "02-more.md").read_text("utf-8")
        (first / "02-more.md").unlink()
        write_tree(folder, {"01-start/02-second/02-more.md": text})
        edit(first / "01-hello.md", "02-more.md#check", "../02-second/02-more.md#check")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} in {file.name}"
    file.write_text(text.replace(old, new), "utf-8")


def lesson(folder: Path, page: str) -> None:
    write_zip(folder / "static/lesson.zip", (("imsmanifest.xml", manifest()), ("a.html", page)))


@dataclass(frozen=True)
class Setting:
    dialect: str
    profile: Profile
    session: bool = True
    archive: bool = False
    """Whether the first push goes as one OLX archive."""

    def __str__(self) -> str:
        return (
            f"{self.dialect}-{self.profile.name}{'' if self.session else '-token'}{'-archive' if self.archive else ''}"
        )

    def options(self, push: str) -> tuple[str, ...]:
        return (*PUSH, "--transport", "olx") if self.archive and push == "first" else PUSH


SETTINGS = (
    Setting("ibl", DOCUMENTED),
    Setting("ibl", OBSERVED),
    Setting("ibl", DOCUMENTED, session=False),
    Setting("studio", DOCUMENTED),
    Setting("studio", OBSERVED),
    Setting("studio", DOCUMENTED, archive=True),
)
PUSHES = ("first", "second")
CRASHES = ("before send", "before reply", "before record")
DISKS = ("kept", "no-journal", "lost")
FAULTS: Mapping[str, Fault | None] = {
    "reset-before": Fault(FaultKind.RESET_BEFORE),
    "reset-after": Fault(FaultKind.RESET_AFTER),
    "500-before": Fault(FaultKind.ERROR_BEFORE, status=500),
    "500-after": Fault(FaultKind.ERROR_AFTER, status=500),
    "502-after": Fault(FaultKind.ERROR_AFTER, status=502),
    "504-after": Fault(FaultKind.ERROR_AFTER, status=504),
    "timeout-after": None,
    "429": Fault(FaultKind.THROTTLED, seconds=1),
    "429-untold": Fault(FaultKind.THROTTLED, seconds=-1),
    "401": Fault(FaultKind.UNAUTHORIZED),
    "expired": Fault(FaultKind.TOKENS_EXPIRED),
    "truncated": Fault(FaultKind.TRUNCATED),
    "html": Fault(FaultKind.HTML),
    "redirect": Fault(FaultKind.LOGIN_REDIRECT),
}
"""Name → the sandbox's fault; None: the client's time-out after the platform has done it."""

SAYS = re.compile(r"(use a Studio session|look in Studio), (then|or) pass --beside")
"""What a run says that cannot see, with a token alone, whether a block is there."""

counts = counting.cases["exactly once"]
stops = counting.cases["exactly once: of these, stopped and said that this login cannot see it"]


@dataclass
class Stage:
    """One setting with its desk and the photographed runs of both pushes."""

    setting: Setting
    desk: CrashDesk
    wire: Wire
    starts: dict[str, Photo]
    moments: dict[str, list[Moment]]
    calls: dict[str, int]


@pytest.fixture(scope="module", params=SETTINGS, ids=str)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    setting: Setting = request.param
    home = tmp_path_factory.mktemp("bench")
    with (
        pytest.MonkeyPatch.context() as patch,
        bench(home / "b", setting.profile, setting.dialect, session=setting.session, secrets=SECRETS) as desk,
    ):
        made = Stage(setting, desk, Wire(patch), {}, {}, {})
        course = {path: text for path, text in FIRST.items() if setting.session or path not in NOT_WITH_A_TOKEN}
        write_tree(desk.folder, course)
        (desk.folder / "static").mkdir(exist_ok=True)
        lesson(desk.folder, PAGE)
        if not setting.session:
            edit(desk.folder / "01-start/01-first/01-hello.md", "![A chart](../../static/chart.png)\n\n", "")
            text = desk.folder.joinpath("course.yaml").read_text("utf-8")
            text = text.partition("grading:")[0].replace("team: {ada@example.org: staff}\n", "")
            desk.folder.joinpath("course.yaml").write_text(text)
        for push in PUSHES:
            if push == "second":
                second(desk.folder, session=setting.session)
            made.starts[push] = desk.photo()
            desk.server.clear_log()
            made.moments[push] = photograph(desk, made.wire, partial(desk.push, *setting.options(push)))
            made.calls[push] = len(desk.server.requests)
            if setting.archive:
                assert any(moment.path.startswith("/import/") for moment in made.moments[push]) == (push == "first")
            assert wrongs(desk) == []
            assert desk.push(*setting.options(push))["operations"] == []
        yield made


def sample(cases: list[tuple[str, str, str]], label: str, size: int = SAMPLE) -> list[tuple[str, str, str]]:
    """All cases, or `size` of them that are spread over them evenly, in a random order that is always the same."""
    if FULL:
        return cases
    seed = zlib.crc32(label.encode())
    random.Random(seed).shuffle(cases)  # a sample, no secret
    cases.sort(key=lambda case: case[0])  # so that the stride meets every kind
    stride = max(1, len(cases) // size)
    return cases[seed % stride :: stride]


def disk_of(start: Photo, found: Photo, disk: str) -> dict[str, bytes]:
    """What the next run finds in the folder."""
    if disk == "kept":
        return found.files
    if disk == "no-journal":
        return {path: content for path, content in found.files.items() if not path.startswith(".authoring/")}
    return {path: content for path, content in start.files.items() if not path.startswith(".authoring/")}


def recover(stage: Stage, push: str, label: str) -> str | None:
    """Push again without a fault, then once more; what is wrong then. With a token alone a run may stop and say so."""
    desk, options = stage.desk, stage.setting.options(push)
    desk.server.clear_log()
    result = desk.run("push", *options, code=None)
    if result.exit_code == 7 and not stage.setting.session and SAYS.search(result.output):
        stops["exit 7"] += 1
        sent = [request for request in desk.server.requests if request.kind not in ("read", "login")]
        return f"{label}: stopped, but sent {sent}" if sent else None
    if result.exit_code == 7:
        return f"{label}: exit 7: {result.output}"
    if result.exit_code:
        return f"{label}: exit {result.exit_code}: {result.stderr.strip()[-600:]}"
    found = wrongs(desk)
    again = desk.report("push", *options, code=None)
    if again.get("operations") != []:
        found.append(f"the push after it is not empty: {again}")
    return f"{label}: {found}" if found else None


@pytest.mark.parametrize("push", PUSHES)
def test_a_killed_process(stage: Stage, push: str) -> None:
    start, moments = stage.starts[push], stage.moments[push]
    cases = [
        (crash, disk, str(number))
        for number in range(len(moments))
        for crash in CRASHES
        for disk in DISKS
        if not (disk == "lost" and crash == "before record")  # the same as before the reply
    ]
    failures: list[str] = []
    for crash, disk, number in sample(cases, f"{stage.setting} {push} killed"):
        moment = moments[int(number)]
        after = moment.after
        assert after is not None
        platform = moment.before if crash == "before send" else after
        found = after if crash == "before record" else moment.before
        stage.desk.put_back(platform, files=disk_of(start, found, disk))
        counts[f"killed {crash}"] += 1
        label = f"{stage.setting} {push}: killed {crash} of write {number} ({moment.method} {moment.path}), disk {disk}"
        failures += filter(None, [recover(stage, push, label)])
    assert not failures, f"{len(failures)} failures\n" + "\n".join(failures[:12])


@pytest.mark.parametrize("lasting", [False, True], ids=["passing", "outage"])
@pytest.mark.parametrize("push", PUSHES)
def test_a_fault(stage: Stage, push: str, lasting: bool) -> None:
    start, desk = stage.starts[push], stage.desk
    cases = [
        (name, disk, str(number))
        for name in FAULTS
        for number in range(stage.calls[push])
        for disk in (("kept", "lost") if lasting else ("kept",))
    ]
    failures: list[str] = []
    for name, disk, number in sample(cases, f"{stage.setting} {push} {lasting}"):
        desk.put_back(start)
        strike_at(desk, stage.wire, name, int(number), lasting=lasting)
        result = desk.run("push", *stage.setting.options(push), code=None)
        desk.server.faults.clear()
        stage.wire.after = None
        counts[name] += 1
        label = f"{stage.setting} {push}: {name} at call {number}{' and an outage' if lasting else ''}, disk {disk}"
        if result.exit_code not in (0, 3, 4) or "Traceback" in result.output:
            failures.append(f"{label}: exit {result.exit_code} {result.stderr[-500:]}")
        if disk != "kept":
            desk.put_back(desk.photo(), files=disk_of(start, desk.photo(), disk))
        failures += filter(None, [recover(stage, push, label)])
    assert not failures, f"{len(failures)} failures\n" + "\n".join(failures[:12])


def strike_at(desk: CrashDesk, wire: Wire, name: str, number: int, *, lasting: bool) -> None:
    """Let the fault wait for the request of that number, and an outage for all that follow it."""
    fault, faults = FAULTS[name], desk.server.faults
    if fault is not None:
        faults.add(Fault(fault.kind, skip=number, status=fault.status, seconds=fault.seconds))
    else:
        left = [number]

        def late(request: httpx.Request) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise httpx.ReadTimeout("no answer in time", request=request)

        wire.after = late
    if lasting:
        faults.add(Fault(FaultKind.RESET_BEFORE, skip=number + (fault is None), times=100_000))
