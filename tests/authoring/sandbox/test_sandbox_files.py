"""Files of a course, SCORM packages, and the other handlers that editors save through."""

from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from authoring.sandbox import DOCUMENTED, SandboxServer
from tests.studio import KEY, Studio

ASSETS = f"/assets/{KEY}/"


def upload(studio: Studio, name: str, content: bytes, kind: str = "image/png", *, code: int = 200) -> Any:
    reply = studio.http.post(ASSETS, files={"file": (name, content, kind)})
    assert reply.status_code == code, reply.text
    return reply.json()


def listed(studio: Studio, **query: str) -> dict[str, Any]:
    found = studio.send("GET", ASSETS, query=query)
    assert isinstance(found, dict)
    return found


# -- files --------------------------------------------------------------------------------------------------------------


def test_an_upload_gets_a_clean_name(studio: Studio) -> None:
    answer = upload(studio, "my chart (1)é.png", b"\x89PNG")
    asset = answer["asset"]
    assert answer["msg"] == "Upload completed"
    assert asset["display_name"] == "my chart (1)é.png"
    assert asset["portable_url"] == "/static/my_chart__1_é.png"
    assert asset["id"] == "asset-v1:Demo+DS101+2027+type@asset+block@my_chart__1_é.png"
    assert (asset["content_type"], asset["file_size"], asset["locked"]) == ("image/png", 4, False)


def test_a_file_of_the_same_name_is_replaced(studio: Studio) -> None:
    upload(studio, "a b.png", b"one")
    upload(studio, "a_b.png", b"three")
    (row,) = listed(studio)["assets"]
    assert row["file_size"] == 5
    assert studio.http.get(f"/courses/{KEY}/static/a_b.png").content == b"three"


def test_locking_and_deleting(studio: Studio) -> None:
    path = ASSETS + upload(studio, "a.png", b"one")["asset"]["id"]
    assert studio.send("PUT", path, {"locked": True}, code=201)["locked"] is True
    assert listed(studio)["assets"][0]["locked"] is True
    studio.send("DELETE", path, code=204)
    assert listed(studio)["totalCount"] == 0
    for method in ("DELETE", "PUT"):
        studio.send(method, path, {} if method == "PUT" else None, code=404)


def test_pages_of_files(studio: Studio) -> None:
    for name, kind in (("b.png", "image/png"), ("a.pdf", "application/pdf"), ("c.mp3", "audio/mpeg"), ("d", "x/y")):
        upload(studio, name, b"x", kind)
    by_name = {"sort": "display_name", "direction": "asc", "page_size": "3"}
    first, last, beyond = (listed(studio, page=page, **by_name) for page in ("0", "1", "9"))
    assert [row["display_name"] for row in first["assets"]] == ["a.pdf", "b.png", "c.mp3"]
    assert [row["display_name"] for row in last["assets"]] == ["d"]
    assert beyond == last
    assert (last["start"], last["end"], last["page"], last["pageSize"], last["totalCount"]) == (3, 4, 1, 3, 4)
    for kinds, names in (("Images", {"b.png"}), ("Documents,Audio", {"a.pdf", "c.mp3"}), ("OTHER", {"d"})):
        assert {row["display_name"] for row in listed(studio, asset_type=kinds)["assets"]} == names
    assert [row["display_name"] for row in listed(studio, text_search="PNG")["assets"]] == ["b.png"]
    studio.send("GET", ASSETS, query={"asset_type": "Pictures"}, code=400)


def test_where_a_file_is_used(studio: Studio) -> None:
    asset = upload(studio, "a.png", b"one")["asset"]
    html = studio.create(studio.chain()[2], "html")
    studio.update(html, data='<img src="/static/a.png">')
    found = studio.send("GET", f"{ASSETS}{asset['id']}/usage")
    assert found == {"usage_locations": {asset["id"]: [{"url": html}]}}


def test_an_upload_without_a_file(studio: Studio) -> None:
    assert studio.http.post(ASSETS, data={"file": "no file"}).status_code == 500


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    with SandboxServer(tmp_path / "s.sqlite3", replace(DOCUMENTED, asset_limit=1_000_000)) as server:
        studio = Studio(server)
        with studio.http:
            studio.course()
            upload(studio, "fits.bin", bytes(1_000_000))
            assert "exceeds maximum size of 1 MB" in upload(studio, "large.bin", bytes(1_000_001), code=413)["error"]
            assert listed(studio)["totalCount"] == 1


