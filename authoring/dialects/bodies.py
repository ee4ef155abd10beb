"""Bodies of calls: values of the tree in the form that the platform takes, with what it would refuse or lose put right.

Also the checks for refusals that come with a success. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from authoring.calls import FilePart, Json
from authoring.errors import SourceError
from authoring.model import Asset, FieldValue, GradingPolicy
from authoring.registry import field_spec

HTML_CATEGORIES = frozenset({"html", "static_tab", "about", "course_info"})

MINIMUM_GRADE_CREDIT = 0.8
"""The platform's default (Open edX: xmodule/course_block.py), for a course that does not tell its own."""


def blank_data(category: str) -> str:
    """The least text that blanks a block: an empty `data` is passed over without a word (Open edX:
    xblock_storage_handlers/view_handlers.py)."""
    if category in HTML_CATEGORIES:
        return "<p></p>"
    known = field_spec(category, "data")
    if known is not None and isinstance(known.default, str) and known.default:
        return known.default
    return f"<{category}></{category}>"


def update_metadata(category: str, data: str | None, metadata: Mapping[str, FieldValue]) -> dict[str, Json]:
    """Metadata as it is sent. A problem that gets a new text loses its stale Markdown, from which Studio's editor would
    rebuild the old one."""
    sent: dict[str, Json] = dict(metadata)
    if category == "problem" and data is not None:
        sent.setdefault("markdown", None)
    return sent


def grading_body(policy: GradingPolicy) -> dict[str, Json]:
    """A policy as `/settings/grading/` takes it: percent where the file has fractions, and three of the four keys it
    needs (Open edX: models/settings/course_grading.py, update_from_json)."""
    grace: Json = None
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
    }


def keep_credit(live: Json, ours: Json) -> Json:
    """A grading body with the fourth key, the one that no source says anything about, as the course has it."""
    if not isinstance(live, Mapping) or not isinstance(ours, Mapping):
        raise ValueError("not a grading policy")
    kept = live.get("minimum_grade_credit")
    return {**ours, "minimum_grade_credit": MINIMUM_GRADE_CREDIT if kept is None else kept}


def lay_over(live: Json, ours: Json) -> Json:
    """`ours` laid over the whole object that the platform gave."""
    if not isinstance(live, Mapping) or not isinstance(ours, Mapping):
        raise ValueError("not an object")
    return {**live, **ours}


def unite_lists(live: Json, ours: Json) -> Json:
    """Advanced settings whose lists are replaced as a whole: what others put there stays, ours is added once."""
    if not isinstance(live, Mapping) or not isinstance(ours, Mapping):
        raise ValueError("not advanced settings")
    return {name: {"value": _united(_setting(live, name), _setting(ours, name))} for name in ours}


def unite_passports(live: Json, ours: Json) -> Json:
    """The same for LTI passports, one for each id: a passport of ours takes the place of the one with its id."""
    if not isinstance(live, Mapping) or not isinstance(ours, Mapping):
        raise ValueError("not advanced settings")
    held, added = _setting(live, "lti_passports"), _setting(ours, "lti_passports")
    ids = {str(passport).partition(":")[0] for passport in added}
    kept = [passport for passport in held if str(passport).partition(":")[0] not in ids]
    return {"lti_passports": {"value": [*kept, *added]}}


def _setting(settings: Mapping[str, Json], name: str) -> Sequence[Json]:
    row = settings.get(name)
    value = row.get("value") if isinstance(row, Mapping) else None
    return value if isinstance(value, list | tuple) else ()


def _united(held: Sequence[Json], added: Sequence[Json]) -> list[Json]:
    return [*held, *(item for item in added if item not in held)]


def textbooks_check(books: Sequence[Json]) -> Callable[[Json], Sequence[str]]:
    """Whether the list that the platform echoes is the one that was sent, but for ids that it gives."""

    def check(echo: Json) -> Sequence[str]:
        if not isinstance(echo, list | tuple):
            return ("the answer is no list of textbooks",)
        same = len(echo) == len(books) and all(map(same_textbook, books, echo))
        return () if same else ("the platform did not take the textbooks as they were sent",)

    return check


def same_textbook(ours: Json, theirs: Json) -> bool:
    """Whether two textbooks are one; an id that we leave to the platform is no difference."""
    if not isinstance(ours, Mapping) or not isinstance(theirs, Mapping):
        return ours == theirs
    return ours == (theirs if "id" in ours else {name: value for name, value in theirs.items() if name != "id"})


def tabs_in_order(live: Json, ours: Json) -> Json:
    """Every tab of the course block by its name, our pages in the order of `ours` in the places that they have together."""
    if not isinstance(live, Mapping) or not isinstance(ours, Mapping):
        raise ValueError("not a course")
    metadata = live.get("metadata")
    tabs = metadata.get("tabs") if isinstance(metadata, Mapping) else None
    named = ours.get("tabs")
    if not isinstance(tabs, list | tuple) or not isinstance(named, list | tuple):
        raise ValueError("the course tells no tabs")
    wanted = [str(item["tab_locator"]) for item in named if isinstance(item, Mapping)]
    places = {place.rpartition("@")[2]: place for place in wanted}
    queue = iter(wanted)
    found: list[Json] = []
    for tab in tabs:
        if not isinstance(tab, Mapping):
            raise ValueError("a tab is not an object")
        slug = tab.get("url_slug")
        if tab.get("type") != "static_tab":
            found.append({"tab_id": str(tab.get("tab_id") or tab.get("type"))})
        elif slug in places:
            found.append({"tab_locator": next(queue)})
        else:
            home = wanted[0].rpartition("+type@")[0]
            found.append({"tab_locator": f"{home}+type@static_tab+block@{slug}"})
    return {"tabs": found}


