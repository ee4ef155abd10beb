"""Logins: the headers that let a call through, for each host of a target. Tokens are fetched and renewed here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from authoring.calls import Call, CallKind, Json, Service
from authoring.errors import LoginError, NonsenseError, RefusedError
from authoring.settings import ClientCredentials, StudioSession, Target

EARLY = 60.0
"""Seconds before its end at which a token is renewed."""
SHORTEST = 10.0
"""Seconds that any token is used, however short the platform says it lives."""
UNTOLD = 600.0
"""Seconds for which a token is used whose lifetime is not told; a 401 renews it in any case."""

Fetch = Callable[[Call], Json]


class TokenLogin:
    """OAuth2 client credentials: one token for all threads, renewed before it ends and after a 401."""

    def __init__(
        self,
        credentials: ClientCredentials,
        service: Service,
        fetch: Fetch,
        *,
        learn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credentials = credentials
        self._service = service
        self._fetch = fetch
        self._learn = learn
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at = 0.0

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token()}"}

    def token(self) -> str:
        """A token that is good now. Raises LoginError when the platform gives none."""
        with self._lock:
            if self._token is None or self._clock() >= self._renew_at:
                self._token = None
                self._token, lifetime = self._ask()
                self._learn(self._token)
                self._renew_at = self._clock() + max(SHORTEST, lifetime - min(EARLY, lifetime / 2))
            return self._token

    def forget(self, token: str) -> None:
        """Drop a token that was refused; one that another thread has renewed meanwhile stays."""
        with self._lock:
            if self._token == token:
                self._token = None

    def _ask(self) -> tuple[str, float]:
        form = {
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret.reveal(),
            "grant_type": "client_credentials",
        }
        path = self._credentials.token_path
        call = Call(CallKind.LOGIN, self._service, "POST", path, form=form, secret=True)
        variables = "IBL_CLIENT_ID and IBL_CLIENT_SECRET"
        if self._service is Service.MANAGER:
            variables = "IBL_MANAGER_CLIENT_ID and IBL_MANAGER_CLIENT_SECRET"
        try:
            row = self._fetch(call)
        except (RefusedError, LoginError) as error:
            if error.status in (400, 401, 403):
                raise LoginError(
                    f"the platform does not accept the client id {self._credentials.client_id!r} with its secret",
                    f"check {variables}, and that they were made on this {self._service.value.upper()}",
                    call=str(call),
                    status=error.status,
                ) from error
            raise
        token = row.get("access_token") if isinstance(row, Mapping) else None
        if not isinstance(row, Mapping) or not isinstance(token, str) or not token:
            raise NonsenseError(
                f"{call}: the answer holds no token",
                f"check the address of the {self._service.value.upper()}",
                call=str(call),
            )
        lifetime = row.get("expires_in")
        told = isinstance(lifetime, int | float) and not isinstance(lifetime, bool)
        return token, float(lifetime) if told and isinstance(lifetime, int | float) else UNTOLD


class SessionLogin:
    """A person's Studio session: two cookies, and the headers that Django's CSRF protection wants with them."""

    def __init__(self, session: StudioSession, cms_url: str) -> None:
        csrf = session.csrf.reveal()
        scheme, _, rest = cms_url.partition("://")
        origin = f"{scheme}://{rest.partition('/')[0]}"
        self._headers = {
            "Cookie": f"{session.cookie}={session.session.reveal()}; csrftoken={csrf}",
            "X-CSRFToken": csrf,
            "Origin": origin,
            "Referer": f"{origin}/",
        }

    def headers(self) -> dict[str, str]:
        return dict(self._headers)


class KeyLogin:
    """An API key of the data manager."""

    def __init__(self, key: str) -> None:
        self._headers = {"Authorization": f"Api-Token {key}"}

    def headers(self) -> dict[str, str]:
        return dict(self._headers)


Login = TokenLogin | SessionLogin | KeyLogin


def logins_of(target: Target, fetch: Fetch, learn: Callable[[str], None]) -> Mapping[Service, Login]:
    """The login for each service that has one. Studio is entered with its session where there is one, since that opens
    all of its routes; a token of the LMS opens a part of them."""
    logins: dict[Service, Login] = {}
    if target.oauth is not None:
        token = TokenLogin(target.oauth, Service.LMS, fetch, learn=learn)
        logins[Service.LMS] = logins[Service.CMS] = token
    if target.session is not None:
        logins[Service.CMS] = SessionLogin(target.session, target.cms_url)
    if target.manager_oauth is not None:
        logins[Service.MANAGER] = TokenLogin(target.manager_oauth, Service.MANAGER, fetch, learn=learn)
    if target.api_key is not None:
        logins[Service.MANAGER] = KeyLogin(target.api_key.reveal())
    return logins
