"""`authoring platform mentor|bot|bot-command …` and `authoring chat`."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from authoring.cli import options
from authoring.cli.output import INTERRUPTED, echo, echo_json, error_report, fail, handle_errors, stderr_console
from authoring.cli.platform_common import (
    ask_consent,
    connected,
    consented,
    on_behalf,
    organisation,
    pairs,
    secret_from,
    settings_from,
)
from authoring.errors import AuthoringError, SourceError
from authoring.platform.bots import SECRET_NAMES, BotResult, Bots, BotSecrets, Provider
from authoring.platform.chat import Chat, EventKind
from authoring.platform.mentors import Mentors, MentorSettings


def register(group: click.Group) -> None:
    """Add the commands for mentors and bots to `authoring platform`."""
    for command in (mentor, bot, bot_command):
        group.add_command(command)


# -- mentors ------------------------------------------------------------------------------------------------------------


@click.group()
def mentor() -> None:
    """Mentors, and sessions with them."""


@mentor.command("create")
@click.argument("name")
@click.option(
    "--template", default="ai-mentor", show_default=True, help="ai-mentor answers from documents, ai-agent uses tools."
)
@click.option("--settings", "file", type=click.Path(path_type=Path), help="A YAML file of settings.")
@click.option("--set", "values", multiple=True, metavar="NAME=VALUE", help="A setting; may be repeated.")
@organisation
@on_behalf
@options.target
@options.as_json
@handle_errors
def create_mentor(
    name: str,
    template: str,
    file: Path | None,
    values: tuple[str, ...],
    org: str | None,
    user: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Make a mentor unless there is one of that name."""
    given = settings_from(file, values)
    settings = MentorSettings.read({**given, "new_mentor_name": name, "template_name": template})
    with connected(target_name) as client:
        result = Mentors(client, org, user).create(settings)
    if as_json:
        echo_json(result.to_json())
    else:
        state = "made" if result.created else "was there already, and was left as it is"
        echo(f"{result.mentor.name}: {state} ({result.mentor.unique_id or result.mentor.id})")
    for difference in result.not_taken:
        stderr_console().print(f"warning: not taken: {difference}", markup=False)
    if result.unverified:
        stderr_console().print(f"note: cannot be read back: {', '.join(result.unverified)}", markup=False)


@mentor.command("list")
@organisation
@on_behalf
@options.target
@options.as_json
@handle_errors
def list_mentors(org: str | None, user: str | None, target_name: str | None, as_json: bool) -> None:
    """List the mentors."""
    with connected(target_name) as client:
        rows = Mentors(client, org, user).list()
    if as_json:
        echo_json({"mentors": [row.model_dump() for row in rows]})
        return
    for row in rows:
        echo(f"{row.id if row.id is not None else '-':>6}  {row.unique_id or '-'}  {row.name}")


@mentor.command("show")
@click.argument("name")
@organisation
@on_behalf
@options.target
@options.as_json
@handle_errors
def show_mentor(name: str, org: str | None, user: str | None, target_name: str | None, as_json: bool) -> None:
    """Show a mentor (name, slug or unique id) with its settings."""
    with connected(target_name) as client:
        mentors = Mentors(client, org, user)
        found = mentors.find(name)
        if found is None:
            raise SourceError(f"there is no mentor {name!r}", hint="`authoring platform mentor list`")
        settings = mentors.read_settings(found.unique_id or found.name).model_dump()
    if as_json:
        echo_json({"mentor": found.model_dump(), "settings": settings})
        return
    echo(f"{found.name} ({found.unique_id or found.id})")
    for key, value in settings.items():
        if value is not None:
            echo(f"  {key}: {json.dumps(value, ensure_ascii=False)}")


