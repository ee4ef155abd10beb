"""Single sign-on: the settings that the platform's documentation lists, for given hosts and a slug, and whether these fit together.

Comes in: addresses and a slug. Goes out: `SsoSettings` and `Finding`s; `check_logins` alone asks the hosts. What the
documentation does not list is said to be so in `NOT_DOCUMENTED`, never made up.

Source: the platform's documentation, *Authentication*.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

from authoring.calls import Call, CallKind, Service
from authoring.client import Client
from authoring.errors import ApiError, LoginError, RefusedError
from authoring.platform.endpoints import Endpoint

ENDPOINTS = (
    Endpoint("POST", "/oauth2/access_token/", "Client.check_login (LMS)", "sso --check-logins", True, "client credentials of the LMS"),
    Endpoint("POST", "/oauth/token/", "Client.check_login (manager)", "sso --check-logins", True, "client credentials of the data manager"),
)  # fmt: skip

CLIENT_ID, CLIENT_SECRET = "<the provider's client id>", "<the provider's client secret>"
SLUG = re.compile(r"[A-Za-z0-9_-]+")

NOT_DOCUMENTED = (
    "the provider's own addresses (authorisation, token, user information): those of whichever system signs people in",
    "scopes, signing algorithm and key (HS256 or RS256), the time that tokens live",
    "whether the provider's application skips the page that asks for consent",
    "settings for Studio: it signs people in through the LMS, and no settings of its own are listed",
)


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the hosts that does not fit."""

    severity: Severity
    about: str
    message: str

    def to_json(self) -> dict[str, str]:
        return {"severity": str(self.severity), "about": self.about, "message": self.message}


@dataclass(frozen=True, slots=True)
class Page:
    """A page of an administration, and what to set there, in its own words."""

    title: str
    address: str
    settings: Mapping[str, str]
    note: str = ""

    def to_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "address": self.address,
            "settings": dict(self.settings),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class SsoSettings:
    """Everything that is to be set, page by page, and the pages where credentials are kept."""

    client: Page
    provider: Page
    pages: Mapping[str, str]

    def to_json(self) -> dict[str, object]:
        return {
            "client": self.client.to_json(),
            "provider": self.provider.to_json(),
            "pages": dict(self.pages),
            "not_documented": list(NOT_DOCUMENTED),
        }


def address_of(host: str) -> str:
    """A host as an address: `https://` unless it says otherwise. Nothing else is changed, so that `check_hosts` sees it."""
    return host if "://" in host else f"https://{host}"


def settings_for(lms: str, manager: str, slug: str) -> SsoSettings:
    """The documented settings. The addresses are used as far as their host; `check_hosts` tells what is wrong with them."""
    lms, manager = _origin(lms), _origin(manager)
    client = {
        "Enabled": "yes",
        "Name": "IBL (or what the button shall say)",
        "Slug": slug,
        "Site": urlsplit(lms).netloc,
        "Visible": "yes",
        "Skip hinted login dialog": "yes",
        "Skip registration form": "yes",
        "Skip email verification": "yes",
        "Sync learner profile data": "yes",
        "Backend name": slug,
        "Client ID": CLIENT_ID,
        "Client Secret": CLIENT_SECRET,
    }
    provider = {
        "Client type": "Confidential",
        "Authorization grant type": "Authorization code",
        "Redirect URIs": f"{lms}/auth/complete/{slug}/",
        "Post logout redirect URIs": f"{lms}/",
    }
    pages = {
        "OAuth2 applications of the data manager": f"{manager}/admin/oauth2_provider/application/",
        "OAuth2 applications of the LMS": f"{lms}/admin/oauth2_provider/application/",
        "OpenID Connect clients of the LMS": f"{lms}/admin/oidc_provider/client/",
        "Sign-in with other systems": f"{lms}/admin/third_party_auth/oauth2providerconfig/",
        "LMS to data manager (look for 'manager')": f"{lms}/admin/ibl_api_auth/oauthcredentials/",
        "Data manager to LMS (look for 'edx')": f"{manager}/admin/core/oauthcredentials/",
    }
    return SsoSettings(
        Page(
            "The LMS as the client",
            pages["Sign-in with other systems"],
            client,
            # Open edX: common/djangoapps/third_party_auth/models.py, OAuth2ProviderConfig
            f"documented under {pages['OpenID Connect clients of the LMS']}, but these are the fields of this page",
        ),
        Page("The system that signs people in", "its OAuth2 applications", provider),
        pages,
    )


