"""The human view: what a learner would see of a course, or an author of its draft. Read only.

Course content is other people's HTML: pages carry a Content-Security-Policy that lets no script run.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader
from lxml import etree
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from authoring.registry import spec
from authoring.sandbox.rules import changed_units, root_of, title_of, usage_of
from authoring.sandbox.store import DRAFT, PUBLISHED, Node, Store

POLICY = (
    "default-src 'none'; img-src 'self' data:; media-src 'self' https:; style-src 'self' 'unsafe-inline';"
    " font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_environment = Environment(loader=PackageLoader("authoring.sandbox", "templates"), autoescape=True)


def routes(store: Store, lock: asyncio.Lock) -> list[Route]:
    """`/`, `/courses/KEY`, `/courses/KEY/units/ID`, files and links as course content names them."""

    def page(
        handler: Callable[[Store, Request], Response],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            async with lock:
                response = handler(store, request)
            response.headers["Content-Security-Policy"] = POLICY
            response.headers["X-Content-Type-Options"] = "nosniff"
            return response

        return endpoint

    return [
        Route("/", page(_courses)),
        Route("/courses/{key}", page(_outline)),
        Route("/courses/{key}/units/{block}", page(_unit)),
        Route("/courses/{key}/static/{name}", page(_file)),
    ]


def _render(template: str, status: int = 200, **values: Any) -> Response:
    return HTMLResponse(_environment.get_template(template).render(**values), status)


def _missing() -> Response:
    return _render("missing.html", 404)


def _courses(store: Store, request: Request) -> Response:
    rows = []
    for key in store.courses():
        root = store.get(key, root_of(key))
        rows.append({"key": key, "title": title_of(root) if root else key})
    return _render("courses.html", courses=rows)


def _branch(request: Request) -> str:
    return DRAFT if "draft" in request.query_params else PUBLISHED


def _tree(nodes: Mapping[str, Node], shown: Mapping[str, Node], node: Node) -> dict[str, Any]:
    return {
        "id": node.usage.rpartition("@")[2],
        "title": title_of(node),
        "category": node.category,
        "due": node.fields.get("due"),
        "format": node.fields.get("format"),
        "hidden": bool(node.fields.get("visible_to_staff_only")),
        "ahead": node.category == "vertical" and changed_units(nodes, shown, node.usage),
        "children": [_tree(nodes, shown, nodes[child]) for child in node.children if child in nodes],
    }


def _outline(store: Store, request: Request) -> Response:
    key, branch = request.path_params["key"], _branch(request)
    row = store.course(key)
    nodes = store.all(key, branch)
    root = nodes.get(root_of(key))
    if row is None or root is None:
        return _missing()
    drafts = store.all(key)
    tree = _tree(nodes, store.all(key, PUBLISHED), root)
    if branch == PUBLISHED:
        for section in tree["children"]:
            for subsection in section["children"]:
                for unit in subsection["children"]:
                    unit["ahead"] = changed_units(drafts, nodes, usage_of(key, "vertical", unit["id"]))
    waiting = [n for n in drafts.values() if n.category == "vertical" and n.usage not in nodes]
    return _render(
        "outline.html",
        key=key,
        course=tree,
        draft=branch == DRAFT,
        about=_html(row["about"].get("overview") or "", store, key, branch),
        grading=row["grading"],
        waiting=len(waiting),
        tabs=[tab for tab in row.get("tabs", []) if tab.get("type") == "static_tab"],
    )


def _unit(store: Store, request: Request) -> Response:
    key, branch, block = request.path_params["key"], _branch(request), request.path_params["block"]
    nodes = store.all(key, branch)
    found = next((node for node in nodes.values() if node.usage.rpartition("@")[2] == block), None)
    if found is None:
        return _missing()
    return _render(
        "unit.html",
        key=key,
        draft=branch == DRAFT,
        title=title_of(found),
        parts=[
            _part(store, nodes, key, branch, usage) for usage in (found.children or [found.usage]) if usage in nodes
        ],
    )


def _part(store: Store, nodes: Mapping[str, Node], key: str, branch: str, usage: str) -> dict[str, Any]:
    node = nodes[usage]
    data = node.fields.get("data")
    known = spec(node.category)
    part: dict[str, Any] = {
        "category": node.category,
        "word": known.title if known else node.category,
        "title": title_of(node),
        "fields": {
            name: value
            for name, value in node.fields.items()
            if name not in ("data", "markdown", "display_name", "editor")
        },
        "children": [_part(store, nodes, key, branch, child) for child in node.children if child in nodes],
    }
    if node.category == "problem":
        part["html"] = _html(_problem(data or ""), store, key, branch)
    elif isinstance(data, str):
        part["html"] = _html(data, store, key, branch)
    return part


_SAFE_TAGS = re.compile(r"<(/?)(script|iframe|object|embed|form|style|link|meta|base)\b", re.IGNORECASE)


def _html(text: str, store: Store, key: str, branch: str) -> Markup:
    """Course content with its links resolved to the sandbox's own pages; what a policy would stop anyway is shown as text."""
    query = "?draft" if branch == DRAFT else ""
    text = re.sub(r"(?<=[\"'])/static/([^\"'?#]+)", lambda m: f"/courses/{key}/static/{m[1].replace('/', '_')}", text)
    text = re.sub(r"(?<=[\"'])/jump_to_id/([\w\-~.]+)", lambda m: f"/courses/{key}/units/{m[1]}{query}", text)
    text = re.sub(r"(?<=[\"'])/course/([\w\-~.]+)/", lambda m: f"/courses/{key}/units/{m[1]}{query}", text)
    return Markup(_SAFE_TAGS.sub(r"&lt;\1\2", text))  # noqa: S704  # scripts cannot run: see POLICY


