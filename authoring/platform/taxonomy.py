"""Roles and skills: the terms of the catalogue, and which of them a person wants (`desired`) or has (`reported`).

Comes in: terms and people. Goes out: `Saved` terms, and what a person has after a change, read back.

A post with an `id` changes that row, without one it may make another (whether names are matched is not documented). So a term
is looked up first, and its id is sent on purpose. Source: docs/platform.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from authoring.calls import Answer, Call, CallKind, Json, Service
from authoring.client import Client
from authoring.errors import RefusedError
from authoring.platform.endpoints import Endpoint
from authoring.platform.records import Record
from authoring.platform.replies import all_pages, record_of
from authoring.platform.writes import CREATED, Learner, Saved, Wish, create_once, saved

AREA = "/api/catalog/"


class Kind(StrEnum):
    """Which terms; the value is the segment of the path and the key of the body."""

    ROLES = "roles"
    SKILLS = "skills"


class Claim(StrEnum):
    """What a person has to do with terms."""

    DESIRED = "desired"
    REPORTED = "reported"


ENDPOINTS = tuple(
    endpoint
    for kind in Kind
    for endpoint in (
        Endpoint("POST", f"{AREA}{kind}/", f"Taxonomy.save ({kind})", f"{kind[:-1]} save", False, "looked up first; with `id` it changes that row"),
        Endpoint("GET", f"{AREA}{kind}/", f"Taxonomy.list ({kind})", f"{kind[:-1]} list", True, "in pages; filtered again here"),
        *(
            Endpoint(method, f"{AREA}{kind}/{claim}/", f"Taxonomy.{verb}_claimed ({kind})", f"{kind[:-1]} {claim}{option}", True, note)
            for claim in Claim
            for method, verb, option, note in (
                ("POST", "set", " --set", "read back; whether it replaces or adds is not documented"),
                ("GET", "read", "", "400 is taken for none"),
            )
        ),
    )
)  # fmt: skip


class Term(Record):
    """A role or a skill. `platform_key` is None for one of all tenants; roles have `skills`."""

    id: int
    name: str
    slug: str | None = None
    platform_key: str | None = None
    skills: list[Any] | None = None
    data: Any = None


class TermWish(Wish):
    """A role or a skill as it shall be. `shared`: for all tenants, and not of this one."""

    name: str
    slug: str | None = None
    data: dict[str, Any] | None = None
    id: int | None = None
    shared: bool = False


class Claimed(Record):
    """The roles or skills of a person."""

    user_id: int | None = None
    username: str | None = None
    roles: list[Term] | None = None
    skills: list[Term] | None = None
    data: Any = None

    def terms(self, kind: Kind) -> tuple[Term, ...]:
        return tuple((self.roles if kind is Kind.ROLES else self.skills) or ())


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A person's terms after a change: those that are there now, those that were wanted and are not, and those that are there
    and were not named (a platform that adds instead of replacing leaves them)."""

    claimed: Claimed
    terms: tuple[Term, ...]
    missing: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "claimed": self.claimed.model_dump(),
            "missing": list(self.missing),
            "others": list(self.others),
        }


