"""`platform.yaml`, exactly once: every fault and every way to die, at every call of an apply; then one more apply makes it good.

The declaration has every kind. Each case runs into one fault or crash and then applies again without: the platform is as declared
exactly, nothing twice and nothing left over, and an apply after that writes nothing. The case is one of

- a profile: `documented`, `observed`, and one that shows as little as a platform may (`closed`);
- the first apply, one after edits of every kind, or one for the next run of the course;
- a fault at the n-th request, or a crash at the n-th write;
- what the next apply finds on disk: everything (`kept`), the lock file without the journal (`no-journal`), or the folder as it was
  before (`lost`), as on another machine.

Where nobody can look up what became of a create, the apply stops with exit code 7, and the case answers as a user would who looks.

By default a sample runs: a stride with a fixed seed. `AUTHORING_SAMPLE=N` widens it, `AUTHORING_FULL=1` runs all.
"""

from __future__ import annotations

import os
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from authoring.declared import Applied
from authoring.errors import ApiError, ApplyError
from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, Profile, SandboxServer
from tests import counting
from tests.declarations import ALL, BOT_COMMANDS, FLAGS, declare
from tests.platformdesk import PlatformDesk, open_desk

FULL = os.environ.get("AUTHORING_FULL") == "1"
SAMPLE = int(os.environ.get("AUTHORING_SAMPLE", "8"))
"""Cases of each profile, apply and group that run by default."""
CLOSED = replace(
    OBSERVED, name="closed", exports_closed=True, bulk_rows_told=False, claims_append=True, duplicate_assertions=False
)
PROFILES = (DOCUMENTED, OBSERVED, CLOSED)
FAULTS: tuple[Fault, ...] = (
    Fault(FaultKind.RESET_BEFORE),
    Fault(FaultKind.RESET_AFTER),
    Fault(FaultKind.ERROR_AFTER, status=500),
    Fault(FaultKind.ERROR_AFTER, status=502),
    Fault(FaultKind.ERROR_AFTER, status=504),
    Fault(FaultKind.ERROR_BEFORE, status=500),
    Fault(FaultKind.ERROR_BEFORE, status=503),
    Fault(FaultKind.HANG_AFTER, seconds=0.3),
    Fault(FaultKind.THROTTLED, seconds=0.01),
    Fault(FaultKind.UNAUTHORIZED),
    Fault(FaultKind.LOGIN_REDIRECT),
    Fault(FaultKind.TOKENS_EXPIRED),
    Fault(FaultKind.TRUNCATED),
    Fault(FaultKind.HTML),
)
CRASHES = ("before the call", "before its answer", "before the record")
DISKS = ("kept", "no-journal", "lost")
APPLIES = ("first", "update", "rerun")
EDITS = (
    ("Reading charts", "Reading all charts"),
    ("Data analyst", "Data scientist"),
    ("weeks: 5", "weeks: 6"),
    ("All of it.", "Nearly all of it."),
    ("courses: [course, course-v1:Demo+DS200+2027_T1]", "courses: [course-v1:Demo+DS300+2027_T1, course]"),
    (
        "      - program: foundations\n      - resource: handbook\n",
        "      - resource: film\n      - program: foundations\n",
    ),
    ("You can read data.", "You can read most data."),
    ("  film:\n", "  poster: {resource_type: image, url: 'https://example.com/poster'}\n  film:\n"),
    ("provider: slack", "name: better helper\n    provider: slack"),
    ("    reported_skills: [reading-charts, fair-comparisons]", "    reported_skills: [fair-comparisons]"),
    ("people: [ada, bob]", "people: [ada]"),
    ("  hidden:\n    name: Badge\n    courses: [course]\n", ""),
    ("      llm_temperature: 0.5\n    courses: [course]\n", "      llm_temperature: 0.5\n"),
    (BOT_COMMANDS, ""),
)
"""Texts that change, orders, links, new rows, and rows that go: deleted where the platform can."""
cases = counting.cases["platform.yaml, faults and crashes"]


def edited() -> str:
    text = ALL
    for old, new in EDITS:
        assert old in text, old
        text = text.replace(old, new)
    return text


def apply(desk: PlatformDesk, case: str, **answers: Any) -> Applied:
    return desk.apply("2028_T1" if case == "rerun" else None, delete=case == "update", **FLAGS, **answers)


def answers_of(desk: PlatformDesk, applied: Applied) -> dict[str, Any]:
    """What a user says who looks at the platform."""
    created: dict[str, str] = {}
    absent: set[str] = set()
    for notice in applied.plan.doubts:
        kind, _, rest = notice.key.partition("/")
        name, _, scope = rest.partition("@")
        if kind == "tenant":
            ids = list(desk.server.rows("tenant"))
        else:
            assert (kind, name) == ("credentials", "hidden"), notice
            rows = [row for row in desk.rows("credential") if row["name"] == "Badge" and row["courses"] == [scope]]
            ids = [row["entityId"] for row in rows]
        assert len(ids) < 2, f"{notice.key}: twice"
        if ids:
            created[notice.key] = ids[0]
        else:
            absent.add(notice.key)
    return {"created": created, "not_created": frozenset(absent)}


def recover(desk: PlatformDesk, case: str, label: str) -> None:
    """Apply until it is done, with answers where they are asked for."""
    applied = apply(desk, case)
    if applied.plan.doubts:
        assert desk.writes() == [], f"{label}: sent in spite of doubts"
        applied = apply(desk, case, **answers_of(desk, applied))
    assert not applied.plan.doubts, f"{label}: {applied.plan.doubts}"
    assert applied.complete, f"{label}: {applied.refused} {[report.problems for report in applied.imports]}"
    desk.server.clear_log()
    again = apply(desk, case)
    assert desk.writes() == [], f"{label}: a second apply writes {desk.writes()}: {again.plan.operations}"


