"""What a slow network costs: `python benchmarks/latency.py [MILLISECONDS] [COMPONENTS]` (default 50 10000).

The sandbox answers every request that much later. Printed as JSON lines, each a ratio of one run:

    first push        wall time to (its calls one after the other) x latency, and the same with reading back
    eight courses     wall time of eight first pushes side by side to that of one
    one paragraph     wall time of a push after one paragraph changed, in a course of that many components, to (its calls) x latency
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from click.testing import CliRunner, Result

from authoring.cli import main as authoring
from authoring.sandbox import SandboxServer

LOGIN = {
    "IBL_CLIENT_ID": "sandbox",
    "IBL_CLIENT_SECRET": "sandbox",
    "IBL_STUDIO_SESSION": "sandbox",
    "IBL_STUDIO_CSRF": "sandbox",
}


def write_course(folder: Path, number: int, components: int) -> None:
    """Ten units to a subsection, ten subsections to a section; ten texts and problems to a unit of a large course."""
    folder.mkdir(parents=True)
    (folder / "course.yaml").write_text(f"org: Bench\nnumber: L{number}\nrun: r\ntitle: Course {number}\n")
    per_unit = 10 if components > 100 else 2
    for unit in range(max(1, components // per_unit)):
        section, subsection = unit // 100 + 1, unit // 10 + 1
        place = folder / f"{section:02}-s{section}/{subsection % 10:02}-b{subsection}"
        place.mkdir(parents=True, exist_ok=True)
        parts = [f"---\ntitle: Unit {unit}\n---\n"]
        for part in range(per_unit // 2):
            parts.append(f":::html {{#t{unit}-{part}}}\ntitle: Text {part}\n---\nWords {unit} {part}.\n:::\n")
            parts.append(
                f":::problem {{#p{unit}-{part}}}\ntitle: Task {part}\n---\n>>1 + {part}?<<\n\n= {part + 1}\n:::\n"
            )
        (place / f"{unit % 10 + 1:02}-u{unit}.md").write_text("\n".join(parts))


def run(url: str, *arguments: str) -> tuple[float, Result]:
    environ = {**LOGIN, "IBL_CMS_URL": url, "IBL_LMS_URL": url}
    began = time.perf_counter()
    result = CliRunner(env=environ).invoke(authoring, list(arguments))
    seconds = time.perf_counter() - began
    if result.exit_code:
        raise SystemExit(result.output)
    return seconds, result


def show(**row: object) -> None:
    print(json.dumps(row), flush=True)


def main(milliseconds: float, components: int) -> None:
    latency = milliseconds / 1000
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        with SandboxServer(home / "s.sqlite3") as server:
            for number in range(1, 10):
                write_course(home / f"c{number}", number, 40)
            server.faults.latency = latency
            for option in ("--no-verify", "--verify"):
                folder = home / "c9"
                if option == "--verify":
                    shutil.rmtree(folder)
                    write_course(folder, 10, 40)
                server.clear_log()
                one, _ = run(server.url, "push", str(folder), option)
                calls = len(server.requests)
                show(
                    run=f"first push {option}",
                    calls=calls,
                    seconds=round(one, 2),
                    of_calls=round(one / (calls * latency), 2),
                )
            many, _ = run(server.url, "push", *(str(home / f"c{number}") for number in range(1, 9)), "--jobs", "8")
            show(run="eight courses side by side", seconds=round(many, 2), of_one=round(many / one, 2))
        with SandboxServer(home / "l.sqlite3") as server:
            folder = home / "large"
            write_course(folder, 11, components)
            run(server.url, "push", str(folder), "--no-verify", "--transport", "calls")
            server.faults.latency = latency
            file = next(path for path in folder.rglob("*.md") if "Words 0 0." in path.read_text())
            file.write_text(file.read_text().replace("Words 0 0.", "Other words."))
            server.clear_log()
            seconds, _ = run(server.url, "push", str(folder))
            calls = len(server.requests)
            show(
                run=f"one paragraph of {components:,} components",
                calls=calls,
                seconds=round(seconds, 2),
                of_calls=round(seconds / (calls * latency), 2),
            )


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 50, int(sys.argv[2]) if sys.argv[2:] else 10_000)
