"""What the platform's block makes of odd packages, and what is said about it.

`tests/real/test_scorm_prediction_real.py` gives the same packages to the block itself.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from authoring.archives import PackageError, open_package
from authoring.diagnostics import Severity
from importers.scorm.package import read_package
from importers.scorm.prediction import Outcome, Prediction, member_names, predict
from tests.importers.scorm.packages import ASSET, CASES, PAGE, SCO, Case, Members, manifest, write_zip

NO_MANIFEST = "Could not find 'imsmanifest.xml' file in the scorm package"
NO_INDEX = "Invalid package: could not find 'index.html' file"
BAD_XML = "the manifest is not well-formed XML: "
FAILS, START, VERSION = "scorm-upload-fails", "scorm-wrong-start", "scorm-wrong-version"
LEFT, MORE = "scorm-left-behind", "scorm-unreached"

ACCEPTED = {
    "as it should be": ("a.html", "SCORM_12"),
    "a folder was zipped": ("a.html", "SCORM_12"),
    "another manifest first": ("a.html", "SCORM_12", START, START, LEFT),
    "back slashes beside the manifest": ("p\\a.html", "SCORM_12"),
    "an asset first": ("b.html", "SCORM_12", START),
    "parameters of the first item": ("a.html", "SCORM_12", START),
    "one page with two sets of parameters": ("a.html", "SCORM_12", START, MORE),
    "an item without a title that is not visited": ("a.html", "SCORM_12"),
    "schemaversion with a space": ("a.html", "SCORM_2004", VERSION),
    "schemaversion on its own line": ("a.html", "SCORM_12"),
    "2004 without a schemaversion": ("a.html", "SCORM_12", VERSION),
    "no namespace": ("a.html", "SCORM_12"),
    "a byte order mark": ("a.html", "SCORM_12"),
    "UTF-16": ("a.html", "SCORM_12"),
    "windows-1252 that says so": ("a.html", "SCORM_12"),
    "xml:base": ("a.html", "SCORM_12", START),
    "an escaped name": ("a%20b.html?x=1#top", "SCORM_12"),
    "a name in another case": ("Start/A.HTML", "SCORM_12", START),
    "no href, and an index.html": ("p/index.html", "SCORM_12", START),
    "no organization": ("a.html", "SCORM_12"),
    "an entity of its own": ("a.html", "SCORM_12"),
    "items far within items": ("a.html", "SCORM_12"),
    "a manifest that is a page": ("index.html", "SCORM_12"),
}
"""Index page and version, and the problems that remain."""

ERRORS = {
    "the manifest in upper case": NO_MANIFEST,
    "back slashes in the zip": NO_MANIFEST,
    "a prefix for everything": NO_INDEX,
    "a prefix, and a default namespace in the metadata": NO_INDEX,
    "names in capitals": NO_INDEX,
    "no href, and another page": NO_INDEX,
    "a manifest within": NO_INDEX,
    "no manifest": NO_MANIFEST,
}
"""What is in `errors` of an answer that says success."""

RAISES = {
    "a sibling folder whose name begins the same": "course-media/x.png begins like the folder course",
    "no title of the organization": "the organization 'O' has no title",
    "an empty title of the organization": "the title of the organization 'O' is empty",
    "an item without a title": "the item 'I1' has no title",
    "a reference to nothing": "the item 'I0' refers to 'none'",
    "a quote in an identifier": "a quote upsets the search",
    "an empty schemaversion": "schemaversion is empty",
    "UTF-16 that says UTF-8": BAD_XML,
    "windows-1252 that says nothing": BAD_XML,
    "an encoding that does not exist": BAD_XML,
    "a blank line first": BAD_XML,
    "an unclosed element": BAD_XML,
    "an ampersand": BAD_XML,
    "an empty manifest": BAD_XML,
}
"""Why the answer is a server error."""


def prediction_of(path: Path, members: Members) -> Prediction:
    write_zip(path, members)
    with open_package(path) as package:
        return predict(package, member_names(path))


def codes(prediction: Prediction) -> tuple[str, ...]:
    return tuple(str(problem.code) for problem in prediction.problems)


def test_every_case_is_in_one_table() -> None:
    assert sorted((*ACCEPTED, *ERRORS, *RAISES)) == sorted(case.title for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_an_odd_package_is_predicted(case: Case, tmp_path: Path) -> None:
    prediction = prediction_of(tmp_path / "odd.zip", case.files)
    if case.title in ACCEPTED:
        index, version, *problems = ACCEPTED[case.title]
        assert prediction.outcome is Outcome.ACCEPTED
        assert (prediction.index_page, prediction.scorm_version) == (index, version)
        assert codes(prediction) == tuple(problems)
    elif case.title in ERRORS:
        assert prediction.outcome is Outcome.ERRORS
        assert prediction.errors == (ERRORS[case.title],)
        assert codes(prediction) == (FAILS,)
    else:
        assert prediction.outcome is Outcome.EXCEPTION
        assert RAISES[case.title] in str(prediction.exception)
        assert codes(prediction) == (FAILS,)
    for problem in prediction.problems:
        assert problem.hint


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_packing_again_is_asked_for_where_something_would_go_wrong(case: Case, tmp_path: Path) -> None:
    prediction = prediction_of(tmp_path / "odd.zip", case.files)
    assert prediction.goes_wrong is any(code != MORE for code in codes(prediction))


def test_several_scos_are_a_warning_and_no_reason_to_pack_again(tmp_path: Path) -> None:
    items = "".join(f'<item identifier="I{name}" identifierref="R{name}"><title>{name}</title></item>' for name in "ab")
    resources = "".join(f'<resource identifier="R{name}" {SCO} href="{name}.html"/>' for name in "ab")
    members = (("imsmanifest.xml", manifest(items, resources)), ("a.html", PAGE), ("b.html", PAGE))
    prediction = prediction_of(tmp_path / "two.zip", members)
    (problem,) = prediction.problems
    assert problem.message == "the package has 2 SCOs; the platform starts a.html"
    assert problem.severity is Severity.WARNING
    assert not prediction.goes_wrong


def test_a_missing_page_is_said_and_cannot_be_mended(tmp_path: Path) -> None:
    prediction = prediction_of(tmp_path / "bare.zip", (("imsmanifest.xml", manifest()), ("b.html", PAGE)))
    assert prediction.outcome is Outcome.ACCEPTED
    assert codes(prediction) == ("scorm-no-page",)
    assert not prediction.goes_wrong


def test_a_page_elsewhere_on_the_web_is_no_index_page(tmp_path: Path) -> None:
    resources = f'<resource identifier="R1" {SCO} href="https://example.org/course"/>'
    prediction = prediction_of(tmp_path / "web.zip", (("imsmanifest.xml", manifest(resources=resources)),))
    (problem,) = prediction.problems
    assert "https://example.org/course" in problem.message


def test_a_folder_is_predicted_in_the_order_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "imsmanifest.xml").write_text(manifest(), "utf-8")
    (tmp_path / "a.html").write_text(PAGE, "utf-8")
    with open_package(tmp_path) as package:
        prediction = predict(package, meant=read_package(package))
    assert prediction.index_page == "a.html"
    assert prediction.extracted == {"imsmanifest.xml", "a.html"}


def test_a_problem_names_the_line_of_what_was_meant(tmp_path: Path) -> None:
    resources = f'<resource identifier="R0" {ASSET} href="b.html"/><resource identifier="R1" {SCO} href="a.html"/>'
    members = (("imsmanifest.xml", manifest(resources=resources)), ("a.html", PAGE), ("b.html", PAGE))
    (problem,) = prediction_of(tmp_path / "asset.zip", members).problems
    assert str(problem.where) == "imsmanifest.xml:5"
    assert problem.message == "the platform starts with b.html; the first item, 'One', is a.html"


def test_a_name_outside_ascii_without_the_mark_for_utf8_is_garbled(tmp_path: Path) -> None:
    """`zipfile`, with which the block unpacks, reads such names as cp437; we read them as what they are."""
    path = write_zip(tmp_path / "cafe.zip", (("imsmanifest.xml", manifest(resources=CAFE)), ("café.html", PAGE)))
    path.write_bytes(_without_utf8_marks(path.read_bytes()))
    with open_package(path) as package:
        assert read_package(package).scos[0].page is not None
        prediction = predict(package, member_names(path))
    assert codes(prediction) == (START, LEFT)


CAFE = f'<resource identifier="R1" {SCO} href="café.html"/>'


def _without_utf8_marks(data: bytes) -> bytes:
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data = data[: at + offset] + b"\0\0" + data[at + offset + 2 :]
            at = data.find(mark, at + 1)
    return data


@pytest.mark.parametrize(
    ("entities", "reference", "outcome"),
    [
        ('<!ENTITY school "The School">', "&school;", Outcome.ACCEPTED),
        ('<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;">', "&b;", Outcome.ACCEPTED),
        (
            '<!ENTITY a "xxxxxxxxxx">'
            + "".join(
                f'<!ENTITY {name} "{f"&{inner};" * 10}">' for inner, name in zip("abcdefgh", "bcdefghi", strict=True)
            ),
            "&i;",
            Outcome.EXCEPTION,
        ),
    ],
    ids=["one", "nested", "a bomb"],
)
def test_entities_are_expanded_within_bounds(entities: str, reference: str, outcome: Outcome, tmp_path: Path) -> None:
    text = manifest(title=f"<title>{reference}</title>").replace(
        '<manifest identifier="M"', f'<!DOCTYPE manifest [{entities}]>\n<manifest identifier="M"'
    )
    prediction = prediction_of(tmp_path / "dtd.zip", (("imsmanifest.xml", text), ("a.html", PAGE)))
    assert prediction.outcome is outcome


def test_items_nested_without_end_are_refused(tmp_path: Path) -> None:
    items = '<item identifier="I" isvisible="true"><title>x</title>' * 900 + "</item>" * 900
    prediction = prediction_of(tmp_path / "deep.zip", (("imsmanifest.xml", manifest(items)), ("a.html", PAGE)))
    assert prediction.outcome is Outcome.EXCEPTION


def test_what_is_no_zip_has_no_members(tmp_path: Path) -> None:
    path = tmp_path / "page.zip"
    path.write_text(PAGE, "utf-8")
    with pytest.raises(PackageError, match="is not a zip"):
        member_names(path)
