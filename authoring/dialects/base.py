"""What a dialect is: the questions the planner, the renderer and the client may ask of it, and what a target can do.

Conventions of every dialect:

- Methods take usage keys and course keys as text and return `Call` (or a tuple of them, sent in order); readers take the
  JSON of a reply and return values. Nothing here touches the network, so a plan is printed with the calls it sends.
- What a target cannot do is told by `Capabilities`, before anything is planned. A method whose route is missing all the
  same raises `NoRouteError`, so that nothing is sent half.
- A reader raises NonsenseError when a reply is not of the shape it must have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from authoring.calls import Call, Json
from authoring.errors import SettingsError
from authoring.keys import usage_key
from authoring.model import Asset, BlockKey, CourseId, FieldValue, GradingPolicy
from authoring.remote import RemoteAsset, RemoteBlock, RemoteContent, RemoteCourse, RemoteCourseInfo, RemoteUpdate


class NoRouteError(SettingsError):
    """The target has no route for this with the login at hand."""


ABOUT_TEXTS = frozenset(
    [
        "overview",
        "short_description",
        "subtitle",
        "description",
        "about_sidebar_html",
        "duration",
        "effort",
        "syllabus",
        "video",
        "entrance_exam_enabled",
        "entrance_exam_id",
        "entrance_exam_minimum_score_pct",
    ]
)
"""Texts of the about page that every target has a name for (Open edX: models/course_details.py; docs/platform.md). Old
exports hold others, which no route takes; `title` is one that the ibl API takes for the course's own name."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What can be done on a target with the login at hand."""

    stock: bool = True
    """Studio's own routes are open (`/xblock/`, `/settings/`, `/assets/`)."""
    units: bool = True
    """All units with their components come in one read."""
    outline: bool = True
    """Sections and subsections can be read, not only units."""
    reorder: bool = True
    move: bool = True
    delete: bool = True
    assets: bool = True
    grading: bool = True
    about: bool = True
    about_texts: frozenset[str] = ABOUT_TEXTS
    """The `about` blocks that the about page's route takes, by name."""
    course_settings: bool = True
    advanced_settings: bool = True
    """The advanced settings can be read and written by name."""
    lti_passports: bool = True
    team: bool = True
    """The course team can be read and set, one person at a time."""
    updates: bool = True
    """Announcements can be read and written."""
    olx_import: bool = True
    """A whole course can be uploaded as an OLX archive."""
    pdf: bool = True
    """The address of a `pdf` block can be set."""
    left_out: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Category → fields that the target's block of that kind does not have."""
    not_in_archives: frozenset[str] = frozenset()
    """Categories that the target keeps in another way than OLX writes them."""
    component_create: frozenset[str] = frozenset()
    """Categories that one call makes complete, with content and fields."""
    scorm_category: str = "scorm"
    """What the target calls the SCORM block."""

    def detached_key(self, course: CourseId, key: BlockKey) -> str:
        """The usage key of a block that is never created (course_info, about): its id is its name."""
        return usage_key(course, key.category, key.url_name)

    def to_json(self) -> dict[str, object]:
        """Every capability by name; sets as sorted lists, null for "all"."""
        return {name: _listed(value) for name in self.__slots__ for value in (getattr(self, name),)}


def _listed(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _listed(item) for name, item in value.items()}
    return sorted(value) if isinstance(value, frozenset) else value


