"""What stands beside the courses of a rerun: their platform files, applied for the new run when the courses are there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from authoring import declared
from authoring.cli.output import CONSENT, echo, error_report
from authoring.cli.platform_common import connected
from authoring.cli.platform_declared import show_applied
from authoring.declared import Applied
from authoring.errors import AuthoringError
from authoring.sandbox import Profile


@dataclass(frozen=True, slots=True)
class Beside:
    """What became of one platform file, as one run: `applied`, or an `error`, or the folders of courses it `waits` for."""

    file: Path
    run: str
    applied: Applied | None = None
    error: AuthoringError | None = None
    waits: tuple[Path, ...] = ()

    @property
    def exit_code(self) -> int:
        if self.error is not None:
            return self.error.exit_code
        if self.applied is None:
            return 0  # the course that is not there says why
        return CONSENT if self.applied.plan.doubts else self.applied.exit_code

    def to_json(self) -> dict[str, object]:
        head: dict[str, object] = {"file": str(self.file), "run": self.run, "exit_code": self.exit_code}
        if self.error is not None:
            return head | error_report(self.error)
        if self.applied is None:
            return head | {"waits_for": [str(folder) for folder in self.waits]}
        return head | self.applied.to_json()

    def show(self) -> None:
        """Print it."""
        if self.waits:
            names = ", ".join(map(str, self.waits))
            echo(f"{self.file}: NOT APPLIED: it waits for {names}; run the same command again")
        elif self.error is not None:
            echo(f"{self.file}: FAILED: {self.error.message}")
            if self.error.hint:
                echo(f"  hint: {self.error.hint}")
        elif self.applied is not None:
            echo(f"{self.file}, as {self.run}:")
            show_applied(self.applied)


def apply_beside(
    files: Mapping[tuple[Path, str], Sequence[Path]],
    ready: Mapping[Path, bool],
    target_name: str | None,
    profile: Profile,
) -> tuple[Beside, ...]:
    """Apply each `(file, run)` once all its courses (folders) are `ready`, one after the other: files may share rows."""
    found: list[Beside] = []
    for (file, run), folders in files.items():
        waits = tuple(folder for folder in folders if not ready[folder])
        if waits:
            found.append(Beside(file, run, waits=waits))
            continue
        try:
            declaration = declared.read_declared(file, run)
            with connected(target_name, folders[0], profile) as client:
                found.append(Beside(file, run, declared.apply(declaration, client, environ=os.environ)))
        except AuthoringError as error:
            found.append(Beside(file, run, error=error))
    return tuple(found)
