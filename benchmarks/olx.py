"""Reading OLX: as a ratio to bare XML parsing and to olxcleaner's load of the same files; memory for a large course.

`python benchmarks/olx.py 1000 10000 50000` prints a line of JSON for each number of blocks.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

HTML = "<p>" + "Words about data, and <b>some</b> more of them. " * 20 + "</p>"
PROBLEM = (
    "<problem display_name='P' max_attempts='2'><multiplechoiceresponse><label>Which?</label><choicegroup>"
    "<choice correct='true'>a</choice><choice correct='false'>b</choice></choicegroup></multiplechoiceresponse></problem>"
)
PER_UNIT, PER_SUBSECTION, PER_SECTION = 8, 5, 5


def make(folder: Path, components: int) -> None:
    """A course as Studio exports it, half texts and half problems."""

    def put(path: str, text: str) -> None:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def level(tag: str, below: str, names: list[str], size: int) -> list[str]:
        parents = []
        for number in range(0, len(names), size):
            name = f"{tag}{number // size}"
            inner = "".join(
                f"<{child.split(':')[0]} url_name='{child.split(':')[1]}'/>" for child in names[number : number + size]
            )
            put(f"{tag}/{name}.xml", f"<{tag} display_name='{tag} {number}'>{inner}</{tag}>")
            parents.append(f"{tag}:{name}")
        return parents

    leaves = []
    for number in range(components):
        if number % 2:
            put(f"problem/p{number}.xml", PROBLEM)
            leaves.append(f"problem:p{number}")
        else:
            put(f"html/h{number}.xml", f"<html filename='h{number}' display_name='Text'/>")
            put(f"html/h{number}.html", HTML)
            leaves.append(f"html:h{number}")
    units = level("vertical", "html", leaves, PER_UNIT)
    parts = level("sequential", "vertical", units, PER_SUBSECTION)
    sections = level("chapter", "sequential", parts, PER_SECTION)
    inner = "".join(f"<chapter url_name='{section.split(':')[1]}'/>" for section in sections)
    put("course/R.xml", f"<course display_name='C'>{inner}</course>")
    put("course.xml", "<course url_name='R' org='O' course='N'/>")
    put("policies/R/policy.json", json.dumps({"course/R": {"display_name": "C"}}))
    put("policies/R/grading_policy.json", json.dumps({"GRADER": [], "GRADE_CUTOFFS": {"Pass": 0.5}}))


def read_ours(folder: Path) -> None:
    from authoring.archives import open_package
    from importers.olx.course import read_olx
    from importers.olx.layout import find_roots

    with open_package(folder) as package:
        read_olx(package, find_roots(package.files)[0])


def parse_bare(folder: Path) -> None:
    from lxml import etree

    for file in folder.rglob("*.*"):
        if file.suffix == ".xml":
            etree.parse(str(file))
        else:
            file.read_bytes()


def load_cleaner(folder: Path) -> None:
    import olxcleaner

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        olxcleaner.validate(str(folder / "course.xml"), steps=4)


WAYS: dict[str, Callable[[Path], None]] = {"ours": read_ours, "lxml": parse_bare, "olxcleaner": load_cleaner}


def measured(way: str, folder: Path) -> tuple[float, int]:
    """Seconds without start-up, and peak MiB, of a process that does only that."""
    run = subprocess.run(
        [sys.executable, __file__, "--measure", way, str(folder)], capture_output=True, text=True, check=True
    )
    seconds, mib = json.loads(run.stdout)
    return float(seconds), int(mib)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--measure"]:
        start = time.perf_counter()
        WAYS[arguments[1]](Path(arguments[2]))
        seconds = time.perf_counter() - start
        print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))
        return
    for count in map(int, arguments or ["1000"]):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "course"
            make(folder, count)
            parse_bare(folder)  # the files are in the cache for everybody
            found = {way: measured(way, folder) for way in WAYS}
        seconds, mib = found["ours"]
        line = {
            "components": count,
            "seconds": round(seconds, 2),
            "to_lxml": round(seconds / found["lxml"][0], 2),
            "to_olxcleaner": round(seconds / found["olxcleaner"][0], 2),
            "peak_mib": mib,
            "olxcleaner_peak_mib": found["olxcleaner"][1],
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
