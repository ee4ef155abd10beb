"""Typical edits, before and after, for a person to read."""

from __future__ import annotations

from pathlib import Path

import pytest

from authoring.source import compile_tree
from authoring.writeback import rewrite
from tests.authoring.writeback.cases import Case, apply_edits, read_cases, shown, tree_from

FIXTURES = Path(__file__).parents[2] / "fixtures" / "writeback"
CASES = [(path, case) for path in sorted(FIXTURES.glob("*.md")) for case in read_cases(path)]


@pytest.mark.parametrize(("path", "case"), CASES, ids=[f"{path.stem}:{case.line}" for path, case in CASES])
def test_an_edit_does_what_a_person_expects(path: Path, case: Case) -> None:
    tree = tree_from(case.folder)
    ours, findings = compile_tree(tree)
    assert ours is not None and not findings.errors, [str(finding) for finding in findings]
    result = rewrite(tree, ours, apply_edits(ours, case.edits))
    assert not result.unplaced
    assert shown(tree, result).strip("\n") == case.expected.strip("\n"), f"{path.name}:{case.line} {case.title}"
