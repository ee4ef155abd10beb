"""Pages of the documentation that are made from the code: `python -m authoring.reference docs`.

Out: docs/diagnostics.md (every code with its summary and remedy), docs/sandbox-switches.md,
docs/platform-endpoints.md, docs/schemas/ (for editors). A test holds
the committed files against what this module makes.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import pkgutil
import sys
from pathlib import Path

import authoring
import importers
from authoring.declared.schema import write_platform_schema
from authoring.diagnostics import Severity, all_codes
from authoring.platform.endpoints import all_endpoints
from authoring.sandbox import profile
from authoring.schemas import write_schemas

_INTRO = """# Diagnostics

Every finding has a stable code. `authoring check DIR` shows all of them at once, with file and line; `--json` gives them to
scripts. An error stops a plan or a push before anything is sent; a warning does with `--strict`; an info never does.

This page is made from the code: `python -m authoring.reference docs`.
"""


def diagnostics_page() -> str:
    """Markdown: a section a severity, an entry a code."""
    for package in (authoring, importers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    parts = [_INTRO]
    for severity in Severity:
        parts.append(f"## {severity.value.capitalize()}s\n" if severity is not Severity.INFO else "## Info\n")
        for code in all_codes():
            if code.severity is severity:
                parts.append(f"### `{code.name}`\n\n{code.summary}\n\nWhat to do: {code.remedy}.\n")
    return "\n".join(parts)


_SWITCHES_INTRO = """# The sandbox's switches

Each known or guessed difference between deployments is one switch of `authoring.sandbox.Profile`. *Guess* marks those where
no source says anything; they are one documented default each.

This page is made from the code: `python -m authoring.reference docs`.

| switch | documented | observed | what it is |
|---|---|---|---|
"""


def switches_page() -> str:
    """Markdown: a row a switch, with its value in either profile and its docstring."""
    tree = ast.parse(inspect.getsource(profile))
    (cls,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    rows = []
    for field, text in itertools.pairwise(cls.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            name = field.target.id
            said = " ".join(str(ast.literal_eval(text.value)).split()).replace("|", "\\|")
            values = [str(getattr(found, name)).lower() for found in (profile.DOCUMENTED, profile.OBSERVED)]
            rows.append(f"| `{name}` | {values[0]} | {values[1]} | {said} |\n")
    return _SWITCHES_INTRO + "".join(rows)


_ENDPOINTS_INTRO = """# The platform's endpoints

What `authoring.platform` calls: each endpoint with its typed method, its command below `authoring platform`, and whether sending it
twice leaves the platform as sending it once. What may not be repeated is looked up first and never sent again by itself. The
course's own calls are the dialects' ([platform](platform.md)).

Every row is served by [the sandbox](sandbox.md) and tested over HTTP against it; each write is tested for success, refusal, an
expired token and an unknown outcome. What the documentation leaves open is a [switch](sandbox-switches.md) or a guess that is
listed with the sandbox.

This page is made from the code: `python -m authoring.reference docs`.

| | endpoint | method | command | repeatable | |
|---|---|---|---|---|---|
"""


def endpoints_page() -> str:
    """Markdown: a row an endpoint, by the modules of `authoring.platform`."""
    rows = []
    for endpoint in all_endpoints():
        repeatable = "yes" if endpoint.repeatable else "no"
        shown = f"| {endpoint.method} | `{endpoint.path}` | `{endpoint.client}` | `{endpoint.command}` | {repeatable} |"
        rows.append(f"{shown} {endpoint.note} |\n")
    return _ENDPOINTS_INTRO + "".join(rows)


def write_reference(folder: Path) -> None:
    """Write the generated pages below `folder`."""
    (folder / "diagnostics.md").write_text(diagnostics_page(), "utf-8")
    (folder / "sandbox-switches.md").write_text(switches_page(), "utf-8")
    (folder / "platform-endpoints.md").write_text(endpoints_page(), "utf-8")
    schemas = folder / "schemas"
    schemas.mkdir(exist_ok=True)
    write_schemas(schemas)
    write_platform_schema(schemas)


if __name__ == "__main__":
    write_reference(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
