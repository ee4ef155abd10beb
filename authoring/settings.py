"""Targets: where a course goes, and with which login. Read once, at the edge, by the command line.

A target is named in `authoring.toml` beside `course.yaml`, or in the user's own configuration folder; environment variables
override it. Secrets never stand in a file: they come from the environment.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from authoring.diagnostics import suggest
from authoring.errors import SettingsError

CONFIG_NAME = "authoring.toml"


class DialectName(StrEnum):
    """Which endpoints a target has."""

    IBL = "ibl"
    STUDIO = "studio"


class Secret:
    """A value that shows itself to nobody who does not ask: `reveal()`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('********')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """OAuth2 client credentials of the LMS."""

    client_id: str
    client_secret: Secret


@dataclass(frozen=True, slots=True)
class StudioSession:
    """A person's Studio session: the cookies `studio_session_id` and `csrftoken`."""

    session_id: Secret
    csrf_token: Secret


@dataclass(frozen=True, slots=True)
class Target:
    """One platform and the login for it. Addresses have no trailing slash."""

    name: str
    cms_url: str
    lms_url: str | None = None
    manager_url: str | None = None
    asgi_url: str | None = None
    dialect: DialectName = DialectName.IBL
    oauth: OAuthClient | None = None
    session: StudioSession | None = None
    tenant: str | None = None
    username: str | None = None
    scorm_category: str = "ibl_openedx_scorm_xblock"
    component_create: bool = True
    """Use the call that makes a component complete, where the platform documents one."""
    timeout: float = 60.0
    """Seconds to wait for an answer."""
    identity: str = field(default="")
    """How the lock file calls this target: the same for everybody who works on the course."""

    def __post_init__(self) -> None:
        if not self.identity:
            object.__setattr__(self, "identity", self.cms_url)


_URLS = ("cms_url", "lms_url", "manager_url", "asgi_url")
_VARIABLES = {
    "cms_url": "IBL_CMS_URL",
    "lms_url": "IBL_LMS_URL",
    "manager_url": "IBL_MANAGER_URL",
    "asgi_url": "IBL_ASGI_URL",
    "tenant": "IBL_TENANT",
    "username": "IBL_USERNAME",
}
_OPTIONS = ("dialect", "scorm_category", "component_create", "timeout")
_SECRETS = (
    "client_id",
    "client_secret",
    "session",
    "csrf",
    "password",
    "token",
    "api_key",
    "studio_session_id",
)


def load_target(name: str | None, course_folder: Path, environ: Mapping[str, str]) -> Target | None:
    """The target to work on; None stands for the embedded sandbox.

    `name` is looked for in `authoring.toml` of the course folder, then in the user's own. Without a name the target is
    what `IBL_CMS_URL` says, if it is set. Raises SettingsError.
    """
    rows: dict[str, object] = {}
    if name is not None:
        rows = _named(name, course_folder)
    elif not environ.get("IBL_CMS_URL"):
        return None
    for key, variable in _VARIABLES.items():
        if environ.get(variable):
            rows[key] = environ[variable]
    if environ.get("IBL_DIALECT"):
        rows["dialect"] = environ["IBL_DIALECT"]
    label = name or "IBL_CMS_URL"
    if "cms_url" not in rows:
        raise SettingsError(
            f"the target {label!r} has no cms_url", "write cms_url into authoring.toml, or set IBL_CMS_URL"
        )
    urls = {key: _url(str(rows[key]), key) for key in _URLS if rows.get(key)}
    return Target(
        name=label,
        cms_url=urls["cms_url"],
        lms_url=urls.get("lms_url"),
        manager_url=urls.get("manager_url"),
        asgi_url=urls.get("asgi_url"),
        dialect=_dialect(rows.get("dialect", "ibl")),
        oauth=_oauth(environ),
        session=_session(environ),
        tenant=_text(rows, "tenant"),
        username=_text(rows, "username"),
        scorm_category=_text(rows, "scorm_category") or "ibl_openedx_scorm_xblock",
        component_create=_flag(rows, "component_create", True),
        timeout=_seconds(rows),
    )


def sandbox_target(url: str) -> Target:
    """The embedded sandbox at `url`, with both of its logins (docs/sandbox.md)."""
    return Target(
        name="sandbox",
        cms_url=url,
        lms_url=url,
        manager_url=url,
        oauth=OAuthClient("sandbox", Secret("sandbox")),
        session=StudioSession(Secret("sandbox"), Secret("sandbox")),
        identity="sandbox",
    )


