"""How migration grows with workers: `python benchmarks/migrate.py [PACKAGES [UNITS]]` (default 200 40).

Makes that many OLX tarballs, each with that many units of one text and one problem, and migrates all of them for each
number of workers: packages a second, and the speed-up over one worker. Where Dask's distributed is installed, the same
on a cluster of this machine, with a scheduler and worker processes over loopback TCP. `rerun_s` is a run with nothing
to do: every package is read and compared by digest. `unpack_per_second` is one process that only unpacks the same
tarballs, the floor under any conversion. Seconds depend on the machine; ratios of one run are what to compare.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from authoring.migration import Runner, WorkerProcesses, run_migration
from authoring.migration.cluster import Cluster
from authoring.migration.step import import_step


def olx(units: int, number: int) -> dict[str, str]:
    """An OLX course as `{path: text}`."""
    files = {
        "course.xml": f'<course org="Bench" course="C{number}" url_name="run"/>',
        "course/run.xml": f'<course display_name="Course {number}"><chapter url_name="chapter"/></course>',
        "policies/run/policy.json": '{"course/run": {"start": "2030-01-01T00:00:00Z"}}',
        "policies/run/grading_policy.json": '{"GRADER": [], "GRADE_CUTOFFS": {"Pass": 0.5}}',
        "chapter/chapter.xml": '<chapter display_name="Chapter"><sequential url_name="sequential"/></chapter>',
        "sequential/sequential.xml": '<sequential display_name="Sequence">'
        + "".join(f'<vertical url_name="unit{unit}"/>' for unit in range(units))
        + "</sequential>",
    }
    for unit in range(units):
        files[f"vertical/unit{unit}.xml"] = (
            f'<vertical display_name="Unit {unit}"><html url_name="text{unit}"/><problem url_name="task{unit}"/></vertical>'
        )
        files[f"html/text{unit}.xml"] = f'<html display_name="Text {unit}" filename="text{unit}"/>'
        files[f"html/text{unit}.html"] = f"<h2>Text {unit}</h2>" + "<p>Some <b>words</b> to read.</p>" * 30
        files[f"problem/task{unit}.xml"] = (
            f'<problem display_name="Task {unit}"><numericalresponse answer="{unit}"><label>How many?</label>'
            "<formulaequationinput/></numericalresponse></problem>"
        )
    return files


def write_packages(folder: Path, packages: int, units: int) -> None:
    folder.mkdir()
    for number in range(packages):
        with tarfile.open(folder / f"course{number:05}.tar.gz", "w:gz", compresslevel=1) as tar:
            for name, text in olx(units, number).items():
                member = tarfile.TarInfo(f"course/{name}")
                content = text.encode()
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def unpack_all(source: Path, destination: Path) -> float:
    start = time.perf_counter()
    for package in sorted(source.iterdir()):
        with tarfile.open(package) as tar:
            tar.extractall(destination / package.name, filter="data")
    return time.perf_counter() - start


def migrate_all(source: Path, destination: Path, runner: Runner) -> float:
    start = time.perf_counter()
    report = run_migration([str(source)], str(destination), import_step, runner)
    spent = time.perf_counter() - start
    assert report.ok, [line.reason for line in report.packages if line.reason][:3]
    return spent


@contextmanager
def local_cluster(workers: int) -> Iterator[Cluster]:
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Cluster(cluster.scheduler_address) as runner,
    ):
        yield runner


def main() -> None:
    packages, units = (int(value) for value in (*sys.argv[1:], *("200", "40")[len(sys.argv) - 1 :]))
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    counts = sorted({1, 2, processors, 2 * processors})
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        source = workspace / "packages"
        write_packages(source, packages, units)
        floor = packages / unpack_all(source, workspace / "unpacked")
        common = {"packages": packages, "units": units, "processors": processors}
        print(json.dumps({**common, "unpack_per_second": round(floor, 1)}))
        one = 0.0
        for workers in counts:
            runner = WorkerProcesses(workers)
            spent = migrate_all(source, workspace / f"here{workers}", runner)
            rerun = migrate_all(source, workspace / f"here{workers}", runner)
            one = one or spent
            row = {"workers": workers, "per_second": round(packages / spent, 1), "speed_up": round(one / spent, 2)}
            print(json.dumps({"on": "processes", **row, "rerun_s": round(rerun, 2)}))
        if importlib.util.find_spec("distributed") is None:
            return
        for workers in counts:
            with local_cluster(workers) as runner:
                spent = migrate_all(source, workspace / f"there{workers}", runner)
            row = {"workers": workers, "per_second": round(packages / spent, 1), "speed_up": round(one / spent, 2)}
            print(json.dumps({"on": "dask", **row}))


if __name__ == "__main__":
    main()
