"""What dialects share: the stock Studio routes, which every dialect uses where the login allows them.

Functions from usage keys and JSON values to `Call`, and from replies to values. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from authoring.calls import Answer, Call, CallKind, FilePart, Service
from authoring.errors import NonsenseError
from authoring.keys import make_usage_key
from authoring.model import ROOT_KEY, Asset, BlockKey, CourseId, FieldValue, GradingPolicy
from authoring.remote import RemoteAsset, RemoteBlock, RemoteContent

BLANK_TEXT = "<p></p>"
"""Sent in place of an empty text: an empty `data` is passed over without a word (Open edX: `view_handlers`)."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What can be done on a target with the login at hand."""

    outline: bool = True
    """Sections and subsections can be read, not only units."""
    reorder: bool = True
    move: bool = True
    delete: bool = True
    assets: bool = True
    grading: bool = True
    about: bool = True
    component_create: frozenset[str] = frozenset()
    """Categories that one call makes complete, with content and fields."""
    readable: frozenset[str] | None = None
    """Categories whose content can be read; None: all."""

    def detached_key(self, course: CourseId, key: BlockKey) -> str:
        """The usage key of a block that is never created (course_info): its id is its name."""
        return make_usage_key(course, key)


def reply_map(reply: object, what: str) -> Mapping[str, object]:
    """A reply that must be a JSON object. Raises NonsenseError."""
    if not isinstance(reply, Mapping):
        raise NonsenseError(
            f"the platform's answer to {what} is not what was asked for",
            "check the login: `authoring doctor`",
        )
    return reply


def grading_body(policy: GradingPolicy) -> FieldValue:
    """A policy as `/settings/grading/` takes it, all four keys: percent where the file has fractions
    (Open edX: `CourseGradingModel.update_from_json`)."""
    grace: FieldValue = None
    if policy.grace_period:
        hours, minutes = divmod(policy.grace_period, 60)
        grace = {"hours": hours, "minutes": minutes}
    return {
        "graders": [
            {
                "id": number,
                "type": grader.type,
                "short_label": grader.short_label,
                "min_count": grader.min_count,
                "drop_count": grader.drop_count,
                "weight": round(grader.weight * 100, 6),
            }
            for number, grader in enumerate(policy.graders)
        ],
        "grade_cutoffs": dict(policy.cutoffs),
        "grace_period": grace,
        "minimum_grade_credit": 0.8,
    }


