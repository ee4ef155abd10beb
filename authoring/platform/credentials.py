"""Credentials: issuers, credentials, and assertions, which are credentials that somebody was given.

Comes in: wishes. Goes out: `Saved` rows and lists, taken out of the envelope `{"status", "result"}`; an envelope that tells of a
failure inside a success is a refusal.

A credential is made anew at each create, and one that is not public is missing from the list. It is looked for in the list, in the
exports of its courses and under the ids that the caller knows; one that none of these can show is only made when the caller says
that it was never made before. Source: docs/platform.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authoring.calls import Answer, Call, CallKind, Json, Service
from authoring.client import Client
from authoring.errors import LoginError, RefusedError
from authoring.platform.endpoints import Endpoint
from authoring.platform.records import Record
from authoring.platform.replies import all_pages, record_of, refusals_in, required, segment, unwrapped
from authoring.platform.writes import Saved, Wish, create_once, saved

AREA = "/api/credentials/orgs/{org}/users/{user}/"
PUBLIC = "/api/credentials/public/assertions/{id}/"
EXPORT = "/api/credentials/exim/credentials/course/{course}/export/"

ENDPOINTS = (
    Endpoint("GET", f"{AREA}issuers/{{org}}", "Credentials.find_issuer", "issuer show", True, "no slash at its end; 200 or 201"),
    Endpoint("GET", f"{AREA}issuers/", "Credentials.list_issuers", "issuer list", True, "in pages"),
    Endpoint("POST", AREA, "Credentials.create", "credential create", False, "looked up first; one that is not public needs `--new`"),
    Endpoint("GET", AREA, "Credentials.list", "credential list", True, "in pages; hides what is not public"),
    Endpoint("GET", f"{AREA}{{id}}", "Credentials.read", "credential show", True, "no slash at its end"),
    Endpoint("PUT", f"{AREA}{{id}}", "Credentials.update", "credential update", True, "only what is given; `metadata` is merged"),
    Endpoint("DELETE", f"{AREA}{{id}}", "Credentials.delete", "credential delete", True, "409 while somebody has it"),
    Endpoint("GET", EXPORT, "Credentials.export_course", "credential list --course", True, "shows also what is not public; administrators alone"),
    Endpoint("POST", f"{AREA}{{id}}/assertions/", "Credentials.issue", "assertion issue", False, "looked up first; 200 or 201"),
    Endpoint("GET", f"{AREA}assertions/", "Credentials.list_assertions", "assertion list", True, "of one person; in pages"),
    Endpoint("PUT", f"{AREA}assertions/{{id}}", "Credentials.revoke", "assertion revoke", True, ""),
    Endpoint("GET", PUBLIC, "Credentials.read_public", "assertion show", True, "what everybody may see; 404 when revoked"),
)  # fmt: skip

UPDATABLE = frozenset(
    [
        "name",
        "description",
        "html_template",
        "css_template",
        "credentialType",
        "criteriaUrl",
        "criteriaNarrative",
        "signal",
        "iconImage",
        "backgroundImage",
        "thumbnailImage",
        "metadata",
    ]
)
"""What `PUT` changes; it passes over anything else."""


class Issuer(Record):
    """Who gives a credential."""

    entityId: str  # the platform's own name
    name: str | None = None
    org: str | None = None
    url: str | None = None
    signatories: list[Any] | None = None


class Credential(Record):
    """A credential as the platform shows one. `entityId` is what it is named by; keep it where it is not public."""

    entityId: str
    name: str | None = None
    name_override: str | None = None
    description: str | None = None
    issuerDetails: Any = None
    courses: list[Any] | None = None
    programs: list[Any] | None = None
    pathways: list[Any] | None = None

    @property
    def issuer(self) -> str | None:
        """The issuer's entity id, where it is told."""
        details = self.issuerDetails
        if isinstance(details, Mapping):
            return str(details["entityId"]) if details.get("entityId") else None
        return details if isinstance(details, str) and details else None


