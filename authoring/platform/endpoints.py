"""What an endpoint is, for the table of them in the documentation: each area's module lists its own."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass

import authoring.platform


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint: its address, the method that calls it (`Class.method`), the command, and whether it may be repeated."""

    method: str
    path: str
    client: str
    command: str
    repeatable: bool
    note: str


def all_endpoints() -> tuple[Endpoint, ...]:
    """The `ENDPOINTS` of every module beside this one, by the modules' names."""
    found: list[Endpoint] = []
    for module in sorted(pkgutil.iter_modules(authoring.platform.__path__), key=lambda row: row.name):
        found += getattr(importlib.import_module(f"authoring.platform.{module.name}"), "ENDPOINTS", ())
    return tuple(found)
