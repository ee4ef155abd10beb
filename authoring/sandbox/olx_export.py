"""The platform's exporter: a course of the sandbox as the files of an OLX archive.

Comes in: a store and the key of a course. Goes out: `(path, content)` pairs below `course/`, in a stable order: the
published branch as the main tree, units with unpublished changes under `drafts/`. Sources: Open edX:
xmodule/modulestore/xml_exporter.py, xmodule/{xml_block,course_block,conditional_block}.py; XBlock: xblock/core.py
(`add_xml_to_node`).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

from lxml import etree

from authoring.registry import Family, FieldType, fields_of, spec
from authoring.sandbox.addresses import asset_key, block_id_of, course_parts, root_of
from authoring.sandbox.olx_assessments import assessment_element
from authoring.sandbox.olx_definitions import OPTION, RAW, STRIPPED
from authoring.sandbox.olx_values import attribute_text, deprecated_reference, option_text
from authoring.sandbox.routes_settings import ABOUT
from authoring.sandbox.rules import changed
from authoring.sandbox.store import DRAFT, PUBLISHED, Node, Store
from authoring.sandbox.values import BODY, body_of_block, is_direct

_DETACHED = {
    "about": ("about", ".html"),
    "course_info": ("info", ".html"),
    "static_tab": ("tabs", ".html"),
    "custom_tag_template": ("custom_tags", ""),
}


class ExportFailure(Exception):
    """An export that ends: a block that cannot be written, and the unit it is in."""

    def __init__(self, message: str, unit: str | None) -> None:
        super().__init__(message)
        self.unit = unit


def export_files(store: Store, course: str) -> Iterator[tuple[str, bytes | IO[bytes]]]:
    """The files of the archive, sorted but for the course's own files, which come last. Raises ExportFailure."""
    org, number, run = course_parts(course)
    shown, drafts = store.all(course, PUBLISHED), store.all(course, DRAFT)
    main = _Writer(shown, org, number)
    root = shown[root_of(course)]
    row = store.course(course) or {}
    main.files["course.xml"] = _xml(etree.Element("course", url_name=run, org=org, course=number))
    main.files[f"course/{run}.xml"] = _xml(main.course(root, row))
    main.files["assets/assets.xml"] = _xml(etree.Element("assets"))
    below = _Writer(drafts, org, number)
    for node in _draft_roots(drafts, shown, root.usage):
        below.draft(node)
    files = {**main.files, **{f"drafts/{path}": content for path, content in below.files.items()}}
    files |= _pages(shown, row)
    files |= _policies(store, course, run, root, row)
    for path in sorted(files):
        yield f"course/{path}", files[path]
    for asset in store.assets(course):
        yield f"course/static/{_static_path(asset)}", io.BytesIO(b"".join(store.asset_content(course, asset["name"])))


# -- blocks -----------------------------------------------------------------------------------------------------------


