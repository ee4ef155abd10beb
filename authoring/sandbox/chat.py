"""The chat with a mentor: `/ws/langflow/` and `/ws/langflow-stop-generation/`.

Comes in: one JSON frame a prompt. Goes out: the documented frames. The mentor repeats what it was asked, word by word. Every
prompt that is run is kept as a row of kind `prompt`, so that a test sees how often it ran.

Source: the platform's documentation. What no source tells is listed in docs/sandbox.md.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from authoring.sandbox.auth import API_KEY
from authoring.sandbox.faults import Fault, FaultKind
from authoring.sandbox.platform import Platform
from authoring.sandbox.routes_mentors import MENTOR, SESSION, TENANT
from authoring.sandbox.store import Request

PROMPT = "prompt"
PATH = "/ws/langflow/"
STOP_PATH = "/ws/langflow-stop-generation/"


class _Cut(Exception):
    """The connection was cut."""


def endpoint(platform: Platform) -> Callable[[WebSocket], Awaitable[None]]:
    """`/ws/langflow/` over what the platform holds."""

    async def chat(socket: WebSocket) -> None:
        await _serve(socket, platform, _answer)

    return chat


def stop_endpoint(platform: Platform) -> Callable[[WebSocket], Awaitable[None]]:
    """`/ws/langflow-stop-generation/`: answers are made at once, so that there is never one to be stopped."""

    async def stop(socket: WebSocket) -> None:
        await _serve(socket, platform, _stop)

    return stop


async def _serve(
    socket: WebSocket, platform: Platform, handle: Callable[[WebSocket, Platform, Any], Awaitable[int]]
) -> None:
    origin, host = socket.headers.get("origin"), socket.headers.get("host", "")
    if origin is not None and origin.partition("://")[2] != host:
        await socket.close()
        return
    await socket.accept()
    try:
        while True:
            text = await socket.receive_text()
            try:
                frame = json.loads(text)
            except ValueError:
                frame = None
            status = await handle(socket, platform, frame if isinstance(frame, dict) else {})
            if handle is not _answer:
                await _log(platform, socket.url.path, status, None)
    except (_Cut, WebSocketDisconnect, RuntimeError):
        return  # whoever asked has gone


async def _log(platform: Platform, path: str, status: int, fault: Fault | None) -> None:
    async with platform.lock:
        with platform.store.change():
            platform.store.log(Request("WS", path, "chat", status, str(fault.kind) if fault else None))


async def _stop(socket: WebSocket, platform: Platform, frame: dict[str, Any]) -> int:
    if frame.get("token") != API_KEY or frame.get("tenant") != TENANT:
        await socket.send_json({"error": "Invalid token.", "status_code": 401})
        return 401
    await socket.send_json({"detail": "Stopped"})
    return 200


def _refusal(platform: Platform, frame: dict[str, Any]) -> tuple[str, int] | None:
    """What is wrong with a prompt's frame."""
    flow = frame.get("flow")
    prompt = frame.get("prompt")
    if not isinstance(flow, dict) or not isinstance(prompt, str) or not prompt:
        return "flow and prompt are required.", 400
    if frame.get("token") != API_KEY or flow.get("tenant") != TENANT:
        return "Invalid token.", 401
    sessions = {row["session_id"]: row for row in platform.store.rows(SESSION).values()}
    session = sessions.get(frame.get("session_id"))
    if session is None:
        return "Session not found.", 404
    mentor = platform.store.row(MENTOR, session["mentor"])
    if mentor is None or flow.get("name") not in (mentor["name"], mentor["slug"], mentor["unique_id"]):
        return "Mentor not found.", 404
    return None


async def _answer(socket: WebSocket, platform: Platform, frame: dict[str, Any]) -> int:
    fault = platform.faults.strike("chat", PATH)
    if platform.faults.latency:
        await asyncio.sleep(platform.faults.latency)
    kind = fault.kind if fault is not None else None
    early = {FaultKind.UNAUTHORIZED: 401, FaultKind.TOKENS_EXPIRED: 401, FaultKind.THROTTLED: 429}
    if kind is FaultKind.RESET_BEFORE:
        await _log(platform, PATH, 0, fault)
        _cut(socket)
    if fault is not None and (kind in early or kind is FaultKind.ERROR_BEFORE):
        status = early.get(fault.kind, fault.status)
        reason = "Insufficient credits." if status == 402 else "The request was refused."
        await socket.send_json({"error": reason, "status_code": status})
        await _log(platform, PATH, status, fault)
        return status
    refusal = _refusal(platform, frame)
    if refusal is not None:
        await socket.send_json({"error": refusal[0], "status_code": refusal[1]})
        await _log(platform, PATH, refusal[1], fault)
        return refusal[1]
    generation = await _run(platform, frame, fault)
    await _send_answer(socket, frame, generation, fault)
    return 200


async def _run(platform: Platform, frame: dict[str, Any], fault: Fault | None) -> str:
    """Keep the prompt and its line of the log; the generation's id."""
    generation = str(uuid.uuid4())
    row = {"session_id": frame["session_id"], "prompt": frame["prompt"]}
    async with platform.lock:
        with platform.store.change():
            platform.store.save_row(PROMPT, generation, row)
            platform.store.log(Request("WS", PATH, "chat", 200, str(fault.kind) if fault else None))
    return generation


async def _send_answer(socket: WebSocket, frame: dict[str, Any], generation: str, fault: Fault | None) -> None:
    kind = fault.kind if fault is not None else None
    twice = 2 if kind is FaultKind.REPEATED else 1
    for _ in range(twice):
        await socket.send_json({"detail": "Connected."})
    for _ in range(twice):
        await socket.send_json({"generation_id": generation})
    await socket.send_json({"type": "typing", "isTyping": True})
    words = f"You asked: {frame['prompt']}".split(" ")
    pieces = [word if number == 0 else f" {word}" for number, word in enumerate(words)]
    other = str(uuid.uuid4())
    for number, piece in enumerate(pieces):
        if fault is not None and number == max(1, len(pieces) // 2):
            await _break(socket, fault)
        await socket.send_json({"generation_id": generation, "data": piece})
        if twice == 2:
            await socket.send_json({"generation_id": other, "data": piece})
    if twice == 2:
        await socket.send_json({"generation_id": other, "eos": True})
    for _ in range(twice):
        await socket.send_json({"generation_id": generation, "eos": True})


async def _break(socket: WebSocket, fault: Fault) -> None:
    """What goes wrong in the middle of an answer."""
    match fault.kind:
        case FaultKind.RESET_AFTER:
            _cut(socket)
        case FaultKind.HANG_AFTER:
            await asyncio.sleep(fault.seconds)
            _cut(socket)
        case FaultKind.TRUNCATED:
            await socket.close(1000)
            raise _Cut
        case FaultKind.ERROR_AFTER:
            await socket.send_json({"error": "Insufficient credits.", "status_code": fault.status})
        case FaultKind.HTML | FaultKind.LOGIN_REDIRECT:
            await socket.send_text("<html><title>Sign In</title></html>")
        case _:
            return


def _cut(socket: WebSocket) -> None:
    socket.scope["sandbox.abort"]()
    raise _Cut
