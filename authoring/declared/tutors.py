"""Adapters of mentors, the link from a course to its mentor, bots and their commands. Each list is read once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from authoring.calls import Json
from authoring.client import Client
from authoring.declared.catalogue import NOTHING, several, text
from authoring.declared.model import Declaration, UnresolvedError, resolved
from authoring.declared.sights import ABSENT, Find, Ids, Seen, Sight, Wanted, found
from authoring.errors import ApiError, LoginError, RefusedError
from authoring.keys import parse_course_key
from authoring.platform.bots import SECRET_NAMES, Bot, BotCommand, Bots, BotSecrets, Provider
from authoring.platform.mentors import Mentor, Mentors, MentorSettings
from authoring.platform.replies import record_of
from authoring.settings import Secret

MENTOR_UUID = "mentor_uuid"
"""The course setting that names its mentor."""


class MentorRows:
    """Mentors: known again by name. The platform documents no call that changes or deletes one."""

    later = NOTHING

    def __init__(self, client: Client) -> None:
        self._client = client
        self._mentors = Mentors(client)
        self._all = cache(self._mentors.list)

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        named = known.get("unique_id", known.get("id"))
        if named is not None:
            same = [one for one in self._all() if named in (one.unique_id, one.id)]
        else:
            same = [one for one in self._all() if one.name == row.fields["name"]]
        if len(same) > 1:
            return several(f"mentors are called {row.fields['name']!r}", [str(one.unique_id or one.id) for one in same])
        return self._sight(same[0], row) if same else ABSENT

    def create(self, wanted: Wanted) -> Sight:
        settings = wanted.values.get("settings")
        given = dict(settings) if isinstance(settings, dict) else {}
        given["new_mentor_name"] = wanted.values["name"]
        if "template" in wanted.values:
            given["template_name"] = wanted.values["template"]
        call = self._mentors.create_call(MentorSettings.read(given))
        mentor = record_of(Mentor, call, self._client.send(call))
        try:
            return self._sight(mentor, wanted.row)
        except ApiError:  # it is made all the same
            return found(_mentor_ids(mentor), {"name": mentor.name})

    def change(self, wanted: Wanted) -> Sight:
        return wanted.sight  # comparing says that it cannot be changed

    def delete(self, key: str, ids: Ids) -> None:
        raise RefusedError(f"{key}: the platform has no call that deletes it; nothing was sent")

    def _sight(self, mentor: Mentor, row: Declaration) -> Sight:
        held: dict[str, Json] = {"name": mentor.name}
        if "settings" in row.fields or "template" in row.fields:
            try:
                shown = self._mentors.read_settings(mentor.unique_id or mentor.name).model_dump()
            except (LoginError, RefusedError):
                shown = {}
            if "template_name" in shown:
                held["template"] = shown["template_name"]
            if "description" not in shown and "mentor_description" in shown:
                shown["description"] = shown["mentor_description"]
            if shown:
                held["settings"] = shown
        return found(_mentor_ids(mentor), held)


def _mentor_ids(mentor: Mentor) -> Ids:
    ids: dict[str, Json] = {"number": mentor.id, "unique_id": mentor.unique_id or mentor.name, "name": mentor.name}
    return {name: value for name, value in ids.items() if value is not None}


class MentorLinks:
    """Which mentor a course has: a setting of the course."""

    later = NOTHING

    def __init__(self, client: Client) -> None:
        self._client = client

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        try:
            settings = self._client.read_course_settings(parse_course_key(row.scope))
        except RefusedError as error:
            if error.status != 404:
                raise
            raise RefusedError(
                f"{row.where}: the course {row.scope} is not on the platform; nothing was sent",
                "push the course first: `authoring push`",
                call=error.call,
                status=error.status,
            ) from error
        return found({"course_id": row.scope}, {MENTOR_UUID: settings.get(MENTOR_UUID)})

    def create(self, wanted: Wanted) -> Sight:
        return self.change(wanted)

    def change(self, wanted: Wanted) -> Sight:
        mentor = wanted.values[MENTOR_UUID]
        self._set(wanted.row.scope, mentor)
        return found({"course_id": wanted.row.scope}, {MENTOR_UUID: mentor})

    def _set(self, course: str, mentor: Json) -> None:
        for call in self._client.dialect.write_course_settings(course, {MENTOR_UUID: mentor}):
            self._client.send_until_known(call)

    def delete(self, key: str, ids: Ids) -> None:
        self._set(str(ids["course_id"]), None)


class BotRows:
    """Bots: known again by name and provider."""

    later = NOTHING

    def __init__(self, client: Client) -> None:
        self._client = client
        self._bots = Bots(client)
        self._all = cache(self._bots.list)

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        if known.get("id") is not None:
            same = [one for one in self._all() if one.id == known["id"]]
        else:
            named = (row.fields["name"], row.fields["provider"])
            same = [one for one in self._all() if (one.name, one.provider) == named]
        if len(same) > 1:
            return several(f"bots are called {row.fields['name']!r}", [str(one.id) for one in same])
        return _bot(same[0]) if same else ABSENT

    def create(self, wanted: Wanted) -> Sight:
        name, provider = text(wanted.values["name"]), Provider(text(wanted.values["provider"]))
        call = self._bots.create_call(name, provider, _secrets(wanted.secrets))
        bot = record_of(Bot, call, self._client.send(call))
        return _bot(bot, bool(wanted.secrets))

    def change(self, wanted: Wanted) -> Sight:
        name = text(wanted.values["name"]) if "name" in wanted.names else None
        number = wanted.sight.ids["id"]
        assert isinstance(number, int)
        secrets = {one: secret for one, secret in wanted.secrets.items() if one in wanted.names}
        result = self._bots.update(number, name=name, secrets=_secrets(secrets))
        return _bot(result.bot, bool(secrets))

    def delete(self, key: str, ids: Ids) -> None:
        number = ids["id"]
        assert isinstance(number, int)
        self._bots.delete(number)


def _secrets(given: Mapping[str, Secret]) -> BotSecrets:
    client_id, client_secret, app_token, verification_token = (given.get(name) for name in SECRET_NAMES)
    return BotSecrets(client_id, client_secret, app_token, verification_token)


def _bot(bot: Bot, secrets_sent: bool = False) -> Sight:
    said = "the platform says that it is not configured: it dropped the secrets; configure it in its own pages"
    return Sight(
        Seen.FOUND,
        {"id": bot.id, "name": bot.name},
        {"name": bot.name, "provider": bot.provider},
        said if secrets_sent and not bot.is_configured else "",
    )


class BotCommandRows:
    """Commands: known again by bot and word."""

    later = NOTHING

    def __init__(self, client: Client) -> None:
        self._client = client
        self._bots = Bots(client)
        self._all = cache(self._bots.list_commands)

    def look(self, row: Declaration, known: Ids, find: Find) -> Sight:
        if known.get("id") is not None:
            return next((_command(one) for one in self._all() if one.id == known["id"]), ABSENT)
        try:
            bot = resolved(row.fields["bot"], find)
        except UnresolvedError:
            return ABSENT
        same = [one for one in self._all() if (one.bot, one.command) == (bot, row.fields["command"])]
        if len(same) > 1:
            return several(f"commands of this bot are called {row.fields['command']!r}", [str(one.id) for one in same])
        return _command(same[0]) if same else ABSENT

    def create(self, wanted: Wanted) -> Sight:
        mentor, bot = wanted.values["mentor"], wanted.values["bot"]
        assert isinstance(mentor, int)
        assert isinstance(bot, int)
        call = self._bots.create_command_call(text(wanted.values["command"]), mentor, bot)
        return _command(record_of(BotCommand, call, self._client.send(call)))

    def change(self, wanted: Wanted) -> Sight:
        number = wanted.sight.ids["id"]
        assert isinstance(number, int)
        changes = {name: wanted.values[name] for name in ("command", "mentor") if name in wanted.names}
        return _command(self._bots.update_command(number, **changes))  # type: ignore[arg-type]

    def delete(self, key: str, ids: Ids) -> None:
        number = ids["id"]
        assert isinstance(number, int)
        self._bots.delete_command(number)


def _command(command: BotCommand) -> Sight:
    held: dict[str, Json] = {"command": command.command, "mentor": command.mentor, "bot": command.bot}
    return found({"id": command.id}, held)
