"""What a course has beside its outline: its settings, files, grading policy, passports, pages, updates and team. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from authoring.adoption import holds_same
from authoring.announcements import plan_updates
from authoring.lockfile import (
    PAGES_KEY,
    digest,
    locked_page_order,
    page_order,
    passport_key,
    text_digest,
    with_arrivals,
)
from authoring.model import COURSE_UPDATE, ROOT_KEY, BlockKey, FieldValue, LtiPassport
from authoring.operations import (
    AdoptBlock,
    CreateCourse,
    Operation,
    OrderPages,
    PutGrading,
    PutLtiPassport,
    UpdateAbout,
    UploadAsset,
    policy_to_json,
)
from authoring.planner.filling import fill
from authoring.planner.given import GRADING_KEY
from authoring.planner.sheet import Sheet
from authoring.remote import HeldPassport
from authoring.team import plan_team


def files(sheet: Sheet) -> Iterator[Operation]:
    """Uploads of files that are new or have another content."""
    for asset in sheet.course.assets:
        locked = sheet.locked_assets.get(asset.name)
        if locked is not None and locked.digest == asset.digest:
            continue
        if not sheet.can.assets:
            sheet.note(
                "no-assets",
                f"{asset.path} cannot be uploaded: this target has no route for files without a session",
            )
            continue
        exists = sheet.live.assets is not None and asset.name in sheet.live.assets
        there = sheet.live.assets.get(asset.name) if sheet.live.assets is not None else None
        foreign = locked is None and exists and there != asset.size
        if foreign:
            sheet.note(
                "replaces-file",
                f"the platform has a file named {asset.name} that this course did not upload; it is replaced by"
                f" {asset.path}",
            )
        yield UploadAsset(asset, replaces=locked is not None or exists)


def course_level(sheet: Sheet) -> Iterator[Operation]:
    """The course block's settings, the grading policy, the passports."""
    root = sheet.course.root
    yield from fill(sheet, replace(root, fields=_root_fields(sheet)))
    policy = sheet.course.grading
    if policy is not None:
        wanted = digest(_json(policy_to_json(policy)))
        entry = sheet.entries.get(GRADING_KEY)
        if entry is None or entry.pushed.get("policy") != wanted:
            if sheet.can.grading:
                yield PutGrading(policy)
            else:
                sheet.note(
                    "no-grading",
                    "the grading policy cannot be set: this target has no route for it without a session",
                )
    for passport in sheet.course.lti_passports:
        yield from _passport(sheet, passport)


def _passport(sheet: Sheet, passport: LtiPassport) -> Iterator[Operation]:
    """Once, when it is not there; one with other values is left alone unless the caller says so."""
    known = passport_key(passport.lti_id) in sheet.entries
    held = HeldPassport.UNTOLD if known else HeldPassport.ABSENT
    if sheet.live.passports is not None:
        held = sheet.live.passports.get(passport.lti_id, held)
    if held is HeldPassport.OTHER and not sheet.options.replace_passports:
        message = (
            f"the course has an LTI passport {passport.lti_id!r} with another key or secret; it is left as it is:"
            " --replace-passports puts yours in its place"
        )
        sheet.note("passport-differs", message)
    elif held in (HeldPassport.ABSENT, HeldPassport.OTHER) or not known:
        replaces = held is HeldPassport.OTHER
        yield PutLtiPassport(passport.lti_id, passport.key_env, passport.secret_env, replaces)


def _root_fields(sheet: Sheet) -> Mapping[str, FieldValue]:
    """The course block's fields; a course that is made now has its display name from the create."""
    fields = dict(sheet.course.root.fields)
    fields.pop("tabs", None)  # the platform keeps this list itself, with a tab for each page
    if sheet.outline is None and fields.get("display_name") == _course_title(sheet):
        del fields["display_name"]
    return fields


def new_pages(sheet: Sheet) -> Iterator[Operation]:
    """Pages that are not there yet: made before the texts that link to them, filled after."""
    for block in sheet.course.detached:
        if block.category != "static_tab":
            continue
        entry = sheet.entries.get(block.key)
        if entry is not None and sheet.is_gone(block.key, entry):
            sheet.lost(block.key)
        if block.key in sheet.entries:
            continue
        named = [page for page in sheet.live.pages or () if page.display_name == block.display_name]
        held = {page.usage_key: sheet.live.contents.get(page.usage_key) for page in named}
        same = next((place for place, content in held.items() if content and holds_same(block, content)), None)
        if same is not None:
            sheet.adopted[block.key] = same
            yield AdoptBlock(block.key, ROOT_KEY, same)
            continue
        if named and not sheet.options.beside:
            sheet.same_name(block, tuple(page.usage_key for page in named))
        if sheet.live.pages is None:
            sheet.may_be_there(block, ROOT_KEY)
        yield sheet.create(block, ROOT_KEY)


