"""What an answer of the platform means: nothing is taken for a success that only looks like one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from starlette.responses import Response

from authoring.calls import Answer, Call, CallKind, Service
from authoring.client import Client
from authoring.errors import (
    ApiError,
    LoginError,
    NonsenseError,
    OutcomeUnknownError,
    RefusedError,
    ThrottledError,
    UnreachableError,
)
from authoring.settings import Options, Target
from tests.authoring.client.scripted import Pauses, Platform, as_json, as_page

Connect = Callable[[Target], Client]

READ = Call(CallKind.READ, Service.CMS, "GET", "/thing")
WRITE = Call(CallKind.UPDATE, Service.CMS, "POST", "/thing", json={"a": 1}, answer=Answer.EMPTY_OR_JSON)
CREATE = replace(WRITE, kind=CallKind.CREATE, repeatable=False, answer=Answer.JSON)


@pytest.fixture
def client(connect: Connect, session_target: Target) -> Client:
    return connect(session_target)


def failure(client: Client, call: Call, kind: type[ApiError] = ApiError) -> ApiError:
    with pytest.raises(kind) as caught:
        client.send(call)
    assert type(caught.value) is kind or kind is ApiError
    return caught.value


# -- successes ---------------------------------------------------------------------------------------------------------


def test_json_is_given_back(client: Client, platform: Platform) -> None:
    platform.on("GET /thing", as_json({"name": "x"}))
    reply = client.send(READ)
    assert (reply.status, reply.json) == (200, {"name": "x"})


@pytest.mark.parametrize("answer", [Response(status_code=204), Response("", 200), Response(" \n", 200)])
def test_an_empty_success_is_fine_where_it_is_documented(client: Client, platform: Platform, answer: Response) -> None:
    platform.on("POST /thing", answer)
    assert client.send(WRITE).json is None


def test_an_empty_success_is_nonsense_where_an_answer_is_due(client: Client, platform: Platform) -> None:
    platform.on("POST /thing", Response("", 200))
    assert failure(client, CREATE, NonsenseError).status == 200


def test_only_the_status_counts_where_the_body_is_anything(client: Client, platform: Platform) -> None:
    platform.on("GET /thing", as_page("<html>anything"))
    assert client.send(replace(READ, answer=Answer.ANY)).json is None


def test_the_request_asks_for_json(client: Client, platform: Platform) -> None:
    """Without it Studio answers 406, or a page."""
    platform.on("GET /thing", as_json({}))
    client.send(READ)
    assert platform.asked[0].headers["accept"] == "application/json"


# -- an expired login --------------------------------------------------------------------------------------------------

LOGIN_PAGE = '<html><title>Sign in</title><form><input type="password"></form></html>'


@pytest.mark.parametrize("call", [READ, WRITE, CREATE], ids=["read", "write", "create"])
@pytest.mark.parametrize(
    "location", ["/login?next=/thing", "http://elsewhere.test/signin", "/oauth2/authorize/?state=s3cr3t"]
)
def test_a_redirect_to_a_login_is_an_expired_login_and_is_not_followed(
    client: Client, platform: Platform, call: Call, location: str
) -> None:
    platform.on(f"{call.method} /thing", Response(status_code=302, headers={"Location": location}))
    error = failure(client, call, LoginError)
    assert "expired" in error.message
    assert "IBL_STUDIO_SESSION" in (error.hint or "")
    assert len(platform.asked) == 1


@pytest.mark.parametrize("call", [READ, WRITE, CREATE], ids=["read", "write", "create"])
def test_a_login_page_with_status_200_is_no_success(client: Client, platform: Platform, call: Call) -> None:
    platform.on(f"{call.method} /thing", as_page(LOGIN_PAGE))
    error = failure(client, call, NonsenseError)
    assert "login page" in error.message
    assert "IBL_STUDIO_SESSION" in (error.hint or "")


def test_any_other_page_with_status_200_is_nonsense(client: Client, platform: Platform) -> None:
    platform.on("POST /thing", as_page("<!DOCTYPE html><h1>Welcome to <b>nginx</b></h1>"))
    assert "Welcome to nginx" in failure(client, WRITE, NonsenseError).message


def test_text_that_is_not_json_is_nonsense(client: Client, platform: Platform) -> None:
    platform.on("GET /thing", Response("OK", 200, media_type="text/plain"))
    failure(client, READ, NonsenseError)
    assert len(platform.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_any_other_redirect_is_refused_and_named(client: Client, platform: Platform, status: int) -> None:
    """Followed, a 301 would turn a POST into a GET and drop the body of a PATCH."""
    location = f"{platform.url}/thing/?token=s3cr3t"
    platform.on("POST /thing", Response(status_code=status, headers={"Location": location}))
    error = failure(client, WRITE, RefusedError)
    assert "/thing/" in error.message
    assert "s3cr3t" not in error.message
    assert platform.requests() == ["POST /thing"]


def test_a_redirect_to_https_says_how_to_write_the_address(client: Client, platform: Platform) -> None:
    platform.on("GET /thing", Response(status_code=301, headers={"Location": "https://studio.test/thing"}))
    assert "https://" in (failure(client, READ, RefusedError).hint or "")


# -- refusals ----------------------------------------------------------------------------------------------------------

BODIES = [
    ({"detail": "Not found."}, "Not found."),
    ({"error": "Invalid data (bad date)"}, "Invalid data (bad date)"),
    ({"ErrMsg": "There is already a course", "OrgErrMsg": "x"}, "There is already a course"),
    ({"weight": ["A valid number is required."]}, "weight: A valid number is required."),
    ({"non_field_errors": ["No org."], "run": ["Too long."]}, "No org.; run: Too long."),
    ({"status": {"success": False, "description": "No such issuer"}}, "No such issuer"),
    (
        [{"key": "max_attempts", "message": "Incorrect format", "model": {"value": "x"}}],
        "max_attempts: Incorrect format",
    ),
    ({"developer_message": "Unknown course"}, "Unknown course"),
    ({"error": {"message": "deep"}}, "deep"),
    ("just text", "just text"),
]


@pytest.mark.parametrize(("body", "said"), BODIES, ids=[said for _, said in BODIES])
def test_the_reason_is_found_in_every_shape_of_error_body(
    client: Client, platform: Platform, body: object, said: str
) -> None:
    platform.on("POST /thing", as_json(body, 400))
    error = failure(client, WRITE, RefusedError)
    assert error.message == f"POST /thing: refused with 400 ({said})"
    assert (error.status, error.call) == (400, "POST /thing")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response("You do not have\npermission.", 400, media_type="text/plain"), "You do not have permission."),
        (as_page("<html><title>Page &amp; fault</title>", 400), "Page & fault"),
        (as_page("<html><body><h1>Studio Server Error</h1>", 400), "Studio Server Error"),
    ],
)
def test_the_reason_is_found_in_texts_and_pages(
    client: Client, platform: Platform, answer: Response, said: str
) -> None:
    platform.on("POST /thing", answer)
    assert said in failure(client, WRITE, RefusedError).message


def test_an_error_without_a_body_is_told_all_the_same(client: Client, platform: Platform) -> None:
    platform.on("POST /thing", Response(status_code=400))
    assert failure(client, WRITE, RefusedError).message == "POST /thing: refused with 400"


def test_a_long_reason_is_cut(client: Client, platform: Platform) -> None:
    platform.on("POST /thing", as_json({"detail": "long " * 1000}, 400))
    assert len(failure(client, WRITE, RefusedError).message) < 500


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (401, {"detail": "Authentication credentials were not provided."}, "IBL_STUDIO_SESSION"),
        (403, {"detail": "CSRF Failed: Referer checking failed"}, "one browser"),
        (403, {"error": "Permission denied"}, "role"),
    ],
)
def test_no_login_no_csrf_and_no_role_are_told_apart(
    client: Client, platform: Platform, status: int, body: object, hint: str
) -> None:
    platform.on("POST /thing", as_json(body, status))
    error = failure(client, WRITE, LoginError)
    assert error.status == status
    assert hint in (error.hint or "")
    assert len(platform.asked) == 1


def test_a_file_too_large_says_what_to_do(client: Client, platform: Platform) -> None:
    platform.on("POST /thing", as_page("<h1>413 Request Entity Too Large</h1>", 413))
    assert "smaller" in (failure(client, WRITE, RefusedError).hint or "")


def test_a_refusal_inside_a_success_is_a_refusal(client: Client, platform: Platform) -> None:
    platform.on("POST /thing", as_json({"ErrMsg": "taken"}))
    call = replace(CREATE, check=lambda reply: ("taken",))
    error = failure(client, call, RefusedError)
    assert error.status == 200
    assert "taken" in error.message


# -- faults ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_leaves_the_outcome_of_a_write_unknown_and_is_not_repeated(
    client: Client, platform: Platform, status: int
) -> None:
    platform.on("POST /thing", as_page("<h1>Studio Server Error</h1>", status))
    error = failure(client, CREATE, OutcomeUnknownError)
    assert "Studio Server Error" in error.message
    assert len(platform.asked) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_read_is_repeated_after_a_server_error(
    client: Client, platform: Platform, pauses: Pauses, status: int
) -> None:
    platform.on("GET /thing", Response(status_code=status), Response(status_code=status), as_json({"a": 1}))
    assert client.send(READ).json == {"a": 1}
    assert len(pauses.seconds) == 2


def test_a_read_is_given_up_in_the_end(client: Client, platform: Platform) -> None:
    platform.on("GET /thing", Response(status_code=502))
    failure(client, READ, OutcomeUnknownError)
    assert len(platform.asked) == 5


def test_a_read_that_answers_500_is_repeated_once(client: Client, platform: Platform) -> None:
    """It may be lasting: a missing block is a 500 on some releases."""
    platform.on("GET /thing", Response(status_code=500))
    assert failure(client, READ, RefusedError).status == 500
    assert len(platform.asked) == 2


@pytest.mark.parametrize("call", [READ, CREATE], ids=["read", "create"])
def test_what_the_platform_throttles_is_sent_again_when_it_says(
    client: Client, platform: Platform, pauses: Pauses, call: Call
) -> None:
    platform.on(f"{call.method} /thing", as_json({}, 429, **{"Retry-After": "7"}), as_json({"a": 1}))
    assert client.send(call).json == {"a": 1}
    assert 7 <= pauses.seconds[0] < 8


def test_503_with_retry_after_is_throttling(client: Client, platform: Platform, pauses: Pauses) -> None:
    platform.on("POST /thing", Response(status_code=503, headers={"Retry-After": "2"}), as_json({}))
    client.send(CREATE)
    assert pauses.seconds[0] >= 2


def test_a_retry_after_may_be_a_date(client: Client, platform: Platform, pauses: Pauses) -> None:
    past = "Mon, 01 Jan 2024 00:00:00 GMT"
    platform.on("POST /thing", as_json({}, 429, **{"Retry-After": past}), as_json({}))
    client.send(CREATE)
    assert pauses.seconds[0] < 1


@pytest.mark.parametrize("asked", ["3600", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_an_hour_is_not_waited(client: Client, platform: Platform, pauses: Pauses, asked: str) -> None:
    platform.on("POST /thing", as_json({"detail": "slow down"}, 429, **{"Retry-After": asked}))
    error = failure(client, CREATE, ThrottledError)
    assert isinstance(error, ThrottledError)
    assert (error.retry_after or 0) >= 3600
    assert pauses.seconds == []


@pytest.mark.parametrize("asked", ["soon", ""])
def test_an_unreadable_retry_after_is_a_backoff(client: Client, platform: Platform, pauses: Pauses, asked: str) -> None:
    platform.on("POST /thing", as_json({}, 429, **{"Retry-After": asked}), as_json({}))
    client.send(CREATE)
    assert len(pauses.seconds) == 1


# -- the network -------------------------------------------------------------------------------------------------------


def test_a_host_that_is_not_there_is_unreachable_and_tried_again(
    connect: Connect, session_target: Target, pauses: Pauses
) -> None:
    with socket.socket() as taken:  # bound, not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        client = connect(replace(session_target, cms_url=address))
        failure(client, CREATE, UnreachableError)
    assert len(pauses.seconds) == 4
    assert not client.calls


@contextmanager
def raw_server(answer: bytes, *, hang: bool = False) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads a request and answers with just these bytes, then closes (or hangs)."""
    heard: list[bytes] = []
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while not done.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    heard.append(connection.recv(65536))
                    connection.sendall(answer)
                    if hang:
                        done.wait(10)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
        done.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"nonsense\r\n\r\n"])
def test_a_broken_answer_leaves_the_outcome_unknown_and_is_not_repeated(
    connect: Connect, session_target: Target, answer: bytes
) -> None:
    with raw_server(answer) as (url, heard):
        client = connect(replace(session_target, cms_url=url))
        failure(client, CREATE, OutcomeUnknownError)
        assert len(heard) == 1
        assert client.calls == {CallKind.CREATE: 1}


def test_no_answer_in_time_leaves_the_outcome_unknown(connect: Connect, session_target: Target) -> None:
    with raw_server(b"", hang=True) as (url, heard):
        client = connect(replace(session_target, cms_url=url, options=Options(timeout=0.05)))
        assert "in time" in failure(client, WRITE, OutcomeUnknownError).message
        assert len(heard) == 1


def test_a_service_without_an_address_is_named(connect: Connect, session_target: Target) -> None:
    client = connect(session_target)
    error = failure(client, replace(READ, service=Service.MANAGER), LoginError)
    assert "IBL_PLATFORM_API_KEY" in (error.hint or "")