_INPUTS = {
    "choice": "li",
    "option": "li",
    "hint": "li",
    "choicegroup": "ul",
    "checkboxgroup": "ul",
    "radiogroup": "ul",
    "optioninput": "ul",
    "demandhint": "ul",
    "label": "p",
    "description": "p",
    "solution": "details",
}


def _problem(olx: str) -> str:
    """A problem as a static form: its text, its choices, a box for each answer; solutions folded away."""
    try:
        tree = etree.fromstring(
            olx.encode("utf-8"), etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
        )
    except (etree.XMLSyntaxError, ValueError):
        return ""
    if tree is None:
        return ""
    for element in list(tree.iter(etree.Element)):
        tag = str(element.tag)
        if tag in (
            "script",
            "choicehint",
            "optionhint",
            "correcthint",
            "compoundhint",
            "stringequalhint",
            "responseparam",
        ):
            parent = element.getparent()
            if parent is not None:
                _remove(parent, element)
        elif tag in ("textline", "formulaequationinput", "textbox", "jsinput"):
            element.attrib.clear()
            element.tag = "input"
            element.set("type", "text")
            element.set("disabled", "disabled")
            element.set("aria-label", "answer")
        elif tag in _INPUTS:
            if tag == "optioninput" and element.get("options"):
                for option in re.findall(r"'((?:[^'\\]|\\.)*)'", element.get("options", "")):
                    etree.SubElement(element, "li").text = option
            element.attrib.clear()
            element.tag = _INPUTS[tag]
        elif tag.endswith("response") or tag == "problem":
            element.attrib.clear()
            element.tag = "div"
    return etree.tostring(tree, encoding="unicode", method="html")


def _remove(parent: Any, element: Any) -> None:
    before = element.getprevious()
    if element.tail:
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def _file(store: Store, request: Request) -> Response:
    found = store.asset(request.path_params["key"], request.path_params["name"])
    if found is None:
        return _missing()
    row, content = found
    return Response(content, media_type=row["content_type"])
