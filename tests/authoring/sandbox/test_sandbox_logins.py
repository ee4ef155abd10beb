"""Who may pass: tokens, sessions, CSRF, and how each refusal looks."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from authoring.sandbox import DOCUMENTED, SandboxServer
from tests.studio import KEY, ROOT, Studio

CLIENT = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox"}
UNITS = f"/api/v1/ibl/course/{KEY}/units"
BLOCK = f"/xblock/{ROOT}"


def token(url: str, **changes: str) -> httpx.Response:
    return httpx.post(f"{url}/oauth2/access_token/", data=CLIENT | changes)


def test_a_token(documented: Studio) -> None:
    url = documented.server.url
    reply = token(url).json()
    assert (reply["token_type"], reply["expires_in"]) == ("Bearer", 3600)
    bearer = {"Authorization": f"Bearer {reply['access_token']}", "Accept": "application/json"}
    assert httpx.get(url + UNITS, headers=bearer).status_code == 200
    stock = httpx.get(url + BLOCK, headers=bearer)
    assert (stock.status_code, stock.headers["location"]) == (302, f"/login?next={BLOCK}")
    documented.server.expire_tokens()
    assert httpx.get(url + UNITS, headers=bearer).status_code == 401


def test_a_deployment_without_tokens(observed: Studio) -> None:
    url = observed.server.url
    bearer = {"Authorization": f"Bearer {token(url).json()['access_token']}"}
    assert httpx.get(url + UNITS, headers=bearer).status_code == 401


def test_a_wrong_client(studio: Studio) -> None:
    url = studio.server.url
    assert token(url, client_secret="wrong").json() == {"error": "invalid_client"}
    assert token(url, grant_type="password").json() == {"error": "unsupported_grant_type"}


def test_a_short_lived_token(tmp_path: Path) -> None:
    with SandboxServer(tmp_path / "s.sqlite3", DOCUMENTED, token_lifetime=0.0) as server:
        bearer = {"Authorization": f"Bearer {token(server.url).json()['access_token']}"}
        assert httpx.get(server.url + UNITS, headers=bearer).status_code == 401


@pytest.mark.parametrize(
    ("path", "cookies", "code"),
    [
        (UNITS, {}, 401),
        (BLOCK, {}, 302),
        (UNITS, {"studio_session_id": "expired"}, 302),
        (BLOCK, {"studio_session_id": "expired"}, 302),
        (f"/assets/{KEY}/", {}, 302),
        (f"/settings/grading/{KEY}", {}, 302),
        (BLOCK, {"studio_session_id": "'sandbox'"}, 500),
        (BLOCK, {"studio_session_id": "sandbox"}, 200),
    ],
)
def test_sessions(studio: Studio, path: str, cookies: dict[str, str], code: int) -> None:
    with httpx.Client(cookies=cookies, headers={"Accept": "application/json"}) as http:
        reply = http.get(studio.server.url + path)
    assert reply.status_code == code
    if code == 302:
        assert reply.headers["location"].startswith("/login")
    if code == 500:
        assert "Studio Server Error" in reply.text


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-CSRFToken", ""),
        ("X-CSRFToken", "stale"),
        ("Cookie", "studio_session_id=sandbox; csrftoken=stale"),
        ("Origin", "https://elsewhere.test"),
        ("Referer", ""),
        ("Referer", "https://elsewhere.test/"),
    ],
)
def test_a_write_without_its_csrf_headers(studio: Studio, header: str, value: str) -> None:
    body = {"metadata": {"display_name": "Lost"}}
    reply = studio.http.post(BLOCK, json=body, headers={header: value})
    assert reply.status_code == 403
    assert "CSRF" in reply.text
    assert studio.read(ROOT)["display_name"] == "Data"


def test_a_path_without_its_slash(documented: Studio, observed: Studio) -> None:
    body = {"parent_locator": ROOT, "category": "chapter"}
    assert documented.send("POST", "/xblock", body)["locator"] == documented.children(ROOT)[0]
    reply = observed.http.post("/xblock", json=body)
    assert (reply.status_code, reply.headers["location"]) == (301, "/xblock/")
    assert observed.children(ROOT) == []
    ask = observed.http.get(f"/api/ibl/manage/course?course_key={KEY}")
    assert (ask.status_code, ask.headers["location"]) == (301, f"/api/ibl/manage/course/?course_key={KEY}")


def test_a_path_that_is_not_there(studio: Studio) -> None:
    for path in ("/api/v1/ibl/course/asset/upload", f"/api/v1/ibl/course/{KEY}/units/", "/nothing"):
        studio.send("POST", path, {}, code=404)


def test_only_its_own_names_are_answered(studio: Studio) -> None:
    assert studio.http.get("/", headers={"Host": "evil.test"}).status_code == 400
