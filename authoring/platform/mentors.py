"""Mentors with their settings, and chat sessions with them (`/api/ai-mentor/orgs/{org}/users/{user}/…`).

Comes in: a name and settings. Goes out: `MentorResult`, which says which settings the platform did not take: it passes over
those that it does not know, the retired ones among them.

Source: docs/platform.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

from authoring.calls import Call, CallKind, Json, Service
from authoring.client import Client
from authoring.errors import LoginError, RefusedError
from authoring.platform.endpoints import Endpoint
from authoring.platform.records import Record
from authoring.platform.replies import Difference, all_pages, differences, record_of, required, segment

AREA = "/api/ai-mentor/orgs/{org}/users/{user}/"

ENDPOINTS = (
    Endpoint("POST", f"{AREA}mentor-with-settings/", "Mentors.create", "mentor create", False, "looked up by name first"),
    Endpoint("GET", AREA, "Mentors.list", "mentor list", True, "in pages"),
    Endpoint("GET", f"{AREA}mentors/{{mentor}}/settings/", "Mentors.read_settings", "mentor show", True, "verifies"),
    Endpoint("POST", f"{AREA}sessions/", "Mentors.open_session", "mentor session", True, "retrieves or creates"),
)  # fmt: skip

RETIRED = MappingProxyType(
    {"moderation_prompt": "moderation_system_prompt", "proactive_message": "proactive_response", "slug": None}
)
"""Settings of earlier releases → what they are called now; None: the platform chooses it."""

VISIBILITIES = ("viewable_by_tenant_admins", "viewable_by_tenant_students", "viewable_by_anyone")
GREETINGS = ("proactive_prompt", "proactive_response")


class MentorSettings(Record):
    """The settings of a new mentor that this toolkit knows; any other documented one may be given as well.

    The platform passes over values of a wrong type, so the known ones are typed and not converted.
    """

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, strict=True)

    template_name: str = "ai-mentor"
    """`ai-mentor` answers from documents, `ai-agent` uses tools."""
    new_mentor_name: str
    """Also the name of the document pathway whose documents it sees."""
    display_name: str | None = None
    description: str | None = None
    system_prompt: str | None = None
    llm_provider: str | None = None
    llm_name: str | None = None
    llm_temperature: float | None = None
    mentor_visibility: str | None = Field(default=None, pattern=f"^({'|'.join(VISIBILITIES)})$")
    metadata: dict[str, Any] | None = None
    seo_tags: list[str] | None = None
    marketing_conversations: list[Any] | None = None
    proactive_prompt: str | None = None
    proactive_response: str | None = None
    greeting_method: str | None = Field(default=None, pattern=f"^({'|'.join(GREETINGS)})$")
    moderation_system_prompt: str | None = None
    enable_moderation: bool | None = None
    tool_slugs: list[str] | None = None
    categories: list[int] | None = None
    forkable: bool | None = None
    allow_anonymous: bool | None = None

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> MentorSettings:
        """Settings from JSON or YAML. Raises RefusedError, naming the setting; nothing is sent then."""
        for old, new in RETIRED.items():
            if old in values:
                hint = f"it is called {new!r} now" if new else "leave it out: the platform chooses it"
                raise RefusedError(f"{old!r} is no setting of a mentor any more; nothing was sent", hint)
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, row['loc']))}: {row['msg']}" for row in error.errors())
            raise RefusedError(f"the mentor's settings cannot be sent ({wrong})", "nothing was sent") from None


class Mentor(Record):
    """A mentor as the platform shows one. `unique_id` is what to name it by."""

    name: str
    unique_id: str | None = None
    id: int | None = None
    slug: str | None = None
    platform: str | None = None
    allow_anonymous: bool | None = None
    metadata: dict[str, Any] | None = None


class ChatSession(Record):
    """A conversation with a mentor."""

    session_id: str
    tools: list[Any] | None = None
    enable_artifacts: bool | None = None
    artifacts: list[Any] | None = None


@dataclass(frozen=True, slots=True)
class MentorResult:
    """What became of a mentor. `created` is false when there was one of that name already: its settings were left alone."""

    mentor: Mentor
    created: bool
    not_taken: tuple[Difference, ...] = ()
    unverified: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {
            "mentor": self.mentor.model_dump(),
            "created": self.created,
            "not_taken": [{"field": row.field, "held": row.held} for row in self.not_taken],
            "unverified": list(self.unverified),
        }


class Mentors:
    """The mentors of an organisation, seen by one of its users. Every method raises ApiError.

    `org` and `user` default to the target's `tenant` and `username`.
    """

    def __init__(self, client: Client, org: str | None = None, user: str | None = None) -> None:
        self._client = client
        self.org = required(org or client.target.tenant, "tenant", "IBL_TENANT")
        self.user = required(user or client.target.username, "username", "IBL_USERNAME")
        self._area = AREA.format(org=segment(self.org, "tenant"), user=segment(self.user, "username"))

    def list(self) -> tuple[Mentor, ...]:
        """`GET …/users/{user}/`: all that this user may see."""
        return all_pages(Mentor, self._client, Call(CallKind.READ, Service.MANAGER, "GET", self._area))

    def find(self, name: str) -> Mentor | None:
        """The mentor of that name, slug or unique id. Raises RefusedError when several have it."""
        return _only([row for row in self.list() if name in (row.name, row.slug, row.unique_id)], name)

    def create_call(self, settings: MentorSettings) -> Call:
        """`POST …/mentor-with-settings/`. Tenant admins only. Sent twice it may make two."""
        body: dict[str, Json] = settings.model_dump(exclude_none=True)
        path = f"{self._area}mentor-with-settings/"
        return Call(CallKind.CREATE, Service.MANAGER, "POST", path, json=body, repeatable=False)

    def create(self, settings: MentorSettings) -> MentorResult:
        """Make a mentor unless there is one of that name; then that one is returned as it is.

        After an unknown outcome (OutcomeUnknownError) calling it again finds what was made.
        """
        found = _only([row for row in self.list() if row.name == settings.new_mentor_name], settings.new_mentor_name)
        if found is not None:
            return MentorResult(found, created=False)
        call = self.create_call(settings)
        reply = self._client.send(call)
        mentor = record_of(Mentor, call, reply)
        not_taken, unverified = self._compare(settings, mentor)
        return MentorResult(mentor, created=True, not_taken=not_taken, unverified=unverified)

    def read_settings(self, mentor: str) -> Record:
        """`GET …/mentors/{mentor}/settings/`: the settings by name."""
        path = f"{self._area}mentors/{segment(mentor, 'mentor')}/settings/"
        call = Call(CallKind.READ, Service.MANAGER, "GET", path)
        return record_of(Record, call, self._client.send(call))

    def open_session(
        self,
        mentor: str,
        *,
        tools: Sequence[str] | None = None,
        enable_artifacts: bool | None = None,
        shareable_link_token: str | None = None,
    ) -> ChatSession:
        """`POST …/sessions/`: the session with a mentor (name, slug or unique id). `tools`: None for all, empty for none."""
        body: dict[str, Json] = {"mentor": mentor, "tools": None if tools is None else list(tools)}
        if enable_artifacts is not None:
            body["enable_artifacts"] = enable_artifacts
        if shareable_link_token is not None:
            body["shareable_link_token"] = shareable_link_token
        call = Call(
            CallKind.UPDATE,
            Service.MANAGER,
            "POST",
            f"{self._area}sessions/",
            json=body,
            secret=shareable_link_token is not None,
        )
        return record_of(ChatSession, call, self._client.send(call))

    def _compare(self, settings: MentorSettings, mentor: Mentor) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
        """The sent settings against the platform's own list of them; without that, against the answer of the create."""
        sent = settings.model_dump(exclude_none=True, exclude={"template_name", "new_mentor_name"})
        held: dict[str, object] = mentor.model_dump()
        listed = True
        try:
            held |= self.read_settings(mentor.unique_id or mentor.name).model_dump()
        except (LoginError, RefusedError):
            listed = False
        # The list names a description after what it describes.
        if "description" not in held and "mentor_description" in held:
            held["description"] = held["mentor_description"]
        if listed:
            return differences(sent, held), ()
        known = {name: value for name, value in sent.items() if name in held}
        return differences(known, held), tuple(name for name in sent if name not in held)


def _only(found: Sequence[Mentor], name: str) -> Mentor | None:
    if len(found) > 1:
        ids = ", ".join(str(row.unique_id or row.id) for row in found)
        raise RefusedError(f"several mentors are called {name!r}: {ids}", "name one by its unique id; nothing was sent")
    return found[0] if found else None
