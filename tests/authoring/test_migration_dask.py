"""The same migration on a Dask cluster: a real scheduler and two workers, as processes, over loopback TCP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_migration import go, obey, outcomes, packages, reasons, tree, wait_until, workers_of

from authoring.cli import migration as command
from authoring.errors import AuthoringError
from authoring.migration import InProcess, Outcome, Report, WorkerProcesses
from authoring.migration.cluster import Cluster

distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")

MIXED = {"a.zip": "ok", "b/a.zip": "drop", "c.zip": "fail", "d/course.xml": "ok", "e.zip": "defect", "f.zip": "talk"}


class Processes:
    """A scheduler and its workers, each in a session of its own. They end by themselves when nobody uses them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        told = folder / "scheduler.json"
        ends = ("--idle-timeout", "60")
        self._scheduler = self._start("dask_scheduler", "--port", "0", "--scheduler-file", str(told), *ends)
        wait_until(lambda: told.exists() and told.read_bytes().endswith(b"}"))
        self.address: str = json.loads(told.read_text())["address"]

    def add_worker(self, *options: str) -> None:
        """Start a worker; it is not waited for."""
        common = ("--nthreads", "1", "--death-timeout", "20", "--lifetime", "300", "--local-directory")
        self.workers.append(self._start("dask_worker", self.address, *common, str(self._folder), *options))

    def _start(self, module: str, *options: str) -> subprocess.Popen[bytes]:
        paths = os.pathsep.join(path for path in sys.path if path)
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", "--host", "127.0.0.1", "--no-dashboard", *options],
            env={**os.environ, "PYTHONPATH": paths, "MIGRATION_TEST": str(self._folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def close(self) -> None:
        for process in (*self.workers, self._scheduler):
            kill(process)
        # Lanes have sessions of their own: they end because their workers are gone.
        wait_until(lambda: not workers_of(self._folder), 20)


def kill(process: subprocess.Popen[bytes]) -> None:
    """As the kernel does it when memory runs out: without a word, and with the nanny."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """A scheduler with two workers, one under a nanny, as `dask worker` starts them, and one without."""
    processes = Processes(tmp_path_factory.mktemp("cluster"))
    try:
        processes.add_worker()
        processes.add_worker("--no-nanny")
        yield processes
    finally:
        processes.close()


def go_on(cluster: Processes, source: Path, out: Path, *, timeout: float | None = None) -> Report:
    with Cluster(cluster.address, timeout) as runner:
        return go(source, out, runner)


def test_the_result_is_the_same_as_on_this_machine(tmp_path: Path, cluster: Processes) -> None:
    source = packages(tmp_path / "in", MIXED)
    here, there = tmp_path / "here", tmp_path / "there"
    go(source, here, WorkerProcesses(2))
    report = go_on(cluster, source, there)
    assert tree(there) == tree(here)
    assert sum(line.outcome is Outcome.DONE for line in report.packages) == 4
    again = go_on(cluster, source, there)
    assert sum(line.outcome is Outcome.UNCHANGED for line in again.packages) == 4


def test_a_package_that_dies_or_hangs_costs_no_worker(tmp_path: Path, cluster: Processes) -> None:
    mark = tmp_path / "mark"
    orders = {"a.zip": "die", "b.zip": "hang", "c.zip": f"die-once {mark}", "d.zip": "ok", "e.zip": "ok"}
    report = go_on(cluster, packages(tmp_path / "in", orders), tmp_path / "out", timeout=4)
    assert outcomes(report) == {"a": "failed", "b": "failed", "c": "done", "d": "done", "e": "done"}
    assert "SIGKILL" in str(reasons(report)["a"])
    assert reasons(report)["b"] == "not finished after 4 seconds"
    assert all(worker.poll() is None for worker in cluster.workers)


def test_a_worker_that_is_killed_in_mid_run_costs_nothing_but_time(tmp_path: Path, cluster: Processes) -> None:
    mark = tmp_path / "mark"
    held = {f"held{number}.zip": f"wait-for {mark}" for number in range(6)}
    source = packages(tmp_path / "in", {**MIXED, **held})
    here, there = tmp_path / "here", tmp_path / "there"
    finished: list[Mapping[str, str]] = []
    run = threading.Thread(target=lambda: finished.append(outcomes(go_on(cluster, source, there))), daemon=True)
    run.start()
    # Both workers hold a package in the middle; one of them is killed there.
    wait_until(lambda: len(list(there.glob(".unfinished/*/held*/course"))) == 2)
    kill(cluster.workers[0])
    mark.touch()
    run.join(60)
    assert len(finished) == 1
    assert not (there / ".unfinished").exists()
    go(source, here, InProcess())
    assert tree(there) == tree(here)


def test_a_scheduler_that_goes_away_ends_the_run_which_goes_on_elsewhere(tmp_path: Path, cluster: Processes) -> None:
    mark = tmp_path / "mark"
    source = packages(tmp_path / "in", {"a.zip": "ok", "b.zip": f"wait-for {mark}"})
    errors: list[BaseException] = []

    def run() -> None:
        try:
            go_on(cluster, source, tmp_path / "out")
        except AuthoringError as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    journal = tmp_path / "out/migration.jsonl"
    wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") == 1)
    cluster.close()
    thread.join(90)
    assert [str(error) for error in errors] == ["the connection to the Dask scheduler is lost"]
    mark.touch()
    assert outcomes(go(source, tmp_path / "out")) == {"a": "unchanged", "b": "done"}


def test_the_command_runs_on_a_cluster(tmp_path: Path, cluster: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "import_step", obey)
    source = packages(tmp_path / "in", {"a.zip": "ok"})
    arguments = [str(source), str(tmp_path / "out"), "--scheduler", cluster.address, "--json"]
    done = CliRunner().invoke(command.migrate, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["outcomes"]["done"] == 1


def test_an_address_where_nobody_answers() -> None:
    with pytest.raises(AuthoringError, match="no Dask scheduler answers"):
        Cluster("tcp://127.0.0.1:1", connect_seconds=1)
