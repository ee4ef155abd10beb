"""Bots in messengers, and the commands that lead from a bot to a mentor (`/api/ai-bot/v1/bots/{org}/…`).

Comes in: names, a provider, secrets. Goes out: records. Newer releases have no secrets in `bot/` and drop them without a
word: `BotResult.problems` says so when the answer's `is_configured` is false.

Source: docs/platform.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from authoring.calls import Answer, Call, CallKind, Json, Service
from authoring.client import Client
from authoring.errors import RefusedError
from authoring.platform.endpoints import Endpoint
from authoring.platform.records import Record
from authoring.platform.replies import all_pages, record_of, required, segment
from authoring.settings import Secret

AREA = "/api/ai-bot/v1/bots/{org}/"

ENDPOINTS = (
    Endpoint("POST", f"{AREA}bot/", "Bots.create", "bot create", False, "looked up by name and provider first"),
    Endpoint("PATCH", f"{AREA}bot/{{id}}/", "Bots.update", "bot update", True, "only what is given"),
    Endpoint("DELETE", f"{AREA}bot/{{id}}/", "Bots.delete", "bot delete", True, "gone already counts as done"),
    Endpoint("GET", f"{AREA}bot/", "Bots.list", "bot list", True, ""),
    Endpoint("POST", f"{AREA}bot-commands/", "Bots.create_command", "bot-command create", False, "looked up first"),
    Endpoint("PATCH", f"{AREA}bot-commands/{{id}}/", "Bots.update_command", "bot-command update", True, ""),
    Endpoint("DELETE", f"{AREA}bot-commands/{{id}}/", "Bots.delete_command", "bot-command delete", True, "gone already counts as done"),
    Endpoint("GET", f"{AREA}bot-commands/?bot=", "Bots.list_commands", "bot-command list", True, "filtered again here"),
)  # fmt: skip

LONGEST_NAME = 255
LONGEST_COMMAND = 100


class Provider(StrEnum):
    """Where a bot lives."""

    SLACK = "slack"
    WEBEX = "webex"
    WHATSAPP = "whatsapp"
    DISCORD = "discord"
    TEAMS = "teams"


class Bot(Record):
    """A bot as the platform shows one. What the replies tell of its secrets is kept out of `to_json`."""

    id: int
    name: str
    provider: str
    is_configured: bool | None = None
    webhook_url: str | None = None

    def __repr__(self) -> str:
        return f"Bot(id={self.id}, name={self.name!r}, provider={self.provider!r})"

    __str__ = __repr__

    def to_json(self) -> dict[str, object]:
        """Its documented fields; nothing else, since replies may repeat secrets."""
        return {name: getattr(self, name) for name in Bot.model_fields}


class BotCommand(Record):
    """A word that, said to a bot, leads to a mentor."""

    id: int
    command: str
    mentor: int
    bot: int


SECRET_NAMES = ("client_id", "client_secret", "app_token", "verification_token")


@dataclass(frozen=True, slots=True)
class BotSecrets:
    """What a bot needs to enter its messenger. Never shown; a call that holds one is a secret one."""

    client_id: Secret | None = None
    client_secret: Secret | None = None
    app_token: Secret | None = None
    verification_token: Secret | None = None
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Further settings, which differ by provider."""

    def body(self) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for name in SECRET_NAMES:
            secret: Secret | None = getattr(self, name)
            if secret is not None:
                found[name] = secret.reveal()
        return {**found, "config": dict(self.config)} if self.config else found


@dataclass(frozen=True, slots=True)
class BotResult:
    """What became of a bot. `created` is false when there was one of that name and provider: it was left alone."""

    bot: Bot
    created: bool
    problems: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        return {"bot": self.bot.to_json(), "created": self.created, "problems": list(self.problems)}


