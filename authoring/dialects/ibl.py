"""The `ibl` dialect: the platform's own endpoints, `/api/ibl/…` and `/api/v1/ibl/…`, with Studio's own beside them. Pure.

Trailing slashes stand as the platform has them: a missing one is answered with a redirect that loses the body. Without a
Studio session only the platform's own endpoints are open; docs/platform.md has the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from authoring.calls import Answer, Call, CallKind, Json, Service
from authoring.dialects import bodies, readers
from authoring.dialects.base import NoRouteError
from authoring.dialects.stock import StockRoutes, read
from authoring.keys import course_key_of, is_usage_key
from authoring.model import ROOT_KEY, Asset, CourseId, FieldValue
from authoring.remote import RemoteBlock, RemoteCourse, RemoteCourseInfo
from authoring.settings import PassportRoute, ScormUpload

V1 = "/api/v1/ibl"
COURSE = "/api/ibl/manage/course/"
SETTINGS = "/api/ibl/v1/course_settings"

PROBLEM_TYPES: Mapping[str, str] = {
    "problem": "blank",
    "video": "video",
    "drag-and-drop-v2": "drag-and-drop-v2",
    "lti_consumer": "lti_consumer",
}
"""Category → `problem_type` of `component/create`. Not html: its title is dropped there, so it needs an update anyway."""


class IblDialect(StockRoutes):
    """The ibl platform's endpoints; Studio's own where `stock` says that the login opens them."""

    name = "ibl"
    courses = COURSE
    absent_statuses = frozenset({404})

    # -- the course ---------------------------------------------------------------------------------------------------

    def read_course(self, course: CourseId) -> Call:
        return read(COURSE, {"course_key": str(course)})

    def course_of(self, course: CourseId, reply: Json) -> RemoteCourseInfo:
        row = readers.as_row(reply, "a course")
        key = readers.first_text(row, ("course_key",), "a course")
        title = row.get("display_name")
        return RemoteCourseInfo(key, title if isinstance(title, str) else None)

    def read_outline(self, course: CourseId) -> tuple[Call, ...]:
        """All units with their components in one read; sections and subsections in another, where the login can."""
        units = read(f"{V1}/course/{course}/units")
        return (units, self._read_stock_outline(course)) if self._stock else (units,)

    def outline_of(self, course: CourseId, replies: Sequence[Json]) -> RemoteCourse:
        root = self.root_key(course)
        units = tuple(readers.unit_blocks(replies[0], self._ours))
        if self._stock:
            outline: tuple[RemoteBlock, ...] = tuple(readers.outline_blocks(replies[1], self._ours))
        else:
            outline = (RemoteBlock(root, ROOT_KEY.category),)
        blocks = readers.join(outline, units)
        told = all(block.children is not None for block in blocks.values() if block.category == "vertical")
        return RemoteCourse(str(course), root, blocks, components_known=told, outline_known=self._stock)

    def read_course_settings(self, course_key: str) -> Call:
        return read(SETTINGS, {"course_key": course_key})

    def course_settings_of(self, reply: Json) -> Mapping[str, Json]:
        """The reading wraps them in `formData`, the echo of a writing does not."""
        row = readers.as_row(reply, "the course settings")
        return readers.as_row(row.get("formData", row), "the course settings")

    def write_course_settings(self, course_key: str, changes: Mapping[str, Json]) -> tuple[Call, ...]:
        """The pace goes first and alone: with a start date that has passed in the same body it would not be taken."""
        pace = {name: value for name, value in changes.items() if name == "self_paced"}
        rest = {name: value for name, value in changes.items() if name != "self_paced"}
        return tuple(
            Call(
                CallKind.SETTINGS,
                Service.CMS,
                "POST",
                SETTINGS,
                json={"course_key": course_key, **part},
                check=bodies.settings_check(part),
            )
            for part in (pace, rest)
            if part
        )

    def write_about(self, course_key: str, values: Mapping[str, str]) -> tuple[Call, ...]:
        changes = {bodies.ABOUT_NAMES.get(name, name): text for name, text in values.items()}
        return self.write_course_settings(course_key, changes)

    def add_lti_passport(self, course_key: str, passport: str) -> Call:
        """Whether a second one of the same id is refused is not documented: not to be repeated."""
        if self._options.lti_passports is PassportRoute.ADVANCED_SETTINGS:
            return self.replace_lti_passport(course_key, passport)
        return Call(
            CallKind.SETTINGS,
            Service.CMS,
            "POST",
            f"{V1}/course/add_lti_passport",
            json={"courseKey": course_key, "lti_passport": passport},
            answer=Answer.EMPTY_OR_JSON,
            repeatable=False,
            secret=True,
        )

    # -- blocks -------------------------------------------------------------------------------------------------------

    def create_block(
        self, parent: str, category: str, display_name: str | None, boilerplate: str | None = None
    ) -> Call:
        """Appended last: `position` is never sent, it is a 500 on a real deployment. An html block may lose its title
        here; the update that follows sets it."""
        body: dict[str, Json] = {"parent_locator": parent, "category": self._theirs(category)}
        if display_name is not None:
            body["display_name"] = display_name
        if boilerplate is not None:
            body["boilerplate"] = boilerplate
        path = f"{V1}/xblock/create"
        return Call(CallKind.CREATE, Service.CMS, "POST", path, json=body, repeatable=False)

    def create_component(
        self,
        parent: str,
        category: str,
        display_name: str | None,
        data: str | None,
        metadata: Mapping[str, FieldValue],
    ) -> Call:
        problem_type = PROBLEM_TYPES.get(category)
        if problem_type is None:
            raise NoRouteError(f"this target has no call that makes a {category} complete")
        sent = bodies.update_metadata(category, data, metadata)
        body: dict[str, Json] = {"parent_locator": parent, "problem_type": problem_type}
        if display_name is not None:
            body["display_name"] = sent["display_name"] = display_name
        if data:
            body["data"] = data
        body["metadata"] = sent
        path = f"{V1}/xblock/component/create"
        return Call(CallKind.CREATE, Service.CMS, "POST", path, json=body, repeatable=False)

    def update_block(
        self,
        usage_key: str,
        course_key: str,
        category: str,
        data: str | None,
        metadata: Mapping[str, FieldValue],
        fields: Mapping[str, FieldValue] | None = None,
    ) -> tuple[Call, ...]:
        """The title goes into `metadata`: at the top level it is passed over. `fields` go there too: the platform looks
        a name up in all scopes."""
        if category == ROOT_KEY.category:
            return self._update_root(usage_key, course_key, {**metadata, **(fields or {})})
        if category == "pdf" and self._has_own_pdf():
            return self._update_pdf(usage_key, {**metadata, **(fields or {})})
        if data == "" and category in bodies.HTML_CATEGORIES and self._stock:
            return (self._stock_update(usage_key, category, data, metadata, fields),)
        return (self._update(usage_key, course_key, category, data, {**metadata, **(fields or {})}),)

    def _update(
        self,
        usage_key: str,
        course_key: str,
        category: str,
        data: str | None,
        metadata: Mapping[str, FieldValue],
    ) -> Call:
        body: dict[str, Json] = {
            "locator": usage_key,
            "courseKey": course_key,
            "category": self._theirs(category),
        }
        if data is not None:
            body["data"] = data or bodies.blank_data(category)
        sent = bodies.update_metadata(category, data, metadata)
        if sent:
            body["metadata"] = sent
        path = f"{V1}/xblock/update"
        return Call(CallKind.UPDATE, Service.CMS, "POST", path, json=body, answer=Answer.EMPTY_OR_JSON)

    def _update_root(self, usage_key: str, course_key: str, fields: Mapping[str, FieldValue]) -> tuple[Call, ...]:
        """With a session as stock Studio does; without, by the documented settings route, the rest as metadata."""
        if self._stock:
            return self._update_course(usage_key, course_key, fields)
        settings: dict[str, Json] = {
            bodies.SETTING_NAMES[name]: value for name, value in fields.items() if name in bodies.SETTING_NAMES
        }
        rest: dict[str, FieldValue] = {
            name: value for name, value in fields.items() if name not in bodies.SETTING_NAMES
        }
        modules = rest.get("advanced_modules")
        if isinstance(modules, list | tuple):
            rest["advanced_modules"] = [self._theirs(item) if isinstance(item, str) else item for item in modules]
        calls = self.write_course_settings(course_key, settings)
        return (*calls, self._update(usage_key, course_key, "course", None, rest)) if rest else calls

    def publish(self, usage_key: str) -> Call:
        body: Json = {"locator": usage_key}
        path = f"{V1}/xblock/publish"
        return Call(CallKind.PUBLISH, Service.CMS, "POST", path, json=body, answer=Answer.EMPTY_OR_JSON)

    def read_block(self, usage_key: str, category: str) -> Call:
        if self._stock:
            return super().read_block(usage_key, category)
        return read(f"{V1}/xblock/get-details", {"locator": usage_key})

    def read_children(self, course: CourseId, usage_key: str, category: str) -> Call:
        if self._stock or category != "vertical":
            return super().read_children(course, usage_key, category)
        return read(f"{V1}/course/{course}/units")

    def children_of(self, reply: Json, usage_key: str) -> tuple[RemoteBlock, ...]:
        if isinstance(reply, Mapping) and "units" in reply:
            return tuple(block for block in readers.unit_blocks(reply, self._ours) if block.parent == usage_key)
        return super().children_of(reply, usage_key)

    # -- packages -----------------------------------------------------------------------------------------------------

    def upload_package(
        self, usage_key: str, category: str, package: Asset, fields: Mapping[str, FieldValue]
    ) -> tuple[Call, ...]:
        """To the block's handler where the login can, otherwise through the platform's proxy of it; then what the form
        does not carry, as an update."""
        way = self._options.scorm_upload or (ScormUpload.HANDLER if self._stock else ScormUpload.MULTIPART)
        if way is ScormUpload.HANDLER:
            upload = self._handler_upload(usage_key, category, package, fields)
        else:
            form = {
                "usage_key_string": usage_key,
                "handler": "studio_submit",
                **bodies.package_form(category, package, fields),
            }
            inline = way is ScormUpload.JSON
            upload = Call(
                CallKind.UPLOAD,
                Service.CMS,
                "POST",
                f"{V1}/ibl_edx_scorm/update",
                json=form if inline else None,
                form=None if inline else form,
                files=(bodies.package_part(package),),
                inline_files=inline,
            )
        rest = {name: value for name, value in fields.items() if name not in bodies.PACKAGE_FIELDS}
        if not rest:
            return (upload,)
        if self._stock:
            return (upload, self._stock_update(usage_key, category, None, rest, None))
        # While a plan is only printed, the block has no key yet.
        course_key = course_key_of(usage_key) if is_usage_key(usage_key) else f"<course of {usage_key}>"
        return (upload, self._update(usage_key, course_key, category, None, rest))
