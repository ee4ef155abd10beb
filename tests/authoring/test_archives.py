"""Packages that must not, or cannot, be opened: each its own message, within bounds, and nothing is left behind."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

from authoring.archives import MIN_BOMB, Limits, PackageError, open_package
from authoring.importing import ImportOptions, import_package
from tests.packages import ARCHIVES, CORPUS, COURSE_XML, make_package


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    yield
    assert list(scratch.iterdir()) == []


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def make_tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def refusal(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(PackageError) as caught, open_package(path, limits):
        pass
    assert caught.value.hint and caught.value.diagnostics
    return caught.value.message


def encrypted(path: Path) -> Path:
    make_zip(path, {"course.xml": b"x"})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(data)
    return path


def truncated(path: Path) -> Path:
    make_tar(path, (member("course.xml"), os.urandom(50_000)))
    path.write_bytes(path.read_bytes()[:20_000])
    return path


def symlink_in_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: make_zip(p, {"../../evil": b"x"}), "leaves the package"),
        (lambda p: make_zip(p, {"/etc/evil": b"x"}), "is absolute"),
        (lambda p: make_zip(p, {"C:\\evil": b"x"}), "is absolute"),
        (lambda p: make_zip(p, {"..\\evil": b"x"}), "leaves the package"),
        (lambda p: make_zip(p, {"a\nb": b"x"}), "control characters"),
        (lambda p: make_zip(p, {"/".join("d" * 60): b"x"}), "nests deeper"),
        (lambda p: make_zip(p, {"n" * 5000: b"x"}), "5,000 characters"),
        (lambda p: make_zip(p, {}), "it holds no files"),
        (symlink_in_zip, "symbolic link"),
        (encrypted, "password"),
        (truncated, "damaged or cut short"),
        (lambda p: make_tar(p, (member("l", tarfile.SYMTYPE, "../../etc/passwd"), b"")), "leaves the package"),
        (lambda p: make_tar(p, (member("l", tarfile.SYMTYPE, "/etc/passwd"), b"")), "is a link to /etc/passwd"),
        (lambda p: make_tar(p, (member("l", tarfile.LNKTYPE, "../x"), b"")), "leaves the package"),
        (lambda p: make_tar(p, (member("d", tarfile.CHRTYPE), b"")), "device or a pipe"),
        (lambda p: make_tar(p, (member("f", tarfile.FIFOTYPE), b"")), "device or a pipe"),
        (lambda p: (p.write_bytes(b"") and p) or p, "an empty file"),
        (lambda p: p.write_bytes(b"%PDF-1.7") and p, "a PDF"),
        (lambda p: p.write_bytes(b"PK\x03\x04" + b"\0" * 100) and p, "damaged"),
        (lambda p: p.write_bytes(b"\x1f\x8b" + b"\0" * 100) and p, "damaged"),
    ],
)
def test_hostile_and_broken_archives(make: Callable[[Path], Path], said: str, tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    make(path)
    assert said in refusal(path)


def test_a_bomb_costs_neither_disk_nor_memory(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("zeros", "w", force_zip64=True) as sink,
    ):
        for _ in range(200):
            sink.write(b"\0" * 2**20)
    tracemalloc.start()
    assert "zip bomb" in refusal(bomb, Limits(ratio=100))
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()
    assert MIN_BOMB < 200 * 2**20
    assert "larger than 1,000 bytes" in refusal(bomb, Limits(file=1000))


def test_a_million_members_are_counted_before_they_are_read(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "many.zip", {"a": b"x"})
    data = path.read_bytes()
    end = data.rindex(b"PK\x05\x06")
    wide = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1_000_000, 1_000_000, 0, 0)
    path.write_bytes(data[:end] + wide + data[end:])
    assert "1,000,000 members" in refusal(path)


def test_a_tar_is_stopped_while_it_streams(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "many.tar.gz", *((member(f"f{number}"), b"") for number in range(300)))
    assert "more than 100 members" in refusal(path, Limits(members=100))


def test_what_is_odd_but_harmless_is_read_and_said(tmp_path: Path) -> None:
    path = make_tar(
        tmp_path / "odd.tar.gz",
        (member("a\\b.txt"), b"one"),
        (member("c.txt"), b"first"),
        (member("c.txt"), b"last"),
        (member("C.txt"), b"other"),
        (member("con.txt"), b"x"),
        (member("link", tarfile.SYMTYPE, "c.txt"), b""),
        (member("loop", tarfile.SYMTYPE, "loop"), b""),
        (member("inner.zip"), b"PK\x03\x04 not opened"),
    )
    with open_package(path) as package:
        assert package.read(PurePosixPath("a/b.txt")) == b"one"
        assert package.read(PurePosixPath("c.txt")) == b"last"
        assert package.read(PurePosixPath("link")) == b"last"
        assert PurePosixPath("loop") not in package.files
        said = " ".join(finding.message for finding in package.findings)
    for words in ("back slashes", "listed twice", "tell case apart", "Windows", "read as a copy", "left out"):
        assert words in said


def test_a_folder_is_read_in_place_and_not_left(tmp_path: Path) -> None:
    folder = make_package(tmp_path / "p", {"course.xml": COURSE_XML, ".git/config": "x"})
    with open_package(folder) as package:
        assert list(package.files) == [PurePosixPath("course.xml")]
    (folder / "out").symlink_to("/etc/passwd")
    assert "leaves the folder" in refusal(folder)


@pytest.mark.parametrize(
    ("course", "said"),
    [
        ('<!DOCTYPE c [<!ENTITY a "b">]><course url_name="R">&a;</course>', "document type"),
        ('<!DOCTYPE c SYSTEM "file:///etc/passwd"><course url_name="R"/>', "document type"),
        ("<course" + "><x" * 100_000 + "/>", "not well-formed"),
        ("<course>", "not well-formed"),
        ("\0", "not well-formed"),
    ],
)
def test_hostile_xml(course: str, said: str, tmp_path: Path) -> None:
    package = make_package(tmp_path / "p", {"course.xml": course})
    with pytest.raises(PackageError) as caught:
        import_package(package, tmp_path / "out", options=ImportOptions())
    assert said in caught.value.message
    assert not (tmp_path / "out").exists()


def test_names_in_a_course_cannot_lead_out_of_its_folder(tmp_path: Path) -> None:
    names = ("../../../evil", "/etc/evil", "a/b", "CON", "n" * 4000, "x\ny", "..")
    units = "".join(f'<vertical url_name="{name}" display_name="{name}"><html>x</html></vertical>' for name in names)
    text = f'<course url_name="R" org="../O" course="N/.."><chapter url_name="../c"><sequential url_name="s">{units}</sequential></chapter></course>'
    package = make_package(tmp_path / "deep" / "p", {"course.xml": text, "static/../x.txt": "x"})
    import_package(package, tmp_path / "deep" / "out", options=ImportOptions())
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["out", "p"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "scratch") == ["deep"]


HOSTILE = {"qtiworks-ZipSlip.zip": "leaves the package", "qtiworks-WebDeveloperTest1-incomplete.zip": "a"}


@pytest.mark.corpus
@pytest.mark.skipif(not ARCHIVES, reason="the corpus is not beside the project")
def test_every_archive_of_the_corpus_opens_or_is_refused_for_a_reason() -> None:
    for path in sorted(CORPUS.glob("*/*")):
        if path.suffix in (".gift", ".txt"):
            continue
        try:
            with open_package(path) as package:
                assert package.files and path.name not in HOSTILE
        except PackageError as error:
            assert HOSTILE.get(path.name, "?") in error.message, error.message
