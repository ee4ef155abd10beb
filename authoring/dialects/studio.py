"""The `studio` dialect: stock Open edX, with a Studio session."""

from __future__ import annotations

from collections.abc import Mapping

from authoring.calls import Call, CallKind, Service
from authoring.dialects.base import StockRoutes
from authoring.model import CourseId, FieldValue


class StudioDialect(StockRoutes):
    """Stock Studio. The outline stops at units: the children of a unit are one read each, made only where needed."""

    name = "studio"
    units_route = False

    def create_course(self, course: CourseId, display_name: str) -> Call:
        body: FieldValue = {
            "org": course.org,
            "number": course.number,
            "run": course.run,
            "display_name": display_name,
        }
        return Call(CallKind.CREATE, Service.CMS, "POST", "/course/", json=body)

    def read_course_info(self, course: CourseId) -> Call:
        return self.read_outline(course)

    def create_block(self, parent: str, category: str, display_name: str | None) -> Call:
        body: dict[str, FieldValue] = {"parent_locator": parent, "category": category}
        if display_name is not None:
            body["display_name"] = display_name
        return Call(CallKind.CREATE, Service.CMS, "POST", "/xblock/", json=body)

    def create_component(
        self,
        parent: str,
        category: str,
        display_name: str | None,
        data: str | None,
        metadata: Mapping[str, FieldValue],
    ) -> Call:
        raise ValueError("stock Studio has no call that creates a component complete")

    def update_block(
        self,
        usage_key: str,
        course_key: str,
        category: str,
        data: str | None,
        metadata: Mapping[str, FieldValue],
    ) -> tuple[Call, ...]:
        return (self.stock_update(usage_key, data, metadata),)

    def publish(self, usage_key: str) -> Call:
        body: FieldValue = {"publish": "make_public"}
        path = f"/xblock/{usage_key}"
        return Call(CallKind.PUBLISH, Service.CMS, "POST", path, json=body, repeatable=True)

    def write_about(self, course_key: str, values: Mapping[str, str]) -> tuple[Call, ...]:
        """The whole details object goes back: a date that is left out is set to null (Open edX: `CourseDetails`)."""
        path = f"/settings/details/{course_key}"
        read = Call(CallKind.READ, Service.CMS, "GET", path, repeatable=True)
        return (Call(CallKind.SETTINGS, Service.CMS, "POST", path, json=dict(values), over=read, repeatable=True),)

    def add_lti_passport(self, course_key: str, passport: str) -> Call:
        """United with the passports that are there: the setting is replaced as a whole."""
        body: FieldValue = {"lti_passports": {"value": [passport]}}
        read = self.read_advanced(course_key)
        path = f"/settings/advanced/{course_key}"
        return Call(CallKind.SETTINGS, Service.CMS, "POST", path, json=body, over=read, repeatable=True, secret=True)
