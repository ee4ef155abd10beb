"""Findings: what is wrong (or odd) with an input, where, and what to do about it.

A `Code` is defined once, at module level of the module that reports it, so that the list in docs/diagnostics.md can be
made from the code. Findings are collected and shown all at once; nobody stops at the first.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from authoring.model import SourceLocation


class Severity(StrEnum):
    ERROR = "error"
    """Nothing is planned or sent while there is one."""
    WARNING = "warning"
    """Likely a mistake; `--strict` counts it as an error."""
    INFO = "info"
    """Worth knowing; never stops anything."""


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding: a stable name, its usual severity, a summary and the remedy, both shown in the docs."""

    name: str
    severity: Severity
    summary: str
    remedy: str

    def __str__(self) -> str:
        return self.name


_codes: dict[str, Code] = {}


def define(name: str, severity: Severity, summary: str, remedy: str) -> Code:
    """Make and register a `Code`. Raises ValueError when the name is taken."""
    if name in _codes:
        raise ValueError(f"diagnostic code defined twice: {name}")
    code = Code(name, severity, summary, remedy)
    _codes[name] = code
    return code


def all_codes() -> tuple[Code, ...]:
    """Every code of the modules imported so far, by name."""
    return tuple(_codes[name] for name in sorted(_codes))


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding."""

    code: Code
    message: str
    where: SourceLocation | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        text = f"{place}{self.severity}[{self.code}]: {self.message}"
        return f"{text}\n  hint: {self.hint}" if self.hint else text

    def to_json(self) -> dict[str, object]:
        """`{severity, code, message, path, line, hint}`; absent ones are null."""
        return {
            "severity": str(self.severity),
            "code": str(self.code),
            "message": self.message,
            "path": str(self.where.path) if self.where else None,
            "line": self.where.line if self.where else None,
            "hint": self.hint,
        }


class Diagnostics:
    """A collection of findings, in the order in which they were met."""

    def __init__(self, findings: Iterable[Diagnostic] = ()) -> None:
        self._findings = list(findings)

    def report(
        self,
        code: Code,
        message: str,
        where: SourceLocation | None = None,
        hint: str | None = None,
        severity: Severity | None = None,
    ) -> None:
        """Add a finding. Without a `hint` the code's own remedy is shown."""
        self._findings.append(Diagnostic(code, message, where, hint or code.remedy, severity or code.severity))

    def extend(self, findings: Iterable[Diagnostic]) -> None:
        self._findings.extend(findings)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._findings)

    def __len__(self) -> int:
        return len(self._findings)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(finding for finding in self._findings if finding.severity is Severity.ERROR)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """By file and line; what has no place comes first."""
        return tuple(sorted(self._findings, key=_place))


def _place(finding: Diagnostic) -> tuple[str, int]:
    if finding.where is None:
        return ("", 0)
    return (str(finding.where.path), finding.where.line or 0)


def suggest(word: str, known: Iterable[str]) -> str | None:
    """A hint `did you mean 'x'?` for a mistyped word, or None when nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else None