def _origin(address: str) -> str:
    parts = urlsplit(address_of(address))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def check_hosts(hosts: Mapping[str, str], slug: str) -> tuple[Finding, ...]:
    """What does not fit. `hosts` are addresses by name (`cms`, `lms`, `manager`)."""
    found = [finding for name, host in hosts.items() for finding in _check_host(name, host)]
    if not SLUG.fullmatch(slug):
        found.append(
            Finding(Severity.ERROR, "slug", "only letters, digits, - and _: it is a part of the redirect address")
        )
    names = {name: _name(host) for name, host in hosts.items()}
    by_host: dict[str, list[str]] = {}
    for name, host in hosts.items():
        by_host.setdefault(address_of(host).lower().rstrip("/"), []).append(name)
    for same in by_host.values():
        if len(same) > 1 and not all(_is_local(names[name]) for name in same):
            found.append(Finding(Severity.ERROR, " and ".join(same), "one host for several services"))
    outside = [name for name in names.values() if name and not _is_local(name)]
    if len(outside) > 1 and len(_common(outside)) < 2:
        found.append(
            Finding(
                Severity.ERROR,
                ", ".join(hosts),
                "they have no parent domain in common: the LMS and Studio share a session by its cookies",
            )
        )
    return tuple(found)


def _check_host(about: str, host: str) -> list[Finding]:
    address = address_of(host)
    try:
        parts = urlsplit(address)
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return [Finding(Severity.ERROR, about, "not an address")]
    found = []

    def say(message: str, severity: Severity = Severity.ERROR) -> None:
        found.append(Finding(severity, about, message))

    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+", name) or ".." in name:
        say("not the name of a host")
    if parts.scheme not in ("http", "https"):
        say("write https://")
    elif parts.scheme == "http" and not _is_local(name):
        say("write https://: codes and secrets travel over it")
    if parts.path == "/":
        say("without a slash at its end: it would become two in the redirect address", Severity.WARNING)
    elif parts.path:
        say("without a path: a gateway's prefix is for calls, the pages and redirects are on the host itself")
    if parts.query or parts.fragment or "?" in address or "#" in address:
        say("without ? and #")
    if "@" in parts.netloc:
        say("without a user name or password")
    if port is not None and not _is_local(name):
        say("a port: it must be in the registered redirect address as well", Severity.WARNING)
    if "." not in name and not _is_local(name):
        say("a full name, with its domain")
    elif _is_address(name) and not _is_local(name):
        say("a name, not a number")
    return found


def _name(host: str) -> str:
    try:
        return (urlsplit(address_of(host)).hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_local(name: str) -> bool:
    return name == "localhost" or (_is_address(name) and ip_address(name).is_loopback)


def _common(names: list[str]) -> list[str]:
    """The labels that all names end with."""
    shared: list[str] = []
    for labels in zip(*(reversed(name.split(".")) for name in names), strict=False):
        if len(set(labels)) > 1:
            break
        shared.insert(0, labels[0])
    return shared


@dataclass(frozen=True, slots=True)
class LoginCheck:
    """Whether a host gives a token for its client credentials, or takes one. `passed` is None where there are none."""

    service: Service
    passed: bool | None
    message: str

    def to_json(self) -> dict[str, object]:
        return {"service": str(self.service), "passed": self.passed, "message": self.message}


def check_logins(client: Client) -> tuple[LoginCheck, ...]:
    """Client credentials at the LMS and the data manager; whether Studio takes the LMS's token. Nothing is changed."""
    return (
        _check_token(client, Service.LMS, has=client.target.oauth is not None),
        _check_studio(client, has=client.target.oauth is not None),
        _check_token(client, Service.MANAGER, has=client.target.manager_oauth is not None),
    )


def _check_token(client: Client, service: Service, *, has: bool) -> LoginCheck:
    if not has:
        prefix = "IBL_MANAGER" if service is Service.MANAGER else "IBL"
        return LoginCheck(service, None, f"no client credentials: set {prefix}_CLIENT_ID and {prefix}_CLIENT_SECRET")
    try:
        client.check_login(service)
    except ApiError as error:
        return LoginCheck(service, False, error.message)
    return LoginCheck(service, True, "gives a token")


def _check_studio(client: Client, *, has: bool) -> LoginCheck:
    """By a read of a course that there is not: it is missing only for whoever may look."""
    if not has:
        return LoginCheck(Service.CMS, None, "no client credentials of the LMS, whose tokens it takes")
    query = {"course_key": "course-v1:none+none+none"}
    call = Call(CallKind.READ, Service.CMS, "GET", "/api/ibl/manage/course/", query=query)
    try:
        client.send(call)
    except LoginError as error:
        return LoginCheck(Service.CMS, False, f"{error.message}; some deployments take no token in Studio")
    except RefusedError as error:
        if error.status in (400, 404):
            return LoginCheck(Service.CMS, True, "takes the LMS's token")
        return LoginCheck(Service.CMS, False, error.message)
    except ApiError as error:
        return LoginCheck(Service.CMS, False, error.message)
    return LoginCheck(Service.CMS, True, "takes the LMS's token")
