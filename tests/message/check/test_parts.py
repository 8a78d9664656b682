"""Who reads the text part gets the same mail."""

from __future__ import annotations

from tests.message.check.mails import GOOD, codes, look, said, told

LONG = "".join(
    f"<p>Paragraph about {word} and everything around it.</p>" for word in ["hearts", "lungs", "bones", "eyes"]
)


def test_a_link_that_the_text_part_lacks_is_told() -> None:
    html = GOOD.replace("</body>", '<a href="https://example.org/quote">A quote</a></body>')
    (words,) = told(look(html=html, text=said(GOOD) + " A quote"), "text-lacks-link")
    assert "https://example.org/quote" in words


def test_a_text_part_that_says_something_else_is_told_with_what_it_lacks() -> None:
    html = GOOD.replace("</body>", f"{LONG}</body>")
    (words,) = told(look(html=html, text=said(GOOD) + " See our website."), "text-lacks-words")
    assert "paragraph" in words
    assert codes(look(html=html)) == []


def test_words_of_another_script_are_looked_for_however_short() -> None:
    html = GOOD.replace("</body>", "<p>这 是 关于 治疗 的 信息 好</p></body>")
    assert told(look(html=html, text=said(GOOD)), "text-lacks-words")
    assert not told(look(html=html), "text-lacks-words")


def test_capitals_and_what_is_hidden_make_no_difference() -> None:
    html = GOOD.replace(
        "</body>", '<h2>About hearts and lungs and bones</h2><p style="display:none">One two</p></body>'
    )
    found = look(html=html, text=said(GOOD) + " ABOUT HEARTS AND LUNGS AND BONES")
    assert [fault.code for fault in found] == ["hidden-text"]
