"""Applying once makes the platform as declared; applying twice writes nothing."""

from __future__ import annotations

from authoring.declared import Action
from tests.platformdesk import COURSE, RERUN, PlatformDesk

FIRST = """
skills:
  reading-charts:
    name: Reading charts
programs:
  foundations:
    name: Foundations
    courses: [course]
"""


def test_the_first_rows(desk: PlatformDesk) -> None:
    desk.write(FIRST)
    planned = desk.plan()
    assert [(one.action, one.key) for one in planned.operations] == [
        (Action.CREATE, "skills/reading-charts"),
        (Action.CREATE, "programs/foundations"),
    ]
    assert desk.writes() == []
    assert desk.apply().exit_code == 0
    assert [row["name"] for row in desk.rows("skill")] == ["Reading charts"]
    assert [row["course_list"] for row in desk.rows("program")] == [[{"course_id": COURSE}]]
    desk.server.clear_log()
    assert desk.plan().operations == ()
    assert desk.apply().done == ()
    assert desk.writes() == []


def test_a_run_moves_the_program_to_its_key(desk: PlatformDesk) -> None:
    desk.write(FIRST)
    desk.apply()
    (operation,) = desk.plan("2028_T1").operations
    assert (operation.action, operation.added, operation.removed) == (Action.LINK, (RERUN,), (COURSE,))
    desk.apply("2028_T1")
    assert [row["course_list"] for row in desk.rows("program")] == [[{"course_id": RERUN}]]
    desk.server.clear_log()
    desk.apply("2028_T1")
    assert desk.writes() == []
