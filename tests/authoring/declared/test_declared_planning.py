"""Plans: order, what is somebody else's, what is removed, what needs a word; and applying them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from authoring.calls import Call, CallKind, Service
from authoring.client import Client
from authoring.declared import Action, Concern, InDoubtError
from authoring.errors import ApplyError, SourceError
from authoring.platform.bots import Bots
from authoring.platform.catalog import Catalog, ProgramWish
from authoring.platform.mentors import Mentors, MentorSettings
from authoring.platform.taxonomy import Kind, Taxonomy, TermWish
from authoring.sandbox import DOCUMENTED, Fault, FaultKind, SandboxServer
from tests.declarations import ALL, ASSERTIONS, BOTS, CREDENTIALS, FLAGS, MENTORS, SKILLS, TENANT, declare
from tests.platformdesk import COURSE, RERUN, PlatformDesk, open_desk

PROGRAM = "programs:\n  p:\n    name: First\n    courses: [course]\n"


def concerns(desk: PlatformDesk, run: str | None = None, **options: Any) -> list[tuple[Concern, str]]:
    return [(notice.concern, notice.key) for notice in desk.plan(run, **options).notices]


def test_what_is_referred_to_comes_first_whatever_the_order_of_the_file(desk: PlatformDesk) -> None:
    declare(desk, ALL)
    keys = [one.key for one in desk.plan(**FLAGS).operations]
    sections = ALL.strip().split("\n")
    starts = [number for number, line in enumerate(sections) if line and not line.startswith(" ")]
    parts = ["\n".join(sections[a:b]) for a, b in zip(starts, [*starts[1:], len(sections)], strict=True)]
    declare(desk, "\n".join(reversed(parts)))
    assert [one.key for one in desk.plan(**FLAGS).operations] == keys
    for first, then in (
        ("programs/foundations", "pathways/start-here"),
        ("resources/handbook", "pathways/start-here"),
        ("pathways/start-here", "pathways/further"),
        ("mentors/tutor", "bot_commands/ask"),
        ("bots/helper", "bot_commands/ask"),
        (f"credentials/certificate@{COURSE}", f"assertions/finished@ada,{COURSE}"),
        ("users/users.csv", "enrolments/cohort.csv"),
    ):
        assert keys.index(first) < keys.index(then)


def test_the_file_in_another_order_writes_nothing(desk: PlatformDesk) -> None:
    declare(desk, ALL)
    desk.apply(**FLAGS)
    desk.server.clear_log()
    lines = ALL.strip().split("\n")
    starts = [number for number, line in enumerate(lines) if line and not line.startswith(" ")]
    parts = ["\n".join(lines[a:b]) for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)]
    declare(desk, "\n".join(reversed(parts)))
    assert desk.apply(**FLAGS).done == ()
    assert desk.writes() == []


def test_what_somebody_changed_is_told_and_left(desk: PlatformDesk) -> None:
    desk.write(PROGRAM)
    desk.apply()
    with desk.client() as client:
        Catalog(client).save_program(ProgramWish(program_id="p", name="Theirs", platform_key="sandbox"))
    desk.server.clear_log()
    assert concerns(desk) == [(Concern.THEIRS, "programs/p")]
    assert desk.apply().exit_code == 8
    assert desk.writes() == []
    assert desk.rows("program")[0]["name"] == "Theirs"
    assert desk.apply(overwrite=True).exit_code == 0
    assert desk.rows("program")[0]["name"] == "First"


def test_both_changed_and_a_change_of_ours_alone(desk: PlatformDesk) -> None:
    desk.write(PROGRAM)
    desk.apply()
    desk.write(PROGRAM.replace("First", "Second"))
    (operation,) = desk.plan().operations
    assert (operation.action, operation.fields) == (Action.UPDATE, ("name",))
    with desk.client() as client:
        Catalog(client).save_program(ProgramWish(program_id="p", name="Theirs", platform_key="sandbox"))
    assert concerns(desk) == [(Concern.THEIRS, "programs/p")]


def test_the_same_change_on_both_sides_is_no_conflict(desk: PlatformDesk) -> None:
    desk.write(PROGRAM)
    desk.apply()
    with desk.client() as client:
        Catalog(client).save_program(ProgramWish(program_id="p", name="Second", platform_key="sandbox"))
    desk.write(PROGRAM.replace("First", "Second"))
    desk.server.clear_log()
    assert desk.apply().exit_code == 0
    assert desk.writes() == []


def test_what_others_put_into_a_list_stays(desk: PlatformDesk) -> None:
    theirs = "course-v1:Other+X1+r"
    desk.write(PROGRAM)
    desk.apply()
    with desk.client() as client:
        wish = ProgramWish(program_id="p", name="First", platform_key="sandbox", course_list=[COURSE, theirs])
        Catalog(client).save_program(wish)
    assert desk.plan().writes == ()
    desk.apply("2028_T1")
    (row,) = desk.rows("program")
    assert [item["course_id"] for item in row["course_list"]] == [theirs, RERUN]


def test_what_others_took_out_of_a_list_stays_out(desk: PlatformDesk) -> None:
    desk.write(PROGRAM)
    desk.apply()
    with desk.client() as client:
        wish = ProgramWish(program_id="p", name="First", platform_key="sandbox", course_list=[])
        Catalog(client).save_program(wish)
    assert concerns(desk) == [(Concern.THEIRS, "programs/p")]
    assert desk.apply(overwrite=True).exit_code == 0
    assert desk.rows("program")[0]["course_list"] == [{"course_id": COURSE}]


def test_a_row_of_that_name_is_taken_over_and_not_overwritten(desk: PlatformDesk) -> None:
    with desk.client() as client:
        Taxonomy(client).save(Kind.SKILLS, TermWish(name="reading charts", slug="other"))
    declare(desk, "skills:\n  a:\n    name: Reading charts\n")
    applied = desk.apply()
    assert [notice.concern for notice in applied.plan.notices] == [Concern.THEIRS]
    (row,) = desk.rows("skill")
    assert row["name"] == "reading charts"
    assert desk.apply(overwrite=True).exit_code == 0
    (row,) = desk.rows("skill")
    assert (row["name"], row["slug"]) == ("Reading charts", "other")


def test_several_of_a_name_want_a_word(desk: PlatformDesk) -> None:
    with desk.client() as client:
        for _ in range(2):
            call = Taxonomy(client).save_call(Kind.SKILLS, TermWish(name="Reading charts"), None)
            client.send(call)
    declare(desk, "skills:\n  a:\n    name: Reading charts\n")
    desk.server.clear_log()
    applied = desk.apply()
    assert [notice.concern for notice in applied.plan.doubts] == [Concern.DOUBT]
    assert desk.writes() == []
    second = str(desk.rows("skill")[1]["id"])
    assert desk.apply(created={"skills/a": second}).exit_code == 0
    assert desk.plan().notices == ()
    assert len(desk.rows("skill")) == 2


def test_what_was_deleted_on_the_platform_is_told(desk: PlatformDesk) -> None:
    desk.write(PROGRAM)
    desk.apply()
    with desk.client() as client:
        Catalog(client).delete_program("p", "sandbox")
    assert concerns(desk) == [(Concern.THEIRS, "programs/p")]
    assert desk.apply().exit_code == 8
    assert desk.rows("program") == []
    assert desk.apply(overwrite=True).exit_code == 0
    assert len(desk.rows("program")) == 1


def test_what_is_no_longer_declared_is_left_and_deleted_only_on_demand(desk: PlatformDesk) -> None:
    declare(desk, SKILLS + PROGRAM + BOTS + MENTORS)
    desk.apply()
    declare(desk, SKILLS)
    desk.server.clear_log()
    told = {key: concern for concern, key in concerns(desk)}
    assert set(told) == {"programs/p", "bots/helper", "mentors/tutor", f"mentor-link/tutor@{COURSE}"}
    assert set(told.values()) == {Concern.REMOVED}
    assert desk.apply().exit_code == 0
    assert desk.writes() == []
    assert desk.apply(delete=True).exit_code == 0
    assert desk.rows("program") == [] == desk.rows("bot")
    assert desk.server.snapshot(COURSE)["course"]["about"]["mentor_uuid"] is None
    assert len(desk.rows("mentor")) == 1  # no call deletes one
    assert desk.plan().notices == ()


def test_a_new_run_leaves_what_belongs_to_the_old_one(desk: PlatformDesk) -> None:
    declare(desk, ALL)
    desk.apply(**FLAGS)
    applied = desk.apply("2028_T1", delete=True, **FLAGS)
    assert applied.exit_code == 0
    assert not [one for one in applied.done if one.action in (Action.DELETE, Action.RECORD)]
    credentials = [(row["name"], row["courses"]) for row in desk.rows("credential")]
    assert sorted(credentials) == sorted(
        (name, [course]) for name in ("Badge", "Certificate in reading data") for course in (COURSE, RERUN)
    )
    (mentor,) = desk.rows("mentor")
    for course in (COURSE, RERUN):
        assert desk.server.snapshot(course)["course"]["about"]["mentor_uuid"] == mentor["unique_id"]
    assert sorted(desk.server.rows("enrolment")) == sorted(
        f"{person},{course}" for person in ("ada", "bob") for course in (COURSE, RERUN)
    )
    paths = {row["pathway_id"]: row["path"] for row in desk.rows("pathway")}
    assert paths["start-here"][0] == {"item_type": "course", "course_id": RERUN}
    desk.server.clear_log()
    desk.apply("2028_T1", **FLAGS)
    assert desk.writes() == []


def test_what_faces_outward_needs_its_own_flag(desk: PlatformDesk) -> None:
    declare(desk, TENANT + CREDENTIALS + ASSERTIONS)
    applied = desk.apply()
    assert applied.exit_code == 0
    assert {notice.concern for notice in applied.plan.notices} == {Concern.WITHHELD}
    assert desk.rows("tenant") == [] == desk.rows("assertion")
    desk.apply(**FLAGS)
    assert len(desk.rows("tenant")) == 1
    assert len(desk.rows("assertion")) == 2


def test_a_fixed_field_is_told(desk: PlatformDesk) -> None:
    declare(desk, MENTORS)
    desk.apply()
    declare(desk, MENTORS.replace("Help with data.", "Do the homework."))
    desk.server.clear_log()
    assert concerns(desk) == [(Concern.FIXED, "mentors/tutor")]
    assert desk.apply().exit_code == 8
    assert desk.writes() == []


def test_a_mentor_that_is_there_is_taken_over(desk: PlatformDesk) -> None:
    with desk.client() as client:
        Mentors(client).create(MentorSettings(new_mentor_name="Data tutor", system_prompt="Other."))
    declare(desk, MENTORS)
    applied = desk.apply()
    assert [notice.concern for notice in applied.plan.notices] == [Concern.FIXED]
    assert len(desk.rows("mentor")) == 1


def test_secrets_are_sent_again_only_on_demand_or_under_another_name(desk: PlatformDesk) -> None:
    declare(desk, BOTS)
    desk.apply()
    desk.environ["BOT_SECRET"] = "a-new-value-Xk29"
    assert desk.plan().writes == ()
    (operation,) = desk.plan(send_secrets=True).writes
    assert operation.fields == ("client_secret", "app_token")
    declare(desk, BOTS.replace("BOT_SECRET", "BOT_TOKEN"))
    (operation,) = desk.plan().writes
    assert operation.fields == ("client_secret",)
    assert desk.apply().exit_code == 0
    assert desk.plan().writes == ()


def test_a_missing_secret_is_named_before_anything_is_sent(desk: PlatformDesk) -> None:
    declare(desk, SKILLS + BOTS)
    del desk.environ["BOT_TOKEN"]
    with pytest.raises(SourceError, match="BOT_TOKEN"):
        desk.apply()
    assert desk.writes() == []
    declare(desk, SKILLS + BOTS)
    desk.apply()
    desk.environ.clear()
    assert desk.apply().exit_code == 0  # nothing is to be sent, so nothing is asked for


def test_a_refused_row_is_told_and_what_needs_it_waits(desk: PlatformDesk) -> None:
    declare(
        desk,
        MENTORS
        + BOTS.replace("slack", "webex")
        + SKILLS
        + "bot_commands:\n  ask:\n    bot: helper\n    mentor: tutor\n",
    )
    desk.server.faults.add(Fault(FaultKind.UNAUTHORIZED, "create", path="bots/sandbox/bot/$", times=9))
    with pytest.raises(ApplyError) as caught:
        desk.apply()
    assert caught.value.exit_code == 4
    desk.server.faults.clear()
    assert desk.apply().exit_code == 0
    assert len(desk.rows("bot-command")) == 1
    with desk.client() as client:
        assert len(Bots(client).list()) == 1


def test_a_course_that_is_not_there_is_named(desk: PlatformDesk) -> None:
    declare(desk, "mentors:\n  m:\n    courses: [course-v1:Demo+Nothing+r]\n")
    with pytest.raises(Exception, match="not on the platform"):
        desk.apply()
    assert desk.writes() == []


def test_a_launch_whose_answer_is_lost_is_never_repeated(desk: PlatformDesk) -> None:
    declare(desk, TENANT)
    desk.server.faults.add(Fault(FaultKind.ERROR_AFTER, "create", path="launch", status=502))
    with pytest.raises(InDoubtError) as caught:
        desk.apply(launch_tenant=True)
    assert caught.value.exit_code == 7
    assert "--created tenant/tenant=ID" in (caught.value.hint or "")
    desk.server.clear_log()
    assert desk.apply(launch_tenant=True).plan.doubts
    assert desk.writes() == []
    assert desk.apply(launch_tenant=True, created={"tenant/tenant": "newtenant"}).exit_code == 0
    assert desk.writes() == []
    assert len(desk.rows("tenant")) == 1


def test_reads_are_bounded(desk: PlatformDesk) -> None:
    """One read a row of what has a filter, one a kind of what has none; the platform's size does not count."""
    rows = 30
    text = "skills:\n" + "".join(f"  s{number}:\n    name: Skill {number}\n" for number in range(rows))
    text += "bots:\n" + "".join(f"  b{number}:\n    provider: slack\n" for number in range(rows))
    with desk.client() as client:
        _many(client)
    declare(desk, text)
    desk.apply()
    desk.server.clear_log()
    desk.apply()
    reads = [one for one in desk.server.requests if one.method == "GET"]
    assert len([one for one in reads if "/skills/" in one.path]) == rows
    assert len([one for one in reads if "/bot/" in one.path]) == 1


