"""What a course has beside its outline goes both ways: updates, pages in order, textbooks, the team, settings, grading."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from authoring.cli import main
from authoring.sandbox import DOCUMENTED, Fault, FaultKind, SandboxServer
from authoring.source import read_course
from tests.conftest import write_tree
from tests.desk import Desk, differences
from tests.studio import Studio
from tests.test_main_job import PNG
from tests.test_pull import WAYS, Bench

FILES: dict[str, str | bytes] = {
    "course.yaml": """\
# The course; this comment stays.
org: DemoX
number: P1
run: r
title: Beside   # its title
start: 2027-01-11
self_paced: false
course_image: static/card.png   # the card
advanced_modules: [word_cloud]

grading:
  # weights
  assignment_types:
    - {type: Quiz, short_label: Q, weight: 100%, min_count: 1, drop_count: 0}
  cutoffs: {Pass: 0.6}

team:
  # those who write
  ada@example.org: staff   # sections one and two
  bob@example.org: instructor

pdf_textbooks:
  - tab_title: The book   # second edition
    chapters: [{title: One, url: /static/one.pdf}]
""",
    "static/card.png": PNG,
    "01-one/01-first/01-words.md": "---\ntitle: Words\n---\nWords.\n",
    "pages/01-faq.md": "---\ntitle: Questions\n---\nAsk.\n",
    "pages/02-links.md": "---\ntitle: Links\n---\nLook.\n",
    "about/overview.md": "What you will learn.\n",
    "handouts.md": "Read.\n",
    "updates/2027-01-04-welcome.md": "Welcome to [the words](../01-one/01-first/01-words.md).\n",
    "updates/2027-01-12-open.md": "---\n# said in class as well\ndate: 2027-01-12\n---\nThe course is **open**.\n",
}
UPDATES = "/course_info_update/course-v1:DemoX+P1+r/"
TEAM = "/course_team/course-v1:DemoX+P1+r/"


def pushed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """The course of `FILES`, pushed, and Studio beside it."""
    dialect, profile = request.param
    folder = write_tree(tmp_path / "course", dict(FILES))
    with SandboxServer(tmp_path / "sandbox.sqlite3", profile) as server:
        desk = Desk(folder, server, dialect)
        desk.push("--publish")
        studio = Studio(server)
        with closing(studio.http):
            yield Bench(desk, studio)


def in_each_way(way: Any) -> Any:
    """A fixture that is there once for each dialect and profile."""
    return pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{way[1].name}")(way)


bench = in_each_way(pushed)


def root_of(bench: Bench) -> str:
    return str(bench.desk.live()["draft"]["usage"])


def edit(bench: Bench, path: str, old: str, new: str) -> None:
    text = bench.read(path)
    assert text.count(old) == 1
    (bench.desk.folder / path).write_text(text.replace(old, new), "utf-8")


def updates(bench: Bench) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = bench.studio.send("GET", UPDATES)
    return found


def page_titles(bench: Bench) -> list[str]:
    tabs = bench.studio.send("GET", "/tabs/course-v1:DemoX+P1+r")["tabs"]
    return [tab["name"] for tab in tabs if tab["type"] == "static_tab"]


def role(bench: Bench, who: str) -> Any:
    return bench.studio.send("GET", f"{TEAM}{who}@example.org")["role"]


def test_a_push_sends_all_of_it_and_a_second_one_nothing(bench: Bench) -> None:
    newest, oldest = updates(bench)
    assert (newest["date"], oldest["date"]) == ("January 12, 2027", "January 4, 2027")
    words = bench.usage("vertical/words").rpartition("@")[2]
    assert f"/jump_to_id/{words}" in oldest["content"]
    assert "<strong>open</strong>" in newest["content"]
    assert page_titles(bench) == ["Questions", "Links"]
    assert [role(bench, who) for who in ("ada", "bob", "cleo")] == ["staff", "instructor", None]
    root = bench.studio.read(root_of(bench))["metadata"]
    (book,) = root["pdf_textbooks"]
    assert (book["tab_title"], book["id"]) == ("The book", "1The_book")
    assert "pdf_textbooks" in [tab["type"] for tab in root["tabs"]]
    assert (root["course_image"], root["advanced_modules"]) == ("card.png", ["word_cloud"])
    bench.desk.server.clear_log()
    assert bench.desk.push("--publish")["operations"] == []
    assert {request.kind for request in bench.desk.server.requests} <= {"read", "login"}


def test_a_pull_after_a_push_changes_no_file(bench: Bench) -> None:
    before, lock = bench.bytes(), (bench.desk.folder / "course.lock").read_bytes()
    report = bench.desk.report("pull")
    assert (report["taken"], report["files"], report["conflicts"]) == ([], [], [])
    assert bench.bytes() == before
    assert (bench.desk.folder / "course.lock").read_bytes() == lock


# --- changes here


def test_changes_here_are_sent_once(bench: Bench) -> None:
    edit(bench, "updates/2027-01-12-open.md", "**open**", "*open*")
    edit(bench, "course.yaml", "ada@example.org: staff", "ada@example.org: instructor")
    edit(bench, "course.yaml", "The book", "Our book")
    write_tree(
        bench.desk.folder, {"updates/2027-02-01.md": "News.\n", "pages/00-start.md": "---\ntitle: Start\n---\nHi.\n"}
    )
    ids = {item["date"]: item["id"] for item in updates(bench)}
    bench.desk.push("--publish")
    now = updates(bench)
    assert [item["date"] for item in now] == ["February 1, 2027", "January 12, 2027", "January 4, 2027"]
    assert {item["date"]: item["id"] for item in now[1:]} == ids
    assert "<em>open</em>" in now[1]["content"]
    assert page_titles(bench) == ["Start", "Questions", "Links"]
    assert role(bench, "ada") == "instructor"
    assert bench.studio.read(root_of(bench))["metadata"]["pdf_textbooks"][0]["tab_title"] == "Our book"
    assert bench.desk.push("--publish")["operations"] == []
    assert bench.desk.report("pull")["files"] == []


def test_what_is_taken_away_here_is_said_and_deleted_on_request(bench: Bench) -> None:
    for path in ("updates/2027-01-12-open.md", "pages/02-links.md", "about/overview.md", "handouts.md"):
        (bench.desk.folder / path).unlink()
    edit(bench, "course.yaml", "  ada@example.org: staff   # sections one and two\n", "")
    report = bench.desk.push("--publish")
    assert report["operations"] == []
    said = {notice["block"] for notice in report["notices"] if notice["kind"] == "removed"}
    assert said == {
        "course_update/2027-01-12-open",
        "static_tab/links",
        "about/overview",
        "course_info/handouts",
        "#team/ada@example.org",
    }
    assert (len(updates(bench)), page_titles(bench), role(bench, "ada")) == (2, ["Questions", "Links"], "staff")
    bench.desk.push("--publish", "--delete-removed")
    assert (len(updates(bench)), page_titles(bench), role(bench, "ada")) == (1, ["Questions"], None)
    assert not bench.desk.live()["course"]["about"].get("overview")
    again = bench.desk.push("--publish", "--delete-removed")
    assert (again["operations"], again["notices"]) == ([], [])
    assert bench.desk.report("pull")["files"] == []


# --- changes there


def studio_update(bench: Bench) -> None:
    item = updates(bench)[0]
    content = item["content"].replace("open", "closed")
    bench.studio.send("PUT", f"{UPDATES}{item['id']}", {"date": "January 13, 2027", "content": content})


def studio_new_update(bench: Bench) -> None:
    bench.studio.send("POST", UPDATES, {"date": "March 1, 2027", "content": "<p>Spring <em>news</em>.</p>"})


def studio_deletes_update(bench: Bench) -> None:
    bench.studio.send("DELETE", f"{UPDATES}{updates(bench)[0]['id']}")


def studio_orders(bench: Bench) -> None:
    pages = [bench.usage("static_tab/links"), bench.usage("static_tab/faq")]
    body = {"tabs": [{"tab_locator": page} for page in pages]}
    bench.studio.send("POST", "/tabs/course-v1:DemoX+P1+r", body, code=204)


def studio_role(bench: Bench) -> None:
    bench.studio.send("POST", f"{TEAM}ada@example.org", {"role": "instructor"}, code=204)


def studio_removes_member(bench: Bench) -> None:
    bench.studio.send("DELETE", f"{TEAM}ada@example.org", code=204)


def studio_book(bench: Bench) -> None:
    path = "/textbooks/course-v1:DemoX+P1+r"
    (book,) = bench.studio.send("GET", path)
    bench.studio.send("PUT", path, [{**book, "tab_title": "The third edition"}], code=201)


def studio_settings(bench: Bench) -> None:
    bench.studio.update(root_of(bench), metadata={"start": "2027-01-18T00:00:00Z", "self_paced": True})


def studio_grading(bench: Bench) -> None:
    path = "/settings/grading/course-v1:DemoX+P1+r"
    policy = bench.studio.send("GET", path)
    bench.studio.send("POST", path, {**policy, "grade_cutoffs": {"Pass": 0.7}})


def studio_about(bench: Bench) -> None:
    path = "/api/ibl/v1/course_settings"
    bench.studio.send("POST", path, {"course_key": "course-v1:DemoX+P1+r", "overview": "<p>All of it.</p>"})


def studio_handouts(bench: Bench) -> None:
    bench.studio.update(bench.usage("course_info/handouts"), data="<p>Read it twice.</p>")


def says(path: str, *words: str) -> Callable[[Bench], bool]:
    return lambda bench: all(word in bench.read(path) for word in words)


COMMENTS = ("# The course; this comment stays.", "# its title", "# weights", "# those who write", "# second edition")
THERE: dict[str, tuple[Callable[[Bench], None], str | None, Callable[[Bench], bool]]] = {
    "an update": (
        studio_update,
        "updates/2027-01-12-open.md",
        says("updates/2027-01-12-open.md", "# said in class", "January 13, 2027", "**closed**"),
    ),
    "a new update": (studio_new_update, "updates/2027-03-01.md", says("updates/2027-03-01.md", "Spring *news*.")),
    "a deleted update": (
        studio_deletes_update,
        "updates/2027-01-12-open.md",
        lambda bench: not (bench.desk.folder / "updates/2027-01-12-open.md").exists(),
    ),
    "the order of pages": (
        studio_orders,
        None,
        lambda bench: (
            [path.name[3:] for path in sorted((bench.desk.folder / "pages").iterdir())] == ["links.md", "faq.md"]
        ),
    ),
    "a role": (
        studio_role,
        "course.yaml",
        says("course.yaml", "ada@example.org: instructor   # sections one", *COMMENTS),
    ),
    "a member": (
        studio_removes_member,
        "course.yaml",
        lambda bench: (
            "ada" not in bench.read("course.yaml") and "bob@example.org: instructor" in bench.read("course.yaml")
        ),
    ),
    "a textbook": (studio_book, "course.yaml", says("course.yaml", "The third edition", "# those who write")),
    "settings": (studio_settings, "course.yaml", says("course.yaml", "2027-01-18", "self_paced: true", *COMMENTS)),
    "the grading policy": (studio_grading, "course.yaml", says("course.yaml", "Pass: 0.7", *COMMENTS)),
    "an about text": (studio_about, "about/overview.md", says("about/overview.md", "All of it.")),
    "the handouts": (studio_handouts, "handouts.md", says("handouts.md", "Read it twice.")),
}


@pytest.mark.parametrize("change, path, expected", THERE.values(), ids=list(THERE))
def test_a_change_there_comes_into_its_file(
    bench: Bench, change: Callable[[Bench], None], path: str | None, expected: Callable[[Bench], bool]
) -> None:
    change(bench)
    report = bench.desk.report("pull")
    assert report["ok"], report
    if path is not None:
        assert report["files"] == [path]
    assert expected(bench), report["files"]
    assert bench.desk.push()["operations"] == []
    again = bench.desk.report("pull")
    assert (again["taken"], again["files"]) == ([], [])
    assert differences(bench.desk) == []


# --- changes on both sides


def ours_update(bench: Bench) -> None:
    edit(bench, "updates/2027-01-12-open.md", "**open**", "ajar")


def ours_order(bench: Bench) -> None:
    write_tree(bench.desk.folder, {"pages/03-more.md": "---\ntitle: More\n---\nMore.\n"})
    bench.desk.push()
    for number, name in enumerate(("02-links.md", "01-faq.md", "03-more.md"), start=4):
        file = bench.desk.folder / "pages" / name
        file.rename(file.with_name(f"{number:02}-{name[3:]}"))


def theirs_order(bench: Bench) -> None:
    pages = [bench.usage(f"static_tab/{name}") for name in ("faq", "more", "links")]
    body = {"tabs": [{"tab_locator": page} for page in pages]}
    bench.studio.send("POST", "/tabs/course-v1:DemoX+P1+r", body, code=204)


BOTH: dict[str, tuple[Callable[[Bench], None], Callable[[Bench], None], str, str]] = {
    "an update": (ours_update, studio_update, "course_update/2027-01-12-open", "data"),
    "a role": (
        lambda bench: edit(bench, "course.yaml", "ada@example.org: staff", "ada@example.org: none"),
        studio_role,
        "#team/ada@example.org",
        "role",
    ),
    "a textbook": (
        lambda bench: edit(bench, "course.yaml", "The book", "Our book"),
        studio_book,
        "course/course",
        "pdf_textbooks",
    ),
    "the grading policy": (
        lambda bench: edit(bench, "course.yaml", "Pass: 0.6", "Pass: 0.5"),
        studio_grading,
        "#course/grading",
        "policy",
    ),
    "an about text": (
        lambda bench: edit(bench, "about/overview.md", "What you", "All that you"),
        studio_about,
        "about/overview",
        "data",
    ),
    "the handouts": (
        lambda bench: edit(bench, "handouts.md", "Read.", "Read this."),
        studio_handouts,
        "course_info/handouts",
        "data",
    ),
    "the order of pages": (ours_order, theirs_order, "#course/pages", "order"),
}


@pytest.mark.parametrize("ours, theirs, block, part", BOTH.values(), ids=list(BOTH))
def test_a_change_on_both_sides_stops_a_push_and_is_a_conflict_of_a_pull(
    bench: Bench, ours: Callable[[Bench], None], theirs: Callable[[Bench], None], block: str, part: str
) -> None:
    ours(bench)
    theirs(bench)
    bench.desk.server.clear_log()
    refused = bench.desk.run("push", code=7)
    assert block.partition("/")[2] in refused.output.replace("#course/", "")
    assert {request.kind for request in bench.desk.server.requests} <= {"read", "login"}
    report = bench.desk.report("pull", code=None)
    assert (block, part) in [(one["block"], one["part"]) for one in report["conflicts"]]
    bench.desk.push("--overwrite")
    assert bench.desk.push()["operations"] == []
    assert bench.desk.report("pull")["files"] == []


# --- everybody


# --- what the platform does not say


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.RESET_BEFORE, FaultKind.HTML])
def test_an_update_without_an_answer_is_made_once(bench: Bench, kind: FaultKind) -> None:
    write_tree(bench.desk.folder, {"updates/2027-02-01.md": "News of [it](../01-one/01-first/01-words.md).\n"})
    bench.desk.server.faults.add(Fault(kind, call_kind="settings", path="course_info_update"))
    bench.desk.push()
    assert [item["date"] for item in updates(bench)].count("February 1, 2027") == 1
    assert bench.desk.push()["operations"] == []


def test_an_update_that_is_there_already_is_taken_over(bench: Bench) -> None:
    bench.studio.send("POST", UPDATES, {"date": "February 1, 2027", "content": "<p>News.</p>\n"})
    write_tree(bench.desk.folder, {"updates/2027-02-01.md": "News.\n"})
    report = bench.desk.push()
    assert [row["op"] for row in report["operations"]] == ["adopt"]
    assert len(updates(bench)) == 3
    assert bench.desk.report("pull")["files"] == []


def test_a_lost_lock_file_doubles_nothing(bench: Bench) -> None:
    (bench.desk.folder / "course.lock").unlink()
    shutil.rmtree(bench.desk.folder / ".authoring")
    bench.desk.push()
    assert (len(updates(bench)), page_titles(bench)) == (2, ["Questions", "Links"])
    assert bench.desk.push()["operations"] == []


def test_what_was_deleted_there_is_left_alone_or_restored(bench: Bench) -> None:
    studio_deletes_update(bench)
    bench.studio.send("DELETE", f"/xblock/{bench.usage('static_tab/links')}", code=204)
    edit(bench, "updates/2027-01-12-open.md", "**open**", "ajar")
    edit(bench, "pages/02-links.md", "Look.", "Look up.")
    report = bench.desk.push()
    assert {notice["block"] for notice in report["notices"] if notice["kind"] == "deleted-on-platform"} == {
        "course_update/2027-01-12-open",
        "static_tab/links",
    }
    assert (len(updates(bench)), page_titles(bench)) == (1, ["Questions"])
    bench.desk.push("--restore")
    assert (len(updates(bench)), page_titles(bench)) == (2, ["Questions", "Links"])
    assert bench.desk.push()["operations"] == []


def test_what_a_token_alone_cannot_send_is_said(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "course", {k: v for k, v in FILES.items() if k != "static/card.png"})
    text = (folder / "course.yaml").read_text("utf-8").replace("course_image: static/card.png   # the card\n", "")
    (folder / "course.yaml").write_text(text, "utf-8")
    for path in ("pages/01-faq.md", "pages/02-links.md", "handouts.md"):
        (folder / path).unlink()
    with SandboxServer(tmp_path / "sandbox.sqlite3", DOCUMENTED) as server:
        desk = Desk(folder, server, "ibl", session=False)
        report = desk.push()
        kinds = {notice["kind"] for notice in report["notices"]}
        assert {"no-updates", "no-team", "no-grading", "no-textbooks-tab"} <= kinds
        assert desk.push()["operations"] == []
        before = {
            path: path.read_bytes() for path in folder.rglob("*.*") if path.is_file() and ".authoring" not in path.parts
        }
        pulled = desk.report("pull")
        assert pulled["files"] == []
        assert all(path.read_bytes() == text for path, text in before.items() if path.name != "course.lock")


def test_a_relative_day_of_an_update_moves_with_the_run(tmp_path: Path) -> None:
    files = {**FILES, "updates/open.md": "---\ndate: week 2 Tuesday\n---\nThe second week is open.\n"}
    folder = write_tree(tmp_path / "course", files)
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        desk = Desk(folder, server)
        desk.push()
        desk.run("rerun", "--run", "r2", "--start", "2028-01-10")
        days = {}
        for run in ("r", "r2"):
            (items,) = [
                row["fields"]["items"]
                for row in server.snapshot(f"course-v1:DemoX+P1+{run}")["draft_detached"]
                if row["usage"].endswith("@updates")
            ]
            days[run] = [item["date"] for item in items if "second week" in item["content"]]
        assert days == {"r": ["January 19, 2027"], "r2": ["January 18, 2028"]}


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (
            "---\ndate: week 0 Monday\n---\nNews.\n",
            "updates/new.md:2: error[bad-value]: 'date' cannot be 'week 0 Monday'",
        ),
        ("---\ndate: 2027-02-30\n---\nNews.\n", "updates/new.md:2: error[bad-value]: no calendar has the day"),
        ("News.\n", "updates/new.md:1: error[missing-key]: an update needs a 'date'"),
    ],
)
def test_a_day_that_cannot_be_is_said_with_its_line(tmp_path: Path, text: str, finding: str) -> None:
    folder = write_tree(tmp_path / "course", {**FILES, "updates/new.md": text})
    result = CliRunner().invoke(main, ["check", str(folder)])
    assert result.exit_code == 1 and finding in result.output


@pytest.mark.parametrize(
    "book",
    [
        "The book",
        "{chapters: []}",
        "{tab_title: 5}",
        "{tab_title: A, id: book}",
        "{tab_title: A, id: 7}",
        "{tab_title: A, chapters: One}",
        "{tab_title: A, chapters: [One]}",
        "{tab_title: A, chapters: [{title: One}]}",
        "{tab_title: A, id: 1a}\n  - {tab_title: B, id: 1a}",
    ],
)
def test_a_textbook_that_the_platform_refuses_is_said_with_its_line(tmp_path: Path, book: str) -> None:
    head = "org: DemoX\nnumber: P1\nrun: r\ntitle: T\npdf_textbooks:\n"
    folder = write_tree(tmp_path / "course", {"course.yaml": f"{head}  - {book}\n"})
    _, findings = read_course(folder)
    (error,) = findings.errors
    assert str(error.where) == f"course.yaml:{5 + len(book.splitlines())}"


def test_any_list_of_textbooks_that_is_live_comes_here(bench: Bench) -> None:
    bench.studio.update(root_of(bench), metadata={"pdf_textbooks": [{"tab_title": "Old", "id": "book", "url": "/x"}]})
    assert bench.desk.report("pull")["files"] == ["course.yaml"]
    assert bench.desk.push()["operations"] == []
    assert bench.desk.report("pull")["files"] == []


def test_textbooks_can_go_and_come_back(bench: Bench) -> None:
    text = bench.read("course.yaml")
    file = bench.desk.folder / "course.yaml"
    file.write_text(text[: text.index("pdf_textbooks:")], "utf-8")
    bench.desk.push()
    assert bench.desk.report("pull")["files"] == []
    file.write_text(text, "utf-8")
    assert bench.desk.report("pull")["conflicts"] == []
    bench.desk.push()
    assert bench.desk.push()["operations"] == []
    (book,) = bench.studio.read(root_of(bench))["metadata"]["pdf_textbooks"]
    assert book["tab_title"] == "The book"


def test_a_page_that_is_gone_there_goes_here(bench: Bench) -> None:
    bench.studio.send("DELETE", f"/xblock/{bench.usage('static_tab/links')}", code=204)
    report = bench.desk.report("pull")
    assert (report["conflicts"], report["files"]) == ([], ["pages/02-links.md"])
    assert bench.desk.push()["operations"] == []
    assert bench.desk.report("pull")["files"] == []


def test_a_page_that_is_gone_here_goes_there(bench: Bench) -> None:
    (bench.desk.folder / "pages/02-links.md").unlink()
    assert bench.desk.report("pull")["conflicts"] == []
    bench.desk.push("--delete-removed")
    assert page_titles(bench) == ["Questions"]
    assert bench.desk.report("pull")["files"] == []


def test_a_link_never_means_an_update(bench: Bench) -> None:
    """An update is no block of the platform's: it may have the name of a unit."""
    write_tree(
        bench.desk.folder,
        {"updates/words.md": "---\ndate: 2027-03-01\n---\n[Words](../01-one/01-first/01-words.md).\n"},
    )
    bench.desk.run("check")
    bench.desk.push()
    unit = bench.usage("vertical/words").rpartition("@")[2]
    assert f"/jump_to_id/{unit}" in updates(bench)[0]["content"]
    assert differences(bench.desk) == []
    assert bench.desk.report("pull")["files"] == []


@pytest.mark.parametrize(
    ("date", "content"),
    [
        ("Spring", "<p>A"),
        ("", "<p>B</p>"),
        ("2027-04-01", "C & <b>D"),
        ("May 5, 2027", '<p onclick="y">E</p>'),
        ("June 31, 2027", ""),
    ],
)
def test_whatever_studio_takes_for_an_update_comes_and_stays(bench: Bench, date: str, content: str) -> None:
    bench.studio.send("POST", UPDATES, {"date": date, "content": content})
    assert len(bench.desk.report("pull")["files"]) == 1
    live = updates(bench)
    assert bench.desk.push()["operations"] == []
    assert bench.desk.report("pull")["files"] == []
    assert updates(bench) == live


def test_another_textbook_leaves_the_first_as_it_is_written(bench: Bench) -> None:
    before = bench.read("course.yaml")
    book = {"tab_title": "Second", "chapters": [{"title": "One", "url": "/static/two.pdf"}]}
    bench.studio.send("POST", "/textbooks/course-v1:DemoX+P1+r", book, code=201)
    bench.desk.report("pull")
    assert bench.read("course.yaml").startswith(before) and "tab_title: Second" in bench.read("course.yaml")
    assert bench.desk.push()["operations"] == []