def prepared(desk: PlatformDesk, case: str) -> None:
    """The folder and the platform before the apply that a case is about."""
    declare(desk, ALL)
    if case != "first":
        recover(desk, "first", "the first apply")
    if case == "update":
        declare(desk, edited())
    desk.server.clear_log()


@dataclass(frozen=True)
class Photo:
    platform: bytes
    files: dict[str, bytes]


@dataclass
class Clean:
    """An apply without faults: what was before, what came of it, its requests, photos around each write."""

    start: Photo
    state: dict[str, list[Any]]
    requests: int
    writes: list[str]
    moments: list[tuple[Photo, Photo]]


Bench = tuple[PlatformDesk, Clean]


def photo(desk: PlatformDesk) -> Photo:
    return Photo(desk.platform(), desk.files())


def clean_of(desk: PlatformDesk, case: str) -> Clean:
    prepared(desk, case)
    start = photo(desk)
    if case == "first" and desk.server.profile.name == "closed":
        answers = answers_of(desk, apply(desk, case))
        desk.put_back(start.platform, start.files)
    else:
        first = apply(desk, case)
        answers = answers_of(desk, first)
        desk.put_back(start.platform, start.files)
    names: list[str] = []
    befores: list[Photo] = []
    afters: list[Photo] = []

    def is_write(request: httpx.Request) -> bool:
        return request.method != "GET" and not request.url.path.startswith("/oauth")

    def before(request: httpx.Request) -> None:
        if is_write(request):
            names.append(f"{request.method} {request.url.path}")
            befores.append(photo(desk))

    def after(request: httpx.Request) -> None:
        if is_write(request):
            afters.append(photo(desk))

    desk.before, desk.after = before, after
    applied = apply(desk, case, **answers)
    desk.before = desk.after = None
    assert applied.complete, applied.refused
    requests = len(desk.server.requests)
    state = desk.state()
    recover(desk, case, "without a fault")
    assert desk.state() == state
    return Clean(start, state, requests, names, list(zip(befores, afters, strict=True)))


@pytest.fixture(scope="module", params=PROFILES, ids=lambda profile: profile.name)
def benches(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Bench]]:
    profile: Profile = request.param
    made: dict[str, Bench] = {}
    servers = []
    for case in APPLIES:
        home: Path = tmp_path_factory.mktemp(f"{profile.name}-{case}")
        server = SandboxServer(home / "sandbox.sqlite3", profile)
        servers.append(server)
        server.__enter__()
        desk = open_desk(server, home / "work", home / "sandbox.sqlite3")
        made[case] = (desk, clean_of(desk, case))
    yield made
    for server in servers:
        server.__exit__(None, None, None)


def sampled(group: str, total: list[Any]) -> list[Any]:
    if FULL:
        return total
    return random.Random(zlib.crc32(group.encode())).sample(total, min(SAMPLE, len(total)))


def exact(desk: PlatformDesk, clean: Clean, label: str, *, sent_once: bool = True) -> None:
    """`sent_once`: nobody was enrolled a second time either, though that would change nothing."""
    state = desk.state()
    if sent_once:
        assert not [row for row in desk.rows("enrolment") if row["times"] != 1], f"{label}: enrolled twice"
    wrong = {name: (state[name], clean.state[name]) for name in clean.state if state[name] != clean.state[name]}
    assert not wrong, f"{label}: {wrong}"


@pytest.mark.parametrize("case", APPLIES)
def test_a_fault_at_every_request(benches: dict[str, Bench], case: str) -> None:
    desk, clean = benches[case]
    profile = desk.server.profile.name
    everything = [(number, fault) for number in range(clean.requests) for fault in FAULTS]
    for number, fault in sampled(f"faults {profile} {case}", everything):
        label = f"{profile} {case}: {fault.kind} {fault.status} at request {number} of {clean.requests}"
        desk.put_back(clean.start.platform, clean.start.files)
        desk.server.faults.add(replace(fault, skip=number))
        try:
            applied = apply(desk, case)
            if applied.plan.doubts:
                apply(desk, case, **answers_of(desk, applied))
        except (ApiError, ApplyError) as error:
            assert error.exit_code in (3, 4, 7), label
        desk.server.faults.clear()
        desk.server.clear_log()
        recover(desk, case, label)
        exact(desk, clean, label)
        cases["faults"] += 1


@pytest.mark.parametrize("case", APPLIES)
def test_a_killed_process(benches: dict[str, Bench], case: str) -> None:
    desk, clean = benches[case]
    profile = desk.server.profile.name
    assert len(clean.writes) > {"first": 20, "update": 10, "rerun": 5}[case]
    assert any(name.startswith("DELETE") for name in clean.writes) == (case == "update")
    everything = [(number, crash, disk) for number in range(len(clean.moments)) for crash in CRASHES for disk in DISKS]
    for number, crash, disk in sampled(f"crashes {profile} {case}", everything):
        label = f"{profile} {case}: killed {crash} of write {number} ({clean.writes[number]}), {disk}"
        before, after = clean.moments[number]
        platform = before.platform if crash == CRASHES[0] else after.platform
        files = dict(after.files if crash == CRASHES[2] else before.files)
        if disk != "kept":
            files = {name: content for name, content in files.items() if not name.startswith(".authoring/")}
        if disk == "lost":
            files = {name: one for name, one in clean.start.files.items() if not name.startswith(".authoring/")}
        desk.put_back(platform, files)
        recover(desk, case, label)
        exact(desk, clean, label, sent_once=disk != "lost")
        cases[f"killed, {disk}"] += 1
