"""The human view: what is shown, and what may not run in it."""

from __future__ import annotations

import re

import pytest

from authoring.sandbox.content import Links, formula, render_html
from authoring.sandbox.problems import render_problem
from tests.authoring.sandbox.served.conftest import COURSE, ROOT, Seat

LINKS = Links(COURSE)

# -- content ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain & text <3", "plain &amp; text &lt;3"),
        ("<p onclick='x()'>a<script>x()</script>b</p>", "<p>ab</p>"),
        ("<style>* {display: none}</style><p>a</p>", "<p>a</p>"),
        ('<a href="javascript:x()">a</a>', '<a href="#">a</a>'),
        ('<a href=" java\nscript:x()">a</a>', '<a href="#">a</a>'),
        ('<a href="data:text/html,x">a</a>', '<a href="#">a</a>'),
        ('<svg onload="x()"></svg>', "<svg></svg>"),
        ('<form action="/x"><input name="a"><button>b</button></form>', "<div><span></span><span>b</span></div>"),
        ("</div></section><h1>out</h1>", "<h1>out</h1>"),
        (
            '<iframe src="https://www.youtube.com/embed/x" title="Film"></iframe>',
            '<a class="embed" href="https://www.youtube.com/embed/x">Film</a>',
        ),
        ('<img src="/static/a b/c.png" alt="">', f'<img src="/courses/{COURSE}/static/a%20b_c.png" alt="">'),
        ('<a href="/jump_to_id/abc#x">a</a>', f'<a href="/courses/{COURSE}/units/abc#x">a</a>'),
        (
            f'<a href="/courses/{COURSE}/jump_to/block-v1:A+B+C+type@html+block@abc">a</a>',
            f'<a href="/courses/{COURSE}/units/abc">a</a>',
        ),
        ("<!-- a --><p>b</p>", "<p>b</p>"),
        ("", ""),
    ],
)
def test_content_is_made_safe_and_its_links_lead_somewhere(written: str, shown: str) -> None:
    assert str(render_html(written, LINKS)) == shown


def test_maths_is_set_apart_but_not_in_code() -> None:
    shown = str(render_html(r"<p>a \(x\) b \[y\] c</p><code>\(no\)</code> d \(z\)", LINKS))
    assert (
        re.sub(r"<(math|code class)[^>]*>.*?</(math|code)>", "M", shown) == r"<p>a M b M c</p><code>\(no\)</code> d M"
    )


def test_maths_that_cannot_be_read_stays_as_it_was_written() -> None:
    for tex in (r"\frac{", r"\nosuchcommand x", r"\begin{aligned} a &= b \end{aligned}"):
        made = formula(tex, display=False)
        assert (made.tag, made.text) == ("code", tex)


def test_maths_becomes_mathml() -> None:
    pytest.importorskip("latex2mathml")
    made = formula(r"\frac{1}{n}", display=True)
    assert (made.tag, made.get("display"), made.get("aria-label")) == ("math", "block", r"\frac{1}{n}")


PROBLEM = """<problem><multiplechoiceresponse><label>Which?</label><choicegroup type="MultipleChoice">
<choice correct="true">Right<choicehint>Yes!</choicehint></choice><choice correct="false">Wrong</choice></choicegroup>
<solution><p>Because.</p></solution></multiplechoiceresponse><stringresponse answer="hidden words" type="ci">
<label>Say it</label><additional_answer answer="more hidden"/><textline size="20"/></stringresponse>
<optionresponse><optioninput options="('one','two')" correct="two"/></optionresponse>
<script type="loncapa/python">secret = 1</script><demandhint><hint>Think.</hint></demandhint></problem>"""


def test_a_problem_is_a_form_that_gives_nothing_away() -> None:
    shown = str(render_problem(PROBLEM, LINKS))
    assert shown.count('type="radio"') == 2
    assert '<input type="text" aria-label="Say it">' in shown
    assert "<option>two</option>" in shown
    assert "<summary>Explanation</summary>" in shown
    assert "<summary>Hints</summary>" in shown
    for secret in ("correct", "hidden", "Yes!", "secret", "script"):
        assert secret not in shown


@pytest.mark.parametrize("olx", ["", "no xml", "<problem>", "<problem/>", "<problem><p>a<b></problem>"])
def test_a_problem_of_any_shape_is_shown(olx: str) -> None:
    assert str(render_problem(olx, LINKS))


# -- pages ------------------------------------------------------------------------------------------------------------


def page(seat: Seat, path: str) -> str:
    reply = seat.http.get(path, headers={"Cookie": ""})
    assert reply.status_code == 200, path
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "script-src" not in reply.headers["content-security-policy"]
    return reply.text


