"""Handlers of blocks: packages, PDFs, polls, and the rest that Studio's editors save through."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any

import pytest

from tests.authoring.sandbox.served.conftest import COURSE, V1, Seat

FORM = {
    "display_name": "Safety",
    "has_score": "1",
    "enable_navigation_menu": "0",
    "enable_fullscreen_button": "true",
    "weight": "2.5",
    "width": "",
    "height": "400px",
    "navigation_menu_width": "200",
    "popup_on_launch": "0",
}
NAMESPACE = 'xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2"'
RESOURCE = '<resources><resource identifier="r"/><resource identifier="s" href="a/start.html?x=1"/></resources>'


def package(manifest: str | None, **files: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        if manifest is not None:
            archive.writestr("imsmanifest.xml", manifest)
        archive.writestr("filler.txt", "some words, so that the package has a usual size " * 50)
    return stream.getvalue()


def submit(seat: Seat, key: str, content: bytes | None, **form: str) -> Any:
    parts: Any = {name: (None, value) for name, value in {**FORM, **form}.items()}
    parts["file"] = ("p.zip", content, "application/zip") if content is not None else (None, "undefined")
    return seat.http.post(f"/xblock/{key}/handler/studio_submit", files=parts)


def test_a_package_sets_the_start_page_and_the_form_the_rest(seat: Seat) -> None:
    key = seat.make(seat.make_unit(), "scorm")
    manifest = f"<manifest {NAMESPACE}><metadata><schemaversion>1.2</schemaversion></metadata>{RESOURCE}</manifest>"
    reply = submit(seat, key, package(manifest))
    assert (reply.status_code, reply.json()) == (200, {"result": "success", "errors": []})
    fields = seat.fields(key)
    assert fields["index_page_path"] == "a/start.html?x=1"
    assert fields["scorm_version"] == "SCORM_12"
    assert (fields["has_score"], fields["enable_fullscreen_button"], fields["icon_class"]) == (True, False, "problem")
    assert (fields["weight"], fields["width"], fields["height"], fields["navigation_menu_width"]) == (
        2.5,
        None,
        None,
        200,
    )
    assert fields["package_meta"]["name"] == "p.zip"
    assert seat.held(key, "published") is None


@pytest.mark.parametrize(
    ("manifest", "version"),
    [
        (f"<manifest {NAMESPACE}>{RESOURCE}</manifest>", "SCORM_12"),
        (f"<manifest>{RESOURCE}</manifest>", "SCORM_12"),
        (
            f"<manifest><metadata><schemaversion>2004 4th Edition</schemaversion></metadata>{RESOURCE}</manifest>",
            "SCORM_2004",
        ),
        (f"<manifest><metadata><schemaversion> 1.2 </schemaversion></metadata>{RESOURCE}</manifest>", "SCORM_2004"),
    ],
)
def test_the_version_is_what_the_manifest_says_to_the_letter(seat: Seat, manifest: str, version: str) -> None:
    key = seat.make(seat.make_unit(), "scorm")
    assert submit(seat, key, package(manifest)).json()["errors"] == []
    assert seat.fields(key)["scorm_version"] == version


def test_without_an_address_the_first_index_page_is_taken(seat: Seat) -> None:
    key = seat.make(seat.make_unit(), "scorm")
    manifest = "<manifest><resources/></manifest>"
    submit(seat, key, package(manifest, **{"deep/er/index.html": "", "content/index.html": ""}))
    assert seat.fields(key)["index_page_path"] == "content/index.html"


@pytest.mark.parametrize(
    ("content", "words"),
    [(package(None), "imsmanifest.xml"), (package("<manifest><resources/></manifest>"), "index.html")],
)
def test_what_is_wrong_with_a_package_comes_inside_a_success(seat: Seat, content: bytes, words: str) -> None:
    key = seat.make(seat.make_unit(), "scorm")
    reply = submit(seat, key, content)
    assert (reply.status_code, reply.json()["result"]) == (200, "success")
    assert words in reply.json()["errors"][0]
    fields = seat.fields(key)
    assert fields["display_name"] == "Safety"
    assert "index_page_path" not in fields


@pytest.mark.parametrize(
    "content",
    [
        b"not a zip at all " * 100,
        package("<manifest>"),
        package("<manifest><organizations><organization><item/></organization></organizations></manifest>"),
        package(
            "<manifest><organizations><organization><title>A</title><item isvisible='true' identifierref='gone'>"
            "<title>B</title></item></organization></organizations></manifest>"
        ),
    ],
)
def test_what_the_block_trips_over_is_a_500(seat: Seat, content: bytes) -> None:
    key = seat.make(seat.make_unit(), "scorm", "Kept")
    assert submit(seat, key, content).status_code == 500
    assert seat.fields(key) == {"display_name": "Kept"}


def test_items_are_in_the_menu_only_when_they_say_so(seat: Seat) -> None:
    key = seat.make(seat.make_unit(), "scorm")
    items = "<item isvisible='true'><title>Seen</title></item><item><title>Unsaid</title></item>"
    organization = f"<organizations><organization><title>Top</title>{items}</organization></organizations>"
    submit(seat, key, package(f"<manifest>{organization}{RESOURCE}</manifest>"))
    menu = seat.fields(key)["navigation_menu"]
    assert "Top" in menu
    assert "Seen" in menu
    assert "Unsaid" not in menu


def test_each_part_of_the_form_must_be_there_and_a_word_keeps_the_package(seat: Seat) -> None:
    key = seat.make(seat.make_unit(), "scorm")
    parts: Any = {name: (None, value) for name, value in FORM.items()}
    assert seat.http.post(f"/xblock/{key}/handler/studio_submit", files=parts).status_code == 500
    submit(seat, key, package(f"<manifest>{RESOURCE}</manifest>"))
    assert submit(seat, key, None, height="600").json()["errors"] == []
    assert (seat.fields(key)["height"], seat.fields(key)["index_page_path"]) == (600, "a/start.html?x=1")


def test_the_platforms_proxy_takes_json_and_forms(seat: Seat) -> None:
    unit = seat.make_unit()
    content = package(f"<manifest>{RESOURCE}</manifest>")
    for way in ("json", "form"):
        key = seat.make(unit, "ibl_openedx_scorm_xblock", "Old")
        settings: dict[str, Any] = {"usage_key_string": key, "display_name": "New", "height": "400px", "weight": 1.0}
        if way == "json":
            body = settings | {"has_score": True, "file": base64.b64encode(content).decode()}
            reply = seat.http.post(f"{V1}/ibl_edx_scorm/update", json=body)
        else:
            data = {name: str(value) for name, value in (settings | {"has_score": "1"}).items()}
            reply = seat.http.post(f"{V1}/ibl_edx_scorm/update", data=data, files={"file": ("p.zip", content)})
        assert reply.json() == {"result": "success", "errors": []}
        fields = seat.fields(key)
        assert (fields["display_name"], fields["height"], fields["has_score"]) == ("New", None, True)
        assert fields["index_page_path"] == "a/start.html?x=1"
        assert "popup_on_launch" not in fields
    other = seat.make(unit, "html")
    assert seat.http.post(f"{V1}/ibl_edx_scorm/update", json={"usage_key_string": other}).status_code == 404
    assert seat.http.post(f"{V1}/ibl_edx_scorm/update", json={}).status_code == 400


def test_a_pdf_is_set_by_its_handler_and_read_from_its_editor(seat: Seat) -> None:
    key = seat.make(seat.make_unit(), "pdf")
    path = f"/xblock/{key}/handler/save_pdf"
    assert seat.http.post(path, json={"href": "/static/a.pdf"}).status_code == 500
    assert seat.http.post(path, json={"display_name": "Sheet", "href": "/static/a.pdf"}).json() == {"result": "success"}
    page = seat.http.get(f"/xblock/{key}/studio_view").json()["html"]
    assert 'id="edit_href" name="href" value="/static/a.pdf"' in page


def test_polls_and_surveys_tell_what_is_missing(seat: Seat) -> None:
    unit = seat.make_unit()
    answers = [["R", {"label": "Red", "img": None, "img_alt": None}]]
    poll = seat.make(unit, "poll")
    reply = seat.http.post(f"/xblock/{poll}/handler/studio_submit", json={"answers": []}).json()
    assert (reply["success"], len(reply["errors"])) == (False, 2)
    body = {"display_name": "Colours", "question": "Which?", "answers": answers, "max_submissions": 0}
    assert seat.http.post(f"/xblock/{poll}/handler/studio_submit", json=body).json() == {"success": True, "errors": []}
    assert seat.fields(poll) == body
    survey = seat.make(unit, "survey")
    rows = [["a", "Yes"], ["b", "No"]]
    body = {"display_name": "Views", "questions": [["q", {"label": "Well?"}]], "answers": rows}
    seat.http.post(f"/xblock/{survey}/handler/studio_submit", json=body)
    assert seat.fields(survey)["block_name"] == "Views"


def test_other_editors_save_too(seat: Seat) -> None:
    unit = seat.make_unit()
    dnd = seat.make(unit, "drag-and-drop-v2")
    body = {"display_name": "Drag", "problem_text": "Put it there", "data": {"zones": [], "items": []}}
    seat.http.post(f"/xblock/{dnd}/handler/studio_submit", json=body)
    assert seat.fields(dnd) == {"display_name": "Drag", "question_text": "Put it there", "data": body["data"]}
    lti = seat.make(unit, "lti_consumer")
    path = f"/xblock/{lti}/handler/submit_studio_edits"
    values = {"launch_url": "https://tool.example/start", "custom_parameters": ["a=b"]}
    assert seat.http.post(path, json={"values": values, "defaults": []}).status_code == 200
    assert seat.fields(lti) == values
    assert seat.http.post(path, json={"values": {"custom_parameters": ["nonsense"]}}).status_code == 400
    assert seat.fields(lti) == values


def test_a_handler_that_a_block_does_not_have_is_a_404(seat: Seat) -> None:
    key = seat.make(seat.make_unit(), "html")
    assert seat.http.post(f"/xblock/{key}/handler/studio_submit", json={}).status_code == 404
    gone = key.rpartition("@")[0] + "@gone"
    assert seat.http.post(f"/xblock/{gone}/handler/studio_submit", json={}).status_code == 404
    assert COURSE in seat.http.get("/_sandbox/state").json()["courses"]
