"""Which platform is spoken to and how one logs in: config file + environment → `Target`. Read once, by the command line.

Targets are named in `authoring.toml`, beside `course.yaml` or in the user's config folder (a name in the first hides the
same one in the second):

    default = "staging"                          # optional; without it no target means the embedded sandbox

    [targets.staging]
    cms_url = "https://studio.staging.example.org"
    lms_url = "https://staging.example.org"
    client_id = "course-authoring"
    client_secret_env = "STAGING_CLIENT_SECRET"  # the name of a variable; secrets are never in the file

Environment variables override the file: with `IBL_CMS_URL` set, that is the target.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from authoring.diagnostics import suggest
from authoring.errors import SettingsError
from authoring.settings.target import (
    LMS_TOKEN_PATH,
    MANAGER_TOKEN_PATH,
    SANDBOX,
    ClientCredentials,
    DialectName,
    Options,
    PassportRoute,
    PdfBlock,
    ScormUpload,
    Secret,
    StudioSession,
    Target,
)

FILE_NAME = "authoring.toml"

_URLS = {
    "cms_url": "IBL_CMS_URL",
    "lms_url": "IBL_LMS_URL",
    "manager_url": "IBL_MANAGER_URL",
    "asgi_url": "IBL_ASGI_URL",
}
_TEXTS = {
    "client_id": "IBL_CLIENT_ID",
    "manager_client_id": "IBL_MANAGER_CLIENT_ID",
    "tenant": "IBL_TENANT",
    "username": "IBL_USERNAME",
    "dialect": "IBL_DIALECT",
}
_SECRETS = {
    "client_secret": "IBL_CLIENT_SECRET",
    "manager_client_secret": "IBL_MANAGER_CLIENT_SECRET",
    "platform_api_key": "IBL_PLATFORM_API_KEY",
    "studio_session": "IBL_STUDIO_SESSION",
    "studio_csrf": "IBL_STUDIO_CSRF",
}
_OTHERS = (
    "session_cookie",
    "scorm_category",
    "scorm_upload",
    "lti_passports",
    "pdf_block",
    "component_create",
    "stock_routes",
    "timeout",
)
_KEYS = (*_URLS, *_TEXTS, *(f"{name}_env" for name in _SECRETS), *_OTHERS)

Table = Mapping[str, object]


def load_target(
    name: str | None, course_dir: Path, environ: Mapping[str, str], *, user_dir: Path | None = None
) -> Target | None:
    """The target to work with; None means the embedded sandbox.

    In this order: `name`, `IBL_CMS_URL`, the file's `default`. The name `sandbox` always means the embedded one.
    Raises SettingsError when a file, a value or a login is missing or wrong, with what to do about it.
    """
    if name == SANDBOX:
        return None
    tables, default = _read_files(course_dir, user_dir)
    cms_url = environ.get("IBL_CMS_URL", "").strip()
    if name is not None and name not in tables:
        known = ", ".join(sorted(tables)) or "none is configured"
        raise SettingsError(
            f"no target named {name!r} (known: {known}; and {SANDBOX})",
            suggest(name, (*tables, SANDBOX)) or f"add [targets.{name}] to {FILE_NAME} beside course.yaml",
        )
    if cms_url:
        address = _url("IBL_CMS_URL", cms_url)
        if name is not None:
            return _named_over_environment(name, tables[name], address, environ)
        for known_name, (table, where) in tables.items():
            if _same_address(table, address):
                return _target(known_name, table, where, environ)
        return _target("environment", {}, "environment variables", environ)
    chosen = name or default
    if chosen is None or chosen == SANDBOX:
        return None
    if chosen not in tables:
        raise SettingsError(
            f"the default target {chosen!r} is not configured",
            suggest(chosen, tables) or f"add [targets.{chosen}] to {FILE_NAME}, or remove `default`",
        )
    table, where = tables[chosen]
    return _target(chosen, table, where, environ)


def config_files(course_dir: Path, user_dir: Path | None = None) -> tuple[Path, Path]:
    """Where settings are looked for: beside the course, then in the user's own config folder."""
    return course_dir / FILE_NAME, (user_dir or platformdirs.user_config_path("authoring")) / FILE_NAME


