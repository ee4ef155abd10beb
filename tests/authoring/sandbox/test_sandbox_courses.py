"""Whole courses: making, copying, filling at once and deleting them; settings, grading, updates, pages, team."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from authoring.sandbox import DOCUMENTED, Profile, SandboxServer
from tests.studio import KEY, ROOT, Studio

MANAGE = "/api/ibl/manage/course/"
SETTINGS = "/api/ibl/v1/course_settings"
HOME = "/api/contentstore/v2/home/courses"
RERUN = "course-v1:Demo+DS101+2028"
NAMES = {"org": "Demo", "number": "DS101", "run": "2028", "display_name": "Data again"}


# -- making and deleting ------------------------------------------------------------------------------------------------


def test_a_new_course(studio: Studio) -> None:
    found = studio.send("GET", MANAGE, query={"course_key": KEY})
    assert found == {
        "course_key": KEY,
        "org": "Demo",
        "number": "DS101",
        "run": "2027",
        "display_name": "Data",
        "url": f"/course/{KEY}",
    }
    assert studio.read(ROOT)["start"] == "2030-01-01T00:00:00Z"
    studio.send("GET", MANAGE, code=400)
    studio.send("GET", MANAGE, code=404, query={"course_key": "course-v1:a+b+c"})


def test_a_course_without_number_and_run_is_always_another(studio: Studio) -> None:
    body = {"org": "Demo", "display_name": "Data"}
    keys = [studio.send("POST", MANAGE, body)["course_key"] for _ in range(2)]
    assert [key.split("+")[1] for key in keys] == ["C1", "C2"]


def test_courses_that_are_refused(studio: Studio) -> None:
    same = NAMES | {"run": "2027"}
    for names in (same, same | {"org": "DEMO"}):
        assert studio.send("POST", MANAGE, names, code=400).keys() == {"ErrMsg", "OrgErrMsg", "CourseErrMsg"}
        assert "ErrMsg" in studio.send("POST", "/course/", names, code=200)
    assert "ErrMsg" in studio.send("POST", MANAGE, NAMES | {"run": "a b"}, code=400)
    studio.send("POST", MANAGE, {"display_name": "Data"}, code=403)
    studio.send("POST", MANAGE, NAMES | {"display_name": ""}, code=400)


def test_deleting_a_course(studio: Studio) -> None:
    studio.chain()
    studio.send("POST", f"{MANAGE}delete", {"course_key": KEY})
    assert studio.send("GET", HOME)["results"]["courses"] == []
    studio.send("POST", f"{MANAGE}delete", {"course_key": KEY}, code=404)
    assert studio.course() == ROOT
    assert studio.children(ROOT) == []


def test_the_list_of_courses(studio: Studio) -> None:
    studio.send("POST", MANAGE, NAMES)
    found = studio.send("GET", HOME, query={"search": "AGAIN"})
    assert [row["course_key"] for row in found["results"]["courses"]] == [RERUN]
    assert found["count"] == 1
    older = studio.send("GET", "/api/contentstore/v1/home/courses")
    assert [row["course_key"] for row in older["courses"]] == [KEY, RERUN]
    assert older["in_process_course_actions"] == []


# -- copies -------------------------------------------------------------------------------------------------------------


def test_a_rerun_is_a_copy(studio: Studio) -> None:
    chapter, _, unit = studio.chain()
    html = studio.create(unit, "html", display_name="Words")
    studio.publish(chapter)
    studio.update(html, data="<p>Draft</p>")
    studio.http.post(f"/assets/{KEY}/", files={"file": ("a.png", b"png", "image/png")})
    studio.update(ROOT, metadata={"start": "2027-01-01T00:00:00Z", "advanced_modules": ["done"]})
    answer = studio.send("POST", MANAGE, NAMES | {"source_course_key": KEY})
    assert answer["course_key"] == RERUN
    draft, published = studio.rows("draft", RERUN), studio.rows("published", RERUN)
    twin = html.replace("2027", "2028")
    assert draft[twin]["fields"]["data"] == "<p>Draft</p>"
    assert "data" not in published[twin]["fields"]
    root = draft[ROOT.replace("2027", "2028")]
    assert root["display_name"] == "Data again"
    assert root["fields"]["start"] == "2030-01-01T00:00:00Z"
    assert root["fields"]["advanced_modules"] == ["done"]
    assert [row["name"] for row in studio.server.snapshot(RERUN)["assets"]] == ["a.png"]
    studio.send("POST", MANAGE, NAMES | {"run": "2029", "source_course_key": "course-v1:a+b+c"}, code=404)


def test_a_rerun_takes_its_time(tmp_path: Path) -> None:
    with SandboxServer(tmp_path / "s.sqlite3", replace(DOCUMENTED, rerun_seconds=3600.0)) as server:
        studio = Studio(server)
        with studio.http:
            studio.course()
            studio.send("POST", MANAGE, NAMES | {"source_course_key": KEY})
            (action,) = studio.send("GET", HOME)["results"]["in_process_course_actions"]
            assert (action["course_key"], action["is_in_progress"], action["is_failed"]) == (RERUN, True, False)
            studio.send("GET", MANAGE, code=404, query={"course_key": RERUN})
            studio.send("POST", MANAGE, NAMES, code=400)
    with SandboxServer(tmp_path / "s.sqlite3", DOCUMENTED) as server, Studio(server).http as http:
        assert http.get(HOME).json()["results"]["in_process_course_actions"] != []


def test_a_rerun_that_failed_is_listed_until_it_is_dismissed(tmp_path: Path) -> None:
    with SandboxServer(tmp_path / "s.sqlite3", replace(DOCUMENTED, rerun_seconds=3600.0)) as server:
        studio = Studio(server)
        with studio.http:
            studio.course()
            studio.send("POST", MANAGE, NAMES | {"source_course_key": KEY})
            server.fail_reruns()
            (action,) = studio.send("GET", HOME)["results"]["in_process_course_actions"]
            assert (action["is_in_progress"], action["is_failed"]) == (False, True)
            studio.send("GET", MANAGE, code=404, query={"course_key": RERUN})
            studio.send("DELETE", action["dismiss_link"])
            assert studio.send("GET", HOME)["results"]["in_process_course_actions"] == []
            studio.send("POST", MANAGE, NAMES)


def full(*problems: dict[str, Any]) -> dict[str, Any]:
    unit = {"name": "Unit", "problems": list(problems)}
    section = {"name": "Section", "subsection": [{"name": "Subsection", "unit": [unit]}]}
    return {"course_parent_locator": ROOT, "section": [section]}


def test_a_full_course(studio: Studio) -> None:
    draft = studio.chain()[2]
    body = full(
        {"problem_type": "html", "data": "<p>Hi</p>", "metadata": {"display_name": "Words"}},
        {"problem_type": "multiplechoice", "metadata": {"display_name": "Pick", "markdown": None}},
    )
    path = "/api/v1/ibl/course/create_full_course"
    (made,) = studio.send("POST", path, body)["created_units"]
    assert made["display_name"] == "Unit"
    live = studio.rows("published")
    assert draft in live
    html, pick = live[made["locator"]]["children"]
    assert (html["display_name"], html["fields"]["data"]) == ("Text", "<p>Hi</p>")
    assert pick["display_name"] == "Pick"
    assert "markdown" not in pick["fields"]
    studio.send("POST", path, body)
    assert len(studio.children(ROOT)) == 3
    studio.send("POST", path, {"section": []}, code=400)


def test_a_malformed_full_course(documented: Studio, observed: Studio) -> None:
    body = full({"data": "no type"})
    for studio, kept in ((documented, 0), (observed, 1)):
        assert "Studio Server Error" in studio.send("POST", "/api/v1/ibl/course/create_full_course", body, code=500)
        assert len(studio.children(ROOT)) == kept


# -- settings -----------------------------------------------------------------------------------------------------------


def test_advanced_settings(studio: Studio) -> None:
    path = f"/settings/advanced/{KEY}"
    answer = studio.send("POST", path, {"advanced_modules": {"value": ["done"]}, "start": {"value": "2020-01-01"}})
    assert answer["advanced_modules"]["value"] == ["done"]
    assert "start" not in answer
    answer = studio.send("POST", path, {"advanced_modules": {"value": ["poll"]}, "no_such_setting": {"value": 1}})
    assert answer["advanced_modules"]["value"] == ["poll"]
    assert studio.read(ROOT)["start"] == "2030-01-01T00:00:00Z"
    wrong = {"advanced_modules": {"value": "poll"}, "display_name": {"value": "Not saved"}}
    (refused,) = studio.send("POST", path, wrong, code=400)
    assert (refused["key"], refused["model"]) == ("advanced_modules", {"value": "poll"})
    assert studio.send("GET", path)["display_name"]["value"] == "Data"
    only = studio.send("GET", f"/api/contentstore/v0/advanced_settings/{KEY}", query={"filter_fields": "display_name"})
    assert only.keys() == {"display_name"}


def test_grading(studio: Studio) -> None:
    path = f"/settings/grading/{KEY}"
    policy = studio.send("GET", path)
    assert [(row["type"], row["min_count"], row["weight"]) for row in policy["graders"]] == [
        ("Homework", 12, 15),
        ("Lab", 12, 15),
        ("Midterm Exam", 1, 30),
        ("Final Exam", 1, 40),
    ]
    quiz = {"type": "Quiz", "min_count": 2, "drop_count": 1, "short_label": "Q", "weight": 20}
    assert studio.send("POST", f"{path}/9", quiz) == quiz | {"id": 4, "weight": 20.0}
    studio.send("DELETE", f"{path}/0", code=204)
    graders = studio.send("GET", path)["graders"]
    assert [(row["id"], row["type"]) for row in graders] == [
        (0, "Lab"),
        (1, "Midterm Exam"),
        (2, "Final Exam"),
        (3, "Quiz"),
    ]
    studio.send("POST", path, policy | {"graders": [quiz]})
    assert studio.send("GET", path)["graders"] == [quiz | {"id": 0}]
    studio.send("POST", path, {"graders": []}, code=500)
    assert studio.send("GET", f"/xblock/outline/{ROOT}")["course_graders"] == ["Quiz"]


def settings(studio: Studio, **body: Any) -> dict[str, Any]:
    answer = studio.send("POST", SETTINGS, {"course_key": KEY, **body})
    assert isinstance(answer, dict)
    return answer


def test_course_settings_are_laid_over_and_refused_without_a_word(studio: Studio) -> None:
    answer = settings(studio, short_description="Short", promotion=True, no_such_key=1, language="de")
    assert (answer["short_description"], answer["language"]) == ("Short", "de")
    assert (answer["promotion"], "no_such_key" in answer) == (None, False)
    form = studio.send("GET", f"{SETTINGS}?course_key={quote(KEY, safe='')}")["formData"]
    assert form == answer
    assert settings(studio, short_description=None)["short_description"] is None
    assert settings(studio, start_date="2027-01-01T00:00:00Z")["short_description"] is None
    late = settings(studio, enrollment_start="2027-02-01T00:00:00Z")
    assert late["enrollment_start"] is None


def test_the_pace_is_locked_once_a_course_has_begun(studio: Studio) -> None:
    assert settings(studio, self_paced=True, start_date="2020-01-01T00:00:00Z")["self_paced"] is False
    assert settings(studio, self_paced=True)["self_paced"] is False
    settings(studio, start_date="2099-01-01T00:00:00Z")
    assert settings(studio, self_paced=True)["self_paced"] is True


def test_the_stock_details_forget_dates_that_are_left_out(studio: Studio) -> None:
    path = f"/settings/details/{KEY}"
    whole = studio.send("GET", path) | {"end_date": "2028-01-01T00:00:00Z", "overview": "<p>About</p>"}
    assert studio.send("POST", path, whole)["end_date"] == "2028-01-01T00:00:00Z"
    studio.send("POST", path, {"overview": "only"}, code=500)
    part = studio.send("POST", path, {"start_date": whole["start_date"]})
    assert (part["end_date"], part["overview"]) == (None, "<p>About</p>")


@pytest.mark.parametrize(
    "profile", [DOCUMENTED, replace(DOCUMENTED, duplicate_passports=False)], ids=["kept", "refused"]
)
def test_passports(tmp_path: Path, profile: Profile) -> None:
    path = "/api/v1/ibl/course/add_lti_passport"
    with SandboxServer(tmp_path / "s.sqlite3", profile) as server:
        studio = Studio(server)
        with studio.http:
            studio.course()
            studio.send("POST", path, {"courseKey": KEY, "lti_passport": "tool:k:e:y:secret"})
            again = {"courseKey": KEY, "lti_passport": "tool:key:other"}
            studio.send("POST", path, again, code=200 if profile.duplicate_passports else 400)
            studio.send("POST", path, {"courseKey": KEY, "lti_passport": "tool:key"}, code=400)
            studio.send("POST", path, {"courseKey": KEY}, code=400)
            held = studio.send("GET", f"/settings/advanced/{KEY}")["lti_passports"]["value"]
    assert held == ["tool:k:e:y:secret"] + ["tool:key:other"] * profile.duplicate_passports


# -- updates, pages, team -----------------------------------------------------------------------------------------------


def test_updates(studio: Studio) -> None:
    path = f"/course_info_update/{KEY}/"
    first = studio.send("POST", path, {"date": "May 1, 2027", "content": "<p>One</p>"})
    second = studio.send("POST", path, {"date": "May 2, 2027", "content": "<p>Two</p>"})
    assert [item["id"] for item in studio.send("GET", path)] == [second["id"], first["id"]]
    changed = studio.send("PUT", f"{path}{first['id']}", {"date": "May 1, 2027", "content": "<p>New</p>"})
    assert changed == {"id": first["id"], "date": "May 1, 2027", "content": "<p>New</p>"}
    assert studio.send("DELETE", f"{path}{second['id']}") == [changed]
    for body in ({}, {"date": "May 1, 2027"}):
        assert studio.send("POST", path, body, code=400) == "Failed to save"
    studio.send("GET", f"{path}99", code=400)
    news = ROOT.replace("course+block@course", "course_info+block@updates")
    assert [item["status"] for item in studio.rows("published")[news]["fields"]["items"]] == ["visible", "deleted"]


def test_the_order_of_pages(studio: Studio) -> None:
    path = f"/tabs/{KEY}"
    pages = [studio.create(ROOT, "static_tab", display_name=name) for name in ("A", "B")]

    def shown() -> list[str]:
        return [tab["name"] for tab in studio.send("GET", path)["tabs"] if tab["type"] == "static_tab"]

    assert shown() == ["A", "B"]
    studio.send(
        "POST", path, {"tabs": [{"tab_id": "wiki"}, *({"tab_locator": page} for page in pages[::-1])]}, code=204
    )
    assert shown() == ["B", "A"]
    studio.send("POST", path, {"tab_id_locator": {"tab_id": "wiki"}, "is_hidden": True}, code=204)
    assert next(tab for tab in studio.send("GET", path)["tabs"] if tab["type"] == "wiki")["is_hidden"] is True
    studio.send("POST", path, {"tabs": [{"tab_locator": f"{pages[0]}x"}]}, code=400)
    studio.send("POST", path, {}, code=500)


def test_the_team(studio: Studio) -> None:
    path = f"/course_team/{KEY}"
    studio.send("POST", f"{path}/ada@example.org", {"role": "staff"}, code=204)
    assert studio.send("GET", f"{path}/ada@example.org")["role"] == "staff"
    assert "last Admin" in studio.send("DELETE", f"{path}/sandbox@example.org", code=400)["error"]
    studio.send("POST", f"{path}/ada@example.org", {"role": "instructor"}, code=204)
    studio.send("DELETE", f"{path}/sandbox@example.org", code=204)
    assert studio.send("GET", f"{path}/sandbox@example.org")["role"] is None
    studio.send("GET", f"{path}/nobody@example.invalid", code=404)
    studio.send("POST", f"{path}/ada@example.org", {"role": "king"}, code=400)
