"""One block of OLX, as its class on the platform reads it: the fields it sets and the elements that are its children.

Comes in: an element, or a pointer to a file of the archive, and the course's policy. Goes out: `Definition`. Sources: Open
edX: xmodule/xml_block.py, xmodule/{course,seq,vertical,split_test,library_content,conditional,html}_block.py;
xblocks-contrib: xblocks_contrib/{video,poll,discussion}; XBlock: xblock/core.py (`parse_xml`).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

from authoring.registry import Family, Scope, fields_of, spec
from authoring.sandbox.olx_assessments import assessment_fields
from authoring.sandbox.olx_values import BadBlock, Homes, attribute_value, kept_value, option_value

OPTION = "http://code.edx.org/xblock/option"
RAW = frozenset({"problem", "annotatable", "customtag"})
"""Categories whose body is their own element; so is that of every category that nobody here knows (HiddenBlock)."""
STRIPPED = frozenset(
    (
        *("data_dir", "tabs", "grading_policy", "discussion_blackouts", "course", "org", "url_name", "filename"),
        *("xml_attributes", "x-is-pointer-node", "parent_url", "parent_sequential_url", "index_in_children_list"),
    )
)
"""Attributes that set no field."""
_OLD_NAMES = {"slug": "url_name", "name": "display_name"}
_CONDITIONS = ("poll_answer", "submitted", "attempted", "correct", "voted")
_ALL_OR_NOTHING = frozenset({"library_content", "itembank"})


@dataclass(slots=True)
class Definition:
    """What a block's class makes of its element. `lenient`: a child that cannot be read is passed over."""

    fields: dict[str, Any] = field(default_factory=dict)
    children: list[etree._Element] = field(default_factory=list)
    lenient: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where definitions are looked for: the folder of `course.xml`, or its `drafts`; and what the policy says."""

    folder: Path
    homes: Homes
    policy: Mapping[str, Any]
    reformats: bool = False
    """Whether bodies that are XML are indented anew."""

    def parse(self, content: bytes) -> etree._Element:
        """The root of a file. Raises BadBlock."""
        parser = etree.XMLParser(
            remove_blank_text=self.reformats, resolve_entities=False, no_network=True, load_dtd=False
        )
        try:
            return etree.fromstring(content, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise BadBlock(str(error)) from error

    def file(self, path: str) -> Path | None:
        """A file of the archive; None when it is not there or would be outside of it."""
        found = Path(os.path.normpath(self.folder / path))
        return found if found.is_relative_to(self.folder) and found.is_file() else None


def _is_element(node: etree._Element) -> bool:
    """Not a comment, nor a processing instruction or an entity."""
    tag: object = node.tag
    return isinstance(tag, str)


def is_pointer(element: etree._Element) -> bool:
    """Nothing in it, and no attribute but its name: its definition is a file (Open edX: `is_pointer_tag`)."""
    names = {"url_name", "org", "course"} if element.tag == "course" else {"url_name"}
    return len(element) == 0 and set(element.attrib) == names and not (element.text or "").strip()


def read_definition(place: Place, element: etree._Element, block_id: str) -> Definition:
    """The definition of a block whose element has its name already. Raises BadBlock."""
    category = str(element.tag)
    known = spec(category)
    pure = known is not None and known.family is Family.PURE
    if is_pointer(element) and (not pure or category == "discussion"):
        file = place.file(f"{category}/{block_id.replace(':', '/')}.xml")
        if file is not None:
            element = place.parse(file.read_bytes())
        elif not pure:
            raise BadBlock("its file is not there")
    if category == "openassessment":
        return Definition(assessment_fields(element))
    if pure:
        definition = _pure(category, element)
    else:
        definition = _xml(place, category, element, block_id)
    if not pure or category == "discussion":
        _lay_policy(category, definition.fields, place.policy.get(f"{category}/{block_id}"))
    return definition


def _lay_policy(category: str, fields: dict[str, Any], policy: Any) -> None:
    """The policy wins over the attributes; names that the class does not know are kept apart."""
    known = fields_of(category)
    for key, value in policy.items() if isinstance(policy, dict) else ():
        name = _OLD_NAMES.get(str(key), str(key))
        if name in known:
            fields[name] = kept_value(known[name], value)
        else:
            fields["xml_attributes"] = {**fields.get("xml_attributes", {}), name: value}


# -- the pure family --------------------------------------------------------------------------------------------------


def _pure(category: str, element: etree._Element) -> Definition:
    """Attributes and elements of the option namespace are fields; unknown ones are dropped. Others are children."""
    known = fields_of(category)
    definition = Definition(lenient=False)
    values: list[tuple[str, str, bool]] = []
    for child in element:
        if not _is_element(child):
            continue
        tag = etree.QName(child)
        if tag.namespace == OPTION:
            values.append((tag.localname, child.text or "", child.get("none") == "true"))
        elif category == "edx_sga" and child.tag == "solution":
            definition.fields["solution"] = inner(child)
        else:
            definition.children.append(child)
    values += [(str(name), str(text), False) for name, text in element.attrib.items()]
    for name, text, nothing in values:
        if name in known:
            definition.fields[name] = None if nothing else option_value(known[name], text)
    content = (element.text or "").strip()
    if content and "content" in known and known["content"].scope is Scope.CONTENT:
        definition.fields["content"] = content
    return definition


# -- the XmlMixin family ----------------------------------------------------------------------------------------------


def _xml(place: Place, category: str, element: etree._Element, block_id: str) -> Definition:
    special = _BODIES.get(category)
    known = spec(category)
    if special is not None:
        return special(place, element, block_id)
    if known is None or category in RAW:
        fields = _settings(category, element)
        # The attributes that no field takes are in the body.
        fields.pop("xml_attributes", None)
        return Definition({**fields, "data": _own_element(place, category, element)})
    fields = _settings(category, element)
    children = [child for child in element if _is_element(child)] if known.children else []
    return Definition(fields, children, lenient=category not in _ALL_OR_NOTHING)


def _settings(category: str, element: etree._Element, *consumed: str) -> dict[str, Any]:
    """Attributes as fields; those that no field takes under `xml_attributes`; a `meta` child with JSON over both."""
    known = fields_of(category)
    fields: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for word, text in element.attrib.items():
        name = _OLD_NAMES.get(str(word), str(word))
        if name in STRIPPED or name in consumed:
            continue
        if name in known:
            fields[name] = attribute_value(known[name], str(text))
        else:
            others[name] = str(text)
    meta = element.find("meta")
    if meta is not None and category not in RAW and spec(category) is not None:
        element.remove(meta)
        try:
            values = json.loads(meta.text or "{}")
        except ValueError:
            values = {}
        fields |= {name: kept_value(known[name], value) for name, value in values.items() if name in known}
    return fields | ({"xml_attributes": others} if others else {})


def _own_element(place: Place, category: str, element: etree._Element) -> str:
    """The element itself without the attributes that are settings."""
    body = deepcopy(element)
    body.tail = None
    for name in list(body.attrib):
        known = fields_of(category).get(str(name))
        if known is not None and known.scope is Scope.SETTINGS:
            del body.attrib[name]
    return etree.tostring(body, encoding="unicode", pretty_print=place.reformats)


def inner(element: etree._Element) -> str:
    """What is in an element, as text (Open edX: `stringify_children`)."""
    return (element.text or "") + "".join(etree.tostring(child, encoding="unicode") for child in element)


def _course(place: Place, element: etree._Element, block_id: str) -> Definition:
    fields = _settings("course", element)
    books = []
    for book in element.findall("textbook"):
        books.append([book.get("title"), book.get("book_url")])
        element.remove(book)
    if books:
        fields["textbooks"] = books
    for name, attribute in (("wiki", "slug"), ("license", None)):
        found = element.find(name)
        if found is not None:
            element.remove(found)
            value = found.get(attribute) if attribute else found.text
            if value:
                fields["wiki_slug" if name == "wiki" else name] = str(value)
    return Definition(fields, [child for child in element if _is_element(child)])


def _html(place: Place, element: etree._Element, block_id: str) -> Definition:
    fields = _settings("html", element)
    filename = element.get("filename")
    if filename is None:
        return Definition({**fields, "data": inner(element)})
    base = f"html/{block_id.replace(':', '/')}".rpartition("/")[0]
    for candidate in _html_paths(f"{base}/{filename}.html"):
        file = place.file(candidate)
        if file is not None:
            try:
                return Definition({**fields, "data": file.read_bytes().decode("utf-8")})
            except UnicodeDecodeError as error:
                raise BadBlock(f"{candidate} is not UTF-8") from error
    raise BadBlock(f"{filename}.html is not there")


def _html_paths(path: str) -> list[str]:
    """Where old courses kept the text: without leading folders, as .html or .xml."""
    paths = [path]
    bare = path.removesuffix(".html") if path.endswith((".html.html", ".xml.html")) else path
    while "/" in bare:
        paths.append(bare)
        bare = bare.partition("/")[2]
    return paths + [candidate[:-4] + ".html" for candidate in paths if candidate.endswith(".xml")]


def _poll_question(place: Place, element: etree._Element, block_id: str) -> Definition:
    fields = _settings("poll_question", element)
    answers = element.findall("answer")
    if not answers:
        raise BadBlock("no answer")
    fields["answers"] = [{"id": answer.get("id"), "text": inner(answer)} for answer in answers if answer.get("id")]
    for answer in answers:
        element.remove(answer)
    return Definition({**fields, "question": inner(element)})


def _video(place: Place, element: etree._Element, block_id: str) -> Definition:
    for old, new in (("from", "start_time"), ("to", "end_time")):
        if old in element.attrib:
            element.set(new, element.attrib.pop(old))
    fields: dict[str, Any] = {}
    sources = [str(source.get("src")) for source in element.findall("source")]
    if sources:
        fields["html5_sources"] = sources
    for name in ("track", "handout"):
        child = element.find(name)
        if child is not None and child.get("src") is not None:
            fields[name] = str(child.get("src"))
            if name == "track" and "download_track" not in element.attrib:
                fields["download_track"] = True
    transcripts = {str(child.get("language")): str(child.get("src")) for child in element.findall("transcript")}
    if transcripts:
        fields["transcripts"] = transcripts
    if "youtube" in element.attrib:
        # With sources of its own, a video without an id plays no sample; nothing is the default of the other speeds.
        videos = ({"1_0": ""} if sources else {}) | _youtube(element.get("youtube", ""))
        fields |= {f"youtube_id_{speed}": video for speed, video in videos.items() if video or sources}
    found = element.find("license")
    if found is not None and found.text:
        fields["license"] = found.text
    return Definition({**fields, **_settings("video", element, "youtube")})


def _youtube(text: str) -> dict[str, str]:
    """`0.75:ID,1.00:ID` by the speed that a field's name has."""
    found: dict[str, str] = {}
    for piece in text.split(",") if text else ():
        speed, _, video = piece.strip().partition(":")
        try:
            normal = f"{float(speed):.2f}".removesuffix("0").replace(".", "_")
        except ValueError:
            continue
        found[normal] = video.strip('"')
    return {speed: video for speed, video in found.items() if f"youtube_id_{speed}" in fields_of("video")}


