"""What the routes share: the state, the temper, the faults; and reading a request as the platform reads it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from authoring.sandbox.addresses import root_of
from authoring.sandbox.faults import Faults
from authoring.sandbox.profile import DOCUMENTED, Profile
from authoring.sandbox.refusals import Refusal, refuse
from authoring.sandbox.rules import need
from authoring.sandbox.store import DRAFT, Node, Store


@dataclass(slots=True)
class Platform:
    """What the routes share."""

    store: Store
    profile: Profile = DOCUMENTED
    faults: Faults = field(default_factory=Faults)
    token_lifetime: float = 3600.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    tokens: dict[str, float] = field(default_factory=dict)
    """Token → when it ends, by the monotonic clock."""
    writes: dict[str, int] = field(default_factory=dict)
    """Course key → how many writes it has had: its index, which two overlapping writers fight over."""

    def need(self, usage: str, branch: str = DRAFT) -> Node:
        """The block. Raises Refusal with the status that the profile has for a missing one."""
        return need(self.store, usage, branch, missing=self.profile.missing_status)

    def need_course(self, key: str) -> dict[str, Any]:
        """The course's own row. Raises Refusal(404)."""
        row = self.store.course(key)
        if row is None:
            raise refuse(404, f"Course key does not exist: {key}")
        return row

    def root(self, key: str) -> Node:
        """The course block of a course. Raises Refusal."""
        self.need_course(key)
        return self.need(root_of(key))


Handler: TypeAlias = Callable[[Platform, Request], Awaitable[Response]]


def is_json(request: Request) -> bool:
    return "application/json" in request.headers.get("content-type", "")


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON body; `{}` when the type is not JSON (Open edX: `expect_json`) or its length is not told (WSGI), 400 when
    it cannot be read."""
    if not is_json(request) or "content-length" not in request.headers:
        return {}
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise refuse(400, "Invalid JSON") from error
    return body if isinstance(body, dict) else {}


def need_json(request: Request) -> None:
    """Raises Refusal(406) when the answer may not be JSON; `*/*` does not say so (Open edX: `_get_block`)."""
    if "application/json" not in request.headers.get("accept", ""):
        raise Refusal(406, "")


def require(body: dict[str, Any], *names: str) -> None:
    """Raises Refusal(400) in the shape of a serializer when one of `names` is missing."""
    missing = {name: ["This field is required."] for name in names if body.get(name) in (None, "")}
    if missing:
        raise Refusal(400, missing)
