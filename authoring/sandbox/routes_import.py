"""Studio's routes for OLX: `/import/…`, `/export/…` and their states, `/api/courses/v0/import/…`.

Comes in: an archive, whole or in pieces. Goes out: a task, which ends after the profile's `transfer_seconds`; its change to
the course is made then, all of it or nothing. Sources: Open edX: cms/djangoapps/contentstore/{views/import_export.py,
tasks.py,api/views/course_import.py}.
"""

from __future__ import annotations

import re
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from authoring.sandbox.olx_archive import EXTENSIONS, ImportFailure, pack, unpack
from authoring.sandbox.olx_export import ExportFailure, export_files
from authoring.sandbox.olx_import import import_course
from authoring.sandbox.platform import Platform
from authoring.sandbox.refusals import Refusal
from authoring.sandbox.store import CHUNK, Store, Task

DONE, EXPORTED = 4, 3
STATES = {1: "Unpacking", 2: "Verifying", 3: "Updating"}
"""What an import is doing, by the stage that its status tells."""
BROKEN = (AttributeError, IndexError, KeyError, OSError, RecursionError, TypeError, ValueError)
"""What content of the wrong shape raises: a task that fails (Open edX: tasks.py catches whatever comes)."""
_RANGE = re.compile(r"(\d{1,11})-(\d{1,11})/(\d{1,11})")


def _check(platform: Platform, key: str) -> None:
    """Raises Refusal(404) without the routes, or the course."""
    if not platform.profile.olx_transfer:
        raise Refusal(404, "<h1>Not Found</h1>")
    platform.need_course(key)


def _fault(status: int, message: str) -> Refusal:
    return Refusal(status, {"ErrMsg": message, "Stage": -1})


# -- import -----------------------------------------------------------------------------------------------------------


async def import_archive(platform: Platform, request: Request) -> Response:
    """`POST /import/{key}`, part `course-data`. With a `Content-Range` that is not the last one: `{"files": […]}`; when the
    archive is whole: `{"ImportStatus": 1}`. Raises Refusal(415) for another extension, 409 for a piece that does not follow
    on what is there, 400 for what is no upload."""
    key = request.path_params["key"]
    _check(platform, key)
    upload = (await request.form()).get("course-data")
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise _fault(400, "'course-data'")
    name = upload.filename
    if not _taken(platform, name):
        raise _fault(415, f"We only support uploading a {' or '.join(_extensions(platform))} file.")
    found = _RANGE.search(request.headers.get("content-range", ""))
    if found is None and "content-range" in request.headers:
        raise _fault(400, f"not a range: {request.headers['content-range'][:80]}")
    start, stop, end = map(int, found.groups()) if found is not None else (0, 1, 2)
    held = platform.store.size_of_pieces(key, name)
    if start == 0:
        platform.store.drop_pieces(key, name)
    elif held is None:
        raise _fault(409, "Some chunks missed during file upload. Please try again")
    elif held < start:
        raise _fault(409, "File upload corrupted. Please try again")
    elif held > stop and held == end:
        return JSONResponse({"ImportStatus": 1})  # The last piece a second time: a proxy sent it again.
    size = _keep(platform.store, key, name, upload, start)
    if stop != end - 1:
        row = {"name": name, "size": size, "deleteUrl": "", "deleteType": "", "thumbnailUrl": ""}
        return JSONResponse({"files": [{**row, "url": f"/import/{key}"}]})
    _begin(platform, key, "import", name)
    return JSONResponse({"ImportStatus": 1})


def _extensions(platform: Platform) -> tuple[str, ...]:
    return EXTENSIONS if platform.profile.zip_imports else EXTENSIONS[:1]


def _taken(platform: Platform, name: str) -> bool:
    return name.endswith(_extensions(platform))


