"""Many packages at once: SOURCE… -> a course folder for each, a journal and a report.

    sources   files, folders, globs, URLs -> Packages, each with the name of its course folder
    run       Packages + Journal -> Jobs -> a Runner -> Records -> Journal -> Report
    runners   worker processes of this machine (`lane` is one of them); `cluster`: a Dask cluster
    work      Job -> Record: fetch, compare, convert, publish; on whatever machine
    storage   course folders and their markers, in a folder or behind a URL
    step      what is done to one package by default: `authoring.importing`

The step is handed in, a plain function from package to result, so everything here is the same for any of them.
"""

from __future__ import annotations

from authoring.migration.records import Journal, Outcome, Record, Step
from authoring.migration.report import Report
from authoring.migration.run import Item, Observer, Standing, plan_migration, run_migration
from authoring.migration.runners import InProcess, Runner, WorkerProcesses

__all__ = [
    "InProcess",
    "Item",
    "Journal",
    "Observer",
    "Outcome",
    "Record",
    "Report",
    "Runner",
    "Standing",
    "Step",
    "WorkerProcesses",
    "plan_migration",
    "run_migration",
]
