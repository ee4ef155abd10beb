"""A SCORM package of any size to the sandbox: `python benchmarks/scorm.py [MEBIBYTES ...]` (default 64 1024).

For each size: a package of that size that hardly compresses is made, pushed to a sandbox in a process of its own over
loopback HTTP, as a form and as JSON. `peak_mib` is the highest memory that the pushing process held, by the kernel's account (Linux);
`of_copy` is the time of the push against the time of copying the file. The sandbox is not counted.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path

MANIFEST = """<?xml version="1.0"?>
<manifest identifier="M" xmlns="http://www.imsproject.org/xsd/imscp_rootv1p1p2"
  xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_rootv1p2">
<metadata><schema>ADL SCORM</schema><schemaversion>1.2</schemaversion></metadata>
<organizations default="O"><organization identifier="O"><title>Large</title>
<item identifier="I" identifierref="R" isvisible="true"><title>Large</title></item></organization></organizations>
<resources><resource identifier="R" type="webcontent" adlcp:scormtype="sco" href="index.html"/></resources>
</manifest>
"""


def write_course(folder: Path, mebibytes: int) -> Path:
    (folder / "01-a/01-b").mkdir(parents=True)
    (folder / "course.yaml").write_text("org: Bench\nnumber: S\nrun: r\ntitle: Large\n")
    package = folder / "01-a/01-b/01-large.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("imsmanifest.xml", MANIFEST)
        archive.writestr("index.html", "<html><body>Large</body></html>")
        piece = os.urandom(1 << 20)
        for number in range(max(1, mebibytes // 64)):
            with archive.open(f"video{number}.mp4", "w", force_zip64=True) as stream:
                for _ in range(min(64, mebibytes)):
                    stream.write(piece)
    return package


def push(folder: Path, url: str) -> None:
    """In a process of its own: push, and print what it took as JSON."""
    from click.testing import CliRunner

    from authoring.cli import main

    login = {"IBL_CLIENT_ID": "sandbox", "IBL_CLIENT_SECRET": "sandbox"}
    began = time.perf_counter()
    result = CliRunner(env={**login, "IBL_CMS_URL": url, "IBL_LMS_URL": url}).invoke(main, ["push", str(folder)])
    seconds = time.perf_counter() - began
    if result.exit_code:
        raise SystemExit(result.output)
    # Not getrusage: what it tells of a child begins with the peak of its parent, where the sandbox is.
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(json.dumps({"seconds": round(seconds, 2), "peak_mib": round(int(peak) / 1024)}))


def main(sizes: list[int]) -> None:
    from authoring.sandbox import DOCUMENTED, SandboxServer

    for mebibytes in sizes:
        for way in ("multipart", "json"):
            with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
                folder = Path(name) / "course"
                package = write_course(folder, mebibytes)
                began = time.perf_counter()
                shutil.copyfile(package, Path(name) / "copy")
                copy = time.perf_counter() - began
                # The sandbox refuses large JSON, as the platform does; here it is the sender that is looked at.
                profile = replace(DOCUMENTED, json_limit=1 << 40)
                with SandboxServer(Path(name) / "sandbox.sqlite3", profile) as server:
                    settings = f'default = "t"\n[targets.t]\ncms_url = "{server.url}"\nlms_url = "{server.url}"\n'
                    (folder / "authoring.toml").write_text(f'{settings}scorm_upload = "{way}"\n')
                    command = [sys.executable, __file__, "--push", str(folder), server.url]
                    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                print(
                    json.dumps(
                        {"mebibytes": mebibytes, "way": way, **told, "of_copy": round(told["seconds"] / copy, 1)}
                    )
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--push"]:
        push(Path(sys.argv[2]), sys.argv[3])
    else:
        main([int(size) for size in sys.argv[1:]] or [64, 1024])
