"""What a target is: a platform, the logins for it, how it differs from others. Values only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from authoring.calls import Service

SANDBOX = "sandbox"
"""The name of the embedded sandbox, which needs no settings."""

LMS_TOKEN_PATH = "/oauth2/access_token/"  # noqa: S105
MANAGER_TOKEN_PATH = "/oauth/token/"  # noqa: S105


class Secret:
    """A value that is never shown: not by print, repr, format, a traceback's locals or JSON. `reveal()` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret([secret])"

    def __str__(self) -> str:
        return "[secret]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


class DialectName(StrEnum):
    IBL = "ibl"
    """The ibl platform's own course endpoints, stock Studio for the rest."""
    STUDIO = "studio"
    """Stock Open edX Studio."""


class ScormUpload(StrEnum):
    """How a SCORM package is sent."""

    HANDLER = "handler"
    """To the block's own handler in Studio; needs a Studio session."""
    MULTIPART = "multipart"
    """To the ibl endpoint, as a form."""
    JSON = "json"
    """To the ibl endpoint, as JSON with the package as base64."""


class PassportRoute(StrEnum):
    """How an LTI passport is added on the ibl platform."""

    ENDPOINT = "endpoint"
    """By the call that is made for it."""
    ADVANCED_SETTINGS = "advanced-settings"
    """In the course's advanced settings, with those that are there; needs a Studio session."""


class PdfBlock(StrEnum):
    """Which block named `pdf` the platform has."""

    URL = "url"
    """xblocks-contrib's: an ordinary field `url`."""
    HREF = "href"
    """ibl-edx-pdf-xblock: `href`, which only its handler `save_pdf` stores."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """An OAuth2 application; `token_path` is below the service that gives out the tokens."""

    client_id: str
    client_secret: Secret
    token_path: str


@dataclass(frozen=True, slots=True)
class StudioSession:
    """The cookies of a browser that is logged in to Studio; `cookie` is the session cookie's name."""

    session: Secret
    csrf: Secret
    cookie: str = "studio_session_id"


@dataclass(frozen=True, slots=True)
class Options:
    """How one deployment differs from another."""

    scorm_category: str = "scorm"
    """What the platform calls the block that the tree calls `scorm`."""
    scorm_upload: ScormUpload | None = None
    """None: through the handler with a Studio session, else as a form."""
    lti_passports: PassportRoute = PassportRoute.ENDPOINT
    pdf_block: PdfBlock = PdfBlock.URL
    component_create: bool = True
    """Use the call that makes a component complete, for the categories that it is documented for."""
    stock_routes: bool | None = None
    """Whether the login opens Studio's own routes. None: a Studio session does, client credentials do not."""
    timeout: float = 60.0
    """Seconds to wait for an answer; uploads and publishing get four times as long."""


@dataclass(frozen=True, slots=True)
class Target:
    """A platform: where it is, how to log in, which dialect it speaks. Has at least one login for the CMS."""

    name: str
    cms_url: str
    lms_url: str | None = None
    manager_url: str | None = None
    asgi_url: str | None = None
    dialect: DialectName = DialectName.IBL
    session: StudioSession | None = None
    oauth: ClientCredentials | None = None
    manager_oauth: ClientCredentials | None = None
    api_key: Secret | None = None
    tenant: str | None = None
    username: str | None = None
    options: Options = field(default_factory=Options)
    origin: str = ""
    """Where these settings come from, in words."""

    @property
    def identity(self) -> str:
        """What lock files name the target by: its CMS address, whatever the target is called on this machine."""
        return SANDBOX if self.name == SANDBOX else self.cms_url

    @property
    def has_stock_routes(self) -> bool:
        """Whether Studio's own routes (`/xblock/`, `/settings/`, `/assets/`) are open to this login."""
        told = self.options.stock_routes
        return self.session is not None if told is None else told

    def url(self, service: Service) -> str | None:
        """The base address of a service, or None when it is not configured."""
        match service:
            case Service.CMS:
                return self.cms_url
            case Service.LMS:
                return self.lms_url
            case Service.MANAGER:
                return self.manager_url

    def to_json(self) -> dict[str, object]:
        """The target without its secrets, for printing."""
        return {
            "name": self.name,
            "cms_url": self.cms_url,
            "lms_url": self.lms_url,
            "manager_url": self.manager_url,
            "asgi_url": self.asgi_url,
            "dialect": str(self.dialect),
            "login": [
                name
                for name, given in (
                    ("studio-session", self.session),
                    ("client-credentials", self.oauth),
                    ("manager-client-credentials", self.manager_oauth),
                    ("api-key", self.api_key),
                )
                if given is not None
            ],
            "tenant": self.tenant,
            "username": self.username,
            "origin": self.origin,
        }


def sandbox_target(url: str) -> Target:
    """The embedded sandbox at `url`: one address for every service, and both of its logins (docs/sandbox.md)."""
    return Target(
        name=SANDBOX,
        cms_url=url.rstrip("/"),
        lms_url=url.rstrip("/"),
        manager_url=url.rstrip("/"),
        session=StudioSession(Secret(SANDBOX), Secret(SANDBOX)),
        oauth=ClientCredentials(SANDBOX, Secret(SANDBOX), LMS_TOKEN_PATH),
        asgi_url="ws" + url.rstrip("/").removeprefix("http"),
        api_key=Secret(SANDBOX),
        tenant=SANDBOX,
        username=SANDBOX,
        origin="the embedded sandbox",
    )


def secrets_of(target: Target) -> Iterator[str]:
    """Every secret of a target, for keeping them out of messages."""
    for credentials in (target.oauth, target.manager_oauth):
        if credentials is not None:
            yield credentials.client_secret.reveal()
    if target.session is not None:
        yield target.session.session.reveal()
        yield target.session.csrf.reveal()
    if target.api_key is not None:
        yield target.api_key.reveal()
