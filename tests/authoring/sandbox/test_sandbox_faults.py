"""Faults on demand, the log, and overlapping writes."""

from __future__ import annotations

import threading
from collections.abc import Callable

import httpx
import pytest

from authoring.sandbox import Fault, FaultKind
from tests.studio import KEY, ROOT, Studio

BODY = {"parent_locator": ROOT, "category": "chapter"}


def create(studio: Studio) -> httpx.Response:
    return studio.http.post("/xblock/", json=BODY)


def is_page(status: int) -> Callable[[httpx.Response], bool]:
    return lambda reply: reply.status_code == status and "Studio Server Error" in reply.text


ANSWERED: dict[FaultKind, tuple[Callable[[httpx.Response], bool], int]] = {
    FaultKind.ERROR_BEFORE: (is_page(502), 0),
    FaultKind.ERROR_AFTER: (is_page(502), 1),
    FaultKind.THROTTLED: (lambda reply: (reply.status_code, reply.headers["retry-after"]) == (429, "7"), 0),
    FaultKind.UNAUTHORIZED: (lambda reply: reply.status_code == 401, 0),
    FaultKind.LOGIN_REDIRECT: (lambda reply: (reply.status_code, reply.headers["location"][:6]) == (302, "/login"), 0),
    FaultKind.TRUNCATED: (lambda reply: reply.status_code == 200 and reply.text.startswith('{"locator":"block'), 1),
    FaultKind.HTML: (lambda reply: reply.status_code == 200 and "Sign in to Studio" in reply.text, 1),
    FaultKind.PACKAGE_ERRORS: (lambda reply: reply.status_code == 200 and reply.json()["errors"] != [], 0),
    FaultKind.DISCARDED: (lambda reply: reply.status_code == 200 and "locator" in reply.json(), 0),
    FaultKind.TOKENS_EXPIRED: (lambda reply: reply.status_code == 200, 1),
}
"""What a client sees of each fault that is answered, and how many blocks there are then."""
BROKEN = {FaultKind.RESET_BEFORE: 0, FaultKind.RESET_AFTER: 1, FaultKind.HANG_AFTER: 1}
"""How many blocks there are after each fault that breaks the connection."""


def test_every_fault_is_here() -> None:
    assert {*ANSWERED, *BROKEN, FaultKind.REPEATED} == {*FaultKind}, "the last is of the chat alone"


@pytest.mark.parametrize("kind", ANSWERED)
def test_a_fault_that_is_answered(documented: Studio, kind: FaultKind) -> None:
    seen, made = ANSWERED[kind]
    documented.server.faults.add(Fault(kind, call_kind="create", status=502, seconds=7))
    assert seen(create(documented))
    assert len(documented.children(ROOT)) == made
    assert documented.server.requests[-1].fault == str(kind)
    assert create(documented).status_code == 200
    assert documented.server.requests[-1].fault is None


@pytest.mark.parametrize("kind", BROKEN)
def test_a_fault_that_breaks_the_connection(documented: Studio, kind: FaultKind) -> None:
    documented.server.faults.add(Fault(kind, call_kind="create"))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        create(documented)
    assert len(documented.children(ROOT)) == BROKEN[kind]


def test_no_answer(documented: Studio) -> None:
    documented.server.faults.add(Fault(FaultKind.HANG_AFTER, seconds=0.5))
    with pytest.raises(httpx.ReadTimeout):
        documented.http.post("/xblock/", json=BODY, timeout=0.1)
    assert len(documented.children(ROOT)) == 1


def test_which_requests_a_fault_strikes(documented: Studio) -> None:
    fault = Fault(FaultKind.ERROR_BEFORE, call_kind="create", path=r"^/xblock/$", skip=1, times=2, status=503)
    documented.server.faults.add(fault)
    documented.send("GET", f"/xblock/{ROOT}")
    assert [create(documented).status_code for _ in range(4)] == [200, 503, 503, 200]
    assert fault == Fault(FaultKind.ERROR_BEFORE, call_kind="create", path=r"^/xblock/$", skip=1, times=2, status=503)
    documented.server.faults.add(fault)
    documented.server.faults.clear()
    assert create(documented).status_code == 200
    assert create(documented).status_code == 200


