"""`authoring platform user|enrol|mentor|bot|bot-command …` and `authoring chat`, and that no secret gets out of them."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import pytest
from click.testing import CliRunner, Result

from authoring.cli import main
from authoring.platform import bots, chat, mentors, people
from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, SandboxServer
from tests.desk import LOGIN

KEY = "course-v1:Demo+DS101+2027_T1"
PASSWORDS = {"PW": "user-password-Rt51/+", "BOT": "bot-secret-Lm83", "CONFIG": '{"team": "config-secret-Qz12"}'}
MINTED = "minted-secret-Wx19"
WRONG_KEY = "wrong-platform-key-Vb44"
SECRETS = ("user-password-Rt51/+", "bot-secret-Lm83", "config-secret-Qz12", MINTED, WRONG_KEY)


class Counter:
    """A folder in which commands are run, and the sandbox that they go to."""

    def __init__(self, folder: Path, server: SandboxServer) -> None:
        self.folder, self.server = folder, server
        self.key = "sandbox"
        self.spoken = ""

    def say(self, *args: str, code: int = 0, stdin: str = "") -> Result:
        url = self.server.url
        environ = {
            **LOGIN,
            **PASSWORDS,
            "IBL_CMS_URL": url,
            "IBL_LMS_URL": url,
            "IBL_MANAGER_URL": f"{url}/",
            "IBL_ASGI_URL": f"ws{url.removeprefix('http')}/",
            "IBL_PLATFORM_API_KEY": self.key,
            "IBL_TENANT": "sandbox",
            "IBL_USERNAME": "sandbox",
        }
        result = CliRunner(env=environ).invoke(main, list(args), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.spoken += result.stdout + result.stderr
        error = result.exception
        while error is not None:
            self.spoken += f"{error!r} {vars(error)}"
            error = error.__cause__ or error.__context__
        assert result.exit_code == code, f"exit {result.exit_code}\n{result.output}"
        return result

    def ask(self, *args: str, code: int = 0) -> Any:
        return json.loads(self.say("platform", *args, "--json", code=code).stdout)


@pytest.fixture(params=[DOCUMENTED, OBSERVED], ids=lambda profile: profile.name)
def counter(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter]:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr("secrets.token_urlsafe", lambda size=None: MINTED)
    with SandboxServer(tmp_path / "sandbox.sqlite3", request.param) as server:
        with server._open() as store:
            store.save_course(KEY, {})
        yield Counter(folder, server)


def test_users(counter: Counter) -> None:
    made = counter.ask("user", "create", "ada", "ada@example.com", "--password-env", "PW", "--provider", "elsewhere")
    assert made["created"] and [row["field"] for row in made["not_taken"]] == ["provider"]
    assert "ada: changed" in counter.say("platform", "user", "update", "ada", "ada@example.com", "--no-active").stdout
    assert counter.ask("user", "show", "--email", "ada@example.com")["is_active"] is False
    assert "not active" in counter.say("platform", "user", "show", "ada").stdout
    assert counter.ask("user", "show", "bob", code=1)["error"]
    counter.say("platform", "user", "show", code=2)
    assert "--password-env" in counter.say("platform", "user", "create", "bob", "b@example.com", code=1).stderr
    assert (
        "NOT_SET"
        in counter.say("platform", "user", "create", "b", "b@example.com", "--password-env", "NOT_SET", code=1).stderr
    )
    counter.say("platform", "user", "create", "ada", "ada@example.com", "--password-env", "PW", code=3)


def test_enrolments(counter: Counter, tmp_path: Path) -> None:
    counter.say("platform", "user", "create", "ada", "ada@example.com", "--password-env", "PW")
    (counter.folder / "course").mkdir()
    (counter.folder / "course/course.yaml").write_text("org: Demo\nnumber: DS101\nrun: 2027_T1\ntitle: Data\n")
    assert counter.ask("enrol", "one", "course", "--username", "ada")["complete"]
    assert counter.ask("enrol", "show", KEY, "ada")["enrolled"]
    assert "not enrolled" in counter.say("platform", "enrol", "show", KEY, "bob").stdout
    many = counter.ask("enrol", "students", KEY, "--email", "ada@example.com", "--email", "no@example.com", code=4)
    assert [row["done"] for row in many["rows"]] == [True, False]
    told = counter.say("platform", "enrol", "courses", KEY, f"{KEY}x", "--username", "ada", code=4).stdout
    assert f"{KEY}: enrolled" in told and "refused" in told
    counter.say("platform", "enrol", "one", "--item", "item-1", "--username", "ada")
    counter.say("platform", "enrol", "one", "nowhere", "--username", "ada", code=1)
    counter.say("platform", "enrol", "one", "course-v1:x", "--username", "ada", code=1)


def test_lists(counter: Counter) -> None:
    (counter.folder / "course").mkdir()
    (counter.folder / "course/course.yaml").write_text("org: Demo\nnumber: DS101\nrun: 2027_T1\ntitle: Data\n")
    file = counter.folder / "people.csv"
    file.write_text(f"username;email;course\nada;ada@example.com;course\nbob;bob@example.com;{KEY}\n;;\ncyd;;\n")
    users = counter.ask("user", "import", str(file), code=4)
    assert users["counts"]["done"] == 2 and [row["line"] for row in users["problems"]] == [5]
    told = counter.say("platform", "enrol", "import", str(file), code=4).stdout
    assert "people.csv:5: cyd: bad-row (course: the row names none" in told
    again = counter.ask("enrol", "import", str(file), "--course", KEY, code=4)
    assert again["counts"]["done-before"] == 2 and again["problems"][0]["state"] == "refused"
    with (counter.folder / "people.enrolments.results.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert [row["state"] for row in csv.DictReader(stream)] == ["done-before", "done-before", "refused"]
    assert counter.ask("user", "import", "missing.csv", code=1)["error"]["message"].startswith("missing.csv")


def test_mentors_bots_and_commands(counter: Counter) -> None:
    (counter.folder / "tutor.yaml").write_text("system_prompt: Be kind.\nllm_temperature: 0.2\n")
    made = counter.ask("mentor", "create", "Tutor", "--settings", "tutor.yaml", "--set", "forkable=true")
    assert made["created"] and not made["not_taken"]
    assert "already" in counter.say("platform", "mentor", "create", "Tutor").stdout
    assert counter.ask("mentor", "show", "Tutor")["settings"]["forkable"] is True
    assert "Tutor" in counter.say("platform", "mentor", "list").stdout
    assert "Be kind" in counter.say("platform", "mentor", "show", "Tutor").stdout
    assert counter.ask("mentor", "session", "Tutor", "--no-tools")["tools"] == []
    counter.say("platform", "mentor", "create", "T", "--set", "slug=x", code=3)
    counter.say("platform", "mentor", "create", "T", "--set", "slug", code=2)
    counter.say("platform", "mentor", "create", "T", "--settings", "missing.yaml", code=1)

    secrets = ("--secret-env", "client_secret=BOT", "--config-env", "CONFIG")
    bot = counter.ask("bot", "create", "Helper", "slack", *secrets)["bot"]
    assert "already" in counter.say("platform", "bot", "create", "Helper", "slack").stdout
    assert "changed" in counter.say("platform", "bot", "update", str(bot["id"]), "--name", "Aide", *secrets).stdout
    counter.say("platform", "bot", "create", "X", "slack", "--secret-env", "password=BOT", code=2)
    counter.say("platform", "bot", "create", "X", "slack", "--config-env", "BOT", code=1)
    command = counter.ask(
        "bot-command", "create", "/ask", "--mentor", str(made["mentor"]["id"]), "--bot", str(bot["id"])
    )
    number = str(command["command"]["id"])
    assert counter.ask("bot-command", "update", number, "--command", "/help")["command"] == "/help"
    assert "/help" in counter.say("platform", "bot-command", "list", "--bot", str(bot["id"])).stdout
    assert "Aide" in counter.say("platform", "bot", "list").stdout
    for what, which in (("bot-command", number), ("bot", str(bot["id"]))):
        counter.server.clear_log()
        assert "--yes" in counter.say("platform", what, "delete", which, code=7).stderr
        assert counter.server.requests == []
        assert counter.ask(what, "delete", which, "--yes") == {"deleted": True}
        assert "there was none" in counter.say("platform", what, "delete", which, "--yes").stdout


def test_chat(counter: Counter) -> None:
    counter.say("platform", "mentor", "create", "Tutor")
    result = counter.say("chat", "Tutor", "--prompt", "What is data?\x1b[31m")
    assert result.stdout == "You asked: What is data?[31m\n"
    assert counter.say("chat", "Tutor", stdin="One\n\nTwo\n").stdout == "You asked: One\nYou asked: Two\n"
    lines = counter.say("chat", "Tutor", "--prompt", "Hi", "--json").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["event"] for event in events][-2:] == ["text", "end"] and events[-1]["text"] == "You asked: Hi"
    counter.server.faults.add(Fault(FaultKind.TRUNCATED, "chat"))
    broken = counter.say("chat", "Tutor", "--prompt", "a b c", "--json", code=3).stdout.splitlines()
    assert json.loads(broken[-1])["error"]["kind"] == "ChatClosedError"
    counter.server.faults.add(Fault(FaultKind.ERROR_BEFORE, "chat", status=402))
    assert "credits" in counter.say("chat", "Tutor", "--prompt", "x", code=3).stderr
    counter.say("chat", "Nobody", "--prompt", "x", code=3)


def test_the_embedded_sandbox_serves_where_nothing_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = dict.fromkeys(("IBL_CMS_URL", "IBL_TENANT", "IBL_USERNAME"), "")
    runner = CliRunner(env=environ)
    assert runner.invoke(main, ["platform", "mentor", "create", "Tutor", "--target", "sandbox"]).exit_code == 0
    answer = runner.invoke(main, ["chat", "Tutor", "--prompt", "Hi", "--target", "sandbox"])
    assert answer.stdout == "You asked: Hi\n"


@pytest.mark.parametrize(
    "fault", [None, FaultKind.RESET_AFTER, FaultKind.ERROR_BEFORE, FaultKind.HTML, FaultKind.TRUNCATED]
)
def test_no_secret_gets_out(fault: FaultKind | None, counter: Counter) -> None:
    file = counter.folder / "people.csv"
    file.write_text(f"username,email,course,password_env\nbob,b@example.com,{KEY},PW\ncyd,c@example.com,{KEY},\n")
    commands = (
        ("platform", "user", "create", "ada", "ada@example.com", "--password-env", "PW"),
        ("platform", "user", "update", "ada", "ada@example.com", "--password-env", "PW"),
        ("platform", "user", "import", str(file)),
        ("platform", "enrol", "import", str(file)),
        ("platform", "mentor", "create", "Tutor"),
        ("platform", "mentor", "session", "Tutor"),
        ("platform", "bot", "create", "B", "slack", "--secret-env", "client_secret=BOT", "--config-env", "CONFIG"),
        ("platform", "bot", "list"),
        ("chat", "Tutor", "--prompt", "x"),
    )
    for key in ("sandbox", WRONG_KEY):
        counter.key = key
        for command in commands:
            for as_json in ((), ("--json",)):
                if fault is not None:
                    counter.server.faults.add(Fault(fault, path="manage|enroll/|with-settings|sessions|/bot/|langflow"))
                with suppress(AssertionError):  # what goes wrong is the point
                    counter.say(*command, *as_json)
                counter.server.faults.clear()
    places = {"output": counter.spoken.encode()}
    places.update((str(path), path.read_bytes()) for path in counter.folder.rglob("*") if path.is_file())
    assert any(".authoring" in place for place in places) and len(counter.spoken) > 1000
    for secret in SECRETS:
        plain = secret.encode()
        for shape in {plain, base64.b64encode(plain), quote(secret, safe="").encode(), json.dumps(secret).encode()}:
            assert [place for place, content in places.items() if shape in content] == []


def test_every_endpoint_has_a_method_a_command_and_a_line_in_the_docs() -> None:
    areas = {"People": people.People, "Mentors": mentors.Mentors, "Chat": chat.Chat, "Bots": bots.Bots}
    page = (Path(__file__).parents[3] / "docs/people.md").read_text("utf-8")
    for endpoint in (*people.ENDPOINTS, *mentors.ENDPOINTS, *chat.ENDPOINTS, *bots.ENDPOINTS):
        repeatable = "yes" if endpoint.repeatable else "no"
        row = f"| {endpoint.method} | `{endpoint.path}` | `{endpoint.client}` | `{endpoint.command}` | {repeatable} | {endpoint.note} |"
        assert row in page
        area, _, method = endpoint.client.partition(".")
        assert callable(getattr(areas[area], method)), endpoint
        group: Any = main if endpoint.command.startswith("chat") else main.commands["platform"]  # type: ignore[attr-defined]
        for word in endpoint.command.partition(" -")[0].partition(" (")[0].split():
            assert isinstance(group, click.Group) and word in group.commands, endpoint
            group = group.commands[word]
