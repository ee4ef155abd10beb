"""What a migration does to each package unless it is told otherwise: `authoring import` of it."""

from __future__ import annotations

from pathlib import Path


def import_step(source: str, destination: str, *, shape: str = "auto", explode: bool = False) -> dict[str, object]:
    """Make a course folder of a package. Returns `ImportResult.to_json()`; raises AuthoringError as `import_package` does.

    `shape` and `explode` are those of :class:`authoring.importing.ImportOptions`, as text: they go to other machines.
    """
    # Imported by the workers only: whoever hands out the work needs none of the package readers.
    from authoring.importing import ImportOptions, import_package
    from importers import Shape

    options = ImportOptions(shape=Shape(shape), explode=explode)
    return import_package(Path(source), Path(destination), options=options).to_json()
