"""Talking with a mentor over the platform's WebSocket (`/ws/langflow/`): one prompt, one connection, one answer.

Comes in: a prompt. Goes out: `ChatEvent` values while the answer is made. An answer is complete when `eos` has come, and
only then: silence, an error frame and a closed connection are errors. The prompt is sent once and never again by itself,
since every sending runs the mentor (and costs credits) once more.

Source: docs/platform.md.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI, ProtocolError
from websockets.sync.client import ClientConnection, connect

from authoring.client.failures import Redactor
from authoring.errors import ApiError, LoginError, NonsenseError, OutcomeUnknownError, RefusedError, UnreachableError
from authoring.platform.endpoints import Endpoint
from authoring.platform.replies import required
from authoring.settings import Target, secrets_of

PATH = "/ws/langflow/"
STOP_PATH = "/ws/langflow-stop-generation/"
CONNECT_TIMEOUT = 10.0
LONGEST_ANSWER = 600.0
"""Seconds until an answer that goes on and on is given up."""
LARGEST_FRAME = 16 << 20
PAYMENT_REQUIRED = 402

ENDPOINTS = (
    Endpoint("WS", PATH, "Chat.ask", "chat", False, "sent once; complete with `eos` alone"),
    Endpoint("WS", STOP_PATH, "Chat.stop", "chat (Ctrl-C)", True, "ends an answer that is being made"),
)


class ChatSilenceError(OutcomeUnknownError):
    """Nothing came for too long. `received` is the part of the answer that did come."""

    received = ""


class ChatClosedError(OutcomeUnknownError):
    """The connection ended before the answer did. `received` is the part of the answer that did come."""

    received = ""


class ChatRefusedError(RefusedError):
    """An error frame. `received` is the part of the answer that came before it."""

    received = ""


class NoCreditsError(ChatRefusedError):
    """402: the tenant has no credits left."""


class EventKind(StrEnum):
    CONNECTED = "connected"
    """The login in the prompt's frame was accepted."""
    STARTED = "started"
    """A generation began."""
    TEXT = "text"
    """A piece of the answer."""
    NOTICE = "notice"
    """A side event: `frame` has it."""
    END = "end"
    """The answer is complete; `text` is all of it. Always the last event, and the only end there is."""


@dataclass(frozen=True, slots=True)
class ChatEvent:
    """One step of an answer."""

    kind: EventKind
    text: str = ""
    generation: str | None = None
    frame: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def to_json(self) -> dict[str, object]:
        row: dict[str, object] = {"event": str(self.kind)}
        if self.kind in (EventKind.TEXT, EventKind.END):
            row["text"] = self.text
        if self.generation is not None:
            row["generation"] = self.generation
        if self.kind is EventKind.NOTICE:
            row["frame"] = dict(self.frame)
        return row