class Taxonomy:
    """The roles and skills of a tenant; `platform_key` defaults to the target's `tenant`. Every method raises ApiError."""

    def __init__(self, client: Client, platform_key: str | None = None) -> None:
        self._client = client
        self.platform_key = platform_key or client.target.tenant

    # -- terms --------------------------------------------------------------------------------------------------------

    def list(self, kind: Kind, *, name: str = "", slug: str = "") -> tuple[Term, ...]:
        """`GET roles/`, `GET skills/`: those that this login sees, oldest first; by name (whatever its case) or by slug."""
        filters = {"name__iexact": name, "slug": slug}
        rows = all_pages(Term, self._client, self._read(f"{kind}/", {k: v for k, v in filters.items() if v}))
        return tuple(
            row
            for row in rows
            if (not name or row.name.casefold() == name.casefold()) and (not slug or row.slug == slug)
        )

    def find(self, kind: Kind, wish: TermWish) -> Term | None:
        """The row that a wish is about: by its slug, else by its name, of this tenant. Raises RefusedError for several."""
        for given in ({"slug": wish.slug or ""}, {"name": wish.name}):
            if not any(given.values()):
                continue
            rows = [row for row in self.list(kind, **given) if self._is_mine(row, shared=wish.shared)]
            if len(rows) > 1:
                ids = ", ".join(str(row.id) for row in rows)
                raise RefusedError(
                    f"several {kind} are called {wish.name!r}: {ids}; nothing was sent", "name one by its id"
                )
            if rows:
                return rows[0]
        return None

    def read(self, kind: Kind, id: int) -> Term | None:
        """`GET roles/?id=`, `GET skills/?id=`; None when there is none."""
        rows = all_pages(Term, self._client, self._read(f"{kind}/", {"id": str(id)}))
        return next((row for row in rows if row.id == id), None)

    def save_call(self, kind: Kind, wish: TermWish, id: int | None) -> Call:
        """`POST roles/`, `POST skills/`. With an `id` it changes that row and may be repeated; without, it makes one."""
        body = {name: value for name, value in wish.body().items() if name not in ("shared", "id")}
        if wish.shared:
            body["platform_key"] = None
        elif self.platform_key:
            body["platform_key"] = self.platform_key
        if id is not None:
            body["id"] = id
        kind_of_call = CallKind.CREATE if id is None else CallKind.UPDATE
        return Call(kind_of_call, Service.MANAGER, "POST", f"{AREA}{kind}/", json=body, repeatable=id is not None)

    def save(self, kind: Kind, wish: TermWish) -> Saved[Term]:
        """Make a role or skill, or change the one there is: looked up unless the wish has an `id`."""
        found = wish.id
        if found is None and (row := self.find(kind, wish)) is not None:
            found = row.id
        call = self.save_call(kind, wish, found)
        wanted = {name: value for name, value in wish.body().items() if name in ("name", "slug", "data")}
        if found is not None:
            reply = self._client.send_until_known(call)
            term = record_of(Term, call, reply)
            result = saved(term, wanted, created=reply.status == CREATED)
            if term.id != found:
                result = replace(result, notes=(f"the platform changed another row: {term.id}, not {found}",))
            return result
        term = create_once(
            self._client, call, lambda reply: record_of(Term, call, reply), lambda: self.find(kind, wish)
        )
        return saved(term, wanted, created=True)

    # -- of people ----------------------------------------------------------------------------------------------------

    def read_claimed(self, kind: Kind, claim: Claim, user: Learner) -> Claimed:
        """`GET roles/desired/` and the like. Someone who has none is empty: the platform tells it by a 400 or by nulls."""
        call = self._read(f"{kind}/{claim}/", user.query())
        try:
            return record_of(Claimed, call, self._client.send(call))
        except RefusedError as error:
            if error.status != 400:
                raise
            return Claimed(user_id=user.user_id, username=user.username, roles=[], skills=[])

    def set_claimed(
        self,
        kind: Kind,
        claim: Claim,
        user: Learner,
        terms: Sequence[str | int],
        *,
        data: dict[str, Any] | None = None,
        as_names: bool = False,
    ) -> ClaimResult:
        """`POST roles/desired/` and the like, then a read of what is there. Terms are names or ids.

        Names are looked up and sent as ids, since what the platform does with a name that it does not know is not documented;
        `as_names` sends names, for releases that take no ids. Raises RefusedError for a term that is not there.
        """
        wanted = [self._term(kind, term) for term in terms]
        body: dict[str, Json] = {
            **user.body(),
            kind.value: [row.name if as_names else {"id": row.id} for row in wanted],
        }
        if data is not None:
            body["data"] = data
        path = f"{AREA}{kind}/{claim}/"
        answer = Answer.EMPTY_OR_JSON
        self._client.send_until_known(Call(CallKind.UPDATE, Service.MANAGER, "POST", path, json=body, answer=answer))
        claimed = self.read_claimed(kind, claim, user)
        held = {row.id: row for row in claimed.terms(kind)}
        asked = {row.id for row in wanted}
        return ClaimResult(
            claimed,
            tuple(held.values()),
            tuple(row.name for row in wanted if row.id not in held),
            tuple(row.name for id, row in held.items() if id not in asked),
        )

    def _term(self, kind: Kind, term: str | int) -> Term:
        if isinstance(term, int):
            row = self.read(kind, term)
            rows = [row] if row is not None else []
        else:
            rows = list(self.list(kind, name=term))
            mine = [row for row in rows if self.platform_key and row.platform_key == self.platform_key]
            rows = mine or rows
        if len(rows) != 1:
            told = f"there are several {kind} called" if rows else f"there is none of the {kind} called"
            raise RefusedError(
                f"{told} {term!r}; nothing was sent", f"`authoring platform {kind[:-1]} list` shows them"
            )
        return rows[0]

    def _is_mine(self, row: Term, *, shared: bool) -> bool:
        if shared:
            return row.platform_key is None
        return not self.platform_key or row.platform_key == self.platform_key

    @staticmethod
    def _read(path: str, query: dict[str, str]) -> Call:
        return Call(CallKind.READ, Service.MANAGER, "GET", AREA + path, query=query)
