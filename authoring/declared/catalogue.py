"""Adapters of the catalogue: roles and skills, who wants and has them, resources, programs, pathways, courses.

Rows are looked up by what they are known again by (docs/platform-yaml.md), one read a row; a list that has no filter is read once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from authoring.calls import Json
from authoring.client import Client
from authoring.declared.comparing import TERMS
from authoring.declared.model import Declaration, FileRef
from authoring.declared.sights import ABSENT, Find, Ids, Seen, Sight, Wanted, found
from authoring.errors import RefusedError
from authoring.platform.catalog import (
    ITEM_KEYS,
    Catalog,
    CatalogCourse,
    Pathway,
    PathwayWish,
    Program,
    ProgramWish,
    Resource,
    ResourceWish,
)
from authoring.platform.replies import record_of, required
from authoring.platform.taxonomy import Claim, Kind, Taxonomy, Term, TermWish
from authoring.platform.writes import Learner, wish_of

NOTHING: frozenset[str] = frozenset()


def several(what: str, ids: list[str]) -> Sight:
    return Sight(Seen.SEVERAL, said=f"several {what}: {', '.join(ids)}")


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def learner(values: Mapping[str, Any]) -> Learner | None:
    """The owner or person that a row names, if any."""
    if values.get("username") or values.get("user_id") is not None:
        return Learner(values.get("user_id"), values.get("username"))
    return None


class Terms:
    """Roles or skills: known again by slug, else by name, within the tenant."""

    later = NOTHING

    def __init__(self, client: Client, kind: Kind) -> None:
        self._client = client
        self._taxonomy = Taxonomy(client)
        self._kind = kind

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        number = known.get("id")
        if isinstance(number, int):
            term = self._taxonomy.read(self._kind, number)
            return _term(term) if term is not None else ABSENT
        shared = row.fields.get("shared") is True
        for given in ({"slug": text(row.fields.get("slug"))}, {"name": text(row.fields["name"])}):
            if not any(given.values()):
                continue
            rows = [
                one
                for one in self._taxonomy.list(self._kind, **given)
                if (one.platform_key is None if shared else one.platform_key == self._taxonomy.platform_key)
            ]
            if len(rows) > 1:
                return several(f"{self._kind} are called {next(iter(given.values()))!r}", [str(one.id) for one in rows])
            if rows:
                return _term(rows[0])
        return ABSENT

    def create(self, wanted: Wanted) -> Sight:
        return self._save(wanted, None)

    def change(self, wanted: Wanted) -> Sight:
        number = wanted.sight.ids["id"]
        assert isinstance(number, int)
        return self._save(wanted, number)

    def _save(self, wanted: Wanted, number: int | None) -> Sight:
        wish = wish_of(TermWish, wanted.some("name", "slug", "data", "shared"))
        call = self._taxonomy.save_call(self._kind, wish, number)
        reply = self._client.send(call) if number is None else self._client.send_until_known(call)
        return _term(record_of(Term, call, reply))

    def delete(self, key: str, ids: Ids) -> None:
        raise RefusedError(f"{key}: the platform has no call that deletes it; nothing was sent")


def _term(term: Term) -> Sight:
    held: dict[str, Json] = {"name": term.name, "slug": term.slug, "data": term.data}
    held["shared"] = term.platform_key is None
    return found({"id": term.id, "name": term.name}, held)


class Programs:
    """Programs: made and changed by their id and org."""

    later = NOTHING

    def __init__(self, client: Client) -> None:
        self._catalog = Catalog(client)

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        name, org = text(row.fields["program_id"]), text(row.fields.get("org"))
        tenant = self._catalog.platform_key
        rows = [
            one
            for one in self._catalog.list_programs(program_id=name, org=org)
            if (org or not tenant or one.platform_key in (None, tenant)) and known.get("id") in (None, one.org)
        ]
        if len(rows) > 1:
            return several(f"programs have the id {name!r}, of the orgs", [str(one.org) for one in rows])
        return self._sight(rows[0]) if rows else ABSENT

    def create(self, wanted: Wanted) -> Sight:
        return self.change(wanted)

    def change(self, wanted: Wanted) -> Sight:
        values = wanted.some("program_id", "name", "org", "program_type", "enabled", "slug", "data")
        if wanted.sight.ids.get("org"):
            values["org"] = wanted.sight.ids["org"]
        if "courses" in wanted.values:
            values["course_list"] = wanted.values["courses"]
        saved = self._catalog.save_program(wish_of(ProgramWish, values))
        return self._sight(saved.record)

    def _sight(self, program: Program) -> Sight:
        ids = {"program_id": program.program_id, "org": program.org, "program_key": program.program_key}
        held: dict[str, Json] = {
            "program_id": program.program_id,
            "name": program.name,
            "org": program.org,
            "enabled": program.enabled,
            "slug": program.slug,
            "courses": list(program.courses),
        }
        if isinstance(program.program_type, str) and not program.program_type.isdigit():
            held["program_type"] = program.program_type  # other releases answer with a number
        if "data" in (program.model_extra or {}):
            held["data"] = (program.model_extra or {})["data"]
        return found(ids, held)

    def delete(self, key: str, ids: Ids) -> None:
        self._catalog.delete_program(str(ids["program_id"]), str(ids.get("org") or self._catalog.platform_key))


class Claims:
    """Which roles or skills somebody wants or has; one list a person and a kind."""

    later = NOTHING

    def __init__(self, client: Client) -> None:
        self._taxonomy = Taxonomy(client)

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        person = learner(row.fields)
        assert person is not None
        kind, claim = _claim(row)
        return _claims(person, self._taxonomy.read_claimed(kind, claim, person).terms(kind))

    def create(self, wanted: Wanted) -> Sight:
        return self.change(wanted)

    def change(self, wanted: Wanted) -> Sight:
        person = learner(wanted.row.fields)
        assert person is not None
        kind, claim = _claim(wanted.row)
        terms = wanted.values[TERMS]
        assert isinstance(terms, list)
        numbers = [number for number in terms if isinstance(number, int)]
        return _claims(person, self._taxonomy.set_claimed(kind, claim, person, numbers).terms)

    def delete(self, key: str, ids: Ids) -> None:
        raise RefusedError(f"{key}: the platform has no call that deletes it; nothing was sent")


def _claims(person: Learner, terms: tuple[Term, ...]) -> Sight:
    return found(person.body(), {TERMS: [term.id for term in terms]})


def _claim(row: Declaration) -> tuple[Kind, Claim]:
    claim, _, kind = row.scope.partition("_")
    return Kind(kind), Claim(claim)


class CatalogCourses:
    """How the catalogue lists a course; known by its key."""

    later = frozenset({"metadata"})

    def __init__(self, client: Client) -> None:
        self._catalog = Catalog(client)

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        rows = self._catalog.list_courses(course_id=row.scope)
        return self._sight(row, rows[0]) if rows else ABSENT

    def create(self, wanted: Wanted) -> Sight:
        return self._sight(wanted.row, self._save(wanted), read=False)

    def change(self, wanted: Wanted) -> Sight:
        course = self._save(wanted) if wanted.names & {"org", "name"} else None
        if "metadata" in wanted.names:
            metadata = wanted.values["metadata"]
            assert isinstance(metadata, Mapping)
            self._catalog.save_metadata(wanted.row.scope, metadata)
        if course is None:
            rows = self._catalog.list_courses(course_id=wanted.row.scope)
            course = rows[0] if rows else CatalogCourse(course_id=wanted.row.scope)
        return self._sight(wanted.row, course)

    def _save(self, wanted: Wanted) -> CatalogCourse:
        org, name = text(wanted.values["org"]), wanted.values.get("name")
        move = "org" in wanted.names and wanted.sight.seen is Seen.FOUND
        saved = self._catalog.save_course(wanted.row.scope, org, name=text(name) or None, move=move)
        return saved.record

    def _sight(self, row: Declaration, course: CatalogCourse, *, read: bool = True) -> Sight:
        held: dict[str, Json] = {"org": course.org, "name": course.name}
        if "metadata" in row.fields and read:
            held["metadata"] = self._metadata(row.scope)
        return found({"course_id": course.course_id}, held)

    def _metadata(self, course: str) -> dict[str, Json]:
        try:
            return self._catalog.read_metadata(course)
        except RefusedError as error:
            if error.status != 404:
                raise
            return {}

    def delete(self, key: str, ids: Ids) -> None:
        self._catalog.delete_course(str(ids["course_id"]))


class Resources:
    """Resources: known again by address, type and owner; each owner's list is read once."""

    later = frozenset({"image"})

    def __init__(self, client: Client) -> None:
        self._client = client
        self._catalog = Catalog(client)
        self._of = cache(self._list)

    def _list(self, owner: Learner | None) -> tuple[Resource, ...]:
        return self._catalog.list_resources(user=owner)

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        rows = self._of(learner(row.fields))
        if known.get("id") is not None:
            return next((_resource(one, row) for one in rows if one.id == known["id"]), ABSENT)
        wanted = (row.fields["url"], row.fields["resource_type"])
        same = [one for one in rows if (one.url, one.resource_type) == wanted]
        if len(same) > 1:
            same = [one for one in same if one.name == row.fields["name"]] or same
        if len(same) > 1:
            return several("resources have this address", [str(one.id) for one in same])
        return _resource(same[0], row) if same else ABSENT

    def create(self, wanted: Wanted) -> Sight:
        call = self._catalog.resource_call(self._wish(wanted))
        return _resource(record_of(Resource, call, self._client.send(call)), wanted.row)

    def change(self, wanted: Wanted) -> Sight:
        number = wanted.sight.ids["id"]
        wish = self._wish(wanted).model_copy(update={"id": number})
        image = wanted.row.fields.get("image")
        if wanted.names == {"image"} and isinstance(image, FileRef):
            return _resource(self._catalog.send_image(wish, image.path), wanted.row)
        path = image.path if isinstance(image, FileRef) and "image" in wanted.names else None
        return _resource(self._catalog.save_resource(wish, path).record, wanted.row)

    def _wish(self, wanted: Wanted) -> ResourceWish:
        names = ("resource_type", "url", "name", "description", "skills", "data", "username", "user_id")
        return wish_of(ResourceWish, wanted.some(*names))

    def delete(self, key: str, ids: Ids) -> None:
        number, owner = ids["id"], ids.get("user_id")
        assert isinstance(number, int)
        self._catalog.delete_resource(number, user=Learner(owner) if isinstance(owner, int) else None)


