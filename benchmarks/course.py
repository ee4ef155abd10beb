"""How the main job grows with the course: `python benchmarks/course.py [COMPONENTS …]` (default 100 1000 10000).

For each size, in one run: reading and compiling as a ratio to plain markdown-it-py rendering of the same text, the first
push and its calls, a plan with nothing to do, a push after one paragraph changed, and peak memory. Seconds depend on the
machine; ratios and counts are what to compare.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from generate import generate
from markdown_it import MarkdownIt

from authoring.source import read_course


def seconds(work: Callable[[], object], rounds: int) -> float:
    """Median of `rounds` runs."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def authoring(*args: str) -> tuple[float, dict[str, object]]:
    """Wall seconds and the JSON result of a command in a process of its own."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "authoring", *args, "--json"], capture_output=True, text=True, check=True
    )
    return time.perf_counter() - start, json.loads(done.stdout)


def compile_only(folder: str) -> None:
    """Child process: read the course once and print the peak memory in MiB."""
    course, _ = read_course(Path(folder))
    assert course is not None
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measure(components: int, workspace: Path) -> dict[str, object]:
    folder = workspace / str(components)
    texts = generate(folder, components)
    plain = MarkdownIt("commonmark").enable("table")
    rounds = 5 if components <= 1000 else 3
    render = seconds(lambda: [plain.render(text) for text in texts], rounds)
    read = seconds(lambda: read_course(folder), rounds)
    memory = subprocess.run(
        [sys.executable, __file__, "--compile", str(folder)], capture_output=True, text=True, check=True
    )
    first, pushed = authoring("push", str(folder), "--publish", "--transport", "calls")
    calm, unchanged = authoring("plan", str(folder), "--publish", "--transport", "calls")
    unit = next(folder.glob("*/*/*.md"))
    unit.write_text(unit.read_text("utf-8").replace("\n- ", "\nOne more paragraph.\n\n- ", 1), "utf-8")
    after, changed = authoring("push", str(folder), "--publish", "--transport", "calls")
    return {
        "components": components,
        "render_s": round(render, 3),
        "compile_s": round(read, 3),
        "compile_to_render": round(read / render, 2),
        "compile_peak_mib": round(float(memory.stdout)),
        "first_push_s": round(first, 1),
        "first_push_calls": pushed["calls"],
        "plan_no_change_s": round(calm, 2),
        "plan_no_change_operations": len(unchanged["operations"]),  # type: ignore[arg-type]
        "one_paragraph_push_s": round(after, 2),
        "one_paragraph_calls": changed["calls"],
    }


def main() -> None:
    if sys.argv[1:2] == ["--compile"]:
        compile_only(sys.argv[2])
        return
    sizes = [int(argument) for argument in sys.argv[1:]] or [100, 1000, 10000]
    os.environ.pop("IBL_CMS_URL", None)
    with tempfile.TemporaryDirectory() as workspace:
        for size in sizes:
            print(json.dumps(measure(size, Path(workspace))), flush=True)


if __name__ == "__main__":
    main()
