"""LTI passports: added once, never twice, never another secret in silence; tools that match them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, SandboxServer
from tests.conftest import write_tree
from tests.desk import Desk, differences
from tests.studio import Studio

FILES = {
    "course.yaml": "org: DemoX\nnumber: L1\nrun: r\ntitle: Tools\n"
    "lti_passports:\n  maths: {key_env: MATHS_KEY, secret_env: MATHS_SECRET}\n",
    "01-a/01-b/01-tool.md": "---\ntitle: Tool\n---\n\n:::lti_consumer {#tool}\ntitle: Maths\nlti_id: maths\n"
    "launch_url: https://tool.example.org/lti\n:::\n",
}


@dataclass
class ToolDesk(Desk):
    secret: str = "s3cret-One"

    @property
    def environ(self) -> dict[str, str]:
        return {**super().environ, "MATHS_KEY": "key:with:colons", "MATHS_SECRET": self.secret}

    @property
    def held(self) -> list[str]:
        return list(self.live()["draft"]["fields"].get("lti_passports") or [])

    @property
    def wanted(self) -> str:
        return f"maths:key:with:colons:{self.secret}"


WAYS = [("ibl", True, DOCUMENTED), ("ibl", True, OBSERVED), ("ibl", False, DOCUMENTED), ("studio", True, OBSERVED)]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{'session' if way[1] else 'token'}-{way[2].name}")
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ToolDesk]:
    dialect, session, profile = request.param
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "sandbox.sqlite3", profile) as server:
        yield ToolDesk(folder, server, dialect, session)


def test_a_passport_is_added_once(desk: ToolDesk) -> None:
    desk.push()
    assert desk.held == [desk.wanted]
    assert desk.push()["operations"] == []
    assert differences(desk) == []
    if desk.session:
        (desk.folder / "course.lock").unlink()
        desk.push()
        assert desk.held == [desk.wanted], "what is there already is not added again"


def test_another_secret_is_said_and_sent_only_on_demand(desk: ToolDesk) -> None:
    desk.push()
    old = desk.wanted
    desk.secret = "rotated-Two"
    report = desk.push()
    if not desk.session:
        return  # nobody can see what the course has
    assert [notice["kind"] for notice in report["notices"]] == ["passport-differs"]
    assert desk.held == [old]
    desk.push("--replace-passports")
    assert desk.held == [desk.wanted]
    assert desk.push()["operations"] == []


def test_one_that_somebody_removed_is_added_again(desk: ToolDesk) -> None:
    desk.push()
    if not desk.session:
        return
    with closing(Studio(desk.server).http) as http:
        path = f"/settings/advanced/{desk.course().id}"
        assert http.post(path, json={"lti_passports": {"value": []}}).status_code == 200
    desk.push()
    assert desk.held == [desk.wanted]


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER, FaultKind.TRUNCATED])
def test_an_answer_that_is_lost_leaves_one_passport(desk: ToolDesk, kind: FaultKind) -> None:
    if not desk.session:
        return
    desk.server.faults.add(Fault(kind, path="lti_passport|settings/advanced", call_kind="settings", status=502))
    desk.run("push", code=None)
    desk.push()
    assert desk.held == [desk.wanted]
    assert desk.push()["operations"] == []


def test_the_advanced_settings_can_be_the_way(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        settings = (
            f'[targets.t]\ncms_url = "{server.url}"\nlms_url = "{server.url}"\nlti_passports = "advanced-settings"\n'
        )
        (folder / "authoring.toml").write_text(settings, "utf-8")
        desk = ToolDesk(folder, server)
        desk.push("--target", "t")
        assert desk.held == [desk.wanted]
        assert not [request for request in server.requests if "lti_passport" in request.path]


def test_a_missing_value_stops_before_anything_is_sent(desk: ToolDesk) -> None:
    desk.secret = ""
    result = desk.run("push", code=None)
    assert result.exit_code != 0 and "MATHS_SECRET" in result.stderr
    assert desk.writes() == []


def test_what_the_environment_lacks_comes_from_the_keyring(desk: ToolDesk) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    try:
        keyring.set_password("ibl-course-authoring", "MATHS_SECRET", "from-the-keyring")
        desk.secret = ""
        desk.push()
    finally:
        keyring.set_keyring(before)
    assert desk.held == ["maths:key:with:colons:from-the-keyring"]


class MemoryKeyring(KeyringBackend):
    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.values.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.values[service, username] = password


TOOLS = {
    "an unknown passport": ("lti_id: mahts\nlaunch_url: https://t.example.org/\n", "unknown-passport", "mahts"),
    "no address": ("lti_id: maths\n", "incomplete-lti-tool", "launch_url"),
    "no passport": ("launch_url: https://t.example.org/\n", "incomplete-lti-tool", "lti_id"),
    "LTI 1.3 without addresses": ("lti_version: lti_1p3\n", "incomplete-lti-tool", "lti_1p3_launch_url"),
    "LTI 1.3 without a key": (
        "lti_version: lti_1p3\nhas_score: true\nlti_1p3_launch_url: https://t.example.org/\n"
        "lti_1p3_oidc_url: https://t.example.org/oidc\n",
        "incomplete-lti-tool",
        "lti_1p3_tool_public_key",
    ),
    "an external one without an id": (
        "config_type: external\nexternal_config: x\n",
        "incomplete-lti-tool",
        "provider:id",
    ),
}


@pytest.mark.parametrize(("options", "code", "word"), TOOLS.values(), ids=TOOLS.keys())
def test_a_tool_is_checked_against_the_passports(tmp_path: Path, options: str, code: str, word: str) -> None:
    unit = f"---\ntitle: Tool\n---\n\n:::lti_consumer {{#tool}}\ntitle: Maths\n{options}:::\n"
    folder = write_tree(tmp_path / "course", {**FILES, "01-a/01-b/01-tool.md": unit})
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        found = Desk(folder, server).report("check")["diagnostics"]
    matching = [row for row in found if row["code"] == code and word in row["message"]]
    assert matching and matching[0]["path"] == "01-a/01-b/01-tool.md"


def test_a_tool_that_is_complete_has_no_findings(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        codes = [row["code"] for row in Desk(folder, server).report("check")["diagnostics"]]
    assert not {"unknown-passport", "incomplete-lti-tool", "unused-passport"} & set(codes)


def test_a_copy_has_the_passport_of_the_old_run_until_yours_is_asked_for(desk: ToolDesk) -> None:
    desk.edit("course.yaml", "title: Tools\n", "title: Tools\nstart: 2026-09-07\n")
    desk.push("--publish")
    old = desk.wanted
    desk.secret = "s3cret-Two"

    def held() -> list[str]:
        return list(desk.server.snapshot("course-v1:DemoX+L1+r2")["draft"]["fields"]["lti_passports"])

    report = desk.report("rerun", "--run", "r2", "--start", "2027-01-11")
    assert held() == [old]
    said = any(row["kind"] == "passport-differs" for row in report["notices"])
    assert said == desk.session, "a token does not see passports"
    desk.report("rerun", "--run", "r2", "--replace-passports")
    assert held() == [desk.wanted if desk.session else old]
    assert desk.held == [old], "the old run keeps its own"
