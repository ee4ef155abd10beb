"""A plan is data: it survives being saved, and a damaged one is refused."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring import operations as ops
from authoring.errors import StalePlanError
from authoring.model import Asset, BlockKey, CourseId, Grader, GradingPolicy

names = st.text("abcxyz-_.é", min_size=1, max_size=8)
keys = st.builds(BlockKey, st.sampled_from(["html", "vertical", "problem"]), names)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
fields = st.dictionaries(names, values, max_size=3)
assets = st.builds(
    Asset,
    names,
    st.builds(lambda n: PurePosixPath("static") / n.replace(".", "_"), names),
    names,
    st.integers(0),
    names,
)
courses = st.builds(CourseId, names, names, names)
policies = st.builds(
    GradingPolicy,
    st.lists(st.builds(Grader, names, st.floats(0, 1), st.integers(0, 9), st.integers(0, 3), names), max_size=3).map(
        tuple
    ),
    st.dictionaries(names, st.floats(0, 1), max_size=3),
    st.none() | st.integers(0, 999),
)
texts = st.none() | st.text(max_size=20)
operations = st.one_of(
    st.builds(ops.CreateCourse, courses, st.text()),
    st.builds(ops.PutGrading, policies),
    st.builds(ops.PutLtiPassport, names, names, names),
    st.builds(
        ops.UpdateAbout,
        st.dictionaries(names, st.text(), max_size=2),
        st.dictionaries(names, keys, max_size=2),
    ),
    st.builds(ops.UploadAsset, assets, st.booleans()),
    st.builds(ops.CreateBlock, keys, keys, texts, fields, texts, st.booleans()),
    st.builds(ops.AdoptBlock, keys, keys, names, st.dictionaries(names, names, max_size=2)),
    st.builds(ops.ForgetBlock, keys),
    st.builds(ops.UpdateBlock, keys, fields, texts, st.sampled_from(ops.Impact), texts),
    st.builds(ops.UploadPackage, keys, assets, fields),
    st.builds(ops.MoveBlock, keys, keys),
    st.builds(ops.ReorderChildren, keys, st.lists(keys, max_size=4).map(tuple)),
    st.builds(ops.DeleteBlock, keys, names, texts),
    st.builds(ops.Publish, keys, st.lists(keys, max_size=4).map(tuple)),
)
notices = st.builds(ops.Notice, names, st.text(max_size=9), st.none() | keys, st.booleans())
plans = st.builds(
    ops.Plan,
    names,
    courses,
    st.lists(operations, max_size=5).map(tuple),
    names,
    names,
    st.lists(notices, max_size=2).map(tuple),
    st.lists(keys, max_size=2).map(tuple),
    st.lists(keys, max_size=2).map(tuple),
    st.dictionaries(keys, st.text(max_size=4), max_size=2),
    st.dictionaries(keys, keys, max_size=2),
    st.dictionaries(names, keys, max_size=2),
)


@given(plans)
def test_a_saved_plan_is_read_back_whole(plan: ops.Plan) -> None:
    text = json.dumps(ops.plan_to_json(plan), default=list)
    assert ops.plan_from_json(json.loads(text), Path("course")) == plan


@given(operations)
def test_every_operation_has_an_impact_and_a_name(operation: ops.Operation) -> None:
    assert ops.impact_of(operation) in ops.Impact
    assert ops.name_of(operation)


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        {},
        {"authoring_plan": 2},
        {"authoring_plan": 1},
        {
            "authoring_plan": 1,
            "target": "x",
            "course": {"org": "A", "number": "B", "run": "C"},
            "operations": [{"op": "explode"}],
        },
    ],
)
def test_what_is_not_a_plan_is_refused(row: object) -> None:
    with pytest.raises(StalePlanError):
        ops.plan_from_json(row, Path())


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret", "static/../../secret"])
def test_a_plan_cannot_upload_files_from_elsewhere(path: str) -> None:
    asset = Asset("a", PurePosixPath(path), "0", 1, "text/plain")
    row = ops.operation_to_json(ops.UploadAsset(asset))
    with pytest.raises(ValueError, match="outside the course folder"):
        ops.operation_from_json(row, Path("course"))
