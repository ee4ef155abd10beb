"""What the platform made of our texts and fields, undone: ids back to names, served addresses back to `/static/…`. Pure.

Sources: Open edX: common/djangoapps/static_replace (served addresses), cms/…/get_block_info.py (`metadata`: explicitly set fields);
openedx-scorm-xblock: openedxscorm/scormxblock.py (the form sets every setting, default or not).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from authoring.comparison import plain_prompt
from authoring.keys import block_category, block_id, is_usage_key
from authoring.lockfile import content_field, digest, text_digest
from authoring.model import BlockKey, CourseId, FieldValue
from authoring.olx.forms import whole_steps
from authoring.references import JUMP_LINK, PAGE_LINK, REFERENCE_FIELDS, is_link_target
from authoring.registry import field_spec, spec

PLATFORMS_OWN: Mapping[str, frozenset[str]] = {
    "course": frozenset(
        {"tabs", "wiki_slug", "lti_passports", "grading_policy", "discussion_topics", "discussions_settings"}
    ),
}
"""Fields that the platform keeps for itself, or that other parts of a course say; unless they were pushed."""

KEPT_BY_THE_PLATFORM = frozenset({"course", "scorm"})
"""Categories whose fields that no author sets are the platform's: what it keeps of a course, and of an unpacked package."""

CREATED_WITH: Mapping[tuple[str, str], FieldValue] = {("course", "language"): "en"}
"""What the platform sets when it makes a block: nobody meant to say it."""


class Restorer:
    """Undoes for one course. `names` maps usage keys to the names that its blocks have in the tree."""

    def __init__(self, course: CourseId, names: Mapping[str, BlockKey]) -> None:
        self._names = names
        # Only this course's files, and not on another host: those were written so.
        own = re.escape(str(course).removeprefix("course-v1:"))
        self._jump_served = re.compile(rf"(?<![\w.:/-])/courses/course-v1:{own}(?=/jump_to_id/)")
        self._served = re.compile(
            rf"(?<![\w.:/-])/(?:assets/courseware/v\d+/[0-9a-f]+/)?(?:asset-v1:{own}\+type@asset\+block@|courses/course-v1:{own}/static/)"
        )

    @cached_property
    def _ids(self) -> Mapping[str, str]:
        return {
            block_id(usage): key.url_name
            for usage, key in self._names.items()
            if is_usage_key(usage) and is_link_target(key)
        }

    def body(self, text: str, locked: str | None) -> str:
        """A text body with our names in its links; as it was pushed, where it is still that."""
        if locked is not None:
            for as_sent in (self.names_in(text), self._named(text)):
                if text_digest(as_sent) == locked:
                    return as_sent
        return self.text(text)

    def text(self, text: str) -> str:
        """A text with our names in its links, and its files by `/static/…`."""
        return self.names_in(self._served.sub("/static/", text))

    def names_in(self, text: str) -> str:
        """A text with our names in its links."""
        return self._named(self._jump_served.sub("", text))

    def _named(self, text: str) -> str:
        text = JUMP_LINK.sub(lambda found: f"/jump_to_id/{self._ids.get(found[1], found[1])}", text)
        return PAGE_LINK.sub(lambda found: f"/course/{self._ids.get(found[1], found[1])}/", text)

    def fields(self, category: str, live: Mapping[str, FieldValue], locked: Mapping[str, str]) -> dict[str, FieldValue]:
        """The explicitly set fields as an author would have them. `locked` are the digests of what was last pushed."""
        if category == "pdf" and "href" in live:  # the ibl platform's block; its `url` is what authors write
            live = {"url": live["href"], **{name: value for name, value in live.items() if name != "href"}}
        known = spec(category)
        references = REFERENCE_FIELDS.get(category, ())
        own = PLATFORMS_OWN.get(category, frozenset())
        body = content_field(category)
        found: dict[str, FieldValue] = {}
        for name, value in live.items():
            described = field_spec(category, name)
            if value is None or (name == body and isinstance(value, str)):
                continue
            if name not in locked and (name in own or CREATED_WITH.get((category, name)) == value):
                continue
            if (
                category in KEPT_BY_THE_PLATFORM
                and described is not None
                and not described.authored
                and name not in locked
            ):
                continue
            is_form = known is not None and known.package and name != "display_name" and name not in locked
            if is_form and described is not None and value == described.default:
                continue  # the upload's form sets every setting; a default was not meant to be said
            if name in references:
                full = self._reference(value, whole=True)
                spelled: tuple[FieldValue, ...] = (full, self._reference(value, whole=False))
            else:
                is_steps = category == "openassessment" and name == "rubric_assessments"
                spelled = (*_spellings(self._value(whole_steps(value) if is_steps else value)), value)
            # A value that is what was pushed is given as it was written then, so that nobody takes it for a change.
            found[name] = next((one for one in spelled if digest(one) == locked.get(name)), spelled[0])
        return found

    def _value(self, value: FieldValue) -> FieldValue:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self._value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(item) for item in value]
        return value

    def _reference(self, value: FieldValue, *, whole: bool) -> FieldValue:
        """A field that names blocks, by usage key or (in an archive) `category/id`: to `category/url_name`, or, where it is
        not to be `whole`, to the `url_name` alone."""
        if isinstance(value, str):
            key: BlockKey | None = None
            if is_usage_key(value):
                key = self._names.get(value) or BlockKey(block_category(value), block_id(value))
            elif re.fullmatch(r"[\w-]+/[\w~.-]+", value):
                category, _, name = value.partition("/")
                key = BlockKey(category, self._ids.get(name, name))
            if key is None:
                return value
            return str(key) if whole else key.url_name
        if isinstance(value, Mapping):
            return {key: self._reference(item, whole=whole) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._reference(item, whole=whole) for item in value]
        return value


def _spellings(value: FieldValue) -> Iterator[FieldValue]:
    """The value as the platform has it, then as an author may have written the same: dates, whole numbers, lists."""
    yield value
    if isinstance(value, str):
        moment = re.sub(r"(\d\d:\d\d:\d\d)(?:\.0+)?(?:Z|\+00:00)$", r"\1Z", value)
        yield moment
        yield moment.removesuffix("Z") + "+00:00"
        if value.startswith('[{"description"'):
            yield plain_prompt(value)
    elif isinstance(value, list) and any(isinstance(item, Mapping) and "id" in item for item in value):
        # The platform gives an id to a textbook that has none.
        yield [
            {name: one for name, one in item.items() if name != "id"} if isinstance(item, Mapping) else item
            for item in value
        ]
    elif isinstance(value, float) and value.is_integer():
        yield int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield float(value)