def _split_test(place: Place, element: etree._Element, block_id: str) -> Definition:
    fields = _settings("split_test", element)
    try:
        groups = json.loads(element.get("group_id_to_child", ""))
    except ValueError as error:
        raise BadBlock("group_id_to_child is not valid json") from error
    if not isinstance(groups, dict):
        raise BadBlock("group_id_to_child is no mapping")
    fields["group_id_to_child"] = {group: place.homes.reference(str(child)) for group, child in groups.items()}
    return Definition(fields, [child for child in element if _is_element(child)])


def _conditional(place: Place, element: etree._Element, block_id: str) -> Definition:
    """`show` names blocks that stand elsewhere; they are a field here, and not children a second time."""
    fields = _settings("conditional", element, "sources", "message", *_CONDITIONS)
    for name in _CONDITIONS:
        if name in element.attrib:
            fields |= {"conditional_attr": name, "conditional_value": element.get(name)}
    if "message" in element.attrib:
        fields["conditional_message"] = element.get("message")
    references = place.homes.reference
    if element.get("sources"):
        fields["sources_list"] = [references(key) for key in element.get("sources", "").split(";")]
    shown = [key for show in element.findall("show") for key in show.get("sources", "").split(";") if key]
    if shown:
        fields["show_tag_list"] = [references(key) for key in shown]
    children = [child for child in element if _is_element(child) and child.tag != "show"]
    return Definition(fields, children)


_BODIES: Mapping[str, Callable[[Place, etree._Element, str], Definition]] = {
    "course": _course,
    "html": _html,
    "poll_question": _poll_question,
    "video": _video,
    "split_test": _split_test,
    "conditional": _conditional,
}

KEY_PARTS = re.compile(r"[\w\-~.:]+")
"""What a block id may be made of (opaque-keys)."""
