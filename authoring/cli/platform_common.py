"""What the commands below `authoring platform` share: the connection, consent, secrets from the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import yaml

from authoring.cli.output import CONSENT, stderr_console
from authoring.client import Client
from authoring.errors import SourceError
from authoring.sandbox import DOCUMENTED, Profile, SandboxServer
from authoring.session import SANDBOX_FILE
from authoring.settings import Secret, load_target, sandbox_target
from authoring.state import local_folder

F = TypeVar("F", bound=Callable[..., Any])


@contextmanager
def connected(target_name: str | None, place: Path = Path(), profile: Profile = DOCUMENTED) -> Iterator[Client]:
    """A client of the target that the folder `place` names; without one, of its embedded sandbox. Raises SettingsError."""
    target = load_target(target_name, place, os.environ)
    if target is not None:
        with Client(target) as client:
            yield client
        return
    stderr_console().print("No target is configured: this is the embedded sandbox.", style="dim")
    with (
        SandboxServer(local_folder(place) / SANDBOX_FILE, profile) as server,
        Client(sandbox_target(server.url)) as client,
    ):
        yield client


def organisation(function: F) -> F:
    """`--org`: which tenant."""
    return click.option("--org", metavar="TENANT", help="The tenant. Default: the target's.")(function)


def on_behalf(function: F) -> F:
    """`--as`: whose mentors and sessions."""
    return click.option("--as", "user", metavar="USERNAME", help="On whose behalf. Default: the target's username.")(
        function
    )


def consented(function: F) -> F:
    """`--yes`: consent to what cannot be undone."""
    return click.option("--yes", is_flag=True, help="Do it without asking.")(function)


def ask_consent(question: str, *, yes: bool) -> None:
    """Go on only with consent: the flag, or an answer at a terminal. Exits with 7 otherwise; nothing was sent."""
    if yes:
        return
    if sys.stdin.isatty() and click.confirm(question, err=True):
        return
    stderr_console().print(f"{question} Nothing was sent: --yes consents.", markup=False)
    sys.exit(CONSENT)


def secret_from(variable: str) -> Secret:
    """The secret in an environment variable. Raises SourceError when it is not set."""
    value = os.environ.get(variable, "")
    if not value:
        raise SourceError(
            f"the environment variable {variable} is not set", hint="put the secret into it, and its name here"
        )
    return Secret(value)


def password_from(variable: str | None) -> Secret:
    """The password in an environment variable, or typed at a terminal."""
    if variable is not None:
        return secret_from(variable)
    if not sys.stdin.isatty():
        raise SourceError("no password", hint="name an environment variable with it: --password-env NAME")
    return Secret(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def pairs(settings: Iterable[str], option: str) -> dict[str, str]:
    """`NAME=VALUE` options."""
    found: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise click.BadParameter("is not NAME=VALUE", param_hint=option)
        found[name] = value
    return found


def settings_from(file: Path | None, settings: Iterable[str]) -> dict[str, Any]:
    """Settings of a YAML or JSON file, and over them those of `--set NAME=VALUE`, whose values are read as YAML."""
    found: dict[str, Any] = {}
    try:
        if file is not None:
            read = yaml.safe_load(file.read_text("utf-8"))
            if not isinstance(read, Mapping):
                raise SourceError(f"{file}: not a list of settings", hint="write `name: value` lines")
            found.update(read)
        found.update({name: yaml.safe_load(value) for name, value in pairs(settings, "--set").items()})
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file}: cannot be read", hint="check the name; it is YAML in UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}" if file is not None and mark is not None else "--set"
        raise SourceError(f"{place}: not YAML ({getattr(error, 'problem', error)})") from error
    return found
