"""The tree: order, moving, copying, deleting; draft and published; what children inherit."""

from __future__ import annotations

import pytest

from tests.studio import KEY, ROOT, Studio

CONCURRENT = {"error": "Invalid data, possibly caused by concurrent authors."}


@pytest.fixture
def unit(studio: Studio) -> str:
    return studio.chain()[2]


# -- children -----------------------------------------------------------------------------------------------------------


def test_the_full_list_of_children_is_an_order(studio: Studio, unit: str) -> None:
    first, second, third = (studio.create(unit, "html") for _ in range(3))
    assert "children" not in studio.update(unit, children=[third, first, second])
    assert studio.children(unit) == [third, first, second]


def test_a_child_that_is_left_out_is_refused(studio: Studio, unit: str) -> None:
    first, second = studio.create(unit, "html"), studio.create(unit, "html")
    assert studio.update(unit, children=[second], code=400) == CONCURRENT
    assert studio.children(unit) == [first, second]


def test_a_child_of_nobody_is_refused(studio: Studio, unit: str) -> None:
    page = studio.create(ROOT, "static_tab")
    gone = unit.replace("vertical", "html")
    for orphan in (page, gone):
        assert studio.update(unit, children=[orphan], code=400) == CONCURRENT


def test_a_child_of_another_moves_here(studio: Studio, unit: str) -> None:
    theirs = studio.chain()[2]
    ours, foreign = studio.create(unit, "html"), studio.create(theirs, "html")
    studio.update(unit, children=[foreign, ours])
    assert studio.children(unit) == [foreign, ours]
    assert studio.children(theirs) == []


# -- moving, copying, deleting ------------------------------------------------------------------------------------------


def move(studio: Studio, source: str, parent: str, index: object = None, *, code: int = 200) -> dict[str, object]:
    body = {"move_source_locator": source, "parent_locator": parent}
    answer = studio.send("PATCH", "/xblock/", body | ({} if index is None else {"target_index": index}), code=code)
    assert isinstance(answer, dict)
    return answer


def test_a_move(studio: Studio, unit: str) -> None:
    target = studio.chain()[2]
    stays, moves = studio.create(unit, "html"), studio.create(unit, "html")
    there = studio.create(target, "html")
    assert move(studio, moves, target, 0) == {"move_source_locator": moves, "parent_locator": target, "source_index": 0}
    assert studio.children(unit) == [stays]
    assert studio.children(target) == [moves, there]
    assert move(studio, stays, target)["source_index"] == 0
    assert studio.children(target) == [moves, there, stays]


def test_moves_that_are_refused(studio: Studio) -> None:
    chapter, sequential, unit = studio.chain()
    other = studio.chain()
    html = studio.create(unit, "html")
    bank = studio.create(unit, "itembank")
    experiment = studio.create(unit, "split_test")
    for source, parent, index in (
        (chapter, other[0], None),
        (chapter, ROOT, None),
        (sequential, other[1], None),
        (unit, other[0], None),
        (html, sequential, None),
        (html, unit, None),
        (bank, bank, None),
        (html, experiment, None),
        (html, other[2], 5),
        (html, other[2], "0"),
        (html, studio.create(unit, "html"), None),
    ):
        assert "error" in move(studio, source, parent, index, code=400)
    assert "error" in studio.send("PATCH", "/xblock/", {"parent_locator": unit}, code=400)
    assert studio.children(sequential) == [unit]


def test_a_duplicate_is_deep_and_stands_beside_its_source(studio: Studio) -> None:
    _, sequential, unit = studio.chain()
    html = studio.create(unit, "html", display_name="Words")
    studio.update(html, data="<p>Hi</p>")
    last = studio.create(sequential, "vertical")
    body = {"duplicate_source_locator": unit, "parent_locator": sequential}
    twin = studio.send("POST", "/xblock/", body)["locator"]
    assert studio.children(sequential) == [unit, twin, last]
    row = studio.rows()[twin]
    assert row["display_name"] == "Duplicate of 'Unit'"
    (below,) = row["children"]
    assert below["usage"] != html
    assert below["fields"] == {"display_name": "Words", "data": "<p>Hi</p>"}
    named = studio.send("POST", "/xblock/", body | {"display_name": "Copy"})["locator"]
    assert studio.read(named)["display_name"] == "Copy"
    nameless = studio.create(unit, "html")
    body = {"duplicate_source_locator": nameless, "parent_locator": unit}
    assert studio.read(studio.send("POST", "/xblock/", body)["locator"])["display_name"] == "Duplicate of html"


