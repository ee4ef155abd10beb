"""Fixtures of the tests of markup."""

from __future__ import annotations

import pytest

from tests.shares import Shares


@pytest.fixture
def shares(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Shares:
    """The share of the corpus that became Markdown."""
    return Shares(request.node.user_properties, capsys)
