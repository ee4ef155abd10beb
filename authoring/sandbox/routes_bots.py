"""The data manager's bots and bot commands.

Source: the platform's documentation. What no source tells is listed in docs/sandbox.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authoring.sandbox.platform import Platform, body_of
from authoring.sandbox.refusals import Refusal
from authoring.sandbox.routes_mentors import MENTOR, need_tenant

BOT, COMMAND = "bot", "bot-command"
PROVIDERS = ("slack", "webex", "whatsapp", "discord", "teams")
SECRETS = ("client_id", "client_secret", "app_token", "verification_token")


async def bots(platform: Platform, request: Request) -> Response:
    """`GET`, `POST bot/`. A second bot of the same name is another one."""
    tenant = need_tenant(platform, request)
    if request.method == "GET":
        held = [row for row in platform.store.rows(BOT).values() if row["tenant"] == tenant]
        return JSONResponse([{**_shown(row), "platform": tenant, "tenant": tenant} for row in held])
    row = _checked(platform, await body_of(request), {"tenant": tenant, "is_configured": False}, whole=True)
    key = str(platform.store.next_version())
    row["id"] = platform.store.save_row(BOT, key, row)
    return JSONResponse(_shown(row), 201)


async def bot(platform: Platform, request: Request) -> Response:
    """`PATCH`, `DELETE bot/{id}/`. A deleted bot takes its commands along."""
    key, row = _held(platform, request, BOT)
    if request.method == "DELETE":
        platform.store.drop_row(BOT, key)
        for name, command in platform.store.rows(COMMAND).items():
            if command["bot"] == row["id"]:
                platform.store.drop_row(COMMAND, name)
        return Response(status_code=204)
    row = _checked(platform, await body_of(request), row, whole=False)
    platform.store.save_row(BOT, key, row)
    return JSONResponse(_shown(row))


def _checked(platform: Platform, body: Mapping[str, Any], row: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    """`row` with what a body sets. Secrets are taken, and not kept. Raises Refusal."""
    wrong: dict[str, list[str]] = {}
    name, provider = body.get("name"), body.get("provider")
    if (whole or "name" in body) and (not isinstance(name, str) or not name.strip()):
        wrong["name"] = ["This field is required."]
    elif isinstance(name, str) and len(name) > 255:
        wrong["name"] = ["Ensure this field has no more than 255 characters."]
    if (whole or "provider" in body) and provider not in PROVIDERS:
        wrong["provider"] = [f'"{provider}" is not a valid choice.' if provider else "This field is required."]
    if wrong:
        raise Refusal(400, wrong)
    taken = any(body.get(secret) for secret in SECRETS) and not platform.profile.bot_secrets_dropped
    return {
        **row,
        **{key: body[key] for key in ("name", "provider") if key in body},
        "is_configured": row["is_configured"] or taken,
    }


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    configs = {f"{name}_config": None for name in ("discord", "webex", "whatsapp", "teams")}
    address = f"https://bots.example.com/{row['provider']}/{row['id']}/"
    return {
        **{name: row[name] for name in ("id", "name", "provider", "is_configured")},
        "webhook_url": address,
        **configs,
    }


# -- commands -----------------------------------------------------------------------------------------------------------


async def commands(platform: Platform, request: Request) -> Response:
    """`GET`, `POST bot-commands/`."""
    tenant = need_tenant(platform, request)
    if request.method == "GET":
        rows = [row for row in platform.store.rows(COMMAND).values() if row["tenant"] == tenant]
        wanted = request.query_params.get("bot")
        if wanted is not None and not platform.profile.bot_filter_ignored:
            rows = [row for row in rows if str(row["bot"]) == wanted]
        return JSONResponse([_command(row) for row in rows])
    row = _checked_command(platform, await body_of(request), {"tenant": tenant}, whole=True)
    row["id"] = platform.store.save_row(COMMAND, str(platform.store.next_version()), row)
    return JSONResponse(_command(row), 201)


async def command(platform: Platform, request: Request) -> Response:
    """`PATCH`, `DELETE bot-commands/{id}/`."""
    key, row = _held(platform, request, COMMAND)
    if request.method == "DELETE":
        platform.store.drop_row(COMMAND, key)
        return Response(status_code=204)
    row = _checked_command(platform, await body_of(request), row, whole=False)
    platform.store.save_row(COMMAND, key, row)
    return JSONResponse(_command(row))


def _checked_command(
    platform: Platform, body: Mapping[str, Any], row: dict[str, Any], *, whole: bool
) -> dict[str, Any]:
    wrong: dict[str, list[str]] = {}
    word = body.get("command")
    if (whole or "command" in body) and (not isinstance(word, str) or not word.strip() or len(word) > 100):
        wrong["command"] = ["1 to 100 characters are required."]
    for name, kind in (("mentor", MENTOR), ("bot", BOT)):
        number = body.get(name)
        if name not in body and not whole:
            continue
        found = isinstance(number, int) and platform.store.numbered_row(kind, number)
        if not found or found[1]["tenant"] != row["tenant"]:
            wrong[name] = [f'Invalid pk "{number}" - object does not exist.']
    if wrong:
        raise Refusal(400, wrong)
    return {**row, **{name: body[name] for name in ("command", "mentor", "bot") if name in body}}


def _command(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "command", "mentor", "bot")}


def _held(platform: Platform, request: Request, kind: str) -> tuple[str, dict[str, Any]]:
    tenant = need_tenant(platform, request)
    found = platform.store.numbered_row(kind, request.path_params["id"])
    if found is None or found[1]["tenant"] != tenant:
        raise Refusal(404, {"detail": "Not found."})
    return found
