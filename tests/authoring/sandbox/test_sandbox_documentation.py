"""What docs/platform.md and docs/sandbox.md name is there."""

from __future__ import annotations

import re
from pathlib import Path

from authoring.sandbox import FaultKind

PROJECT = Path(__file__).parents[3]


def test_every_test_that_the_quirks_name_is_there() -> None:
    tests = "\n".join(path.read_text("utf-8") for path in (PROJECT / "tests").rglob("test_*.py"))
    rows = [
        line
        for line in (PROJECT / "docs/platform.md").read_text("utf-8").splitlines()
        if line.startswith("| ") and not line.startswith("| the platform")
    ]
    assert len(rows) > 30
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row.rstrip(" |").rpartition("|")[2])
        assert named, row
        assert [name for name in named if f"def {name}(" not in tests] == []


def test_every_fault_is_documented() -> None:
    page = (PROJECT / "docs/sandbox.md").read_text("utf-8")
    assert [kind for kind in FaultKind if f"`{kind}`" not in page] == []
