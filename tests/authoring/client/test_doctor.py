"""What `diagnose` finds, in words; it changes nothing."""

from __future__ import annotations

import json
import socket
from dataclasses import replace

import pytest
from starlette.responses import Response

from authoring.doctor import Finding, diagnose
from authoring.settings import ClientCredentials, Secret, Target
from tests.authoring.client.scripted import TOKEN_PATH, Platform, as_json, as_page

HOME = "GET /api/contentstore/v2/home/courses"
MANAGE = "GET /api/ibl/manage/course/"
TOKEN = f"POST {TOKEN_PATH}"


def found(target: Target | None) -> dict[str, Finding]:
    findings = diagnose(target)
    json.dumps([finding.to_json() for finding in findings])
    return {finding.subject: finding for finding in findings}


def test_the_sandbox_needs_nothing() -> None:
    (finding,) = diagnose(None)
    assert finding.ok
    assert "sandbox" in finding.message


def test_a_good_session(session_target: Target, platform: Platform) -> None:
    platform.on(HOME, as_json({"results": {}}))
    findings = found(session_target)
    assert findings["Studio session"].ok
    assert findings["capabilities"].ok
    assert "upload files" in findings["capabilities"].message
    assert not any(finding.ok is False for finding in findings.values())
    assert platform.requests() == [HOME]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response(status_code=302, headers={"Location": "/login"}), "not authorised"),
        (as_json({"detail": "no"}, 403), "not authorised"),
        (as_page("<title>Studio Server Error</title>", 500), "refused"),
        (as_page("<title>Sign in</title>"), "no usable answer"),
        (Response(status_code=502), "no usable answer"),
    ],
)
def test_a_session_that_is_not_taken(session_target: Target, platform: Platform, answer: Response, said: str) -> None:
    platform.on(HOME, answer)
    finding = found(session_target)["Studio session"]
    assert finding.ok is False
    assert said in finding.message
    assert finding.hint


def test_a_platform_without_the_route_proves_nothing(session_target: Target, platform: Platform) -> None:
    platform.on(HOME, as_page("<h1>Not found</h1>", 404))
    assert found(session_target)["Studio session"].ok is None


def test_a_host_that_is_not_there(session_target: Target) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        findings = found(replace(session_target, cms_url=f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert findings["Studio session"].ok is False
    assert "not reachable" in findings["Studio session"].message


@pytest.mark.parametrize("status", [400, 404])
def test_client_credentials_are_proved_by_a_course_that_nobody_has(
    token_target: Target, platform: Platform, status: int
) -> None:
    platform.on(TOKEN, as_json({"access_token": "t"}))
    platform.on(MANAGE, as_json({"error": "unknown"}, status))
    findings = found(token_target)
    assert findings["client credentials"].ok
    assert findings["Studio session"].ok is None
    assert "cannot" in findings["capabilities"].message
    assert "IBL_STUDIO_SESSION" in (findings["capabilities"].hint or "")


def test_client_credentials_that_studio_does_not_take(token_target: Target, platform: Platform) -> None:
    """A token is given, and Studio knows only sessions."""
    platform.on(TOKEN, as_json({"access_token": "t"}))
    platform.on(MANAGE, as_json({"detail": "Invalid token."}, 401))
    finding = found(token_target)["client credentials"]
    assert finding.ok is False
    assert "not authorised" in finding.message


def test_client_credentials_are_proved_even_beside_a_session(
    session_target: Target, token_target: Target, platform: Platform
) -> None:
    platform.on(HOME, as_json({}))
    platform.on(TOKEN, as_json({"error": "invalid_client"}, 401))
    findings = found(replace(session_target, oauth=token_target.oauth))
    assert findings["Studio session"].ok
    assert findings["client credentials"].ok is False
    assert "the-client-secret" not in findings["client credentials"].message


def test_a_stock_studio_asks_only_for_a_token(studio_target: Target, token_target: Target, platform: Platform) -> None:
    platform.on(HOME, as_json({}))
    platform.on(TOKEN, as_json({"access_token": "t"}))
    assert found(replace(studio_target, oauth=token_target.oauth))["client credentials"].ok
    assert platform.requests() == [HOME, TOKEN]


def test_the_data_manager_is_looked_at_where_it_is_configured(session_target: Target, platform: Platform) -> None:
    platform.on(HOME, as_json({}))
    target = replace(session_target, manager_url=platform.url)
    subject = "data manager login"
    assert found(target)[subject].ok is None
    assert found(replace(target, api_key=Secret("k")))[subject].ok is None
    credentials = ClientCredentials("dm", Secret("dm-secret"), "/oauth/token/")
    assert found(replace(target, manager_oauth=credentials))[subject].ok is False
    platform.on("POST /oauth/token/", as_json({"access_token": "t"}))
    assert found(replace(target, manager_oauth=credentials))[subject].ok


def test_a_login_in_the_clear_is_told(session_target: Target, platform: Platform) -> None:
    platform.on(HOME, as_json({}))
    assert "in the clear" in found(replace(session_target, lms_url="http://lms.test"))["transport"].message
    assert "transport" not in found(session_target)


def test_nothing_is_written(session_target: Target, token_target: Target, platform: Platform) -> None:
    platform.on(HOME, as_json({}))
    platform.on(TOKEN, as_json({"access_token": "t"}))
    platform.on(MANAGE, as_json({}, 404))
    diagnose(replace(session_target, oauth=token_target.oauth, manager_url=platform.url))
    assert {asked.method for asked in platform.asked if TOKEN_PATH not in asked.path} == {"GET"}
