"""The kinds of resources that can be declared, each described once: its section, its fields and what the platform lets one do.

The reader checks with these tables, the JSON Schema is made from them, planning asks them what can be changed. Source of the fields:
docs/platform.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Type(StrEnum):
    """What a field takes."""

    TEXT = "text"
    INTEGER = "whole number"
    TRUTH = "true or false"
    MAPPING = "mapping"
    TEXTS = "list of texts"
    SECRET = "secret"  # noqa: S105
    FILE = "file"
    REF = "reference"
    REFS = "list of references"
    COURSE = "course"
    COURSES = "list of courses"
    PATH = "list of pathway items"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a kind.

    `refers` is the kind that a reference leads to, `attribute` which of its names is sent. `fixed`: the platform takes it at the
    create alone. `linked`: a list to which others may add; only our part of it is ours. `own`: of the file, never sent.
    """

    name: str
    type: Type
    text: str
    required: bool = False
    refers: str = ""
    attribute: str = "id"
    values: tuple[str, ...] = ()
    fixed: bool = False
    linked: bool = False
    own: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A section of the file. `default_name`: the field that is the local name where it is not written."""

    section: str
    title: str
    fields: tuple[Field, ...]
    name_field: str = ""
    text: str = ""

    def field(self, name: str) -> Field | None:
        return next((one for one in self.fields if one.name == name), None)


_DATA = Field("data", Type.MAPPING, "Further data, as the platform keeps it.")
_SLUG = Field("slug", Type.TEXT, "The part of addresses; the platform chooses one where none is given.")
_TERM = (
    Field("name", Type.TEXT, "What people read; the local name where none is given."),
    _SLUG,
    _DATA,
    Field("shared", Type.TRUTH, "For all tenants, and not of this one alone.", fixed=True),
)
_OWNER = (
    Field(
        "username",
        Type.TEXT,
        "Who owns it; the tenant, or of a pathway the login's own user, where nobody is named.",
        fixed=True,
    ),
    Field("user_id", Type.INTEGER, "The owner's number at the data manager; some releases need it.", fixed=True),
)

PROVIDERS = ("slack", "webex", "whatsapp", "discord", "teams")
CLAIMS = ("desired_roles", "reported_roles", "desired_skills", "reported_skills")
VISIBILITIES = ("viewable_by_tenant_admins", "viewable_by_tenant_students", "viewable_by_anyone")

TENANT = "tenant"
USERS, ENROLMENTS = "users", "enrolments"
LINK, CLAIM = "mentor-link", "claim"
"""Kinds without a section of their own: they are made from the `courses` of a mentor and the lists of a person."""

_KINDS = (
    Kind("skills", "Skills", _TERM, "name", "Terms of the catalogue: what a course teaches."),
    Kind("roles", "Roles", _TERM, "name", "Terms of the catalogue: what people work as."),
    Kind(
        "catalog",
        "Catalogue courses",
        (
            Field("course", Type.COURSE, "The course: its folder, or its key.", required=True, own=True),
            Field("org", Type.TEXT, "The organisation that the catalogue shows; the course's own where none is given."),
            Field("name", Type.TEXT, "The title in the catalogue."),
            Field("metadata", Type.MAPPING, "Further keys of the catalogue; those that are not named stay."),
        ),
        text="How the catalogue lists a course.",
    ),
    Kind(
        "resources",
        "Resources",
        (
            Field("name", Type.TEXT, "What people read; the local name where none is given."),
            Field("resource_type", Type.TEXT, "Such as `pdf`, `video`, `article`.", required=True),
            Field("url", Type.TEXT, "Its address.", required=True),
            Field("description", Type.TEXT, "A few sentences."),
            Field("skills", Type.TEXTS, "Names of skills that it teaches."),
            _DATA,
            Field("image", Type.FILE, "A picture beside the file."),
            *_OWNER,
        ),
        "name",
        "Things to read and watch; known again by address, type and owner.",
    ),
    Kind(
        "programs",
        "Programs",
        (
            Field("program_id", Type.TEXT, "Its id; the local name where none is given.", fixed=True),
            Field("name", Type.TEXT, "What people read.", required=True),
            Field("courses", Type.COURSES, "Its courses in order: folders or keys.", linked=True),
            Field("org", Type.TEXT, "The organisation; the tenant where none is given.", fixed=True),
            Field(
                "program_type",
                Type.TEXT,
                "`standard`, `platform` or `custom`.",
                values=("standard", "platform", "custom"),
            ),
            Field("enabled", Type.TRUTH, "Whether learners see it."),
            _SLUG,
            _DATA,
        ),
        "program_id",
        "Courses that belong together.",
    ),
    Kind(
        "pathways",
        "Pathways",
        (
            Field("pathway_id", Type.TEXT, "Its id; the local name where none is given.", fixed=True),
            Field("name", Type.TEXT, "What people read.", required=True),
            Field(
                "path",
                Type.PATH,
                "Its items in order, each one of `course`, `program`, `resource`, `pathway`.",
                linked=True,
            ),
            *_OWNER,
            Field("visible", Type.TRUTH, "Whether learners see it."),
            _SLUG,
            _DATA,
        ),
        "pathway_id",
        "A way through courses, programs and resources.",
    ),
    Kind(
        "credentials",
        "Credentials",
        (
            Field("name", Type.TEXT, "What is on it.", required=True),
            Field("issuer", Type.TEXT, "The issuer's entity id or org; the tenant where none is given.", fixed=True),
            Field("courses", Type.COURSES, "For which courses it is given; each run has one of its own.", fixed=True),
            Field("programs", Type.REFS, "For which programs.", refers="programs", attribute="program_id", fixed=True),
            Field("pathways", Type.REFS, "For which pathways.", refers="pathways", attribute="pathway_id", fixed=True),
            Field("public", Type.TRUTH, "Whether the platform's list shows it.", fixed=True),
            Field("tags", Type.TEXTS, "Words to find it by.", fixed=True),
            Field("expires", Type.MAPPING, "`{amount: 2, duration: years}`.", fixed=True),
            *(
                Field(name, Type.TEXT, text)
                for name, text in (
                    ("description", "A few sentences."),
                    ("credentialType", "Such as `CERTIFICATE`."),
                    ("criteriaNarrative", "What one does for it."),
                    ("criteriaUrl", "Where that is told."),
                    ("iconImage", "Address of a picture."),
                    ("thumbnailImage", "Address of a picture."),
                    ("backgroundImage", "Address of a picture."),
                    ("html_template", "Its page."),
                    ("css_template", "Its page's style."),
                    ("signal", "When it is given; `COURSE_PASSED` where none is told."),
                )
            ),
            Field("metadata", Type.MAPPING, "Further keys; those that are not named stay."),
        ),
        text="What learners get; known again by name, issuer and courses.",
    ),
    Kind(
        "mentors",
        "Mentors",
        (
            Field("name", Type.TEXT, "Its name; the local name where none is given.", fixed=True),
            Field(
                "template",
                Type.TEXT,
                "`ai-mentor` answers from documents, `ai-agent` uses tools.",
                values=("ai-mentor", "ai-agent"),
                fixed=True,
            ),
            Field("settings", Type.MAPPING, "Its settings by the platform's names.", fixed=True),
            Field("courses", Type.COURSES, "Courses whose mentor it is.", own=True),
        ),
        "name",
        "Mentors with their settings; the platform documents no call that changes one.",
    ),
    Kind(
        "bots",
        "Bots",
        (
            Field("name", Type.TEXT, "Its name; the local name where none is given."),
            Field("provider", Type.TEXT, "Where it lives.", required=True, values=PROVIDERS, fixed=True),
            *(
                Field(name, Type.SECRET, "A secret of the messenger, as `${VARIABLE}`.")
                for name in ("client_id", "client_secret", "app_token", "verification_token")
            ),
        ),
        "name",
        "Bots in messengers.",
    ),
    Kind(
        "bot_commands",
        "Bot commands",
        (
            Field("command", Type.TEXT, "The word; the local name where none is given."),
            Field("bot", Type.REF, "The bot.", required=True, refers="bots", fixed=True),
            Field("mentor", Type.REF, "Where it leads.", required=True, refers="mentors", attribute="number"),
        ),
        "command",
        "Words that lead from a bot to a mentor.",
    ),
    Kind(
        "people",
        "People",
        (
            Field("username", Type.TEXT, "The username; the local name where none is given.", own=True),
            Field("user_id", Type.INTEGER, "The person's number at the data manager; some releases need it.", own=True),
            *(
                Field(f"{claim}_{kind}", Type.REFS, f"The {kind} that the person {what}.", refers=kind, own=True)
                for claim, what in (("desired", "wants"), ("reported", "has"))
                for kind in ("roles", "skills")
            ),
        ),
        "username",
        "Which roles and skills somebody wants or has.",
    ),
    Kind(
        "assertions",
        "Assertions",
        (
            Field("credential", Type.REF, "The credential.", required=True, refers="credentials", attribute="entityId"),
            Field("course", Type.COURSE, "What it is given for: a course …"),
            Field("program", Type.REF, "… or a program …", refers="programs", attribute="program_id"),
            Field("pathway", Type.REF, "… or a pathway.", refers="pathways", attribute="pathway_id"),
            Field("people", Type.TEXTS, "Usernames.", required=True, own=True),
            Field("metadata", Type.MAPPING, "Further keys."),
        ),
        text="Credentials that somebody is given: only with `--issue`, since people are told.",
    ),
)

TENANT_KIND = Kind(
    TENANT,
    "Tenant",
    (
        Field("key", Type.TEXT, "Its key, for good.", required=True),
        Field("name", Type.TEXT, "Its name.", required=True),
        Field("username", Type.TEXT, "Its administrator.", required=True),
        Field("email", Type.TEXT, "The administrator's address.", required=True),
        Field("password", Type.SECRET, "The administrator's password, as `${VARIABLE}`."),
        Field("firstname", Type.TEXT, "The administrator's."),
        Field("lastname", Type.TEXT, "The administrator's."),
        Field("role", Type.TEXT, "Documented by earlier releases alone."),
        Field("ignore_user_exists", Type.TRUTH, "Let somebody who is there be the administrator."),
        Field("is_advertising", Type.TRUTH, "As the platform has it."),
    ),
    text="An organisation to be launched: only with `--launch-tenant`.",
)

USERS_KIND = Kind(
    USERS,
    "Users",
    (
        Field("file", Type.TEXT, "A CSV beside the file.", required=True),
        Field("password", Type.SECRET, "The password of new users whose row names none, as `${VARIABLE}`."),
        Field("update", Type.TRUTH, "Also change those that are there."),
    ),
    text="Lists of people to be made users.",
)
ENROLMENTS_KIND = Kind(
    ENROLMENTS,
    "Enrolments",
    (
        Field("file", Type.TEXT, "A CSV beside the file.", required=True),
        Field("course", Type.COURSE, "The course of rows that name none."),
    ),
    text="Lists of people to be enrolled.",
)
LIST_KINDS = (USERS_KIND, ENROLMENTS_KIND)

KINDS = MappingProxyType({kind.section: kind for kind in _KINDS})
"""The sections that map local names to fields, in the order in which they are made."""

ORDER = (
    TENANT,
    USERS,
    *(name for name in KINDS if name not in ("people", "assertions")),
    LINK,
    CLAIM,
    ENROLMENTS,
    "assertions",
)
"""What is made first. A reference leads to a kind before its own, or (pathways) to the same."""