class Bots:
    """The bots of an organisation; `org` defaults to the target's `tenant`. Every method raises ApiError."""

    def __init__(self, client: Client, org: str | None = None) -> None:
        self._client = client
        self.org = required(org or client.target.tenant, "tenant", "IBL_TENANT")
        self._area = AREA.format(org=segment(self.org, "tenant"))

    # -- bots ---------------------------------------------------------------------------------------------------------

    def list(self) -> tuple[Bot, ...]:
        """`GET bot/`."""
        return all_pages(Bot, self._client, self._call(CallKind.READ, "GET", "bot/"))

    def find(self, name: str, provider: Provider) -> Bot | None:
        """The bot of that name at that provider. Raises RefusedError when there are several."""
        found = [bot for bot in self.list() if (bot.name, bot.provider) == (name, provider)]
        if len(found) > 1:
            ids = ", ".join(str(bot.id) for bot in found)
            raise RefusedError(f"several {provider} bots are called {name!r}: {ids}", "name one by its number")
        return found[0] if found else None

    def create(self, name: str, provider: Provider, secrets: BotSecrets | None = None) -> BotResult:
        """`POST bot/` unless there is one of that name at that provider.

        After an unknown outcome (OutcomeUnknownError) calling it again finds what was made.
        """
        _limit(name, LONGEST_NAME, "a bot's name")
        found = self.find(name, provider)
        if found is not None:
            return BotResult(found, created=False, problems=_unconfigured(found, secrets))
        call = self.create_call(name, provider, secrets)
        bot = record_of(Bot, call, self._client.send(call))
        return BotResult(bot, created=True, problems=_unconfigured(bot, secrets))

    def create_call(self, name: str, provider: Provider, secrets: BotSecrets | None = None) -> Call:
        """`POST bot/`: makes a bot, each time. Whoever sends it has looked first. Raises RefusedError."""
        _limit(name, LONGEST_NAME, "a bot's name")
        body: dict[str, Json] = {"name": name, "provider": str(provider)}
        return self._call(CallKind.CREATE, "POST", "bot/", _with(body, secrets), secret=_has(secrets))

    def update(self, bot: int, *, name: str | None = None, secrets: BotSecrets | None = None) -> BotResult:
        """`PATCH bot/{id}/`: only what is given. The provider stays."""
        body: dict[str, Json] = {}
        if name is not None:
            _limit(name, LONGEST_NAME, "a bot's name")
            body["name"] = name
        body = _with(body, secrets)
        if not body:
            raise RefusedError("nothing to change was given; nothing was sent")
        call = self._call(CallKind.UPDATE, "PATCH", f"bot/{bot}/", body, secret=_has(secrets))
        held = record_of(Bot, call, self._client.send(call))
        problems = _unconfigured(held, secrets)
        if name is not None and held.name != name:
            problems += ("the platform kept the old name",)
        return BotResult(held, created=False, problems=problems)

    def delete(self, bot: int) -> bool:
        """`DELETE bot/{id}/`; false when there was none."""
        return self._delete(f"bot/{bot}/")

    # -- commands -----------------------------------------------------------------------------------------------------

    def list_commands(self, bot: int | None = None) -> tuple[BotCommand, ...]:
        """`GET bot-commands/?bot=`; filtered here as well, since not every release knows the filter."""
        call = self._call(CallKind.READ, "GET", "bot-commands/", query={} if bot is None else {"bot": str(bot)})
        rows = all_pages(BotCommand, self._client, call)
        return tuple(row for row in rows if bot is None or row.bot == bot)

    def create_command(self, command: str, mentor: int, bot: int) -> tuple[BotCommand, bool]:
        """`POST bot-commands/` unless the bot has that command: `(command, whether it was made)`.

        Raises RefusedError when the bot has it for another mentor.
        """
        _limit(command, LONGEST_COMMAND, "a command")
        for row in self.list_commands(bot):
            if row.command == command:
                if row.mentor != mentor:
                    raise RefusedError(
                        f"bot {bot} has the command {command!r} for mentor {row.mentor} (command {row.id});"
                        " nothing was sent",
                        "`bot-command update` leads it elsewhere",
                    )
                return row, False
        call = self.create_command_call(command, mentor, bot)
        return record_of(BotCommand, call, self._client.send(call)), True

    def create_command_call(self, command: str, mentor: int, bot: int) -> Call:
        """`POST bot-commands/`: makes a command, each time. Whoever sends it has looked first. Raises RefusedError."""
        _limit(command, LONGEST_COMMAND, "a command")
        body: dict[str, Json] = {"command": command, "mentor": mentor, "bot": bot}
        return self._call(CallKind.CREATE, "POST", "bot-commands/", body)

    def update_command(
        self, id: int, *, command: str | None = None, mentor: int | None = None, bot: int | None = None
    ) -> BotCommand:
        """`PATCH bot-commands/{id}/`: only what is given. Raises RefusedError when the answer shows it was not taken."""
        wanted: dict[str, Json] = {"command": command, "mentor": mentor, "bot": bot}
        body = {name: value for name, value in wanted.items() if value is not None}
        if not body:
            raise RefusedError("nothing to change was given; nothing was sent")
        if command is not None:
            _limit(command, LONGEST_COMMAND, "a command")
        call = self._call(CallKind.UPDATE, "PATCH", f"bot-commands/{id}/", body)
        held = record_of(BotCommand, call, self._client.send(call))
        kept = [name for name, value in body.items() if getattr(held, name) != value]
        if kept:
            raise RefusedError(f"{call}: the platform kept the old {', '.join(kept)}", call=str(call))
        return held

    def delete_command(self, id: int) -> bool:
        """`DELETE bot-commands/{id}/`; false when there was none."""
        return self._delete(f"bot-commands/{id}/")

    # -- calls --------------------------------------------------------------------------------------------------------

    def _call(
        self,
        kind: CallKind,
        method: str,
        path: str,
        body: Mapping[str, Json] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        secret: bool = False,
    ) -> Call:
        return Call(
            kind,
            Service.MANAGER,
            method,
            self._area + path,
            query=query or {},
            json=body,
            answer=Answer.EMPTY_OR_JSON if method == "DELETE" else Answer.JSON,
            repeatable=kind is not CallKind.CREATE,
            secret=secret,
        )

    def _delete(self, path: str) -> bool:
        try:
            self._client.send(self._call(CallKind.DELETE, "DELETE", path))
        except RefusedError as error:
            if error.status != 404:
                raise
            return False
        return True


def _has(secrets: BotSecrets | None) -> bool:
    return secrets is not None and bool(secrets.body())


def _with(body: Mapping[str, Json], secrets: BotSecrets | None) -> dict[str, Json]:
    return {**body, **(secrets.body() if secrets is not None else {})}


def _unconfigured(bot: Bot, secrets: BotSecrets | None) -> tuple[str, ...]:
    if not _has(secrets) or bot.is_configured:
        return ()
    return (
        "the platform says that the bot is not configured: newer releases drop secrets here without a word;"
        " configure it in the platform's own pages",
    )


def _limit(text: str, longest: int, what: str) -> None:
    if not text.strip() or len(text) > longest:
        raise RefusedError(f"{what} has 1 to {longest} characters; nothing was sent")