def _keep(store: Store, key: str, name: str, upload: UploadFile, start: int) -> int:
    """Append an upload to what is there of the archive; returns the size of it all."""
    at = start
    while piece := upload.file.read(CHUNK):
        store.add_piece(key, name, at, piece)
        at += len(piece)
    if at == start == 0:
        store.add_piece(key, name, 0, b"")
    return store.size_of_pieces(key, name) or 0


async def import_status(platform: Platform, request: Request) -> Response:
    """`GET /import_status/{key}/{filename}`: `{"ImportStatus": n, "Message": text}`; 0 unknown, 1 unpacking, 2 verifying,
    3 updating, 4 done, less than 0: failed at that stage."""
    key, name = request.path_params["key"], request.path_params["name"]
    _check(platform, key)
    task = _latest(platform.store, key, "import", name)
    stage, message = (0, "") if task is None else (_stage(task, 3, DONE), str(task.row.get("message", "")))
    return JSONResponse({"ImportStatus": stage, "Message": message})


async def import_api(platform: Platform, request: Request) -> Response:
    """`/api/courses/v0/import/{key}/`: POST of the part `course_data` answers `{"task_id"}`, GET with `task_id` and
    `filename` `{"state"}`. Whatever is wrong is a 500, since one handler catches it all."""
    key = request.path_params["key"]
    _check(platform, key)
    if request.method == "GET":
        wanted, name = (request.query_params.get(word) for word in ("task_id", "filename"))
        task = next((task for task in platform.store.tasks() if task.id == wanted and task.course == key), None)
        if task is None or task.name != name:
            raise _internal("UserTaskStatus matching query does not exist." if wanted and name else "'task_id'")
        stage = _stage(task, 3, DONE)
        return JSONResponse({"state": "Succeeded" if stage == DONE else STATES.get(stage, "Failed")})
    upload = (await request.form()).get("course_data")
    if not isinstance(upload, UploadFile) or not upload.filename:
        raise _internal("Missing required parameter")
    if not _taken(platform, upload.filename):
        raise _internal("Parameter in the wrong format")
    platform.store.drop_pieces(key, upload.filename)
    _keep(platform.store, key, upload.filename, upload, 0)
    return JSONResponse({"task_id": _begin(platform, key, "import", upload.filename).id})


def _internal(message: str) -> Refusal:
    return Refusal(500, {"developer_message": message, "error_code": "internal_error"})


# -- export -----------------------------------------------------------------------------------------------------------


async def export(platform: Platform, request: Request) -> Response:
    """`POST /export/{key}` begins one: `{"ExportStatus": 1}`. A GET that may be answered with JSON is a 406."""
    key = request.path_params["key"]
    _check(platform, key)
    if request.method == "GET":
        raise Refusal(406, "")
    _begin(platform, key, "export", "course.tar.gz")
    return JSONResponse({"ExportStatus": 1})


async def export_status(platform: Platform, request: Request) -> Response:
    """`GET /export_status/{key}`: `{"ExportStatus": n}`; 0 unknown, 1 exporting, 2 compressing, 3 done with `ExportOutput`,
    less than 0: failed with `ExportError`."""
    key = request.path_params["key"]
    _check(platform, key)
    task = _latest(platform.store, key, "export")
    answer: dict[str, Any] = {"ExportStatus": 0 if task is None else _stage(task, 2, EXPORTED)}
    if task is not None and answer["ExportStatus"] == EXPORTED:
        answer["ExportOutput"] = f"/export_output/{key}"
    elif task is not None and answer["ExportStatus"] < 0:
        answer["ExportError"] = task.row["error"]
    return JSONResponse(answer)


async def export_output(platform: Platform, request: Request) -> Response:
    """`GET /export_output/{key}`: the archive of the latest export that succeeded. Raises Refusal(404)."""
    key = request.path_params["key"]
    _check(platform, key)
    task = _latest(platform.store, key, "export")
    if task is None or task.row.get("stage") != EXPORTED:
        raise Refusal(404, "<h1>Not Found</h1>")
    content = b"".join(platform.store.pieces(key, task.id))
    headers = {
        "Content-Disposition": f"attachment; filename=course.{task.id[:8]}.tar.gz",
        "Content-Length": str(len(content)),
    }
    return StreamingResponse(iter([content]), media_type="application/x-tgz", headers=headers)


