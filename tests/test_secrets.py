"""Secrets of a run are in nothing that the run wrote or printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from authoring.cli import main
from authoring.sandbox import Fault, FaultKind, SandboxServer
from tests.conftest import write_tree
from tests.desk import Desk
from tests.test_main_job import FILES

SECRETS = {"TOOL_KEY": "key-5f1c9a7e", "TOOL_SECRET": "secret-b83d20ff"}
PASSPORT = "lti_passports:\n  tool:\n    key_env: TOOL_KEY\n    secret_env: TOOL_SECRET\n"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        yield Desk(
            write_tree(tmp_path / "course", {**FILES, "course.yaml": f"{FILES['course.yaml']!s}{PASSPORT}"}), server
        )


def run(desk: Desk, *args: str, secrets: dict[str, str] | None = None) -> Result:
    environ = {**desk.environ, **(SECRETS if secrets is None else secrets)}
    return CliRunner(env=environ).invoke(main, [args[0], str(desk.folder), *args[1:]])


def assert_nothing_leaked(desk: Desk, *results: Result) -> None:
    for secret in SECRETS.values():
        for result in results:
            assert secret not in result.output
        for path in desk.folder.rglob("*"):
            if path.is_file():
                assert secret.encode() not in path.read_bytes(), path


def test_a_passport_is_added_once_and_written_nowhere(desk: Desk) -> None:
    plan = run(desk, "plan", "--json", "--out", str(desk.folder / "saved-plan.json"))
    first = run(desk, "push", "--publish", "--json")
    second = run(desk, "push", "--publish", "--json")
    assert (plan.exit_code, first.exit_code, second.exit_code) == (0, 0, 0), first.output
    passports = desk.live()["draft"]["fields"]["lti_passports"]
    assert passports == [f"tool:{SECRETS['TOOL_KEY']}:{SECRETS['TOOL_SECRET']}"]
    (desk.folder / "course.lock").unlink()
    third = run(desk, "push", "--publish")
    assert third.exit_code == 0, third.output
    assert desk.live()["draft"]["fields"]["lti_passports"] == passports
    assert_nothing_leaked(desk, plan, first, second, third)


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER, FaultKind.HTML, FaultKind.UNAUTHORIZED])
def test_a_failing_call_does_not_show_them(desk: Desk, kind: FaultKind) -> None:
    desk.server.faults.add(Fault(kind, None, "lti_passport|settings/advanced", times=9))
    failed = run(desk, "push", "--json")
    desk.server.faults.clear()
    again = run(desk, "push")
    assert again.exit_code == 0, again.output
    assert len(desk.live()["draft"]["fields"]["lti_passports"]) == 1
    assert_nothing_leaked(desk, failed, again)


def test_a_missing_variable_is_named_before_anything_is_sent(desk: Desk) -> None:
    result = run(desk, "push", secrets={"TOOL_KEY": SECRETS["TOOL_KEY"]})
    assert result.exit_code == 1
    assert "TOOL_SECRET" in result.stderr
    assert [request.kind for request in desk.server.requests if request.kind not in ("read", "login")] == []
    assert_nothing_leaked(desk, result)