class Chat:
    """A conversation: the session of a user with a mentor. `silence` is how many seconds may pass without a frame.

    Raises, when made: LoginError without a platform key, RefusedError without an address, tenant or username.
    """

    def __init__(
        self,
        target: Target,
        mentor: str,
        session: str,
        *,
        pathway: str | None = None,
        org: str | None = None,
        user: str | None = None,
        silence: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if target.api_key is None:
            raise LoginError("a chat needs the platform's API key", "set IBL_PLATFORM_API_KEY")
        # The address may be written with a slash at its end; two in a row would be another path.
        self._base = required(target.asgi_url, "asgi_url", "IBL_ASGI_URL").rstrip("/")
        self._token = target.api_key
        self._flow = {
            "name": mentor,
            "tenant": required(org or target.tenant, "tenant", "IBL_TENANT"),
            "username": required(user or target.username, "username", "IBL_USERNAME"),
            # Old releases read it at the top level, newer ones in here.
            "pathway": pathway or mentor,
        }
        self._session = session
        self._silence = target.options.timeout if silence is None else silence
        self._clock = clock
        self._redactor = Redactor(secrets_of(target))
        self.sent = 0
        """How many prompts have left."""

    def ask(self, prompt: str) -> Iterator[ChatEvent]:
        """The answer, event by event, as it comes; sent when the iterator is first asked.

        Raises UnreachableError (nothing was sent), LoginError, NoCreditsError, ChatRefusedError, ChatSilenceError,
        ChatClosedError, NonsenseError. Whoever stops reading early has no answer.
        """
        if not prompt.strip():
            raise RefusedError("the prompt is empty; nothing was sent")
        frame = {
            "flow": self._flow,
            "session_id": self._session,
            "token": self._token.reveal(),
            "prompt": prompt,
            "pathway": self._flow["pathway"],
        }
        with self._connected(PATH) as socket:
            self.sent += 1
            self._send(socket, frame)
            yield from self._events(socket)

    def stop(self, generation: str) -> bool:
        """Ask the platform to end an answer; whether it said that it did. Raises ApiError."""
        frame = {
            "generation_id": generation,
            **{name: self._flow[name] for name in ("name", "tenant", "username")},
            "token": self._token.reveal(),
        }
        with self._connected(STOP_PATH) as socket:
            self._send(socket, frame)
            deadline = self._clock() + self._silence
            while True:
                reply = self._receive(socket, deadline, "")
                self._refuse_errors(reply, "")
                if str(reply.get("detail", "")).lower().startswith("stopped"):
                    return True
                if "detail" not in reply:
                    return False

    # -- frames -------------------------------------------------------------------------------------------------------

    def _events(self, socket: ClientConnection) -> Iterator[ChatEvent]:
        text: list[str] = []
        generation: str | None = None
        last = self._clock() + LONGEST_ANSWER
        while True:
            frame = self._receive(socket, min(self._clock() + self._silence, last), "".join(text))
            self._refuse_errors(frame, "".join(text))
            told = frame.get("generation_id")
            told = None if told is None else str(told)
            if told is not None and generation is None:
                generation = told
                yield ChatEvent(EventKind.STARTED, generation=generation)
            if told is not None and told != generation:
                # Another run of a prompt, ours or another window's: it is not this answer.
                yield ChatEvent(EventKind.NOTICE, generation=told, frame={"generation_id": told, "ignored": True})
                continue
            piece = frame.get("data")
            if isinstance(piece, str) and piece:
                text.append(piece)
                yield ChatEvent(EventKind.TEXT, piece, generation)
            if frame.get("eos") is True:
                yield ChatEvent(EventKind.END, "".join(text), generation)
                return
            if "detail" in frame:
                said = str(frame["detail"])
                if said.lower().startswith("connected"):
                    yield ChatEvent(EventKind.CONNECTED)
                else:
                    yield ChatEvent(EventKind.NOTICE, frame={"detail": self._redactor.clean(said)})
            elif "type" in frame:
                yield ChatEvent(EventKind.NOTICE, frame=self._cleaned(frame))

    def _refuse_errors(self, frame: Mapping[str, Any], received: str) -> None:
        """Raises for an error frame."""
        status = frame.get("status_code")
        status = status if isinstance(status, int) and not isinstance(status, bool) else None
        if not frame.get("error") and (status is None or status < 400):
            return
        said = frame.get("error") or frame.get("detail") or "no reason given"
        reason = self._redactor.clean(str(said))[:400]
        if status in (401, 403):
            raise LoginError(
                f"{PATH}: the mentor may not be talked to ({reason})",
                "check IBL_PLATFORM_API_KEY, IBL_TENANT and IBL_USERNAME",
                call=PATH,
                status=status,
            )
        kind = NoCreditsError if status == PAYMENT_REQUIRED else ChatRefusedError
        hint = "buy credits, or ask the tenant's administrator" if status == PAYMENT_REQUIRED else None
        error = kind(f"{PATH}: the mentor does not answer ({reason})", hint, call=PATH, status=status)
        error.received = received
        raise error

    def _receive(self, socket: ClientConnection, deadline: float, received: str) -> Mapping[str, Any]:
        try:
            raw = socket.recv(timeout=max(0.0, deadline - self._clock()))
        except TimeoutError:
            error: ChatSilenceError | ChatClosedError = ChatSilenceError(
                f"{PATH}: the mentor fell silent before the end of its answer", _AGAIN, call=PATH
            )
            error.received = received
            raise error from None
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd is not None else "none"
            error = ChatClosedError(
                f"{PATH}: the connection ended before the answer did (close code {code})", _AGAIN, call=PATH
            )
            error.received = received
            raise error from None
        try:
            frame = json.loads(raw)
        except ValueError:
            frame = None
        if not isinstance(frame, dict):
            raise NonsenseError(f"{PATH}: a frame that is no JSON object", "check IBL_ASGI_URL", call=PATH)
        return frame

    def _send(self, socket: ClientConnection, frame: Mapping[str, Any]) -> None:
        try:
            socket.send(json.dumps(frame))
        except (ConnectionClosed, OSError):
            raise ChatClosedError(
                f"{PATH}: the connection ended while the prompt was sent", _AGAIN, call=PATH
            ) from None

    def _cleaned(self, frame: Mapping[str, Any]) -> Mapping[str, Any]:
        cleaned = json.loads(self._redactor.clean(json.dumps(frame)))
        return cleaned if isinstance(cleaned, dict) else {}

    @contextmanager
    def _connected(self, path: str) -> Iterator[ClientConnection]:
        """A connection. Raises UnreachableError, LoginError or RefusedError when there is none: nothing was sent."""
        url = self._base + path
        try:
            socket = connect(
                url,
                open_timeout=CONNECT_TIMEOUT,
                close_timeout=1,
                max_size=LARGEST_FRAME,
                proxy=None if _is_local(url) else True,  # a proxy cannot reach a server on this machine
                user_agent_header="ibl-course-authoring",
            )
        except InvalidStatus as error:
            raise _not_opened(path, error.response.status_code) from None
        except (InvalidHandshake, InvalidURI, ProtocolError, OSError, TimeoutError, EOFError) as error:
            raise UnreachableError(
                f"{path}: the chat cannot be reached ({self._redactor.clean(str(error) or type(error).__name__)})",
                "check IBL_ASGI_URL and the network",
                call=path,
            ) from None
        with socket:
            yield socket


_AGAIN = "what came is not the whole answer; ask again if you want to: it is not done by itself"


def _not_opened(path: str, status: int) -> ApiError:
    if status == 401:
        return LoginError(f"{path}: not permitted", "check IBL_PLATFORM_API_KEY", call=path, status=status)
    # No login takes part in the opening: a 403 is how a server refuses a path that it does not have.
    return RefusedError(
        f"{path}: the server does not open a chat here ({status}); nothing was sent",
        "check IBL_ASGI_URL",
        call=path,
        status=status,
    )


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
