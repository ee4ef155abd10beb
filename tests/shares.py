"""How much of the corpus became Markdown, course by course: counted, kept in the test report, and printed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class Shares:
    """What one test counts; `show` ends it."""

    properties: list[tuple[str, object]]
    """The test's own, for JUnit reports."""
    capsys: pytest.CaptureFixture[str]
    total: Counter[str] = field(default_factory=Counter)
    became: Counter[str] = field(default_factory=Counter)

    def count(self, archive: Path, became_markdown: bool) -> None:
        name = archive.name.removesuffix(".tar.gz")
        self.total[name] += 1
        self.became[name] += became_markdown

    def show(self, what: str) -> None:
        """Print a line a course and one for all, past the capture; at least one must have become Markdown."""
        rows = [*((name, self.became[name], self.total[name]) for name in self.total)]
        rows.append(("all", self.became.total(), self.total.total()))
        lines = [f"{name:42} {became:5} of {total:5} {became / total:5.0%}" for name, became, total in rows if total]
        self.properties.extend((name, f"{became} of {total}") for name, became, total in rows)
        with self.capsys.disabled():
            print(f"\n{what} that became Markdown", *lines, sep="\n")
        assert self.became.total()
