"""Findings as SARIF 2.1.0 (OASIS), which code-scanning views of git hosts read. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from authoring import __version__
from authoring.diagnostics import Diagnostic, Severity

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif_log(findings: Iterable[Diagnostic]) -> dict[str, object]:
    """One run with its rules and results; paths are relative to the course folder."""
    found = list(findings)
    codes = {finding.code.name: finding.code for finding in found}
    rules = sorted(codes)
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "authoring",
                        "semanticVersion": __version__,
                        "rules": [
                            {
                                "id": name,
                                "shortDescription": {"text": codes[name].summary},
                                "help": {"text": codes[name].remedy},
                                "defaultConfiguration": {"level": _LEVELS[codes[name].severity]},
                            }
                            for name in rules
                        ],
                    }
                },
                "results": [_result(finding, rules.index(finding.code.name)) for finding in found],
            }
        ],
    }


def _result(finding: Diagnostic, rule: int) -> dict[str, object]:
    text = f"{finding.message}\n{finding.hint}" if finding.hint else finding.message
    result: dict[str, object] = {
        "ruleId": finding.code.name,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
    }
    if finding.where is not None:
        place: dict[str, object] = {"artifactLocation": {"uri": quote(str(finding.where.path))}}
        if finding.where.line is not None:
            place["region"] = {"startLine": finding.where.line}
        result["locations"] = [{"physicalLocation": place}]
    return result
