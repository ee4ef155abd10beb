"""Every kind of component as a directive: it compiles, shows nothing that the platform made up, and goes live whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from authoring.checks import check_course
from authoring.registry import CategorySpec, FieldSpec, categories, spec
from authoring.sandbox import DOCUMENTED, OBSERVED, SandboxServer
from authoring.source import read_course
from tests.conftest import BuildCourse, write_tree
from tests.desk import Desk, differences

DIRECTIVES = {
    "video": """\
:::video {#clip}
youtube: dQw4w9WgXcQ
sources: [../../static/clip.mp4]
transcripts: {en: ../../static/clip-en.srt, es: ../../static/clip-es.srt}
start_time: 0:05
download_track: true
:::
""",
    "video without YouTube": """\
:::video {#file-only}
sources: [https://example.org/talk.mp4]
transcripts: {en: ../../static/clip-en.srt}
:::
""",
    "discussion": ":::discussion {#talk}\ndiscussion_category: Week 1\ndiscussion_target: First steps\n:::\n",
    "lti": """\
:::lti {#old-tool}
lti_id: maths
launch_url: https://tool.example.org/launch
custom_parameters: [page=3, mode=test]
has_score: true
:::
""",
    "lti_consumer": ":::lti_consumer {#tool}\nlti_id: maths\nlaunch_url: https://tool.example.org/launch\n:::\n",
    "lti_consumer 1.3": """\
:::lti_consumer {#new-tool}
lti_version: lti_1p3
lti_1p3_launch_url: https://tool.example.org/launch
lti_1p3_oidc_url: https://tool.example.org/login
lti_1p3_redirect_uris: [https://tool.example.org/back]
lti_1p3_tool_key_mode: keyset_url
lti_1p3_tool_keyset_url: https://tool.example.org/keys.json
lti_advantage_ags_mode: programmatic
:::
""",
    "poll": """\
:::poll {#colour}
question: Which colour?
answers: [Red, {key: b, label: Blue, image: ../../static/blue.png, alt: the sky}]
feedback: Thanks!
:::
""",
    "survey": ":::survey {#views}\nquestions: [How was the pace?, And the examples?]\nanswers: [Good, Fair, Poor]\n:::\n",
    "word_cloud": ":::word_cloud {#words}\ninstructions: What does data mean to you?\nnum_inputs: 3\n:::\n",
    "drag-and-drop-v2": """\
:::drag-and-drop-v2 {#drag}
question_text: <p>Sort them.</p>
mode: assessment
data:
  targetImg: ../../static/blue.png
  targetImgDescription: A blue field
  zones: [{uid: left, title: Left, x: 0, y: 0, width: 90, height: 90, align: center}]
  items:
    - {id: 0, displayName: One, imageURL: "", zones: [left], feedback: {correct: Yes., incorrect: No.}}
    - {id: 1, displayName: "", imageURL: ../../static/blue.png, imageDescription: A blue field, zones: []}
  feedback: {start: Begin., finish: Done.}
:::
""",
    "openassessment": """\
:::openassessment {#essay}
prompt: '[{"description": "Describe what you counted."}]'
rubric_criteria:
  - name: clear
    label: Clear
    prompt: Is it clear?
    order_num: 0
    feedback: optional
    options:
      - {order_num: 0, name: "no", label: "No", explanation: It is not., points: 0}
      - {order_num: 1, name: "yes", label: "Yes", explanation: It is., points: 2}
rubric_assessments:
  - {name: peer-assessment, must_grade: 3, must_be_graded_by: 2, start: null, due: null}
  - {name: staff-assessment, required: true, start: null, due: null}
rubric_feedback_prompt: What did you like?
rubric_feedback_default_text: I liked
text_response: required
submission_due: 2027-03-01T23:59
:::
""",
    "annotatable": """\
:::annotatable {#text}
<annotatable><p><annotation title="Who?" body="A camera.">A camera counted</annotation> bicycles.</p></annotatable>
:::
""",
    "pdf": ":::pdf {#paper}\ntitle: The paper\nfile: ../../static/paper.pdf\n:::\n",
    "done": ":::done {#read}\nalign: right\n:::\n",
    "edx_sga": ":::edx_sga {#upload}\npoints: 50\nsolution: <p>As in the text.</p>\n:::\n",
    "staffgradedxblock": ":::staffgradedxblock {#aloud}\ninstructions: Read *aloud* in class.\nweight: 5\n:::\n",
    "library_content": """\
:::library_content {#drawn}
source_library_id: library-v1:DemoX+LIB
max_count: 2
capa_type: multiplechoiceresponse
:::
""",
    "itembank": """\
::::itembank {#bank}
max_count: 1
---
:::problem {#bank-a}
>>1 + 1<<

= 2
:::

:::problem {#bank-b}
>>1 + 2<<

= 3
:::
::::
""",
    "randomize": """\
::::randomize {#either}
---
:::html {#either-a}
One of two.
:::

:::html {#either-b}
The other of two.
:::
::::
""",
    "split_test": """\
:::::split_test {#experiment}
user_partition_id: 50
group_id_to_child: {0: group-a, 1: group-b}
---
::::vertical {#group-a}
title: Group A
---
Words for A.
::::

::::vertical {#group-b}
title: Group B
---
Words for B.
::::
:::::
""",
    "conditional": """\
::::conditional {#after-bank}
sources_list: [bank-a]
conditional_attr: attempted
conditional_message: First answer {link}.
---
You have answered.
::::
""",
    "google-document": """\
:::google-document {#report}
embed_code: <iframe src="https://docs.google.com/document/d/e/x/pub?embedded=true" title="A report"></iframe>
alt_text: A report
:::
""",
    "google-calendar": ":::google-calendar {#dates}\ncalendar_id: team@example.org\ndefault_view: 2\n:::\n",
    "olx": ':::olx {#book}\n<customtag impl="book" page="3"/>\n:::\n',
}
FILES: dict[str, str | bytes] = {
    "course.yaml": "org: DemoX\nnumber: DS101\nrun: 2027_T1\ntitle: Everything\n"
    "lti_passports:\n  maths: {key_env: MATHS_KEY, secret_env: MATHS_SECRET}\n",
    "static/clip.mp4": b"\x00\x00\x00\x18ftypmp42",
    "static/clip-en.srt": "1\n00:00:00,000 --> 00:00:02,000\nHello.\n",
    "static/clip-es.srt": "1\n00:00:00,000 --> 00:00:02,000\nHola.\n",
    "static/blue.png": b"\x89PNG\r\n",
    "static/paper.pdf": b"%PDF-1.7\n",
    **{f"01-all/01-kinds/{n:02}-unit-{n}.md": text for n, text in enumerate(DIRECTIVES.values(), start=1)},
}


@pytest.fixture(
    params=[("ibl", DOCUMENTED), ("ibl", OBSERVED), ("studio", OBSERVED)], ids=lambda p: f"{p[0]}-{p[1].name}"
)
def desk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("MATHS_KEY", "key")
    monkeypatch.setenv("MATHS_SECRET", "secret")
    dialect, profile = request.param
    with SandboxServer(tmp_path / "sandbox.sqlite3", profile) as server:
        yield Desk(write_tree(tmp_path / "course", FILES), server, dialect)


def _is_offered(known: CategorySpec, field: FieldSpec) -> bool:
    """Whether authors can say it, as a setting or as the body."""
    return field.authored or field.name == known.content


def test_all_of_them_compile_and_show_only_what_was_written(build_course: BuildCourse) -> None:
    course, diagnostics = read_course(build_course(FILES))
    assert course is not None, [str(finding) for finding in diagnostics]
    found = [str(finding) for finding in (*diagnostics, *check_course(course))]
    assert found == []
    for block in course.root.walk():
        known = spec(block.category)
        assert known is not None
        shown = {name for name, field in known.own_fields.items() if field.sample and _is_offered(known, field)}
        given = {*block.fields, *([known.content] if block.content else [])}
        assert shown <= given, block.key
    used = {block.category for block in course.root.walk()}
    assert used >= {key.partition(" ")[0] for key in DIRECTIVES} - {"olx"} | {"customtag"}


def test_all_of_them_go_live_as_they_are_written(desk: Desk) -> None:
    report = desk.push("--publish")
    assert report["notices"] == []
    assert differences(desk) == []
    assert differences(desk, "published") == []
    assert desk.push("--publish")["operations"] == []


SAMPLES = [
    (category, name)
    for category, known in categories().items()
    if not known.direct_only and not known.detached
    for name, field in known.own_fields.items()
    if field.sample and _is_offered(known, field) and category != "video"
]


@pytest.mark.parametrize(("category", "field"), SAMPLES)
def test_what_is_left_out_is_found_before_learners_see_an_example(
    category: str, field: str, build_course: BuildCourse
) -> None:
    directive = f":::{category} {{#x}}\ntitle: T\n:::\n"
    course, diagnostics = read_course(build_course({"01-a/01-b/01-u.md": directive}))
    found = [str(finding) for finding in (*diagnostics, *(check_course(course) if course else ()))]
    missing = "no text" if field == categories()[category].content else field
    assert any("01-u.md:1: " in line and missing in line for line in found), found


def test_a_video_without_youtube_does_not_show_the_platform_s(build_course: BuildCourse) -> None:
    course, _ = read_course(build_course({"01-a/01-b/01-u.md": ":::video {#x}\ntitle: T\n:::\n"}))
    assert course is not None
    (video,) = course.root.children[0].children[0].children[0].children
    assert video.fields["youtube_id_1_0"] == ""


PDF = ":::pdf {#paper}\ntitle: The paper\nfile: ../../static/paper.pdf\nallow_download: false\n:::\n"


def test_settings_that_a_pdf_block_lacks_are_named_in_the_plan(desk: Desk) -> None:
    write_tree(desk.folder, {"01-all/01-kinds/13-unit-13.md": PDF})
    report = desk.push("--publish")
    said = [notice["kind"] for notice in report["notices"]]
    assert said == (["field-left-out"] if desk.dialect == "ibl" else [])
    assert desk.push("--publish")["operations"] == []
