"""The catalogue: programs, pathways, resources, courses and their metadata (`/api/catalog/…`).

Comes in: wishes. Goes out: `Saved` rows, lists, and what was deleted.

Programs, pathways and courses are made or changed by their own keys, so their calls may be repeated. A resource without an
`id` is made anew each time: it is looked up first. Source: docs/platform.md.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from authoring.calls import Call, CallKind, FilePart, Json, Service
from authoring.client import Client
from authoring.errors import RefusedError
from authoring.platform.endpoints import Endpoint
from authoring.platform.records import Record
from authoring.platform.replies import record_of, records_of
from authoring.platform.writes import CREATED, Learner, Saved, Wish, create_once, saved

AREA = "/api/catalog/"

ENDPOINTS = (
    Endpoint("POST", f"{AREA}programs/", "Catalog.save_program", "program save", True, "by `program_id` and org or tenant, or by `program_key`; keeps the courses when none are given"),
    Endpoint("GET", f"{AREA}programs/", "Catalog.list_programs", "program list", True, "filtered again here"),
    Endpoint("DELETE", f"{AREA}programs/", "Catalog.delete_program", "program delete", True, "gone already counts as done"),
    Endpoint("POST", f"{AREA}pathways/", "Catalog.save_pathway", "pathway save", True, "by its owner and `pathway_id`, or by `pathway_uuid`"),
    Endpoint("GET", f"{AREA}pathways/", "Catalog.list_pathways", "pathway list", True, "filtered again here"),
    Endpoint("POST", f"{AREA}resources/", "Catalog.save_resource", "resource save", False, "makes a second row without `id`: looked up first by address and type"),
    Endpoint("GET", f"{AREA}resources/", "Catalog.list_resources", "resource list", True, "filtered again here"),
    Endpoint("DELETE", f"{AREA}resources/", "Catalog.delete_resource", "resource delete", True, "gone already counts as done"),
    Endpoint("POST", f"{AREA}courses/", "Catalog.save_course", "catalog-course save", True, "`slug` and `data` are ignored: not offered"),
    Endpoint("GET", f"{AREA}courses/", "Catalog.list_courses", "catalog-course list", True, "filtered again here"),
    Endpoint("DELETE", f"{AREA}courses/", "Catalog.delete_course", "catalog-course delete", True, "gone already counts as done"),
    Endpoint("POST", f"{AREA}metadata/course/", "Catalog.save_metadata", "catalog-course metadata --set", True, "merges unless told to replace; read back"),
    Endpoint("GET", f"{AREA}metadata/course/", "Catalog.read_metadata", "catalog-course metadata", True, ""),
)  # fmt: skip


class Program(Record):
    """A program as the platform shows one."""

    program_id: str
    name: str | None = None
    org: str | None = None
    slug: str | None = None
    platform_key: str | None = None
    program_key: str | None = None
    program_type: str | int | None = None
    enabled: bool | None = None
    course_list: list[Any] | None = None

    @property
    def courses(self) -> tuple[str, ...]:
        """The keys of its courses, in order."""
        return tuple(_course_in(item) for item in self.course_list or ())


class ProgramWish(Wish):
    """A program as it shall be. Without `course_list` the courses that it has stay."""

    program_id: str
    name: str
    course_list: list[str | dict[str, Any]] | None = None
    org: str | None = None
    platform_key: str | None = None
    program_key: str | None = None
    slug: str | None = None
    enabled: bool | None = None
    program_type: Literal["standard", "platform", "custom"] | int | None = None
    data: dict[str, Any] | None = None


class Pathway(Record):
    """A pathway as the platform shows one."""

    id: int | None = None
    pathway_id: str | None = None
    pathway_uuid: str | None = None
    name: str | None = None
    slug: str | None = None
    visible: bool | None = None
    user_id: int | None = None
    username: str | None = None
    platform_key: str | None = None
    path: list[Any] | None = None
    data: Any = None


class PathwayWish(Wish):
    """A pathway as it shall be: `user_id` or `username` owns it; `pathway_id` or, of one that is there, `pathway_uuid`."""

    name: str
    path: list[dict[str, Any]]
    user_id: int | None = None
    username: str | None = None
    pathway_id: str | None = None
    pathway_uuid: str | None = None
    platform_key: str | None = None
    slug: str | None = None
    visible: bool | None = None
    data: dict[str, Any] | None = None


class Resource(Record):
    """A resource as the platform shows one."""

    id: int
    name: str | None = None
    url: str | None = None
    resource_type: str | None = None
    item_id: str | None = None
    description: str | None = None
    image: str | None = None
    data: Any = None


class ResourceWish(Wish):
    """A resource as it shall be. It is known again by its address, its type and its owner unless `id` names it."""

    resource_type: str
    url: str
    name: str
    id: int | None = None
    user_id: int | None = None
    username: str | None = None
    platform_key: str | None = None
    platform_org: str | None = None
    description: str | None = None
    skills: list[str] | None = None
    data: dict[str, Any] | None = None


class CatalogCourse(Record):
    """A course as the catalogue lists it."""

    course_id: str
    name: str | None = None
    slug: str | None = None
    org: str | None = None


class Deleted(Record):
    """What a deletion took away. `count` is 0 when there was nothing."""

    count: int | None = None
    type: str | None = None


OWNERS = ("user_id", "username", "platform_key", "platform_org")
"""What a resource can belong to."""

ITEM_KEYS = {"course": "course_id", "program": "program_key", "pathway": "pathway_id", "resource": "id"}
"""What names an item of a pathway, by its `item_type`."""


class Catalog:
    """The catalogue of a tenant; `platform_key` defaults to the target's `tenant`. Every method raises ApiError."""

    def __init__(self, client: Client, platform_key: str | None = None) -> None:
        self._client = client
        self.platform_key = platform_key or client.target.tenant

    # -- programs -----------------------------------------------------------------------------------------------------

    def list_programs(self, *, program_id: str = "", org: str = "", course_id: str = "") -> tuple[Program, ...]:
        """`GET programs/`."""
        call = _read("programs/", program_id=program_id, org=org, course_id=course_id)
        rows = records_of(Program, call, self._client.send(call))
        return tuple(
            row
            for row in rows
            if program_id in ("", row.program_id)
            and org in ("", row.org)
            and (not course_id or row.course_list is None or course_id in row.courses)
        )

    def find_program(self, wish: ProgramWish) -> Program | None:
        """The program that a wish is about. Raises RefusedError for several."""
        key, org, tenant = wish.program_key, wish.org or "", wish.platform_key or self.platform_key
        rows = [
            row
            for row in self.list_programs(program_id=wish.program_id, org=org)
            if not (key and row.program_key and row.program_key != key)
            and (org or not tenant or row.platform_key in (None, tenant))
        ]
        if len(rows) > 1:
            orgs = ", ".join(str(row.org) for row in rows)
            raise RefusedError(f"several programs {wish.program_id!r}: of {orgs}; nothing was sent", "name its org")
        return rows[0] if rows else None

    def save_program(self, wish: ProgramWish) -> Saved[Program]:
        """`POST programs/`: make a program or change it.

        `course_list` is required and replaces the courses. So when none is given, those that are there are read and sent.
        """
        body = wish.body()
        if not (wish.org or wish.platform_key or wish.program_key):
            if not self.platform_key:
                raise RefusedError(
                    "a program is known by its org, its tenant or its program key; nothing was sent", "give its org"
                )
            body["platform_key"] = self.platform_key
        if wish.course_list is None:
            found = self.find_program(wish)
            body["course_list"] = [_course_entry(item) for item in (found.course_list or ())] if found else []
        else:
            body["course_list"] = [_course_entry(item) for item in wish.course_list]
        call = Call(CallKind.UPDATE, Service.MANAGER, "POST", f"{AREA}programs/", json=body)
        reply = self._client.send_until_known(call)
        program = record_of(Program, call, reply)
        courses = tuple(_course_in(item) for item in body["course_list"])  # type: ignore[union-attr]
        skipped = ("course_list", "program_type")
        return saved(
            program,
            {name: value for name, value in wish.body().items() if name not in skipped},
            created=reply.status == CREATED,
            notes=()
            if program.course_list is None or program.courses == courses
            else ("the platform holds another list of courses",),
        )

    def delete_program(self, program_id: str, org: str) -> Deleted:
        """`DELETE programs/?program_id=&org=`."""
        return self._delete("programs/", program_id=program_id, org=org)

    # -- pathways -----------------------------------------------------------------------------------------------------

    def list_pathways(self, *, pathway_id: str = "", user: Learner | None = None) -> tuple[Pathway, ...]:
        """`GET pathways/`."""
        call = _read("pathways/", pathway_id=pathway_id, **(user.query() if user else {}))
        rows = records_of(Pathway, call, self._client.send(call))
        return tuple(row for row in rows if pathway_id in ("", row.pathway_id) and _owned(row, user))

    def save_pathway(self, wish: PathwayWish) -> Saved[Pathway]:
        """`POST pathways/`: make a pathway or change it; `path` replaces its items.

        Raises RefusedError for one that the platform would not know again, and for items that it would make anew each time.
        """
        owner = Learner(wish.user_id, wish.username)
        if not (wish.pathway_id or wish.pathway_uuid):
            raise RefusedError("a pathway is known by its pathway_id; nothing was sent", "give it one")
        for number, item in enumerate(wish.path, 1):
            _check_item(number, item)
        body = {**wish.body(), **owner.body()}
        if "platform_key" not in body and self.platform_key:
            body["platform_key"] = self.platform_key
        call = Call(CallKind.UPDATE, Service.MANAGER, "POST", f"{AREA}pathways/", json=body)
        reply = self._client.send_until_known(call)
        pathway = record_of(Pathway, call, reply)
        wanted = {name: value for name, value in wish.body().items() if name != "path"}
        kept = pathway.path is not None and len(pathway.path) != len(wish.path)
        notes = (f"the platform holds {len(pathway.path or ())} items, not {len(wish.path)}",) if kept else ()
        return saved(pathway, wanted, created=reply.status == CREATED, notes=notes)

    # -- resources ----------------------------------------------------------------------------------------------------

    def list_resources(
        self,
        *,
        resource_type: str = "",
        url: str = "",
        name: str = "",
        user: Learner | None = None,
        platform_key: str | None = None,
    ) -> tuple[Resource, ...]:
        """`GET resources/`, of an owner: a person, or the tenant."""
        owner = user.query() if user else {"platform_key": platform_key or self.platform_key or ""}
        call = _read("resources/", resource_type=resource_type, name=name, **owner)
        rows = records_of(Resource, call, self._client.send(call))
        return tuple(
            row
            for row in rows
            if resource_type in ("", row.resource_type) and url in ("", row.url) and name in ("", row.name)
        )

    def find_resource(self, wish: ResourceWish) -> Resource | None:
        """The resource with the address and type of a wish, of its owner; of several, the one of that name.

        Raises RefusedError when that leaves several.
        """
        user = Learner(wish.user_id, wish.username) if wish.user_id is not None or wish.username else None
        rows = self.list_resources(
            resource_type=wish.resource_type, url=wish.url, user=user, platform_key=wish.platform_key
        )
        if len(rows) > 1:
            rows = tuple(row for row in rows if row.name == wish.name) or rows
        if len(rows) > 1:
            ids = ", ".join(str(row.id) for row in rows)
            raise RefusedError(f"several resources have this address: {ids}; nothing was sent", "name one by its id")
        return rows[0] if rows else None

    def save_resource(self, wish: ResourceWish, image: Path | None = None) -> Saved[Resource]:
        """`POST resources/`: looked up first unless the wish has an `id`. An image goes in a second call, a form."""
        body = self._owned_body(wish)
        id = wish.id
        if id is None and (found := self.find_resource(wish)) is not None:
            id = found.id
        if id is not None:
            call = _resource_call({**body, "id": id}, made=True)
            resource = record_of(Resource, call, self._client.send_until_known(call))
        else:
            call = _resource_call(body, made=False)
            resource = create_once(
                self._client, call, lambda reply: record_of(Resource, call, reply), lambda: self.find_resource(wish)
            )
        if image is not None:
            resource = self._send_image(resource.id, body, image)
        wanted = {name: value for name, value in wish.body().items() if name not in (*OWNERS, "id", "skills")}
        return saved(resource, wanted, created=id is None)

    def resource_call(self, wish: ResourceWish) -> Call:
        """`POST resources/` without an `id`: makes a row, each time. Whoever sends it has looked first."""
        return _resource_call(self._owned_body(wish), made=False)

    def send_image(self, wish: ResourceWish, image: Path) -> Resource:
        """The image of a resource that is there (`wish.id`), as a form."""
        if wish.id is None:
            raise RefusedError("an image goes to a resource that is there; nothing was sent", "give its id")
        return self._send_image(wish.id, self._owned_body(wish), image)

    def _owned_body(self, wish: ResourceWish) -> dict[str, Json]:
        """What is sent of a wish, its id apart; the tenant owns what nobody else does."""
        body = wish.body()
        body.pop("id", None)
        if not any(body.get(name) for name in OWNERS) and self.platform_key:
            body["platform_key"] = self.platform_key
        return body

    def _send_image(self, id: int, body: Mapping[str, Json], image: Path) -> Resource:
        try:
            size = image.stat().st_size
        except OSError as error:
            raise RefusedError(f"{image} cannot be read ({error.strerror})", "check its name") from error
        kind = mimetypes.guess_type(image.name)[0] or "application/octet-stream"
        form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
        part = FilePart("image", image, image.name, kind, size)
        form = {name: value for name, value in form.items() if name not in ("data", "skills")}
        call = Call(
            CallKind.UPLOAD,
            Service.MANAGER,
            "POST",
            f"{AREA}resources/",
            form={**form, "id": str(id)},
            files=(part,),
        )
        return record_of(Resource, call, self._client.send_until_known(call))

    def delete_resource(self, id: int, *, user: Learner | None = None) -> Deleted:
        """`DELETE resources/?id=&user_id=` or `&platform_key=`: the owner is required."""
        owner = {"user_id": str(user.user_id)} if user and user.user_id is not None else {}
        if not owner:
            if not self.platform_key:
                raise RefusedError("a resource is deleted with its owner's user id or tenant; nothing was sent")
            owner = {"platform_key": self.platform_key}
        return self._delete("resources/", id=str(id), **owner)

    # -- courses ------------------------------------------------------------------------------------------------------

    def list_courses(self, *, course_id: str = "", org: str = "") -> tuple[CatalogCourse, ...]:
        """`GET courses/`."""
        call = _read("courses/", course_id=course_id, org=org)
        rows = records_of(CatalogCourse, call, self._client.send(call))
        return tuple(row for row in rows if course_id in ("", row.course_id) and org in ("", row.org))

    def save_course(
        self, course_id: str, org: str, *, name: str | None = None, move: bool = False
    ) -> Saved[CatalogCourse]:
        """`POST courses/`: list a course in the catalogue, or change how it is listed. `move` also changes its org
        (`overwrite_existing_org`); without it the platform keeps the old one, and the result says so."""
        body: dict[str, Json] = {"course_id": course_id, "org": org}
        if name is not None:
            body["name"] = name
        wanted = dict(body)
        if move:
            body["overwrite_existing_org"] = True
        call = Call(CallKind.UPDATE, Service.MANAGER, "POST", f"{AREA}courses/", json=body)
        reply = self._client.send_until_known(call)
        return saved(record_of(CatalogCourse, call, reply), wanted, created=reply.status == CREATED)

    def delete_course(self, course_id: str) -> Deleted:
        """`DELETE courses/?course_id=`: takes a course out of the catalogue."""
        return self._delete("courses/", course_id=course_id)

    def read_metadata(self, course_id: str) -> dict[str, Any]:
        """`GET metadata/course/?course_id=`: whatever keys it has."""
        call = _read("metadata/course/", course_id=course_id)
        return record_of(Record, call, self._client.send(call)).model_dump()

    def save_metadata(self, course_id: str, metadata: Mapping[str, Any], *, replace: bool = False) -> Saved[Record]:
        """`POST metadata/course/`: merge keys into a course's metadata, or with `replace` put them in the place of all, and
        read it back. Raises RefusedError for none at all with `replace`, since that empties it."""
        if not metadata:
            raise RefusedError("no metadata was given; nothing was sent")
        body: dict[str, Json] = {"course_id": course_id, "metadata": dict(metadata), "update": not replace}
        call = Call(CallKind.UPDATE, Service.MANAGER, "POST", f"{AREA}metadata/course/", json=body)
        reply = self._client.send_until_known(call)
        held = self.read_metadata(course_id)
        missing = tuple(f"{name}: the platform does not hold it" for name in metadata if name not in held)
        return saved(Record.model_validate(held), metadata, created=reply.status == CREATED, notes=missing)

    def _delete(self, path: str, **query: str) -> Deleted:
        call = Call(CallKind.DELETE, Service.MANAGER, "DELETE", AREA + path, query=query)
        try:
            return record_of(Deleted, call, self._client.send_until_known(call))
        except RefusedError as error:
            if error.status != 404:
                raise
            return Deleted(count=0)


