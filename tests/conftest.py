"""Fixtures for all tests."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests import counting

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background so, and every process of ours would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

BuildCourse: TypeAlias = Callable[[Mapping[str, str | bytes]], Path]


def write_tree(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write `{path: content}` below `folder`; text as UTF-8 with its line ends as they are."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


@pytest.fixture
def build_course(tmp_path: Path) -> BuildCourse:
    """`build_course({path: text or bytes}) -> folder`. A course.yaml is added where none is given."""

    def build(files: Mapping[str, str | bytes]) -> Path:
        folder = tmp_path / "course"
        folder.mkdir(exist_ok=True)
        return write_tree(folder, {"course.yaml": "org: Demo\nnumber: DS101\nrun: 2027_T1\n", **files})

    return build


@pytest.fixture(autouse=True)
def _nothing_arrives_late(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a process that is killed leaves a call behind that is still on its way: tests of those have the mark `kills`."""
    if request.node.get_closest_marker("kills") is None:
        monkeypatch.setattr("authoring.session.LANDING", 0.0)


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["cases"] = counting.told()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    counting.take(getattr(node, "workeroutput", {}).get("cases", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in counting.lines():
        terminalreporter.write_line(line)
