"""The sandbox's own routes, which no platform has: faults on demand, the log and the state, for other processes.

`GET|POST|DELETE /_sandbox/faults`, `GET|DELETE /_sandbox/log`, `GET /_sandbox/state[/{course key}]`. They are not logged and
need no login. A web page of somebody else cannot use them: bodies must be JSON, and no other origin is answered.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authoring.sandbox.faults import Fault
from authoring.sandbox.platform import Platform, body_of, is_json
from authoring.sandbox.profile import SWITCHES
from authoring.sandbox.refusals import refuse
from authoring.sandbox.views import snapshot


async def faults(platform: Platform, request: Request) -> Response:
    """POST `{"latency": seconds}` or a fault as `Fault.to_json` has it, or `{"faults": [fault, …]}`."""
    if request.method == "DELETE":
        platform.faults.clear()
    elif request.method == "POST":
        if not is_json(request):
            raise refuse(415, "send JSON")
        body = await body_of(request)
        try:
            platform.faults.latency = max(0.0, float(body.pop("latency", platform.faults.latency)))
            rows = body.pop("faults", None)
            wanted = [Fault.from_json(row) for row in (rows if rows is not None else [body] if body else [])]
        except (TypeError, ValueError, AttributeError) as error:
            raise refuse(400, str(error)) from error
        for fault in wanted:
            platform.faults.add(fault)
    waiting = [fault.to_json() for fault in platform.faults.waiting]
    return JSONResponse({"latency": platform.faults.latency, "faults": waiting})


async def log(platform: Platform, request: Request) -> Response:
    """`{"requests": [{method, path, kind, status, fault}, …]}`, oldest first."""
    if request.method == "DELETE":
        platform.store.clear_log()
    return JSONResponse({"requests": [row._asdict() for row in platform.store.requests()]})


async def state(platform: Platform, request: Request) -> Response:
    """The profile and the courses; or all that is held of one course, as `SandboxServer.snapshot` shows it."""
    key = request.path_params.get("key")
    if key is None:
        profile = {name: getattr(platform.profile, name) for name in ("name", *SWITCHES)}
        return JSONResponse({"profile": profile, "courses": platform.store.courses()})
    platform.need_course(key)
    return JSONResponse(snapshot(platform.store, key))
