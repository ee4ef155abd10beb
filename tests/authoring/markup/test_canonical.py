"""When two pieces of OLX are the same."""

from __future__ import annotations

import pytest

from authoring.markup.canonical import canonical_xml


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<problem><p>a</p></problem>", "<problem>\n  <p>\n a\n </p>\n</problem>"),
        ('<p b="1" a="2"/>', "<p a='2' b=\"1\"></p>"),
        ("<p>a  b\n c</p>", "<p>a b c</p>"),
        ("<p>a &#38; b</p>", "<p><![CDATA[a & b]]></p>"),
        ("<choice>a <choicehint>b</choicehint> </choice>", "<choice>a<choicehint>b</choicehint></choice>"),
        ("<li>a\n<ul>\n<li>b</li></ul>\n</li>", "<li>a<ul><li>b</li></ul></li>"),
        ("<p/>\n<!-- c -->".join(["<div>", "</div>"]), "<div><p/><!-- c --></div>"),
        ("<script>\r\na\r\n</script>", "<script>\na\n</script>"),
    ],
)
def test_the_same(one: str, other: str) -> None:
    assert canonical_xml(one) == canonical_xml(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<p>a<b>c</b></p>", "<p>a <b>c</b></p>"),
        ("<p><b>a</b> <i>b</i></p>", "<p><b>a</b><i>b</i></p>"),
        ("<pre>a  b</pre>", "<pre>a b</pre>"),
        ("<pre><code>a\n</code></pre>", "<pre><code>a</code></pre>"),
        ("<script> a</script>", "<script>a</script>"),
        ('<answer type="loncapa/python">\n a</answer>', '<answer type="loncapa/python">\na</answer>'),
        ('<p class="a b"/>', '<p class="a  b"/>'),
        ("<p>a\u00a0b</p>", "<p>a b</p>"),
        ("<p>a<!-- c --></p>", "<p>a</p>"),
        ("<p><i>a</i><b>c</b></p>", "<p><b>c</b><i>a</i></p>"),
        ('<x xml:space="preserve"><p> a</p></x>', '<x xml:space="preserve"><p>a</p></x>'),
    ],
)
def test_not_the_same(one: str, other: str) -> None:
    assert canonical_xml(one) != canonical_xml(other)


def test_what_is_no_xml_is_refused() -> None:
    with pytest.raises(ValueError, match="not well-formed"):
        canonical_xml("<p>a<b></p>")


def test_entities_of_its_own_are_refused() -> None:
    bomb = '<!DOCTYPE p [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;">]><p>&b;</p>'
    with pytest.raises(ValueError, match="entities"):
        canonical_xml(bomb)