def test_withdrawn_tokens(documented: Studio) -> None:
    url = documented.server.url
    client = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox"}
    token = httpx.post(f"{url}/oauth2/access_token/", data=client).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    documented.server.faults.add(Fault(FaultKind.TOKENS_EXPIRED, call_kind="read"))
    assert httpx.get(f"{url}/api/v1/ibl/course/{KEY}/units", headers=bearer).status_code == 401


def test_the_log_tells_what_each_request_was_for(documented: Studio) -> None:
    chapter = documented.create(ROOT, "chapter")
    documented.update(chapter, metadata={"display_name": "A"})
    documented.update(ROOT, children=[chapter])
    documented.publish(chapter)
    documented.read(chapter)
    documented.http.post(f"/assets/{KEY}/", files={"file": ("a.png", b"x")})
    documented.send("POST", f"/settings/advanced/{KEY}", {})
    documented.send("DELETE", f"/xblock/{chapter}", code=204)
    documented.send("GET", f"/xblock/{chapter}", code=404)
    rows = documented.server.requests
    kinds = ["create", "update", "move", "publish", "read", "upload", "settings", "delete", "read"]
    assert [row.kind for row in rows] == kinds
    assert [row.status for row in rows[-2:]] == [204, 404]
    assert rows[0][:2] == ("POST", "/xblock/")
    documented.server.clear_log()
    assert documented.server.requests == []


# -- from another process -----------------------------------------------------------------------------------------------


def test_faults_over_http(documented: Studio) -> None:
    path = "/_sandbox/faults"
    waiting = documented.send("POST", path, {"kind": "throttled", "call_kind": "create", "seconds": 3})["faults"]
    assert [(row["kind"], row["times"]) for row in waiting] == [("throttled", 1)]
    assert create(documented).headers["retry-after"] == "3"
    assert documented.send("GET", path) == {"latency": 0.0, "faults": []}
    documented.send("POST", path, {"faults": [{"kind": "html"}, {"kind": "truncated"}], "latency": 0.01})
    assert documented.send("DELETE", path) == {"latency": 0.0, "faults": []}
    for wrong in ({"kind": "no-such-kind"}, {"kind": "html", "pth": "x"}, {"kind": "html", "path": "("}):
        documented.send("POST", path, wrong, code=400)
    assert documented.http.post(path, content="{}").status_code == 415
    evil = documented.http.post(path, json={"kind": "html"}, headers={"Origin": "https://evil.test"})
    assert evil.status_code == 403
    assert documented.server.faults.waiting == ()


def test_the_log_and_the_state_over_http(studio: Studio) -> None:
    create(studio)
    (row,) = studio.send("GET", "/_sandbox/log")["requests"]
    assert row == {"method": "POST", "path": "/xblock/", "kind": "create", "status": 200, "fault": None}
    assert studio.send("DELETE", "/_sandbox/log") == {"requests": []}
    state = studio.send("GET", "/_sandbox/state")
    assert (state["profile"]["name"], state["courses"]) == (studio.server.profile.name, [KEY])
    assert studio.send("GET", f"/_sandbox/state/{KEY}") == studio.server.snapshot(KEY)
    studio.send("GET", "/_sandbox/state/course-v1:a+b+c", code=404)


# -- two writers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["documented", "observed"])
def test_two_overlapping_writes(documented: Studio, observed: Studio, profile: str) -> None:
    studio = {"documented": documented, "observed": observed}[profile]
    other = Studio(studio.server)
    studio.server.faults.latency = 0.5
    answers: list[int] = []
    together = threading.Barrier(2)

    def write(desk: Studio) -> None:
        together.wait()
        answers.append(create(desk).status_code)

    with other.http:
        threads = [threading.Thread(target=write, args=(desk,)) for desk in (studio, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    studio.server.faults.clear()
    assert answers == [200, 200]
    assert len(studio.children(ROOT)) == (2 if profile == "documented" else 1)
