"""A platform that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

TOKEN_PATH = "/oauth2/access_token/"

Answer = Response | Callable[["Asked"], Response]


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    form: dict[str, Any] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def as_json(value: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(value), status, headers, "application/json")


def as_page(text: str, status: int = 200, **headers: str) -> Response:
    return Response(text, status, headers, "text/html")


@dataclass
class Platform:
    """The scripted server. `on` queues answers for a method and path; the last one stays."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    script: dict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))

    def on(self, request: str, *answers: Answer) -> None:
        self.script[request].extend(answers)

    def clear(self) -> None:
        self.asked.clear()
        self.script.clear()

    def requests(self) -> list[str]:
        return [str(asked) for asked in self.asked]

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        form: dict[str, Any] = {}
        if "form" in request.headers.get("content-type", ""):
            async with request.form() as sent:
                for name, value in sent.multi_items():
                    if isinstance(value, str):
                        form[name] = value
                    else:
                        form[name] = (value.filename, value.content_type, await value.read())
        asked = Asked(request.method, request.url.path, dict(request.query_params), dict(request.headers), body, form)
        self.asked.append(asked)
        queue = self.script.get(str(asked))
        if not queue:
            return as_json({"detail": f"no answer is scripted for {asked}"}, 404)
        answer = queue.popleft() if len(queue) > 1 else queue[0]
        return answer(asked) if callable(answer) and not isinstance(answer, Response) else answer


@dataclass
class Pauses:
    """Takes the place of sleeping; remembers for how long it was asked to."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