# -- SCORM --------------------------------------------------------------------------------------------------------------

PARTS = {
    "display_name": "Safety",
    "has_score": "1",
    "enable_navigation_menu": "1",
    "enable_fullscreen_button": "true",
    "weight": "2.5",
    "width": "",
    "height": "400px",
    "navigation_menu_width": "200",
    "popup_on_launch": "0",
}
MANIFEST = """<manifest xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2">
<metadata><schemaversion>{version}</schemaversion></metadata>
<organizations><organization><title>Menu</title>
<item identifierref="r1" isvisible="true"><title>First &amp; last</title></item>
<item identifierref="r1"><title>Not listed</title></item></organization></organizations>
<resources><resource identifier="r1" href="start.html?a=1"/><resource identifier="r2" href="other.html"/></resources>
</manifest>"""


def package(files: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return stream.getvalue()


GOOD = package({"imsmanifest.xml": MANIFEST.format(version="1.2"), "start.html": "Hi"})
NO_MANIFEST = package({"start.html": "Hi"})
NO_PAGE = package({"imsmanifest.xml": "<manifest><resources/></manifest>"})


@pytest.fixture
def scorm(studio: Studio) -> str:
    return studio.create(studio.chain()[2], "scorm")


def submit(studio: Studio, usage: str, content: bytes | None, **changes: str | None) -> Any:
    parts = {name: value for name, value in {**PARTS, **changes}.items() if value is not None}
    files = {"file": ("safety.zip", content, "application/zip")} if content is not None else None
    return studio.http.post(f"/xblock/{usage}/handler/studio_submit", data=parts, files=files)


def test_a_package_and_its_settings(studio: Studio, scorm: str) -> None:
    reply = submit(studio, scorm, GOOD)
    assert reply.json() == {"result": "success", "errors": []}
    fields = studio.rows()[scorm]["fields"]
    assert (fields["display_name"], fields["weight"], fields["navigation_menu_width"]) == ("Safety", 2.5, 200)
    assert (fields["has_score"], fields["enable_fullscreen_button"], fields["popup_on_launch"]) == (True, False, False)
    assert (fields["width"], fields["height"]) == (None, None)
    assert (fields["index_page_path"], fields["scorm_version"]) == ("start.html?a=1", "SCORM_12")
    assert "First &amp; last" in fields["navigation_menu"]
    assert "Not listed" not in fields["navigation_menu"]
    meta = fields["package_meta"]
    assert (meta["name"], meta["size"], len(meta["sha1"])) == ("safety.zip", len(GOOD), 40)


@pytest.mark.parametrize(
    ("files", "index", "version"),
    [
        ({"imsmanifest.xml": MANIFEST.format(version="2004 4th Edition")}, "start.html?a=1", "SCORM_2004"),
        ({"imsmanifest.xml": "<manifest><resources/></manifest>", "index.html": ""}, "index.html", "SCORM_12"),
        ({"deep/imsmanifest.xml": "<manifest/>", "deep/web/index.html": ""}, "web/index.html", "SCORM_12"),
    ],
    ids=["2004", "no address", "in a folder"],
)
def test_what_a_manifest_says(studio: Studio, scorm: str, files: dict[str, str], index: str, version: str) -> None:
    assert submit(studio, scorm, package(files)).json()["errors"] == []
    fields = studio.rows()[scorm]["fields"]
    assert (fields["index_page_path"], fields["scorm_version"]) == (index, version)


@pytest.mark.parametrize("content", [NO_MANIFEST, NO_PAGE], ids=["no manifest", "no page"])
def test_a_bad_package_is_an_error_inside_a_success(studio: Studio, scorm: str, content: bytes) -> None:
    reply = submit(studio, scorm, content)
    assert (reply.status_code, reply.json()["result"], len(reply.json()["errors"])) == (200, "success", 1)
    fields = studio.rows()[scorm]["fields"]
    assert fields["display_name"] == "Safety"
    assert "index_page_path" not in fields


@pytest.mark.parametrize(
    "content",
    [b"no zip", GOOD[: len(GOOD) // 2], package({"imsmanifest.xml": "<manifest"})],
    ids=["text", "half a zip", "manifest is no XML"],
)
def test_what_is_no_package_is_a_server_error(studio: Studio, scorm: str, content: bytes) -> None:
    reply = submit(studio, scorm, content)
    assert (reply.status_code, "Studio Server Error" in reply.text) == (500, True)
    assert studio.rows()[scorm]["fields"] == {}


@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_the_form_must_be_there(studio: Studio, scorm: str, part: str) -> None:
    assert submit(studio, scorm, GOOD, **{part: None}).status_code == 500


def test_settings_without_a_package_keep_it(studio: Studio, scorm: str) -> None:
    submit(studio, scorm, GOOD)
    assert submit(studio, scorm, None).status_code == 500
    kept = submit(studio, scorm, None, file="undefined", display_name="Renamed")
    assert kept.json()["errors"] == []
    fields = studio.rows()[scorm]["fields"]
    assert (fields["display_name"], fields["index_page_path"]) == ("Renamed", "start.html?a=1")


def test_the_platforms_own_scorm_update(studio: Studio, scorm: str) -> None:
    path = "/api/v1/ibl/ibl_edx_scorm/update"
    fields = {"usage_key_string": scorm, "display_name": "Safety", "weight": 1.0, "has_score": True, "height": "400px"}
    answer = studio.send("POST", path, fields | {"file": base64.b64encode(GOOD).decode()})
    assert answer == {"result": "success", "errors": []}
    row = studio.rows()[scorm]["fields"]
    assert (row["has_score"], row["height"], row["index_page_path"]) == (True, None, "start.html?a=1")
    form = studio.http.post(path, data={"usage_key_string": scorm}, files={"file": ("s.zip", NO_MANIFEST)})
    assert form.json()["errors"] != []
    assert studio.rows()[scorm]["fields"]["display_name"] == "Safety"
    studio.send("POST", path, fields | {"file": "not base64!"}, code=500)
    studio.send("POST", path, {"display_name": "Safety"}, code=400)
    studio.send("POST", path, fields | {"handler": "no_such_handler"}, code=404)


# -- other handlers -----------------------------------------------------------------------------------------------------


def handler(studio: Studio, usage: str, name: str, body: Any, *, code: int = 200) -> Any:
    return studio.send("POST", f"/xblock/{usage}/handler/{name}", body, code=code)


def test_a_pdf_keeps_its_address_through_its_handler(studio: Studio) -> None:
    pdf = studio.create(studio.chain()[2], "pdf")
    body = {"display_name": "Sheet", "href": "/static/a.pdf"}
    assert handler(studio, pdf, "save_pdf", body) == {"result": "success"}
    assert (
        'id="edit_href" name="href" value="/static/a.pdf"' in studio.send("GET", f"/xblock/{pdf}/studio_view")["html"]
    )
    handler(studio, pdf, "save_pdf", {"href": "x"}, code=500)


def test_polls_and_surveys_tell_what_is_missing(studio: Studio) -> None:
    unit = studio.chain()[2]
    poll, survey = studio.create(unit, "poll"), studio.create(unit, "survey")
    assert handler(studio, poll, "studio_submit", {"answers": []})["success"] is False
    assert studio.rows()[poll]["fields"] == {}
    answers = [["R", {"label": "Red"}], ["B", {"label": "Blue"}]]
    handler(studio, poll, "studio_submit", {"display_name": "Poll", "question": "Which?", "answers": answers})
    assert studio.rows()[poll]["fields"] == {"display_name": "Poll", "question": "Which?", "answers": answers}
    questions = [["q", {"label": "Clear?"}]]
    handler(studio, survey, "studio_submit", {"display_name": "Ask", "questions": questions, "answers": answers})
    assert studio.rows()[survey]["fields"]["block_name"] == "Ask"


def test_handlers_that_are_not_there(studio: Studio) -> None:
    html = studio.create(studio.chain()[2], "html")
    for name in ("studio_submit", "save_pdf"):
        handler(studio, html, name, {}, code=404)
    studio.send("GET", f"/xblock/{html}/no_such_view", code=404)
