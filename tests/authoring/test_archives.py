"""Packages that must not, or cannot, be opened: each its own message, within bounds, and nothing is left behind."""

from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        (symlink_in_zip, "link is a link to /etc/passwd, which leaves the package"),
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


ENTRY = struct.pack("<4s24x3H12xs", b"PK\x01\x02", 1, 0, 0, b"a")


def test_a_million_members_are_counted_before_they_are_read(tmp_path: Path) -> None:
    many = tmp_path / "many.zip"
    size = 1_000_000 * len(ENTRY)
    wide = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1_000_000, 1_000_000, size, 0)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, size, 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    first = b"PK\x03\x04" + b"\0" * 26
    many.write_bytes(first + ENTRY * 1_000_000 + wide + locator + end)
    assert "1,000,000 members" in refusal(many)
    modest = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, size, len(first), 0)
    many.write_bytes(first + ENTRY * 1_000_000 + modest)
    with bounded():
        assert "more than 100,000 members" in refusal(many)


def test_a_million_members_of_a_tar(tmp_path: Path) -> None:
    headers = gzip.compress(b"".join(member(f"f{number}").tobuf() for number in range(10_000)))
    path = tmp_path / "many.tar.gz"
    path.write_bytes(headers * 100)
    assert "more than 20,000 members" in refusal(path, Limits(members=20_000))


