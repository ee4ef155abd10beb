"""SCORM packages from a course folder to the platform: checked, packed anew where needed, sent, verified, sent once."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from authoring.archives import open_package
from authoring.sandbox import Fault, FaultKind, SandboxServer
from importers.scorm.package import read_package
from tests.conftest import write_tree
from tests.cutting import CuttingProxy
from tests.desk import Desk, differences
from tests.importers.scorm.packages import CORPUS, PAGE, Members, manifest, write_zip

COURSE = {
    "course.yaml": "org: DemoX\nnumber: S1\nrun: r\ntitle: Packages\n",
    "01-a/01-b/01-page.md": "---\ntitle: Page\n---\n\n:::scorm\nfile: ../../static/lesson.zip\ntitle: Lesson\nheight: 600\n:::\n",
}
LESSON: Members = (("imsmanifest.xml", manifest()), ("a.html", PAGE), ("big.bin", bytes(range(256)) * 2000))


@dataclass
class Through(Desk):
    """A desk that goes to the sandbox by another address."""

    address: str = ""

    @property
    def environ(self) -> dict[str, str]:
        found = super().environ
        if self.address:
            found |= {"IBL_CMS_URL": self.address}
        return found


@pytest.fixture(params=["ibl", "ibl-token", "studio"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Through]:
    dialect, _, token = str(request.param).partition("-")
    folder = write_tree(tmp_path / "course", dict(COURSE))
    (folder / "static").mkdir(exist_ok=True)
    write_zip(folder / "static/lesson.zip", LESSON)
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        yield Through(folder, server, dialect, session=not token)


def block_of(desk: Desk) -> dict[str, Any]:
    """The live SCORM block's fields."""

    def find(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        if "package_meta" in node["fields"]:
            yield node["fields"]
        for child in node["children"]:
            yield from find(child)

    (found,) = find(desk.live()["draft"])
    return found


def uploads(desk: Desk) -> int:
    return desk.writes().count("upload")


def test_a_package_is_sent_once_and_again_only_when_it_changes(desk: Through) -> None:
    desk.push()
    assert uploads(desk) == 1
    live = block_of(desk)
    assert (live["index_page_path"], live["height"], live["package_meta"]["name"]) == ("a.html", 600, "lesson.zip")
    assert live["package_meta"]["size"] == (desk.folder / "static/lesson.zip").stat().st_size
    assert differences(desk) == []
    desk.push()
    desk.edit("01-a/01-b/01-page.md", "height: 600", "height: 500")
    desk.push()
    assert uploads(desk) == 0, "only a setting changed"
    assert block_of(desk)["height"] == 500
    write_zip(desk.folder / "static/lesson.zip", (("imsmanifest.xml", manifest()), ("a.html", PAGE + "x")))
    desk.push()
    assert uploads(desk) == 1


def test_the_plan_says_what_the_platform_will_start(desk: Through) -> None:
    (upload,) = [row for row in desk.report("plan")["operations"] if row["op"] == "upload-package"]
    assert upload["index_page"] == "a.html" and upload["scorm_version"] == "SCORM_12"


def test_what_the_platform_would_misread_is_packed_anew(desk: Through) -> None:
    """A folder was zipped, among others: the platform would start a page of another manifest."""
    odd: Members = (
        ("old/imsmanifest.xml", manifest()),
        ("old/b.html", PAGE),
        ("imsmanifest.xml", manifest(metadata="<metadata/>")),
        ("a.html", PAGE),
    )
    file = write_zip(desk.folder / "static/lesson.zip", odd)
    before = file.read_bytes()
    found = {row["code"]: row for row in desk.report("check")["diagnostics"]}
    assert found["scorm-repacked"]["severity"] == "info"
    assert found["scorm-repacked"]["path"] == "01-a/01-b/01-page.md"
    desk.push()
    live = block_of(desk)
    assert live["index_page_path"] == "a.html"
    assert file.read_bytes() == before, "the author's file stays as it is"
    assert desk.push()["operations"] == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no zip at all", "lesson.zip"),
        (zipfile, "no imsmanifest.xml"),
        (b"PK\x03\x04" + bytes(200), "lesson.zip"),
    ],
    ids=["no zip", "no manifest", "corrupt"],
)
def test_a_wrong_package_stops_the_push_before_anything_is_sent(desk: Through, content: object, words: str) -> None:
    file = desk.folder / "static/lesson.zip"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        write_zip(file, (("index.html", PAGE),))
    result = desk.run("push", code=1)
    assert words in result.stderr and "01-a/01-b/01-page.md" in result.stderr
    assert desk.writes() == []
    write_zip(file, LESSON)
    desk.push()
    assert differences(desk) == []


