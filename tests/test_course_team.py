"""The course team, both ways: who is named in course.yaml, and everybody where that is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from authoring.cli import main
from authoring.sandbox import Fault, FaultKind
from tests.desk import Desk
from tests.test_course_level import COMMENTS, TEAM, edit, in_each_way, pushed, role, studio_role
from tests.test_pull import Bench

bench = in_each_way(pushed)


def test_who_is_declared_none_is_taken_out(bench: Bench) -> None:
    edit(bench, "course.yaml", "ada@example.org: staff", "ada@example.org: none")
    bench.desk.push()
    assert role(bench, "ada") is None
    assert bench.desk.push()["operations"] == []
    assert bench.desk.report("pull")["files"] == []


def test_somebody_without_an_account_is_said_and_stops_nothing(bench: Bench) -> None:
    edit(bench, "course.yaml", "  # those who write\n", "  # those who write\n  new@somewhere.invalid: staff\n")
    report = bench.desk.push()
    assert [notice["kind"] for notice in report["notices"]] == ["no-such-user"]
    assert report["operations"] == []


def fresh(bench: Bench, folder: Path, *args: str) -> tuple[Desk, dict[str, Any]]:
    """Another folder of the same course, and what the pull into it said."""
    key = str(bench.desk.course().id)
    result = CliRunner(env=bench.desk.environ).invoke(main, ["pull", key, str(folder), "--json", *args])
    assert result.exit_code == 0, result.output
    return Desk(folder, bench.desk.server, bench.desk.dialect), json.loads(result.stdout)


def test_everybody_of_the_team_comes_when_asked_for(bench: Bench) -> None:
    bench.studio.send("POST", f"{TEAM}cleo@example.org", {"role": "staff"}, code=204)
    assert bench.desk.report("pull")["files"] == []
    report = bench.desk.report("pull", "--with-team")
    assert report["files"] == ["course.yaml"]
    assert dict(bench.desk.course().team) == {
        "ada@example.org": "staff",
        "bob@example.org": "instructor",
        "cleo@example.org": "staff",
        "sandbox@example.org": "instructor",
    }
    assert all(comment in bench.read("course.yaml") for comment in COMMENTS)
    assert bench.desk.push()["operations"] == []
    assert bench.desk.report("pull", "--with-team")["files"] == []


def test_a_new_folder_names_the_team_when_asked_for(bench: Bench, tmp_path: Path) -> None:
    desk, report = fresh(bench, tmp_path / "all", "--with-team")
    assert (report["team_left_out"], desk.course().team["ada@example.org"]) == (0, "staff")
    assert len(desk.course().team) == 3
    assert desk.push()["operations"] == []
    assert desk.report("pull", "--with-team")["files"] == []
    desk, report = fresh(bench, tmp_path / "nobody")
    assert (report["team_left_out"], dict(desk.course().team)) == (3, {})
    assert desk.push()["operations"] == []


def test_other_capitals_are_the_same_person(bench: Bench) -> None:
    edit(bench, "course.yaml", "ada@example.org: staff", "Ada@example.org: staff")
    report = bench.desk.push("--delete-removed")
    assert (report["operations"], report["notices"]) == ([], [])
    assert role(bench, "ada") == "staff"
    assert bench.desk.report("pull")["files"] == []
    bench.desk.report("pull", "--with-team")
    assert set(bench.desk.course().team) == {"Ada@example.org", "bob@example.org", "sandbox@example.org"}
    assert bench.desk.push()["operations"] == []
    assert bench.desk.report("pull", "--with-team")["files"] == []


def test_a_release_without_a_list_of_the_team_is_said(bench: Bench) -> None:
    bench.desk.server.faults.add(Fault(FaultKind.ERROR_BEFORE, path="contentstore/v1/course_team", status=404))
    report = bench.desk.report("pull", "--with-team")
    assert (report["files"], report["unread_parts"]) == ([], ["team"])


def test_who_is_taken_off_the_list_and_was_promoted_there_stays_until_somebody_decides(bench: Bench) -> None:
    edit(bench, "course.yaml", "  ada@example.org: staff   # sections one and two\n", "")
    studio_role(bench)
    refused = bench.desk.push("--delete-removed", code=7)
    assert [(one["kind"], one["block"]) for one in refused["notices"]] == [("changed-there", "#team/ada@example.org")]
    assert role(bench, "ada") == "instructor"
    report = bench.desk.report("pull", code=None)
    assert [(one["block"], one["part"]) for one in report["conflicts"]] == [("#team/ada@example.org", "role")]
    bench.desk.report("pull", "--theirs")
    assert "ada@example.org: instructor" in bench.read("course.yaml")
    assert bench.desk.push()["operations"] == []


def test_an_address_is_the_same_in_capital_letters(bench: Bench) -> None:
    edit(bench, "course.yaml", "ada@example.org: staff", "Ada@Example.org: staff")
    assert bench.desk.push("--delete-removed")["operations"] == []
    assert role(bench, "ada") == "staff"
    studio_role(bench)
    assert bench.desk.report("pull")["files"] == ["course.yaml"]
    assert "Ada@Example.org: instructor   # sections one" in bench.read("course.yaml")
    report = bench.desk.push("--delete-removed")
    assert (report["operations"], report["notices"]) == ([], [])
