"""Whether two OLX packages are the same course: the one definition, and what differs.

A package is taken apart into named parts, each a string in canonical form; two packages are the same when they have the
same parts with the same strings.

- Pointers are resolved, policies are merged over attributes, and the spellings of :mod:`authoring.olx.spellings` count as
  one. Where a definition stands (inline, in a file of its own, under another file name) does not matter.
- In an open response assessment and an old poll, white space between elements does not count.
- A block's part says its attributes, its body and the names of its children in order. An attribute that the registry
  knows counts by its value as the platform reads it (`True`, `true`; `2013-01-01T00:00Z`, `2013-01-01T00:00:00+00:00`),
  any other by its text; the order of attributes does not count.
- A problem's or another XML body counts as :mod:`authoring.markup.canonical` has it, a text's HTML as
  :mod:`authoring.markup.html` has it (docs/html-and-markdown.md); `/static/a/b.png` counts as `/static/a_b.png`.
- An LTI passport counts by its id: its secret is in no course folder.
- Pages, the grading policy, drafts with their place, assets with name, type, lock and bytes, and every other file of the
  package are parts too. Left out are only the leavings of file managers (`._x`, `.DS_Store`, `x~`), the empty
  assets/assets.xml, and what assets.json repeats (keys, thumbnails) of a file that is there.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from authoring.archives import Package
from authoring.markup.canonical import canonical_xml
from authoring.markup.html import canonical_html
from authoring.model import COURSE, Block, Course
from authoring.olx.elements import DATA, MARKS, fragments, inner_xml, serialize
from authoring.olx.forms import FORMS, tidy
from authoring.olx.reader import FAMILY, IDENTITY, OPTION, POINTER_ONLY, is_block, other_children
from authoring.olx.spellings import fold, reference
from authoring.olx.values import attributes_of, value_from_attribute
from authoring.references import flat_links
from authoring.registry import Family, FieldType, spec
from importers.olx.course import CourseReader
from importers.olx.layout import Layout


@dataclass(frozen=True, slots=True)
class Difference:
    """One part that differs; None where a package does not have it."""

    part: str
    first: str | None
    second: str | None


def differences(first: Mapping[str, str], second: Mapping[str, str]) -> tuple[Difference, ...]:
    """What differs between two packages, given their `parts`."""
    names = dict.fromkeys([*first, *second])
    return tuple(
        Difference(name, first.get(name), second.get(name)) for name in names if first.get(name) != second.get(name)
    )


def parts(package: Package, layout: Layout) -> Mapping[str, str]:
    """The parts of the course at `layout` in canonical form, by name."""
    reader = CourseReader(package, layout)
    root = reader.resolve()
    found: dict[str, str] = {}
    home = root.get("org"), root.get("course") or root.get("library")
    _add_blocks(root, found, "block", home)
    course = reader.course(root)
    for block in course.detached:
        found[f"page {block.key}"] = _page(block)
    for element, parent, index in reader.draft_elements():
        name = f"draft {element.tag}/{element.get('url_name')}"
        found[name] = f"{parent} {index}"
        _add_blocks(element, found, name, home)
    _add_course_parts(course, found)
    return found


def _add_blocks(root: etree._Element, found: dict[str, str], prefix: str, home: tuple[str | None, str | None]) -> None:
    pending = [root]
    while pending:
        element = pending.pop()
        fold(element)
        name = unique = f"{prefix} {element.tag}/{element.get('url_name')}"
        number = 1
        while unique in found:
            number += 1
            unique = f"{name} ({number})"
        found[unique] = _own(element, home if element is root else None)
        known = spec(str(element.tag))
        if known is not None and known.children:
            pending += [child for child in element if is_block(element, child)]


def _own(element: etree._Element, home: tuple[str | None, str | None] | None) -> str:
    known = spec(str(element.tag))
    lines = [f"{name} = {text}" for name, text in sorted(_attributes(element))]
    if home is not None and element.tag in (COURSE, "library"):
        lines += [f"id = {home[0]} {home[1]}"]
    if known is None:
        lines.append(_xml(element))
    elif known.content is not None:
        if known.own_fields[known.content].type is FieldType.XML:
            lines.append(_xml(element))
        else:
            text = element.text or "" if element.get(DATA) is not None else inner_xml(element)
            lines.append(canonical_html(flat_links(text.strip())))
            if element.get(DATA) is not None:
                lines += [_fragment(serialize(child)) for child in element]
    elif known.children:
        lines += sorted(_fragment(text) for text in other_children(element) if OPTION.strip("{}") not in text)
        for child in element:
            if is_block(element, child):
                fold(child)
                lines.append(f"child {child.tag}/{child.get('url_name')}")
    else:
        bare = copy.deepcopy(element)
        for option in list(bare):
            if str(option.tag).startswith(OPTION):
                bare.remove(option)
        if element.tag in FORMS:
            tidy(bare)
        lines += [_fragment(text) for text in fragments(bare)]
    return "\n".join(lines)


def _attributes(element: etree._Element) -> Iterator[tuple[str, str]]:
    known = spec(str(element.tag))
    by_name = attributes_of(str(element.tag))
    pure = known is not None and known.family is Family.PURE
    said = [(str(name), str(text)) for name, text in element.attrib.items()]
    for option in element if pure else ():
        if str(option.tag).startswith(OPTION):
            name = str(option.tag).removeprefix(OPTION)
            if option.get("none") == "true":
                yield name, "null"
            else:
                said.append((name, inner_xml(option)))
    for name, text in said:
        if name in IDENTITY or name in (FAMILY, POINTER_ONLY) or str(name).startswith(MARKS):
            continue
        field = by_name.get(str(name))
        if field is None:
            yield str(name), str(text)
            continue
        try:
            value = value_from_attribute(str(text), field, pure=pure)
        except ValueError:
            yield str(name), str(text)
        else:
            if name == "lti_passports" and isinstance(value, list):
                value = sorted({str(passport).split(":")[0] for passport in value})
            yield str(name), json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)


def _plain(value: object) -> object:
    """References by name; numbers that are equal alike."""
    if isinstance(value, str):
        return reference(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _xml(element: etree._Element) -> str:
    bare = etree.fromstring(serialize(element))
    bare.attrib.clear()
    etree.cleanup_namespaces(bare)
    return canonical_xml(flat_links(serialize(bare)))


def _fragment(text: str) -> str:
    return canonical_xml(f'<x xmlns:option="{OPTION.strip("{}")}">{text}</x>')


def _page(block: Block) -> str:
    fields = {name: value for name, value in block.fields.items() if name != "items"}
    items = json.dumps(block.fields.get("items"), ensure_ascii=False, sort_keys=True)
    text = canonical_html(flat_links((block.content or "").strip()))
    return f"{json.dumps(fields, ensure_ascii=False, sort_keys=True)}\n{items}\n{text}"


def _add_course_parts(course: Course, found: dict[str, str]) -> None:
    if course.grading is not None:
        graders = [
            [grader.type, grader.weight, grader.min_count, grader.drop_count, grader.short_label]
            for grader in course.grading.graders
        ]
        found["grading"] = json.dumps([graders, dict(course.grading.cutoffs)], sort_keys=True)
    for asset in course.assets:
        shown = asset.display_name or asset.path.name
        found[f"asset {asset.path}"] = f"{asset.digest} {asset.content_type} {asset.locked} {shown}"
    for key, settings in course.policies.items():
        found[f"policy {key}"] = json.dumps(settings, ensure_ascii=False, sort_keys=True)
    for file in course.files:
        found[f"file {file.path}"] = file.digest
