"""The `studio` dialect: stock Open edX, with a Studio session. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from authoring.calls import Call, CallKind, Json, Merge, Service
from authoring.dialects import bodies, readers
from authoring.dialects.base import NoRouteError
from authoring.dialects.stock import StockRoutes, read
from authoring.model import ROOT_KEY, Asset, CourseId, FieldValue
from authoring.remote import RemoteCourse, RemoteCourseInfo


class StudioDialect(StockRoutes):
    """Stock Studio. The outline ends at units: the children of a unit are one read each, made only where needed."""

    name = "studio"
    absent_statuses = frozenset({403, 404, 500})
    """Studio tells a missing course from one without a role on it by neither status nor text; a create settles it, since
    one of a key that is taken is refused."""

    # -- the course ---------------------------------------------------------------------------------------------------

    def read_course(self, course: CourseId) -> Call:
        return self._read_stock_outline(course)

    def course_of(self, course: CourseId, reply: Json) -> RemoteCourseInfo:
        title = readers.as_row(reply, "a course").get("display_name")
        return RemoteCourseInfo(str(course), title if isinstance(title, str) else None)

    def read_outline(self, course: CourseId) -> tuple[Call, ...]:
        return (self._read_stock_outline(course),)

    def outline_of(self, course: CourseId, replies: Sequence[Json]) -> RemoteCourse:
        blocks = {block.usage_key: block for block in readers.outline_blocks(replies[0], self._ours)}
        return RemoteCourse(str(course), self.root_key(course), blocks, components_known=False)

    def read_course_settings(self, course_key: str) -> Call:
        return read(f"/settings/details/{course_key}")

    def course_settings_of(self, reply: Json) -> Mapping[str, Json]:
        return readers.as_row(reply, "the course settings")

    def write_course_settings(self, course_key: str, changes: Mapping[str, Json]) -> tuple[Call, ...]:
        """The whole object goes back: a date that is left out is set to null (Open edX: models/course_details.py)."""
        if not changes:
            return ()
        path = f"/settings/details/{course_key}"
        merge = Merge(read(path), bodies.lay_over)
        check = bodies.settings_check(changes)
        return (Call(CallKind.SETTINGS, Service.CMS, "POST", path, json=dict(changes), merge=merge, check=check),)

    def write_about(self, course_key: str, values: Mapping[str, str]) -> tuple[Call, ...]:
        changes = {bodies.ABOUT_NAMES.get(name, name): text for name, text in values.items()}
        return self.write_course_settings(course_key, changes)

    def add_lti_passport(self, course_key: str, passport: str) -> Call:
        return self.replace_lti_passport(course_key, passport)

    # -- blocks -------------------------------------------------------------------------------------------------------

    def create_block(
        self, parent: str, category: str, display_name: str | None, boilerplate: str | None = None
    ) -> Call:
        """Appended last; nothing but title and template is read here, so the rest is an update."""
        body: dict[str, Json] = {"parent_locator": parent, "category": self._theirs(category)}
        if display_name is not None:
            body["display_name"] = display_name
        if boilerplate is not None:
            body["boilerplate"] = boilerplate
        return Call(CallKind.CREATE, Service.CMS, "POST", "/xblock/", json=body, repeatable=False)

    def create_component(
        self,
        parent: str,
        category: str,
        display_name: str | None,
        data: str | None,
        metadata: Mapping[str, FieldValue],
    ) -> Call:
        raise NoRouteError("stock Studio has no call that makes a component complete")

    def update_block(
        self,
        usage_key: str,
        course_key: str,
        category: str,
        data: str | None,
        metadata: Mapping[str, FieldValue],
        fields: Mapping[str, FieldValue] | None = None,
    ) -> tuple[Call, ...]:
        if category == ROOT_KEY.category:
            return self._update_course(usage_key, course_key, {**metadata, **(fields or {})})
        if category == "pdf" and self._has_own_pdf():
            return self._update_pdf(usage_key, {**metadata, **(fields or {})})
        return (self._stock_update(usage_key, category, data, metadata, fields),)

    def publish(self, usage_key: str) -> Call:
        body: Json = {"publish": "make_public"}
        return Call(CallKind.PUBLISH, Service.CMS, "POST", f"/xblock/{usage_key}", json=body)

    # -- packages -----------------------------------------------------------------------------------------------------

    def upload_package(
        self, usage_key: str, category: str, package: Asset, fields: Mapping[str, FieldValue]
    ) -> tuple[Call, ...]:
        upload = self._handler_upload(usage_key, category, package, fields)
        rest = {name: value for name, value in fields.items() if name not in bodies.PACKAGE_FIELDS}
        return (upload, self._stock_update(usage_key, category, None, rest, None)) if rest else (upload,)