# -- tasks ------------------------------------------------------------------------------------------------------------


def _begin(platform: Platform, key: str, kind: str, name: str) -> Task:
    now = time.time()
    task = Task(uuid.uuid4().hex, key, kind, name, now, now + platform.profile.transfer_seconds, {})
    platform.store.save_task(task)
    finish_transfers(platform)
    return task


def finish_transfers(platform: Platform) -> None:
    """Do the imports and exports whose time has come."""
    now = time.time()
    for task in platform.store.tasks():
        if not task.row and task.due <= now:
            task.row.update(_imported(platform, task) if task.kind == "import" else _exported(platform, task))
            platform.store.save_task(task)


def _imported(platform: Platform, task: Task) -> dict[str, Any]:
    """Run an import; returns what is kept of it. One that fails has changed nothing."""
    store = platform.store
    with tempfile.TemporaryDirectory(prefix="sandbox-import-") as folder:
        archive, unpacked = Path(folder, "archive"), Path(folder, "course")
        unpacked.mkdir()
        with archive.open("wb") as file:
            for piece in store.pieces(task.course, task.name):
                file.write(piece)
        store.drop_pieces(task.course, task.name)
        try:
            top = unpack(archive, task.name, unpacked)
            with store.savepoint():
                done = import_course(store, task.course, top, reformats=platform.profile.olx_reformats)
        except ImportFailure as failure:
            return {"stage": -failure.stage, "message": str(failure)}
        except BROKEN as error:
            return {"stage": -3, "message": f"Failed to import the course: {error!r}"}
    counts = {"blocks": done.blocks, "drafts": done.drafts, "files": done.files}
    return {"stage": DONE, "message": "", **counts, "skipped": list(done.skipped)}


def _exported(platform: Platform, task: Task) -> dict[str, Any]:
    store = platform.store
    with tempfile.TemporaryFile() as output:
        try:
            pack(export_files(store, task.course), output)
        except ExportFailure as failure:
            return {
                "stage": -1,
                "error": {
                    "raw_error_msg": str(failure),
                    "edit_unit_url": failure.unit and f"/container/{failure.unit}",
                },
            }
        for old in store.tasks():
            if old.course == task.course and old.kind == "export" and old.id != task.id:
                store.drop_pieces(old.course, old.id)
        output.seek(0)
        at = 0
        while piece := output.read(CHUNK):
            store.add_piece(task.course, task.id, at, piece)
            at += len(piece)
    return {"stage": EXPORTED}


def _latest(store: Store, key: str, kind: str, name: str | None = None) -> Task | None:
    found = [task for task in store.tasks() if (task.course, task.kind) == (key, kind) and name in (None, task.name)]
    return found[-1] if found else None


def _stage(task: Task, stages: int, done: int) -> int:
    """The stage of a task: how it ended, else how far it should be by now, from 1 to `stages`."""
    if task.row:
        return int(task.row.get("stage", done))
    share = (time.time() - task.began) / max(task.due - task.began, 1e-9)
    return min(stages, 1 + max(0, int(share * stages)))


class Transfer(NamedTuple):
    """A task as the sandbox's own route tells it."""

    task_id: str
    course: str
    kind: str
    name: str
    result: dict[str, Any]


async def transfers(platform: Platform, request: Request) -> Response:
    """`GET /_sandbox/transfers`: every import and export with what came of it. Children that an import passed over are in
    `result.skipped`; the platform tells them to its log alone."""
    rows = [Transfer(task.id, task.course, task.kind, task.name, task.row) for task in platform.store.tasks()]
    return JSONResponse({"transfers": [row._asdict() for row in rows]})
