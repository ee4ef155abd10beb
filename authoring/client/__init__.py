"""The platform's API, typed and synchronous. The only package that knows httpx.

`Client.send` takes a `Call` and returns a `Reply`; the `read_…` methods make the calls of the target's dialect and return
values. Reads are made side by side, writes one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from types import TracebackType
from typing import Any

import httpx

from authoring.calls import Call, CallKind
from authoring.client.transport import Reply, Transport
from authoring.dialects import Dialect, IblDialect, capabilities, dialect_of
from authoring.errors import ApiError, LoginError, RefusedError
from authoring.keys import category_of
from authoring.model import CourseId
from authoring.remote import CourseInfo, RemoteAsset, RemoteBlock, RemoteContent, RemoteCourse
from authoring.settings import Target

__all__ = ["Client", "Reply"]

READERS = 8
"""How many reads are under way at once."""


class Client:
    """A target's API. A context manager; `calls` counts what was sent, by kind."""

    def __init__(self, target: Target, *, http: httpx.Client | None = None) -> None:
        self.target = target
        self.dialect: Dialect = dialect_of(target)
        self.capabilities = capabilities(target)
        self.calls: Counter[CallKind] = Counter()
        self._count = Lock()
        self._transport = Transport(target, http)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    def send(self, call: Call) -> Reply:
        """Send one call. Raises ApiError: see `authoring.errors` for what each kind means."""
        if call.over is not None:
            base = self.send(call.over).json
            call = replace(call, json=_laid_over(base, call.json), over=None)
        with self._count:
            self.calls[call.kind] += 1
        return self._transport.send(call)

    # -- reads --------------------------------------------------------------------------------------------------------

    def read_course_info(self, course: CourseId) -> CourseInfo | None:
        """That the course exists, and its name; None when it does not."""
        try:
            row = self.send(self.dialect.read_course_info(course)).json
        except RefusedError as error:
            if error.status in (404, 500):
                return None
            raise
        name = row.get("display_name") if isinstance(row, dict) else None
        return CourseInfo(str(course), str(name or ""))

    def read_outline(self, course: CourseId, units: Sequence[str] = ()) -> RemoteCourse | None:
        """The structure of a live course; None when there is no such course.

        Two or three reads where the target lists all units in one call. The children of `units` are read as well, one
        call each, where that list does not have them.
        """
        if self.read_course_info(course) is None:
            return None
        root = self.dialect.root_key(course)
        blocks: dict[str, RemoteBlock] = {}
        if self.capabilities.outline:
            for block in self.dialect.outline_blocks(self.send(self.dialect.read_outline(course)).json):
                blocks[block.usage_key] = block
        else:
            blocks[root] = RemoteBlock(root, "course", "", None, None)
        everything = isinstance(self.dialect, IblDialect)
        if isinstance(self.dialect, IblDialect):
            for block in self.dialect.units_blocks(self.send(self.dialect.read_units(course)).json, root):
                above = blocks.get(block.usage_key)
                blocks[block.usage_key] = replace(above, children=block.children) if above else block
        holders = [unit for unit in units if unit not in blocks or blocks[unit].children is None]
        if self.capabilities.outline:
            for holder, children in zip(holders, self._read_units(holders), strict=True):
                above = blocks.get(holder) or RemoteBlock(holder, category_of(holder), "", None)
                blocks[holder] = replace(above, children=tuple(child.usage_key for child in children))
                blocks.update((child.usage_key, child) for child in children)
        return RemoteCourse(str(course), root, blocks, everything, self.capabilities.outline)

    def _read_units(self, units: Sequence[str]) -> list[tuple[RemoteBlock, ...]]:
        if not units:
            return []
        with ThreadPoolExecutor(READERS) as pool:
            return list(
                pool.map(
                    lambda unit: self.dialect.unit_blocks(self.send(self.dialect.read_unit(unit)).json, unit),
                    units,
                )
            )

    def read_children(self, course: CourseId, usage_key: str) -> tuple[str, ...] | None:
        """The children that a block has now; None when the target does not tell."""
        outline = self.read_outline(course, units=(usage_key,))
        block = outline.blocks.get(usage_key) if outline else None
        return block.children if block else None

    def read_block(self, usage_key: str, category: str) -> RemoteContent | None:
        """One block whole; None when it is gone, or when the target does not show this category."""
        readable = self.capabilities.readable
        if readable is not None and category not in readable:
            return None
        try:
            content = self.dialect.content_of(self.send(self.dialect.read_block(usage_key, category)).json)
        except RefusedError as error:
            if error.status in (404, 406, 500):
                return None
            raise
        return replace(content, usage_key=usage_key, category=category)

    def read_blocks(self, wanted: Iterable[tuple[str, str]]) -> Mapping[str, RemoteContent]:
        """Several blocks, `(usage key, category)`, side by side; those that cannot be read are left out."""
        with ThreadPoolExecutor(READERS) as pool:
            found = pool.map(lambda item: self.read_block(*item), wanted)
            return {content.usage_key: content for content in found if content is not None}

    def list_assets(self, course: CourseId) -> tuple[RemoteAsset, ...]:
        """Every uploaded file of a course."""
        found: dict[str, RemoteAsset] = {}
        page = 0
        while True:
            assets, total = self.dialect.assets_of(self.send(self.dialect.list_assets(str(course), page)).json)
            before = len(found)
            found.update((asset.name, asset) for asset in assets)
            page += 1
            if len(found) >= total or len(found) == before:
                return tuple(found.values())

    def read_advanced_settings(self, course: CourseId) -> Mapping[str, Any]:
        """`{name: value}` of the advanced settings."""
        row = self.send(self.dialect.read_advanced(str(course))).json
        return {name: item.get("value") for name, item in row.items()} if isinstance(row, dict) else {}

    def read_grading(self, course: CourseId) -> Mapping[str, Any]:
        """The grading policy as the platform gives it: weights in percent."""
        row = self.send(self.dialect.read_grading(str(course))).json
        return row if isinstance(row, dict) else {}

    def read_lti_ids(self, course: CourseId) -> frozenset[str] | None:
        """The ids of the course's LTI passports; None when they cannot be read with this login."""
        if not self.capabilities.grading:
            return None
        try:
            passports = self.read_advanced_settings(course).get("lti_passports") or []
        except (RefusedError, LoginError):
            return None
        return frozenset(str(passport).partition(":")[0] for passport in passports)

    def probe(self, call: Call) -> ApiError | None:
        """Send a read and say what went wrong, for `doctor`; None when it was answered."""
        try:
            self.send(call)
        except ApiError as error:
            return error
        return None


def _laid_over(base: Any, ours: Any) -> Any:
    """`ours` laid over `base`: maps are merged, lists united, all else replaced."""
    if isinstance(base, dict) and isinstance(ours, Mapping):
        return {**base, **{name: _laid_over(base.get(name), value) for name, value in ours.items()}}
    if isinstance(base, list) and isinstance(ours, list | tuple):
        return [*base, *(item for item in ours if item not in base)]
    return ours