def detached(sheet: Sheet) -> Iterator[Operation]:
    """What pages, about texts and handouts say."""
    about: dict[str, str] = {}
    keys: dict[str, BlockKey] = {}
    for block in sheet.course.detached:
        if block.category == "about" and block.url_name not in sheet.can.about_texts:
            said = f"{block.key} is left out: the about page of this target has no text of that name"
            sheet.note("no-about-text", said, block.key)
        elif block.category == "about":
            entry = sheet.entries.get(block.key)
            if entry is None or entry.pushed.get("data") != text_digest(block.content or ""):
                about[block.url_name] = block.content or ""
                keys[block.url_name] = block.key
        elif block.category == COURSE_UPDATE or block.key in sheet.skipped:
            continue
        elif block.category == "static_tab":
            yield from fill(sheet, block, created=block.key not in sheet.entries and block.key not in sheet.adopted)
        else:
            usage_key = sheet.can.detached_key(sheet.course.id, block.key)
            yield from fill(sheet, block, usage_key=usage_key)
    if about:
        if sheet.can.about:
            yield UpdateAbout(about, keys)
        else:
            sheet.note(
                "no-about",
                "the about page cannot be written: this target has no route for it with this login",
            )


def page_orders(sheet: Sheet) -> Iterator[Operation]:
    """One order of all pages, where the live one is not the source's; what was reordered there alone stays so."""
    ours = [key for key in page_order(sheet.course) if key not in sheet.skipped]
    if len(ours) < 2:
        return
    if sheet.live.all_pages is None:
        if not sheet.can.stock and with_arrivals(locked_page_order(sheet.entries), ours) != tuple(ours):
            sheet.note(
                "cannot-reorder",
                "the pages stand in another order on the platform than in the source, and this target has no way to"
                " reorder them; drag them into place in Studio",
                PAGES_KEY,
            )
        return
    names = {sheet.usage_key(key): key for key in ours}
    standing = [names[page] for page in sheet.live.all_pages if page in names]
    if with_arrivals(standing, ours) == tuple(ours):
        return
    base = [key for key in locked_page_order(sheet.entries) if key in standing]
    mine = [key for key in ours if key in base]
    theirs = [key for key in standing if key in base]
    if base and theirs != base and not sheet.options.overwrite:
        said = "the pages were put into another order"
        sheet.stands_otherwise(PAGES_KEY, said, "reordered-there", both=mine != base)
        return
    yield OrderPages(tuple(ours))


def team(sheet: Sheet) -> Iterator[Operation]:
    """Roles, at the end: what the platform refuses here must not keep the course from being sent."""
    made = plan_team(
        sheet.course.team,
        sheet.entries,
        sheet.live.team if sheet.can.team else None,
        overwrite=sheet.options.overwrite,
        remove=sheet.options.delete_removed,
    )
    sheet.notices.extend(made.notices)
    yield from made.operations


def updates(sheet: Sheet) -> Iterator[Operation]:
    """Announcements. See :mod:`authoring.announcements`."""
    made = plan_updates(
        sheet.course,
        sheet.entries,
        sheet.live.updates,
        can_write=sheet.can.updates,
        restore=sheet.options.restore,
    )
    sheet.notices.extend(made.notices)
    yield from made.operations


def new_course(sheet: Sheet) -> Iterator[Operation]:
    """The course itself; one that the lock file knows is made anew only with consent."""
    if sheet.part.entries:
        sheet.note(
            "course-gone",
            f"the lock file knows {len(sheet.part.entries)} blocks of {sheet.course.id}, but {sheet.part.target} has no"
            " such course; it is made anew" + ("" if sheet.options.recreate else " only with --recreate"),
            blocking=not sheet.options.recreate,
        )
    yield CreateCourse(sheet.course.id, _course_title(sheet))


def _course_title(sheet: Sheet) -> str:
    return sheet.course.root.display_name or sheet.course.id.number


def _json(value: object) -> FieldValue:
    return value  # type: ignore[return-value]  # what policy_to_json returns is JSON
