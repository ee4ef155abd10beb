"""What stands beside the courses of a rerun: their platform files, applied for the new run when the courses are there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from authoring import declared
from authoring.cli.output import CONSENT, echo, error_report
from authoring.cli.platform_declared import show_applied
from authoring.client import Client
from authoring.declared import Applied
from authoring.errors import AuthoringError
from authoring.sandbox import Profile, SandboxServer
from authoring.session import SANDBOX_FILE
from authoring.settings import load_target, sandbox_target
from authoring.state import local_folder


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
            with _connected(target_name, folders[0], profile) as client:
                found.append(Beside(file, run, declared.apply(declaration, client, environ=os.environ)))
        except AuthoringError as error:
            found.append(Beside(file, run, error=error))
    return tuple(found)


@contextmanager
def _connected(target_name: str | None, folder: Path, profile: Profile) -> Iterator[Client]:
    """The target of a course folder; where none is configured, its embedded sandbox."""
    target = load_target(target_name, folder, os.environ)
    if target is not None:
        with Client(target) as client:
            yield client
        return
    with (
        SandboxServer(local_folder(folder) / SANDBOX_FILE, profile) as server,
        Client(sandbox_target(server.url)) as client,
    ):
        yield client