def _named_over_environment(name: str, found: tuple[Table, str], address: str, environ: Mapping[str, str]) -> Target:
    table, where = found
    if not _same_address(table, address):
        raise SettingsError(
            f"two targets are asked for: {name!r} by name ({table.get('cms_url')}), {address} by IBL_CMS_URL",
            "unset IBL_CMS_URL, or leave the name out",
        )
    return _target(name, table, where, environ)


def _same_address(table: Table, address: str) -> bool:
    value = table.get("cms_url")
    return isinstance(value, str) and _url("cms_url", value) == address


def _read_files(course_dir: Path, user_dir: Path | None) -> tuple[dict[str, tuple[Table, str]], str | None]:
    """Target tables by name, each with the file it stands in, and the default target's name."""
    tables: dict[str, tuple[Table, str]] = {}
    default: str | None = None
    for path in config_files(course_dir, user_dir):
        content = _read_toml(path)
        for key in content.keys() - {"default", "targets"}:
            raise SettingsError(
                f"{path}: unknown key {key!r}",
                suggest(key, ("default", "targets")) or "a target is a table: [targets.NAME]",
            )
        targets = content.get("targets", {})
        if not isinstance(targets, dict):
            raise SettingsError(f"{path}: `targets` is not a table", "write [targets.NAME], then its keys")
        for name, table in targets.items():
            if not isinstance(table, dict):
                raise SettingsError(
                    f"{path}: `targets.{name}` is not a table", f"write [targets.{name}], then its keys"
                )
            if name == SANDBOX:
                raise SettingsError(
                    f"{path}: the name {SANDBOX!r} stands for the embedded sandbox", "give the target another name"
                )
            _check_table(path, name, table)
            tables.setdefault(name, (table, str(path)))
        chosen = content.get("default")
        if chosen is not None and not isinstance(chosen, str):
            raise SettingsError(f"{path}: `default` is not text", "write the name of a target in quotes")
        default = default or chosen
    return tables, default


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text", "save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}", "see docs/commands.md for an example") from error
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})", "check the file's permissions") from error


def _check_table(path: Path, name: str, table: Table) -> None:
    for key, value in table.items():
        where = f"{path}: targets.{name}.{key}"
        if key in _SECRETS:
            raise SettingsError(
                f"{where}: a secret does not belong in a file",
                f'put it into an environment variable and write {key}_env = "NAME"; change the secret if the file was'
                " ever shared",
            )
        if key not in _KEYS:
            raise SettingsError(f"{where}: unknown key", suggest(key, _KEYS) or f"known keys: {', '.join(_KEYS)}")
        if key.endswith("_env") and not (isinstance(value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value)):
            raise SettingsError(
                f"{where}: not the name of an environment variable",
                "write the variable's name, not the secret itself",
            )


