"""The `ibl` dialect: the platform's own endpoints, `/api/ibl/…` and `/api/v1/ibl/…`, with stock routes beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from authoring.calls import Answer, Call, CallKind, Service
from authoring.dialects.base import BLANK_TEXT, StockRoutes, package_part, reply_map
from authoring.model import Asset, CourseId, FieldValue
from authoring.remote import RemoteBlock

V1 = "/api/v1/ibl"

PROBLEM_TYPES = {
    "problem": "blank",
    "video": "video",
    "drag-and-drop-v2": "drag-and-drop-v2",
    "lti_consumer": "lti_consumer",
}
"""Category → `problem_type` of `component/create`. Not html: its title is dropped there, an update is needed anyway."""


class IblDialect(StockRoutes):
    """The platform's own endpoints. Trailing slashes as the documentation has them: a missing one is a redirect that
    loses the body."""

    name = "ibl"
    units_route = True

    def __init__(self, *, stock: bool, scorm_category: str = "ibl_openedx_scorm_xblock") -> None:
        self.stock = stock
        self.scorm_category = scorm_category

    def create_course(self, course: CourseId, display_name: str) -> Call:
        """Number and run are always sent: without them every call makes another course."""
        body: FieldValue = {
            "org": course.org,
            "number": course.number,
            "run": course.run,
            "display_name": display_name,
        }
        return Call(CallKind.CREATE, Service.CMS, "POST", "/api/ibl/manage/course/", json=body)

    def read_course_info(self, course: CourseId) -> Call:
        query = {"course_key": str(course)}
        return Call(CallKind.READ, Service.CMS, "GET", "/api/ibl/manage/course/", query=query, repeatable=True)

    def create_block(self, parent: str, category: str, display_name: str | None) -> Call:
        """`position` is never sent: it is a 500 on a real deployment. A block is appended last."""
        body: dict[str, FieldValue] = {"parent_locator": parent, "category": category}
        if display_name is not None:
            body["display_name"] = display_name
        return Call(CallKind.CREATE, Service.CMS, "POST", f"{V1}/xblock/create", json=body)

    def create_component(
        self,
        parent: str,
        category: str,
        display_name: str | None,
        data: str | None,
        metadata: Mapping[str, FieldValue],
    ) -> Call:
        """A component with its content and fields in one call, for the categories of `PROBLEM_TYPES`."""
        body: dict[str, FieldValue] = {
            "parent_locator": parent,
            "problem_type": PROBLEM_TYPES[category],
            "metadata": dict(metadata),
        }
        if display_name is not None:
            body["display_name"] = display_name
        if data:
            body["data"] = data
        return Call(CallKind.CREATE, Service.CMS, "POST", f"{V1}/xblock/component/create", json=body)

    def update_block(
        self,
        usage_key: str,
        course_key: str,
        category: str,
        data: str | None,
        metadata: Mapping[str, FieldValue],
    ) -> tuple[Call, ...]:
        """The title goes into `metadata`: at the top level it is passed over."""
        body: dict[str, FieldValue] = {"locator": usage_key, "courseKey": course_key, "category": category}
        if data is not None:
            body["data"] = data or BLANK_TEXT
        if metadata:
            body["metadata"] = dict(metadata)
        path = f"{V1}/xblock/update"
        return (
            Call(
                CallKind.UPDATE,
                Service.CMS,
                "POST",
                path,
                json=body,
                answer=Answer.EMPTY_OR_JSON,
                repeatable=True,
            ),
        )

    def publish(self, usage_key: str) -> Call:
        body: FieldValue = {"locator": usage_key}
        path = f"{V1}/xblock/publish"
        return Call(
            CallKind.PUBLISH,
            Service.CMS,
            "POST",
            path,
            json=body,
            answer=Answer.EMPTY_OR_JSON,
            repeatable=True,
        )

    def read_units(self, course: CourseId) -> Call:
        """All units with their components, in outline order, in one call."""
        return Call(CallKind.READ, Service.CMS, "GET", f"{V1}/course/{course}/units", repeatable=True)

    def units_blocks(self, reply: object, root: str) -> Iterator[RemoteBlock]:
        """Units and components of a `units` reply. The sections above are not in it: the units' parent is unknown."""
        rows = reply_map(reply, "the list of units").get("units")
        for row in rows if isinstance(rows, list) else ():
            unit = str(row.get("id"))
            children = [child for child in row.get("children") or () if isinstance(child, Mapping)]
            yield RemoteBlock(
                unit,
                "vertical",
                str(row.get("display_name") or ""),
                None,
                tuple(str(child.get("id")) for child in children),
            )
            for child in children:
                yield RemoteBlock(
                    str(child.get("id")), str(child.get("type")), str(child.get("display_name") or ""), unit
                )

    def read_block(self, usage_key: str, category: str) -> Call:
        if self.stock:
            return super().read_block(usage_key, category)
        query = {"locator": usage_key}
        return Call(CallKind.READ, Service.CMS, "GET", f"{V1}/xblock/get-details", query=query, repeatable=True)

    def write_about(self, course_key: str, values: Mapping[str, str]) -> tuple[Call, ...]:
        body: dict[str, FieldValue] = {"course_key": course_key, **values}
        path = "/api/ibl/v1/course_settings"
        return (Call(CallKind.SETTINGS, Service.CMS, "POST", path, json=body, repeatable=True),)

    def add_lti_passport(self, course_key: str, passport: str) -> Call:
        """Whether a second one of the same id is refused is not documented: the ids are read first."""
        body: FieldValue = {"courseKey": course_key, "lti_passport": passport}
        path = f"{V1}/course/add_lti_passport"
        return Call(CallKind.SETTINGS, Service.CMS, "POST", path, json=body, secret=True)

    def upload_package(
        self, usage_key: str, category: str, package: Asset, fields: Mapping[str, FieldValue]
    ) -> tuple[Call, ...]:
        """Through the platform's proxy of the handler, as multipart; through the handler itself where stock routes
        are open, since its contract is known."""
        if self.stock:
            return super().upload_package(usage_key, category, package, fields)
        form = {
            "usage_key_string": usage_key,
            "handler": "studio_submit",
            **self.package_form(package, fields),
        }
        return (
            Call(
                CallKind.UPLOAD,
                Service.CMS,
                "POST",
                f"{V1}/ibl_edx_scorm/update",
                form=form,
                files=(package_part(package),),
                repeatable=True,
            ),
        )
