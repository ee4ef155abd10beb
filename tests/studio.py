"""A bare HTTP desk at a sandbox: requests as a browser session or a token sends them, nothing taken for granted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from authoring.sandbox import SandboxServer

KEY = "course-v1:Demo+DS101+2027"
ROOT = "block-v1:Demo+DS101+2027+type@course+block@course"


@dataclass
class Studio:
    """A session at a sandbox. `http` follows no redirect and pools nothing that outlives the test."""

    server: SandboxServer
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        url = self.server.url
        self.http = httpx.Client(
            base_url=url,
            timeout=10,
            cookies={"studio_session_id": "sandbox", "csrftoken": "sandbox"},
            headers={
                "X-CSRFToken": "sandbox",
                "Origin": url,
                "Referer": f"{url}/",
                "Accept": "application/json",
            },
        )

    def send(
        self, method: str, path: str, body: Any = None, *, code: int = 200, query: Mapping[str, str] | None = None
    ) -> Any:
        """The answer of a request: JSON where it is, else text. Its status must be `code`."""
        reply = self.http.request(method, path, json=body, params=query)
        assert reply.status_code == code, f"{method} {path}: {reply.status_code} {reply.text[:300]}"
        is_json = "application/json" in reply.headers.get("content-type", "")
        return reply.json() if is_json else reply.text

    def course(self, key: str = KEY) -> str:
        """A new empty course; returns its root block."""
        org, number, run = key.removeprefix("course-v1:").split("+")
        names = {"org": org, "number": number, "run": run, "display_name": "Data"}
        self.send("POST", "/api/ibl/manage/course/", names)
        return f"block-v1:{org}+{number}+{run}+type@course+block@course"

    def create(self, parent: str, category: str, **more: Any) -> str:
        """A new block by Studio's own route; returns its usage key."""
        body = {"parent_locator": parent, "category": category, **more}
        return str(self.send("POST", "/xblock/", body)["locator"])

    def chain(self, parent: str = ROOT) -> tuple[str, str, str]:
        """A section, a subsection in it and a unit in that."""
        chapter = self.create(parent, "chapter", display_name="Section")
        sequential = self.create(chapter, "sequential", display_name="Subsection")
        return chapter, sequential, self.create(sequential, "vertical", display_name="Unit")

    def update(self, usage: str, *, code: int = 200, **body: Any) -> Any:
        return self.send("POST", f"/xblock/{usage}", body, code=code)

    def read(self, usage: str) -> dict[str, Any]:
        found = self.send("GET", f"/xblock/{usage}")
        assert isinstance(found, dict)
        return found

    def publish(self, usage: str) -> None:
        self.update(usage, publish="make_public")

    def details(self, usage: str, *, code: int = 200) -> Any:
        return self.send("GET", f"/api/v1/ibl/xblock/get-details?locator={quote(usage, safe='')}", code=code)

    def rows(self, branch: str = "draft", key: str = KEY) -> dict[str, dict[str, Any]]:
        """All that the sandbox holds of a branch, by usage key."""
        found: dict[str, dict[str, Any]] = {}
        snapshot = self.server.snapshot(key)
        stack = [snapshot[branch], *snapshot[f"{branch}_detached"]]
        while stack:
            row = stack.pop()
            found[row["usage"]] = row
            stack.extend(row["children"])
        return found

    def children(self, usage: str, branch: str = "draft") -> list[str]:
        return [child["usage"] for child in self.rows(branch)[usage]["children"]]
