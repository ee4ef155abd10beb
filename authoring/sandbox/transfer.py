"""Studio's import of an OLX archive: `/import/{key}`, `/import_status/{key}/{name}`.

What is in the archive takes the place of what has the same id, in both branches; what is not in it drops out of its
parents; ids are kept. Children that cannot be read are left out, and the import succeeds all the same.

Sources: Open edX: cms/djangoapps/contentstore/{tasks.py,views/import_export.py}, xmodule/modulestore/xml_importer.py;
docs/platform.md.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authoring.archives import open_package
from authoring.errors import SourceError
from authoring.lockfile import content_field
from authoring.model import Block, BlockKey, Course, GradingPolicy
from authoring.olx.reader import without_pointers
from authoring.references import REFERENCE_FIELDS
from authoring.sandbox.addresses import root_of, usage_of
from authoring.sandbox.platform import Platform
from authoring.sandbox.refusals import Refusal
from authoring.sandbox.store import DRAFT, PUBLISHED, Node, Store
from importers.olx.course import read_olx
from importers.olx.layout import find_roots

DONE = 4
FAILED = -2
SUFFIXES = (".tar.gz", ".zip")
_STATUSES = "import_statuses"


async def import_course(platform: Platform, request: Request) -> Response:
    """`POST /import/{key}` with the archive as `course-data`. The course must be there."""
    key = request.path_params["key"]
    row = platform.need_course(key)
    async with request.form() as form:
        upload = form.get("course-data")
        if not isinstance(upload, UploadFile) or not upload.filename:
            raise Refusal(400, {"ErrMsg": "No file was sent.", "Stage": -1})
        name = upload.filename
        if not name.endswith(SUFFIXES):
            raise Refusal(415, {"ErrMsg": "We only support uploading a .tar.gz or .zip file.", "Stage": -1})
        with tempfile.TemporaryDirectory(prefix="sandbox-import-") as folder:
            archive = Path(folder) / ("course.zip" if name.endswith(".zip") else "course.tar.gz")
            with archive.open("wb") as sink:
                shutil.copyfileobj(upload.file, sink)
            status: dict[str, Any] = {"ImportStatus": DONE, "Message": ""}
            try:
                with open_package(archive) as package:
                    layouts = find_roots(package.files)
                    if not layouts:
                        raise SourceError("Could not find the course.xml file in the package.")
                    course = without_pointers(read_olx(package, layouts[0]).course)
                    with platform.store.savepoint():
                        _replace(platform.store, key, course)
            except SourceError as error:
                status = {"ImportStatus": FAILED, "Message": error.message}
    row = platform.need_course(key)
    row[_STATUSES] = {**row.get(_STATUSES, {}), name: status}
    platform.store.save_course(key, row)
    return JSONResponse({"ImportStatus": 1})


async def import_status(platform: Platform, request: Request) -> Response:
    """`GET /import_status/{key}/{name}`; an unknown name is 0."""
    row = platform.need_course(request.path_params["key"])
    status = row.get(_STATUSES, {}).get(request.path_params["name"])
    return JSONResponse(status or {"ImportStatus": 0, "Message": ""})


def _replace(store: Store, key: str, course: Course) -> None:
    for branch in (DRAFT, PUBLISHED):
        _put_tree(store, key, course.root, None, branch)
        for block in course.detached:
            if block.category != "about":
                _put_tree(store, key, block, None, branch)
    for draft in course.drafts:
        parent = usage_of(key, draft.parent.category, draft.parent.url_name) if draft.parent is not None else None
        holder = store.get(key, parent) if parent is not None else None
        if holder is None:
            continue  # the platform's own import leaves such a draft out
        node = _put_tree(store, key, draft.block, parent, DRAFT)
        if node.usage not in holder.children:
            holder.children.insert(draft.index, node.usage)
            store.put(key, holder)
    row = store.course(key) or {}
    row["about"] = {block.url_name: block.content or "" for block in course.detached if block.category == "about"}
    if "video" in row["about"]:
        row["about"]["intro_video"] = row["about"].pop("video")
    if course.grading is not None:
        row["grading"] = {**row["grading"], **_grading(course.grading)}
    store.save_course(key, row)
    added = datetime.now(UTC).isoformat(timespec="seconds")
    for asset in course.assets:
        if asset.file is not None:
            about = {"content_type": asset.content_type, "locked": asset.locked, "added": added}
            with asset.file.open("rb") as content:
                store.put_asset(
                    key, asset.name, {"display_name": asset.display_name or asset.path.name, **about}, content
                )


def _put_tree(store: Store, key: str, block: Block, parent: str | None, branch: str) -> Node:
    usage = root_of(key) if block.category == "course" else usage_of(key, block.category, block.url_name)
    fields = {name: _named(key, block, name, value) for name, value in block.fields.items() if value is not None}
    if block.content:
        fields[content_field(block.category)] = block.content
    if block.category == "course":
        held = store.get(key, usage, branch)
        fields = {**(held.fields if held is not None else {}), **fields}
        fields.pop("lti_passports", None)
    node = Node(usage, block.category, parent, fields, version=store.next_version())
    node.children = [_put_tree(store, key, child, usage, branch).usage for child in block.children]
    store.put(key, node, branch)
    return node


def _named(key: str, block: Block, name: str, value: Any) -> Any:
    """References as usage keys of the course that is written, whatever course they were of."""
    if name not in REFERENCE_FIELDS.get(block.category, ()):
        return value
    if isinstance(value, Mapping):
        return {group: _usage(key, item) for group, item in value.items()}
    return [_usage(key, item) for item in value] if isinstance(value, list) else value


def _usage(key: str, text: Any) -> Any:
    if not isinstance(text, str) or "/" not in text:
        return text
    named = BlockKey.parse(text)
    return usage_of(key, named.category, named.url_name)


def _grading(policy: GradingPolicy) -> dict[str, Any]:
    graders = [
        {
            "id": number,
            "type": grader.type,
            "min_count": grader.min_count,
            "drop_count": grader.drop_count,
            "short_label": grader.short_label,
            "weight": round(grader.weight * 100, 6),
        }
        for number, grader in enumerate(policy.graders)
    ]
    return {"graders": graders, "grade_cutoffs": dict(policy.cutoffs)}
