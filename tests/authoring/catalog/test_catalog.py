"""The catalogue over HTTP: every save twice, refused, with an expired token, and with an answer that is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authoring.client import Client
from authoring.errors import ApiError, LoginError, OutcomeUnknownError, RefusedError
from authoring.platform.catalog import Catalog, PathwayWish, ProgramWish, ResourceWish
from authoring.platform.taxonomy import Claim, Kind, Taxonomy, TermWish
from authoring.platform.writes import Learner, Saved, wish_of
from authoring.sandbox import DOCUMENTED, Fault, FaultKind, SandboxServer
from authoring.settings import Target, sandbox_target
from tests.authoring.catalog.conftest import COURSE, RERUN

ADA = Learner(7, "ada")
PATH = [{"item_type": "course", "course_id": COURSE}]

SAVES: dict[str, tuple[str, Callable[[Client], Saved[Any]]]] = {
    "role": ("role", lambda c: Taxonomy(c).save(Kind.ROLES, TermWish(name="Analyst", data={"a": 1}))),
    "skill": ("skill", lambda c: Taxonomy(c).save(Kind.SKILLS, TermWish(name="SQL", slug="sql-1"))),
    "shared": ("skill", lambda c: Taxonomy(c).save(Kind.SKILLS, TermWish(name="SQL", shared=True))),
    "program": (
        "program",
        lambda c: Catalog(c).save_program(
            ProgramWish(program_id="P1", name="Data", org="Demo", course_list=[COURSE], enabled=True)
        ),
    ),
    "program-of-the-tenant": (
        "program",
        lambda c: Catalog(c).save_program(ProgramWish(program_id="P1", name="Data")),
    ),
    "pathway": (
        "pathway",
        lambda c: Catalog(c).save_pathway(
            PathwayWish(name="Start", path=PATH, user_id=7, username="ada", pathway_id="start")
        ),
    ),
    "resource": (
        "resource",
        lambda c: Catalog(c).save_resource(
            ResourceWish(resource_type="book", url="https://example.com/b", name="Book", data={"pages": 3})
        ),
    ),
    "course": ("catalog-course", lambda c: Catalog(c).save_course(COURSE, "Demo", name="Data Science")),
    "metadata": ("course-metadata", lambda c: Catalog(c).save_metadata(COURSE, {"level": "easy", "tags": ["x"]})),
}
each_save = pytest.mark.parametrize(("table", "save"), SAVES.values(), ids=SAVES)


@each_save
def test_saved_twice_it_is_one_row(
    table: str, save: Callable[[Client], Saved[Any]], client: Client, server: SandboxServer
) -> None:
    first = save(client)
    assert first.created and not first.not_taken and not first.notes
    held = server.rows(table)
    again = save(client)
    assert not again.created and not again.not_taken and server.rows(table) == held and len(held) == 1


@each_save
@pytest.mark.parametrize(
    "kind",
    [FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER, FaultKind.TRUNCATED, FaultKind.HTML, FaultKind.TOKENS_EXPIRED],
)
def test_an_answer_that_is_lost_makes_no_second_row(
    kind: FaultKind, table: str, save: Callable[[Client], Saved[Any]], client: Client, server: SandboxServer
) -> None:
    for call_kind in ("create", "update"):
        server.faults.add(Fault(kind, call_kind))
        saved = save(client)
        assert not saved.not_taken and len(server.rows(table)) == 1


@each_save
def test_what_was_never_done_is_done_by_the_next_run(
    table: str, save: Callable[[Client], Saved[Any]], client: Client, server: SandboxServer
) -> None:
    server.faults.add(Fault(FaultKind.RESET_BEFORE, "create"))
    try:
        save(client)
    except OutcomeUnknownError:
        assert not server.rows(table)
        save(client)
    assert len(server.rows(table)) == 1


@each_save
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.UNAUTHORIZED, LoginError),
        (FaultKind.LOGIN_REDIRECT, LoginError),
        (FaultKind.ERROR_BEFORE, RefusedError),
    ],
)
def test_a_refusal_is_told_and_nothing_is_made(
    kind: FaultKind,
    error: type[ApiError],
    table: str,
    save: Callable[[Client], Saved[Any]],
    client: Client,
    server: SandboxServer,
) -> None:
    server.faults.add(Fault(kind, path="/api/catalog/", times=9, status=400))
    with pytest.raises(error):
        save(client)
    assert not server.rows(table)


def test_slashes_are_written_and_redirects_refused(client: Client, server: SandboxServer) -> None:
    for _, save in SAVES.values():
        save(client)
    paths = [request.path for request in server.requests if "/api/catalog/" in request.path]
    assert paths and all(path.endswith("/") and "//" not in path for path in paths)
    assert all(request.status in (200, 201) for request in server.requests)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_gateway_has_a_prefix(slash: str, server: SandboxServer) -> None:
    target = replace(sandbox_target(server.url), manager_url=f"{server.url}/dm")
    with Client(target) as client, pytest.raises(RefusedError):
        Catalog(client).list_courses(course_id=f"x{slash}")
    assert server.requests[-1].path == "/dm/api/catalog/courses/"


# -- roles and skills ---------------------------------------------------------------------------------------------------


def test_a_term_is_known_by_its_slug_and_then_by_its_name(client: Client, server: SandboxServer) -> None:
    taxonomy = Taxonomy(client)
    made = taxonomy.save(Kind.ROLES, TermWish(name="Analyst", slug="analyst")).record
    renamed = taxonomy.save(Kind.ROLES, TermWish(name="Data analyst", slug="analyst"))
    assert renamed.record.id == made.id and not renamed.created and renamed.record.name == "Data analyst"
    assert taxonomy.save(Kind.ROLES, TermWish(name="DATA ANALYST")).record.id == made.id
    assert taxonomy.save(Kind.ROLES, TermWish(name="Lead", id=made.id)).record.id == made.id
    shared = taxonomy.save(Kind.ROLES, TermWish(name="Lead", shared=True)).record
    assert shared.id != made.id and shared.platform_key is None
    assert len(server.rows("role")) == 2
    with pytest.raises(RefusedError, match="400"):
        taxonomy.save(Kind.ROLES, TermWish(name="Lead", id=999))


def test_terms_are_listed_to_the_end(client: Client) -> None:
    taxonomy = Taxonomy(client)
    for number in range(27):
        client.send(taxonomy.save_call(Kind.SKILLS, TermWish(name=f"Skill {number}"), None))
    assert [row.name for row in taxonomy.list(Kind.SKILLS)] == [f"Skill {number}" for number in range(27)]
    client.send(taxonomy.save_call(Kind.SKILLS, TermWish(name="Skill 3"), None))
    with pytest.raises(RefusedError, match="several"):
        taxonomy.save(Kind.SKILLS, TermWish(name="Skill 3"))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("claim", Claim)
def test_terms_of_a_person(kind: Kind, claim: Claim, client: Client, server: SandboxServer) -> None:
    taxonomy = Taxonomy(client)
    for name in ("One", "Two", "Three"):
        taxonomy.save(kind, TermWish(name=name))
    assert taxonomy.read_claimed(kind, claim, ADA).terms(kind) == ()
    server.faults.add(Fault(FaultKind.RESET_AFTER, "update", path=claim.value))
    first = taxonomy.set_claimed(kind, claim, ADA, ["One", "two"])
    assert [row.name for row in first.terms] == ["One", "Two"] and not first.missing and not first.others
    number = taxonomy.list(kind, name="Three")[0].id
    second = taxonomy.set_claimed(kind, claim, ADA, [number], as_names=True)
    assert [row.name for row in second.terms] == ["Three"]
    assert taxonomy.set_claimed(kind, claim, ADA, []).terms == () or not server.profile.claims_append
    with pytest.raises(RefusedError, match="none of the"):
        taxonomy.set_claimed(kind, claim, ADA, ["Unheard-of"])
    server.expire_tokens()
    assert taxonomy.read_claimed(kind, claim, ADA).username == "ada"


def test_a_platform_that_adds_is_told(tmp_path: Path) -> None:
    with (
        SandboxServer(tmp_path / "s.sqlite3", replace(DOCUMENTED, claims_append=True)) as server,
        Client(sandbox_target(server.url)) as client,
    ):
        taxonomy = Taxonomy(client)
        for name in ("One", "Two"):
            taxonomy.save(Kind.SKILLS, TermWish(name=name))
        taxonomy.set_claimed(Kind.SKILLS, Claim.DESIRED, ADA, ["One"])
        assert taxonomy.set_claimed(Kind.SKILLS, Claim.DESIRED, ADA, ["Two"]).others == ("One",)


# -- programs, pathways, resources, courses -----------------------------------------------------------------------------


def test_a_program_keeps_its_courses_when_none_are_given(client: Client) -> None:
    catalog = Catalog(client)
    first = ProgramWish(program_id="P1", name="Data", org="Demo", course_list=[{"course_id": COURSE, "position": 1}])
    assert catalog.save_program(first).record.courses == (COURSE,)
    renamed = catalog.save_program(ProgramWish(program_id="P1", name="Data 2", org="Demo"))
    assert renamed.record.courses == (COURSE,) and renamed.record.name == "Data 2" and not renamed.created
    moved = catalog.save_program(ProgramWish(program_id="P1", name="Data 2", org="Demo", course_list=[RERUN]))
    assert moved.record.courses == (RERUN,)
    assert [row.program_id for row in catalog.list_programs(course_id=RERUN)] == ["P1"]
    assert catalog.list_programs(course_id=COURSE) == () and catalog.list_programs(org="Other") == ()
    assert catalog.delete_program("P1", "Demo").count == 1 and catalog.delete_program("P1", "Demo").count == 0


def test_a_program_that_nothing_identifies_is_refused(target: Target) -> None:
    with Client(replace(target, tenant=None)) as client, pytest.raises(RefusedError, match="nothing was sent"):
        Catalog(client).save_program(ProgramWish(program_id="P1", name="Data"))


def test_a_pathway_is_listed_and_changed(client: Client, server: SandboxServer) -> None:
    catalog = Catalog(client)
    wish = PathwayWish(name="Start", path=PATH, user_id=7, username="ada", pathway_id="start")
    made = catalog.save_pathway(wish).record
    assert made.pathway_uuid and catalog.list_pathways(pathway_id="start", user=ADA) == (made,)
    assert catalog.list_pathways(user=Learner(8, "bob")) == ()
    by_uuid = PathwayWish(name="Go", path=[], user_id=7, username="ada", pathway_uuid=made.pathway_uuid)
    assert catalog.save_pathway(by_uuid).record.name == "Go"
    only_name = catalog.save_pathway
    if server.profile.pathways_need_user_id:
        with pytest.raises(RefusedError, match="user_id"):
            only_name(PathwayWish(name="S", path=[], username="ada", pathway_id="s"))
    else:
        assert only_name(PathwayWish(name="S", path=[], username="ada", pathway_id="s")).created


@pytest.mark.parametrize(
    "item",
    [
        {"item_type": "resource", "url": "https://example.com", "name": "made anew each time"},
        {"item_type": "course"},
        {"item_type": "lesson", "course_id": COURSE},
        {},
    ],
)
def test_an_item_that_would_be_made_anew_or_leads_nowhere_is_refused(
    item: dict[str, Any], client: Client, server: SandboxServer
) -> None:
    with pytest.raises(RefusedError, match="nothing was sent"):
        Catalog(client).save_pathway(PathwayWish(name="S", path=[item], user_id=7, pathway_id="s"))
    for lost in ({"user_id": 7}, {"pathway_id": "s"}):
        with pytest.raises(RefusedError, match="nothing was sent"):
            Catalog(client).save_pathway(wish_of(PathwayWish, {"name": "S", "path": PATH, **lost}))
    assert not server.requests


def test_a_resource_with_a_picture(client: Client, server: SandboxServer, tmp_path: Path) -> None:
    picture = tmp_path / "cover.png"
    picture.write_bytes(b"\x89PNG")
    catalog = Catalog(client)
    wish = ResourceWish(resource_type="book", url="https://example.com/b", name="Book", description="d")
    for created in (True, False):
        result = catalog.save_resource(wish, picture)
        assert result.created is created and str(result.record.image).endswith("cover.png")
    assert len(server.rows("resource")) == 1
    number = result.record.id
    assert catalog.list_resources(url="https://example.com/b")[0].id == number
    of_ada = wish.model_copy(update={"user_id": 7})
    with pytest.raises(RefusedError, match="cannot be read"):
        catalog.save_resource(wish, tmp_path / "none.png")
    assert catalog.save_resource(ResourceWish(**of_ada.model_dump(exclude_unset=True) | {"user_id": 7})).created
    assert catalog.delete_resource(number).count == 1 and catalog.delete_resource(number).count == 0
    other = catalog.list_resources(user=Learner(7))[0].id
    assert catalog.delete_resource(other).count == 0 and catalog.delete_resource(other, user=Learner(7)).count == 1


def test_two_resources_of_an_address_are_told_apart_by_name(client: Client) -> None:
    catalog = Catalog(client)
    body = {"resource_type": "book", "url": "https://example.com/b", "platform_key": "sandbox"}
    for name in ("A", "B", "B"):
        call = replace(_raw(catalog), json={**body, "name": name})
        client.send(call)
    assert not catalog.save_resource(ResourceWish(resource_type="book", url="https://example.com/b", name="A")).created
    with pytest.raises(RefusedError, match="several"):
        catalog.save_resource(ResourceWish(resource_type="book", url="https://example.com/b", name="B"))


def _raw(catalog: Catalog) -> Any:
    from authoring.platform.catalog import _resource_call

    return _resource_call({}, made=False)


def test_a_course_keeps_its_organisation_unless_it_is_moved(client: Client) -> None:
    catalog = Catalog(client)
    catalog.save_course(COURSE, "Demo", name="Data")
    stayed = catalog.save_course(COURSE, "Other")
    assert [row.field for row in stayed.not_taken] == ["org"]
    assert catalog.save_course(COURSE, "Other", move=True).record.org == "Other"
    assert [row.course_id for row in catalog.list_courses(org="Other")] == [COURSE]
    catalog.save_metadata(COURSE, {"a": 1})
    assert catalog.save_metadata(COURSE, {"b": 2}).record.model_dump() == {"a": 1, "b": 2}
    assert catalog.save_metadata(COURSE, {"c": 3}, replace=True).record.model_dump() == {"c": 3}
    with pytest.raises(RefusedError):
        catalog.save_metadata(COURSE, {}, replace=True)
    assert catalog.delete_course(COURSE).count == 1 and catalog.delete_course(COURSE).count == 0


def test_a_deletion_whose_answer_is_lost_is_done(client: Client, server: SandboxServer) -> None:
    Catalog(client).save_course(COURSE, "Demo")
    server.faults.add(Fault(FaultKind.RESET_AFTER, "delete"))
    Catalog(client).delete_course(COURSE)
    assert not server.rows("catalog-course")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ProgramWish, {"program_id": "P", "name": "N", "courselist": []}),
        (ProgramWish, {"program_id": "P"}),
        (PathwayWish, {"name": "N", "path": {}}),
        (ResourceWish, {"resource_type": "book", "url": 3, "name": "secret-value"}),
        (TermWish, {"name": None}),
    ],
)
def test_a_wish_that_the_platform_would_not_understand_is_refused(kind: Any, values: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="nothing was sent") as caught:
        wish_of(kind, values)
    assert "secret-value" not in str(caught.value)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(["a", "A", "b", "B ", "c"]), max_size=6))
def test_saving_is_idempotent_whatever_the_order(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """After any saves there is one row for each name, whatever its case; a second round adds none."""
    with (
        SandboxServer(tmp_path_factory.mktemp("s") / "s.sqlite3") as server,
        Client(sandbox_target(server.url)) as client,
    ):
        taxonomy = Taxonomy(client)
        for name in names * 2:
            taxonomy.save(Kind.SKILLS, TermWish(name=name))
        assert len(server.rows("skill")) == len({name.casefold() for name in names})
