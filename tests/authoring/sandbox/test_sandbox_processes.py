"""The state outlives the server: a restart, a kill in the midst of things, a package larger than its memory."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from authoring.errors import SettingsError
from authoring.sandbox import DOCUMENTED, SandboxServer
from tests.studio import KEY, ROOT, Studio

PROGRAM = """
import sys
from pathlib import Path
from authoring.sandbox import serve
serve(Path(sys.argv[1]), "127.0.0.1", int(sys.argv[2]))
"""


@contextlib.contextmanager
def served(database: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A sandbox in a process of its own, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(database), str(port)])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(500):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{url}/_sandbox/state")
                break
            time.sleep(0.02)
        yield process, url
    finally:
        process.kill()
        process.wait()


def session(url: str) -> Studio:
    """A desk at a server that another process runs."""
    server = SandboxServer(Path("elsewhere"), DOCUMENTED)
    server.url = url
    return Studio(server)


def test_a_restart_keeps_all_but_the_tokens(tmp_path: Path) -> None:
    database = tmp_path / "s.sqlite3"
    with SandboxServer(database) as server, Studio(server).http:
        studio = Studio(server)
        with studio.http:
            studio.course()
            unit = studio.chain()[2]
            studio.http.post(f"/assets/{KEY}/", files={"file": ("a.png", b"png")})
            studio.publish(unit)
            before, log = server.snapshot(KEY), server.requests
    with SandboxServer(database) as server:
        assert server.snapshot(KEY) == before
        assert server.requests == log
        studio = Studio(server)
        with studio.http:
            assert studio.read(unit)["published"] is True
            assert studio.http.get(f"/courses/{KEY}/static/a.png").content == b"png"


def test_a_killed_server_keeps_every_write_that_it_answered(tmp_path: Path) -> None:
    database = tmp_path / "s.sqlite3"
    made: list[str] = []
    with served(database) as (process, url), session(url).http as http:
        names = {"org": "Demo", "number": "DS101", "run": "2027", "display_name": "Data"}
        assert http.post("/api/ibl/manage/course/", json=names).status_code == 200
        for _ in range(20):
            reply = http.post("/xblock/", json={"parent_locator": ROOT, "category": "chapter"})
            made.append(reply.json()["locator"])
        process.send_signal(signal.SIGKILL)
        process.wait()
    with SandboxServer(database) as server:
        studio = Studio(server)
        with studio.http:
            assert studio.children(ROOT) == studio.children(ROOT, "published") == made
            assert [row.kind for row in server.requests].count("create") == 21


def test_another_process_counts_the_log_and_sets_faults(tmp_path: Path) -> None:
    database = tmp_path / "s.sqlite3"
    with served(database) as (_, url), session(url).http as http:
        http.get(f"/api/ibl/manage/course/?course_key={KEY}")
        assert [row["status"] for row in http.get("/_sandbox/log").json()["requests"]] == [404]
        assert [row.status for row in SandboxServer(database).requests] == [404]
        http.post("/_sandbox/faults", json={"kind": "unauthorized"})
        assert http.get(f"/xblock/{ROOT}").status_code == 401


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak of a process's memory from /proc")
def test_a_large_package_is_not_held_in_memory(tmp_path: Path) -> None:
    size = 64_000_000
    large = tmp_path / "large.zip"
    with zipfile.ZipFile(large, "w") as archive:
        archive.writestr("imsmanifest.xml", "<manifest><resources/></manifest>")
        archive.writestr("index.html", "Hi")
        archive.writestr("video.mp4", bytes(size))
    form = {"has_score": "1", "weight": "1", "display_name": "Large", "width": "", "height": ""}
    form |= dict.fromkeys(("enable_navigation_menu", "enable_fullscreen_button", "popup_on_launch"), "0")
    form |= {"navigation_menu_width": ""}

    with served(tmp_path / "s.sqlite3") as (process, url), session(url).http as http:
        names = {"org": "Demo", "number": "DS101", "run": "2027", "display_name": "Data"}
        http.post("/api/ibl/manage/course/", json=names)
        scorm = http.post("/xblock/", json={"parent_locator": ROOT, "category": "scorm"}).json()["locator"]
        with large.open("rb") as stream:
            reply = http.post(f"/xblock/{scorm}/handler/studio_submit", data=form, files={"file": stream}, timeout=60)
        assert reply.json() == {"result": "success", "errors": []}
        with large.open("rb") as stream:
            reply = http.post(f"/assets/{KEY}/", files={"file": stream}, timeout=60)
        assert reply.json()["asset"]["file_size"] == large.stat().st_size
        status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    assert int(found[1]) * 1024 < size


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with (
        SandboxServer(tmp_path / "a.sqlite3") as server,
        pytest.raises(SettingsError, match="cannot listen"),
        SandboxServer(tmp_path / "b.sqlite3", port=int(server.url.rpartition(":")[2])),
    ):
        pass


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    database = tmp_path / "s.sqlite3"
    database.write_bytes(b"no database" * 1000)
    with pytest.raises(SettingsError, match="cannot be used"), SandboxServer(database):
        pass