def _named(name: str, course_folder: Path) -> dict[str, object]:
    known: list[str] = []
    for folder in (course_folder, Path(platformdirs.user_config_dir("authoring"))):
        path = folder / CONFIG_NAME
        try:
            config = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise SettingsError(f"{path}: cannot be read ({error})", "see docs/commands.md for its form") from error
        targets = config.get("targets", {})
        if not isinstance(targets, dict):
            raise SettingsError(f"{path}: `targets` must hold one table a target", "write [targets.NAME]")
        if name in targets:
            return _checked(targets[name], f"{path}: [targets.{name}]")
        known.extend(targets)
    hint = suggest(name, known) or (f"known: {', '.join(sorted(known))}" if known else "write it into authoring.toml")
    raise SettingsError(f"no target {name!r}", hint)


def _checked(row: object, place: str) -> dict[str, object]:
    if not isinstance(row, dict):
        raise SettingsError(f"{place} must be a table", "write `cms_url = …` below it")
    for key in row:
        if key in _SECRETS:
            raise SettingsError(
                f"{place}: {key} must not stand in a file",
                "set the environment variable instead (docs/commands.md)",
            )
        if key not in (*_URLS, "tenant", "username", *_OPTIONS):
            known = (*_URLS, "tenant", "username", *_OPTIONS)
            raise SettingsError(f"{place}: unknown key {key!r}", suggest(key, known) or f"known: {', '.join(known)}")
    return dict(row)


def _url(text: str, key: str) -> str:
    parts = urlsplit(text)
    schemes = ("ws", "wss") if key == "asgi_url" else ("http", "https")
    if parts.scheme not in schemes or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"{key} {text!r} is not an address", f"write it as {schemes[-1]}://host")
    if parts.username or parts.password:
        raise SettingsError(f"{key} must not hold a user name or password", "logins come from the environment")
    return text.rstrip("/")


def _dialect(value: object) -> DialectName:
    try:
        return DialectName(str(value))
    except ValueError as error:
        names = [str(name) for name in DialectName]
        raise SettingsError(
            f"unknown dialect {value!r}", suggest(str(value), names) or f"known: {', '.join(names)}"
        ) from error


def _oauth(environ: Mapping[str, str]) -> OAuthClient | None:
    client_id, client_secret = environ.get("IBL_CLIENT_ID"), environ.get("IBL_CLIENT_SECRET")
    if bool(client_id) != bool(client_secret):
        raise SettingsError("only one of IBL_CLIENT_ID and IBL_CLIENT_SECRET is set", "set both or none")
    return OAuthClient(client_id, Secret(client_secret)) if client_id and client_secret else None


def _session(environ: Mapping[str, str]) -> StudioSession | None:
    session_id, csrf = environ.get("IBL_STUDIO_SESSION"), environ.get("IBL_STUDIO_CSRF")
    if bool(session_id) != bool(csrf):
        raise SettingsError("only one of IBL_STUDIO_SESSION and IBL_STUDIO_CSRF is set", "set both or none")
    if not session_id or not csrf:
        return None
    for variable, value in (("IBL_STUDIO_SESSION", session_id), ("IBL_STUDIO_CSRF", csrf)):
        # A malformed cookie is answered with a server error that looks like the platform's own fault.
        if any(char in value for char in "\"' ;,\r\n\t") or not value.isascii():
            raise SettingsError(
                f"{variable} does not look like a cookie's value",
                "copy the value alone, without quotes, name or blanks",
            )
    return StudioSession(Secret(session_id), Secret(csrf))


def _text(rows: Mapping[str, object], key: str) -> str | None:
    value = rows.get(key)
    if value is not None and not isinstance(value, str):
        raise SettingsError(f"{key} must be text", f'write {key} = "…"')
    return value


def _flag(rows: Mapping[str, object], key: str, default: bool) -> bool:
    value = rows.get(key, default)
    if not isinstance(value, bool):
        raise SettingsError(f"{key} must be true or false", None)
    return value


def _seconds(rows: Mapping[str, object]) -> float:
    value = rows.get("timeout", 60.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 3600:
        raise SettingsError("timeout must be a number of seconds up to 3600", None)
    return float(value)


def with_timeout(target: Target, seconds: float) -> Target:
    """The same target, waiting `seconds` for an answer."""
    return replace(target, timeout=seconds)
