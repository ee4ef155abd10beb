"""A Block to OLX: the inverse of `reader`.

`element_of` writes a block with everything below it in one element, as a unit file or an `olx` directive has it.
`own_element` writes the block alone and leaves its children to the caller, who may put pointers there.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from lxml import etree

from authoring.errors import SourceError
from authoring.model import COURSE, Block, FieldValue
from authoring.olx.elements import append_fragment, append_text, inner_xml
from authoring.olx.forms import FORMS, write_children
from authoring.olx.reader import FAMILY, OPTION
from authoring.olx.spellings import CONDITIONS
from authoring.olx.values import attribute_from_value
from authoring.registry import CategorySpec, Family, FieldSpec, FieldType, fields_of, spec

XBLOCK = "xblock.v1"
_NAMESPACES = {"option": OPTION.strip("{}")}
_YOUTUBE = (
    ("youtube_id_0_75", "0.75"),
    ("youtube_id_1_0", "1.00"),
    ("youtube_id_1_25", "1.25"),
    ("youtube_id_1_5", "1.50"),
)


def element_of(block: Block) -> etree._Element:
    """The block and all below it as one element, with `url_name`s where somebody wrote them.

    Raises SourceError when a value cannot be written in XML (control characters, a broken body).
    """
    element = own_element(block, identity=not block.implicit_id)
    for child in block.children:
        element.append(element_of(child))
    return element


def own_element(block: Block, *, identity: bool = True) -> etree._Element:
    """The block as an element, its children left out."""
    try:
        return _element(block, identity)
    except ValueError as error:
        raise SourceError(f"{block.key} cannot be written as OLX: {error}") from error


def is_pure(block: Block) -> bool:
    """Whether the block stands in its parent's file: a pure XBlock, or of a category that nobody knows."""
    known = spec(block.category)
    return known is None or known.family is Family.PURE


def _element(block: Block, identity: bool) -> etree._Element:
    known = spec(block.category)
    element = _body(block, known)
    if identity:
        element.set("url_name", block.url_name)
    if known is None:
        for name, value in block.fields.items():
            element.set(name, value if isinstance(value, str) else str(value))
    else:
        pure = known.family is Family.PURE
        form = FORMS.get(block.category)
        in_children = form.names if form is not None else ()
        if pure:
            element.set(FAMILY, XBLOCK)
        for name, value in sorted(block.fields.items()):
            field = fields_of(block.category).get(name)
            if field is None:
                raise ValueError(f"there is no field {name!r}")
            if name != known.content and name not in in_children:
                _set_field(element, block, field, value, pure)
        if form is not None:
            write_children(element, _titled(block))
    for name, text in block.extra.attributes.items():
        element.set(name, text)
    for fragment in block.extra.elements:
        append_fragment(element, fragment)
    return element


def _titled(block: Block) -> Mapping[str, FieldValue]:
    """An open response without a `title` is not read by its class (ora2: xblock/utils/xml.py); its name is its title."""
    fields = block.fields
    if block.category == "openassessment" and "rubric_criteria" in fields and "title" not in fields:
        return {**fields, "title": fields.get("display_name") or ""}
    return fields


def _body(block: Block, known: CategorySpec | None) -> etree._Element:
    category, content = block.category, block.content
    if content is None:
        pure = known is not None and known.family is Family.PURE
        return etree.Element(category, nsmap=_NAMESPACES if pure and _has_options(block) else None)
    whole = known is None or (known.content is not None and known.own_fields[known.content].type is FieldType.XML)
    if whole:
        holder = etree.Element("x")
        append_fragment(holder, content)
        if len(holder) != 1 or holder[0].tag != category:
            raise ValueError(f"its body is not one <{category}> element")
        holder[0].tail = None
        return holder[0]
    element = etree.Element(category)
    with suppress(ValueError):
        append_fragment(element, content)
        # Processing instructions (a stray `<?php … ?>`) are not read as part of OLX, so they stay text.
        if inner_xml(element) == content.strip() and next(element.iter(etree.ProcessingInstruction), None) is None:
            return element
    element = etree.Element(category)
    append_text(element, content)
    return element


def _has_options(block: Block) -> bool:
    return any(value is None for value in block.fields.values())


def _set_field(element: etree._Element, block: Block, field: FieldSpec, value: FieldValue, pure: bool) -> None:
    name = field.name
    match block.category, name:
        case ("course", "wiki_slug"):
            etree.SubElement(element, "wiki", slug=str(value))
        case ("course", _) if field.olx == "":
            return  # the policy file holds it
        case ("openassessment", "white_listed_file_types") if isinstance(value, list | tuple):
            element.set(name, ",".join(map(str, value)))
        case ("conditional", "sources_list"):
            element.set("sources", ";".join(map(str, value)) if isinstance(value, list | tuple) else "")
        case ("conditional", "show_tag_list"):
            etree.SubElement(element, "show", sources=";".join(map(str, value)) if isinstance(value, list) else "")
        case ("conditional", "conditional_value") if block.fields.get("conditional_attr") in CONDITIONS:
            element.set(str(block.fields["conditional_attr"]), str(value))
        case ("conditional", "conditional_attr") if "conditional_value" in block.fields and value in CONDITIONS:
            return
        case ("conditional", "conditional_message"):
            element.set("message", str(value))
        case _:
            text = attribute_from_value(value, field, pure=pure)
            if text is None:
                etree.SubElement(element, f"{OPTION}{name}", none="true")
            else:
                element.set(field.olx or name, text)
    if (block.category, name) == ("video", "html5_sources") and isinstance(value, list):
        for source in value:
            etree.SubElement(element, "source", src=str(source))
    if (block.category, name) == ("video", "youtube_id_1_0"):
        pairs = [(speed, block.fields.get(key)) for key, speed in _YOUTUBE]
        youtube = ",".join(f"{speed}:{video}" for speed, video in pairs if video)
        if youtube and "youtube" not in block.extra.attributes:
            element.set("youtube", youtube)


def policy_fields(root: Block) -> dict[str, FieldValue]:
    """A course's settings as policy.json has them: every explicit one (Open edX: xmodule/modulestore/xml_exporter.py)."""
    elsewhere = ("wiki_slug", "grading_policy")
    return {name: value for name, value in sorted(root.fields.items()) if name not in elsewhere}


__all__ = ["COURSE", "XBLOCK", "element_of", "is_pure", "own_element", "policy_fields"]