class StockRoutes:
    """Studio's own routes, `/xblock/` and its neighbours (docs/platform.md)."""

    scorm_category = "scorm"

    def root_key(self, course: CourseId) -> str:
        return make_usage_key(course, ROOT_KEY)

    def created_key(self, reply: object) -> str:
        """The usage key in the answer to a create; its name differs from route to route."""
        row = reply_map(reply, "a create")
        for name in ("xblock_locator", "locator", "id"):
            value = row.get(name)
            if isinstance(value, str) and value:
                return value
        raise NonsenseError("the platform's answer to a create names no block", "look at the course, then run again")

    def stock_update(
        self,
        usage_key: str,
        data: str | None,
        metadata: Mapping[str, FieldValue],
        fields: Mapping[str, FieldValue] | None = None,
    ) -> Call:
        body: dict[str, FieldValue] = {}
        if data is not None:
            body["data"] = data or BLANK_TEXT
        if metadata:
            body["metadata"] = dict(metadata)
        if fields:
            body["fields"] = dict(fields)
        return Call(CallKind.UPDATE, Service.CMS, "POST", f"/xblock/{usage_key}", json=body, repeatable=True)

    def set_children(self, usage_key: str, children: tuple[str, ...]) -> Call:
        """The full, ordered list: leaving a child out is refused."""
        body: FieldValue = {"children": list(children)}
        return Call(CallKind.MOVE, Service.CMS, "POST", f"/xblock/{usage_key}", json=body, repeatable=True)

    def move_block(self, usage_key: str, parent: str) -> Call:
        body: FieldValue = {"move_source_locator": usage_key, "parent_locator": parent}
        return Call(CallKind.MOVE, Service.CMS, "PATCH", "/xblock/", json=body)

    def delete_block(self, usage_key: str) -> Call:
        return Call(CallKind.DELETE, Service.CMS, "DELETE", f"/xblock/{usage_key}", answer=Answer.EMPTY_OR_JSON)

    def read_block(self, usage_key: str, category: str) -> Call:
        return Call(CallKind.READ, Service.CMS, "GET", f"/xblock/{usage_key}", repeatable=True)

    def read_unit(self, usage_key: str) -> Call:
        """The children of one unit, with their names."""
        path = f"/api/contentstore/v1/container/vertical/{usage_key}/children"
        return Call(CallKind.READ, Service.CMS, "GET", path, repeatable=True)

    def read_outline(self, course: CourseId) -> Call:
        """Sections, subsections and units with their publish state; components are not in it."""
        path = f"/xblock/outline/{self.root_key(course)}"
        return Call(CallKind.READ, Service.CMS, "GET", path, query={"format": "json"}, repeatable=True)

    def upload_asset(self, course_key: str, asset: Asset) -> Call:
        """Upload under the asset's platform name; an upload of the same name replaces (harmless twice)."""
        if asset.file is None:
            raise ValueError(f"{asset.path}: nowhere to read it from")
        part = FilePart("file", asset.file, asset.name, asset.content_type, asset.size)
        return Call(CallKind.UPLOAD, Service.CMS, "POST", f"/assets/{course_key}/", files=(part,), repeatable=True)

    def list_assets(self, course_key: str, page: int) -> Call:
        query = {"page": str(page), "page_size": "100", "sort": "date_added", "direction": "asc"}
        return Call(CallKind.READ, Service.CMS, "GET", f"/assets/{course_key}/", query=query, repeatable=True)

    def assets_of(self, reply: object) -> tuple[tuple[RemoteAsset, ...], int]:
        """The assets of one page, and how many there are in all."""
        row = reply_map(reply, "the list of files")
        rows = row.get("assets")
        found = []
        for item in rows if isinstance(rows, list) else ():
            url = item.get("portable_url") or ""
            size = item.get("file_size")
            name = str(url).rpartition("/static/")[2] or str(item.get("display_name"))
            found.append(RemoteAsset(name, size if isinstance(size, int) else None))
        total = row.get("totalCount")
        return tuple(found), total if isinstance(total, int) else len(found)

    def write_grading(self, course_key: str, policy: GradingPolicy) -> tuple[Call, ...]:
        path = f"/settings/grading/{course_key}"
        return (Call(CallKind.SETTINGS, Service.CMS, "POST", path, json=grading_body(policy), repeatable=True),)

    def read_grading(self, course_key: str) -> Call:
        return Call(CallKind.READ, Service.CMS, "GET", f"/settings/grading/{course_key}", repeatable=True)

    def read_advanced(self, course_key: str) -> Call:
        return Call(CallKind.READ, Service.CMS, "GET", f"/settings/advanced/{course_key}", repeatable=True)

    def outline_blocks(self, reply: object) -> Iterator[RemoteBlock]:
        """The blocks of an outline reply, parents first. Children of units are left unknown."""
        stack: list[tuple[Mapping[str, object], str | None]] = [(reply_map(reply, "the outline"), None)]
        while stack:
            node, parent = stack.pop()
            usage_key = str(node.get("id"))
            info = node.get("child_info")
            below = info.get("children") if isinstance(info, Mapping) else None
            rows = [row for row in below if isinstance(row, Mapping)] if isinstance(below, list) else []
            category = str(node.get("category"))
            yield RemoteBlock(
                usage_key,
                category,
                str(node.get("display_name") or ""),
                parent,
                None if category == "vertical" else tuple(str(row.get("id")) for row in rows),
                _flag(node.get("published")),
                _flag(node.get("has_changes")),
            )
            stack.extend((row, usage_key) for row in reversed(rows))

    def unit_blocks(self, reply: object, unit: str) -> tuple[RemoteBlock, ...]:
        """The components in the reply to `read_unit`."""
        rows = reply_map(reply, "a unit").get("children")
        return tuple(
            RemoteBlock(
                str(row.get("block_id") or row.get("id")),
                str(row.get("block_type") or row.get("type")),
                str(row.get("name") or row.get("display_name") or ""),
                unit,
            )
            for row in (rows if isinstance(rows, list) else ())
        )

    def content_of(self, reply: object) -> RemoteContent:
        """The body and the explicitly set fields of a stock read."""
        row = reply_map(reply, "a block")
        data = row.get("data")
        metadata = row.get("metadata")
        fields = dict(metadata) if isinstance(metadata, Mapping) else {}
        if "display_name" not in fields and row.get("display_name") is not None:
            fields["display_name"] = row["display_name"]
        return RemoteContent(
            str(row.get("id")),
            str(row.get("category") or ""),
            data if isinstance(data, str) else None,
            fields,
        )

    def package_form(self, package: Asset, fields: Mapping[str, FieldValue]) -> dict[str, str]:
        """The form parts of the SCORM handler, all of them, for every known release of the block: a missing one is a
        500, a boolean is true only as "1", sizes are whole pixels (openedx-scorm-xblock: `studio_submit`)."""

        def flag(name: str, default: bool) -> str:
            value = fields.get(name)
            return "1" if (default if value is None else bool(value)) else "0"

        def pixels(name: str) -> str:
            digits = "".join(char for char in str(fields.get(name) or "") if char.isdigit())
            return digits

        weight = fields.get("weight")
        return {
            "display_name": str(fields.get("display_name") or package.path.stem),
            "has_score": flag("has_score", True),
            "enable_navigation_menu": flag("enable_navigation_menu", False),
            "enable_fullscreen_button": flag("enable_fullscreen_button", True),
            "fullscreen_on_launch": flag("popup_on_launch", False),
            "popup_on_launch": flag("popup_on_launch", False),
            "weight": str(1.0 if weight is None else weight),
            "width": pixels("width"),
            "height": pixels("height"),
            "navigation_menu_width": pixels("navigation_menu_width"),
        }

    def upload_package(
        self, usage_key: str, category: str, package: Asset, fields: Mapping[str, FieldValue]
    ) -> tuple[Call, ...]:
        """Upload a SCORM package through the block's own handler."""
        return (
            Call(
                CallKind.UPLOAD,
                Service.CMS,
                "POST",
                f"/xblock/{usage_key}/handler/studio_submit",
                form=self.package_form(package, fields),
                files=(package_part(package),),
                repeatable=True,
            ),
        )

    def package_errors(self, reply: object) -> tuple[str, ...]:
        """Why the platform could not read a package: it answers 200 and "success" all the same."""
        row = reply_map(reply, "a package upload")
        errors = row.get("errors")
        found = tuple(str(error) for error in errors) if isinstance(errors, list) else ()
        if row.get("result") != "success" and not found:
            return (str(row.get("error") or row.get("detail") or "the answer does not say success"),)
        return found


def package_part(package: Asset) -> FilePart:
    """A SCORM package as the `file` part of the handler's form."""
    if package.file is None:
        raise ValueError(f"{package.path}: nowhere to read it from")
    return FilePart("file", package.file, package.path.name, "application/zip", package.size)


def encoded(text: str) -> str:
    """A key for a query string or a path segment that must not hold `+`."""
    return quote(text, safe="")


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
