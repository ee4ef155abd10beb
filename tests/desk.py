"""What the end-to-end tests work at: a course folder, a sandbox over loopback HTTP, and the command line between them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from authoring.cli import main
from authoring.comparison import plain_prompt
from authoring.decompile import same_content
from authoring.dialects.base import ABOUT_TEXTS
from authoring.dialects.bodies import ABOUT_NAMES, textbooks_check
from authoring.keys import block_id, usage_key
from authoring.lockfile import LockPart, content_field, load_lockfile
from authoring.model import COURSE_UPDATE, ROOT_KEY, Block, BlockKey, Course
from authoring.olx.reader import without_pointers
from authoring.references import link_names
from authoring.rendering import Names, resolve_fields, resolve_text
from authoring.sandbox import SandboxServer
from authoring.session import load_course

LOGIN = {
    "IBL_CLIENT_ID": "sandbox",
    "IBL_CLIENT_SECRET": "sandbox",
    "IBL_STUDIO_SESSION": "sandbox",
    "IBL_STUDIO_CSRF": "sandbox",
}


@dataclass
class Desk:
    """A course folder and the sandbox that it is pushed to."""

    folder: Path
    server: SandboxServer
    dialect: str = "ibl"
    session: bool = True
    """Whether there is a Studio session; without one there is only the OAuth2 client."""

    @property
    def environ(self) -> dict[str, str]:
        url = self.server.url
        login = {name: value for name, value in LOGIN.items() if self.session or "STUDIO" not in name}
        return {**login, "IBL_CMS_URL": url, "IBL_LMS_URL": url, "IBL_DIALECT": self.dialect}

    def run(self, command: str, *args: str, code: int | None = 0) -> Result:
        """Run a command on the folder; its exit code must be `code`."""
        result = CliRunner(env=self.environ).invoke(main, [command, str(self.folder), *args])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert code is None or result.exit_code == code, f"exit {result.exit_code}\n{result.output}"
        return result

    def report(self, command: str, *args: str, code: int | None = 0) -> dict[str, Any]:
        """What a command prints with `--json`."""
        report = json.loads(self.run(command, "--json", *args, code=code).stdout)
        assert isinstance(report, dict)
        return report

    def push(self, *args: str, code: int | None = 0) -> dict[str, Any]:
        return self.report("push", *args, code=code)

    def kinds(self) -> list[str]:
        """The kinds of all requests since the last look, by the sandbox's own log, logins apart."""
        kinds = [request.kind for request in self.server.requests if request.kind != "login"]
        self.server.clear_log()
        return kinds

    def writes(self) -> list[str]:
        """The kinds of the requests that change something since the last look."""
        return [kind for kind in self.kinds() if kind != "read"]

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        file.write_text(text.replace(old, new), "utf-8")

    def course(self) -> Course:
        return without_pointers(load_course(self.folder)[0])

    def part(self) -> LockPart:
        (part,) = load_lockfile(self.folder).parts.values()
        return part

    def live(self) -> dict[str, Any]:
        """All that the sandbox holds of the course."""
        return self.server.snapshot(str(self.course().id))

    def titles(self, branch: str = "draft") -> Any:
        """The live tree as nested `[title, children]`, down to units; components by category."""

        def row(node: Mapping[str, Any]) -> Any:
            if node["category"] == "vertical":
                return [node["fields"].get("display_name"), [child["category"] for child in node["children"]]]
            return [node["fields"].get("display_name"), [row(child) for child in node["children"]]]

        live = self.live()[branch]
        return [row(child) for child in live["children"]] if live else None


def differences(desk: Desk, branch: str = "draft") -> list[str]:
    """How the live tree differs from the compiled one: block by block, field by field, in order. Empty when equal."""
    course, part, live = desk.course(), desk.part(), desk.live()

    def place(key: BlockKey) -> str | None:
        if key == ROOT_KEY:
            return str(live["draft"]["usage"])
        return part.entries[key].usage_key if key in part.entries else None

    names = Names(course.id, place, link_names(course))
    found: list[str] = []
    _compare(course.root, live[branch], names, found)
    detached = {node["usage"]: node for node in live[f"{branch}_detached"]}
    updates = live_updates(course, live, branch)
    detached |= updates
    declared = {place(block.key) for block in course.detached if block.category == COURSE_UPDATE}
    found += [f"{usage}: nobody declared it" for usage in updates.keys() - declared]
    for block in course.detached:
        if block.category == "about":
            name = ABOUT_NAMES.get(block.url_name, block.url_name)
            held = live["course"]["about"].get(name)
            if block.url_name in ABOUT_TEXTS and not _same_body(block, resolve_text(block.content or "", names), held):
                found.append(f"{block.key}: another text")
        else:
            _compare(block, detached.get(place(block.key) or ""), names, found)
    stored = {row["name"]: row["digest"] for row in live["assets"]}
    found.extend(f"file {asset.name}" for asset in course.assets if stored.get(asset.name) != asset.digest)
    return found


