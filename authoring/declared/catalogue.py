"""Adapters of the catalogue: roles and skills, who wants and has them, resources, programs, pathways, courses.

Rows are looked up by what they are known again by (docs/platform-yaml.md), one read a row; a list that has no filter is read once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authoring.calls import Json
from authoring.client import Client
from authoring.declared.model import Declaration
from authoring.declared.sights import ABSENT, Find, Ids, Seen, Sight, Wanted, found
from authoring.errors import RefusedError
from authoring.platform.catalog import (
    Catalog,
    Program,
    ProgramWish,
)
from authoring.platform.replies import record_of
from authoring.platform.taxonomy import Kind, Taxonomy, Term, TermWish
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

    blind = False
    deletes = False
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

    blind = False
    deletes = True
    later = NOTHING

    def __init__(self, client: Client) -> None:
        self._catalog = Catalog(client)

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        name, org = text(row.fields["program_id"]), text(row.fields.get("org"))
        tenant = self._catalog.platform_key
        rows = [
            one
            for one in self._catalog.list_programs(program_id=name, org=org)
            if org or not tenant or one.platform_key in (None, tenant)
        ]
        if len(rows) > 1:
            return several(f"programs have the id {name!r}; name the org. They are of", [str(one.org) for one in rows])
        return self._sight(rows[0]) if rows else ABSENT

    def create(self, wanted: Wanted) -> Sight:
        return self.change(wanted)

    def change(self, wanted: Wanted) -> Sight:
        values = wanted.some("program_id", "name", "org", "program_type", "enabled", "slug", "data")
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
