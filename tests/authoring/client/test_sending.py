"""How calls are sent: logins, bodies, files, counting, and secrets that stay secret."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.responses import Response

from authoring.calls import Call, CallKind, FilePart, Json, Merge, Service
from authoring.client import Client, Sent
from authoring.client.logins import TokenLogin
from authoring.errors import ApiError, LoginError, NonsenseError, RefusedError
from authoring.settings import ClientCredentials, Secret, Target
from tests.authoring.client.scripted import TOKEN_PATH, Asked, Platform, as_json

Connect = Callable[[Target], Client]

READ = Call(CallKind.READ, Service.CMS, "GET", "/thing")
WRITE = Call(CallKind.UPDATE, Service.CMS, "POST", "/thing", json={"a": 1})
TOKEN = f"POST {TOKEN_PATH}"


def tokens(*names: str, **more: object) -> list[Response]:
    return [as_json({"access_token": name, "expires_in": 3600, **more}) for name in names]


# -- a Studio session --------------------------------------------------------------------------------------------------


def test_a_session_sends_its_cookies_and_what_csrf_protection_wants(
    connect: Connect, session_target: Target, platform: Platform
) -> None:
    platform.on("POST /thing", as_json({}))
    connect(session_target).send(WRITE)
    headers = platform.asked[0].headers
    assert headers["cookie"] == "studio_session_id=the-session-id; csrftoken=the-csrf-token"
    assert headers["x-csrftoken"] == "the-csrf-token"
    assert (headers["origin"], headers["referer"]) == (platform.url, f"{platform.url}/")
    assert "authorization" not in headers


def test_cookies_that_a_host_sets_are_not_kept(connect: Connect, session_target: Target, platform: Platform) -> None:
    platform.on("GET /thing", as_json({}, **{"Set-Cookie": "csrftoken=another; Path=/"}))
    client = connect(session_target)
    client.send(READ)
    client.send(READ)
    assert platform.asked[1].headers["cookie"] == platform.asked[0].headers["cookie"]


def test_the_origin_is_the_host_alone_where_the_address_has_a_path(
    connect: Connect, session_target: Target, platform: Platform
) -> None:
    platform.on("GET /gateway/edx/thing", as_json({}))
    connect(replace(session_target, cms_url=f"{platform.url}/gateway/edx")).send(READ)
    assert platform.asked[0].headers["origin"] == platform.url


# -- client credentials ------------------------------------------------------------------------------------------------


def test_a_token_is_fetched_once_and_used(connect: Connect, token_target: Target, platform: Platform) -> None:
    platform.on(TOKEN, *tokens("one"))
    platform.on("GET /thing", as_json({}))
    client = connect(token_target)
    client.send(READ)
    client.send(READ)
    assert platform.requests() == [TOKEN, "GET /thing", "GET /thing"]
    assert platform.asked[0].form == {
        "client_id": "the-client",
        "client_secret": "the-client-secret",
        "grant_type": "client_credentials",
    }
    assert platform.asked[1].headers["authorization"] == "Bearer one"
    assert client.calls == {CallKind.LOGIN: 1, CallKind.READ: 2}


def test_threads_share_one_token(connect: Connect, token_target: Target, platform: Platform) -> None:
    platform.on(TOKEN, *tokens("one"))
    platform.on("GET /thing", as_json({}))
    connect(token_target).send_reads([READ] * 8)
    assert platform.requests().count(TOKEN) == 1


def test_a_token_that_is_refused_is_renewed_once(connect: Connect, token_target: Target, platform: Platform) -> None:
    def guarded(asked: Asked) -> Response:
        return as_json({}, 200 if asked.headers["authorization"] == "Bearer two" else 401)

    platform.on(TOKEN, *tokens("one", "two"))
    platform.on("POST /thing", guarded)
    connect(token_target).send(WRITE)
    assert platform.requests() == [TOKEN, "POST /thing", TOKEN, "POST /thing"]


def test_a_token_that_is_refused_twice_is_an_error(connect: Connect, token_target: Target, platform: Platform) -> None:
    platform.on(TOKEN, *tokens("one", "two"))
    platform.on("POST /thing", as_json({"detail": "no"}, 401))
    with pytest.raises(LoginError):
        connect(token_target).send(WRITE)
    assert platform.requests().count("POST /thing") == 2


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_wrong_secret_is_told_without_showing_it(
    connect: Connect, token_target: Target, platform: Platform, status: int
) -> None:
    platform.on(TOKEN, as_json({"error": "invalid_client: the-client-secret"}, status))
    with pytest.raises(LoginError) as caught:
        connect(token_target).send(READ)
    assert "'the-client'" in caught.value.message
    assert "IBL_CLIENT_SECRET" in (caught.value.hint or "")
    cause = caught.value.__cause__
    assert isinstance(cause, ApiError)
    assert "the-client-secret" not in caught.value.message + cause.message


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": 7}, []])
def test_a_login_without_a_token_is_nonsense(
    connect: Connect, token_target: Target, platform: Platform, answer: object
) -> None:
    platform.on(TOKEN, as_json(answer))
    with pytest.raises(NonsenseError):
        connect(token_target).send(READ)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("told", "good_until"),
    [({"expires_in": 3600}, 3540), ({"expires_in": 60}, 30), ({}, 540), ({"expires_in": 0}, 10)],
)
def test_a_token_is_renewed_before_it_ends(told: dict[str, Json], good_until: float) -> None:
    clock, given = Clock(), iter(("one", "two"))

    def fetch(call: Call) -> Json:
        assert call.secret
        return {"access_token": next(given), **told}

    credentials = ClientCredentials("id", Secret("secret"), TOKEN_PATH)
    login = TokenLogin(credentials, Service.LMS, fetch, learn=lambda token: None, clock=clock)
    assert login.token() == "one"
    clock.now = good_until - 1
    assert login.token() == "one"
    clock.now = good_until
    assert login.token() == "two"


def test_a_late_refusal_does_not_drop_a_token_that_was_renewed_meanwhile() -> None:
    given = iter(("one", "two"))
    credentials = ClientCredentials("id", Secret("secret"), TOKEN_PATH)
    login = TokenLogin(credentials, Service.LMS, lambda call: {"access_token": next(given)}, learn=lambda token: None)
    login.token()
    login.forget("one")
    assert login.token() == "two"
    login.forget("one")
    assert login.token() == "two"


def test_a_session_is_used_before_a_token_since_it_opens_more(
    connect: Connect, session_target: Target, token_target: Target, platform: Platform
) -> None:
    platform.on("GET /thing", as_json({}))
    platform.on(TOKEN, *tokens("one"))
    client = connect(replace(session_target, oauth=token_target.oauth))
    client.send(READ)
    client.send(replace(READ, service=Service.LMS))
    assert platform.requests() == ["GET /thing", TOKEN, "GET /thing"]


def test_the_data_manager_has_logins_of_its_own(connect: Connect, session_target: Target, platform: Platform) -> None:
    platform.on("GET /dm/thing", as_json({}))
    platform.on("POST /dm/oauth/token/", *tokens("manager-token"))
    manager = replace(session_target, manager_url=f"{platform.url}/dm")
    credentials = ClientCredentials("dm", Secret("dm-secret"), "/oauth/token/")
    call = replace(READ, service=Service.MANAGER)
    connect(replace(manager, manager_oauth=credentials)).send(call)
    assert platform.asked[-1].headers["authorization"] == "Bearer manager-token"
    connect(replace(manager, api_key=Secret("the-key"))).send(call)
    assert platform.asked[-1].headers["authorization"] == "Api-Token the-key"


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_keys_are_plain_in_paths_and_encoded_in_queries(
    connect: Connect, session_target: Target, platform: Platform
) -> None:
    key = "block-v1:Ä+B+C+type@html+block@x"
    platform.on(f"GET /xblock/{key}", as_json({}))
    connect(session_target).send(replace(READ, path=f"/xblock/{key}", query={"course_key": "course-v1:A+B+C"}))
    assert platform.requests() == [f"GET /xblock/{key}"]
    assert platform.asked[0].query == {"course_key": "course-v1:A+B+C"}


def test_json_is_sent_as_utf8(connect: Connect, session_target: Target, platform: Platform) -> None:
    platform.on("POST /thing", as_json({}))
    body: Json = {"text": "Größe → ∞", "list": ("a", {"b": None})}
    connect(session_target).send(replace(WRITE, json=body))
    assert platform.asked[0].headers["content-type"] == "application/json"
    assert platform.asked[0].json == {"text": "Größe → ∞", "list": ["a", {"b": None}]}


def part(file: Path) -> FilePart:
    return FilePart("file", file, "a b.zip", "application/zip", 5)


def test_files_are_sent_as_a_form(connect: Connect, session_target: Target, platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "package.zip"
    file.write_bytes(b"PK\x03\x04!" * 100_000)
    platform.on("POST /thing", as_json({}))
    connect(session_target).send(replace(WRITE, json=None, form={"weight": "1.0"}, files=(part(file),)))
    assert platform.asked[0].form == {
        "weight": "1.0",
        "file": ("a b.zip", "application/zip", file.read_bytes()),
    }


def test_files_may_travel_in_json(connect: Connect, session_target: Target, platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "package.zip"
    file.write_bytes(b"PK\x03\x04!")
    platform.on("POST /thing", as_json({}))
    connect(session_target).send(replace(WRITE, json={"a": "1"}, files=(part(file),), inline_files=True))
    assert platform.asked[0].json == {"a": "1", "file": base64.b64encode(b"PK\x03\x04!").decode()}


@pytest.mark.parametrize("inline", [False, True])
def test_a_file_that_is_gone_is_told_and_nothing_is_sent(
    connect: Connect, session_target: Target, platform: Platform, tmp_path: Path, inline: bool
) -> None:
    client = connect(session_target)
    call = replace(WRITE, json={}, files=(part(tmp_path / "gone.zip"),), inline_files=inline)
    with pytest.raises(RefusedError, match=r"gone\.zip cannot be read .*nothing was sent"):
        client.send(call)
    assert not platform.asked
    assert not client.calls


def test_a_file_is_read_again_when_the_call_is_repeated(
    connect: Connect, session_target: Target, platform: Platform, tmp_path: Path
) -> None:
    file = tmp_path / "x.bin"
    file.write_bytes(b"whole")
    platform.on("POST /thing", Response(status_code=429), as_json({}))
    connect(session_target).send(replace(WRITE, json=None, files=(part(file),)))
    assert [asked.form["file"][2] for asked in platform.asked] == [b"whole", b"whole"]


def test_a_call_that_merges_reads_what_it_must_keep(
    connect: Connect, session_target: Target, platform: Platform
) -> None:
    def add(live: Json, ours: Json) -> Json:
        assert isinstance(live, dict)
        assert isinstance(ours, dict)
        return {**live, **ours}

    platform.on("GET /thing", as_json({"a": 0, "b": 2}))
    platform.on("POST /thing", as_json({}))
    client = connect(session_target)
    client.send(replace(WRITE, merge=Merge(READ, add)))
    assert platform.asked[1].json == {"a": 1, "b": 2}
    assert client.calls == {CallKind.READ: 1, CallKind.UPDATE: 1}


def test_nothing_is_written_when_what_must_be_kept_cannot_be_understood(
    connect: Connect, session_target: Target, platform: Platform
) -> None:
    def refuse(live: Json, ours: Json) -> Json:
        raise ValueError("not settings")

    platform.on("GET /thing", as_json([]))
    with pytest.raises(NonsenseError, match="nothing was written"):
        connect(session_target).send(replace(WRITE, merge=Merge(READ, refuse)))
    assert platform.requests() == ["GET /thing"]


# -- watching ----------------------------------------------------------------------------------------------------------


def test_every_request_that_leaves_is_counted_and_told(session_target: Target, platform: Platform) -> None:
    told: list[Sent] = []
    platform.on("GET /thing", Response(status_code=502), as_json({}))
    platform.on("POST /thing", as_json({}, 400))
    with Client(session_target, on_call=told.append, sleep=lambda seconds: None) as client:
        client.send(READ)
        with pytest.raises(RefusedError):
            client.send(WRITE)
    assert [(str(sent.call), sent.status) for sent in told] == [
        ("GET /thing", 502),
        ("GET /thing", 200),
        ("POST /thing", 400),
    ]
    assert client.calls == {CallKind.READ: 2, CallKind.UPDATE: 1}


def test_reads_are_made_side_by_side(connect: Connect, session_target: Target, platform: Platform) -> None:
    """Two requests that wait for each other are both answered."""
    together = threading.Barrier(2, timeout=5)

    def met(sent: Sent) -> None:
        together.wait()

    platform.on("GET /thing", as_json({}))
    with Client(session_target, on_call=met) as client:
        assert [reply.status for reply in client.send_reads([READ, READ])] == [200, 200]


def test_writes_are_never_made_side_by_side(connect: Connect, session_target: Target) -> None:
    with pytest.raises(ValueError, match="only reads"):
        connect(session_target).send_reads([READ, WRITE])


# -- secrets -----------------------------------------------------------------------------------------------------------

PASSPORT = replace(WRITE, kind=CallKind.SETTINGS, json={"lti_passport": "tool:consumer-key:shared-secret"}, secret=True)


def test_a_secret_that_the_platform_sends_back_is_not_shown(
    connect: Connect, session_target: Target, platform: Platform
) -> None:
    said = "bad passport tool:consumer-key:shared-secret (shared-secret) of session the-session-id"
    platform.on("POST /thing", as_json({"error": said}, 400))
    with pytest.raises(RefusedError) as caught:
        connect(session_target).send(PASSPORT)
    assert caught.value.message == (
        "POST /thing: refused with 400 (bad passport [secret] ([secret]) of session [secret])"
    )


def test_a_token_that_the_platform_sends_back_is_not_shown(
    connect: Connect, token_target: Target, platform: Platform
) -> None:
    platform.on(TOKEN, *tokens("a-fresh-token"))
    platform.on("GET /thing", as_json({"detail": "a-fresh-token has no scope"}, 400))
    with pytest.raises(RefusedError) as caught:
        connect(token_target).send(READ)
    assert "a-fresh-token" not in caught.value.message


def test_a_printed_call_shows_neither_secrets_nor_file_contents(tmp_path: Path) -> None:
    assert PASSPORT.to_json()["body"] == "[secret]"
    upload = replace(WRITE, json=None, form={"weight": "1"}, files=(part(tmp_path / "x"),))
    assert upload.to_json()["body"] == {"weight": "1", "file": {"file": "a b.zip", "bytes": 5}}
    json.dumps(replace(WRITE, merge=Merge(READ, lambda live, ours: ours)).to_json())
