"""Bad input of each kind gives its own finding, with file, line and hint; all at once, and never an exception."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from authoring.diagnostics import Severity
from authoring.source import read_course
from authoring.source.files import MAX_TEXT_BYTES
from tests.conftest import BuildCourse

UNIT = "a/b/u.md"

CASES: dict[str, tuple[dict[str, str | bytes], str]] = {
    "broken YAML": (
        {UNIT: "---\ntitle: T\nx: a: b\n---\n"},
        "a/b/u.md:3: error[broken-yaml]: broken YAML: mapping values are not allowed in this context",
    ),
    "broken YAML in a directive": (
        {UNIT: "Text\n\n:::video\ntitle: [a\n:::\n"},
        "a/b/u.md:5: error[broken-yaml]: broken YAML: did not find expected ',' or ']'",
    ),
    "front matter that is a list": (
        {UNIT: "---\n- a\n---\n"},
        "a/b/u.md:2: error[broken-yaml]: expected `key: value` lines",
    ),
    "a YAML tag": (
        {UNIT: "---\ntitle: !!python/none x\n---\n"},
        "a/b/u.md:2: error[broken-yaml]: 'title': tags such as 'tag:yaml.org,2002:python/none' are not read",
    ),
    "front matter without end": (
        {UNIT: "---\ntitle: T\n"},
        "a/b/u.md:1: error[unclosed-front-matter]: the front matter is not closed",
    ),
    "unknown key": (
        {UNIT: "---\ndisplay_nam: T\n---\n"},
        "a/b/u.md:2: error[unknown-key]: 'display_nam' is not a key of a vertical",
    ),
    "unknown option": (
        {UNIT: ":::video\n\nyoutub: x\n:::\n"},
        "a/b/u.md:3: error[unknown-key]: 'youtub' is not a key of a video",
    ),
    "unknown course key": (
        {"course.yaml": "org: O\nnumber: N\nrun: R\nlangauge: en\n"},
        "course.yaml:4: error[unknown-key]: 'langauge' is not a key of a course",
    ),
    "unknown grading key": (
        {"course.yaml": "org: O\nnumber: N\nrun: R\ngrading:\n  cutoff: {Pass: 0.5}\n"},
        "course.yaml:5: error[unknown-key]: 'cutoff' is not a key of grading",
    ),
    "duplicate key": (
        {UNIT: "---\ntitle: A\ntitle: B\n---\n"},
        "a/b/u.md:3: error[duplicate-key]: 'title' is written twice, first in line 2",
    ),
    "two names for one key": (
        {UNIT: "---\ntitle: A\ndisplay_name: B\n---\n"},
        "a/b/u.md:2: error[duplicate-key]: 'title' and 'display_name' are one field; keep one",
    ),
    "setting in two places": (
        {"course.yaml": "org: O\nnumber: N\nrun: R\nstart: 2026-01-01\nsettings:\n  start: 2026-01-02\n"},
        "course.yaml:6: error[duplicate-key]: 'start' is set both at the top level and under 'settings'",
    ),
    "missing course key": (
        {"course.yaml": "org: O\nrun: R\n"},
        "course.yaml:1: error[missing-key]: course.yaml needs 'number'",
    ),
    "duplicate unit": (
        {UNIT: "A", "a/c/01-u.md": "B"},
        "a/c/01-u.md:1: error[duplicate-id]: the id 'u' is already that of a vertical in a/b/u.md:1",
    ),
    "duplicate component": (
        {UNIT: ":::done {#d}\n:::\n", "a/b/v.md": "Text\n\n:::done\nid: d\n:::\n"},
        "a/b/v.md:3: error[duplicate-id]: the id 'd' is already that of a done in a/b/u.md:1",
    ),
    "bad id": ({UNIT: ":::done {#a/b}\n:::\n"}, "a/b/u.md:1: error[bad-id]: 'a/b' cannot be an id"),
    "dead link": (
        {UNIT: "---\n---\nA\n[b](c.md)\n", "a/b/cc.md": "C"},
        "a/b/u.md:4: error[dead-link]: link target 'c.md' is not in the course folder",
    ),
    "dead raw link": (
        {UNIT: "<div>\n<a\nhref='c.md'></a></div>"},
        "a/b/u.md:3: error[dead-link]: link target 'c.md' is not in the course folder",
    ),
    "dead link in a problem": (
        {UNIT: ":::problem {#p}\n<p>\n<a href='c.md'>c</a></p>\n= 1\n:::\n"},
        "a/b/u.md:3: error[dead-link]: link target 'c.md' is not in the course folder",
    ),
    "dead link on a page": (
        {"pages/faq.md": "\n[b](c.md)\n"},
        "pages/faq.md:2: error[dead-link]: link target 'c.md' is not in the course folder",
    ),
    "missing image": (
        {UNIT: "![c](../../static/c.png)"},
        "a/b/u.md:1: error[missing-image]: image '../../static/c.png' is not in the course folder",
    ),
    "missing static file": (
        {UNIT: "[c](/static/c.pdf)"},
        "a/b/u.md:1: error[dead-link]: link target '/static/c.pdf' is not in the course folder",
    ),
    "link out of the folder": (
        {UNIT: "[c](../../../secret.md)"},
        "a/b/u.md:1: error[link-outside]: '../../../secret.md' leaves the course folder",
    ),
    "ambiguous link": (
        {UNIT: "[v](v.md)", "a/b/v.md": ":::done {#v}\n:::\n"},
        "a/b/u.md:1: error[ambiguous-link]: 'v.md' leads to the id 'v', which several blocks have: vertical/v, done/v",
    ),
    "unclosed directive": (
        {UNIT: "Text\n\n:::video\nyoutube: dQw4w9WgXcQ\n\nMore\n"},
        "a/b/u.md:3: error[unclosed-directive]: ':::video' is not closed",
    ),
    "unclosed before another": (
        {UNIT: ":::video\n\n:::problem {#p}\n= 1\n:::\n"},
        "a/b/u.md:1: error[unclosed-directive]: ':::video' is not closed",
    ),
    "unclosed admonition": (
        {UNIT: "Text\n:::note\nbody\n"},
        "a/b/u.md:2: error[unclosed-directive]: ':::note' is not closed",
    ),
    "stray close": ({UNIT: "Text\n:::\n"}, "a/b/u.md:2: error[stray-close]: this line closes nothing"),
    "bad head": ({UNIT: ":::{note}\nx\n"}, "a/b/u.md:1: error[bad-directive]: not a directive: ':::{note}'"),
    "unknown directive": ({UNIT: ":::quizz\n:::\n"}, "a/b/u.md:1: error[unknown-directive]: ':::quizz' is not known"),
    "bad date": (
        {UNIT: "---\ndue: 2026-02-30\n---\n"},
        "a/b/u.md:2: error[bad-value]: 'due' cannot be '2026-02-30': there is no such date or time; write 2026-01-31, 2026-01-31 18:00 or 2026-01-31T18:00:00Z",
    ),
    "date the clocks skip": (
        {"course.yaml": "org: O\nnumber: N\nrun: R\ntimezone: Europe/Madrid\nstart: 2026-03-29 02:30\n"},
        "course.yaml:5: error[bad-value]: 'start' cannot be '2026-03-29 02:30': the clocks skip this time on that day; choose another, or write the offset",
    ),
    "bad time zone": (
        {"course.yaml": "org: O\nnumber: N\nrun: R\ntimezone: ../etc\n"},
        "course.yaml:4: error[bad-value]: '../etc' is not a time zone",
    ),
    "bad choice": (
        {UNIT: ":::problem {#p}\nshowanswer: allways\n---\n= 1\n:::\n"},
        "a/b/u.md:2: error[bad-value]: 'showanswer' cannot be 'allways'",
    ),
    "bad number": (
        {UNIT: ":::problem {#p}\nmax_attempts: two\n---\n= 1\n:::\n"},
        "a/b/u.md:2: error[bad-value]: 'max_attempts' cannot be 'two': expected a whole number",
    ),
    "a secret in course.yaml": (
        {
            "course.yaml": "org: O\nnumber: N\nrun: R\nlti_passports:\n  t:\n    key_env: K\n    secret_env: s3cr3t-value\n"
        },
        "course.yaml:7: error[bad-value]: 'secret_env' is not the name of an environment variable",
    ),
    "unit in a section": (
        {"a/u.md": "Text"},
        "a/u.md: error[wrong-nesting]: the unit 'u.md' stands in a section itself",
    ),
    "unit in the course folder": (
        {"u.md": "Text"},
        "u.md: error[wrong-nesting]: the unit 'u.md' stands in the course folder itself",
    ),
    "folder in a subsection": (
        {"a/b/c/u.md": "Text"},
        "a/b/c: error[wrong-nesting]: the folder 'c' is inside a subsection, which holds unit files only",
    ),
    "section in a unit": (
        {UNIT: ":::section\n:::\n"},
        "a/b/u.md:1: error[wrong-nesting]: a section cannot stand in a unit",
    ),
    "unit in a unit": ({UNIT: ":::unit\n:::\n"}, "a/b/u.md:1: error[wrong-nesting]: a unit cannot stand in a unit"),
    "component in an admonition": (
        {UNIT: "::::note\nx\n:::done\n:::\n::::\n"},
        "a/b/u.md:3: error[wrong-nesting]: ':::done' cannot stand inside ':::note'",
    ),
    "component in a text": (
        {UNIT: "::::html\nx\n:::done\n:::\n::::\n"},
        "a/b/u.md:3: error[wrong-nesting]: ':::done' inside ':::html'",
    ),
    "OLX of another kind": (
        {"a/b/u.xml": "\n<about/>"},
        "a/b/u.xml:2: error[wrong-nesting]: the root element is <about>, which cannot be part of a sequential",
    ),
    "broken OLX": (
        {"a/b/u.xml": "<vertical>\n<p>\n</vertical>"},
        "a/b/u.xml:3: error[broken-olx]: not well-formed XML: ",
    ),
    "OLX with a document type": (
        {"a/b/u.xml": '<!DOCTYPE v [<!ENTITY x "y">]>\n<vertical/>'},
        "a/b/u.xml:1: error[broken-olx]: a document type is not allowed in OLX",
    ),
    "body where none belongs": (
        {UNIT: ":::done {#d}\nalign: left\n---\nwords\n:::\n"},
        "a/b/u.md:4: error[unexpected-body]: a mark as done takes no body",
    ),
    "problem without a question": (
        {UNIT: ":::problem {#p}\nweight: 1\n:::\n"},
        "a/b/u.md:1: error[missing-body]: this problem is empty",
    ),
    "package without a file": (
        {UNIT: ":::scorm {#s}\n:::\n"},
        "a/b/u.md:1: error[missing-key]: a package needs `file`",
    ),
    "package that is not there": (
        {UNIT: ":::scorm {#s}\nfile: p.zip\n:::\n"},
        "a/b/u.md:2: error[missing-file]: there is no file 'p.zip'",
    ),
    "not UTF-8": ({UNIT: b"one\ntwo \xe9\n"}, "a/b/u.md:2: error[not-utf8]: not UTF-8: byte 0xe9 in line 2"),
    "course.yaml not UTF-8": (
        {"course.yaml": b"org: \xff"},
        "course.yaml:1: error[not-utf8]: not UTF-8: byte 0xff in line 1",
    ),
    "a folder named like a file": (
        {"a/b/u.md/x.txt": "x"},
        "a/b/u.md: error[is-a-directory]: 'u.md' is a folder, where a file of that name belongs",
    ),
    "course.yaml is a folder": (
        {"a/b/section.yaml/x": "x", UNIT: ""},
        "a/b/section.yaml: error[is-a-directory]: 'section.yaml' is a folder, where a file of that name belongs",
    ),
    "a file that is too large": (
        {UNIT: b"x" * (MAX_TEXT_BYTES + 1)},
        "a/b/u.md: error[file-too-large]: 5,000,001 bytes; text files are read up to 5,000,000",
    ),
    "two files with one name on the platform": (
        {"static/a/b.png": b"", "static/a_b.png": b""},
        "static/a_b.png: error[asset-clash]: 'static/a_b.png' and 'static/a/b.png' are both 'a_b.png' on the platform",
    ),
    "two settings files": (
        {"a/section.yaml": "", "a/chapter.yaml": ""},
        "a/chapter.yaml: error[two-settings-files]: section.yaml and chapter.yaml are both here",
    ),
    "a child that is not there": (
        {"a/section.yaml": "children:\n- b\n- d\n", UNIT: ""},
        "a/section.yaml:3: error[bad-children]: there is no 'd' here",
    ),
    "a child that is not named": (
        {"a/section.yaml": "children: []\n", UNIT: ""},
        "a/section.yaml:1: error[bad-children]: `children` does not name 'b'",
    ),
    "a file that is no part": (
        {"notes.txt": ""},
        "notes.txt: warning[unused-path]: 'notes.txt' is no part of the course",
    ),
    "a folder for textbooks": (
        {"textbooks/one.md": ""},
        "textbooks: warning[unused-path]: textbooks have no folder",
    ),
    "a file beside a unit": (
        {"a/b/grader.py": ""},
        "a/b/grader.py: warning[unused-path]: 'grader.py' is no unit, and no unit makes use of it",
    ),
    "names that differ in case": (
        {"static/A.png": b"", "static/a.png": b""},
        "static/a.png: warning[case-clash]: 'a.png' and 'A.png' are one file on some computers",
    ),
    "a footnote without text": (
        {UNIT: "one\n\ntwo[^1]"},
        "a/b/u.md:3: warning[undefined-footnote]: the footnote [^1] has no text here",
    ),
    "a text that is too long": ({UNIT: "word " * 7000}, "a/b/u.md:1: warning[long-html]: this text is 35 KB of HTML"),
    "code that never ends": (
        {UNIT: "```\n:::done\n:::\n"},
        "a/b/u.md:1: warning[unclosed-code]: this code block is never closed",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_finding(build_course: BuildCourse, name: str) -> None:
    files, expected = CASES[name]
    course, diagnostics = read_course(build_course(files))
    findings = [str(finding).splitlines()[0] for finding in diagnostics]
    assert any(finding.startswith(expected) for finding in findings), findings
    assert all(finding.hint for finding in diagnostics)
    assert (course is None) == bool(diagnostics.errors)


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        ({UNIT: "---\ndisplay_nam: T\n---\n"}, "did you mean 'display_name'?"),
        ({UNIT: ":::quizz\n:::\n\n:::vidoe\n:::\n"}, "did you mean 'video'?"),
        ({UNIT: "[b](../c/02-nxt.md)", "a/c/02-next.md": ""}, "did you mean '../c/02-next.md'?"),
        ({UNIT: "[b](02-next.md)", "a/c/02-next.md": ""}, "did you mean '../c/02-next.md'?"),
        ({UNIT: ":::{note}\n"}, "write ':::note', without braces"),
        ({UNIT: ":::problem {#p}\nshowanswer: allways\n---\n= 1\n:::\n"}, "did you mean 'always'?"),
        ({"a/sections.yaml": "", UNIT: ""}, "did you mean 'section.yaml'?"),
    ],
)
def test_hints_say_what_was_meant(build_course: BuildCourse, files: dict[str, str | bytes], hint: str) -> None:
    _, diagnostics = read_course(build_course(files))
    assert hint in [finding.hint for finding in diagnostics]


def test_everything_is_found_in_one_run(build_course: BuildCourse) -> None:
    _, diagnostics = read_course(
        build_course(
            {
                "course.yaml": "org: O\nnumber: N\ntimezon: UTC\n",
                UNIT: "---\ndue: soon\n---\n[x](y.md)\n\n:::video\n",
                "a/b/v.md": b"\xff",
                "a/w.md": "",
            }
        )
    )
    assert {str(finding.code) for finding in diagnostics} == {
        "missing-key",
        "unknown-key",
        "bad-value",
        "dead-link",
        "unclosed-directive",
        "not-utf8",
        "wrong-nesting",
    }


def test_a_secret_is_never_repeated(build_course: BuildCourse) -> None:
    files, _ = CASES["a secret in course.yaml"]
    _, diagnostics = read_course(build_course(files))
    assert "s3cr3t" not in "".join(map(str, diagnostics))


def test_no_course_file_and_no_folder(tmp_path: Path) -> None:
    course, diagnostics = read_course(tmp_path)
    assert course is None
    assert "no-course-file" in [str(finding.code) for finding in diagnostics]
    for path in (tmp_path / "missing", tmp_path / "file"):
        (tmp_path / "file").write_text("")
        course, diagnostics = read_course(path)
        assert course is None
        assert [str(finding.code) for finding in diagnostics] == ["not-a-course-folder"]


def test_symbolic_links_stay_inside(build_course: BuildCourse, tmp_path: Path) -> None:
    folder = build_course({UNIT: "[a](../../static/in.txt)", "static/real.txt": "x", "a/c/w.md": ""})
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "static/in.txt").symlink_to("real.txt")
    course, diagnostics = read_course(folder)
    assert course is not None, list(diagnostics)
    assert [asset.name for asset in course.assets] == ["in.txt", "real.txt"]
    (folder / "static/out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "static/loop").symlink_to(folder, target_is_directory=True)
    (folder / "static/nowhere").symlink_to("nothing")
    course, diagnostics = read_course(folder)
    assert course is None
    assert [(str(f.code), str(f.where)) for f in diagnostics.errors] == [
        ("symbolic-link", "static/loop"),
        ("symbolic-link", "static/nowhere"),
        ("symbolic-link", "static/out.txt"),
    ]


def test_unreadable_file(build_course: BuildCourse, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = build_course({UNIT: "Text", "a/b/v.md": "[x](y.md)"})
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        # Not by permissions, which do not bind root.
        if path.name == "u.md":
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    _, diagnostics = read_course(folder)
    assert [str(finding).splitlines()[0] for finding in diagnostics] == [
        "a/b/u.md: error[unreadable-file]: cannot be read: Permission denied",
        "a/b/v.md:1: error[dead-link]: link target 'y.md' is not in the course folder",
    ]


def test_what_is_no_file_is_not_opened(build_course: BuildCourse) -> None:
    folder = build_course({"a/b/v.md": "Text"})
    os.mkfifo(folder / UNIT)
    _, diagnostics = read_course(folder)
    assert [(str(f.code), str(f.where)) for f in diagnostics] == [("unreadable-file", UNIT)]


def test_names_that_cannot_be_shown(build_course: BuildCourse) -> None:
    folder = build_course({UNIT: "Text"})
    (folder / "static").mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/static/\xff.png")).write_bytes(b"")
    (folder / "static/a\nb.png").write_bytes(b"")
    _, diagnostics = read_course(folder)
    assert [(str(f.code), str(f.where)) for f in diagnostics] == [("bad-file-name", "static")] * 2
    assert all(str(finding).isascii() for finding in diagnostics)


def test_alias_bombs_are_bounded(build_course: BuildCourse) -> None:
    levels = "".join(f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 9))
    text = f"org: O\nnumber: N\nrun: R\ncertificates:\n  l0: &l0 [a, b]\n{levels}"
    _, diagnostics = read_course(build_course({"course.yaml": text}))
    assert [str(finding.code) for finding in diagnostics] == ["yaml-too-large"]
    deep = "org: O\nnumber: N\nrun: R\ncertificates: " + "[" * 900 + "]" * 900
    _, diagnostics = read_course(build_course({"course.yaml": deep}))
    assert [str(finding.code) for finding in diagnostics] == ["yaml-too-large"]


@pytest.mark.parametrize("content", [b"org: \xff", b"x" * (MAX_TEXT_BYTES + 1), b"- a", b"a: b: c"])
def test_a_course_file_that_cannot_be_read_is_one_finding(build_course: BuildCourse, content: bytes) -> None:
    _, diagnostics = read_course(build_course({"course.yaml": content, UNIT: "Text"}))
    assert len(diagnostics) == 1


def test_warnings_do_not_stop_a_course(build_course: BuildCourse) -> None:
    course, diagnostics = read_course(build_course({UNIT: "Text", "notes.txt": ""}))
    assert course is not None
    assert [finding.severity for finding in diagnostics] == [Severity.WARNING]
