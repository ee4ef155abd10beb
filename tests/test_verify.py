"""What was sent is read back: verified, not verifiable, lost and sent again, changed by somebody else, or not pushed yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, SandboxServer
from tests.conftest import write_tree
from tests.desk import Desk, differences
from tests.studio import Studio
from tests.test_main_job import FILES

WAYS = [("ibl", True, DOCUMENTED), ("ibl", True, OBSERVED), ("ibl", False, DOCUMENTED), ("studio", True, OBSERVED)]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{'session' if way[1] else 'token'}-{way[2].name}")
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    dialect, session, profile = request.param
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "sandbox.sqlite3", profile) as server:
        yield Desk(folder, server, dialect, session)


def usage(desk: Desk, key: str) -> str:
    return next(entry.usage_key for name, entry in desk.part().entries.items() if str(name) == key)


def test_a_push_says_what_it_verified(desk: Desk) -> None:
    found = desk.push()["verified"]
    assert found["ok"] and not found["lost"] and not found["drift"]
    assert found["verified"]["text"] >= 2 and found["not_verifiable"] == {}
    report = desk.report("verify")
    assert report["ok"]
    assert desk.writes().count("update") > 0
    desk.report("verify")
    assert set(desk.writes()) <= {"export"}, "verifying changes nothing"


def test_it_can_be_turned_off(desk: Desk) -> None:
    assert "verified" not in desk.push("--no-verify")


@pytest.mark.parametrize("skip", range(0, 12, 2))
def test_a_write_that_the_platform_drops_is_sent_again(desk: Desk, skip: int) -> None:
    if not desk.session:
        return
    desk.push("--publish")
    unit = desk.folder / "01-start/01-first/01-hello.md"
    unit.write_text(unit.read_text("utf-8").replace("Welcome.", "Welcome again."), "utf-8")
    more = desk.folder / "01-start/01-first/02-more.md"
    more.write_text(more.read_text("utf-8").replace("title: More", "title: Some more"), "utf-8")
    desk.server.faults.add(Fault(FaultKind.DISCARDED, "update", skip=skip % 3))
    report = desk.push("--publish")
    desk.server.faults.clear()
    assert differences(desk) == []
    assert report["resent"] or not desk.push("--publish")["operations"]
    assert desk.push("--publish")["operations"] == []


def test_a_create_that_the_platform_drops_is_made_again(desk: Desk) -> None:
    if not desk.session:
        return
    desk.push()
    write_tree(desk.folder, {"01-start/01-first/03-new.md": "---\ntitle: New\n---\nNew words.\n"})
    desk.server.faults.add(Fault(FaultKind.DISCARDED, "create"))
    for _ in range(3):
        desk.run("push", code=None)
    assert differences(desk) == []
    assert desk.push()["operations"] == []


def test_what_somebody_changed_meanwhile_is_drift_and_stays(desk: Desk) -> None:
    if not desk.session:
        return
    desk.push()
    place = usage(desk, "problem/check")
    with closing(Studio(desk.server).http) as http:
        body = {"metadata": {"max_attempts": 9}}
        assert http.post(f"/xblock/{place}", json=body).status_code == 200
    report = desk.report("verify", code=8)
    (one,) = report["drift"]
    assert (one["block"], one["name"], one["theirs"]) == ("problem/check", "max_attempts", 9)
    assert not report["lost"]
    shown = desk.run("verify", code=8).stdout
    assert "changed on the platform by somebody else" in shown and "problem/check" in shown


def test_what_was_edited_here_and_not_pushed_is_nobody_elses(desk: Desk) -> None:
    news = "---\ndate: February 1, 2027\n---\nWe begin.\n"
    write_tree(desk.folder, {"updates/begin.md": news} if desk.session else {})
    desk.push()
    unit = desk.folder / "01-start/01-first/01-hello.md"
    unit.write_text(unit.read_text("utf-8").replace("Welcome.", "Welcome again."), "utf-8")
    more = desk.folder / "01-start/01-first/02-more.md"
    text, problem = more.read_text("utf-8").split(":::problem")
    words = "Some *more* words.\n"
    more.write_text(f"{text.replace(words, '')}:::problem{problem}\n{words}", "utf-8")
    if desk.session:
        write_tree(desk.folder, {"updates/begin.md": news.replace("We", "Let us")})
    report = desk.report("verify", code=8)
    assert report["lost"] == report["drift"] == [] and not report["ok"]
    kinds = {one["kind"] for one in report["unsent"]}
    assert kinds == {"content", "reordered"}
    assert len(report["unsent"]) == (3 if desk.session else 2)
    shown = desk.run("verify", code=8).stdout
    assert "edited here since the last push" in shown and "somebody else" not in shown
    desk.push()
    left = desk.report("verify", code=None)["unsent"]
    assert {one["kind"] for one in left} == (set() if desk.session else {"reordered"}), "a token cannot reorder"


def test_with_nothing_there_it_says_so(desk: Desk) -> None:
    assert "push it first" in desk.run("verify", code=5).stderr


def test_the_reads_of_a_small_change_do_not_grow_with_the_course(desk: Desk) -> None:
    def reads() -> int:
        unit = desk.folder / "01-start/01-first/01-hello.md"
        unit.write_text(unit.read_text("utf-8").replace("Welcome", "Welcome,\nWelcome", 1), "utf-8")
        desk.kinds()
        assert desk.push("--publish")["verified"]["ok"]
        return desk.kinds().count("read")

    desk.push("--publish")
    small = reads()
    assert small <= 10
    unit = "---\ntitle: Unit {0}\n---\nWords.\n\n:::problem {{#question-{0}}}\n>>1 + 1<<\n\n= 2\n:::\n"
    write_tree(desk.folder, {f"09-more/{n % 3}-part-{n % 3}/{n:02}-unit-{n}.md": unit.format(n) for n in range(30)})
    desk.push("--publish")
    assert reads() == small