def _resource(resource: Resource, row: Declaration) -> Sight:
    ids: dict[str, Json] = {"id": resource.id}
    if isinstance(row.fields.get("user_id"), int):
        ids["user_id"] = row.fields["user_id"]  # type: ignore[assignment]
    names = ("name", "url", "resource_type", "description", "data")
    held: dict[str, Json] = {name: getattr(resource, name) for name in names if name in resource.model_fields_set}
    return found(ids, held)


class Pathways:
    """Pathways: known by their owner and id; the target's own user owns what names nobody."""

    later = NOTHING

    def __init__(self, client: Client) -> None:
        self._catalog = Catalog(client)
        self._user = client.target.username

    def _owner(self, row: Declaration) -> Learner:
        found = learner(row.fields)
        return found or Learner(username=required(self._user, "username", "IBL_USERNAME"))

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        name = text(row.fields["pathway_id"])
        rows = self._catalog.list_pathways(pathway_id=name, user=self._owner(row))
        if known.get("id") is not None:
            rows = tuple(one for one in rows if one.pathway_uuid == known["id"])
        if len(rows) > 1:
            return several(f"pathways have the id {name!r}", [str(one.pathway_uuid) for one in rows])
        return self._sight(rows[0]) if rows else ABSENT

    def create(self, wanted: Wanted) -> Sight:
        return self.change(wanted)

    def change(self, wanted: Wanted) -> Sight:
        names = ("pathway_id", "name", "username", "user_id", "visible", "slug", "data")
        path = wanted.values.get("path", wanted.sight.held.get("path", []))
        values = {**self._owner(wanted.row).body(), **wanted.some(*names), "path": path}
        if wanted.sight.ids.get("pathway_uuid"):
            values["pathway_uuid"] = wanted.sight.ids["pathway_uuid"]
        return self._sight(self._catalog.save_pathway(wish_of(PathwayWish, values)).record)

    def _sight(self, pathway: Pathway) -> Sight:
        ids = {"pathway_id": pathway.pathway_id, "pathway_uuid": pathway.pathway_uuid, "username": pathway.username}
        names = ("pathway_id", "name", "visible", "slug", "username", "user_id", "data")
        held: dict[str, Json] = {name: getattr(pathway, name) for name in names if name in pathway.model_fields_set}
        if pathway.path is not None:
            held["path"] = [_item(item) for item in pathway.path]
        return found({name: value for name, value in ids.items() if value is not None}, held)

    def delete(self, key: str, ids: Ids) -> None:
        raise RefusedError(f"{key}: the platform has no call that deletes it; nothing was sent")


def _item(item: Any) -> Json:
    """An item of a path by what names it: releases show more of it than was sent."""
    name = ITEM_KEYS.get(str(item.get("item_type"))) if isinstance(item, Mapping) else None
    if name is None or item.get(name) is None:
        return dict(item) if isinstance(item, Mapping) else str(item)
    return {"item_type": item["item_type"], name: item[name]}


def course_keys(value: object) -> list[str]:
    """The keys of courses as a list shows them: as texts or as objects."""
    rows = value if isinstance(value, list | tuple) else ()
    return [str(one.get("course_id") if isinstance(one, Mapping) else one) for one in rows]
