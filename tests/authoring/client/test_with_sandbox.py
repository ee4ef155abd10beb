"""Every call of the dialects against a running sandbox: what was sent is what is there."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from authoring.calls import Call, CallKind, Service
from authoring.client import Client
from authoring.errors import LoginError, NonsenseError, OutcomeUnknownError, RefusedError
from authoring.keys import block_category
from authoring.model import Asset, CourseId, Grader, GradingPolicy
from authoring.remote import HeldPassport
from authoring.sandbox import DOCUMENTED, OBSERVED, SandboxServer
from authoring.sandbox.faults import Fault, FaultKind
from authoring.settings import DialectName, PdfBlock, ScormUpload, Target, sandbox_target

COURSE = CourseId("Demo", "DS101", "2027")
KEY = str(COURSE)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, SandboxServer]]:
    """A running sandbox of each profile."""
    folder = tmp_path_factory.mktemp("sandbox")
    with (
        SandboxServer(folder / "documented.sqlite3", DOCUMENTED) as documented,
        SandboxServer(folder / "observed.sqlite3", OBSERVED) as observed,
    ):
        yield {"documented": documented, "observed": observed}


def emptied(server: SandboxServer) -> SandboxServer:
    """The server without what the test before left in it."""
    server.faults.clear()
    call = Call(CallKind.DELETE, Service.CMS, "POST", "/api/ibl/manage/course/delete", json={"course_key": KEY})
    with Client(sandbox_target(server.url)) as client, suppress(RefusedError):
        client.send(call)
    return server


@pytest.fixture(params=["documented", "observed"])
def server(request: pytest.FixtureRequest, servers: Mapping[str, SandboxServer]) -> SandboxServer:
    return emptied(servers[request.param])


@dataclass(frozen=True)
class Seat:
    """A client and the server it works at."""

    client: Client
    server: SandboxServer


Change = Callable[[Target], Target]


def with_options(**options: Any) -> Change:
    return lambda target: replace(target, options=replace(target.options, timeout=5.0, **options))


WAYS: dict[str, Change] = {
    "ibl": with_options(),
    "studio": lambda target: replace(with_options()(target), dialect=DialectName.STUDIO),
    "token": lambda target: replace(with_options()(target), session=None),
}


SEATS = ("ibl-documented", "ibl-observed", "studio-documented", "studio-observed", "token-documented")
"""Dialect and profile. The observed one takes no token."""


@pytest.fixture(params=SEATS)
def seat(request: pytest.FixtureRequest, servers: Mapping[str, SandboxServer]) -> Iterator[Seat]:
    """A client for each dialect, and for the first one with client credentials alone, each at its server."""
    way, _, profile = request.param.partition("-")
    server = emptied(servers[profile])
    with Client(WAYS[way](sandbox_target(server.url)), sleep=lambda seconds: None) as opened:
        yield Seat(opened, server)


@pytest.fixture
def token(servers: Mapping[str, SandboxServer]) -> Iterator[Seat]:
    """A client with client credentials alone."""
    server = emptied(servers["documented"])
    with Client(WAYS["token"](sandbox_target(server.url)), sleep=lambda seconds: None) as opened:
        yield Seat(opened, server)


@pytest.fixture
def session(server: SandboxServer) -> Iterator[Client]:
    """A client with a Studio session."""
    with Client(with_options()(sandbox_target(server.url)), sleep=lambda seconds: None) as opened:
        yield opened


def make_course(client: Client) -> str:
    """An empty course; the usage key of its root."""
    client.send(client.dialect.create_course(COURSE, "Data"))
    return client.dialect.root_key(COURSE)


def make(client: Client, parent: str, category: str, title: str | None = None) -> str:
    return client.dialect.created_key(client.send(client.dialect.create_block(parent, category, title)).json)


def make_unit(client: Client) -> str:
    section = make(client, make_course(client), "chapter", "Section")
    return make(client, make(client, section, "sequential", "Subsection"), "vertical", "Unit")


def update(client: Client, key: str, data: str | None = None, **fields: Any) -> None:
    for call in client.dialect.update_block(key, KEY, block_category(key), data, fields):
        client.send(call)


def held(server: SandboxServer, key: str, branch: str = "draft") -> dict[str, Any]:
    """A block as the sandbox holds it."""
    snapshot = server.snapshot(KEY)
    stack = [snapshot[branch], *snapshot[f"{branch}_detached"]]
    while stack:
        row = stack.pop()
        if row is None:
            continue
        if row["usage"] == key:
            assert isinstance(row, dict)
            return row
        stack.extend(row["children"])
    raise AssertionError(f"{key} is not in the {branch} branch")


# -- the course --------------------------------------------------------------------------------------------------------


def test_a_course_is_made_once(seat: Seat) -> None:
    client = seat.client
    assert client.read_course_info(COURSE) is None
    assert client.read_outline(COURSE) is None
    make_course(client)
    info = client.read_course_info(COURSE)
    assert info is not None
    assert info.display_name == "Data"
    with pytest.raises(RefusedError, match="already a course"):
        make_course(client)


def test_course_fields_are_set(seat: Seat) -> None:
    client, server = seat.client, seat.server
    root = make_course(client)
    update(client, root, display_name="Better data", self_paced=True, start="2027-01-01T00:00:00Z", language="de")
    fields = held(server, root)["fields"]
    assert fields["display_name"] == "Better data"
    assert (fields["self_paced"], fields["start"], fields["language"]) == (True, "2027-01-01T00:00:00Z", "de")


def test_lists_that_others_add_to_are_united(session: Client, server: SandboxServer) -> None:
    root = make_course(session)
    update(session, root, advanced_modules=["poll", "scorm"])
    update(session, root, advanced_modules=["scorm", "done"])
    assert held(server, root)["fields"]["advanced_modules"] == ["poll", "scorm", "done"]


def test_the_grading_policy_is_replaced(session: Client) -> None:
    make_course(session)
    policy = GradingPolicy((Grader("Homework", 0.4, 3, 1, "HW"), Grader("Exam", 0.6)), {"A": 0.9, "B": 0.5}, 75)
    for call in session.dialect.write_grading(KEY, policy):
        session.send(call)
    assert session.read_grading(COURSE) == policy


def test_about_texts_are_written_and_dates_are_kept(seat: Seat) -> None:
    client = seat.client
    update(client, make_course(client), start="2027-01-01T00:00:00Z")
    for call in client.dialect.write_about(KEY, {"overview": "<p>About</p>", "short_description": "Short"}):
        client.send(call)
    settings = client.read_course_settings(COURSE)
    assert (settings["overview"], settings["short_description"]) == ("<p>About</p>", "Short")
    assert settings["start_date"] == "2027-01-01T00:00:00Z"


def test_a_setting_that_the_platform_does_not_take_is_told(seat: Seat) -> None:
    client = seat.client
    make_course(client)
    with pytest.raises(RefusedError, match="promotion was not taken"):
        for call in client.dialect.write_course_settings(KEY, {"promotion": "yes"}):
            client.send(call)


def test_the_pace_is_sent_before_a_start_that_has_passed(token: Seat) -> None:
    root = make_course(token.client)
    update(token.client, root, start="2020-01-01T00:00:00Z", self_paced=True)
    assert held(token.server, root)["fields"]["self_paced"] is True


def test_passports_are_added(session: Client, server: SandboxServer) -> None:
    root = make_course(session)
    for passport in ("one:key:secret", "two:key:secret"):
        session.send(session.dialect.add_lti_passport(KEY, passport))
    compared = session.compare_passports(COURSE, {"one": "one:key:secret", "two": None, "three": None})
    assert compared == {"one": HeldPassport.SAME, "two": HeldPassport.UNTOLD, "three": HeldPassport.ABSENT}
    with Client(WAYS["studio"](sandbox_target(server.url))) as studio:
        studio.send(studio.dialect.add_lti_passport(KEY, "two:new:secret"))
    assert held(server, root)["fields"]["lti_passports"] == ["one:key:secret", "two:new:secret"]


# -- blocks ------------------------------------------------------------------------------------------------------------


def test_blocks_are_made_in_order_and_updated(seat: Seat) -> None:
    client, server = seat.client, seat.server
    unit = make_unit(client)
    text, problem = make(client, unit, "html", "Words"), make(client, unit, "problem", "Check")
    update(client, text, "<p>Größe</p>", display_name="Words", editor="raw")
    update(client, problem, "<problem><p>x</p></problem>", max_attempts=2)
    assert [row["usage"] for row in held(server, unit)["children"]] == [text, problem]
    words = held(server, text)["fields"]
    assert (words["data"], words["display_name"], words["editor"]) == ("<p>Größe</p>", "Words", "raw")
    assert held(server, problem)["fields"]["max_attempts"] == 2
    update(client, problem, None, max_attempts=None)
    assert "max_attempts" not in held(server, problem)["fields"]


def test_a_text_is_blanked(seat: Seat) -> None:
    """An empty `data` alone is passed over without a word."""
    client, server = seat.client, seat.server
    text = make(client, make_unit(client), "html", "Words")
    update(client, text, "<p>old</p>", display_name="Words")
    update(client, text, "")
    assert "old" not in held(server, text)["fields"]["data"]


def test_stale_markdown_does_not_survive_a_new_problem(seat: Seat) -> None:
    client, server = seat.client, seat.server
    problem = make(client, make_unit(client), "problem", "Check")
    update(client, problem, "<problem>1</problem>", markdown=">>1<<")
    update(client, problem, "<problem>2</problem>")
    assert held(server, problem)["fields"].get("markdown") is None


def test_a_component_is_made_complete_in_one_call(session: Client, server: SandboxServer) -> None:
    data = "<problem><p>x</p></problem>"
    assert "problem" in session.capabilities.component_create
    call = session.dialect.create_component(make_unit(session), "problem", "Check", data, {"max_attempts": 2})
    key = session.dialect.created_key(session.send(call).json)
    fields = held(server, key)["fields"]
    assert (fields["display_name"], fields["data"], fields["max_attempts"]) == ("Check", data, 2)


def test_publishing_covers_what_is_below(seat: Seat) -> None:
    client, server = seat.client, seat.server
    unit = make_unit(client)
    text = make(client, unit, "html", "Words")
    update(client, text, "<p>live</p>", display_name="Words")
    client.send(client.dialect.publish(unit))
    assert held(server, text, "published")["fields"]["data"] == "<p>live</p>"
    outline = client.read_outline(COURSE)
    assert outline is not None
    if outline.outline_known:
        assert (outline.blocks[unit].published, outline.blocks[unit].has_changes) == (True, False)


def test_the_structure_that_is_read_is_the_one_that_was_made(seat: Seat) -> None:
    client = seat.client
    unit = make_unit(client)
    text = make(client, unit, "html", "Words")
    outline = client.read_outline(COURSE, units=(unit,))
    assert outline is not None
    assert outline.blocks[unit].children == (text,)
    assert outline.blocks[text].category == "html"
    assert client.read_children(COURSE, unit) == (text,)
    if outline.outline_known:
        assert [block.category for block in outline.walk()] == [
            "course",
            "chapter",
            "sequential",
            "vertical",
            "html",
        ]
        section = next(block for block in outline.walk() if block.category == "chapter")
        assert client.read_children(COURSE, section.usage_key) == section.children
        assert client.read_children(COURSE, outline.root) == (section.usage_key,)


def test_blocks_are_reordered_moved_and_deleted(session: Client, server: SandboxServer) -> None:
    unit = make_unit(session)
    dialect = session.dialect
    one, two, three = (make(session, unit, "html", title) for title in ("1", "2", "3"))
    session.send(dialect.set_children(unit, (three, one, two)))
    assert session.read_children(COURSE, unit) == (three, one, two)
    with pytest.raises(RefusedError, match="concurrent authors"):
        session.send(dialect.set_children(unit, (three, one)))
    outline = session.read_outline(COURSE)
    assert outline is not None
    other = make(session, outline.blocks[unit].parent or "", "vertical", "Other")
    session.send(dialect.move_block(one, other))
    session.send(dialect.move_block(two, other, 0))
    assert session.read_children(COURSE, other) == (two, one)
    assert session.send(dialect.delete_block(two)).status == 204
    assert session.read_children(COURSE, other) == (one,)
    assert held(server, other)["children"][0]["usage"] == one


def test_a_page_is_made_below_the_course(seat: Seat) -> None:
    client, server = seat.client, seat.server
    page = make(client, make_course(client), "static_tab", "FAQ")
    update(client, page, "<p>Why?</p>")
    assert held(server, page)["fields"]["data"] == "<p>Why?</p>"


def test_handouts_are_written_where_they_are(seat: Seat) -> None:
    client, server = seat.client, seat.server
    make_course(client)
    handouts = "block-v1:Demo+DS101+2027+type@course_info+block@handouts"
    update(client, handouts, "<p>Hand out</p>")
    assert held(server, handouts)["fields"]["data"] == "<p>Hand out</p>"


def test_content_is_read(seat: Seat) -> None:
    client = seat.client
    text = make(client, make_unit(client), "html", "Words")
    update(client, text, "<p>x</p>", display_name="Words")
    block = client.read_block(text, "html")
    assert block is not None
    assert (block.content, block.display_name) == ("<p>x</p>", "Words")
    gone = text.rpartition("@")[0] + "@gone"
    assert client.read_block(gone, "html") is None


def test_the_vendors_pdf_block_is_set_through_its_handler(server: SandboxServer) -> None:
    change = with_options(pdf_block=PdfBlock.HREF)
    with Client(change(sandbox_target(server.url))) as client:
        pdf = make(client, make_unit(client), "pdf", "Sheet")
        update(client, pdf, url="/static/sheet.pdf")
        assert held(server, pdf)["fields"] == {"display_name": "Sheet", "href": "/static/sheet.pdf"}
        update(client, pdf, display_name="New", url="/static/new.pdf", visible_to_staff_only=True)
        assert held(server, pdf)["fields"] == {
            "display_name": "New",
            "href": "/static/new.pdf",
            "visible_to_staff_only": True,
        }


# -- files -------------------------------------------------------------------------------------------------------------


def asset(file: Path, name: str, kind: str = "image/png") -> Asset:
    return Asset(name, PurePosixPath("static", name), "0" * 64, file.stat().st_size, kind, file=file)


def test_files_are_uploaded_and_listed(session: Client, tmp_path: Path) -> None:
    make_course(session)
    file = tmp_path / "bild größe.png"
    file.write_bytes(b"png" * 50_000)
    session.send(session.dialect.upload_asset(KEY, asset(file, "bild_größe.png")))
    (found,) = session.list_assets(COURSE)
    assert (found.name, found.size, found.content_type) == ("bild_größe.png", 150_000, "image/png")


MANIFEST = """<manifest xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2"><resources>
<resource identifier="r" href="index.html"/></resources></manifest>"""


@pytest.fixture
def package(tmp_path: Path) -> Asset:
    file = tmp_path / "safety.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("imsmanifest.xml", MANIFEST)
        archive.writestr("index.html", "<p>Safety first</p>" * 200)
    return asset(file, "safety.zip", "application/zip")


@pytest.mark.parametrize("way", [None, *ScormUpload], ids=lambda way: str(way))
def test_packages_are_uploaded_each_way(
    session: Client, server: SandboxServer, package: Asset, way: ScormUpload | None
) -> None:
    with Client(with_options(scorm_upload=way)(session.target)) as client:
        key = make(client, make_unit(client), "scorm", "Safety")
        fields = {"display_name": "Safety", "height": 600, "has_score": False, "visible_to_staff_only": True}
        upload, rest = client.dialect.upload_package(key, "scorm", package, fields)
        assert client.dialect.package_errors(client.send(upload).json) == ()
        client.send(rest)
        kept = held(server, key)["fields"]
        assert (kept["height"], kept["has_score"], kept["display_name"]) == (600, False, "Safety")
        assert kept["index_page_path"] == "index.html"
        assert kept["visible_to_staff_only"] is True


def test_a_package_is_uploaded_with_client_credentials_alone(token: Seat, package: Asset) -> None:
    key = make(token.client, make_unit(token.client), "scorm", "Safety")
    upload, rest = token.client.dialect.upload_package(key, "scorm", package, {"visible_to_staff_only": True})
    assert token.client.dialect.package_errors(token.client.send(upload).json) == ()
    token.client.send(rest)
    fields = held(token.server, key)["fields"]
    assert (fields["height"], fields["visible_to_staff_only"]) == (450, True)


def test_a_package_that_the_platform_cannot_read_is_told(session: Client, tmp_path: Path) -> None:
    file = tmp_path / "empty.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "no manifest" * 200)
    key = make(session, make_unit(session), "scorm")
    (upload,) = session.dialect.upload_package(key, "scorm", asset(file, "empty.zip"), {})
    (said,) = session.dialect.package_errors(session.send(upload).json)
    assert "imsmanifest.xml" in said


def test_another_name_of_the_scorm_block_is_used_and_understood(server: SandboxServer) -> None:
    change = with_options(scorm_category="ibl_openedx_scorm_xblock")
    with Client(change(sandbox_target(server.url))) as client:
        unit = make_unit(client)
        key = make(client, unit, "scorm", "Safety")
        update(client, client.dialect.root_key(COURSE), advanced_modules=["scorm"])
        assert held(server, key)["category"] == "ibl_openedx_scorm_xblock"
        assert held(server, client.dialect.root_key(COURSE))["fields"]["advanced_modules"] == [
            "ibl_openedx_scorm_xblock"
        ]
        outline = client.read_outline(COURSE)
        assert outline is not None
        assert outline.blocks[key].category == "scorm"


# -- faults ------------------------------------------------------------------------------------------------------------

AFTER = [
    Fault(FaultKind.RESET_BEFORE, "create"),
    Fault(FaultKind.RESET_AFTER, "create"),
    Fault(FaultKind.ERROR_AFTER, "create"),
    Fault(FaultKind.ERROR_BEFORE, "create", status=502),
    Fault(FaultKind.TRUNCATED, "create"),
    Fault(FaultKind.HTML, "create"),
]


@pytest.mark.parametrize("fault", AFTER, ids=lambda fault: str(fault.kind))
def test_a_create_without_a_clear_answer_is_unknown_and_sent_once(
    session: Client, server: SandboxServer, fault: Fault
) -> None:
    root = make_course(session)
    server.faults.add(replace(fault))
    before = session.calls[CallKind.CREATE]
    with pytest.raises(OutcomeUnknownError):
        make(session, root, "chapter", "Section")
    assert session.calls[CallKind.CREATE] == before + 1


def test_a_write_that_hangs_is_unknown(session: Client, server: SandboxServer) -> None:
    root = make_course(session)
    server.faults.add(Fault(FaultKind.HANG_AFTER, "update", seconds=0.3))
    target = replace(session.target, options=replace(session.target.options, timeout=0.1))
    with Client(target) as hasty, pytest.raises(OutcomeUnknownError, match="in time"):
        update(hasty, root, display_name="Later")
    info = session.read_course_info(COURSE)
    assert info is not None
    assert info.display_name == "Later"


@pytest.mark.parametrize("kind", [FaultKind.RESET_BEFORE, FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER])
def test_reads_survive_faults(session: Client, server: SandboxServer, kind: FaultKind) -> None:
    make_course(session)
    server.faults.add(Fault(kind, "read", times=1))
    assert session.read_outline(COURSE) is not None


def test_an_expired_session_is_told_on_reads_and_writes(session: Client, server: SandboxServer) -> None:
    root = make_course(session)
    server.faults.add(Fault(FaultKind.LOGIN_REDIRECT, times=4))
    with pytest.raises(LoginError, match="expired"):
        session.read_outline(COURSE)
    with pytest.raises(LoginError, match="expired"):
        make(session, root, "chapter", "Section")


def test_tokens_that_are_withdrawn_or_run_out_are_renewed(tmp_path: Path) -> None:
    with (
        SandboxServer(tmp_path / "s.sqlite3", token_lifetime=3600) as server,
        Client(replace(sandbox_target(server.url), session=None)) as client,
    ):
        root = make_course(client)
        server.expire_tokens()
        make(client, root, "chapter", "Section")
        assert client.calls[CallKind.LOGIN] == 2


def test_a_truncated_read_is_not_taken_for_an_answer(session: Client, server: SandboxServer) -> None:
    make_course(session)
    server.faults.add(Fault(FaultKind.TRUNCATED, "read", times=9))
    with pytest.raises(NonsenseError):
        session.read_outline(COURSE)
