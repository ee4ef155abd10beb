"""Faults on demand, the log, and what survives: kill -9, two writers, a full disk."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from authoring.errors import SettingsError
from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, SandboxServer
from authoring.sandbox.store import Request
from tests.authoring.sandbox.served.conftest import COURSE, ROOT, V1, Open, Seat, session, token

# -- faults -----------------------------------------------------------------------------------------------------------

CHAPTER = {"parent_locator": ROOT, "category": "chapter", "display_name": "One"}


def create(seat: Seat) -> httpx.Response:
    return seat.http.post("/xblock/", json=CHAPTER)


@pytest.mark.parametrize(
    ("kind", "made"),
    [(FaultKind.RESET_BEFORE, 0), (FaultKind.RESET_AFTER, 1), (FaultKind.HANG_AFTER, 1)],
)
def test_a_connection_breaks_before_or_after_the_change(seat: Seat, kind: FaultKind, made: int) -> None:
    seat.make_course()
    seat.server.faults.add(Fault(kind, "create"))
    with pytest.raises(httpx.RemoteProtocolError):
        create(seat)
    assert len(seat.children(ROOT)) == made
    assert create(seat).status_code == 200


def test_a_hanging_answer_outlasts_a_clients_patience(seat: Seat) -> None:
    seat.make_course()
    seat.server.faults.add(Fault(FaultKind.HANG_AFTER, "create", seconds=0.4))
    with pytest.raises(httpx.ReadTimeout):
        seat.http.post("/xblock/", json=CHAPTER, timeout=0.1)
    assert len(seat.children(ROOT)) == 1


@pytest.mark.parametrize(
    ("fault", "status", "made"),
    [
        (Fault(FaultKind.ERROR_AFTER, status=502), 502, 1),
        (Fault(FaultKind.ERROR_BEFORE, status=504), 504, 0),
        (Fault(FaultKind.THROTTLED, seconds=7), 429, 0),
        (Fault(FaultKind.UNAUTHORIZED), 401, 0),
        (Fault(FaultKind.LOGIN_REDIRECT), 302, 0),
        (Fault(FaultKind.HTML), 200, 1),
        (Fault(FaultKind.TRUNCATED), 200, 1),
        (Fault(FaultKind.DISCARDED), 200, 0),
    ],
    ids=lambda value: str(value.kind) if isinstance(value, Fault) else str(value),
)
def test_an_answer_that_misleads(seat: Seat, fault: Fault, status: int, made: int) -> None:
    seat.make_course()
    fault = replace(fault, call_kind="create")
    seat.server.faults.add(fault)
    reply = create(seat)
    assert reply.status_code == status
    assert len(seat.children(ROOT)) == made
    match fault.kind:
        case FaultKind.THROTTLED:
            assert reply.headers["retry-after"] == "7"
        case FaultKind.LOGIN_REDIRECT:
            assert reply.headers["location"].startswith("/login")
        case FaultKind.HTML:
            assert "Sign In" in reply.text
        case FaultKind.TRUNCATED:
            with pytest.raises(ValueError):
                reply.json()
        case FaultKind.DISCARDED:
            assert reply.json()["locator"].startswith("block-v1:")
    logged = seat.server.requests[-1]
    assert (logged.kind, logged.fault) == ("create", str(fault.kind))


def test_faults_wait_for_their_request_and_end(seat: Seat) -> None:
    seat.make_course()
    seat.server.faults.add(Fault(FaultKind.ERROR_BEFORE, path=r"^/xblock/$", skip=1, times=2))
    assert [create(seat).status_code for _ in range(4)] == [200, 500, 500, 200]
    assert seat.get(ROOT)["id"] == ROOT
    assert seat.server.faults.waiting == ()


def test_tokens_end_in_the_middle_of_a_run(documented: Seat) -> None:
    documented.make_course()
    with token(documented.server) as http:
        documented.server.faults.add(Fault(FaultKind.TOKENS_EXPIRED, "create", skip=1))
        answers = [http.post(f"{V1}/xblock/create", json=CHAPTER).status_code for _ in range(3)]
    assert answers == [200, 401, 401]


# -- from another process ---------------------------------------------------------------------------------------------


def test_another_process_adds_faults_and_reads_log_and_state(seat: Seat) -> None:
    seat.make_course()
    path = "/_sandbox/faults"
    with httpx.Client(base_url=seat.server.url, verify=False) as http:
        fault = {"kind": "error-after", "call_kind": "create", "status": 504}
        waiting = http.post(path, json=fault).json()["faults"]
        assert waiting == [fault | {"path": None, "skip": 0, "times": 1, "seconds": 0.0}]
        assert create(seat).status_code == 504
        assert http.post(path, json={"latency": 0.01, "faults": [fault, fault]}).json()["latency"] == 0.01
        assert http.delete(path).json() == {"latency": 0.0, "faults": []}
        for wrong in ({"kind": "flood"}, {"kind": "html", "color": 1}, {"kind": "html", "path": "("}, {"latency": "x"}):
            assert http.post(path, json=wrong).status_code == 400, wrong
        assert http.post(path, content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
        assert http.get(path, headers={"Origin": "https://evil.example"}).status_code == 403
        rows = http.get("/_sandbox/log").json()["requests"]
        assert rows[-1] == {
            "method": "POST",
            "path": "/xblock/",
            "kind": "create",
            "status": 200,
            "fault": "error-after",
        }
        assert http.get(f"/_sandbox/state/{COURSE}").json()["draft"]["children"][0]["display_name"] == "One"
        assert http.get("/_sandbox/state").json()["profile"]["name"] == seat.server.profile.name
        assert http.delete("/_sandbox/log").json() == {"requests": []}


def test_every_request_is_logged_by_what_it_is_for(seat: Seat) -> None:
    unit = seat.make_unit()
    html = seat.make(unit, "html")
    seat.server.clear_log()
    seat.get(unit)
    seat.post(html, data="x")
    seat.post(unit, children=[html])
    seat.post(unit, publish="make_public")
    seat.http.post(f"{V1}/xblock/publish", json={"locator": unit})
    seat.http.patch("/xblock/", json={"move_source_locator": html, "parent_locator": unit})
    seat.http.post(f"/assets/{COURSE}/", files={"file": ("a", b"x")})
    seat.http.post(f"/settings/advanced/{COURSE}", json={})
    seat.http.post(f"{V1}/course/add_lti_passport", json={})
    seat.http.post("/api/ibl/manage/course/", json={})
    seat.http.delete(f"/xblock/{html}")
    httpx.post(f"{seat.server.url}/oauth2/access_token/", data={}, verify=False)
    seat.http.get("/nowhere")
    logged = [(row.kind, row.status) for row in seat.server.requests]
    assert logged == [
        ("read", 200),
        ("update", 200),
        ("move", 200),
        ("publish", 200),
        ("publish", 200),
        ("move", 400),
        ("upload", 200),
        ("settings", 200),
        ("settings", 400),
        ("create", 403),
        ("delete", 204),
        ("login", 400),
        ("read", 404),
    ]


# -- two writers ------------------------------------------------------------------------------------------------------


def overlapping(seat: Seat, count: int) -> list[int]:
    """Make sections from as many connections at once; all have begun before the first is done."""
    seat.server.faults.latency = 0.2
    barrier = threading.Barrier(count)

    def write() -> int:
        with session(seat.server.url) as http:
            barrier.wait()
            return http.post("/xblock/", json=CHAPTER).status_code

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(write) for _ in range(count)]]


def test_overlapping_writes_are_kept_or_lost_without_a_word(documented: Seat, observed: Seat) -> None:
    for seat, kept in ((documented, 4), (observed, 1)):
        seat.make_course()
        assert overlapping(seat, 4) == [200] * 4
        assert len(seat.children(ROOT)) == kept


def test_writes_to_two_courses_and_files_do_not_collide(observed: Seat) -> None:
    observed.make_course()
    body = {"org": "Demo", "number": "DS101", "run": "2028", "display_name": "Other"}
    other = observed.http.post("/api/ibl/manage/course/", json=body).json()["course_key"]
    root = f"block-v1:{other.removeprefix('course-v1:')}+type@course+block@course"
    observed.server.faults.latency = 0.1

    def write(number: int) -> int:
        with session(observed.server.url) as http:
            if number < 2:
                return http.post("/xblock/", json=CHAPTER | {"parent_locator": (ROOT, root)[number]}).status_code
            return http.post(f"/assets/{COURSE}/", files={"file": (str(number), b"x")}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(write, range(4))) == [200] * 4
    assert len(observed.children(ROOT)) == 1
    assert len(observed.server.snapshot(other)["draft"]["children"]) == 1
    assert len(observed.server.snapshot(COURSE)["assets"]) == 2


def test_two_servers_may_share_one_file(tmp_path: Path) -> None:
    with SandboxServer(tmp_path / "s.sqlite3") as one, SandboxServer(tmp_path / "s.sqlite3") as two:
        seats = [Seat(server, session(server.url)) for server in (one, two)]
        seats[0].make_course()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: create(seats[number % 2]).raise_for_status(), range(20)))
        assert len(seats[1].children(ROOT)) == 20
        assert len(one.requests) == len(two.requests) == 21
        for seat in seats:
            seat.http.close()


# -- what survives ----------------------------------------------------------------------------------------------------


@contextmanager
def served(database: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A sandbox in a process of its own."""
    code = (
        "import sys, time; from pathlib import Path; from authoring.sandbox import SandboxServer\n"
        "with SandboxServer(Path(sys.argv[1])) as server:\n"
        "    print(server.url, flush=True)\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(database)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    database = tmp_path / "s.sqlite3"
    answered: list[str] = []
    with served(database) as (url, process), session(url) as http:
        http.post(
            "/api/ibl/manage/course/", json={"org": "Demo", "number": "DS101", "run": "2027", "display_name": "Data"}
        ).raise_for_status()
        killer = threading.Timer(0.3, process.send_signal, [signal.SIGKILL])
        killer.start()
        try:
            while True:
                answered.append(http.post("/xblock/", json=CHAPTER).json()["locator"])
        except httpx.TransportError:
            killer.join()
    with SandboxServer(database) as server:
        snapshot = server.snapshot(COURSE)
        held = [child["usage"] for child in snapshot["draft"]["children"]]
        # At most the one that was being answered is there beside those that were; each is in the log, and published.
        assert answered
        assert held[: len(answered)] == answered
        assert len(held) - len(answered) in (0, 1)
        assert sum(row.kind == "create" for row in server.requests) == len(held) + 1
        assert [child["usage"] for child in snapshot["published"]["children"]] == held


def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    database = tmp_path / "s.sqlite3"
    with SandboxServer(database) as server, session(server.url) as http:
        seat = Seat(server, http)
        text = seat.make(seat.make_unit(), "html", "Words")
        seat.post(text, data="<p>x</p>")
        before = server.snapshot(COURSE)
    with SandboxServer(database, OBSERVED) as server:
        assert server.snapshot(COURSE) == before
        assert server.requests[-1].kind == "update"


OLDER = """
create table courses (key text primary key, row text not null);
create table assets (
    course text not null, name text not null, row text not null, content blob not null, primary key (course, name)
);
create table log (id integer primary key, method text, path text, kind text, status integer);
insert into log (method, path, kind, status) values ('GET', '/', 'read', 200);
insert into assets values ('course-v1:Demo+DS101+2027', 'a.txt',
    '{"name": "a.txt", "display_name": "a.txt", "content_type": "text/plain", "size": 5, "locked": false}', x'68656c6c6f');
"""


def test_the_file_of_an_older_version_is_taken_over(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "s.sqlite3")) as older:
        older.executescript(OLDER)
    with SandboxServer(tmp_path / "s.sqlite3") as server, session(server.url) as http:
        assert server.requests == [Request("GET", "/", "read", 200)]
        Seat(server, http).make_course()
        (row,) = http.get(f"/assets/{COURSE}/").json()["assets"]
        assert http.get(row["url"]).text == "hello"