def _resource_call(body: Mapping[str, Json], *, made: bool) -> Call:
    kind = CallKind.UPDATE if made else CallKind.CREATE
    return Call(kind, Service.MANAGER, "POST", f"{AREA}resources/", json=body, repeatable=made)


def _read(path: str, **query: str) -> Call:
    given = {name: value for name, value in query.items() if value}
    return Call(CallKind.READ, Service.MANAGER, "GET", AREA + path, query=given)


def _course_in(item: object) -> str:
    """The key of a course in a list, which releases write as a text or as an object."""
    return str(item.get("course_id") or "") if isinstance(item, Mapping) else str(item)


def _course_entry(item: object) -> dict[str, Json]:
    """An item as it is sent: `{course_id, position?}`. Raises RefusedError for one without a course."""
    key = _course_in(item)
    if not key:
        raise RefusedError("an item of course_list has no course_id; nothing was sent")
    if isinstance(item, Mapping) and item.get("position") is not None:
        return {"course_id": key, "position": item["position"]}
    return {"course_id": key}


def _check_item(number: int, item: Mapping[str, Any]) -> None:
    """Raises RefusedError for an item of a pathway that names nothing. A resource without `id` would be made anew each time."""
    if "item_id" in item and "item_type" not in item:
        return
    key = ITEM_KEYS.get(str(item.get("item_type")))
    if key is None:
        raise RefusedError(
            f"item {number} of the path has no known item_type; nothing was sent", f"one of {', '.join(ITEM_KEYS)}"
        )
    if item.get(key) in (None, ""):
        hint = "save the resource first, then name it by its id" if key == "id" else None
        raise RefusedError(f"item {number} of the path has no {key}; nothing was sent", hint)


def _owned(row: Pathway, user: Learner | None) -> bool:
    if user is None:
        return True
    if row.user_id is not None and user.user_id is not None:
        return row.user_id == user.user_id
    return row.username is None or not user.username or row.username == user.username
