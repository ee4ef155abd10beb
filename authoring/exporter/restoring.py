"""What the platform made of our texts and fields, undone: ids back to names, served addresses back to `/static/…`. Pure.

Sources: Open edX: common/djangoapps/static_replace (served addresses), cms/…/get_block_info.py (`metadata`: explicitly set fields);
openedx-scorm-xblock: openedxscorm/scormxblock.py (the form sets every setting, default or not).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from authoring.keys import block_category, block_id, is_usage_key
from authoring.lockfile import content_field
from authoring.model import BlockKey, FieldValue
from authoring.references import JUMP_LINK, PAGE_LINK, REFERENCE_FIELDS
from authoring.registry import field_spec, spec

_SERVED = re.compile(
    r"/(?:assets/courseware/v\d+/[0-9a-f]+/)?(?:asset-v1:[^\"'\s<>]*?type@asset\+block@|courses/[^/\"'\s]+/static/)"
)
_JUMP_SERVED = re.compile(r"/courses/[^/\"'\s]+(?=/jump_to_id/)")

PLATFORMS_OWN: Mapping[str, frozenset[str]] = {
    "course": frozenset(
        {"tabs", "wiki_slug", "lti_passports", "grading_policy", "discussion_topics", "discussions_settings"}
    ),
}
"""Fields that the platform keeps for itself, or that other parts of a course say."""


class Restorer:
    """Undoes for one course. `names` maps usage keys to the names that its blocks have in the tree."""

    def __init__(self, names: Mapping[str, BlockKey]) -> None:
        self._names = names
        self._ids = {block_id(usage): key.url_name for usage, key in names.items() if is_usage_key(usage)}

    def text(self, text: str) -> str:
        """A text body with our names in its links."""
        text = _JUMP_SERVED.sub("", _SERVED.sub("/static/", text))
        text = JUMP_LINK.sub(lambda found: f"/jump_to_id/{self._ids.get(found[1], found[1])}", text)
        return PAGE_LINK.sub(lambda found: f"/course/{self._ids.get(found[1], found[1])}/", text)

    def fields(self, category: str, live: Mapping[str, FieldValue], locked: Mapping[str, str]) -> dict[str, FieldValue]:
        """The explicitly set fields as an author would have them. `locked` are the digests of what was last pushed."""
        known = spec(category)
        references = REFERENCE_FIELDS.get(category, ())
        own = PLATFORMS_OWN.get(category, frozenset())
        body = content_field(category)
        found: dict[str, FieldValue] = {}
        for name, value in live.items():
            described = field_spec(category, name)
            if value is None or name in own or (name == body and isinstance(value, str)):
                continue
            if described is not None and not described.authored and name not in locked:
                continue
            is_form = known is not None and known.package and name != "display_name" and name not in locked
            if is_form and described is not None and value == described.default:
                continue  # the upload's form sets every setting; a default was not meant to be said
            found[name] = self._reference(value) if name in references else self._value(value)
        return found

    def _value(self, value: FieldValue) -> FieldValue:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self._value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(item) for item in value]
        return value

    def _reference(self, value: FieldValue) -> FieldValue:
        """A field that names blocks: usage keys to `category/url_name`."""
        if isinstance(value, str) and is_usage_key(value):
            found = self._names.get(value)
            return str(found or BlockKey(block_category(value), block_id(value)))
        if isinstance(value, Mapping):
            return {key: self._reference(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._reference(item) for item in value]
        return value
