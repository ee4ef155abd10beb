"""Cases that one test runs by the hundred: counted here, told at the end of the whole run, whatever process ran them."""

from __future__ import annotations

from collections import Counter, defaultdict

cases: defaultdict[str, Counter[str]] = defaultdict(Counter)
"""Title → name of the case → how many ran."""


def told() -> dict[str, dict[str, int]]:
    """What a worker process hands to the one that reports."""
    return {title: dict(counter) for title, counter in cases.items()}


def take(rows: dict[str, dict[str, int]]) -> None:
    for title, counter in rows.items():
        cases[title].update(counter)


def lines() -> list[str]:
    return [
        f"{title}: {counter.total()} cases ({', '.join(f'{name} {count}' for name, count in sorted(counter.items()))})"
        for title, counter in sorted(cases.items())
        if counter
    ]
