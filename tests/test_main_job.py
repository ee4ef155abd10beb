"""The main job, end to end over real HTTP: a course folder goes live, and stays what its source says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from authoring.model import OUTLINE_CATEGORIES
from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, Profile, SandboxServer
from tests.conftest import write_tree
from tests.desk import Desk, differences, ids_of

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
FILES: dict[str, str | bytes] = {
    "course.yaml": """\
org: DemoX
number: DS101
run: 2027_T1
display_name: Data for everyone
start: 2027-01-11
grading:
  assignment_types:
    - {type: Homework, short_label: HW, weight: 100%, min_count: 1, drop_count: 0}
  cutoffs: {Pass: 0.6}
""",
    "static/chart.png": PNG,
    "static/notes.txt": "A few notes.\n",
    "about/overview.md": "# About\n\nWhat you will learn.\n",
    "pages/faq.md": "---\ntitle: Questions\n---\nAsk, and [begin](../01-start/01-first/01-hello.md).\n",
    "handouts.md": "[Notes](static/notes.txt)\n",
    "01-start/section.yaml": "title: Start here\n",
    "01-start/01-first/subsection.yaml": "title: First steps\n",
    "01-start/01-first/01-hello.md": """\
---
title: Hello
---
Welcome. Later comes [the quiz](../02-graded/01-quiz.md), and [the check](02-more.md#check).

![A chart that climbs](../../static/chart.png)

:::video
display_name: Two minutes
youtube: dQw4w9WgXcQ
:::

And a paragraph after it.
""",
    "01-start/01-first/02-more.md": """\
---
title: More
---
Some *more* words.

:::problem {#check}
display_name: Check
max_attempts: 2
---
>>What is 1 + 1?<<

( ) 1
(x) 2
:::

:::done {#read}
:::
""",
    "01-start/02-graded/subsection.yaml": "title: Homework\nformat: Homework\ndue: 2027-02-01\n",
    "01-start/02-graded/01-quiz.md": "---\ntitle: Quiz\n---\n:::problem {#q1}\n---\n>>Two?<<\n\n= 2\n:::\n",
    "02-end/01-last/01-bye.md": "---\ntitle: Good bye\n---\nThat was it. See [the faq](../../pages/faq.md).\n",
}

PROFILES = pytest.mark.parametrize("profile", [DOCUMENTED, OBSERVED], ids=lambda profile: str(profile.name))


@pytest.fixture(
    params=[("ibl", DOCUMENTED), ("ibl", OBSERVED), ("studio", OBSERVED)], ids=lambda p: f"{p[0]}-{p[1].name}"
)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A small course of every shape, and a sandbox: each dialect, each temper."""
    dialect, profile = request.param
    with SandboxServer(tmp_path / "sandbox.sqlite3", profile) as server:
        yield Desk(write_tree(tmp_path / "course", FILES), server, dialect)


def test_a_first_push_brings_all_of_the_course(desk: Desk) -> None:
    report = desk.push("--publish")
    assert differences(desk) == []
    assert differences(desk, "published") == []
    assert len(report["created"]) == sum(1 for _ in desk.course().root.walk()) - 1 + 1
    assert report["drafts"] == []


def test_a_push_without_publish_leaves_drafts_and_says_so(desk: Desk) -> None:
    report = desk.push()
    assert differences(desk) == []
    assert desk.titles("published") == [
        ["Start here", [["First steps", []], ["Homework", []]]],
        ["End", [["Last", []]]],
    ]
    assert len(report["drafts"]) == 4
    assert "NOT visible to learners" in desk.run("status").stdout
    assert desk.report("publish")["calls"].get("publish") == 1
    assert differences(desk, "published") == []
    assert desk.report("status")["drafts"] == []


def test_the_first_push_takes_no_more_calls_than_it_must(desk: Desk) -> None:
    desk.push("--publish", "--no-verify")
    calls = Counter(desk.kinds())
    course = desk.course()
    containers = sum(block.category in OUTLINE_CATEGORIES for block in course.root.walk())
    components = sum(block.category not in OUTLINE_CATEGORIES for block in course.blocks())
    constant = 10
    assert calls.total() <= containers + 2 * components + len(course.assets) + calls["publish"] + constant
    assert calls["publish"] == 1


def test_a_second_push_writes_nothing(desk: Desk) -> None:
    desk.push("--publish")
    desk.kinds()
    report = desk.push("--publish")
    kinds = desk.kinds()
    assert set(kinds) <= {"read"}
    assert len(kinds) <= 4
    assert report["operations"] == []


def test_the_reads_of_a_plan_do_not_grow_with_the_course(desk: Desk) -> None:
    desk.push("--publish")
    desk.kinds()
    desk.report("plan")
    small = len(desk.kinds())
    write_tree(
        desk.folder, {f"03-many/{s:02}-sub{s}/{u:02}-unit{s}-{u}.md": "Words.\n" for s in range(4) for u in range(6)}
    )
    desk.push("--publish")
    desk.kinds()
    desk.report("plan")
    assert len(desk.kinds()) == small


def test_one_paragraph_is_one_update_and_one_publish(desk: Desk) -> None:
    desk.push("--publish")
    desk.edit("01-start/01-first/01-hello.md", "And a paragraph", "And another paragraph")
    desk.kinds()
    report = desk.push("--publish")
    assert desk.writes() == ["update", "publish"]
    assert report["published"] == ["vertical/hello"]
    assert differences(desk, "published") == []


def test_a_section_title_is_one_update_and_live_at_once(desk: Desk) -> None:
    desk.push("--publish")
    before = ids_of(desk.live()["draft"])
    desk.edit("01-start/section.yaml", "Start here", "Begin here")
    desk.kinds()
    desk.push("--publish")
    assert desk.writes() == ["update"]
    assert ids_of(desk.live()["draft"]) == before
    assert differences(desk, "published") == []


def test_a_field_taken_away_goes_back_to_its_default(desk: Desk) -> None:
    desk.push("--publish")
    desk.edit("01-start/01-first/02-more.md", "max_attempts: 2\n", "")
    desk.kinds()
    desk.push("--publish")
    assert desk.writes() == ["update", "publish"]
    assert differences(desk) == []


def test_a_plan_lists_every_call_before_anything_is_sent(desk: Desk) -> None:
    plan = desk.report("plan", "--publish")
    assert desk.writes() == []
    seen: set[str] = {"course/course"}
    for operation in plan["operations"]:
        if operation["op"] == "create":
            assert operation["parent"] in seen, operation
            seen.add(operation["block"])
        elif operation["op"] in ("update", "publish"):
            assert operation["block"] in seen or operation["usage_key"]
        for call in operation["calls"]:
            assert call["method"] and call["path"] and "body" in call
    desk.push("--publish")
    sent = [(r.method, r.path) for r in desk.server.requests if r.kind not in ("read", "login")]
    planned = [(call["method"], call["path"]) for operation in plan["operations"] for call in operation["calls"]]
    if desk.server.profile is DOCUMENTED:
        assert len(sent) == len(planned)
        assert [method for method, _ in sent] == [method for method, _ in planned]
    assert Counter(request.kind for request in desk.server.requests)["create"] == plan["calls"]["create"]


def test_a_new_problem_before_an_old_one_leaves_learners_where_they_are(desk: Desk) -> None:
    path = "01-start/02-graded/01-quiz.md"
    desk.edit(path, "{#q1}", "")
    desk.push("--publish")
    old = next(
        entry for key, entry in desk.part().entries.items() if key.category == "problem" and "quiz" in key.url_name
    )
    desk.edit(
        path, ":::problem \n---\n>>Two?<<", ":::problem\n---\n>>Three?<<\n\n= 3\n:::\n\n:::problem\n---\n>>Two?<<"
    )
    desk.push("--publish")
    quiz = next(u for u in _units(desk.live()["published"]) if u["fields"]["display_name"] == "Quiz")
    texts = ["Three?" in child["fields"]["data"] for child in quiz["children"]]
    assert texts == [True, False]
    assert quiz["children"][1]["usage"] == old.usage_key


def _units(node: dict[str, object]) -> list[dict[str, object]]:
    if node["category"] == "vertical":
        return [node]
    return [unit for child in node["children"] for unit in _units(child)]  # type: ignore[union-attr,attr-defined]


def test_a_moved_unit_is_moved_and_keeps_its_id(desk: Desk) -> None:
    desk.push("--publish")
    before = sorted(ids_of(desk.live()["draft"]))
    (desk.folder / "01-start/01-first/02-more.md").rename(desk.folder / "02-end/01-last/02-more.md")
    desk.edit("01-start/01-first/01-hello.md", "02-more.md#check", "../../02-end/01-last/02-more.md#check")
    desk.kinds()
    desk.push("--publish")
    assert Counter(desk.writes())["move"] == 1
    assert sorted(ids_of(desk.live()["draft"])) == before
    assert differences(desk, "published") == []


def test_another_order_is_one_reorder(desk: Desk) -> None:
    desk.push("--publish")
    (desk.folder / "01-start/01-first/01-hello.md").rename(desk.folder / "01-start/01-first/03-hello.md")
    desk.edit("pages/faq.md", "01-hello.md", "03-hello.md")
    desk.kinds()
    desk.push("--publish")
    assert desk.writes() == ["move"]
    assert differences(desk, "published") == []


def test_a_new_unit_in_the_middle_stands_in_the_middle(desk: Desk) -> None:
    desk.push("--publish")
    write_tree(desk.folder, {"01-start/01-first/01-z-between.md": "In between.\n"})
    desk.push("--publish")
    assert differences(desk, "published") == []


def test_what_is_removed_stays_until_consent_is_given(desk: Desk) -> None:
    desk.push("--publish")
    (desk.folder / "02-end/01-last/01-bye.md").unlink()
    write_tree(desk.folder, {"02-end/01-last/02-other.md": "Other words.\n"})
    desk.push("--publish")
    assert desk.titles("published")[1][1] == [["Last", [["Good bye", ["html"]], ["Other", ["html"]]]]]
    notices = desk.report("plan")["notices"]
    assert [notice["kind"] for notice in notices] == ["removed"]

    desk.push("--publish", "--hide-removed")
    bye = next(u for u in _units(desk.live()["published"]) if u["fields"]["display_name"] == "Good bye")
    assert bye["fields"]["visible_to_staff_only"] is True
    assert desk.push("--publish", "--hide-removed")["writes"] == 0

    desk.push("--publish", "--delete-removed")
    assert differences(desk, "published") == []
    assert desk.push("--publish", "--delete-removed")["operations"] == []


def test_files_are_uploaded_once_by_content(desk: Desk) -> None:
    desk.push("--publish")
    assert Counter(desk.writes())["upload"] == 2
    (desk.folder / "static/notes.txt").write_text("Other notes.\n")
    desk.push("--publish")
    assert desk.writes() == ["upload"]
    assert differences(desk) == []


def test_a_saved_plan_is_applied_as_it_stands_or_refused_as_stale(desk: Desk, tmp_path: Path) -> None:
    saved = tmp_path / "plan.json"
    desk.run("plan", "--publish", "--out", str(saved))
    desk.push("--plan", str(saved))
    assert differences(desk, "published") == []
    desk.kinds()
    refused = desk.push("--plan", str(saved), code=5)
    assert "changed after the plan was made" in refused["error"]["message"]
    assert desk.writes() == []


def test_a_plan_is_stale_when_the_live_course_changed(desk: Desk, tmp_path: Path) -> None:
    desk.push("--publish")
    desk.edit("01-start/section.yaml", "Start here", "Begin here")
    saved = tmp_path / "plan.json"
    desk.run("plan", "--out", str(saved))
    in_studio = Desk(write_tree(tmp_path / "other", FILES), desk.server, desk.dialect)
    (desk.folder / "course.lock").replace(tmp_path / "kept")
    (tmp_path / "other/course.lock").write_bytes((tmp_path / "kept").read_bytes())
    in_studio.edit("01-start/section.yaml", "Start here", "Changed in Studio")
    in_studio.push()
    (tmp_path / "kept").replace(desk.folder / "course.lock")
    refused = desk.push("--plan", str(saved), code=5)
    assert "platform changed" in refused["error"]["message"]


def test_what_is_made_in_studio_is_left_alone_and_told(desk: Desk, tmp_path: Path) -> None:
    desk.push("--publish")
    other = Desk(write_tree(tmp_path / "other", FILES), desk.server, desk.dialect)
    (tmp_path / "other/course.lock").write_bytes((desk.folder / "course.lock").read_bytes())
    write_tree(tmp_path / "other", {"01-start/01-first/03-studio.md": "Made by a person.\n"})
    other.push()
    plan = desk.report("plan", "--publish")
    assert [notice["kind"] for notice in plan["notices"]] == ["only-on-platform"]
    write_tree(desk.folder, {"01-start/01-first/04-third.md": "Third.\n"})
    desk.edit("01-start/01-first/01-hello.md", "And a paragraph", "And another paragraph")
    report = desk.push("--publish")
    assert "vertical/studio" not in report["published"]
    first = desk.titles("draft")[0][1][0][1]
    assert [title for title, _ in first] == ["Hello", "More", "Studio", "Third"]
    assert [title for title, _ in desk.titles("published")[0][1][0][1]] == ["Hello", "More", "Third"]


def test_what_was_deleted_in_studio_is_told_and_made_anew_only_on_request(desk: Desk, tmp_path: Path) -> None:
    desk.push("--publish")
    other = Desk(write_tree(tmp_path / "other", FILES), desk.server, desk.dialect)
    (tmp_path / "other/course.lock").write_bytes((desk.folder / "course.lock").read_bytes())
    (tmp_path / "other/02-end/01-last/01-bye.md").unlink()
    write_tree(tmp_path / "other", {"02-end/01-last/02-x.md": "x\n"})
    other.push("--delete-removed")
    report = desk.push("--publish")
    assert "deleted-on-platform" in [notice["kind"] for notice in report["notices"]]
    assert "Good bye" not in json.dumps(desk.titles("draft"))
    desk.push("--publish", "--restore")
    assert "Good bye" in json.dumps(desk.titles("published"))
    assert desk.push("--publish")["operations"] == []


def test_a_lost_lock_file_duplicates_nothing(desk: Desk) -> None:
    desk.push("--publish")
    before = ids_of(desk.live()["draft"])
    (desk.folder / "course.lock").unlink()
    desk.push("--publish")
    assert ids_of(desk.live()["draft"]) == before
    assert differences(desk, "published") == []
    assert desk.push("--publish")["operations"] == []


def test_a_component_of_the_same_name_with_another_text_stops_the_plan(desk: Desk) -> None:
    desk.push("--publish")
    (desk.folder / "course.lock").unlink()
    desk.edit("01-start/01-first/02-more.md", "(x) 2", "(x) 2\n( ) 3")
    plan = desk.report("push", code=7)
    assert [notice["kind"] for notice in plan["notices"] if notice["blocking"]] == ["same-name"]
    desk.kinds()
    desk.run("push", code=7)
    assert desk.writes() == []


EXPERIMENT = """\
:::::split_test {#experiment}
user_partition_id: 50
group_id_to_child: {0: group-a, 1: group-b}
---
::::vertical {#group-a}
title: Group A
---
Words for A, and [the quiz](../02-graded/01-quiz.md).
::::

::::vertical {#group-b}
title: Group B
---
Words for B.
::::
:::::

::::conditional {#after-quiz}
sources_list: [q1]
---
You have answered.
::::

::::itembank {#bank}
max_count: 1
---
:::problem {#bank-a}
>>1 + 1<<

= 2
:::

:::problem {#bank-b}
>>1 + 2<<

= 3
:::
::::
"""


def test_blocks_that_hold_or_name_others_arrive_whole(desk: Desk) -> None:
    write_tree(desk.folder, {"01-start/01-first/03-experiment.md": EXPERIMENT})
    desk.push("--publish")
    assert differences(desk) == []
    assert differences(desk, "published") == []
    assert desk.push("--publish")["operations"] == []
    before = ids_of(desk.live()["draft"])
    (desk.folder / "course.lock").unlink()
    desk.push("--publish")
    assert ids_of(desk.live()["draft"]) == before
    desk.edit("01-start/01-first/03-experiment.md", "Words for B", "Other words for B")
    desk.kinds()
    desk.push("--publish")
    assert desk.writes() == ["update", "publish"]


DRAG = """\
:::drag-and-drop-v2 {#drag}
title: Sort them
data:
  zones: [{uid: left, title: Left, x: 0, y: 0, width: 90, height: 90}]
  items: [{id: 0, displayName: One, zones: [left]}]
:::
"""


def test_a_body_that_is_no_text_is_sent_and_kept(desk: Desk) -> None:
    write_tree(desk.folder, {"01-start/01-first/03-drag.md": DRAG})
    desk.push("--publish")
    assert differences(desk, "published") == []
    desk.edit("01-start/01-first/03-drag.md", "displayName: One", "displayName: Two")
    desk.kinds()
    desk.push("--publish")
    assert desk.writes() == ["update", "publish"]
    assert differences(desk, "published") == []


@pytest.fixture
def token_desk(tmp_path: Path) -> Iterator[Desk]:
    """A login by OAuth2 client alone: no files, no grading, and sections that nobody can list."""
    with SandboxServer(tmp_path / "sandbox.sqlite3", DOCUMENTED) as server:
        yield Desk(write_tree(tmp_path / "course", FILES), server, session=False)


def test_with_a_token_alone_what_cannot_be_done_is_said(token_desk: Desk) -> None:
    report = token_desk.push("--publish")
    assert sorted({notice["kind"] for notice in report["notices"]}) == ["no-assets", "no-grading"]
    assert differences(token_desk) == ["file chart.png", "file notes.txt"]
    assert token_desk.push("--publish")["operations"] == []


def test_with_a_token_alone_a_lost_lock_file_is_never_guessed_at(token_desk: Desk) -> None:
    token_desk.push("--publish")
    (token_desk.folder / "course.lock").unlink()
    token_desk.kinds()
    plan = token_desk.push("--publish", code=7)
    assert [notice["kind"] for notice in plan["notices"] if notice["blocking"]] == ["blind"]
    assert token_desk.writes() == []


def test_an_unanswered_create_that_nobody_can_see_is_never_sent_again(token_desk: Desk) -> None:
    token_desk.server.faults.add(Fault(FaultKind.RESET_AFTER, "create", "xblock/create"))
    report = token_desk.push(code=4)
    assert "cannot be seen with this login" in report["error"]["message"]
    plan = token_desk.push(code=7)
    assert {notice["kind"] for notice in plan["notices"] if notice["blocking"]} <= {"doubtful", "blind"}
    assert [section[0] for section in token_desk.titles()] == ["Start here"]


@PROFILES
def test_the_embedded_sandbox_is_the_default_target(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from authoring.cli import main

    for name in ("IBL_CMS_URL", "IBL_LMS_URL"):
        monkeypatch.delenv(name, raising=False)
    folder = write_tree(tmp_path / "course", FILES)
    args = ["push", str(folder), "--publish", "--profile", profile.name]
    first = CliRunner().invoke(main, args)
    assert first.exit_code == 0, first.output
    assert "authoring sandbox" in first.stdout
    assert (folder / ".authoring/.gitignore").read_text().endswith("*\n")
    second = CliRunner().invoke(main, [*args, "--json"])
    assert json.loads(second.stdout)["writes"] == 0


def test_with_a_token_alone_a_move_and_an_order_are_said_until_somebody_sends_them(tmp_path: Path) -> None:
    """No list shows that login the sections, or where a unit stands: what was last pushed stands there still."""
    files = {
        "course.yaml": FILES["course.yaml"],
        "01-a/01-x/01-one.md": "One.\n",
        "01-a/01-x/02-two.md": "Two.\n",
        "02-b/01-y/01-three.md": "Three.\n",
        "pages/01-faq.md": "---\ntitle: Questions\n---\nAsk.\n",
        "pages/02-more.md": "---\ntitle: More\n---\nRead.\n",
    }
    with SandboxServer(tmp_path / "sandbox.sqlite3", DOCUMENTED) as server:
        folder = write_tree(tmp_path / "course", files)
        Desk(folder, server).push("--publish")
        desk = Desk(folder, server, session=False)
        assert desk.push("--publish")["notices"] == []
        (folder / "01-a").rename(folder / "03-a")
        (folder / "pages/01-faq.md").rename(folder / "pages/03-faq.md")
        (folder / "03-a/01-x/02-two.md").rename(folder / "02-b/01-y/00-two.md")
        for _ in range(2):
            report = desk.push("--publish")
            assert sorted((notice["kind"], notice["block"]) for notice in report["notices"]) == [
                ("cannot-move", "vertical/two"),
                ("cannot-reorder", "#course/pages"),
                ("cannot-reorder", "course/course"),
            ]
        write_tree(folder, {"00-new/01-z/01-four.md": "Four.\n"})
        desk.push("--publish")
        assert "cannot-reorder" in {notice["kind"] for notice in desk.push()["notices"]}
        full = Desk(folder, server)
        assert full.push("--publish")["notices"] == []
        assert differences(full, "published") == []
        assert full.push("--publish")["operations"] == []
