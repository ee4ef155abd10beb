"""Mentors, sessions, bots and their commands over HTTP: success, refusal, an expired token, an unknown outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from authoring.client import Client
from authoring.errors import LoginError, OutcomeUnknownError, RefusedError
from authoring.platform.bots import Bots, BotSecrets, Provider
from authoring.platform.mentors import Mentor, Mentors, MentorSettings
from authoring.sandbox import Fault, FaultKind, SandboxServer
from authoring.settings import Secret, Target

TUTOR = MentorSettings(new_mentor_name="Tutor", system_prompt="Be kind.", llm_temperature=0.2, enable_moderation=True)
SECRETS = BotSecrets(client_secret=Secret("bot-secret-Lm83"), config={"team": "config-secret-Qz12"})


@pytest.fixture
def mentors(client: Client) -> Mentors:
    return Mentors(client)


@pytest.fixture
def bots(client: Client) -> Bots:
    return Bots(client)


@pytest.fixture
def tutor(mentors: Mentors, server: SandboxServer) -> Mentor:
    mentor = mentors.create(TUTOR).mentor
    server.clear_log()
    return mentor


def number_of(mentor: Mentor) -> int:
    assert mentor.id is not None
    return mentor.id


# -- mentors ------------------------------------------------------------------------------------------------------------


def test_a_mentor_is_made_once(mentors: Mentors, server: SandboxServer) -> None:
    made = mentors.create(TUTOR)
    assert made.created and made.mentor.unique_id and not made.not_taken and not made.unverified
    again = mentors.create(TUTOR)
    assert not again.created and again.mentor == made.mentor
    assert len(server.rows("mentor")) == 1
    assert mentors.read_settings("Tutor").model_dump()["system_prompt"] == "Be kind."
    for name in ("Tutor", "tutor", made.mentor.unique_id):
        assert mentors.find(name) == made.mentor


def test_the_list_is_read_to_its_end(mentors: Mentors, server: SandboxServer) -> None:
    for number in range(27):
        call = mentors.create_call(MentorSettings(new_mentor_name=f"Mentor {number}"))
        mentors._client.send(call)
    assert [row.name for row in mentors.list()] == [f"Mentor {number}" for number in range(27)]
    assert mentors.create(MentorSettings(new_mentor_name="Mentor 26")).created is False


def test_settings_that_are_not_taken_are_said(mentors: Mentors) -> None:
    settings = MentorSettings.read({"new_mentor_name": "T", "no_such_setting": "x", "description": "d"})
    result = mentors.create(settings)
    assert [row.field for row in result.not_taken] == ["no_such_setting"]
    assert "ignored" in str(result.not_taken[0])


def test_settings_that_cannot_be_read_back_are_unverified(mentors: Mentors, server: SandboxServer) -> None:
    server.faults.add(Fault(FaultKind.ERROR_BEFORE, path="/settings/", status=404, times=9))
    result = mentors.create(MentorSettings(new_mentor_name="T", system_prompt="x", metadata={"a": 1}))
    assert result.unverified == ("system_prompt",) and not result.not_taken


@pytest.mark.parametrize(
    "values",
    [
        {"moderation_prompt": "x"},
        {"proactive_message": "x"},
        {"slug": "x"},
        {"llm_temperature": "warm"},
        {"enable_moderation": "yes"},
        {"mentor_visibility": "everyone"},
        {"greeting_method": "wave"},
        {"new_mentor_name": None},
    ],
)
def test_settings_that_would_be_ignored_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match=next(iter(values))):
        MentorSettings.read({"new_mentor_name": "T", **values})


def test_two_mentors_of_a_name_are_not_chosen_between(mentors: Mentors) -> None:
    for _ in range(2):
        mentors._client.send(mentors.create_call(TUTOR))
    with pytest.raises(RefusedError, match="several"):
        mentors.find("Tutor")
    with pytest.raises(RefusedError, match="several"):
        mentors.create(TUTOR)


def test_a_session_is_the_same_one_again(mentors: Mentors, tutor: Mentor) -> None:
    first = mentors.open_session("Tutor", tools=[])
    assert first.tools == [] and mentors.open_session(tutor.unique_id or "").session_id == first.session_id
    with pytest.raises(RefusedError, match="Mentor not found"):
        mentors.open_session("nobody")


def test_another_organisation_is_not_permitted(client: Client) -> None:
    with pytest.raises(LoginError):
        Mentors(client, org="other").list()
    with pytest.raises(LoginError):
        Bots(client, org="other").list()
    with pytest.raises(RefusedError):
        Mentors(client, org="a/b")


def test_a_target_without_a_tenant_is_told_so(target: Target) -> None:
    with Client(replace(target, tenant=None)) as client, pytest.raises(RefusedError, match="tenant"):
        Bots(client)


# -- bots ---------------------------------------------------------------------------------------------------------------


def test_a_bot_lives(bots: Bots, server: SandboxServer) -> None:
    made = bots.create("Helper", Provider.SLACK, SECRETS)
    dropped = server.profile.bot_secrets_dropped
    assert made.created and made.bot.is_configured is not dropped
    assert bool(made.problems) is dropped
    assert not bots.create("Helper", Provider.SLACK).created
    assert bots.create("Helper", Provider.TEAMS).created, "another provider, another bot"
    assert bots.update(made.bot.id, name="Aide").bot.name == "Aide"
    assert [row.name for row in bots.list()] == ["Aide", "Helper"]
    assert bots.delete(made.bot.id) and not bots.delete(made.bot.id)
    for text in (repr(made), str(made.bot), str(made.to_json()), repr(SECRETS)):
        assert "Lm83" not in text and "Qz12" not in text


def test_refusals_of_bots(bots: Bots) -> None:
    for deed in (
        lambda: bots.create("", Provider.SLACK),
        lambda: bots.create("x" * 256, Provider.SLACK),
        lambda: bots.update(1),
        lambda: bots.update(999, name="x"),
        lambda: bots.create_command("", 1, 1),
        lambda: bots.create_command("help", 999, 999),
        lambda: bots.update_command(1),
    ):
        with pytest.raises(RefusedError):
            deed()


def test_commands_live(bots: Bots, mentors: Mentors, tutor: Mentor) -> None:
    first, second = (bots.create(name, Provider.SLACK).bot for name in ("One", "Two"))
    other = mentors.create(MentorSettings(new_mentor_name="Other")).mentor
    command, made = bots.create_command("/ask", number_of(tutor), first.id)
    assert made and bots.create_command("/ask", number_of(tutor), first.id) == (command, False)
    with pytest.raises(RefusedError, match="for mentor"):
        bots.create_command("/ask", number_of(other), first.id)
    assert bots.create_command("/ask", number_of(tutor), second.id)[1]
    assert [row.bot for row in bots.list_commands(first.id)] == [first.id], "whether the platform filters or not"
    assert len(bots.list_commands()) == 2
    assert bots.update_command(command.id, mentor=number_of(other)).mentor == other.id
    assert bots.delete_command(command.id) and not bots.delete_command(command.id)


# -- what happens to calls ------------------------------------------------------------------------------------------------

Deed = Callable[[Client, dict[str, int]], Any]
DEEDS: dict[str, tuple[str, str, Deed]] = {
    "mentor": ("POST", "mentor-with-settings/", lambda c, ids: Mentors(c).create(MentorSettings(new_mentor_name="New"))),
    "session": ("POST", "/sessions/", lambda c, ids: Mentors(c).open_session("Tutor")),
    "bot create": ("POST", "/bot/", lambda c, ids: Bots(c).create("New", Provider.SLACK)),
    "bot update": ("PATCH", "/bot/", lambda c, ids: Bots(c).update(ids["bot"], name="Changed")),
    "bot delete": ("DELETE", "/bot/", lambda c, ids: Bots(c).delete(ids["bot"])),
    "command create": ("POST", "/bot-commands/", lambda c, ids: Bots(c).create_command("/new", ids["mentor"], ids["bot"])),
    "command update": ("PATCH", "/bot-commands/", lambda c, ids: Bots(c).update_command(ids["command"], command="/x")),
    "command delete": ("DELETE", "/bot-commands/", lambda c, ids: Bots(c).delete_command(ids["command"])),
}  # fmt: skip
KINDS = {
    "mentor": "create",
    "bot create": "create",
    "command create": "create",
    "bot delete": "delete",
    "command delete": "delete",
}
READS: dict[str, Deed] = {
    "mentors": lambda c, ids: Mentors(c).list(),
    "settings": lambda c, ids: Mentors(c).read_settings("Tutor"),
    "bots": lambda c, ids: Bots(c).list(),
    "commands": lambda c, ids: Bots(c).list_commands(),
}


@pytest.fixture
def ids(bots: Bots, tutor: Mentor, server: SandboxServer) -> dict[str, int]:
    bot = bots.create("There", Provider.SLACK).bot.id
    command = bots.create_command("/there", number_of(tutor), bot)[0].id
    server.clear_log()
    return {"bot": bot, "mentor": number_of(tutor), "command": command}


@pytest.mark.parametrize("name", [*DEEDS, *READS])
def test_an_expired_token_is_renewed(
    name: str, ids: dict[str, int], token_client: Client, server: SandboxServer
) -> None:
    deed = READS[name] if name in READS else DEEDS[name][2]
    Bots(token_client).list()
    server.expire_tokens()
    server.clear_log()
    deed(token_client, ids)
    assert [row.status for row in server.requests].count(401) == 1


@pytest.mark.parametrize("name", [*DEEDS, *READS])
def test_a_wrong_key_is_a_login_error(name: str, ids: dict[str, int], target: Target) -> None:
    deed = READS[name] if name in READS else DEEDS[name][2]
    with Client(replace(target, api_key=Secret("not-the-key"))) as client, pytest.raises(LoginError):
        deed(client, ids)


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.ERROR_AFTER, FaultKind.HTML])
@pytest.mark.parametrize("name", DEEDS)
def test_after_an_unknown_outcome_a_second_try_makes_no_second_row(
    name: str, kind: FaultKind, ids: dict[str, int], client: Client, server: SandboxServer
) -> None:
    method, path, deed = DEEDS[name]
    server.faults.add(Fault(kind, KINDS.get(name, "update"), path))
    with pytest.raises(OutcomeUnknownError):
        deed(client, ids)
    sent = [row for row in server.requests if row.method == method]
    assert len(sent) == 1, "not sent again by itself"
    counts = [len(server.rows(rows)) for rows in ("mentor", "session", "bot", "bot-command")]
    result = deed(client, ids)
    assert [len(server.rows(rows)) for rows in ("mentor", "session", "bot", "bot-command")] == counts
    if KINDS.get(name) == "create":
        assert len([row for row in server.requests if row.method == method]) == 1
        assert not (result[1] if isinstance(result, tuple) else result.created)