def _many(client: Client) -> None:
    for number in range(60):
        body = {"name": f"Other {number}", "platform_key": "sandbox"}
        client.send(Call(CallKind.CREATE, Service.MANAGER, "POST", "/api/catalog/skills/", json=body))


def test_what_is_left_stays_left(desk: PlatformDesk) -> None:
    """A row that was taken over: its other fields are sent, what differs stays somebody else's, today and tomorrow."""
    with desk.client() as client:
        Taxonomy(client).save(Kind.SKILLS, TermWish(name="Reading charts", slug="theirs"))
    declare(desk, "skills:\n  a:\n    name: Reading charts\n    data: {level: 2}\n")
    assert desk.apply().exit_code == 0
    declare(desk, "skills:\n  a:\n    name: reading charts\n    slug: ours\n    data: {level: 3}\n")
    with desk.client() as client:
        number = desk.rows("skill")[0]["id"]
        Taxonomy(client).save(Kind.SKILLS, TermWish(name="Reading all charts", id=number))
    for _ in range(3):
        assert desk.apply().exit_code == 8
        (row,) = desk.rows("skill")
        assert (row["name"], row["slug"], row["data"]) == ("Reading all charts", "ours", {"level": 3})
        assert concerns(desk) == [(Concern.THEIRS, "skills/a")]