def test_a_deleted_unit_is_gone_for_learners_a_deleted_component_when_its_unit_is_published(studio: Studio) -> None:
    chapter, sequential, unit = studio.chain()
    html = studio.create(unit, "html")
    studio.publish(chapter)
    studio.send("DELETE", f"/xblock/{html}", code=204)
    assert html not in studio.rows()
    assert html in studio.rows("published")
    studio.publish(unit)
    assert html not in studio.rows("published")
    studio.send("DELETE", f"/xblock/{unit}", code=204)
    assert studio.children(sequential, "published") == []
    studio.send("DELETE", f"/xblock/{unit}", code=404)


def test_deleting_a_section_takes_all_below(studio: Studio) -> None:
    chapter, _, unit = studio.chain()
    studio.create(unit, "html")
    studio.publish(chapter)
    studio.send("DELETE", f"/xblock/{chapter}", code=204)
    assert studio.rows().keys() == studio.rows("published").keys() == {ROOT}
    assert studio.send("GET", f"/orphan/{KEY}") == []


# -- draft and published ------------------------------------------------------------------------------------------------


def test_sections_are_published_by_being_saved_units_are_not(studio: Studio) -> None:
    chapter, sequential, unit = studio.chain()
    assert studio.children(ROOT, "published") == [chapter]
    assert studio.children(chapter, "published") == [sequential]
    assert studio.children(sequential, "published") == []
    studio.update(sequential, metadata={"display_name": "Renamed"})
    assert studio.rows("published")[sequential]["display_name"] == "Renamed"
    assert unit not in studio.rows("published")


def test_publishing_a_unit_puts_it_in_its_place(studio: Studio) -> None:
    _, sequential, first = studio.chain()
    second, third = (studio.create(sequential, "vertical") for _ in range(2))
    studio.publish(third)
    studio.publish(first)
    assert studio.children(sequential, "published") == [first, third]
    studio.publish(sequential)
    assert studio.children(sequential, "published") == [first, second, third]


def test_what_has_changes(studio: Studio) -> None:
    _, sequential, unit = studio.chain()
    html = studio.create(unit, "html")

    def row() -> tuple[bool, bool]:
        found = studio.send("GET", f"/xblock/outline/{sequential}")["child_info"]["children"][0]
        return found["published"], found["has_changes"]

    assert row() == (False, True)
    studio.publish(unit)
    assert row() == (True, False)
    studio.update(html, data="<p>New</p>")
    assert row() == (True, True)
    assert "data" not in studio.rows("published")[html]["fields"]
    studio.publish(unit)
    assert row() == (True, False)
    studio.send("DELETE", f"/xblock/{html}", code=204)
    assert row() == (True, True)


def test_data_and_publish_in_one_call(studio: Studio, unit: str) -> None:
    html = studio.create(unit, "html")
    studio.publish(unit)
    studio.update(html, data="<p>Live</p>", publish="make_public")
    assert studio.rows("published")[html]["fields"]["data"] == "<p>Live</p>"
    studio.update(html, data="<p>Live again</p>", publish="republish")
    assert studio.rows("published")[html]["fields"]["data"] == "<p>Live again</p>"


def test_republish_leaves_what_never_was_published(studio: Studio, unit: str) -> None:
    studio.update(unit, metadata={"display_name": "New"}, publish="republish")
    assert unit not in studio.rows("published")


def test_discarding_changes_passes_over_all_else(studio: Studio) -> None:
    chapter, _, unit = studio.chain()
    html = studio.create(unit, "html")
    studio.publish(unit)
    studio.update(html, data="<p>Draft</p>")
    draft = studio.create(unit, "html")
    answer = studio.update(unit, publish="discard_changes", metadata={"display_name": "Lost"})
    assert answer == {"id": unit}
    assert draft not in studio.rows()
    assert studio.rows()[html]["fields"] == {}
    assert studio.rows()[unit]["has_changes"] is False
    studio.update(chapter, publish="discard_changes")
    never = studio.create(unit, "html")
    studio.update(never, publish="discard_changes", code=500)


def test_a_published_component_that_moved_stays_until_its_new_unit_is_published(studio: Studio) -> None:
    _, sequential, old = studio.chain()
    new = studio.create(sequential, "vertical")
    html = studio.create(old, "html")
    studio.publish(sequential)
    move(studio, html, new)
    assert studio.children(old, "published") == [html]
    studio.publish(new)
    studio.publish(old)
    assert studio.children(old, "published") == []
    assert studio.children(new, "published") == [html]


def test_the_platforms_own_publish(documented: Studio, observed: Studio) -> None:
    for studio, says_something in ((documented, True), (observed, False)):
        chapter, _, unit = studio.chain()
        reply = studio.http.post("/api/v1/ibl/xblock/publish", json={"locator": chapter})
        assert (reply.status_code, bool(reply.content)) == (200, says_something)
        assert unit in studio.rows("published")
        studio.send("POST", "/api/v1/ibl/xblock/publish", {}, code=400)