class CredentialWish(Wish):
    """A credential as it shall be; the names are the platform's own. It is known again by its name and issuer."""

    name: str
    issuer: str
    description: str | None = None
    iconImage: str | None = None
    thumbnailImage: str | None = None
    backgroundImage: str | None = None
    credentialType: str | None = None
    tags: list[Any] | None = None
    criteriaNarrative: str | None = None
    criteriaUrl: str | None = None
    public: bool | None = None
    metadata: dict[str, Any] | None = None
    expires: dict[str, Any] | None = None
    courses: list[str] | None = None
    programs: list[str] | None = None
    pathways: list[str] | None = None
    html_template: str | None = None
    css_template: str | None = None
    signal: str | None = None


class Assertion(Record):
    """A credential that somebody was given."""

    entityId: str
    issuedOn: str | None = None
    recipient: Any = None
    credentialDetails: Any = None
    course: Any = None
    program: Any = None
    metadata: Any = None
    revoked: bool | None = None
    revocationReason: str | None = None
    acceptance: str | None = None

    @property
    def credential(self) -> str | None:
        """The credential's entity id, where it is told."""
        details = self.credentialDetails
        if isinstance(details, Mapping):
            details = details.get("entityId")
        return str(details) if details else None


@dataclass(frozen=True, slots=True)
class Award:
    """What a credential is given for: exactly one of them."""

    course: str = ""
    program: str = ""
    pathway: str = ""
    catalog_item: str = ""

    def __post_init__(self) -> None:
        if len(self.body()) != 1:
            raise RefusedError(
                "name one thing that the credential is given for: a course, a program, a pathway or an item;"
                " nothing was sent"
            )

    def body(self) -> dict[str, Json]:
        named = {
            "course": self.course,
            "program": self.program,
            "pathway": self.pathway,
            "catalog_item": self.catalog_item,
        }
        return {name: value for name, value in named.items() if value}


