"""Spellings of one thing, brought to one: what OLX may say in two ways, here says it in the way of the field registry.

Reader and comparison both begin with `fold`, so that they take the same for equal; each rule is the platform's own.

- An id: `slug` is `url_name` (Open edX: xmodule/modulestore/xml.py).
- A video: `<source>`, `<transcript>`, `<track>` and `<handout>` children and the `youtube` attribute say what
  `html5_sources`, `transcripts`, `track`, `handout` and the `youtube_id_…` fields say (Open edX: xmodule/video_block).
  Where the two disagree, both stay.
- A conditional: the condition is an attribute named as it (`correct="True"`), `<show sources="…"/>` lists blocks, lists
  are joined by `;` (Open edX: xmodule/conditional_block.py).
- An open response assessment: the types of files are a list, joined by `,`.
- A course: `<wiki slug="…"/>` is `wiki_slug` (Open edX: xmodule/course_block.py).
- A usage key of the course itself (`i4x://ORG/COURSE/CATEGORY/ID`, `block-v1:…+type@CATEGORY+block@ID`) in a field that
  refers to blocks is `CATEGORY/ID`; the importer maps it to the course that it writes, whatever it was.
"""

from __future__ import annotations

import json
import re
from typing import Final

from lxml import etree

from authoring.olx.elements import attribute_names, is_element, take

_SPEEDS: Final = {
    "0.75": "youtube_id_0_75",
    "1.00": "youtube_id_1_0",
    "1.0": "youtube_id_1_0",
    "1.25": "youtube_id_1_25",
    "1.50": "youtube_id_1_5",
    "1.5": "youtube_id_1_5",
}
CONDITIONS = ("poll_answer", "submitted", "attempted", "correct", "voted", "score")
"""Attributes of a conditional that say under what condition it shows."""

_USAGE_KEY = re.compile(
    r"i4x://[^/\s\"]+/[^/\s\"]+/(?P<old_category>[^/\s\"]+)/(?P<old_id>[^@\s\"]+)(?:@[^\s\"]*)?"
    r"|block-v1:[^+\s\"]+\+[^+\s\"]+\+[^+\s\"]+\+type@(?P<category>[^+\s\"]+)\+block@(?P<id>[^\s\"]+)"
)


def reference(text: str) -> str:
    """A usage key as `CATEGORY/ID`; any other text as it is."""
    match = _USAGE_KEY.fullmatch(text.strip())
    if match is None:
        return text
    return f"{match['old_category'] or match['category']}/{match['old_id'] or match['id']}"


def fold(element: etree._Element) -> None:
    """Bring one element (not its descendants) to the registry's spelling, in place."""
    slug = take(element, "slug")
    if slug is not None and element.get("url_name") is None:
        element.set("url_name", slug)
    rule = _RULES.get(str(element.tag))
    if rule is not None:
        rule(element)


def _video(element: etree._Element) -> None:
    youtube = element.get("youtube")
    if youtube is not None:
        pairs = [part.partition(":") for part in youtube.split(",") if part.strip()]
        found = {_SPEEDS.get(speed.strip(), ""): video.strip() for speed, _, video in pairs}
        if "" not in found and all(element.get(name) in (None, video) for name, video in found.items()):
            del element.attrib["youtube"]
            for name, video in found.items():
                element.set(name, video)
    sources = [child for child in element if is_element(child) and child.tag == "source"]
    if sources and all(attribute_names(child) == {"src"} for child in sources):
        _say(element, "html5_sources", [child.get("src") for child in sources], sources)
    transcripts = [child for child in element if is_element(child) and child.tag == "transcript"]
    if transcripts and all(attribute_names(child) == {"language", "src"} for child in transcripts):
        _say(element, "transcripts", {child.get("language"): child.get("src") for child in transcripts}, transcripts)
    for name in ("track", "handout"):
        children = [child for child in element if is_element(child) and child.tag == name]
        if len(children) == 1 and attribute_names(children[0]) == {"src"} and not len(children[0]):
            source = children[0].get("src") or ""
            if element.get(name) in (None, source):
                element.set(name, source)
                _remove(element, children[0])


def _say(element: etree._Element, name: str, value: object, children: list[etree._Element]) -> None:
    """Children become the attribute that says the same, unless there is one that says otherwise."""
    written = element.get(name)
    if written is not None:
        try:
            if json.loads(written) != value:
                return
        except ValueError:
            return
    element.set(name, json.dumps(value, ensure_ascii=False))
    for child in children:
        _remove(element, child)


def _conditional(element: etree._Element) -> None:
    named = [name for name in CONDITIONS if element.get(name) is not None]
    if len(named) == 1 and element.get("conditional_attr") is None and element.get("conditional_value") is None:
        element.set("conditional_value", take(element, named[0]) or "")
        element.set("conditional_attr", named[0])
    if element.get("message") is not None and element.get("conditional_message") is None:
        element.set("conditional_message", take(element, "message") or "")
    sources = element.get("sources")
    if sources is not None and element.get("sources_list") is None:
        element.set("sources_list", json.dumps(_references(take(element, "sources") or "")))
    shows = [child for child in element if is_element(child) and child.tag == "show"]
    if (
        len(shows) == 1
        and not len(shows[0])
        and attribute_names(shows[0]) == {"sources"}
        and element.get("show_tag_list") is None
    ):
        element.set("show_tag_list", json.dumps(_references(shows[0].get("sources") or "")))
        _remove(element, shows[0])


def _references(text: str) -> list[str]:
    return [reference(part) for part in text.split(";") if part.strip()]


def _split_test(element: etree._Element) -> None:
    groups = element.get("group_id_to_child")
    try:
        found = json.loads(groups or "")
    except ValueError:
        return
    if isinstance(found, dict):
        named = {key: reference(value) if isinstance(value, str) else value for key, value in found.items()}
        element.set("group_id_to_child", json.dumps(named, ensure_ascii=False))


def _openassessment(element: etree._Element) -> None:
    types = element.get("white_listed_file_types")
    if types is not None and not types.lstrip().startswith("["):
        element.set("white_listed_file_types", json.dumps([part.strip() for part in types.split(",") if part.strip()]))


def _course(element: etree._Element) -> None:
    wikis = [child for child in element if is_element(child) and child.tag == "wiki"]
    if len(wikis) == 1 and attribute_names(wikis[0]) == {"slug"} and element.get("wiki_slug") is None:
        element.set("wiki_slug", wikis[0].get("slug") or "")
        _remove(element, wikis[0])


def _remove(parent: etree._Element, child: etree._Element) -> None:
    """Remove a child, not the text behind it."""
    tail = child.tail
    before = child.getprevious()
    parent.remove(child)
    if tail and tail.strip():
        if before is None:
            parent.text = (parent.text or "") + tail
        else:
            before.tail = (before.tail or "") + tail


_RULES = {
    "video": _video,
    "conditional": _conditional,
    "split_test": _split_test,
    "course": _course,
    "openassessment": _openassessment,
}
