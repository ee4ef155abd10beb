"""The commands of the catalogue, credentials, tenants and single sign-on, as a person types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from authoring.cli import main
from authoring.platform import catalog, credentials, sso, taxonomy, tenants
from authoring.platform.catalog import Catalog
from authoring.platform.credentials import Credentials
from authoring.platform.sso import Severity, check_hosts
from authoring.platform.taxonomy import Taxonomy
from authoring.platform.tenants import Tenants
from authoring.sandbox import DOCUMENTED, OBSERVED, Fault, FaultKind, SandboxServer
from tests.authoring.catalog.conftest import COURSE

SECRETS = {
    "IBL_PLATFORM_API_KEY": "wrong-platform-key-Gh46",
    "IBL_MANAGER_CLIENT_SECRET": "wrong-manager-secret-Jk37",
    "ADMIN_PASSWORD": "tenant-password-Vb29",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path / "sandbox.sqlite3") as server:
        yield server


@pytest.fixture
def environ(server: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    return {
        "IBL_CMS_URL": server.url,
        "IBL_LMS_URL": server.url,
        "IBL_MANAGER_URL": f"{server.url}/",
        "IBL_CLIENT_ID": "sandbox",
        "IBL_CLIENT_SECRET": "sandbox",
        "IBL_PLATFORM_API_KEY": "sandbox",
        "IBL_TENANT": "sandbox",
        "IBL_USERNAME": "sandbox",
        "ADMIN_PASSWORD": SECRETS["ADMIN_PASSWORD"],
    }


class Shell:
    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ
        self.spoken = ""

    def __call__(self, *args: str) -> Result:
        result = CliRunner(env=self.environ).invoke(main, ["platform", *args])
        self.spoken += result.stdout + result.stderr
        error = result.exception
        while error is not None:
            self.spoken += f"{error!r} {vars(error)}"
            error = error.__cause__ or error.__context__
        return result

    def json(self, *args: str) -> Any:
        result = self(*args, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def shell(environ: dict[str, str]) -> Shell:
    return Shell(environ)


def test_the_catalogue_from_files_and_options(shell: Shell, tmp_path: Path) -> None:
    assert shell("role", "save", "Analyst", "--set", "data={a: 1}").stdout.startswith("role Analyst (")
    assert shell.json("role", "save", "analyst")["created"] is False
    assert shell.json("skill", "save", "SQL", "--shared")["record"]["platform_key"] is None
    assert [row["name"] for row in shell.json("role", "list")] == ["analyst"]
    assert "ada: analyst" in shell("role", "desired", "--username", "ada", "--set", "Analyst").stdout
    assert shell.json("role", "desired", "--username", "ada")["roles"][0]["name"] == "analyst"
    assert "ada: none" in shell("role", "desired", "--username", "ada", "--none").stdout
    assert shell.json("skill", "reported", "--user-id", "7")["skills"] == []
    (tmp_path / "program.yaml").write_text(f"program_id: P1\nname: Data\norg: Demo\ncourse_list: [{COURSE!r}]\n")
    assert "program P1: made" in shell("program", "save", "--from", "program.yaml").stdout
    assert "program P1: was there" in shell("program", "save", "--from", "program.yaml", "--set", "name=Data 2").stdout
    assert "Data 2" in shell("program", "list").stdout
    (tmp_path / "pathway.json").write_text(json.dumps({"name": "S", "path": [], "username": "ada", "pathway_id": "s"}))
    assert shell.json("pathway", "save", "--from", "pathway.json")["created"] is True
    assert "s  ada  S" in shell("pathway", "list", "--username", "ada").stdout
    book = ("--set", "resource_type=book", "--set", "url=https://example.com/b", "--set", "name=Book")
    number = str(shell.json("resource", "save", *book)["record"]["id"])
    assert shell.json("resource", "save", *book)["created"] is False
    assert number in shell("resource", "list", "--type", "book").stdout
    assert f"{COURSE}: made" in shell("catalog-course", "save", COURSE, "Demo", "--name", "Data").stdout
    assert "not taken: org" in shell("catalog-course", "save", COURSE, "Other").stderr
    assert COURSE in shell("catalog-course", "list").stdout
    assert shell("catalog-course", "metadata", COURSE, "--set", "level=easy").exit_code == 0
    assert json.loads(shell("catalog-course", "metadata", COURSE).stdout) == {"level": "easy"}
    for command in (
        ("program", "delete", "P1", "Demo"),
        ("resource", "delete", number),
        ("catalog-course", "metadata", COURSE, "--replace", "--set", "a=1"),
        ("catalog-course", "delete", COURSE),
    ):
        refused = shell(*command)
        assert refused.exit_code == 7 and "--yes" in refused.stderr
        assert shell(*command, "--yes").exit_code == 0


def test_credentials_from_the_command_line(shell: Shell) -> None:
    assert shell("user", "create", "ada", "ada@example.com", "--password-env", "ADMIN_PASSWORD").exit_code == 0
    issuer = shell.json("issuer", "show", "sandbox")["entityId"]
    assert issuer in shell("issuer", "list").stdout
    assert shell("issuer", "show", "nobody").exit_code == 1
    fields = ("--set", "name=Badge", "--set", f"issuer={issuer}", "--set", f"courses=[{COURSE!r}]")
    made = shell.json("credential", "create", *fields)
    assert made["created"] and not shell.json("credential", "create", *fields)["created"]
    entity_id = made["record"]["entityId"]
    assert (
        shell("credential", "list").stdout == "" and entity_id in shell("credential", "list", "--course", COURSE).stdout
    )
    assert entity_id in shell("credential", "show", entity_id).stdout
    assert "was there" in shell("credential", "update", entity_id, "--set", "description=d").stdout
    assert shell("credential", "show", "none").exit_code == 1
    hidden = shell("credential", "create", "--set", "name=X", "--set", f"issuer={issuer}")
    assert hidden.exit_code == 3 and "--new" in hidden.stderr
    issue = ("assertion", "issue", entity_id, "ada", "--course", COURSE)
    assert shell(*issue).exit_code == 7
    assert "ada: given" in shell(*issue, "--yes").stdout
    assert "had it already" in shell(*issue, "--yes").stdout
    (row,) = shell.json("assertion", "list", "ada")
    assert entity_id in shell("assertion", "list", "ada").stdout
    assert row["entityId"] in shell("assertion", "show", row["entityId"]).stdout
    revoke = ("assertion", "revoke", row["entityId"], "--reason", "a mistake")
    assert shell(*revoke).exit_code == 7 and shell(*revoke, "--yes").exit_code == 0
    assert shell("assertion", "show", row["entityId"]).exit_code == 1
    assert shell("credential", "delete", entity_id).exit_code == 7
    assert "deleted" in shell("credential", "delete", entity_id, "--yes").stdout
    assert "was not there" in shell("credential", "delete", entity_id, "--yes").stdout


def test_a_launch_from_the_command_line(shell: Shell, server: SandboxServer) -> None:
    launch = ("launch", "acme", "Acme", "acme-admin", "admin@acme.example.com", "--password-env", "ADMIN_PASSWORD")
    assert shell(*launch).exit_code == 7 and not server.rows("tenant")
    assert "acme: launched" in shell(*launch, "--yes").stdout
    partly = shell(*launch, "--yes", "--existing-user")
    assert partly.exit_code == 4 and "made in part" in partly.stdout
    assert not any(SECRETS["ADMIN_PASSWORD"] in text for text in (shell.spoken, str(server.rows("tenant"))))
    assert "password" not in {option for command in _commands(main) for option in _options(command)}


@pytest.mark.parametrize("fault", [None, *FaultKind])
def test_no_secret_is_ever_printed(fault: FaultKind | None, shell: Shell, server: SandboxServer) -> None:
    wrong = Shell({**shell.environ, **SECRETS, "IBL_MANAGER_CLIENT_ID": "manager"})
    for asked in (shell, wrong):
        if fault is not None:
            server.faults.add(Fault(fault, path="launch|roles|oauth|credentials", times=2, status=500))
        launch = ("launch", "acme", "Acme", "acme-admin", "admin@acme.example.com", "--password-env", "ADMIN_PASSWORD")
        asked(*launch, "--yes")
        asked(*launch, "--yes", "--existing-user", "--json")
        asked("role", "list", "--json")
        asked("credential", "list")
        local = ("--cms", server.url, "--lms", server.url, "--manager", server.url)
        asked("sso", *local, "--slug", "ibl", "--check-logins", "--json")
        server.faults.clear()
        assert asked.spoken and not [secret for secret in SECRETS.values() if secret in asked.spoken]


# -- single sign-on -----------------------------------------------------------------------------------------------------

HOSTS = {"cms": "studio.example.org", "lms": "learn.example.org", "manager": "base.manager.example.org"}


def test_the_settings_are_those_of_the_documentation(shell: Shell) -> None:
    arguments = [part for name, host in HOSTS.items() for part in (f"--{name}", host)]
    told = shell.json("sso", *arguments, "--slug", "acme")
    assert told["findings"] == [] and told["logins"] == []
    assert told["settings"]["provider"]["settings"] == {
        "Client type": "Confidential",
        "Authorization grant type": "Authorization code",
        "Redirect URIs": "https://learn.example.org/auth/complete/acme/",
        "Post logout redirect URIs": "https://learn.example.org/",
    }
    client = told["settings"]["client"]["settings"]
    assert client["Slug"] == client["Backend name"] == "acme" and client["Site"] == "learn.example.org"
    assert "<the provider's client secret>" in client.values() and told["settings"]["not_documented"]
    text = shell("sso", *arguments, "--slug", "acme").stdout
    for page in told["settings"]["pages"].values():
        assert page in text
    assert "Redirect URIs: https://learn.example.org/auth/complete/acme/" in text and "Not documented" in text


@pytest.mark.parametrize(
    ("change", "about", "word"),
    [
        ({"lms": "http://learn.example.org"}, "lms", "https"),
        ({"lms": "ftp://learn.example.org"}, "lms", "https"),
        ({"manager": "https://api.example.org/dm"}, "manager", "path"),
        ({"cms": "studio.example.org?x=1"}, "cms", "?"),
        ({"cms": "https://me:word@studio.example.org"}, "cms", "user name"),
        ({"cms": "studio"}, "cms", "full name"),
        ({"cms": "203.0.113.7"}, "cms", "not a number"),
        ({"cms": "-studio-.example.org"}, "cms", "host"),
        ({"cms": "https://studio.example.org:99999"}, "cms", "address"),
        ({"cms": "https://[::1"}, "cms", "address"),
        ({"cms": ""}, "cms", "host"),
        ({"cms": "learn.example.org"}, "cms and lms", "one host"),
        ({"manager": "manager.example.com"}, "cms, lms, manager", "parent domain"),
    ],
)
def test_hosts_that_do_not_fit_are_told(change: dict[str, str], about: str, word: str, shell: Shell) -> None:
    hosts = {**HOSTS, **change}
    findings = [row for row in check_hosts(hosts, "acme") if row.severity is Severity.ERROR and row.about == about]
    assert any(word in finding.message for finding in findings)
    arguments = [part for name, host in hosts.items() for part in (f"--{name}", host)]
    refused = shell("sso", *arguments, "--slug", "acme", "--check-logins")
    assert refused.exit_code == 1 and refused.stdout == "" and word in " ".join(refused.stderr.split())
    assert not isinstance(refused.exception, ValueError)


def test_a_slash_and_a_port_are_warnings_and_a_slug_has_its_letters() -> None:
    found = check_hosts({**HOSTS, "lms": "https://learn.example.org:8443/"}, "acme")
    assert [row.severity for row in found] == [Severity.WARNING, Severity.WARNING]
    assert [row.about for row in check_hosts(HOSTS, "a b/c")] == ["slug"]


def test_logins_are_verified_against_each_host(shell: Shell, server: SandboxServer, tmp_path: Path) -> None:
    local = (
        "sso",
        "--cms",
        server.url,
        "--lms",
        server.url,
        "--manager",
        server.url,
        "--slug",
        "ibl",
        "--check-logins",
    )
    assert {row["service"]: row["passed"] for row in shell.json(*local)["logins"]} == {
        "lms": True,
        "cms": True,
        "manager": None,
    }
    shell.environ |= {"IBL_MANAGER_CLIENT_ID": "sandbox", "IBL_MANAGER_CLIENT_SECRET": "sandbox"}
    assert all(row["passed"] for row in shell.json(*local)["logins"])
    shell.environ["IBL_MANAGER_CLIENT_SECRET"] = "wrong"
    failed = shell(*local)
    assert failed.exit_code == 1 and "MANAGER: FAILED" in failed.stdout and "LMS: passed" in failed.stdout
    with SandboxServer(tmp_path / "other.sqlite3", OBSERVED) as closed:
        other = (
            "sso",
            "--cms",
            closed.url,
            "--lms",
            closed.url,
            "--manager",
            closed.url,
            "--slug",
            "x",
            "--check-logins",
        )
        assert "CMS: FAILED" in shell(*other).stdout
    assert DOCUMENTED.bearer_refused is False


# -- what there is ------------------------------------------------------------------------------------------------------


def _commands(group: click.Command, prefix: str = "") -> Iterator[click.Command]:
    if isinstance(group, click.Group):
        for command in group.commands.values():
            yield from _commands(command)
    else:
        yield group


def _options(command: click.Command) -> set[str]:
    return {str(option.name) for option in command.params}


def test_every_endpoint_has_a_method_and_a_command() -> None:
    classes = {"Catalog": Catalog, "Credentials": Credentials, "Taxonomy": Taxonomy, "Tenants": Tenants}
    group = main.commands["platform"]  # type: ignore[attr-defined]
    for module in (catalog, credentials, taxonomy, tenants, sso):
        for endpoint in module.ENDPOINTS:
            cls, _, method = endpoint.client.partition(" ")[0].partition(".")
            assert cls == "Client" or hasattr(classes[cls], method), endpoint
            command: Any = group
            for word in (word for word in endpoint.command.split() if not word.startswith("-")):
                command = command.commands[word]
            flags = [word for word in endpoint.command.split() if word.startswith("-")]
            assert all(any(flag in option.opts for option in command.params) for flag in flags), endpoint
