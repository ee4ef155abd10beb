"""What an endpoint is, for the table of them in the documentation: each area's module lists its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint: its address, the method that calls it (`Class.method`), the command, and whether it may be repeated."""

    method: str
    path: str
    client: str
    command: str
    repeatable: bool
    note: str