# -- inheritance and outlines -------------------------------------------------------------------------------------------


def test_children_inherit_and_tell_only_their_own(studio: Studio) -> None:
    chapter, sequential, unit = studio.chain()
    studio.update(chapter, metadata={"due": "2027-03-01T00:00:00Z", "graded": True})
    assert studio.read(unit)["due"] == "2027-03-01T00:00:00Z"
    assert studio.read(unit)["graded"] is True
    assert studio.read(unit)["metadata"] == {"display_name": "Unit"}
    studio.update(sequential, nullout=["due"])
    assert studio.read(unit)["due"] is None


def test_the_states_that_an_outline_shows(studio: Studio) -> None:
    chapter, sequential, _ = studio.chain()

    def states() -> tuple[str, str, str]:
        top = studio.send("GET", f"/xblock/outline/{chapter}")
        middle = top["child_info"]["children"][0]
        below = middle["child_info"]["children"][0]
        return top["visibility_state"], middle["visibility_state"], below["visibility_state"]

    assert states() == ("needs_attention",) * 3
    studio.publish(chapter)
    assert states() == ("unscheduled",) * 3
    studio.update(chapter, metadata={"start": "2099-01-01T00:00:00Z"})
    assert states() == ("ready",) * 3
    studio.update(chapter, metadata={"start": "2020-01-01T00:00:00Z"})
    assert states() == ("live",) * 3
    studio.update(sequential, metadata={"visible_to_staff_only": True})
    assert states() == ("staff_only",) * 3


def test_an_outline_goes_down_to_units_and_units_to_components(studio: Studio) -> None:
    chapter, sequential, unit = studio.chain()
    html = studio.create(unit, "html", display_name="Words")
    outline = studio.send("GET", f"/xblock/outline/{ROOT}")
    assert outline["course_graders"] == ["Homework", "Lab", "Midterm Exam", "Final Exam"]
    assert outline["child_info"]["category"] == "chapter"
    found = outline["child_info"]["children"][0]["child_info"]["children"][0]["child_info"]["children"][0]
    assert (found["id"], "child_info" in found) == (unit, False)
    assert studio.send("GET", f"/course/{KEY}?format=concise") == outline
    assert studio.send("GET", f"/api/v1/ibl/course/{KEY}/units") == {
        "units": [
            {
                "id": unit,
                "display_name": "Unit",
                "type": "vertical",
                "children": [{"id": html, "display_name": "Words", "type": "html"}],
            }
        ]
    }
    (child,) = studio.send("GET", f"/api/contentstore/v1/container/vertical/{unit}/children")["children"]
    assert (child["block_id"], child["block_type"], child["name"]) == (html, "html", "Words")
    above = studio.send("GET", f"/xblock/container/{unit}")["ancestor_info"]["ancestors"]
    assert [row["id"] for row in above] == [sequential, chapter, ROOT]
    token = studio.send("GET", f"/xblock/{unit}", query={"fields": "customReadToken"})
    assert token["children"] == [{"block_type": "html", "block_id": html.rpartition("@")[2]}]


def test_json_must_be_asked_for(studio: Studio, unit: str) -> None:
    for path, code in ((f"/xblock/{unit}", 406), (f"/xblock/outline/{unit}", 404), (f"/xblock/container/{unit}", 404)):
        assert studio.http.get(path, headers={"Accept": "*/*"}).status_code == code
    assert studio.http.get(f"/xblock/outline/{unit}?format=json", headers={"Accept": "*/*"}).status_code == 200


# -- reading ------------------------------------------------------------------------------------------------------------


def test_details(documented: Studio, observed: Studio) -> None:
    for studio, keys, code in (
        (documented, {"id", "data", "display_name", "category", "metadata"}, 200),
        (observed, {"id", "data", "display_name"}, 406),
    ):
        unit = studio.chain()[2]
        html, problem = studio.create(unit, "html"), studio.create(unit, "problem")
        assert studio.details(html).keys() == keys
        studio.details(problem, code=code)
        studio.details(html.replace("html", "video"), code=404)


def test_static_links_in_what_is_read_back(documented: Studio, observed: Studio) -> None:
    sent = '<img src="/static/a.png"> /static/a.png'
    served = '<img src="/asset-v1:Demo+DS101+2027+type@asset+block@a.png"> /static/a.png'
    for studio, shown in ((documented, sent), (observed, served)):
        html = studio.create(studio.chain()[2], "html")
        answer = studio.update(html, data=sent)
        assert answer["data"] == sent
        assert studio.read(html)["data"] == shown
        assert studio.rows()[html]["fields"]["data"] == sent
