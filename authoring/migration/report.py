"""What a migration came to: Records in, a report out, for machines (`report.json`) and for people (`report.md`).

Records come one at a time and may be many, each with all its findings; what is kept of them is a line for each package
and counts. The findings themselves are in the journal. The report says nothing of times, so that two runs over the
same packages can be compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from authoring.migration.records import Outcome, Record

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class PackageLine:
    """One package in the report."""

    source: str
    destination: str
    outcome: Outcome
    importer: str | None
    course: str | None
    blocks: int
    percentage: float | None
    """Of the package's items that were kept; None for one that is not converted."""
    dropped: int
    errors: int
    warnings: int
    under: bool
    """Below `--fail-under`."""
    reason: str | None
    hint: str | None

    @property
    def converted(self) -> bool:
        return self.outcome in (Outcome.DONE, Outcome.UNCHANGED)

    def to_json(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class _Finding:
    severity: str
    hint: str | None
    count: int = 0
    packages: int = 0
    examples: list[str] = field(default_factory=list)


class Report:
    """Counts of Records. `add` them in the order in which they are to be listed."""

    def __init__(self, fail_under: float | None = None) -> None:
        self.fail_under = fail_under
        self.packages: list[PackageLine] = []
        self._blocks: Counter[str] = Counter()
        self._files = 0
        self._kept: Counter[str] = Counter()
        self._findings: dict[str, _Finding] = {}

    def add(self, record: Record, outcome: Outcome | None = None) -> None:
        """Count a Record; `outcome` when this run knows better than the journal (`unchanged`)."""
        result: Mapping[str, Any] = record.result or {}
        percentage = float(result["percentage"]) if "percentage" in result else None
        findings: Iterable[Mapping[str, Any]] = result.get("findings", ())
        severities = Counter(str(finding["severity"]) for finding in findings)
        blocks: Mapping[str, int] = result.get("blocks", {})
        self.packages.append(
            PackageLine(
                _shown(record.source),
                record.destination,
                outcome or record.outcome,
                result.get("importer"),
                result.get("course"),
                sum(blocks.values()),
                percentage,
                int(result.get("dropped", 0)),
                severities["error"],
                severities["warning"],
                self.fail_under is not None and percentage is not None and percentage < self.fail_under,
                None if record.reason is None else _shown(record.reason),
                record.hint,
            )
        )
        self._blocks.update(blocks)
        self._files += int(result.get("files", 0))
        self._kept.update({kind: int(result.get(kind, 0)) for kind in ("converted", "verbatim", "dropped")})
        self._count_findings(record.destination, findings)

    def add_waiting(self, source: str, destination: str) -> None:
        """Count a package that was not tried."""
        self.add(Record(source, destination, Outcome.WAITING))

    def _count_findings(self, package: str, findings: Iterable[Mapping[str, Any]]) -> None:
        met = set()
        for finding in findings:
            code = str(finding["code"])
            known = self._findings.setdefault(code, _Finding(str(finding["severity"]), finding.get("hint")))
            known.count += 1
            if code not in met:
                met.add(code)
                known.packages += 1
                if len(known.examples) < _EXAMPLES:
                    known.examples.append(_shown(f"{package}: {_place(finding)}{finding['message']}"))

    @property
    def ok(self) -> bool:
        """Nothing failed, and nothing is under the threshold."""
        return not any(line.outcome is Outcome.FAILED or line.under for line in self.packages)

    def outcomes(self) -> dict[str, int]:
        """How many packages came to what, the ordinary outcomes always among them."""
        counts = Counter(str(line.outcome) for line in self.packages)
        return {str(outcome): counts[str(outcome)] for outcome in Outcome if outcome is not Outcome.DIED}

    def for_a_person(self) -> list[PackageLine]:
        """Packages that somebody has to look at: failed, not whole, under the threshold, or with errors."""
        return [
            line
            for line in self.packages
            if line.outcome is Outcome.FAILED or line.under or line.dropped or line.errors
        ]

    def to_json(self) -> dict[str, object]:
        """The report for scripts."""
        return {
            "format": 1,
            "ok": self.ok,
            "fail_under": self.fail_under,
            "outcomes": self.outcomes(),
            "items": {kind: self._kept[kind] for kind in ("converted", "verbatim", "dropped")},
            "files": self._files,
            "blocks": dict(sorted(self._blocks.items())),
            "packages": [line.to_json() for line in self.packages],
            "findings": [
                {
                    "code": code,
                    "severity": known.severity,
                    "count": known.count,
                    "packages": known.packages,
                    "hint": known.hint,
                    "examples": known.examples,
                }
                for code, known in self._by_weight()
            ],
            "for_a_person": [line.source for line in self.for_a_person()],
        }

    def to_markdown(self) -> str:
        """The report for people."""
        outcomes = self.outcomes()
        parts = [f"{count} {outcome}" for outcome, count in outcomes.items() if count]
        lines = ["# Migration", "", f"{len(self.packages)} packages: {', '.join(parts) or 'none'}.", ""]
        if self._kept.total():
            kept = self._kept
            lines += [
                f"{kept['converted']} items converted, {kept['verbatim']} kept verbatim, {kept['dropped']} dropped; "
                f"{self._files} files.",
                "",
            ]
        lines += self._person_section()
        if self._findings:
            rows = [
                (f"`{code}`", known.severity, known.count, known.packages, known.examples[0])
                for code, known in self._by_weight()
            ]
            lines += ["## Findings", "", *_table(("code", "severity", "times", "packages", "for example"), rows), ""]
        if self._blocks:
            counts = sorted(self._blocks.items(), key=lambda item: (-item[1], item[0]))
            lines += ["## Blocks", "", *_table(("block type", "count"), counts), ""]
        listed = [
            (line.destination, line.importer or "", line.course or "", line.blocks, _percent(line), line.outcome)
            for line in self.packages
        ]
        header = ("course folder", "format", "course", "blocks", "kept", "outcome")
        return "\n".join([*lines, "## Packages", "", *_table(header, listed), ""])

    def _person_section(self) -> list[str]:
        wanted = self.for_a_person()
        if not wanted:
            return ["Nothing needs a person.", ""]
        lines = ["## What needs a person", ""]
        for line in wanted:
            why = [line.reason] if line.reason else []
            why += [f"{line.dropped} items dropped"] if line.dropped else []
            why += [f"{_percent(line)} kept, under {self.fail_under:g} %"] if line.under else []
            why += [f"{line.errors} errors"] if line.errors else []
            lines.append(f"- **{line.destination}** (`{line.source}`): {_inline('; '.join(why))}")
            if line.hint:
                lines.append(f"  - {_inline(line.hint)}")
        return [*lines, ""]

    def _by_weight(self) -> list[tuple[str, _Finding]]:
        rank = {"error": 0, "warning": 1}
        return sorted(self._findings.items(), key=lambda item: (rank.get(item[1].severity, 2), -item[1].count, item[0]))


def _place(finding: Mapping[str, Any]) -> str:
    if not finding.get("path"):
        return ""
    return f"{finding['path']}:{finding['line']}: " if finding.get("line") else f"{finding['path']}: "


def _percent(line: PackageLine) -> str:
    return "" if line.percentage is None else f"{line.percentage:g} %"


def _shown(text: str) -> str:
    """A path may hold bytes that are no text; they are shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _inline(text: str) -> str:
    return " ".join(text.split())


def _table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> list[str]:
    def line(cells: Iterable[object]) -> str:
        return f"| {' | '.join(_inline(str(cell)).replace('|', chr(92) + '|') for cell in cells)} |"

    titles = tuple(header)
    return [line(titles), line("---" for _ in titles), *map(line, rows)]