@dataclass(frozen=True, slots=True)
class _Reader:
    """One target's table with the environment over it."""

    table: Table
    where: str
    environ: Mapping[str, str]

    def text(self, key: str) -> str | None:
        variable = {**_URLS, **_TEXTS}.get(key)
        given = self.environ.get(variable, "").strip() if variable else ""
        if given:
            return given
        value = self.table.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise SettingsError(f"{self.where}: `{key}` is not text", "write it in quotes")
        return value.strip()

    def address(self, key: str) -> str | None:
        value = self.text(key)
        if value is None:
            return None
        variable = _URLS[key]
        return _url(variable if self.environ.get(variable, "").strip() else key, value)

    def variable(self, key: str) -> str:
        """The environment variable that holds a secret: the file may name another one than the usual."""
        return str(self.table.get(f"{key}_env", _SECRETS[key]))

    def secret(self, key: str) -> Secret | None:
        value = self.environ.get(self.variable(key), "")
        if not value.strip():
            if f"{key}_env" in self.table:
                raise SettingsError(
                    f"{self.where}: the environment variable {self.variable(key)} is not set",
                    f"set it to the target's {key.replace('_', ' ')}",
                )
            return None
        return Secret(value)

    def flag(self, key: str) -> bool | None:
        value = self.table.get(key)
        if value is not None and not isinstance(value, bool):
            raise SettingsError(f"{self.where}: `{key}` is not true or false", "write true or false, without quotes")
        return value

    def choice(self, key: str, kind: type[StrEnum]) -> str | None:
        value = self.text(key)
        known = [str(member) for member in kind]
        if value is not None and value not in known:
            raise SettingsError(
                f"{self.where}: `{key}` is {value!r}", suggest(value, known) or f"one of: {', '.join(known)}"
            )
        return value


def _target(name: str, table: Table, where: str, environ: Mapping[str, str]) -> Target:
    reader = _Reader(table, where, environ)
    cms_url = reader.address("cms_url")
    if cms_url is None:
        raise SettingsError(f"{where}: the target {name!r} has no `cms_url`", "add the address of Studio")
    lms_url, manager_url = reader.address("lms_url"), reader.address("manager_url")
    dialect = DialectName(reader.choice("dialect", DialectName) or DialectName.IBL)
    session = _session(reader)
    oauth = _credentials(reader, "client_id", "client_secret", LMS_TOKEN_PATH)
    if oauth is not None and lms_url is None:
        raise SettingsError(
            f"{where}: a client id without the address of the LMS, which gives out the tokens",
            "set IBL_LMS_URL, or `lms_url` in the target",
        )
    manager_oauth = _credentials(reader, "manager_client_id", "manager_client_secret", MANAGER_TOKEN_PATH)
    if session is None and oauth is None:
        raise SettingsError(
            f"the target {name!r} ({cms_url}) has no login",
            f"set {reader.variable('studio_session')} and {reader.variable('studio_csrf')} (cookies of a browser that"
            f" is logged in to Studio), or IBL_CLIENT_ID and {reader.variable('client_secret')}",
        )
    options = _options(reader, dialect)
    if dialect is DialectName.STUDIO and session is None and not options.stock_routes:
        raise SettingsError(
            f"the target {name!r} is a stock Studio, whose course routes take only a session",
            f"set {reader.variable('studio_session')} and {reader.variable('studio_csrf')}",
        )
    return Target(
        name=name,
        cms_url=cms_url,
        lms_url=lms_url,
        manager_url=manager_url,
        asgi_url=reader.address("asgi_url"),
        dialect=dialect,
        session=session,
        oauth=oauth,
        manager_oauth=manager_oauth,
        api_key=reader.secret("platform_api_key"),
        tenant=reader.text("tenant"),
        username=reader.text("username"),
        options=options,
        origin=where,
    )


def _session(reader: _Reader) -> StudioSession | None:
    session, csrf = reader.secret("studio_session"), reader.secret("studio_csrf")
    if session is None and csrf is None:
        return None
    if session is None or csrf is None:
        missing = reader.variable("studio_csrf" if csrf is None else "studio_session")
        raise SettingsError(f"a Studio session needs two cookies, and {missing} is not set", f"set {missing} as well")
    cookie = reader.text("session_cookie") or "studio_session_id"
    for key, secret in (("studio_session", session), ("studio_csrf", csrf)):
        problem = _cookie_problem(secret.reveal(), (cookie, "csrftoken"))
        if problem:
            raise SettingsError(
                f"{reader.variable(key)} is not a cookie's value: {problem}",
                "copy the value alone from the browser's developer tools (Application, Cookies)",
            )
    return StudioSession(session, csrf, cookie)


