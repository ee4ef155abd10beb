"""What we say the platform's SCORM block will make of a package, beside what the block itself makes of it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from hypothesis import HealthCheck, given, settings

from authoring.archives import open_package
from authoring.model import BlockKey
from authoring.resources import samples_dir
from authoring.scorm import ScormVersion, write_scorm
from authoring.scorm.pages import pages_of
from authoring.session import load_course
from importers.scorm.package import read_package
from importers.scorm.prediction import Outcome, Prediction, member_names, predict
from importers.scorm.repack import repack
from importers.scorm.single import write_single
from tests.importers.scorm.generated import odd_packages
from tests.importers.scorm.packages import CASES, CORPUS, Case, Members, write_zip

Upload = Callable[[Path], "Made"]

FORM = {
    "display_name": "A package",
    "has_score": "1",
    "enable_navigation_menu": "1",
    "enable_fullscreen_button": "1",
    "weight": "1",
    "width": "",
    "height": "",
    "navigation_menu_width": "",
    "popup_on_launch": "0",
}


class Made:
    """The block after an upload: its answer, or the exception that it let go."""

    def __init__(self, block: Any, answer: Mapping[str, Any] | None, exception: Exception | None) -> None:
        self.block = block
        self.answer = answer
        self.exception = exception

    def outcome(self) -> Outcome:
        if self.answer is None:
            return Outcome.EXCEPTION
        return Outcome.ERRORS if self.answer["errors"] else Outcome.ACCEPTED

    def files(self) -> frozenset[str]:
        return frozenset(_walk(self.block.storage, self.block.extract_folder_path, ""))


def _walk(storage: Any, folder: str, prefix: str) -> list[str]:
    folders, files = storage.listdir(folder)
    found = [prefix + name for name in files]
    for inner in folders:
        found += _walk(storage, f"{folder}/{inner}", f"{prefix}{inner}/")
    return found


@pytest.fixture
def upload(load_block: Callable[[str], Any], platform_stand_ins: None) -> Upload:
    """`upload(zip) -> Made`, by the block's own handler, into a storage in memory."""
    block_class = load_block("openedxscorm.scormxblock:ScormXBlock")
    from django.core.files.storage import InMemoryStorage
    from opaque_keys.edx.keys import UsageKey
    from xblock.field_data import DictFieldData
    from xblock.fields import ScopeIds

    def send(path: Path) -> Made:
        key = UsageKey.from_string("block-v1:O+C+R+type@scorm+block@a")
        runtime = MagicMock()
        fields = DictFieldData({})
        runtime.service.side_effect = lambda _, name: fields if name == "field-data" else None
        runtime.handler_url.return_value = "/handler/assets_proxy"
        scope_ids = ScopeIds("user", "scorm", key, key)
        block = block_class(runtime, scope_ids=scope_ids)
        block.location = key  # from the platform's own mixin
        block._storage = InMemoryStorage()
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            request = SimpleNamespace(method="POST", params={**FORM, "file": SimpleNamespace(file=stream)})
            try:
                answer = json.loads(block.studio_submit(request, "").body)
            except Exception as error:  # whatever the block lets go is a server error
                return Made(block, None, error)
        return Made(block, answer, None)

    return send


def prediction_of(path: Path) -> Prediction:
    with open_package(path) as package:
        return predict(package, member_names(path))


def compare(prediction: Prediction, made: Made) -> None:
    assert prediction.outcome is made.outcome(), (prediction.exception, made.exception, made.answer)
    if prediction.outcome is Outcome.ACCEPTED:
        assert prediction.index_page == made.block.index_page_path
        assert prediction.scorm_version == made.block.scorm_version
    if prediction.outcome is Outcome.ERRORS and made.answer is not None:
        assert list(prediction.errors) == made.answer["errors"]
    if prediction.outcome is Outcome.ACCEPTED:
        assert prediction.extracted == made.files()


@pytest.mark.corpus
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_block_makes_of_a_corpus_package_what_was_predicted(path: Path, upload: Upload) -> None:
    compare(prediction_of(path), upload(path))


@pytest.mark.corpus
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_corpus_package_packed_again_is_accepted_as_meant(path: Path, tmp_path: Path, upload: Upload) -> None:
    out = tmp_path / "out.zip"
    with open_package(path) as package:
        repack(package, out)
    prediction, made = prediction_of(out), upload(out)
    compare(prediction, made)
    assert made.outcome() is Outcome.ACCEPTED
    assert not prediction.goes_wrong


@pytest.mark.corpus
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_each_sco_of_a_corpus_package_is_accepted_as_its_own_package(
    path: Path, tmp_path: Path, upload: Upload
) -> None:
    """What a course has of the package: one component for each SCO, which starts that SCO."""
    with open_package(path) as package:
        meant = read_package(package)
        for number, sco in enumerate(meant.scos):
            out = tmp_path / f"{number}.zip"
            write_single(meant, sco, out)
            prediction, made = prediction_of(out), upload(out)
            compare(prediction, made)
            assert made.outcome() is Outcome.ACCEPTED
            assert made.block.index_page_path == sco.launch
            assert not prediction.goes_wrong


@pytest.mark.parametrize("version", ScormVersion, ids=str)
def test_every_unit_of_a_sample_course_is_accepted_as_our_package(
    version: ScormVersion, tmp_path: Path, upload: Upload
) -> None:
    course, _ = load_course(samples_dir() / "reading-data")
    out = tmp_path / "out.zip"
    pages, _ = pages_of(course)
    assert len(pages) > 30
    for page in pages:
        write_scorm(course, out, version, only=BlockKey("vertical", page.name))
        prediction, made = prediction_of(out), upload(out)
        compare(prediction, made)
        assert made.outcome() is Outcome.ACCEPTED and not list(prediction.problems)
    write_scorm(course, out, version)
    compare(prediction_of(out), upload(out))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_block_makes_of_an_odd_package_what_was_predicted(case: Case, tmp_path: Path, upload: Upload) -> None:
    path = write_zip(tmp_path / "odd.zip", case.files)
    compare(prediction_of(path), upload(path))


@pytest.mark.parametrize("case", [case for case in CASES if not case.is_hopeless], ids=lambda case: case.title)
def test_an_odd_package_packed_again_is_accepted_as_meant(case: Case, tmp_path: Path, upload: Upload) -> None:
    path, out = write_zip(tmp_path / "odd.zip", case.files), tmp_path / "out.zip"
    with open_package(path) as package:
        repack(package, out)
    prediction, made = prediction_of(out), upload(out)
    compare(prediction, made)
    assert made.outcome() is Outcome.ACCEPTED
    assert not prediction.goes_wrong, [str(problem) for problem in prediction.problems]


@given(odd_packages())
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_block_makes_of_any_package_what_was_predicted(upload: Upload, tmp_path: Path, members: Members) -> None:
    path = write_zip(tmp_path / "any.zip", members)
    compare(prediction_of(path), upload(path))
