"""Every kind: applied once it is as declared, applied twice nothing is written, with the journal and the lock file or without."""

from __future__ import annotations

import shutil

import pytest

from tests.declarations import ALL, BY_KIND, FLAGS, TENANT, declare
from tests.platformdesk import PlatformDesk

each_kind = pytest.mark.parametrize("kind", [*BY_KIND, "all"])


def text_of(kind: str) -> str:
    return ALL if kind == "all" else BY_KIND[kind]


@each_kind
def test_a_second_apply_writes_nothing(desk: PlatformDesk, kind: str) -> None:
    declare(desk, text_of(kind))
    first = desk.apply(**FLAGS)
    assert (first.exit_code, first.refused, first.plan.doubts) == (0, (), ())
    assert desk.writes()
    before, lock = desk.state(), desk.file.with_suffix(".lock").read_text()
    desk.server.clear_log()
    second = desk.apply(**FLAGS)
    assert [one.key for one in second.done] == []
    assert desk.writes() == []
    assert desk.state() == before
    assert desk.file.with_suffix(".lock").read_text() == lock


@pytest.mark.parametrize("kind", [kind for kind in (*BY_KIND, "all") if kind != "tenant"])
def test_without_journal_and_lock_file_what_is_there_is_found(desk: PlatformDesk, kind: str) -> None:
    """But for the tenant, of which no read tells: see the crash tests."""
    declare(desk, text_of(kind).replace(TENANT, ""))
    desk.apply(**FLAGS)
    before = desk.state()
    shutil.rmtree(desk.folder / ".authoring")
    desk.file.with_suffix(".lock").unlink()
    desk.apply(**FLAGS)
    assert desk.state() == before
    desk.server.clear_log()
    desk.apply(**FLAGS)
    assert desk.writes() == []
