"""Adapters of credentials, assertions and the tenant: what the platform makes anew at every create, and shows only in part.

A credential that is not public is missing from the list; it is read by the id that is known of it, or from the exports of its
courses. Where neither is open nobody can look it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from authoring.calls import Json
from authoring.client import Client
from authoring.declared.catalogue import NOTHING, course_keys, several, text
from authoring.declared.comparing import values_of
from authoring.declared.model import Declaration
from authoring.declared.sights import ABSENT, Find, Ids, Seen, Sight, Wanted, found
from authoring.errors import RefusedError
from authoring.platform.credentials import UPDATABLE, Award, Credential, Credentials, CredentialWish
from authoring.platform.replies import record_of
from authoring.platform.tenants import Launch, Tenants
from authoring.platform.writes import wish_of
from authoring.settings import Secret

PLAIN = (
    "name",
    "description",
    "credentialType",
    "criteriaNarrative",
    "criteriaUrl",
    "iconImage",
    "thumbnailImage",
    "backgroundImage",
    "html_template",
    "css_template",
    "signal",
    "metadata",
    "expires",
    "tags",
    "programs",
    "pathways",
)


class CredentialRows:
    """Credentials: known again by name, issuer and courses."""

    later = NOTHING

    def __init__(self, client: Client) -> None:
        self._client = client
        self._credentials = Credentials(client)
        self._issuer = cache(self._find_issuer)
        self._export = cache(self._credentials.export_course)

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        entity = known.get("entityId", known.get("id"))
        if entity is not None:
            credential = self._credentials.read(str(entity))
            return self._sight(credential, row) if credential is not None else ABSENT
        name, issuer = text(row.fields["name"]), self._issuer(text(row.fields.get("issuer")))
        courses = _courses(row)
        rows = {one.entityId: one for one in self._credentials.list(search=name)}
        exports = [self._export(course) for course in courses]
        for export in exports:
            rows |= {one.entityId: one for one in export or ()}
        same = [
            one
            for one in rows.values()
            if name in (one.name, one.name_override)
            and one.issuer in (None, issuer)
            and (one.courses is None or sorted(course_keys(one.courses)) == courses)
        ]
        if len(same) > 1:
            return several(f"credentials are called {name!r}", [one.entityId for one in same])
        if same:
            return self._sight(same[0], row)
        if row.fields.get("public") is True or any(export is not None for export in exports):
            return ABSENT
        return Sight(
            Seen.UNTOLD, said="it is not public and no export of its courses is open, so that no list shows it"
        )

    def create(self, wanted: Wanted) -> Sight:
        values = {**wanted.values, "issuer": self._issuer(text(wanted.values.get("issuer")))}
        call = self._credentials.create_call(wish_of(CredentialWish, values))
        return self._sight(record_of(Credential, call, self._client.send(call)), wanted.row)

    def change(self, wanted: Wanted) -> Sight:
        changes = {name: wanted.values[name] for name in wanted.names if name in UPDATABLE}
        saved = self._credentials.update(str(wanted.sight.ids["entityId"]), changes)
        return self._sight(saved.record, wanted.row)

    def delete(self, key: str, ids: Ids) -> None:
        self._credentials.delete(str(ids["entityId"]))

    def _find_issuer(self, name: str) -> str:
        issuer = self._credentials.find_issuer(name or self._credentials.org)
        if issuer is None:
            raise RefusedError(
                f"there is no issuer {name or self._credentials.org!r}; nothing was sent",
                "`authoring platform issuer list` shows them",
            )
        return issuer.entityId

    def _sight(self, credential: Credential, row: Declaration) -> Sight:
        shown = credential.model_dump(exclude_unset=True)
        held: dict[str, Json] = {name: shown[name] for name in PLAIN if name in shown}
        if credential.courses is not None:
            given = course_keys(credential.courses)
            wanted = _courses(row)
            # Their order says nothing: shown as declared where they are the same.
            held["courses"] = list(_declared_courses(row)) if sorted(given) == wanted else list(given)
        issuer = text(row.fields.get("issuer"))
        if credential.issuer is not None and issuer:
            held["issuer"] = issuer if credential.issuer == self._issuer(issuer) else credential.issuer
        return found({"entityId": credential.entityId}, held)


def _declared_courses(row: Declaration) -> tuple[str, ...]:
    value = row.fields.get("courses")
    return tuple(str(one) for one in value) if isinstance(value, tuple) else ()


def _courses(row: Declaration) -> list[str]:
    return sorted(_declared_courses(row))


class Assertions:
    """Assertions: known again by credential, person and what it is given for. One that is in the lock file is not looked up again:
    one that was revoked stays so."""

    later = NOTHING

    def __init__(self, client: Client) -> None:
        self._credentials = Credentials(client)

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        entity = known.get("entityId", known.get("id"))
        if entity is not None:
            return found({"entityId": entity})
        values, waiting = values_of(row, find)
        if waiting:
            return ABSENT
        award = _award(values)
        held = self._credentials.find_assertion(str(values["credential"]), str(values["person"]), award)
        return found({"entityId": held.entityId}) if held is not None else ABSENT

    def create(self, wanted: Wanted) -> Sight:
        values = wanted.values
        metadata = values.get("metadata")
        made = self._credentials.issue(
            str(values["credential"]),
            str(values["person"]),
            _award(values),
            metadata=metadata if isinstance(metadata, dict) else None,
        )
        return found({"entityId": made.record.entityId})

    def change(self, wanted: Wanted) -> Sight:
        return wanted.sight  # what is given is not changed: comparing says so

    def delete(self, key: str, ids: Ids) -> None:
        raise RefusedError(f"{key}: what was given is revoked, not deleted; nothing was sent")


def _award(values: object) -> Award:
    given = values if isinstance(values, dict) else {}
    return Award(*(str(given.get(name) or "") for name in ("course", "program", "pathway")))


class TenantRow:
    """The tenant: launched once. No read tells whether it is there."""

    later = NOTHING

    def __init__(self, client: Client) -> None:
        self._tenants = Tenants(client)

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        if known:
            return found({"key": known.get("key", known.get("id"))})
        if self._tenants.administrator_exists(_launch(row.fields)) and row.fields.get("ignore_user_exists") is not True:
            return Sight(Seen.UNTOLD, said="its administrator is there already")
        return ABSENT

    def create(self, wanted: Wanted) -> Sight:
        launch = _launch(wanted.values, wanted.secrets.get("password"))
        result = self._tenants.launch(launch)
        there = f"only a part of the tenant was made: {', '.join(result.there) or 'nothing is named'}"
        said = "; ".join((*(() if result.complete else (there,)), *result.notes))
        return Sight(Seen.FOUND, {"key": launch.key}, {}, said, partly=not result.complete)

    def change(self, wanted: Wanted) -> Sight:
        return wanted.sight  # comparing says that it cannot be changed

    def delete(self, key: str, ids: Ids) -> None:
        raise RefusedError(f"{key}: the platform has no call that deletes a tenant; nothing was sent")


def _launch(values: Mapping[str, object], password: Secret | None = None) -> Launch:
    key, name, username, email, firstname, lastname = (
        text(values.get(one)) for one in ("key", "name", "username", "email", "firstname", "lastname")
    )
    return Launch(
        key,
        name,
        username,
        email,
        password,
        firstname,
        lastname,
        text(values.get("role")) or None,
        values.get("ignore_user_exists") is True,
        values.get("is_advertising") is True,
    )