def extended(content: bytes, size: int | None = None, kind: bytes = tarfile.XHDTYPE) -> bytes:
    info = tarfile.TarInfo("pax")
    info.type, info.size = kind, len(content) if size is None else size
    return info.tobuf() + content + b"\0" * (-len(content) % 512)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (extended(b"\0" * (300 << 20)), "a header longer than is read"),
        (extended(b"\0" * (300 << 20), kind=tarfile.GNUTYPE_LONGNAME), "a header longer than is read"),
        (extended(b"1" * 1_000_000), "extended header cannot be read"),
        (extended(b"0 a=b\n"), "extended header cannot be read"),
        (extended(b"") * 2000, "a header longer than is read"),
        (extended(b"17 size=-1000000\n") + member("f").tobuf(), "not a number"),
        (extended(b"22 GNU.sparse.major=1\n") + member("f").tobuf(), "sparse"),
        (member("f", tarfile.GNUTYPE_SPARSE).tobuf(), "sparse"),
        (extended(b"12 path=../\n") + member("f").tobuf(), "leaves the package"),
    ],
    ids=["long", "long name", "digits", "no length", "chain", "size", "sparse", "old sparse", "path"],
)
def test_hostile_extended_headers(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "package.tar.gz"
    path.write_bytes(gzip.compress(content, 1) if len(content) < 2**20 else b"".join(pieces(content)))
    del content
    with bounded():
        assert said in refusal(path)


def pieces(content: bytes) -> Iterator[bytes]:
    for at in range(0, len(content), 2**24):
        yield gzip.compress(content[at : at + 2**24], 1)


@contextmanager
def bounded(most: int = 20 * 2**20) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def test_members_that_share_their_bytes(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "p.zip", {"a": b"x" * 100, "b": b"x" * 100})
    data = bytearray(path.read_bytes())
    second = data.rindex(b"PK\x01\x02")
    data[second + 42 : second + 46] = bytes(4)
    path.write_bytes(data)
    assert "overlaps" in refusal(path)


def test_a_bomb_of_another_compression(tmp_path: Path) -> None:
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("zeros", bytes(64 << 20))
    with bounded():
        assert "compressed in a way that is not read here" in refusal(path)


def test_links_to_folders_cannot_make_a_bomb(tmp_path: Path) -> None:
    links = [(member(f"link{number}", tarfile.SYMTYPE, "."), b"") for number in range(40)]
    files = [(member(f"f{number}"), b"x" * 1000) for number in range(40)]
    path = make_tar(tmp_path / "p.tar.gz", *files, *links)
    assert "more than 500 members" in refusal(path, Limits(members=500))
    assert "more than 200,000 bytes" in refusal(path, Limits(total=200_000))


def test_links_are_read_as_copies(tmp_path: Path) -> None:
    path = make_tar(
        tmp_path / "p.tar.gz",
        (member("d/a"), b"one"),
        (member("d/a", tarfile.LNKTYPE, "d/a"), b""),
        (member("e", tarfile.SYMTYPE, "./d"), b""),
        (member("x/f", tarfile.SYMTYPE, "../e/a"), b""),
        (member("x/g", tarfile.LNKTYPE, "d/a"), b""),
        (member("gone", tarfile.SYMTYPE, "nothing"), b""),
    )
    with open_package(path) as package:
        assert [str(found) for found in package.files] == ["d/a", "e/a", "x/f", "x/g"]
        assert {package.read(found) for found in package.files} == {b"one"}
        assert [str(found.path) for found in package.below(PurePosixPath("x"))] == ["x/f", "x/g"]
        said = [finding.message for finding in package.findings]
    assert said == [
        "e, x/f, x/g: a link; read as a copy of what it leads to",
        "gone: a link that leads to nothing in the package; left out",
    ]
    below = make_tar(tmp_path / "q.tar", (member("e", tarfile.SYMTYPE, "d"), b""), (member("e/f"), b"x"))
    assert "e/f lies in e, which is a link" in refusal(below)
    both = make_tar(tmp_path / "r.tar", (member("e"), b"x"), (member("e/f"), b"x"))
    assert "e is both a file and a folder" in refusal(both)


def test_links_and_devices_in_a_folder(tmp_path: Path) -> None:
    folder = make_package(tmp_path / "p", {"course.xml": COURSE_XML, "static/a.txt": "x"})
    (folder / "b.txt").symlink_to("static/a.txt")
    (folder / "media").symlink_to("static")
    (folder / "top").symlink_to(".")
    with open_package(folder) as package:
        assert {"b.txt", "media/a.txt", "top/course.xml"} <= {str(path) for path in package.files}
    assert "more than 4 members" in refusal(folder, Limits(members=4))
    assert "deeper than 1" in refusal(folder, Limits(depth=1))
    os.mkfifo(folder / "pipe")
    assert "pipe is a device or a pipe" in refusal(folder)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"\n<!DOCTYPE html><html>" + b" " * 600, "a web page"),
        (b"<?xml version='1.0'?><a/>", "an XML file"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"BZh91AY", "a bzip2 archive"),
        (b"words " * 200, "a text file"),
        (bytes(5000), "a file of zeros"),
        (gzip.compress(b"%PDF-1.7", mtime=0), "a gzip of a PDF"),
    ],
)
def test_other_kinds_say_what_they_seem_to_be(start: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "course.zip"
    path.write_bytes(start)
    assert f"it is {said}" in refusal(path)


def test_names_in_old_encodings(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "p.zip", {"caf\u00e9.txt": b"new", "old?.txt": b"old"})
    data = path.read_bytes().replace(b"old?", b"old\x82")
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(mark)
        data = data[: at + offset] + b"\0\0" + data[at + offset + 2 :]  # UTF-8 without the flag, as on old Macs
    path.write_bytes(data)
    with open_package(path) as package:
        assert [str(found) for found in package.files] == ["caf\u00e9.txt", "old\u00e9.txt"]
        assert ["cp437" in finding.message for finding in package.findings] == [True]


@pytest.mark.parametrize("damage", [0, 3, 60], ids=["content", "content too", "table"])
def test_damage_is_found(damage: int, tmp_path: Path) -> None:
    path = make_zip(tmp_path / "p.zip", {"file.txt": os.urandom(100)})
    data = bytearray(path.read_bytes())
    data[50 + damage if damage < 60 else data.index(b"PK\x01\x02")] ^= 0xFF
    path.write_bytes(data)
    assert "damaged" in refusal(path)


def test_a_tar_that_is_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "p.tar"
    with tarfile.open(path, "w") as archive:
        for name in ("a", "b"):
            info = member(name)
            info.size = 1000
            archive.addfile(info, io.BytesIO(b"x" * 1000))
    data = path.read_bytes()
    path.write_bytes(data[:2000])
    assert "cut short" in refusal(path)
    path.write_bytes(data[:3072])
    with open_package(path) as package:
        assert len(package.files) == 2
        assert ["may be cut short" in finding.message for finding in package.findings] == [True]


def test_a_full_disk_says_so(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "p.zip", {"big": bytes(5 * 2**20)})
    code = (
        "import resource, sys, pathlib, authoring.archives as a\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))\n"
        "try:\n    a.open_package(pathlib.Path(sys.argv[1])).__enter__()\n"
        "except a.PackageError as error:\n    print(error.message, '|', error.hint)\n"
    )
    environment = os.environ | {"TMPDIR": tempfile.gettempdir(), "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code, path], env=environment, capture_output=True, text=True, check=True
    )
    assert "p.zip: it cannot be unpacked into" in done.stdout
    assert "make room on the disk" in done.stdout


def test_what_goes_wrong_inside_is_left_alone(tmp_path: Path) -> None:
    seen: list[int] = []
    path = make_zip(tmp_path / "p.zip", {"a": b"x" * 1000, "empty": b""})
    with pytest.raises(OSError, match="mine"), open_package(path, progress=seen.append) as package:
        assert sum(seen) == 1000
        assert package.read(PurePosixPath("empty")) == b""
        with pytest.raises(PackageError, match="at most 10"):
            package.read(PurePosixPath("a"), limit=10)
        with pytest.raises(KeyError):
            package.read(PurePosixPath("b"))
        raise OSError("mine")


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="/\\:"), min_size=1, max_size=40
)
TREES = st.dictionaries(NAMES.map(lambda name: f"d/{name}"), st.binary(max_size=2000), min_size=1, max_size=5)


@given(
    TREES.filter(lambda tree: not {"d/.", "d/.."} & tree.keys()),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_what_was_packed_comes_out(tree: dict[str, bytes], form: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder, "p")
        with tarfile.open(packed, "w:gz", format=form) as archive:
            for name, content in tree.items():
                info = member(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        for path in (packed, make_zip(Path(folder, "z"), tree)):
            with open_package(path) as package:
                assert {str(found): package.read(found) for found in package.files} == tree


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