def test_a_field_that_is_declared_later_is_sent_unless_somebody_changed_it(desk: PlatformDesk) -> None:
    declare(desk, PROGRAM)
    desk.apply()
    declare(desk, PROGRAM + "    enabled: false\n")
    (operation,) = desk.plan().writes
    assert operation.fields == ("enabled",)
    desk.apply()
    assert desk.rows("program")[0]["enabled"] is False
    with desk.client() as client:
        Catalog(client).save_program(
            ProgramWish(program_id="p", name="First", platform_key="sandbox", slug="theirs", course_list=[COURSE])
        )
    declare(desk, PROGRAM + "    enabled: false\n    slug: ours\n")
    assert concerns(desk) == [(Concern.THEIRS, "programs/p")]


def test_another_course_of_a_credential_is_another_credential(desk: PlatformDesk) -> None:
    declare(desk, CREDENTIALS)
    desk.apply()
    declare(desk, CREDENTIALS.replace("courses: [course]\n    public", f"courses: [course, '{RERUN}']\n    public"))
    planned = desk.plan()
    assert [one.action for one in planned.operations] == [Action.CREATE]
    assert [notice.concern for notice in planned.notices] == [Concern.REMOVED]


def test_a_tenant_that_is_partly_there_is_told_until_the_user_has_spoken(tmp_path: Path) -> None:
    profile = replace(DOCUMENTED, launches_partly=True)
    with SandboxServer(tmp_path / "sandbox.sqlite3", profile) as server:
        desk = open_desk(server, tmp_path / "work", tmp_path / "sandbox.sqlite3")
        declare(desk, TENANT)
        with pytest.raises(InDoubtError, match="only a part of the tenant was made: org: newtenant"):
            desk.apply(launch_tenant=True)
        desk.server.clear_log()
        assert [notice.concern for notice in desk.apply(launch_tenant=True).plan.doubts] == [Concern.DOUBT]
        assert desk.writes() == []
        assert desk.apply(created={"tenant/tenant": "newtenant"}).exit_code == 0
        assert desk.plan(launch_tenant=True).notices == ()