class Credentials:
    """The credentials of a tenant; `org` and `user` (who acts) default to the target's. Every method raises ApiError."""

    def __init__(self, client: Client, org: str | None = None, user: str | None = None) -> None:
        self._client = client
        self.org = required(org or client.target.tenant, "tenant", "IBL_TENANT")
        self.user = required(user or client.target.username, "username", "IBL_USERNAME")
        self._area = self._area_of(self.user)

    # -- issuers ------------------------------------------------------------------------------------------------------

    def find_issuer(self, name: str) -> Issuer | None:
        """`GET issuers/{name}`: by the org or by the entity id. None when there is none."""
        call = self._call(CallKind.READ, "GET", f"issuers/{segment(name, 'issuer')}")
        try:
            return record_of(Issuer, call, self._client.send(call))
        except RefusedError as error:
            if error.status != 404:
                raise
            return None

    def list_issuers(self) -> tuple[Issuer, ...]:
        """`GET issuers/`."""
        return all_pages(Issuer, self._client, self._call(CallKind.READ, "GET", "issuers/", query=_LARGE_PAGES))

    # -- credentials --------------------------------------------------------------------------------------------------

    def list(self, *, search: str = "", course: str = "") -> tuple[Credential, ...]:
        """`GET` of the collection: **public ones alone**."""
        query = {**_LARGE_PAGES, **({"search": search} if search else {}), **({"course": course} if course else {})}
        return all_pages(Credential, self._client, self._call(CallKind.READ, "GET", "", query=query))

    def read(self, entity_id: str) -> Credential | None:
        """`GET {id}`; None when there is none. Shows also what is not public."""
        call = self._call(CallKind.READ, "GET", segment(entity_id, "credential"))
        try:
            return record_of(Credential, call, self._client.send(call))
        except RefusedError as error:
            if error.status != 404:
                raise
            return None

    def export_course(self, course: str) -> tuple[Credential, ...] | None:
        """`GET …/exim/credentials/course/{course}/export/`: all credentials of a course, hidden ones among them. None where this
        login may not, or the release has no such route."""
        path = EXPORT.format(course=segment(course, "course"))
        call = Call(CallKind.READ, Service.MANAGER, "GET", path, check=refusals_in)
        try:
            told = unwrapped(self._client.send(call).json)
        except (LoginError, RefusedError) as error:
            if error.status not in (401, 403, 404):
                raise
            return None
        rows = told.get("credentials") if isinstance(told, Mapping) else None
        if not isinstance(rows, Sequence) or isinstance(rows, str):
            return None
        return tuple(Credential.model_validate(row) for row in rows if isinstance(row, Mapping) and row.get("entityId"))

    def find(self, wish: CredentialWish, known: Iterable[str] = ()) -> Credential | None:
        """The credential of that name and issuer: under the ids `known`, in the list, and in the exports of its courses.

        Raises RefusedError for several.
        """
        found: dict[str, Credential] = {}
        for entity_id in known:
            row = self.read(entity_id)
            if row is not None and row.name == wish.name:
                return row
        rows = [*self.list(search=wish.name)]
        for course in wish.courses or ():
            rows += self.export_course(course) or ()
        for row in rows:
            if wish.name in (row.name, row.name_override) and row.issuer in (None, wish.issuer):
                found[row.entityId] = row
        if len(found) > 1:
            raise RefusedError(
                f"several credentials are called {wish.name!r}: {', '.join(found)}; nothing was sent",
                "name one by its entityId",
            )
        return next(iter(found.values()), None)

    def is_findable(self, wish: CredentialWish) -> bool:
        """Whether `find` would see this credential once it is there: it is public, or an export of its courses is open."""
        if wish.public is True:
            return True
        return any(self.export_course(course) is not None for course in wish.courses or ())

    def create(self, wish: CredentialWish, known: Iterable[str] = (), *, new: bool = False) -> Saved[Credential]:
        """`POST` to the collection, unless there is one of that name and issuer: it is left as it is then (`update` changes it).

        One that could not be found again is refused (RefusedError) unless `new` says that it was never made before, or
        `known` holds the id it got. After an unknown outcome it is looked for; OutcomeUnknownError when it is not found.
        """
        known = tuple(known)
        found = self.find(wish, known)
        if found is not None:
            return saved(found, _compared(wish), created=False)
        if not new and not self.is_findable(wish):
            raise RefusedError(
                f"the credential {wish.name!r} is not public, so nobody can look up whether it is there already;"
                " nothing was sent",
                "if it was never made before, say so (--new), and keep the entityId that it gets",
            )
        call = self.create_call(wish)
        credential = create_once(
            self._client, call, lambda reply: record_of(Credential, call, reply), lambda: self.find(wish, known)
        )
        notes = () if self.is_findable(wish) else ("it is not public: keep its entityId, no list shows it",)
        return saved(credential, _compared(wish), created=True, notes=notes)

    def create_call(self, wish: CredentialWish) -> Call:
        """`POST` to the collection: makes a credential, each time. Whoever sends it has looked first."""
        return self._call(CallKind.CREATE, "POST", "", wish.body(), repeatable=False)

    def update(self, entity_id: str, changes: Mapping[str, Any]) -> Saved[Credential]:
        """`PUT {id}`: only what is given. Raises RefusedError for what the platform would pass over."""
        ignored = sorted(changes.keys() - UPDATABLE)
        if ignored or not changes:
            what = f"{', '.join(ignored)} cannot be changed" if ignored else "nothing to change was given"
            raise RefusedError(f"{what}; nothing was sent", f"what can be: {', '.join(sorted(UPDATABLE))}")
        call = self._call(CallKind.UPDATE, "PUT", segment(entity_id, "credential"), dict(changes))
        return saved(record_of(Credential, call, self._client.send_until_known(call)), changes, created=False)

    def delete(self, entity_id: str) -> bool:
        """`DELETE {id}`; false when there was none. Raises RefusedError (409) while somebody has it."""
        try:
            self._client.send_until_known(self._call(CallKind.DELETE, "DELETE", segment(entity_id, "credential")))
        except RefusedError as error:
            if error.status != 404:
                raise
            return False
        return True

    # -- assertions ---------------------------------------------------------------------------------------------------

    def list_assertions(self, person: str, *, course: str = "", revoked: bool = False) -> tuple[Assertion, ...]:
        """`GET …/users/{person}/assertions/`: what somebody was given, also what has expired."""
        query = {**_LARGE_PAGES, "include_expired": "true"}
        if course:
            query["course"] = course
        if revoked:
            query["include_revoked"] = "true"
        call = self._call(CallKind.READ, "GET", "assertions/", query=query, user=person)
        return tuple(row for row in all_pages(Assertion, self._client, call) if revoked or not row.revoked)

    def find_assertion(self, entity_id: str, person: str, award: Award) -> Assertion | None:
        """What somebody was given of a credential for a course (program …) and still has."""
        ((kind, wanted),) = award.body().items()
        for row in self.list_assertions(person, course=award.course):
            told = {**(row.model_extra or {}), "course": row.course, "program": row.program}
            if told.get(kind):
                if row.credential in (None, entity_id) and _names(told[kind], str(wanted)):
                    return row
            elif row.credential == entity_id and not any(told.get(name) for name in Award.__slots__):
                return row  # it does not tell what it was given for
        return None

    def issue(
        self,
        entity_id: str,
        person: str,
        award: Award,
        *,
        email: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Saved[Assertion]:
        """`POST {id}/assertions/` unless the person has it already. **Outward-facing**: they are told by the platform.

        `person` is a username. After an unknown outcome it is looked for; OutcomeUnknownError when it is not found.
        """
        recipient: dict[str, Json] = {"identity": person}
        if email:
            recipient["email"] = email
        body: dict[str, Json] = {"recipient": recipient, **award.body()}
        if metadata is not None:
            body["metadata"] = dict(metadata)
        found = self.find_assertion(entity_id, person, award)
        if found is not None:
            return Saved(found, created=False)
        path = f"{segment(entity_id, 'credential')}/assertions/"
        call = self._call(CallKind.CREATE, "POST", path, body, repeatable=False)
        assertion = create_once(
            self._client,
            call,
            lambda reply: record_of(Assertion, call, reply),
            lambda: self.find_assertion(entity_id, person, award),
        )
        return Saved(assertion, created=True)

    def revoke(self, assertion_id: str, reason: str) -> Assertion:
        """`PUT assertions/{id}` `{revoked: true, revocationReason}`. **Outward-facing.**"""
        if not reason.strip():
            raise RefusedError("give a reason; nothing was sent")
        body: dict[str, Json] = {"revoked": True, "revocationReason": reason}
        call = self._call(CallKind.UPDATE, "PUT", f"assertions/{segment(assertion_id, 'assertion')}", body)
        held = record_of(Assertion, call, self._client.send_until_known(call))
        if held.revoked is False:
            raise RefusedError(f"{call}: the platform did not revoke it", call=str(call))
        return held

    def read_public(self, assertion_id: str) -> Assertion | None:
        """`GET /api/credentials/public/assertions/{id}/`: what everybody may see; None when it is revoked or was never given."""
        path = PUBLIC.format(id=segment(assertion_id, "assertion"))
        call = Call(CallKind.READ, Service.MANAGER, "GET", path, check=refusals_in)
        try:
            return record_of(Assertion, call, self._client.send(call))
        except RefusedError as error:
            if error.status != 404:
                raise
            return None

    # -- calls --------------------------------------------------------------------------------------------------------

    def _area_of(self, user: str) -> str:
        return AREA.format(org=segment(self.org, "tenant"), user=segment(user, "username"))

    def _call(
        self,
        kind: CallKind,
        method: str,
        path: str,
        body: Mapping[str, Json] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        repeatable: bool = True,
        user: str | None = None,
    ) -> Call:
        return Call(
            kind,
            Service.MANAGER,
            method,
            (self._area_of(user) if user else self._area) + path,
            query=query or {},
            json=body,
            answer=Answer.EMPTY_OR_JSON if method == "DELETE" else Answer.JSON,
            repeatable=repeatable,
            check=refusals_in,
        )


_LARGE_PAGES = {"page_size": "100"}


def _compared(wish: CredentialWish) -> dict[str, Json]:
    """What an answer can be held against: lists and pictures come back in other shapes."""
    other = ("issuer", "courses", "programs", "pathways", "tags", "iconImage", "thumbnailImage", "backgroundImage")
    return {name: value for name, value in wish.body().items() if name not in (*other, "expires")}


def _names(told: object, wanted: str) -> bool:
    """Whether what an assertion tells of its course or program is the one that is meant."""
    if isinstance(told, Mapping):
        return wanted in [str(value) for value in told.values()]
    return str(told) == wanted