@mentor.command("session")
@click.argument("name")
@click.option("--tool", "tools", multiple=True, help="A tool's slug; may be repeated. Default: all.")
@click.option("--no-tools", is_flag=True, help="No tools.")
@organisation
@on_behalf
@options.target
@options.as_json
@handle_errors
def open_session(
    name: str,
    tools: tuple[str, ...],
    no_tools: bool,
    org: str | None,
    user: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Get the session with a mentor, or begin one."""
    with connected(target_name) as client:
        found = Mentors(client, org, user).open_session(name, tools=() if no_tools else tools or None)
    if as_json:
        echo_json(found.model_dump())
    else:
        echo(found.session_id)


# -- bots ---------------------------------------------------------------------------------------------------------------


@click.group()
def bot() -> None:
    """Bots in messengers."""


def _secret_options(function: Callable[..., None]) -> Callable[..., None]:
    names = ", ".join(SECRET_NAMES)
    for option in reversed(
        (
            click.option(
                "--secret-env",
                "secrets",
                multiple=True,
                metavar="NAME=VARIABLE",
                help=f"A secret ({names}) in a variable.",
            ),
            click.option("--config-env", metavar="VARIABLE", help="The variable with further settings, as JSON."),
        )
    ):
        function = option(function)
    return function


def _secrets(given: tuple[str, ...], config_env: str | None) -> BotSecrets | None:
    variables = pairs(given, "--secret-env")
    unknown = sorted(variables.keys() - set(SECRET_NAMES))
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(SECRET_NAMES)}", param_hint="--secret-env")
    config: dict[str, Any] = {}
    if config_env is not None:
        try:
            config = json.loads(secret_from(config_env).reveal())
        except ValueError:
            config = []  # type: ignore[assignment]  # told below, without the words of it
        if not isinstance(config, dict):
            raise SourceError(f"the environment variable {config_env} holds no JSON object")
    held = {name: secret_from(variable) for name, variable in variables.items()}
    return BotSecrets(**held, config=config) if held or config else None


@bot.command("create")
@click.argument("name")
@click.argument("provider", type=click.Choice([str(provider) for provider in Provider]))
@_secret_options
@organisation
@options.target
@options.as_json
@handle_errors
def create_bot(
    name: str,
    provider: str,
    secrets: tuple[str, ...],
    config_env: str | None,
    org: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Make a bot unless there is one of that name at that provider."""
    held = _secrets(secrets, config_env)
    with connected(target_name) as client:
        _show_bot(Bots(client, org).create(name, Provider(provider), held), "made", as_json=as_json)


@bot.command("update")
@click.argument("number", metavar="ID", type=int)
@click.option("--name", help="Another name.")
@_secret_options
@organisation
@options.target
@options.as_json
@handle_errors
def update_bot(
    number: int,
    name: str | None,
    secrets: tuple[str, ...],
    config_env: str | None,
    org: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Change a bot."""
    held = _secrets(secrets, config_env)
    with connected(target_name) as client:
        _show_bot(Bots(client, org).update(number, name=name, secrets=held), "changed", as_json=as_json)


def _show_bot(result: BotResult, deed: str, *, as_json: bool) -> None:
    if as_json:
        echo_json(result.to_json())
    else:
        there = deed == "made" and not result.created
        state = "was there already, and was left as it is" if there else deed
        echo(f"{result.bot.id}  {result.bot.name} ({result.bot.provider}): {state}")
    for problem in result.problems:
        stderr_console().print(f"warning: {problem}", markup=False)


@bot.command("delete")
@click.argument("number", metavar="ID", type=int)
@consented
@organisation
@options.target
@options.as_json
@handle_errors
def delete_bot(number: int, yes: bool, org: str | None, target_name: str | None, as_json: bool) -> None:
    """Delete a bot, with its commands."""
    ask_consent(f"Delete bot {number} and its commands?", yes=yes)
    with connected(target_name) as client:
        _show_deleted(Bots(client, org).delete(number), f"bot {number}", as_json=as_json)


@bot.command("list")
@organisation
@options.target
@options.as_json
@handle_errors
def list_bots(org: str | None, target_name: str | None, as_json: bool) -> None:
    """List the bots."""
    with connected(target_name) as client:
        rows = Bots(client, org).list()
    if as_json:
        echo_json({"bots": [row.to_json() for row in rows]})
        return
    for row in rows:
        echo(f"{row.id:>6}  {row.provider:<9} {'configured' if row.is_configured else 'not configured':<15} {row.name}")


def _show_deleted(deleted: bool, what: str, *, as_json: bool) -> None:
    if as_json:
        echo_json({"deleted": deleted})
    else:
        echo(f"{what}: {'deleted' if deleted else 'there was none'}")


@click.group("bot-command")
def bot_command() -> None:
    """Words that, said to a bot, lead to a mentor."""


@bot_command.command("create")
@click.argument("command")
@click.option("--mentor", "mentor_id", type=int, required=True, help="The mentor's number (`mentor list`).")
@click.option("--bot", "bot_id", type=int, required=True, help="The bot's number (`bot list`).")
@organisation
@options.target
@options.as_json
@handle_errors
def create_command(
    command: str, mentor_id: int, bot_id: int, org: str | None, target_name: str | None, as_json: bool
) -> None:
    """Make a command unless the bot has it."""
    with connected(target_name) as client:
        row, created = Bots(client, org).create_command(command, mentor_id, bot_id)
    if as_json:
        echo_json({"created": created, "command": row.model_dump()})
    else:
        echo(f"{row.id}  {row.command}: {'made' if created else 'was there already'}")


@bot_command.command("update")
@click.argument("number", metavar="ID", type=int)
@click.option("--command", help="Another word.")
@click.option("--mentor", "mentor_id", type=int, help="Another mentor, by number.")
@click.option("--bot", "bot_id", type=int, help="Another bot, by number.")
@organisation
@options.target
@options.as_json
@handle_errors
def update_command(
    number: int,
    command: str | None,
    mentor_id: int | None,
    bot_id: int | None,
    org: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Change a command."""
    with connected(target_name) as client:
        row = Bots(client, org).update_command(number, command=command, mentor=mentor_id, bot=bot_id)
    if as_json:
        echo_json(row.model_dump())
    else:
        echo(f"{row.id}  {row.command}: bot {row.bot}, mentor {row.mentor}")


@bot_command.command("delete")
@click.argument("number", metavar="ID", type=int)
@consented
@organisation
@options.target
@options.as_json
@handle_errors
def delete_command(number: int, yes: bool, org: str | None, target_name: str | None, as_json: bool) -> None:
    """Delete a command."""
    ask_consent(f"Delete command {number}?", yes=yes)
    with connected(target_name) as client:
        _show_deleted(Bots(client, org).delete_command(number), f"command {number}", as_json=as_json)


@bot_command.command("list")
@click.option("--bot", "bot_id", type=int, help="Of this bot alone, by number.")
@organisation
@options.target
@options.as_json
@handle_errors
def list_commands(bot_id: int | None, org: str | None, target_name: str | None, as_json: bool) -> None:
    """List the commands."""
    with connected(target_name) as client:
        rows = Bots(client, org).list_commands(bot_id)
    if as_json:
        echo_json({"commands": [row.model_dump() for row in rows]})
        return
    for row in rows:
        echo(f"{row.id:>6}  bot {row.bot}, mentor {row.mentor}  {row.command}")


# -- chat ---------------------------------------------------------------------------------------------------------------


@click.command()
@click.argument("name", metavar="MENTOR")
@click.option("--prompt", "prompts", multiple=True, help="What to ask; may be repeated. Default: each line of stdin.")
@click.option("--session", "session_id", metavar="ID", help="Go on with this session. Default: yours with the mentor.")
@click.option("--silence", type=click.FloatRange(min=1), metavar="SECONDS", help="How long a mentor may say nothing.")
@organisation
@on_behalf
@options.target
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document a line for each event.")
@handle_errors
def chat(
    name: str,
    prompts: tuple[str, ...],
    session_id: str | None,
    silence: float | None,
    org: str | None,
    user: str | None,
    target_name: str | None,
    as_json: bool,
) -> None:
    """Talk with a mentor: its answers as they come. Each prompt is sent once."""
    talk: Chat | None = None
    try:
        with connected(target_name) as client:
            session = session_id or Mentors(client, org, user).open_session(name).session_id
            talk = Chat(client.target, name, session, org=org, user=user, silence=silence)
            for prompt in prompts or _lines():
                _answer(talk, prompt, as_json=as_json)
    except AuthoringError as error:
        # An answer that broke off ends with a line of its own.
        if as_json:
            click.echo(json.dumps({"event": "error", **error_report(error)}, ensure_ascii=False))
        elif talk is not None and talk.sent:
            echo()
        fail(error)


def _answer(talk: Chat, prompt: str, *, as_json: bool) -> None:
    generation: str | None = None
    try:
        for event in talk.ask(prompt):
            generation = event.generation if event.kind is EventKind.STARTED else generation
            if as_json:
                click.echo(json.dumps(event.to_json(), ensure_ascii=False))
            elif event.kind is EventKind.TEXT:
                click.echo(_harmless(event.text), nl=False)
            elif event.kind is EventKind.END:
                echo()
            sys.stdout.flush()
    except KeyboardInterrupt:
        echo()
        if generation is not None:
            with suppress(AuthoringError):
                talk.stop(generation)
        stderr_console().print("Interrupted: this is not the whole answer.", style="red")
        sys.exit(INTERRUPTED)


def _lines() -> Iterator[str]:
    """The prompts that are typed, or come through a pipe; empty lines are passed over."""
    typed = sys.stdin.isatty()
    while True:
        if typed:
            click.echo("> ", nl=False, err=True)
        line = sys.stdin.readline()
        if not line:
            return
        if line.strip():
            yield line.strip()


def _harmless(text: str) -> str:
    """Without what would steer a terminal."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) != "Cc")


__all__ = ["chat", "register"]
