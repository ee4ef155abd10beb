"""The main job, end to end over real HTTP: a course folder goes live, and stays what its source says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from authoring.sandbox import DOCUMENTED, OBSERVED, SandboxServer
from click.testing import CliRunner, Result

from authoring.cli import main
from authoring.model import Course
from authoring.session import load_course

PROFILES = pytest.mark.parametrize("profile", [DOCUMENTED, OBSERVED], ids=["documented", "observed"])
SAMPLE = "reading-data"


@dataclass
class Desk:
    """A copy of the sample course and a sandbox to push it to."""

    folder: Path
    server: SandboxServer
    environ: Mapping[str, str]

    def run(self, *args: str, code: int = 0) -> Result:
        result = CliRunner(env=dict(self.environ)).invoke(main, [args[0], str(self.folder), *args[1:]])
        assert result.exit_code == code, result.output + (result.stderr or "")
        return result

    def push(self, *args: str, code: int = 0) -> dict[str, object]:
        """Push; what `--json` reports."""
        report = json.loads(self.run("push", "--json", *args, code=code).stdout)
        assert isinstance(report, dict)
        return report

    def writes(self) -> list[str]:
        """The kinds of the calls that changed something since the last look, by the sandbox's own log."""
        kinds = [request.kind for request in self.server.requests if request.kind not in ("read", "login")]
        self.server.requests.clear()
        return kinds

    def reads(self) -> int:
        return sum(request.kind == "read" for request in self.server.requests)

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        file.write_text(text.replace(old, new), "utf-8")

    def course(self) -> Course:
        return load_course(self.folder)[0]
