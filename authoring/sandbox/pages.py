"""The human view: what a learner would see of a course, or an author of its draft. Read only.

Comes in: the store. Goes out: web pages. Course content is other people's HTML: it is made safe
(:mod:`authoring.sandbox.content`), and each page carries a Content-Security-Policy under which no script runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from authoring.registry import spec
from authoring.sandbox.addresses import block_id_of, root_of
from authoring.sandbox.content import Links, render_html
from authoring.sandbox.problems import render_problem
from authoring.sandbox.rules import changed, tabs_of
from authoring.sandbox.store import DRAFT, PUBLISHED, Node, Store
from authoring.sandbox.values import UNSET_START, body_of_block, inherited, title_of

POLICY = (
    "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline';"
    " font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing runs and nothing is fetched from elsewhere; styles in attributes are the author's."""

_environment = Environment(
    loader=PackageLoader("authoring.sandbox", "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


def _date(text: object) -> str:
    """`31 January 2027, 23:59 UTC`."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return str(text)
    return f"{moment.day} {moment:%B %Y}, {moment:%H:%M} UTC"


_environment.filters["date"] = _date


def routes(store: Store, lock: asyncio.Lock) -> list[Route]:
    """`/`, `/courses/KEY`, `/courses/KEY/units/ID`, and files under the names that course content has for them."""

    def page(handler: Callable[[Store, Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            async with lock:
                response = handler(store, request)
            response.headers.setdefault("Content-Security-Policy", POLICY)
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Referrer-Policy"] = "no-referrer"
            return response

        return endpoint

    return [
        Route("/", page(_courses)),
        Route("/_sandbox/style.css", page(_style)),
        Route("/courses/{key}", page(_outline)),
        Route("/courses/{key}/units/{block}", page(_unit)),
        Route("/courses/{key}/static/{name}", page(_file)),
        Route("/asset-v1:{path}", page(_asset_by_key)),
    ]


def _render(template: str, status: int = 200, **values: Any) -> Response:
    return HTMLResponse(_environment.get_template(template).render(**values), status)


def _missing() -> Response:
    return _render("missing.html", 404)


def _style(store: Store, request: Request) -> Response:
    return Response(_environment.get_template("style.css").render(), media_type="text/css")


def _courses(store: Store, request: Request) -> Response:
    rows = []
    for key in store.courses():
        root = store.get(key, root_of(key))
        drafts, shown = store.all(key), store.all(key, PUBLISHED)
        units = [node for node in drafts.values() if node.category == "vertical"]
        waiting = sum(changed(drafts, shown, node.usage) for node in units)
        rows.append({"key": key, "title": title_of(root) if root else key, "units": len(units), "waiting": waiting})
    return _render("courses.html", courses=rows)


# -- the outline ----------------------------------------------------------------------------------------------------------


def _outline(store: Store, request: Request) -> Response:
    key, draft = request.path_params["key"], "draft" in request.query_params
    drafts, shown = store.all(key), store.all(key, PUBLISHED)
    nodes = drafts if draft else shown
    row, root = store.course(key), nodes.get(root_of(key))
    if row is None or root is None:
        return _missing()
    tree = _branch(nodes, drafts, shown, root, draft=draft)
    verticals = [node for node in drafts.values() if node.category == "vertical"]
    start = root.fields.get("start")
    return _render(
        "outline.html",
        key=key,
        course=tree,
        draft=draft,
        toggle=f"/courses/{key}" if draft else f"/courses/{key}?draft",
        about=render_html(row["about"].get("overview") or "", Links(key, draft)),
        short=row["about"].get("short_description"),
        start=None if start in (None, UNSET_START) else start,
        grading=row["grading"],
        waiting=sum(node.usage not in shown for node in verticals),
        ahead=sum(node.usage in shown and changed(drafts, shown, node.usage) for node in verticals),
        tabs=[tab for tab in tabs_of(store, key) if tab.get("type") == "static_tab" and not tab.get("is_hidden")],
        handouts=_handouts(nodes, key, draft),
    )


def _handouts(nodes: Mapping[str, Node], key: str, draft: bool) -> Markup:
    found = next((n for n in nodes.values() if n.category == "course_info" and n.usage.endswith("@handouts")), None)
    return render_html(str(body_of_block(found) or ""), Links(key, draft)) if found else Markup("")


def _branch(
    nodes: Mapping[str, Node], drafts: Mapping[str, Node], shown: Mapping[str, Node], node: Node, *, draft: bool
) -> dict[str, Any]:
    """A block of the outline and those below it, but for what learners do not see when it is their view."""
    below = [nodes[child] for child in node.children if child in nodes]
    if not draft:
        below = [child for child in below if not child.fields.get("visible_to_staff_only")]
    return {
        "id": block_id_of(node.usage),
        "title": title_of(node),
        "category": node.category,
        "due": node.fields.get("due"),
        "format": node.fields.get("format"),
        "hidden": bool(node.fields.get("visible_to_staff_only")),
        "new": node.usage not in shown,
        "ahead": node.category == "vertical" and changed(drafts, shown, node.usage),
        "children": [_branch(nodes, drafts, shown, child, draft=draft) for child in below]
        if node.category != "vertical"
        else [],
    }


# -- a unit -----------------------------------------------------------------------------------------------------------


def _unit(store: Store, request: Request) -> Response:
    """A unit with its components, or one component or page, by block id."""
    key, draft, block = request.path_params["key"], "draft" in request.query_params, request.path_params["block"]
    nodes = store.all(key, DRAFT if draft else PUBLISHED)
    found = next((node for node in nodes.values() if block_id_of(node.usage) == block), None)
    if found is None:
        return _missing()
    line = list(_line(nodes, found))
    # A link to a component leads to its unit, as it does on the platform; to a section, to its place in the outline.
    unit = next((node for node in line if node.category == "vertical"), found)
    around = [node.usage for node in _verticals(nodes, key)]
    at = around.index(unit.usage) if unit.usage in around else None
    links = Links(key, draft)
    children = unit.children or ([unit.usage] if unit.category != "vertical" else [])
    return _render(
        "unit.html",
        key=key,
        draft=draft,
        title=title_of(unit),
        path=[title_of(node) for node in reversed(line) if node.category in ("chapter", "sequential")],
        outline=f"/courses/{key}" + ("?draft" if draft else ""),
        toggle=f"/courses/{key}/units/{block}" + ("" if draft else "?draft"),
        before=_neighbour(nodes, links, around, at, -1),
        after=_neighbour(nodes, links, around, at, 1),
        parts=[_part(nodes, links, nodes[usage]) for usage in children if usage in nodes],
    )


def _line(nodes: Mapping[str, Node], node: Node | None) -> Any:
    """A block and those above it, nearest first."""
    while node is not None:
        yield node
        node = nodes.get(node.parent) if node.parent else None


def _verticals(nodes: Mapping[str, Node], key: str) -> list[Node]:
    """All units in the order of the outline."""
    found: list[Node] = []
    stack = [root_of(key)]
    while stack:
        node = nodes.get(stack.pop())
        if node is None:
            continue
        if node.category == "vertical":
            found.append(node)
        else:
            stack.extend(reversed(node.children))
    return found


def _neighbour(
    nodes: Mapping[str, Node], links: Links, around: list[str], at: int | None, step: int
) -> dict[str, str] | None:
    if at is None or not 0 <= at + step < len(around):
        return None
    node = nodes[around[at + step]]
    return {"href": links.unit(block_id_of(node.usage)), "title": title_of(node)}


QUIET = frozenset({"data", "markdown", "markdown_edited", "display_name", "editor", "navigation_menu", "package_meta"})
"""Fields that are not listed below a component: they are what it shows, or nobody's business."""


def _part(nodes: Mapping[str, Node], links: Links, node: Node) -> dict[str, Any]:
    known = spec(node.category)
    body = body_of_block(node)
    part: dict[str, Any] = {
        "category": node.category,
        "id": block_id_of(node.usage),
        "word": known.title if known else node.category,
        "title": title_of(node),
        "hidden": bool(node.fields.get("visible_to_staff_only")),
        "html": Markup(""),
        "links": _links_of(node, links),
        "notes": _notes(nodes, node),
        "fields": {},
        "children": [_part(nodes, links, nodes[child]) for child in node.children if child in nodes],
    }
    if node.category == "problem":
        part["html"] = render_problem(str(body or ""), links)
    elif isinstance(body, str) and node.category != "video":
        part["html"] = render_html(body, links)
    if not part["html"] and not part["links"] and not part["children"]:
        part["fields"] = {name: value for name, value in node.fields.items() if name not in QUIET}
    return part


def _links_of(node: Node, links: Links) -> list[dict[str, str]]:
    """What a component plays or opens, as links: nothing is fetched from elsewhere."""
    found: list[tuple[str, object]] = []
    if node.category == "video":
        video = inherited({}, node, "youtube_id_1_0")
        if video:
            found.append(("Watch on YouTube", f"https://www.youtube.com/watch?v={video}"))
        found += [("Watch the video", source) for source in node.fields.get("html5_sources") or ()]
        transcripts = node.fields.get("transcripts") or {}
        if isinstance(transcripts, dict):
            found += [(f"Transcript ({language})", f"/static/{name}") for language, name in transcripts.items()]
        if node.fields.get("handout"):
            found.append(("Handout", node.fields["handout"]))
    elif node.category == "pdf":
        found.append(("Open the PDF", node.fields.get("href") or node.fields.get("url")))
    elif node.category in ("lti", "lti_consumer"):
        found.append(("Open the tool", node.fields.get("launch_url") or node.fields.get("lti_1p3_launch_url")))
    return [{"words": words, "href": links.resolve(address)} for words, address in found if isinstance(address, str)]


def _notes(nodes: Mapping[str, Node], node: Node) -> list[str]:
    """What a learner is told of a component beside its content."""
    notes = []
    if node.category == "problem":
        attempts = inherited(nodes, node, "max_attempts")
        if isinstance(attempts, int) and attempts > 0:
            notes.append("1 attempt" if attempts == 1 else f"{attempts} attempts")
        if node.fields.get("weight") is not None:
            notes.append(f"{node.fields['weight']:g} points")
    meta = node.fields.get("package_meta")
    if isinstance(meta, dict):
        words = {"SCORM_12": "SCORM 1.2", "SCORM_2004": "SCORM 2004"}.get(str(node.fields.get("scorm_version")), "")
        notes.append(
            f"{words} package, {meta.get('size', 0) / 1000:.0f} kB, begins at {node.fields.get('index_page_path')}"
        )
    return notes


# -- files ------------------------------------------------------------------------------------------------------------

ACTIVE = ("html", "xml", "svg", "javascript")
"""Parts of content types that a browser would run."""


def _file(store: Store, request: Request) -> Response:
    return _asset(store, request.path_params["key"], request.path_params["name"])


def _asset_by_key(store: Store, request: Request) -> Response:
    place, _, name = request.path_params["path"].partition("+type@asset+block@")
    return _asset(store, f"course-v1:{place}", name)


def _asset(store: Store, key: str, name: str) -> Response:
    row = store.asset(key, name)
    if row is None:
        return _missing()
    kind = str(row["content_type"])
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox"
    headers = {"Content-Length": str(row["size"])}
    if any(part in kind for part in ACTIVE):
        headers["Content-Security-Policy"] = policy
    else:
        headers["Content-Security-Policy"] = "frame-ancestors 'none'"
    return StreamingResponse(store.asset_content(key, name), media_type=kind, headers=headers)