# -- course settings ---------------------------------------------------------------------------------------------------

SETTING_NAMES: Mapping[str, str] = {
    "self_paced": "self_paced",
    "start": "start_date",
    "end": "end_date",
    "enrollment_start": "enrollment_start",
    "enrollment_end": "enrollment_end",
    "certificate_available_date": "certificate_available_date",
    "certificates_display_behavior": "certificates_display_behavior",
    "language": "language",
    "license": "license",
    "learning_info": "learning_info",
    "instructor_info": "instructor_info",
    "pre_requisite_courses": "pre_requisite_courses",
    "course_image": "course_image_name",
    "banner_image": "banner_image_name",
    "video_thumbnail_image": "video_thumbnail_image_name",
}
"""Fields of the course block → what Studio's Schedule & Details calls them."""

ABOUT_NAMES: Mapping[str, str] = {"video": "intro_video"}
"""`about` blocks → the same, where the names differ."""


def settings_check(changes: Mapping[str, Json]) -> Callable[[Json], tuple[str, ...]]:
    """Finds settings that the platform did not take: it answers 200 with the old value, or leaves the key out."""

    def check(reply: Json) -> tuple[str, ...]:
        echo = reply.get("formData", reply) if isinstance(reply, Mapping) else None
        if not isinstance(echo, Mapping):
            return ("the answer does not show the settings",)
        return tuple(
            f"{name} was not taken (it stays {_shown(echo.get(name))})"
            for name, value in changes.items()
            if not _taken(value, echo.get(name))
        )

    return check


def _taken(sent: Json, echo: Json) -> bool:
    if sent in (None, "", [], {}):
        return echo in (None, "", [], {})
    if isinstance(sent, str) and "<" in sent:
        return bool(echo)  # HTML may come back tidied; only its absence is a refusal.
    if isinstance(sent, str) and isinstance(echo, str):
        return _moment(sent) == _moment(echo)
    if isinstance(sent, list | tuple) and isinstance(echo, list | tuple):
        return list(sent) == list(echo)
    return sent == echo


def _moment(text: str) -> str | datetime:
    """A date as a moment, any other text without the white space around it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text.strip()
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def course_refusal(reply: Json) -> tuple[str, ...]:
    """Why a course was not made: stock Studio says so with a 200 (Open edX: views/course.py)."""
    if not isinstance(reply, Mapping):
        return ("the answer names no course",)
    if reply.get("ErrMsg"):
        return (str(reply["ErrMsg"]),)
    if not reply.get("course_key") and not reply.get("url"):
        return (str(reply.get("error") or "the answer names no course"),)
    return ()


def handler_refusal(reply: Json) -> tuple[str, ...]:
    """Why a block's handler did not do what it was asked."""
    if isinstance(reply, Mapping) and reply.get("result") == "success":
        return ()
    reason = reply.get("error") or reply.get("message") if isinstance(reply, Mapping) else None
    return (str(reason or "the answer does not say success"),)


# -- files -------------------------------------------------------------------------------------------------------------

PACKAGE_FIELDS = frozenset(
    {
        "display_name",
        "has_score",
        "enable_navigation_menu",
        "enable_fullscreen_button",
        "popup_on_launch",
        "weight",
        "width",
        "height",
        "navigation_menu_width",
    }
)
"""The fields that a SCORM upload's form sets."""


def package_form(category: str, package: Asset, fields: Mapping[str, FieldValue]) -> dict[str, str]:
    """The form of the SCORM handler with the parts of every known release of it.

    A missing part is a 500, a boolean is true only as "1", sizes are whole pixels; what is unset has the field's
    default (openedx-scorm-xblock, ibl-edx-scorm-xblock: openedxscorm/scormxblock.py, studio_submit).
    """

    def value(name: str) -> FieldValue:
        given = fields.get(name)
        described = field_spec(category, name) or field_spec("scorm", name)
        return described.default if given is None and described is not None else given

    def flag(name: str) -> str:
        return "1" if value(name) is True else "0"

    def pixels(name: str) -> str:
        number = value(name)
        if number is None or number == "":
            return ""
        if isinstance(number, bool) or not isinstance(number, int | float | str):
            raise SourceError(f"{package.path}: {name} is not a number of pixels: {number!r}")
        try:
            return str(int(float(number)))
        except (ValueError, OverflowError) as error:
            raise SourceError(f"{package.path}: {name} is not a number of pixels: {number!r}") from error

    weight = value("weight")
    return {
        "display_name": str(fields.get("display_name") or package.path.stem),
        "has_score": flag("has_score"),
        "enable_navigation_menu": flag("enable_navigation_menu"),
        "enable_fullscreen_button": flag("enable_fullscreen_button"),
        "fullscreen_on_launch": flag("popup_on_launch"),
        "popup_on_launch": flag("popup_on_launch"),
        "weight": str(1.0 if weight is None else weight),
        "width": pixels("width"),
        "height": pixels("height"),
        "navigation_menu_width": pixels("navigation_menu_width"),
    }


def asset_part(asset: Asset) -> FilePart:
    """A file under its platform name."""
    return FilePart("file", _file(asset), asset.name, asset.content_type, asset.size)


def package_part(package: Asset) -> FilePart:
    """A SCORM package as the `file` part of the handler's form."""
    return FilePart("file", _file(package), package.path.name, "application/zip", package.size)


def _file(asset: Asset) -> Path:
    if asset.file is None:
        raise SourceError(f"{asset.path}: nowhere to read it from")
    return asset.file
