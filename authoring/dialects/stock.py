"""Studio's own routes, `/xblock/` and its neighbours: all of a stock target, and half of the others. Pure.

Open edX: cms/djangoapps/contentstore/xblock_storage_handlers/view_handlers.py, views/{assets,course}.py; docs/platform.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from authoring.calls import Answer, Call, CallKind, FilePart, Json, Merge, Service
from authoring.dialects import bodies, readers
from authoring.dialects.base import NoRouteError
from authoring.keys import root_key
from authoring.model import OUTLINE_CATEGORIES, Asset, CourseId, FieldValue, GradingPolicy
from authoring.remote import RemoteAsset, RemoteBlock, RemoteContent, RemoteUpdate
from authoring.settings import Options, PdfBlock

PAGE_SIZE = 100
LISTS_IN_COMMON = frozenset({"advanced_modules"})
"""Course fields that several people add to: what is there stays."""


def read(path: str, query: Mapping[str, str] | None = None) -> Call:
    """A GET on Studio."""
    return Call(CallKind.READ, Service.CMS, "GET", path, query=query or {})


class StockRoutes:
    """What dialects share. `stock` tells whether the login opens these routes; where not, asking for one raises
    NoRouteError."""

    courses: ClassVar[str] = "/course/"
    """Where courses are made."""

    def __init__(self, *, stock: bool = True, options: Options | None = None) -> None:
        self._stock = stock
        self._options = options or Options()

    def _need(self, what: str) -> None:
        if not self._stock:
            raise NoRouteError(
                f"this target cannot {what} with the login at hand",
                "set IBL_STUDIO_SESSION and IBL_STUDIO_CSRF (a Studio session)",
            )

    # The SCORM block goes by another name on some platforms; the tree calls it `scorm`.

    def _theirs(self, category: str) -> str:
        return self._options.scorm_category if category == "scorm" else category

    def _ours(self, category: str) -> str:
        return "scorm" if category == self._options.scorm_category else category

    def root_key(self, course: CourseId) -> str:
        return root_key(course)

    # -- the course ---------------------------------------------------------------------------------------------------

    def create_course(self, course: CourseId, display_name: str) -> Call:
        """Number and run are always sent: without them every call to the ibl platform makes another course."""
        body: Json = {
            "org": course.org,
            "number": course.number,
            "run": course.run,
            "display_name": display_name,
        }
        return Call(
            CallKind.CREATE,
            Service.CMS,
            "POST",
            self.courses,
            json=body,
            repeatable=False,
            check=bodies.course_refusal,
        )

    def rerun_course(self, source: CourseId, course: CourseId, display_name: str) -> Call:
        """Make a course as a copy of another; the copying is background work of the platform."""
        made = self.create_course(course, display_name)
        assert isinstance(made.json, Mapping)
        return replace(made, json={**made.json, "source_course_key": str(source)})

    # -- blocks -------------------------------------------------------------------------------------------------------

    def created_key(self, reply: Json) -> str:
        return readers.created_key(reply)

    def _stock_update(
        self,
        usage_key: str,
        category: str,
        data: str | None,
        metadata: Mapping[str, FieldValue],
        fields: Mapping[str, FieldValue] | None,
    ) -> Call:
        self._need("change a block")
        body: dict[str, Json] = {}
        direct: dict[str, Json] = dict(fields or {})
        if data == "" and category in bodies.HTML_CATEGORIES:
            direct["data"] = ""  # an empty `data` at the top is passed over; a field is set as it is
        elif data is not None:
            body["data"] = data or bodies.blank_data(category)
        sent = bodies.update_metadata(category, data, metadata)
        if sent:
            body["metadata"] = sent
        if direct:
            body["fields"] = direct
        return Call(CallKind.UPDATE, Service.CMS, "POST", f"/xblock/{usage_key}", json=body)

    def _update_course(self, usage_key: str, course_key: str, fields: Mapping[str, FieldValue]) -> tuple[Call, ...]:
        """Fields of the course block. Any of them is taken as metadata; lists that others add to are united first."""
        self._need("change the course settings")
        lists: dict[str, Json] = {
            name: {"value": [self._theirs(item) if isinstance(item, str) else item for item in value]}
            for name, value in fields.items()
            if name in LISTS_IN_COMMON and isinstance(value, list | tuple)
        }
        rest = {name: value for name, value in fields.items() if name not in lists}
        calls: list[Call] = []
        if "pdf_textbooks" in rest:
            calls.append(self._put_textbooks(course_key, rest.pop("pdf_textbooks")))
        if lists:
            path = f"/settings/advanced/{course_key}"
            merge = Merge(read(path), bodies.unite_lists)
            calls.append(Call(CallKind.SETTINGS, Service.CMS, "POST", path, json=lists, merge=merge))
        if rest:
            calls.append(self._stock_update(usage_key, "course", None, rest, None))
        return tuple(calls)

    def _put_textbooks(self, course_key: str, books: FieldValue) -> Call:
        """All textbooks, in the place of those that are there; by this route they get their tab (Open edX: views/course.py,
        textbooks_list_handler)."""
        listed = list(books) if isinstance(books, list | tuple) else []
        check = bodies.textbooks_check(listed)
        return Call(CallKind.SETTINGS, Service.CMS, "PUT", f"/textbooks/{course_key}", json=listed, check=check)

    def _update_pdf(self, usage_key: str, metadata: Mapping[str, FieldValue]) -> tuple[Call, ...]:
        """The ibl platform's pdf block: its address is kept only by its handler, which wants the title as well."""
        self._need("set the address of a PDF")
        rest = dict(metadata)
        told = rest.pop("href", None)  # as an export of this platform says it
        address = rest.pop("url", None) or told
        unknown = sorted(rest.keys() & {"allow_download", "source_text", "source_url"})
        if unknown:
            raise NoRouteError(
                f"this target's PDF block has no {' and no '.join(unknown)}",
                'leave it out, or set pdf_block = "url" in authoring.toml if the target has the newer block',
            )
        if address is None:
            return (self._stock_update(usage_key, "pdf", None, rest, None),) if rest else ()
        title = rest.pop("display_name", None)
        body: dict[str, Json] = {"href": address}
        merge: Merge | None = Merge(read(f"/xblock/{usage_key}"), _with_title)
        if title is not None:
            body["display_name"] = title
            merge = None
        save = Call(
            CallKind.UPDATE,
            Service.CMS,
            "POST",
            f"/xblock/{usage_key}/handler/save_pdf",
            json=body,
            merge=merge,
            check=bodies.handler_refusal,
        )
        return (save, self._stock_update(usage_key, "pdf", None, rest, None)) if rest else (save,)

    def _has_own_pdf(self) -> bool:
        return self._options.pdf_block is PdfBlock.HREF

    def set_children(self, usage_key: str, children: Sequence[str]) -> Call:
        """The list must be complete: leaving a child out is refused, naming another's child moves it here."""
        self._need("reorder blocks")
        body: Json = {"children": list(children)}
        return Call(CallKind.MOVE, Service.CMS, "POST", f"/xblock/{usage_key}", json=body)

    def move_block(self, usage_key: str, parent: str, index: int | None = None) -> Call:
        """Not repeatable: a second time it is refused, being there already."""
        self._need("move a block")
        body: dict[str, Json] = {"move_source_locator": usage_key, "parent_locator": parent}
        if index is not None:
            body["target_index"] = index
        return Call(CallKind.MOVE, Service.CMS, "PATCH", "/xblock/", json=body, repeatable=False)

    def delete_block(self, usage_key: str) -> Call:
        self._need("delete a block")
        path = f"/xblock/{usage_key}"
        return Call(CallKind.DELETE, Service.CMS, "DELETE", path, answer=Answer.EMPTY_OR_JSON, repeatable=False)

    def read_block(self, usage_key: str, category: str) -> Call:
        self._need("read a block")
        return read(f"/xblock/{usage_key}")

    def block_of(self, reply: Json) -> RemoteContent:
        return readers.content_in(reply, self._ours)

    def read_children(self, course: CourseId, usage_key: str, category: str) -> Call:
        self._need("read the children of a block")
        if category in OUTLINE_CATEGORIES[:-1]:
            return read(f"/xblock/outline/{usage_key}", {"format": "json"})
        return read(f"/api/contentstore/v1/container/vertical/{usage_key}/children")

    def children_of(self, reply: Json, usage_key: str) -> tuple[RemoteBlock, ...]:
        if isinstance(reply, Mapping) and "children" in reply:
            return readers.child_blocks(reply, usage_key, self._ours)
        return readers.outline_children(reply, usage_key, self._ours)

    def _read_stock_outline(self, course: CourseId) -> Call:
        """Sections, subsections and units with their publish state."""
        return read(f"/xblock/outline/{root_key(course)}", {"format": "json"})

    # -- the course ---------------------------------------------------------------------------------------------------

    def write_grading(self, course_key: str, policy: GradingPolicy) -> tuple[Call, ...]:
        """The whole policy: graders that are left out vanish. What the source says nothing about is read and kept."""
        self._need("set the grading policy")
        path = f"/settings/grading/{course_key}"
        merge = Merge(read(path), bodies.keep_credit)
        body = bodies.grading_body(policy)
        return (Call(CallKind.SETTINGS, Service.CMS, "POST", path, json=body, merge=merge),)

    def read_grading(self, course_key: str) -> Call:
        self._need("read the grading policy")
        return read(f"/settings/grading/{course_key}")

    def grading_of(self, reply: Json) -> GradingPolicy:
        return readers.grading_in(reply)

    def read_advanced_settings(self, course_key: str) -> Call:
        self._need("read the advanced settings")
        return read(f"/settings/advanced/{course_key}")

    def advanced_settings_of(self, reply: Json) -> Mapping[str, Json]:
        return readers.advanced_in(reply)

    def write_advanced_settings(self, course_key: str, values: Mapping[str, Json]) -> Call:
        """Set some, keep the rest; the value of each one is replaced as a whole."""
        self._need("set the advanced settings")
        body: Json = {name: {"value": value} for name, value in values.items()}
        secret = "lti_passports" in values
        path = f"/settings/advanced/{course_key}"
        return Call(CallKind.SETTINGS, Service.CMS, "POST", path, json=body, secret=secret)

    def replace_lti_passport(self, course_key: str, passport: str) -> Call:
        self._need("replace an LTI passport")
        path = f"/settings/advanced/{course_key}"
        body: Json = {"lti_passports": {"value": [passport]}}
        merge = Merge(read(path), bodies.unite_passports)
        return Call(CallKind.SETTINGS, Service.CMS, "POST", path, json=body, merge=merge, secret=True)

    # -- what stands beside the outline -------------------------------------------------------------------------------

    def read_updates(self, course_key: str) -> Call:
        self._need("read the updates of a course")
        return read(f"/course_info_update/{course_key}/")

    def updates_of(self, course: CourseId, reply: Json) -> tuple[RemoteUpdate, ...]:
        return readers.updates_in(reply, course)

    def write_update(self, course_key: str, number: str | None, date: str, content: str) -> Call:
        self._need("write an update")
        body: Json = {"date": date, "content": content}
        if number is None:
            path = f"/course_info_update/{course_key}/"
            return Call(CallKind.CREATE, Service.CMS, "POST", path, json=body, repeatable=False)
        return Call(CallKind.UPDATE, Service.CMS, "PUT", f"/course_info_update/{course_key}/{number}", json=body)

    def delete_update(self, course_key: str, number: str) -> Call:
        self._need("delete an update")
        path = f"/course_info_update/{course_key}/{number}"
        return Call(CallKind.DELETE, Service.CMS, "DELETE", path, answer=Answer.EMPTY_OR_JSON, repeatable=False)

    def order_pages(self, course_key: str, pages: Sequence[str]) -> Call:
        """Every tab is named, in its place: releases differ in what they do with those that are left out (Open edX:
        views/tabs.py, reorder_tabs_handler)."""
        self._need("order the pages")
        root = course_key.replace("course-v1:", "block-v1:", 1) + "+type@course+block@course"
        merge = Merge(read(f"/xblock/{root}"), bodies.tabs_in_order)
        body: Json = {"tabs": [{"tab_locator": page} for page in pages]}
        path = f"/tabs/{course_key}"
        return Call(CallKind.MOVE, Service.CMS, "POST", path, json=body, merge=merge, answer=Answer.EMPTY_OR_JSON)

    def read_team(self, course_key: str) -> Call:
        self._need("see the course team")
        return read(f"/api/contentstore/v1/course_team/{course_key}")

    def team_of(self, reply: Json) -> Mapping[str, str]:
        return readers.team_in(reply)

    def read_role(self, course_key: str, email: str) -> Call:
        self._need("see the course team")
        return read(f"/course_team/{course_key}/{email}")

    def role_of(self, reply: Json) -> str:
        return readers.role_in(reply)

    def set_role(self, course_key: str, email: str, role: str | None) -> Call:
        self._need("set the course team")
        path = f"/course_team/{course_key}/{email}"
        if role is None:
            return Call(CallKind.DELETE, Service.CMS, "DELETE", path, answer=Answer.EMPTY_OR_JSON)
        return Call(CallKind.SETTINGS, Service.CMS, "POST", path, json={"role": role}, answer=Answer.EMPTY_OR_JSON)

    # -- files --------------------------------------------------------------------------------------------------------

    def upload_asset(self, course_key: str, asset: Asset) -> Call:
        """A file of the same name is replaced, so sending it twice does no harm. It is live at once."""
        self._need("upload files")
        files = (bodies.asset_part(asset),)
        return Call(CallKind.UPLOAD, Service.CMS, "POST", f"/assets/{course_key}/", files=files)

    def read_actions(self) -> Call:
        self._need("see which courses are being copied")
        return read("/api/contentstore/v2/home/courses", {"page": "1"})

    def import_course(self, course_key: str, archive: Asset) -> Call:
        """Blocks of the same ids are replaced, so sending it twice does no harm."""
        self._need("import an OLX archive")
        part = FilePart(
            "course-data", archive.file or Path(archive.path), archive.name, archive.content_type, archive.size
        )
        return Call(CallKind.UPLOAD, Service.CMS, "POST", f"/import/{course_key}", files=(part,))

    def import_status(self, course_key: str, archive: Asset) -> Call:
        self._need("import an OLX archive")
        return read(f"/import_status/{course_key}/{archive.name}")

    def export_course(self, course_key: str) -> Call:
        """Changes nothing of the course, so it counts as a read; a second one takes the place of the first."""
        self._need("export an OLX archive")
        return Call(CallKind.READ, Service.CMS, "POST", f"/export/{course_key}")

    def export_status(self, course_key: str) -> Call:
        return read(f"/export_status/{course_key}")

    def export_output(self, course_key: str) -> Call:
        return read(f"/export_output/{course_key}")

    def list_assets(self, course_key: str, page: int) -> Call:
        self._need("list the files of a course")
        query = {"page": str(page), "page_size": str(PAGE_SIZE), "sort": "date_added", "direction": "asc"}
        return read(f"/assets/{course_key}/", query)

    def assets_of(self, reply: Json) -> tuple[tuple[RemoteAsset, ...], int]:
        return readers.assets_in(reply)

    def _handler_upload(self, usage_key: str, category: str, package: Asset, fields: Mapping[str, FieldValue]) -> Call:
        """To the block's own handler, whose contract is known from its source."""
        self._need("upload a package to the block's handler")
        return Call(
            CallKind.UPLOAD,
            Service.CMS,
            "POST",
            f"/xblock/{usage_key}/handler/studio_submit",
            form=bodies.package_form(category, package, fields),
            files=(bodies.package_part(package),),
        )

    def package_errors(self, reply: Json) -> tuple[str, ...]:
        return readers.package_errors(reply)


def _with_title(live: Json, ours: Json) -> Json:
    if not isinstance(live, Mapping) or not isinstance(ours, Mapping):
        raise ValueError("not a block")
    return {"display_name": live.get("display_name") or "PDF", **ours}