def live_updates(course: Course, live: Mapping[str, Any], branch: str = "draft") -> dict[str, Mapping[str, Any]]:
    """The announcements as nodes by usage key, oldest first; the platform has them in one block."""
    home = usage_key(course.id, "course_info", "updates")
    node = next((node for node in live[f"{branch}_detached"] if node["usage"] == home), None)
    items = (node["fields"].get("items") or []) if node is not None else []
    places = {str(item["id"]): item for item in items if item["status"] != "deleted"}
    return {
        (place := usage_key(course.id, COURSE_UPDATE, number)): {
            "usage": place,
            "category": COURSE_UPDATE,
            "fields": {"date": item["date"], "data": item["content"]},
            "children": [],
        }
        for number, item in places.items()
    }


def _compare(block: Block, node: Mapping[str, Any] | None, names: Names, found: list[str]) -> None:
    if node is None:
        found.append(f"{block.key}: not there")
        return
    if names.usage_key(block.key) != node["usage"]:
        found.append(f"{block.key}: is {node['usage']}, the lock file says {names.usage_key(block.key)}")
    wanted = resolve_fields(block.category, block.fields, names)
    wanted = {name: value for name, value in wanted.items() if value is not None and name != "tabs"}
    if block.content:
        wanted[content_field(block.category)] = resolve_text(block.content, names)
    held = dict(node["fields"])
    if block.key == ROOT_KEY or block.category == "scorm":
        held = {name: value for name, value in held.items() if name in wanted}
    if "advanced_modules" in held:  # the target may have another name for the SCORM block
        for side in (wanted, held):
            modules = side.get("advanced_modules")
            if isinstance(modules, list):
                side["advanced_modules"] = ["scorm" if "scorm" in str(module) else module for module in modules]
    if block.category == "pdf" and "href" in held:  # the ibl platform's own block
        held["url"] = held.pop("href")
    if block.category == "openassessment" and held.get("title") == held.get("display_name"):
        held.pop("title", None)  # an archive says the one name in both places
        wanted.pop("title", None)
    body = content_field(block.category)
    for name in wanted.keys() | held.keys():
        if name == body and _same_body(block, wanted.get(name), held.get(name)):
            continue
        if name == "pdf_textbooks" and not textbooks_check(wanted.get(name) or [])(held.get(name)):
            continue
        if _plain(wanted.get(name)) != _plain(held.get(name)):
            found.append(f"{block.key}: {name} is {held.get(name)!r}, should be {wanted.get(name)!r}")
    if len(block.children) != len(node["children"]):
        found.append(f"{block.key}: {len(node['children'])} children, should be {len(block.children)}")
    for child, below in zip(block.children, node["children"], strict=False):
        _compare(child, below, names, found)


def _plain(value: object) -> object:
    """A field without what may be said in two ways: the address of a file or block, one prompt as a list."""
    if isinstance(value, str):
        return plain_prompt(re.sub(r"/asset-v1:[^@]+@asset\+block@", "/static/", _SERVED.sub("", value)))
    return value


_SERVED = re.compile(r"/courses/course-v1:[^/\"']+(?=/jump_to_id/)")
"""Of the address that learners see of a block of the same course; `/jump_to_id/…` alone leads there, too."""


def _same_body(block: Block, wanted: object, held: object) -> bool:
    """Whether two bodies are one; an import writes XML anew, with other white space."""
    texts = [_SERVED.sub("", text) for text in (wanted, held) if isinstance(text, str)]
    return len(texts) == 2 and same_content(replace(block, content=texts[0]), replace(block, content=texts[1]))


def ids_of(node: Mapping[str, Any]) -> list[str]:
    """The block ids of a live tree, in order."""
    return [block_id(node["usage"]), *(found for child in node["children"] for found in ids_of(child))]