def test_a_database_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "s.sqlite3"
    broken.write_bytes(b"this is no database " * 1000)
    with pytest.raises(SettingsError, match="cannot be used") as caught, SandboxServer(broken):
        pass
    assert caught.value.hint
    port = 0
    with SandboxServer(tmp_path / "one.sqlite3") as server:
        port = int(re.findall(r"\d+", server.url)[-1])
        taken = SandboxServer(tmp_path / "two.sqlite3", port=port)
        with pytest.raises(SettingsError, match="cannot listen"), taken:
            pass


def test_a_full_disk_is_told_and_nothing_is_half_done(open_seat: Open) -> None:
    seat = open_seat(DOCUMENTED)
    seat.make_course()
    store: Any = seat.server._platform.store
    pages = store._db.execute("pragma page_count").fetchone()[0]
    store._db.execute(f"pragma max_page_count = {pages + 2}")
    reply = seat.http.post("/xblock/", json=CHAPTER | {"display_name": "x" * 200_000})
    assert (reply.status_code, "cannot be written" in reply.json()["error"]) == (507, True)
    store._db.execute("pragma max_page_count = 1000000")
    assert seat.children(ROOT) == []
    assert create(seat).status_code == 200


def test_a_body_that_is_too_large_is_refused_unread(open_seat: Open) -> None:
    seat = open_seat(replace(DOCUMENTED, json_limit=1000))
    seat.make_course()
    assert seat.post(ROOT, metadata={"display_name": "x" * 2000}).status_code == 400
    assert seat.fields(ROOT)["display_name"] == "Data"