class _Writer:
    """Writes blocks of one branch; what they need beside their parent's file goes to `files`."""

    def __init__(self, nodes: Mapping[str, Node], org: str, number: str) -> None:
        self.nodes = nodes
        self.org = org
        self.number = number
        self.files: dict[str, bytes] = {}

    def course(self, root: Node, row: Mapping[str, Any]) -> etree._Element:
        fields = dict(root.fields)
        period = row.get("grading", {}).get("grace_period")
        if period and "graceperiod" not in fields:
            fields["graceperiod"] = " ".join(f"{count} {unit}" for unit, count in period.items())
        element = etree.Element("course")
        _set_attributes(element, "course", fields, but=("license",))
        self._children(element, root)
        for title, address in fields.get("textbooks") or ():
            etree.SubElement(element, "textbook", title=title or "", book_url=address or "")
        if fields.get("wiki_slug"):
            etree.SubElement(element, "wiki", slug=fields["wiki_slug"])
        if fields.get("license"):
            etree.SubElement(element, "license").text = fields["license"]
        return element

    def _children(self, element: etree._Element, node: Node) -> None:
        for usage in node.children:
            if usage in self.nodes:
                element.append(self.child(self.nodes[usage]))

    def child(self, node: Node) -> etree._Element:
        """What stands in the parent's file: a pointer, or a block of the pure family whole."""
        known = spec(node.category)
        if known is not None and known.family is Family.PURE:
            return self._pure(node)
        if node.category == "customtag":
            element = self._definition(node)
            element.set("url_name", block_id_of(node.usage))
            return element
        self._file(node, self._definition(node))
        return etree.Element(node.category, url_name=block_id_of(node.usage))

    def draft(self, node: Node) -> None:
        """A changed unit: its file tells where it is to stand."""
        parent = self.nodes[node.parent or ""]
        element = self._definition(node)
        element.set("parent_url", deprecated_reference(parent.usage, self.org, self.number))
        element.set("index_in_children_list", str(parent.children.index(node.usage)))
        self._file(node, element)

    def _file(self, node: Node, element: etree._Element) -> None:
        # Where white space is content, or may be, none is added; the platform indents these too.
        as_written = spec(node.category) is None or node.category in (*RAW, "poll_question")
        path = f"{node.category}/{block_id_of(node.usage).replace(':', '/')}.xml"
        self.files[path] = _xml(element, indented=not as_written)

    def _definition(self, node: Node) -> etree._Element:
        match node.category:
            case "html":
                block_id = block_id_of(node.usage)
                element = etree.Element("html", filename=block_id.rpartition(":")[2])
                self.files[f"html/{block_id.replace(':', '/')}.html"] = str(body_of_block(node) or "").encode()
                _set_attributes(element, "html", node.fields)
            case "poll_question":
                element = etree.Element("poll_question")
                self._fill(element, node, node.fields.get("question") or "")
                for answer in node.fields.get("answers") or ():
                    self._fill(etree.SubElement(element, "answer", id=answer["id"]), node, answer["text"])
                _set_attributes(element, node.category, node.fields)
            case category if spec(category) is None or category in RAW:
                element = self._parsed(node, str(body_of_block(node) or f"<{category}/>"))
                _set_attributes(element, category, node.fields)
            case "conditional":
                element = self._conditional(node)
            case "video":
                element = self._video(node)
            case "split_test":
                groups = node.fields.get("group_id_to_child") or {}
                named = {group: deprecated_reference(usage, self.org, self.number) for group, usage in groups.items()}
                element = etree.Element("split_test")
                _set_attributes(element, "split_test", {**node.fields, "group_id_to_child": named})
                self._children(element, node)
            case category:
                element = etree.Element(category)
                _set_attributes(element, category, node.fields)
                self._children(element, node)
        return element

    def _conditional(self, node: Node) -> etree._Element:
        fields = node.fields
        element = etree.Element("conditional")
        _set_attributes(element, "conditional", fields, but=_ASKED)
        if fields.get("conditional_attr"):
            element.set(fields["conditional_attr"], str(fields.get("conditional_value", "True")))
        if "conditional_message" in fields:
            element.set("message", str(fields["conditional_message"]))
        for name, parent in (("sources_list", element), ("show_tag_list", None)):
            keys = [deprecated_reference(usage, self.org, self.number) for usage in fields.get(name) or ()]
            if keys:
                parent = etree.SubElement(element, "show") if parent is None else parent
                parent.set("sources", ";".join(keys))
        self._children(element, node)
        return element

    def _video(self, node: Node) -> etree._Element:
        element = etree.Element("video")
        _set_attributes(element, "video", node.fields, but=("license",))
        if node.fields.get("youtube_id_1_0"):
            element.set("youtube", f"1.00:{node.fields['youtube_id_1_0']}")
        for source in node.fields.get("html5_sources") or ():
            etree.SubElement(element, "source", src=str(source))
        for name in ("track", "handout"):
            if node.fields.get(name):
                etree.SubElement(element, name, src=str(node.fields[name]))
        for language, file in (node.fields.get("transcripts") or {}).items():
            etree.SubElement(element, "transcript", language=str(language), src=str(file))
        if node.fields.get("license"):
            etree.SubElement(element, "license").text = node.fields["license"]
        return element

    def _pure(self, node: Node) -> etree._Element:
        """One attribute for each field that was set; null in a text is an element of the option namespace."""
        if node.category == "openassessment":
            element = assessment_element(node.fields)
        else:
            known = fields_of(node.category)
            element = etree.Element(node.category)
            for name, value in sorted(node.fields.items()):
                text = name in known and known[name].type in (FieldType.STRING, FieldType.XML)
                if name == "xml_attributes":
                    continue
                if value is None and text:
                    etree.SubElement(element, f"{{{OPTION}}}{name}", {"none": "true"}, nsmap={"option": OPTION})
                elif node.category == "edx_sga" and name == "solution" and self._solution(element, node, str(value)):
                    continue  # where it is no XML, it is an attribute like any other
                else:
                    element.set(name, option_text(value))
        element.set("url_name", block_id_of(node.usage))
        element.set("xblock-family", "xblock.v1")
        self._children(element, node)
        return element

    def _solution(self, element: etree._Element, node: Node, text: str) -> bool:
        """A child element with the markup, if it is well-formed."""
        child = etree.Element("solution")
        try:
            self._fill(child, node, text)
        except ExportFailure:
            return False
        element.append(child)
        return True

    def _parsed(self, node: Node, text: str) -> etree._Element:
        """A body that is an element. Raises ExportFailure: one malformed body fails the whole export."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            return etree.fromstring(text.encode(), parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            unit: Node | None = node
            while unit is not None and unit.category != "vertical":
                unit = self.nodes.get(unit.parent or "")
            raise ExportFailure(f"{node.usage}: {error}", unit.usage if unit is not None else None) from error

    def _fill(self, element: etree._Element, node: Node, text: str) -> None:
        """Put the markup of a text into an element."""
        held = self._parsed(node, f"<x>{text}</x>")
        element.text = held.text
        element.extend(list(held))


_ASKED = ("sources_list", "show_tag_list", "conditional_attr", "conditional_value", "conditional_message")


def _set_attributes(
    element: etree._Element, category: str, fields: Mapping[str, Any], but: tuple[str, ...] = ()
) -> None:
    """What was set as attributes, sorted; what no field takes first, as it came."""
    known = fields_of(category)
    for name, text in sorted((fields.get("xml_attributes") or {}).items()):
        if name not in STRIPPED:
            element.set(name, attribute_text(text))
    for name, value in sorted(fields.items()):
        field = known.get(name)
        if name in STRIPPED or name in but or (field.olx == "" if field is not None else name in (BODY, "items")):
            continue
        element.set(field.olx or name if field is not None else name, attribute_text(value))


def _xml(element: etree._Element, *, indented: bool = True) -> bytes:
    return etree.tostring(element, encoding="unicode", pretty_print=indented).encode()


def _draft_roots(drafts: Mapping[str, Node], shown: Mapping[str, Node], root: str) -> Iterator[Node]:
    """The topmost draftable blocks that have changes, in the order of the outline."""
    stack = [root]
    while stack:
        node = drafts.get(stack.pop())
        if node is None:
            continue
        if is_direct(node.category):
            stack.extend(reversed(node.children))
        elif changed(drafts, shown, node.usage):
            yield node


# -- what is beside the tree ------------------------------------------------------------------------------------------


def _pages(nodes: Mapping[str, Node], row: Mapping[str, Any]) -> dict[str, bytes]:
    """Pages, updates, templates, and about texts: of these the settings have the last word."""
    files: dict[str, bytes] = {}
    for node in nodes.values():
        folder, suffix = _DETACHED.get(node.category, ("", ""))
        block_id = block_id_of(node.usage)
        if not folder or (node.category == "about" and block_id in (*ABOUT, "video")):
            continue
        files[f"{folder}/{block_id}{suffix}"] = str(body_of_block(node) or "").encode()
        if node.fields.get("items") is not None:
            files[f"{folder}/{block_id}.items.json"] = _json(node.fields["items"])
    for name, text in row.get("about", {}).items():
        if name == "intro_video" and text:
            frame = f'<iframe width="560" height="315" src="//www.youtube.com/embed/{text}?rel=0" frameborder="0" allowfullscreen=""></iframe>'
            files["about/video.html"] = frame.encode()
        elif name in ABOUT and isinstance(text, str):
            files[f"about/{name}.html"] = text.encode()
    return files


def _policies(store: Store, course: str, run: str, root: Node, row: Mapping[str, Any]) -> dict[str, bytes]:
    known = fields_of("course")
    settings = {
        name: value
        for name, value in root.fields.items()
        if name != "xml_attributes" and (name not in known or known[name].scope.value == "settings")
    }
    grading = row["grading"]
    graders = [
        {
            "type": grader["type"],
            "min_count": grader["min_count"],
            "drop_count": grader["drop_count"],
            "weight": round(float(grader["weight"]) / 100, 8),
            **({"short_label": grader["short_label"]} if grader.get("short_label") is not None else {}),
        }
        for grader in grading["graders"]
    ]
    assets = {
        asset["name"]: {
            "contentType": asset["content_type"],
            "displayname": asset["display_name"],
            "filename": asset_key(course, asset["name"]),
            "import_path": asset.get("import_path"),
            "locked": asset["locked"],
            "thumbnail_location": None,
        }
        for asset in store.assets(course)
    }
    return {
        f"policies/{run}/policy.json": _json({f"course/{run}": settings}),
        f"policies/{run}/grading_policy.json": _json({"GRADER": graders, "GRADE_CUTOFFS": grading["grade_cutoffs"]}),
        "policies/assets.json": _json(assets),
    }


def _static_path(asset: Mapping[str, Any]) -> str:
    """Where a file was when it was imported, under the name that it shows."""
    folder = (asset.get("import_path") or "").rpartition("/")[0]
    name = str(asset["display_name"]).replace("/", "_")
    return f"{folder}/{name}" if folder else name


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=4, sort_keys=True).encode()