def test_a_package_cut_in_half_is_said_to_be_broken(desk: Through) -> None:
    file = desk.folder / "static/lesson.zip"
    file.write_bytes(file.read_bytes()[:-3000])
    assert desk.run("push", code=1).stderr
    assert desk.writes() == []


def test_success_with_an_error_in_it_is_none(desk: Through) -> None:
    desk.server.faults.add(Fault(FaultKind.PACKAGE_ERRORS, call_kind="upload"))
    result = desk.run("push", code=4)
    assert "could not be unpacked" in result.stderr
    assert desk.run("status", "--exit-code", code=8)
    desk.push()
    assert differences(desk) == []
    assert block_of(desk)["index_page_path"] == "a.html"


FORMS = (0, 1, 200, 700, 5_000, 300_000, None)
"""Bytes of the upload after which the connection breaks: none, in its head, in its form, in its file, before the answer."""


@pytest.mark.parametrize("after", FORMS, ids=str)
def test_a_connection_that_breaks_at_any_byte_is_mended_in_the_run(desk: Through, after: int | None) -> None:
    with CuttingProxy(desk.server.url, b"studio_submit", after) as proxy:
        desk.address = proxy.url
        desk.push()
        assert proxy.cuts == 1
        assert differences(desk) == [] and block_of(desk)["package_meta"]["size"] > 500_000
        assert desk.push()["operations"] == []


def test_as_json_the_package_is_the_same(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "course", dict(COURSE))
    (folder / "static").mkdir(exist_ok=True)
    write_zip(folder / "static/lesson.zip", LESSON)
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        url = server.url
        settings = f'default = "t"\n[targets.t]\ncms_url = "{url}"\nlms_url = "{url}"\nscorm_upload = "json"\n'
        (folder / "authoring.toml").write_text(settings, "utf-8")
        desk = Through(folder, server)
        desk.push("--target", "t")
        assert block_of(desk)["package_meta"]["size"] == (folder / "static/lesson.zip").stat().st_size
        assert block_of(desk)["index_page_path"] == "a.html"


def test_a_package_dropped_among_the_units_is_a_unit(desk: Through) -> None:
    (desk.folder / "static/lesson.zip").rename(desk.folder / "01-a/01-b/02-dropped-in.zip")
    (desk.folder / "01-a/01-b/01-page.md").write_text("---\ntitle: Page\n---\nWords.\n", "utf-8")
    desk.push()
    assert block_of(desk)["display_name"] == "Dropped in"
    assert differences(desk) == []


@pytest.mark.corpus
def test_every_corpus_package_goes_live_as_a_unit(tmp_path: Path) -> None:
    if not CORPUS:
        pytest.skip("no corpus beside the project")
    folder = write_tree(tmp_path / "course", {"course.yaml": COURSE["course.yaml"], "01-a/section.yaml": ""})
    (folder / "01-a/01-b").mkdir()
    wanted = {}
    for number, path in enumerate(CORPUS, 1):
        name = f"{number:02}-package-{number}.zip"
        (folder / "01-a/01-b" / name).write_bytes(path.read_bytes())
        with open_package(path) as package:
            read = read_package(package)
            wanted[f"Package {number}"] = (read.scos[0].launch, "SCORM_2004" if read.edition.is_2004 else "SCORM_12")
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        desk = Through(folder, server, "studio")
        desk.push("--publish")
        assert differences(desk, "published") == []
        (section,) = desk.live()["published"]["children"]
        units = section["children"][0]["children"]
        found = {
            unit["fields"]["display_name"]: (
                unit["children"][0]["fields"]["index_page_path"],
                unit["children"][0]["fields"].get("scorm_version", "SCORM_12"),
            )
            for unit in units
        }
    assert found == wanted
