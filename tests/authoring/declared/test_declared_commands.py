"""`authoring platform plan` and `apply` as people and scripts run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from authoring.cli import main
from authoring.platform.catalog import Catalog, ProgramWish
from authoring.sandbox import Fault, FaultKind
from tests.declarations import ALL, declare
from tests.platformdesk import COURSE, RERUN, PlatformDesk

PROGRAM = "programs:\n  p:\n    name: First\n    courses: [course]\n"


@pytest.fixture(autouse=True)
def environ(desk: PlatformDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.folder)
    for name, value in desk.variables().items():
        monkeypatch.setenv(name, value)


def run(*words: str, code: int = 0) -> Any:
    result = CliRunner().invoke(main, ["platform", *words], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def test_a_plan_and_an_apply(desk: PlatformDesk) -> None:
    desk.write(PROGRAM)
    assert "create  programs/p: it is not there yet\n1 writes\n" in run("plan", "platform.yaml").stdout
    result = run("apply", "platform.yaml")
    assert result.stdout == "1 of 1 writes done\n"
    assert "done: create programs/p" in result.stderr
    told = json.loads(run("apply", "platform.yaml", "--run", "2028_T1", "--json").stdout)
    assert told["done"] == ["programs/p"]
    (operation,) = told["operations"]
    assert (operation["action"], operation["added"], operation["removed"]) == ("link", [RERUN], [COURSE])
    assert json.loads(run("plan", "platform.yaml", "--run", "2028_T1", "--json").stdout)["operations"] == []


def test_a_folder(desk: PlatformDesk) -> None:
    place = desk.folder / "platform"
    place.mkdir()
    (place / "programs.yaml").write_text(PROGRAM.replace("[course]", "[../course]"))
    run("apply", "platform")
    assert (place / "platform.lock").exists()
    assert "0 writes" in run("plan", "platform").stdout


def test_exit_codes(desk: PlatformDesk) -> None:
    desk.write("skils: {}")
    assert "platform.yaml:1" in run("plan", "platform.yaml", code=1).stderr
    report = json.loads(run("apply", "platform.yaml", "--json", code=1).stdout)
    assert report["diagnostics"][0]["line"] == 1
    run("apply", "nothing.yaml", code=1)
    run("apply", "platform.yaml", "--created", "nonsense", code=2)
    desk.write(PROGRAM)
    assert "no row is called" in run("apply", "platform.yaml", "--not-created", "programs/q", code=1).stderr
    desk.server.faults.add(Fault(FaultKind.UNAUTHORIZED, times=20))
    run("apply", "platform.yaml", code=3)
    desk.server.faults.clear()
    desk.server.faults.add(Fault(FaultKind.UNAUTHORIZED, path="programs", skip=1, times=20))
    run("apply", "platform.yaml", code=3)
    desk.server.faults.clear()
    run("apply", "platform.yaml")
    with desk.client() as client:
        Catalog(client).save_program(ProgramWish(program_id="p", name="Theirs", platform_key="sandbox"))
    result = run("apply", "platform.yaml", code=8)
    assert "theirs: platform.yaml:2: programs/p: name: somebody changed it on the platform" in result.stderr
    assert "hint: --overwrite sends yours" in result.stderr
    run("apply", "platform.yaml", "--overwrite")


def test_partly_done(desk: PlatformDesk) -> None:
    declare(desk, ALL)
    desk.server.faults.add(Fault(FaultKind.ERROR_BEFORE, "create", path="mentor-with-settings", status=503))
    assert "mentors/tutor" in run("apply", "platform.yaml", code=4).stderr
    run("apply", "platform.yaml")


def test_a_doubt_is_answered(desk: PlatformDesk) -> None:
    declare(desk, ALL)
    desk.server.faults.add(Fault(FaultKind.RESET_AFTER, "create", path="launch/tenant"))
    result = run("apply", "platform.yaml", "--launch-tenant", code=7)
    assert "--created tenant/tenant=ID or --not-created tenant/tenant" in result.stderr
    desk.server.clear_log()
    result = run("apply", "platform.yaml", "--launch-tenant", code=7)
    assert result.stdout == "Nothing was sent.\n"
    run("plan", "platform.yaml", "--launch-tenant", code=7)
    assert desk.writes() == []
    run("apply", "platform.yaml", "--created", "tenant/tenant=newtenant")
    assert len(desk.rows("tenant")) == 1


def test_the_embedded_sandbox(desk: PlatformDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in desk.variables():
        monkeypatch.delenv(name)
    desk.write("skills:\n  a: {}\n")
    assert "1 of 1 writes done" in run("apply", "platform.yaml").stdout
    assert "0 of 0 writes done" in run("apply", "platform.yaml").stdout


def test_a_bad_row_is_told_with_its_line(desk: PlatformDesk) -> None:
    desk.write("enrolments:\n  - file: cohort.csv\n    course: course\n", cohort__csv="username\nada\nno good name\n")
    result = run("apply", "platform.yaml", code=8)
    assert "1 done, 1 bad-row" in result.stdout
    assert "line 3: username" in result.stderr
    assert "line 3: username" in run("plan", "platform.yaml").stderr
    assert "0 of 0 writes done" in run("apply", "platform.yaml", code=8).stdout
