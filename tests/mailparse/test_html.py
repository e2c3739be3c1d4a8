"""What may be shown, and how HTML reads as text."""

from __future__ import annotations

import pytest

from channels_app.mailparse.html import from_text, sanitise, to_text


@pytest.mark.parametrize(
    ("html", "clean"),
    [
        ("<p>Hi <b>you</b></p>", "<p>Hi <b>you</b></p>"),
        ("<p onclick=x() style='position:fixed' class=a id=b>x</p>", "<p>x</p>"),
        ("a<script>alert(1)</script>b", "ab"),
        ("a<style>p{}</style>b", "ab"),
        ("<form action=/x><input name=a><button>b</button></form>", "b"),
        ("<a href='javascript:alert(1)'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'),
        ("<a href='java&#10;script:alert(1)'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'),
        ("<a href='/admin/'>x</a>", '<a rel="noopener noreferrer nofollow">x</a>'),
        ("<img src='https://track.example/x.png' alt='logo'>", '<img alt="logo">'),
        ("<img src='cid:a@x' onerror=y>", '<img src="cid:a@x">'),
        ("<svg onload=x><circle/></svg>", ""),
        ("&lt;script&gt;", "&lt;script&gt;"),
        ("&amp;lt;b&amp;gt;", "&amp;lt;b&amp;gt;"),
        ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
        ("<b>open <i>both", "<b>open <i>both</i></b>"),
        ("<!--[if mso]><p>x</p><![endif]-->y", "y"),
        ("<title><img src=x onerror=y></title>z", "z"),
        ("<textarea><b>x</textarea>", "&lt;b&gt;x"),
        ("\U0010fff1script\U0010fff2", "script"),
        ("a\x00b", "ab"),
        ("<p", ""),
        ("", ""),
    ],
)
def test_sanitise(html: str, clean: str) -> None:
    assert sanitise(html) == clean


def test_links_keep_their_address() -> None:
    clean = sanitise("<a href=\"https://x.example/?a=1&amp;b='2'&quot;\">x</a>")
    assert clean.startswith("<a href=\"https://x.example/?a=1&amp;b='2'&quot;\"")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("  a \n  b  ", "a b"),
        ("<b>a</b>b <i>c</i>", "ab c"),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("x<blockquote>a<blockquote>b</blockquote></blockquote>y", "x\n> a\n> > b\ny"),
        ("<a href=https://x.example/y>here</a>", "here <https://x.example/y>"),
        ("<a href=https://x.example/y>x.example/y</a>", "x.example/y"),
        ("<a href=mailto:a@x.example>a@x.example</a>", "a@x.example"),
        ("<img alt=':-)'>", ":-)"),
        ("a&nbsp;b &eacute; &#233; &#xe9; &#99999999999;", "a b é é é \ufffd"),
        ("<script>x</script><style>y</style>z", "z"),
        ("a < b", "a < b"),
        ("", ""),
    ],
)
def test_to_text(html: str, text: str) -> None:
    assert to_text(html) == text


def test_from_text() -> None:
    assert from_text("a < b\nc") == "<div>a &lt; b<br>c</div>"
