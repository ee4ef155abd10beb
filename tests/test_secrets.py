"""Secrets stay out of everything a run writes: the course folder, its lock file, journal and plans, and all that is printed.

Each secret is a word of its own, searched for in bytes, plain and as base64, in every file below the test's folder
except the sandbox's own database, and in the output of runs that go well, that fail, and that end in a defect.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner

from authoring.cli import main
from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, SandboxServer
from tests.conftest import write_tree
from tests.desk import LOGIN, Desk
from tests.test_main_job import FILES

PASSPORT = {"TOOL_KEY": "passport-key-Xq81", "TOOL_SECRET": "passport-secret/Yw92+"}
WRONG = {
    "IBL_CLIENT_SECRET": "client-secret-Zr73",
    "IBL_STUDIO_SESSION": "1|session-As64|zz",
    "IBL_STUDIO_CSRF": "csrf-token-Df55",
    "IBL_PLATFORM_API_KEY": "platform-key-Gh46",
    "IBL_MANAGER_CLIENT_ID": "manager",
    "IBL_MANAGER_CLIENT_SECRET": "manager-secret-Jk37",
}
OTHER = "another-secret-Bv64"
SECRETS = (*(value for value in (*PASSPORT.values(), *WRONG.values()) if value != "manager"), OTHER)


class SecretDesk(Desk):
    """A desk with LTI passports in the environment, and secrets that the sandbox takes or, if `wrong`, does not."""

    wrong = False
    spoken = ""

    @property
    def environ(self) -> dict[str, str]:
        taken = {name: value for name, value in WRONG.items() if self.wrong or name not in LOGIN}
        return {**super().environ, **PASSPORT, **taken}

    def say(self, command: str, *args: str) -> int:
        """Run a command and keep what it prints, a traceback with its chain included."""
        result = CliRunner(env=self.environ).invoke(main, [command, str(self.folder), *args])
        self.spoken += result.stdout + result.stderr
        error = result.exception
        while error is not None:
            self.spoken += f"{error!r} {error} {vars(error)}"
            error = error.__cause__ or error.__context__
        return result.exit_code


@pytest.fixture(
    params=[("ibl", DOCUMENTED), ("ibl", OBSERVED), ("studio", OBSERVED)], ids=lambda p: f"{p[0]}-{p[1].name}"
)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SecretDesk]:
    dialect, profile = request.param
    passports = "lti_passports:\n  tool: {key_env: TOOL_KEY, secret_env: TOOL_SECRET}\n"
    folder = write_tree(tmp_path / "work/course", {**FILES, "course.yaml": f"{FILES['course.yaml']}{passports}"})
    with SandboxServer(tmp_path / "sandbox.sqlite3", profile) as server:
        yield SecretDesk(folder, server, dialect)


def assert_no_secret(desk: SecretDesk) -> None:
    """No secret in what was printed, nor in any file of the work folder."""
    places = {"output": desk.spoken.encode()}
    work = desk.folder.parent
    places.update((str(path.relative_to(work)), path.read_bytes()) for path in work.rglob("*") if path.is_file())
    assert len(places) > len(FILES)
    for secret in SECRETS:
        plain = secret.encode()
        for shape in {plain, base64.b64encode(plain), quote(secret, safe="").encode(), json.dumps(secret).encode()}:
            assert [name for name, content in places.items() if shape in content] == []


def test_the_search_finds_what_is_there(desk: SecretDesk) -> None:
    desk.say("check")
    (desk.folder / "notes").write_bytes(b"\x00" + SECRETS[0].encode())
    with pytest.raises(AssertionError):
        assert_no_secret(desk)


def test_a_run_that_goes_well(desk: SecretDesk) -> None:
    saved = str(desk.folder.parent / "plan.json")
    assert desk.say("plan", "--publish", "--out", saved) == 0
    assert desk.say("plan", "--publish", "--json") == 0
    assert desk.say("push", "--plan", saved) == 0
    assert desk.say("push", "--publish", "--json") == 0
    for command in ("status", "publish"):
        assert desk.say(command, "--json") == 0
    desk.say("doctor")
    desk.say("doctor", "--json")
    assert desk.say("export", str(desk.folder.parent / "out.tar.gz"), "--to", "olx") == 0
    assert desk.say("export", str(desk.folder.parent / "out"), "--to", "olx") == 0
    held = desk.live()["draft"]["fields"]["lti_passports"]
    assert held == [":".join(("tool", *PASSPORT.values()))], "the passport itself arrived"
    assert_no_secret(desk)


def test_a_secret_that_changed(desk: SecretDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.say("push", "--publish") == 0
    monkeypatch.setitem(PASSPORT, "TOOL_SECRET", OTHER)
    assert desk.say("plan", "--json") == 0
    assert desk.say("push", "--json") == 0
    assert desk.live()["draft"]["fields"]["lti_passports"] != [":".join(("tool", *PASSPORT.values()))]
    assert desk.say("push", "--replace-passports") == 0
    assert desk.live()["draft"]["fields"]["lti_passports"] == [":".join(("tool", *PASSPORT.values()))]
    assert_no_secret(desk)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.ERROR_BEFORE, "settings", times=99, status=500),
        Fault(FaultKind.RESET_BEFORE, "settings", times=99),
        Fault(FaultKind.TRUNCATED, "settings", times=99),
        Fault(FaultKind.HTML, "settings", times=99),
        Fault(FaultKind.LOGIN_REDIRECT, "settings", times=99),
        Fault(FaultKind.UNAUTHORIZED, "create", skip=3, times=99),
        Fault(FaultKind.HTML, "login", times=99),
        Fault(FaultKind.ERROR_BEFORE, "login", times=99, status=500),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.call_kind}",
)
def test_a_run_that_fails(fault: Fault, desk: SecretDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authoring.applier.PAUSES", (0.0, 0.0, 0.0))
    desk.server.faults.add(fault)
    desk.say("push", "--publish")
    desk.say("push", "--publish", "--json")
    desk.say("doctor")
    assert_no_secret(desk)
    desk.server.faults.clear()
    assert desk.say("push", "--publish") == 0
    assert_no_secret(desk)


def test_a_login_that_is_refused(desk: SecretDesk) -> None:
    desk.wrong = True
    assert desk.say("push", "--publish") == 3
    assert desk.say("push", "--publish", "--json") == 3
    assert desk.say("doctor") == 3
    assert desk.say("doctor", "--json") == 3
    assert_no_secret(desk)


@pytest.mark.parametrize("name", ["IBL_STUDIO_SESSION", "IBL_STUDIO_CSRF"])
@pytest.mark.parametrize("shape", ['"{}"', "{}; x", "x\n{}", "é{}", "studio_session_id={}"])
def test_a_malformed_cookie_is_not_shown(
    name: str, shape: str, desk: SecretDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WRONG, name, shape.format(WRONG[name]))
    desk.wrong = True
    assert desk.say("push") in (1, 3)
    assert desk.say("push", "--json") in (1, 3)
    assert_no_secret(desk)