def _cookie_problem(value: str, names: tuple[str, ...]) -> str | None:
    """What is wrong with a cookie's value, in words; a malformed one makes Studio answer 500, as if it were broken."""
    if value[0] in "\"'" or value[-1] in "\"'":
        return "it has quotes around it"
    if any(char in value for char in "\r\n"):
        return "it has a line break in it"
    if value != value.strip() or " " in value or "\t" in value:
        return "it has white space in it"
    if any(value.startswith(f"{name}=") for name in names):
        return "it starts with the cookie's name"
    if ";" in value or "," in value or '"' in value or "\\" in value:
        return 'it has a character in it that no cookie value has (one of ; , " \\)'
    if not value.isascii() or not value.isprintable():
        return "it has characters in it that are not plain ASCII"
    return None


def _credentials(reader: _Reader, id_key: str, secret_key: str, token_path: str) -> ClientCredentials | None:
    client_id, secret = reader.text(id_key), reader.secret(secret_key)
    if client_id is None and secret is None:
        return None
    if client_id is None or secret is None:
        missing = reader.variable(secret_key) if secret is None else _TEXTS[id_key]
        raise SettingsError(f"client credentials need an id and a secret, and {missing} is not set", f"set {missing}")
    return ClientCredentials(client_id, Secret(secret.reveal().strip()), token_path)


SCORM_NAMES = {DialectName.IBL: "ibl_openedx_scorm_xblock", DialectName.STUDIO: "scorm"}
PDF_BLOCKS = {DialectName.IBL: PdfBlock.HREF, DialectName.STUDIO: PdfBlock.URL}
"""What platforms of each kind usually have; `scorm_category` and `pdf_block` say otherwise."""


def _options(reader: _Reader, dialect: DialectName) -> Options:
    timeout = reader.table.get("timeout", Options().timeout)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= 3600:
        raise SettingsError(f"{reader.where}: `timeout` is not a number of seconds up to 3600", "e.g. timeout = 60")
    upload = reader.choice("scorm_upload", ScormUpload)
    passports = reader.choice("lti_passports", PassportRoute)
    return Options(
        scorm_category=reader.text("scorm_category") or SCORM_NAMES[dialect],
        scorm_upload=ScormUpload(upload) if upload else None,
        lti_passports=PassportRoute(passports) if passports else PassportRoute.ENDPOINT,
        pdf_block=PdfBlock(reader.choice("pdf_block", PdfBlock) or PDF_BLOCKS[dialect]),
        component_create=reader.flag("component_create") is not False,
        stock_routes=reader.flag("stock_routes"),
        timeout=float(timeout),
    )


def _url(name: str, value: str) -> str:
    """An address in one form: lower-case host, no slash at the end. Raises SettingsError."""
    try:
        parts = urlsplit(value.strip())
        port = parts.port
    except ValueError as error:
        raise SettingsError(f"{name} is not an address: {value!r}", "e.g. https://studio.example.org") from error
    schemes = ("ws", "wss") if name in ("asgi_url", "IBL_ASGI_URL") else ("http", "https")
    if parts.scheme.lower() not in schemes or not parts.hostname:
        raise SettingsError(
            f"{name} is not an address with {' or '.join(f'{scheme}://' for scheme in schemes)}: {value!r}",
            f"e.g. {schemes[-1]}://studio.example.org",
        )
    if parts.username or parts.password:
        raise SettingsError(f"{name} has a login in it", "leave it out of the address; see `authoring doctor`")
    if parts.query or parts.fragment or any(char.isspace() for char in value.strip()):
        raise SettingsError(f"{name} is more than an address: {value!r}", "leave out what follows the path")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"https": 443, "http": 80, "wss": 443, "ws": 80}[parts.scheme.lower()]
    shown = "" if port in (None, default) else f":{port}"
    return f"{parts.scheme.lower()}://{host}{shown}{parts.path.rstrip('/')}"