class Dialect(Protocol):
    """One kind of platform. See the module's conventions."""

    @property
    def name(self) -> str: ...

    @property
    def absent_statuses(self) -> frozenset[int]:
        """What `read_course` answers when there is no such course."""
        ...

    def root_key(self, course: CourseId) -> str:
        """The usage key of the course block."""
        ...

    # -- the course -----------------------------------------------------------------------------------------------

    def create_course(self, course: CourseId, display_name: str) -> Call: ...

    def rerun_course(self, source: CourseId, course: CourseId, display_name: str) -> Call:
        """Make a course as a copy of another; the copying is background work of the platform."""

    def read_actions(self) -> Call:
        """The courses that are being made, among others. Raises NoRouteError where the login cannot read them."""

    def read_course(self, course: CourseId) -> Call: ...

    def course_of(self, course: CourseId, reply: Json) -> RemoteCourseInfo: ...

    def read_outline(self, course: CourseId) -> tuple[Call, ...]:
        """The reads that tell the structure; their number does not grow with the course."""
        ...

    def outline_of(self, course: CourseId, replies: Sequence[Json]) -> RemoteCourse:
        """The structure, from the replies to `read_outline` in their order."""
        ...

    def write_grading(self, course_key: str, policy: GradingPolicy) -> tuple[Call, ...]: ...

    def read_grading(self, course_key: str) -> Call: ...

    def grading_of(self, reply: Json) -> GradingPolicy: ...

    def read_advanced_settings(self, course_key: str) -> Call: ...

    def advanced_settings_of(self, reply: Json) -> Mapping[str, Json]: ...

    def write_advanced_settings(self, course_key: str, values: Mapping[str, Json]) -> Call: ...

    def read_course_settings(self, course_key: str) -> Call: ...

    def course_settings_of(self, reply: Json) -> Mapping[str, Json]: ...

    def write_course_settings(self, course_key: str, changes: Mapping[str, Json]) -> tuple[Call, ...]:
        """Set what Studio's Schedule & Details page sets, by its own names (`start_date`, `overview`); all else
        stays."""
        ...

    def import_course(self, course_key: str, archive: Asset) -> Call:
        """Upload a whole course as an OLX archive."""

    def export_course(self, course_key: str) -> Call:
        """Have the course written as an OLX archive; `export_status` tells when, `export_output` is it."""

    def export_status(self, course_key: str) -> Call: ...

    def export_output(self, course_key: str) -> Call: ...

    def import_status(self, course_key: str, archive: Asset) -> Call:
        """Read how far an import is; the answer has `ImportStatus` (4 done, below 0 failed) and `Message`."""

    def write_about(self, course_key: str, values: Mapping[str, str]) -> tuple[Call, ...]:
        """Write texts of the about page, by the names of their `about` blocks."""
        ...

    def add_lti_passport(self, course_key: str, passport: str) -> Call:
        """Add a passport, `id:key:secret`, to those of the course."""

    def replace_lti_passport(self, course_key: str, passport: str) -> Call:
        """The same, in the place of the one with its id. Raises NoRouteError where the login cannot."""

    # -- blocks ---------------------------------------------------------------------------------------------------

    def create_block(
        self, parent: str, category: str, display_name: str | None, boilerplate: str | None = None
    ) -> Call: ...

    def create_component(
        self,
        parent: str,
        category: str,
        display_name: str | None,
        data: str | None,
        metadata: Mapping[str, FieldValue],
    ) -> Call:
        """A component complete, in one call; only for `Capabilities.component_create`."""
        ...

    def created_key(self, reply: Json) -> str:
        """The usage key in the reply to a create."""
        ...

    def update_block(
        self,
        usage_key: str,
        course_key: str,
        category: str,
        data: str | None,
        metadata: Mapping[str, FieldValue],
        fields: Mapping[str, FieldValue] | None = None,
    ) -> tuple[Call, ...]:
        """Set fields and text. A `metadata` value of None takes the field back to its default, `data` None leaves
        the text as it is; `fields` are set as they are, null included, where the target can."""
        ...

    def publish(self, usage_key: str) -> Call: ...

    def set_children(self, usage_key: str, children: Sequence[str]) -> Call:
        """Bring children into an order; the list must be complete and fresh."""
        ...

    def move_block(self, usage_key: str, parent: str, index: int | None = None) -> Call: ...

    def delete_block(self, usage_key: str) -> Call: ...

    def read_block(self, usage_key: str, category: str) -> Call: ...

    def block_of(self, reply: Json) -> RemoteContent: ...

    def read_children(self, course: CourseId, usage_key: str, category: str) -> Call: ...

    def children_of(self, reply: Json, usage_key: str) -> tuple[RemoteBlock, ...]: ...

    # -- what stands beside the outline -----------------------------------------------------------------------------

    def read_updates(self, course_key: str) -> Call: ...

    def updates_of(self, course: CourseId, reply: Json) -> tuple[RemoteUpdate, ...]:
        """The announcements, newest first."""
        ...

    def write_update(self, course_key: str, number: str | None, date: str, content: str) -> Call:
        """Change the announcement of that number, or (None) make one, which is not to be repeated."""
        ...

    def delete_update(self, course_key: str, number: str) -> Call: ...

    def order_pages(self, course_key: str, pages: Sequence[str]) -> Call:
        """Bring pages into an order, by their usage keys; all other tabs keep their places."""
        ...

    def read_team(self, course_key: str) -> Call: ...

    def team_of(self, reply: Json) -> Mapping[str, str]:
        """Everybody's role by e-mail address."""
        ...

    def read_role(self, course_key: str, email: str) -> Call: ...

    def role_of(self, reply: Json) -> str:
        """`staff`, `instructor` or `none`."""
        ...

    def set_role(self, course_key: str, email: str, role: str | None) -> Call: ...

    # -- files ----------------------------------------------------------------------------------------------------

    def upload_asset(self, course_key: str, asset: Asset) -> Call: ...

    def list_assets(self, course_key: str, page: int) -> Call: ...

    def assets_of(self, reply: Json) -> tuple[tuple[RemoteAsset, ...], int]:
        """The assets of one page, and how many the course has in all."""
        ...

    def upload_package(
        self, usage_key: str, category: str, package: Asset, fields: Mapping[str, FieldValue]
    ) -> tuple[Call, ...]: ...

    def package_errors(self, reply: Json) -> tuple[str, ...]:
        """Why the platform could not read a package: it answers 200 and "success" all the same."""
        ...
