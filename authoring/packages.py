"""The SCORM packages of a course before they are uploaded: what the platform will make of each, and what to send.

A package that the platform would misread is packed anew, once, in `.authoring/packages/`; the author's file stays as it is.
What was found is kept beside it by the digest of the file, so that a package of a gigabyte is looked through once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from authoring.archives import PackageError, open_package
from authoring.diagnostics import Code, Diagnostic, Diagnostics, Severity, all_codes, define
from authoring.model import Asset, Course, SourceLocation
from authoring.operations import Operation, Plan, UploadPackage
from importers.scorm.package import NOT_SCORM, read_package
from importers.scorm.prediction import Outcome, Prediction, member_names, predict
from importers.scorm.repack import repack

SCORM_REPACKED = define(
    "scorm-repacked",
    Severity.INFO,
    "A SCORM package that the platform would misread. A package made anew from it is uploaded in its place.",
    "nothing; or export the package again, so that what is in the folder is what the platform gets",
)

FORMAT = 1
_FOLDER = "packages"
_OF_PREDICTION = 3


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of one package. `file` is what is uploaded: the author's, or one packed anew."""

    file: Path
    title: str
    scos: int
    index_page: str | None
    """What the platform will start."""
    scorm_version: str | None
    repacked: bool
    findings: tuple[Diagnostic, ...]

    @property
    def is_fit(self) -> bool:
        """Whether the platform will take it."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)


class Packages:
    """The packages of one course folder. `local` is the folder for what belongs to this machine alone."""

    def __init__(self, local: Callable[[], Path]) -> None:
        self._local = local
        self._known: dict[str, Inspection] = {}

    def check(self, course: Course) -> Iterator[Diagnostic]:
        """What is to be said of the packages of a course, each finding at the place where the package is named."""
        for block in course.blocks():
            if block.package is not None:
                where = block.package.source or block.source
                for finding in self.inspect(block.package).findings:
                    message = finding.message
                    if finding.where is not None:
                        message = f"{block.package.name}: {finding.where}: {message}"
                    elif not message.startswith(block.package.name):
                        message = f"{block.package.name}: {message}"
                    yield replace(finding, message=message, where=where)

    def inspect(self, package: Asset) -> Inspection:
        """What the platform will make of a package. Nothing is raised for what is in it: that is among the findings."""
        if package.digest not in self._known:
            self._known[package.digest] = self._read(package) or self._look(package)
        return self._known[package.digest]

    def expect(self, plan: Plan) -> Plan:
        """The plan, each upload with what is expected of it."""

        def told(operation: Operation) -> Operation:
            if not isinstance(operation, UploadPackage):
                return operation
            found = self.inspect(operation.package)
            return replace(operation, index_page=found.index_page, scorm_version=found.scorm_version)

        return replace(plan, operations=tuple(map(told, plan.operations)))

    def prepare(self, plan: Plan) -> Plan:
        """The plan, each upload with the file that is sent."""

        def prepared(operation: Operation) -> Operation:
            if not isinstance(operation, UploadPackage) or operation.package.file is None:
                return operation
            found = self.inspect(operation.package)
            if not found.repacked:
                return operation
            package = replace(operation.package, file=found.file, size=found.file.stat().st_size)
            return replace(operation, package=package)

        return replace(plan, operations=tuple(map(prepared, plan.operations)))

    # --- looking

    def _look(self, package: Asset) -> Inspection:
        assert package.file is not None
        folder = self._local() / _FOLDER
        folder.mkdir(exist_ok=True)
        out = folder / f"{package.digest}.zip"
        try:
            found = _inspect(package.file, out)
        except PackageError as error:
            findings = tuple(error.diagnostics) or (_refused(error),)
            return Inspection(package.file, package.path.stem, 0, None, None, False, findings)
        self._write(package, found)
        return found

    def _record(self, package: Asset) -> Path:
        return self._local() / _FOLDER / f"{package.digest}.json"

    def _write(self, package: Asset, found: Inspection) -> None:
        row = {
            "format": FORMAT,
            "title": found.title,
            "scos": found.scos,
            "index_page": found.index_page,
            "scorm_version": found.scorm_version,
            "repacked": _digest(found.file) if found.repacked else None,
            "findings": [finding.to_json() for finding in found.findings],
        }
        self._record(package).write_text(json.dumps(row, ensure_ascii=False), "utf-8")

    def _read(self, package: Asset) -> Inspection | None:
        """What was found before; None when nothing is known, or what was packed anew is not what it was."""
        if package.file is None:
            return None
        record = self._record(package)
        file = package.file
        try:
            row = json.loads(record.read_text("utf-8"))
            if row["format"] != FORMAT:
                return None
            if row["repacked"] is not None:
                file = record.with_suffix(".zip")
                if _digest(file) != row["repacked"]:
                    return None
            codes = {str(code): code for code in all_codes()}
            return Inspection(
                file=file,
                title=str(row["title"]),
                scos=int(row["scos"]),
                index_page=row["index_page"],
                scorm_version=row["scorm_version"],
                repacked=row["repacked"] is not None,
                findings=tuple(_finding(item, codes) for item in row["findings"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None  # it is looked at again


def _inspect(file: Path, out: Path) -> Inspection:
    """Look through a package; where the platform would misread it, write one that it reads at `out`."""
    with open_package(file) as package:
        meant = read_package(package)
        prediction = predict(package, member_names(file), meant)
        findings = Diagnostics([*package.findings, *meant.findings])
        repacked = prediction.goes_wrong and bool(meant.scos)
        if repacked:
            repack(package, out)
            prediction = _mended(prediction, out, findings)
        findings.extend(prediction.problems)
        return Inspection(
            file=out if repacked else file,
            title=meant.title,
            scos=len(meant.scos),
            index_page=prediction.index_page,
            scorm_version=prediction.scorm_version,
            repacked=repacked,
            findings=findings.sorted(),
        )


def _mended(before: Prediction, out: Path, findings: Diagnostics) -> Prediction:
    """What the platform makes of the package that was made anew. What was mended is said, and is no problem any more."""
    with open_package(out) as package:
        after = predict(package, member_names(out))
    left = {problem.code for problem in after.problems}
    mended = [problem for problem in before.problems if problem.code not in left]
    if after.outcome is Outcome.ACCEPTED:
        reasons = "; ".join(problem.message for problem in mended[:_OF_PREDICTION])
        findings.report(SCORM_REPACKED, f"it is packed anew for the upload: {reasons}", None)
    return after


def _refused(error: PackageError) -> Diagnostic:
    return Diagnostic(NOT_SCORM, error.message, None, error.hint or NOT_SCORM.remedy, Severity.ERROR)


def _finding(row: Mapping[str, object], codes: Mapping[str, Code]) -> Diagnostic:
    path = row["path"]
    line = row["line"]
    where = SourceLocation(PurePosixPath(str(path)), line if isinstance(line, int) else None) if path else None
    hint = row["hint"]
    return Diagnostic(
        codes[str(row["code"])],
        str(row["message"]),
        where,
        None if hint is None else str(hint),
        Severity(str(row["severity"])),
    )


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
