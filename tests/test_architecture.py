"""The house stays as drawn: layers, sizes, and documentation that names what exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest

from authoring.cli import main
from authoring.cli.output import EXIT_CODES
from authoring.reference import diagnostics_page, endpoints_page, switches_page, write_reference

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "authoring"

LAYERS = (
    ("model",),
    ("archives", "diagnostics", "errors", "interrupts", "registry", "keys", "resources"),
    ("references", "passports"),
    ("olx", "markup", "yamlnodes"),
    ("source", "checks", "schemas", "lockfile", "operations", "calls", "remote", "settings"),
    ("decompile", "dialects", "scorm"),
    ("conflicts", "merge", "writeback", "runfile"),
    (
        "adoption",
        "announcements",
        "client",
        "identity",
        "impacts",
        "publishing",
        "doctor",
        "planner",
        "rendering",
        "team",
    ),
    ("transport", "comparison", "exporter"),
    ("overwriting", "verifying"),
    ("journal", "state", "unanswered", "applier", "sandbox", "scaffold", "sarif", "grading"),
    ("importing", "migration", "packages", "platform"),
    ("collecting", "declared", "pulling"),
    ("session", "report", "reference", "several", "catalogue"),
    ("copying",),
    ("rerunning",),
    ("cli",),
)
"""From the ground up; a module imports from its own layer or lower ones (docs/architecture.md)."""


def module_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module] if node.module != "authoring" else [f"authoring.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("authoring.")}
    return found


FILES = sorted(path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts)


def level(module: str) -> int:
    return next(number for number, layer in enumerate(LAYERS) if module in layer)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_knows_only_what_is_below_it(path: Path) -> None:
    module = module_of(path)
    if module in ("__init__", "__main__"):
        return
    own = level(module)
    above = {name for name in imports_of(path) - {"__version__"} if level(name) > own}
    assert not above


def test_only_the_client_knows_the_http_library() -> None:
    for path in FILES:
        if module_of(path) != "client":
            assert not re.search(r"^\s*(import|from) httpx", path.read_text("utf-8"), re.MULTILINE), path


def test_every_command_and_exit_code_is_documented() -> None:
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert isinstance(main, click.Group)
    for name in main.commands:
        assert f"`authoring {name}" in text, name
    for code, meaning in EXIT_CODES.items():
        assert re.search(rf"^\| {code} \| {re.escape(meaning.split(':')[0])}", text, re.MULTILINE), code


def test_every_flag_of_consent_is_documented() -> None:
    text = (ROOT / "docs" / "commands.md").read_text("utf-8")
    for command in ("plan", "push"):
        for option in main.commands[command].params:  # type: ignore[attr-defined]
            if isinstance(option, click.Option) and option.is_flag and option.name not in ("as_json", "strict"):
                assert option.opts[0] in text


def test_the_generated_pages_are_up_to_date(tmp_path: Path) -> None:
    assert (ROOT / "docs" / "diagnostics.md").read_text("utf-8") == diagnostics_page(), (
        "run: python -m authoring.reference docs"
    )
    assert (ROOT / "docs" / "sandbox-switches.md").read_text("utf-8") == switches_page()
    assert (ROOT / "docs" / "platform-endpoints.md").read_text("utf-8") == endpoints_page()
    write_reference(tmp_path)
    committed = {
        p.relative_to(ROOT / "docs" / "schemas"): p.read_bytes() for p in (ROOT / "docs" / "schemas").rglob("*.json")
    }
    made = {p.relative_to(tmp_path / "schemas"): p.read_bytes() for p in (tmp_path / "schemas").rglob("*.json")}
    assert committed == made, "run: python -m authoring.reference docs"


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        prose = re.sub(r"^(```+).*?^\1", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose):
            if "://" not in target and not target.startswith(("/", "mailto:", "../../static", "../static", "static/")):
                assert (page.parent / target).exists() or page.name in ("course-folder.md", "diagnostics.md"), (
                    f"{page.name}: {target}"
                )
