"""Passwords, tokens and secrets of bots: in no file, no plan, no output, no report, no message; not even as a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from authoring.cli import main
from authoring.declared import plan, read_declared
from authoring.declared.model import digest
from authoring.declared.secrets import secrets_from
from authoring.errors import SourceError
from authoring.sandbox import Fault, FaultKind
from tests.declarations import ALL, FLAGS, declare
from tests.platformdesk import SECRETS, PlatformDesk


def traces() -> Iterator[bytes]:
    """What would betray a secret: it, a part of it, a digest of it."""
    for value in SECRETS.values():
        yield value.encode()
        yield value[:14].encode()
        yield digest(value).encode()
        for algorithm in (hashlib.md5, hashlib.sha1, hashlib.sha256):
            yield algorithm(value.encode()).hexdigest()[:12].encode()


def betrayed(texts: dict[str, bytes]) -> list[str]:
    return [f"{name}: {trace!r}" for name, text in texts.items() for trace in traces() if trace in text]


@pytest.fixture
def environ(desk: PlatformDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands' environment: the desk's sandbox as the target, and the secrets."""
    for name, value in desk.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(desk.folder)


def run(*words: str) -> Any:
    return CliRunner().invoke(main, ["platform", *words], catch_exceptions=False)


@pytest.mark.parametrize("fault", [None, "error", "html", "truncated"])
def test_no_secret_is_shown_or_written(desk: PlatformDesk, environ: None, fault: str | None) -> None:
    declare(desk, ALL)
    said: dict[str, bytes] = {}
    flags = ("--issue", "--launch-tenant")
    for words in (("plan",), ("plan", "--json"), ("apply", "--json"), ("apply",), ("plan", "--json", "--send-secrets")):
        kinds = {"error": FaultKind.ERROR_AFTER, "html": FaultKind.HTML, "truncated": FaultKind.TRUNCATED}
        if fault is not None and words[0] == "apply":
            for path in ("bots/sandbox/bot/", "launch/tenant", "users/manage"):
                desk.server.faults.add(Fault(kinds[fault], "create", path=path, status=502))
        result = run(words[0], "platform.yaml", *flags, *words[1:])
        assert result.exit_code in (0, 4, 7), result.output
        said[" ".join(words)] = (result.stdout + result.stderr).encode()
    said |= {name: content for name, content in desk.files().items() if not name.endswith((".csv", "platform.yaml"))}
    assert any(name.startswith(".authoring/platform.sqlite3") for name in said)
    assert "platform.lock" in said
    assert betrayed(said) == []


def test_a_refusal_that_repeats_a_secret_does_not_show_it(desk: PlatformDesk) -> None:
    declare(desk, ALL)
    desk.apply(**FLAGS)
    found = read_declared(desk.file)
    with desk.client() as client:
        shown = json.dumps(plan(found, client).to_json()) + repr(found) + repr(desk.apply(**FLAGS))
    assert betrayed({"values": shown.encode()}) == []


def test_the_keyring_has_what_the_environment_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring")

    def held(service: str, name: str) -> str | None:
        return "from-the-keyring" if (service, name) == ("ibl-course-authoring", "BOT_TOKEN") else None

    monkeypatch.setattr(keyring, "get_password", held)
    assert secrets_from({"A": "1"}, ["A", "BOT_TOKEN"]) == {"A": "1", "BOT_TOKEN": "from-the-keyring"}
    with pytest.raises(SourceError, match="not set: OTHER"):
        secrets_from({}, ["BOT_TOKEN", "OTHER"])
