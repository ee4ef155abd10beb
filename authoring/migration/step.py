"""What a migration does to each package unless it is told otherwise: `authoring import` of it."""

from __future__ import annotations

from pathlib import Path


def import_step(source: str, destination: str) -> dict[str, object]:
    """Make a course folder of a package. Returns `ImportResult.to_json()`; raises AuthoringError as `import_package` does."""
    # Imported by the workers only: whoever hands out the work needs none of the package readers.
    from authoring.importing import import_package

    return import_package(Path(source), Path(destination)).to_json()
