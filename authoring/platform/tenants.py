"""Launching a tenant: an organisation with its administrator on the data manager, the LMS and Studio, by one call.

Comes in: a `Launch`. Goes out: a `LaunchResult`, which says what there is now, also when only a part of it was made.

It is sent once. A 417 tells that a part was made; a 500 and a broken connection tell nothing. None of them is ever followed by a
second try, since the first one's half is still there. Source: docs/platform.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authoring.calls import Call, CallKind, Json, Service
from authoring.client import Client
from authoring.client.failures import Redactor
from authoring.errors import ApiError, OutcomeUnknownError, RefusedError
from authoring.platform.endpoints import Endpoint
from authoring.platform.people import People
from authoring.platform.records import Record
from authoring.platform.replies import record_of
from authoring.settings import Secret

PATH = "/api/service/launch/tenant/"
PARTLY = 417

ENDPOINTS = (
    Endpoint("POST", PATH, "Tenants.launch", "launch", False, "sent once; 417 is a tenant that is partly there"),
)  # fmt: skip


class Launched(Record):
    """The platform's answer to a launch. `message` is whatever it says."""

    success: bool = False
    message: Any = None
    id: Any = None
    org: str | None = None
    lms_url: str | None = None
    cms_url: str | None = None
    portal_url: str | None = None
    edx_role: str | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """A tenant to be: its key (which stays), its name and its administrator. `role` is documented by earlier releases alone."""

    key: str
    name: str
    username: str
    email: str
    password: Secret | None = None
    firstname: str = ""
    lastname: str = ""
    role: str | None = None
    ignore_user_exists: bool = False
    is_advertising: bool = False

    def body(self) -> dict[str, Json]:
        """The request's JSON, with the password. Raises RefusedError when something that is required is missing."""
        missing = [name for name in ("key", "name", "username", "email") if not getattr(self, name).strip()]
        if missing:
            raise RefusedError(f"a tenant needs {', '.join(missing)}; nothing was sent")
        body: dict[str, Json] = {
            "key": self.key,
            "name": self.name,
            "username": self.username,
            "email": self.email,
            "firstname": self.firstname,
            "lastname": self.lastname,
        }
        if self.role is not None:
            body["role"] = self.role
        if self.password is not None:
            body["password"] = self.password.reveal()
        for name in ("ignore_user_exists", "is_advertising"):
            if getattr(self, name):
                body[name] = True
        return body


@dataclass(frozen=True, slots=True)
class LaunchResult:
    """What became of a launch. `complete` is false when only a part was made: `there` lists what the answer names."""

    launched: Launched
    complete: bool
    there: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        shown = ("message", "id", "org", "lms_url", "cms_url", "portal_url", "edx_role")
        return {
            "complete": self.complete,
            "there": list(self.there),
            "notes": list(self.notes),
            "tenant": {name: getattr(self.launched, name) for name in shown},
        }


class Tenants:
    """The tenants of a platform. Every method raises ApiError."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def launch_call(self, launch: Launch) -> Call:
        """`POST /api/service/launch/tenant/`."""
        return Call(
            CallKind.CREATE,
            Service.MANAGER,
            "POST",
            PATH,
            json=launch.body(),
            repeatable=False,
            secret=True,
            answered=(PARTLY,),
        )

    def launch(self, launch: Launch) -> LaunchResult:
        """Launch a tenant. **Outward-facing**, and there is no call that takes it back.

        An administrator who is there already is refused (RefusedError) before anything is sent, unless the launch allows it
        and where the LMS can be asked. Raises OutcomeUnknownError when nobody knows how far it came.
        """
        call = self.launch_call(launch)
        if not launch.ignore_user_exists and self.administrator_exists(launch):
            raise RefusedError(
                f"there is a user {launch.username!r} already; nothing was sent",
                "allow it (--existing-user), or name another administrator",
            )
        try:
            reply = self._client.send(call)
        except OutcomeUnknownError as error:
            known = self.administrator_exists(launch)
            seen = {True: "its administrator is there", False: "its administrator is not there", None: "not known"}
            raise OutcomeUnknownError(
                f"{error.message}; the tenant {launch.key!r} may be there, whole or in part (the LMS says: {seen[known]})",
                "look in the platform's administration before anything else; a second launch would meet the first one's rest",
                call=error.call,
                status=error.status,
            ) from error
        launched = _cleaned(record_of(Launched, call, reply), launch)
        there = tuple(
            f"{name}: {value}"
            for name in ("org", "lms_url", "cms_url", "portal_url")
            if (value := getattr(launched, name))
        )
        notes = []
        if launch.role is not None and launched.edx_role not in (None, launch.role):
            notes.append(f"the role is {launched.edx_role!r}, not {launch.role!r}: newer releases pass over it")
        if launch.role is not None and launched.edx_role is None:
            notes.append("the platform does not tell the role")
        complete = launched.success and reply.status != PARTLY
        return LaunchResult(launched, complete, there, tuple(notes))

    def administrator_exists(self, launch: Launch) -> bool | None:
        """Whether the LMS knows the administrator; None where it cannot be asked."""
        try:
            return People(self._client).read_user(launch.username) is not None
        except ApiError:
            return None


def _cleaned(launched: Launched, launch: Launch) -> Launched:
    """The answer without the password, which a message about a failure may repeat."""
    if launch.password is None:
        return launched
    redactor = Redactor([launch.password.reveal()])
    row = _clean(launched.model_dump(exclude_unset=True), redactor)
    assert isinstance(row, Mapping)
    return Launched.model_validate(row)


def _clean(value: object, redactor: Redactor) -> object:
    if isinstance(value, str):
        return redactor.clean(value)
    if isinstance(value, Mapping):
        return {redactor.clean(str(name)): _clean(item, redactor) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item, redactor) for item in value]
    return value
