"""Creating and updating blocks: what the platform keeps, what it passes over, what it refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.studio import KEY, ROOT, Studio

V1 = "/api/v1/ibl/xblock"


def test_a_create_mints_an_id_and_appends(studio: Studio) -> None:
    first, second = (studio.create(ROOT, "chapter", display_name=name) for name in ("A", "B"))
    assert re.fullmatch(r"block-v1:Demo\+DS101\+2027\+type@chapter\+block@[0-9a-f]{32}", first)
    assert first != second
    assert studio.children(ROOT) == [first, second]
    assert studio.read(first)["display_name"] == "A"


def test_the_same_create_twice_makes_two(studio: Studio) -> None:
    body = {"parent_locator": ROOT, "category": "chapter", "display_name": "A"}
    made = {studio.send("POST", f"{V1}/create", body)["xblock_locator"] for _ in range(2)}
    assert len(made) == 2


def test_studio_passes_over_all_but_the_title_at_create(studio: Studio) -> None:
    _, _, unit = studio.chain()
    first = studio.create(unit, "html", display_name="First")
    late = studio.create(
        unit,
        "html",
        display_name="Late",
        position=0,
        data="<p>lost</p>",
        metadata={"editor": "raw"},
        fields={"editor": "raw"},
        publish="make_public",
        boilerplate="no-such-template.yaml",
    )
    assert studio.children(unit) == [first, late]
    assert studio.rows()[late]["fields"] == {"display_name": "Late"}
    assert late not in studio.rows("published")


@pytest.mark.parametrize(
    "body",
    [{"category": "html"}, {"parent_locator": ROOT}, {}],
    ids=["no parent", "no category", "nothing"],
)
def test_a_create_without_its_keys(studio: Studio, body: dict[str, Any]) -> None:
    assert "Studio Server Error" in studio.send("POST", "/xblock/", body, code=500)
    missing = {"parent_locator", "category"} - body.keys()
    assert studio.send("POST", f"{V1}/create", body, code=400).keys() == missing


def test_a_create_under_nothing(studio: Studio) -> None:
    gone = ROOT.replace("course+block@course", "vertical+block@gone")
    assert "error" in studio.send("POST", "/xblock/", {"parent_locator": gone, "category": "html"}, code=404)
    studio.send("POST", "/xblock/", {"parent_locator": "no key", "category": "html"}, code=500)


def test_position_in_a_create(documented: Studio, observed: Studio) -> None:
    for studio, code in ((documented, 200), (observed, 500)):
        studio.create(ROOT, "chapter")
        body = {"parent_locator": ROOT, "category": "chapter", "display_name": "Front", "position": 0}
        answer = studio.send("POST", f"{V1}/create", body, code=code)
        if code == 200:
            assert studio.children(ROOT)[0] == answer["xblock_locator"]
        else:
            assert "Studio Server Error" in answer
            assert len(studio.children(ROOT)) == 1


def test_the_title_of_a_new_html_block(documented: Studio, observed: Studio) -> None:
    for studio, title in ((documented, "Words"), (observed, "Text")):
        _, _, unit = studio.chain()
        body = {"parent_locator": unit, "category": "html", "display_name": "Words"}
        usage = studio.send("POST", f"{V1}/create", body)["xblock_locator"]
        assert studio.read(usage)["display_name"] == title
        change = {"locator": usage, "courseKey": KEY, "category": "html", "metadata": {"display_name": "Words"}}
        studio.send("POST", f"{V1}/update", change)
        assert studio.read(usage)["display_name"] == "Words"


def test_boilerplates(studio: Studio) -> None:
    _, _, unit = studio.chain()
    blank = studio.create(unit, "problem")
    assert studio.rows()[blank]["fields"] == {}
    assert studio.read(blank)["data"] == "<problem></problem>"
    choice = studio.create(unit, "problem", boilerplate="multiplechoice.yaml", display_name="Pick")
    fields = studio.rows()[choice]["fields"]
    assert "<multiplechoiceresponse>" in fields["data"]
    assert "(x)" in fields["markdown"]
    assert fields["display_name"] == "Pick"
    raw = studio.create(unit, "html", boilerplate="raw.yaml")
    assert studio.rows()[raw]["fields"]["editor"] == "raw"


def test_any_block_may_stand_under_any(studio: Studio) -> None:
    problem = studio.create(ROOT, "problem")
    assert studio.children(ROOT) == [problem]


def test_detached_blocks_stand_beside_the_tree(studio: Studio) -> None:
    page = studio.create(ROOT, "static_tab", display_name="FAQ")
    assert studio.children(ROOT) == []
    slug = page.rpartition("@")[2]
    assert {"type": "static_tab", "name": "FAQ", "url_slug": slug} in studio.rows()[ROOT]["fields"]["tabs"]
    studio.update(page, metadata={"display_name": "Questions", "course_staff_only": True})
    tab = studio.rows()[ROOT]["fields"]["tabs"][-1]
    assert (tab["name"], tab["course_staff_only"]) == ("Questions", True)
    studio.send("DELETE", f"/xblock/{page}", code=204)
    assert all(tab["type"] != "static_tab" for tab in studio.rows()[ROOT]["fields"]["tabs"])


def test_course_info_is_made_when_it_is_asked_for(studio: Studio) -> None:
    handouts = ROOT.replace("course+block@course", "course_info+block@handouts")
    assert studio.read(handouts)["category"] == "course_info"
    studio.send("GET", f"/xblock/{ROOT.replace('course+block@course', 'html+block@gone')}", code=404)


# -- updates ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def unit(studio: Studio) -> str:
    return studio.chain()[2]


def test_the_silences_of_an_update(studio: Studio, unit: str) -> None:
    usage = studio.create(unit, "html", display_name="Words")
    studio.update(usage, data="<p>Kept</p>")
    for empty in ("", None):
        studio.update(usage, data=empty, display_name="Not taken")
    row = studio.read(usage)
    assert (row["data"], row["display_name"]) == ("<p>Kept</p>", "Words")
    body = {"locator": usage, "courseKey": KEY, "category": "html", "display_name": "Not taken", "data": ""}
    studio.send("POST", f"{V1}/update", body)
    assert studio.read(usage)["display_name"] == "Words"


def test_fields_empty_a_body(studio: Studio, unit: str) -> None:
    usage = studio.create(unit, "html")
    studio.update(usage, data="<p>Kept</p>")
    studio.update(usage, fields={"data": "", "no_such_field": 1})
    assert studio.rows()[usage]["fields"] == {"data": ""}


def test_an_update_lays_metadata_over(studio: Studio, unit: str) -> None:
    usage = studio.create(unit, "problem", display_name="Check")
    studio.update(usage, metadata={"max_attempts": 2, "weight": 3})
    answer = studio.update(usage, metadata={"weight": None})
    assert answer["metadata"] == {"display_name": "Check", "max_attempts": 2}


def test_null_unsets_and_nullout_sets_null(studio: Studio, unit: str) -> None:
    chapter = studio.create(ROOT, "chapter")
    sequential = studio.create(chapter, "sequential")
    studio.update(chapter, metadata={"start": "2027-01-01T00:00:00Z"})
    studio.update(sequential, metadata={"start": "2027-02-01T00:00:00Z"})
    studio.update(sequential, metadata={"start": None})
    assert studio.read(sequential)["start"] == "2027-01-01T00:00:00Z"
    problem = studio.create(unit, "problem", boilerplate="multiplechoice.yaml")
    studio.update(problem, nullout=["markdown"])
    assert studio.rows()[problem]["fields"]["markdown"] is None
    studio.update(problem, metadata={"markdown": None})
    assert "markdown" not in studio.rows()[problem]["fields"]


def test_an_unknown_field_is_a_server_error_and_nothing_is_saved(studio: Studio, unit: str) -> None:
    usage = studio.create(unit, "problem")
    page = studio.update(usage, data="<problem>new</problem>", metadata={"weight": 2, "wieght": 2}, code=500)
    assert "<html>" in page
    assert studio.rows()[usage]["fields"] == {}


def test_a_category_that_nobody_knows_takes_any_field(studio: Studio, unit: str) -> None:
    usage = studio.create(unit, "somebodys_block")
    studio.update(usage, data="x", metadata={"anything": [1]})
    assert studio.rows()[usage]["fields"] == {"data": "x", "anything": [1]}


@pytest.mark.parametrize(
    ("name", "sent", "kept"),
    [
        ("max_attempts", "3", 3),
        ("max_attempts", 3.9, 3),
        ("max_attempts", "", None),
        ("weight", "1.5", 1.5),
        ("show_reset_button", "TRUE", True),
        ("show_reset_button", "1", False),
        ("show_reset_button", 1, True),
        ("display_name", "a\x0bb", "ab"),
        ("due", "2027-05-01T10:00:00+02:00", "2027-05-01T08:00:00Z"),
        ("due", "2027-05", None),
        ("due", "0900-01-01T00:00:00Z", None),
        ("due", 1_800_000_000_000, "2027-01-15T08:00:00Z"),
    ],
)
def test_what_a_field_makes_of_a_value(studio: Studio, unit: str, name: str, sent: object, kept: object) -> None:
    usage = studio.create(unit, "problem")
    studio.update(usage, metadata={name: sent})
    assert studio.rows()[usage]["fields"] == {name: kept}


@pytest.mark.parametrize(
    ("name", "sent", "code"),
    [
        ("max_attempts", "three", 400),
        ("max_attempts", "3.5", 400),
        ("due", "soon", 400),
        ("display_name", 7, 500),
        ("max_attempts", [], 500),
        ("due", [], 500),
    ],
)
def test_a_value_that_a_field_cannot_read(studio: Studio, unit: str, name: str, sent: object, code: int) -> None:
    usage = studio.create(unit, "problem", display_name="Check")
    answer = studio.update(usage, metadata={name: sent}, code=code)
    assert ("Studio Server Error" in answer) if code == 500 else answer["error"].startswith("Invalid data")
    assert studio.rows()[usage]["fields"] == {"display_name": "Check"}


def test_what_bodies_are_checked_for(studio: Studio, unit: str) -> None:
    problem, html = studio.create(unit, "problem"), studio.create(unit, "html")
    studio.update(problem, data="<problem><p>", code=500)
    studio.update(html, data="<p>never closed")
    assert studio.read(html)["data"] == "<p>never closed"


def test_grader_type_is_format_and_graded(studio: Studio) -> None:
    _, sequential, _ = studio.chain()
    assert studio.update(sequential, graderType="No such type")["graderType"] == "No such type"
    row = studio.rows()[sequential]["fields"]
    assert (row["format"], row["graded"]) == ("No such type", True)
    ask = studio.send("GET", f"/xblock/{sequential}", query={"fields": "graderType"})
    assert ask["graderType"] == "No such type"
    studio.update(sequential, graderType="notgraded")
    assert studio.rows()[sequential]["fields"].keys() == {"display_name"}


def test_a_body_that_is_not_json(studio: Studio) -> None:
    usage = studio.create(ROOT, "chapter", display_name="A")
    broken = studio.http.post(f"/xblock/{usage}", content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()) == (400, {"error": "Invalid JSON"})
    passed_over = studio.http.post(f"/xblock/{usage}", content=b'{"data": 1}', headers={"Content-Type": "text/plain"})
    assert passed_over.status_code == 200
    assert studio.rows()[usage]["fields"] == {"display_name": "A"}
    assert studio.send("POST", f"/xblock/{usage}", {"metadata": ["no", "object"]}, code=500)


def test_the_course_key_of_an_update_must_be_the_blocks(studio: Studio, unit: str) -> None:
    body = {"locator": unit, "courseKey": "course-v1:Demo+Other+2027", "category": "vertical", "metadata": {}}
    studio.send("POST", f"{V1}/update", body, code=400)
    assert studio.send("POST", f"{V1}/update", {"locator": unit}, code=400).keys() == {"courseKey", "category"}


def test_a_component_in_one_call(documented: Studio, observed: Studio) -> None:
    for studio, title in ((documented, "Words"), (observed, "Text")):
        unit = studio.chain()[2]
        body = {"parent_locator": unit, "problem_type": "html", "data": "<p>Hi</p>", "display_name": "Words"}
        usage = studio.send("POST", f"{V1}/component/create", body)["xblock_locator"]
        assert (studio.read(usage)["data"], studio.read(usage)["display_name"]) == ("<p>Hi</p>", title)
        problem = {"parent_locator": unit, "problem_type": "blank", "data": {}, "metadata": {"weight": 2}}
        usage = studio.send("POST", f"{V1}/component/create", problem)["xblock_locator"]
        assert studio.rows()[usage]["fields"] == {"weight": 2.0}
        for kind in ("pdf", "chapter", "no-such-type"):
            studio.send("POST", f"{V1}/component/create", {"parent_locator": unit, "problem_type": kind}, code=400)