def test_learners_see_what_is_published_and_authors_the_draft(seat: Seat) -> None:
    unit = seat.make_unit()
    text = seat.make(unit, "html", "Words")
    seat.post(text, data="<p>first words</p>")
    assert "1 unit is not published yet" in page(seat, f"/courses/{COURSE}")
    block = unit.rpartition("@")[2]
    assert seat.http.get(f"/courses/{COURSE}/units/{block}").status_code == 404
    seat.post(unit, publish="make_public")
    seat.post(text, data="<p>second words</p>")
    outline = page(seat, f"/courses/{COURSE}")
    assert f'href="/courses/{COURSE}/units/{block}"' in outline
    assert "1 unit has changes that learners do not see" in outline
    assert "first words" in page(seat, f"/courses/{COURSE}/units/{block}")
    assert "second words" in page(seat, f"/courses/{COURSE}/units/{block}?draft")
    assert f"/courses/{COURSE}" in page(seat, "/")


def test_what_is_hidden_is_shown_to_authors_alone(seat: Seat) -> None:
    unit = seat.make_unit()
    seat.post(unit, metadata={"visible_to_staff_only": True, "display_name": "Secret unit"}, publish="make_public")
    assert "Secret unit" not in page(seat, f"/courses/{COURSE}")
    assert "hidden from learners" in page(seat, f"/courses/{COURSE}?draft")


def test_components_of_each_kind_are_shown(seat: Seat) -> None:
    unit = seat.make_unit()
    seat.post(seat.make(unit, "problem", "Check"), data=PROBLEM, metadata={"max_attempts": 2})
    seat.post(seat.make(unit, "video", "Film"), metadata={"youtube_id_1_0": "abc", "transcripts": {"en": "film.srt"}})
    seat.post(seat.make(unit, "lti_consumer", "Tool"), metadata={"launch_url": "javascript:alert(1)"})
    seat.post(seat.make(unit, "poll", "Vote"), metadata={"question": "Which one?"})
    nested = seat.make(unit, "library_content", "Pool")
    seat.post(seat.make(nested, "html", "Inner"), data="<p>inner words</p>")
    shown = page(seat, f"/courses/{COURSE}/units/{unit.rpartition('@')[2]}?draft")
    assert "2 attempts" in shown
    assert 'href="https://www.youtube.com/watch?v=abc"' in shown
    assert f'href="/courses/{COURSE}/static/film.srt"' in shown
    assert "javascript:" not in shown
    assert "Which one?" in shown
    assert "inner words" in shown


def test_a_link_to_a_component_opens_its_unit_and_a_page_itself(seat: Seat) -> None:
    unit = seat.make_unit()
    text = seat.make(unit, "html", "Words")
    tab = seat.make(ROOT, "static_tab", "Questions")
    seat.post(tab, data="<p>answers</p>")
    seat.post(unit, publish="make_public")
    block = text.rpartition("@")[2]
    shown = page(seat, f"/courses/{COURSE}/units/{block}")
    assert "<h1>Unit</h1>" in shown
    assert f'id="{block}"' in shown
    assert "answers" in page(seat, f"/courses/{COURSE}/units/{tab.rpartition('@')[2]}")


def test_titles_are_text(seat: Seat) -> None:
    unit = seat.make_unit()
    seat.post(unit, metadata={"display_name": "<img src=x onerror=alert(1)>"}, publish="make_public")
    shown = page(seat, f"/courses/{COURSE}")
    assert "<img" not in shown
    assert "&lt;img src=x" in shown


@pytest.mark.parametrize(
    ("kind", "policy"),
    [
        ("text/html", "sandbox"),
        ("image/svg+xml", "sandbox"),
        ("image/png", "frame-ancestors"),
        ("x", "frame-ancestors"),
    ],
)
def test_files_that_could_run_something_may_not(seat: Seat, kind: str, policy: str) -> None:
    seat.make_course()
    seat.http.post(f"/assets/{COURSE}/", files={"file": ("a.bin", b"<script>x()</script>", kind)})
    reply = seat.http.get(f"/courses/{COURSE}/static/a.bin")
    assert policy in reply.headers["content-security-policy"]
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.content == b"<script>x()</script>"


@pytest.mark.parametrize("path", ["/courses/no-such", f"/courses/{COURSE}/units/x", f"/courses/{COURSE}/static/x"])
def test_what_is_not_there_says_so(seat: Seat, path: str) -> None:
    seat.make_course()
    reply = seat.http.get(path)
    assert (reply.status_code, "Not here" in reply.text) == (404, True)


def test_pages_are_not_counted(seat: Seat) -> None:
    seat.make_course()
    seat.server.clear_log()
    page(seat, "/")
    page(seat, f"/courses/{COURSE}")
    seat.http.get("/_sandbox/style.css")
    assert seat.server.requests == []
