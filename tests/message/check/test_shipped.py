"""What is shipped passes every look that is taken at everybody's mail: the letters, the layout, several languages."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from outreach.address import parse_mailbox
from outreach.language import Languages
from outreach.message import article as articles
from outreach.message import compile, splice
from outreach.message.check import Fault, faults, wording
from outreach.message.headers import Identity
from outreach.message.template import Layout
from tests.message import mail

TEMPLATES = Path(__file__).parents[3] / "templates"
ARTICLE = (TEMPLATES / "articles" / "car-t-cell-therapy.md").read_text()
GERMAN = """---
title: Was eine zweite Meinung leisten kann
subject: Was eine zweite Meinung leisten kann, und was nicht
preheader: Wann sie hilft, was sie kostet, und welche Fragen Sie stellen können.
language: de
links:
  quote: https://clinic.example/quote
---

Guten Tag {{ name | fallback('') }},

viele Menschen fragen vor einer großen Operation noch jemanden, der nicht mit der Behandlung betraut ist. Das ist ihr
gutes Recht, und die meisten Ärzte haben nichts dagegen. Eine Operation hat Risiken, und sie zu kennen ist der erste
Schritt. Dieser Brief ersetzt kein Gespräch mit einem Arzt, der Sie kennt.

**[Unverbindlich nach den Kosten fragen](quote)**
"""
EVERYTHING = """---
title: Everything that an article can hold
subject: Everything that an article can hold
preheader: Each kind of part once.
language: LANGUAGE
links:
  quote: https://clinic.example/quote
---

A paragraph with *emphasis*, **strong words**, `code`, and [a link](https://example.org/guide).

**[Receive a Free Medical Quote](quote)**

## A heading

> A quotation with [a link that leads on](https://example.org/more).

### A smaller one

1. One
2. Two

#### The smallest

| Step | Time |
|---|---|
| Collecting | a day |

![A quiet ward](https://go.clinic.example/media/ward.png)

---

    a block of code
"""


@cache
def languages() -> Languages:
    """What the layouts can speak."""
    return Languages({file.stem: [file.read_text()] for file in (TEMPLATES / "languages").glob("*.po")})


def checked(text: str, layout: str = "default", name: str = "Clinic News", **changes: str) -> list[Fault]:
    """What is found in an article in a shipped layout, with the shipped rules of wording."""
    read = articles.parse(text, file="letter.md").with_links({"quote": "https://clinic.example/quote"})
    folder = TEMPLATES / "email" / layout
    sources = {file.name: file.read_text() for file in folder.iterdir()}
    sources = {name: changes.get(name, source) for name, source in sources.items()}
    sender = parse_mailbox(f"{name} <news@clinic.example>")
    who = mail.identity(subject=read.subject, sender=sender)
    assert isinstance(who, Identity)
    spoken = languages().best([read.language])
    made = compile.campaign(read, Layout(layout, sources), who, date=mail.DATE, tracked=False, language=spoken)
    text_part, html = mail.parts(splice.message(made, mail.person(), mail.stamp()))
    return faults(
        subject=read.subject,
        html=html,
        text=text_part,
        unsubscribe=mail.stamp().unsubscribe,
        public_url="https://go.clinic.example",
        postal_address="1 Road, Town",
        sender="news@clinic.example",
        wording=wording.parse((TEMPLATES / "wording" / "medical.yaml").read_text(), file="medical.yaml"),
    )


CHINESE = f"""---
title: 第二意见可以做什么
subject: 第二意见可以做什么，不能做什么
preheader: 什么时候有帮助，费用是多少。
language: zh
links:
  quote: https://clinic.example/quote
---

{{{{ name | fallback('读者') }}}}，您好：

{"在进行大手术之前许多人会再询问一位没有参与治疗的医生这是他们的权利而且大多数医生对此并不反对" * 4}。

**[免费询问费用](quote)**
"""


@pytest.mark.parametrize("text", [ARTICLE, GERMAN, CHINESE], ids=["car-t", "german", "chinese"])
def test_a_letter_passes_every_look(text: str) -> None:
    assert checked(text) == []


@pytest.mark.parametrize("language", ["en", "de", "ar", "zh"])
def test_whatever_an_article_holds_the_layout_shows_it_well(language: str) -> None:
    found = checked(EVERYTHING.replace("LANGUAGE", language))
    assert [fault for fault in found if fault.code != "other-language"] == []


def test_the_smallest_heading_can_be_read_in_light_mode() -> None:
    """Its colour for Outlook's dark mode was inlined for everybody, nearly white on white."""
    css = (TEMPLATES / "email" / "default" / "layout.css").read_text()
    old = css.replace("[data-ogsc] .letter h4", ".letter h4")
    assert old != css
    found = checked(EVERYTHING.replace("LANGUAGE", "en"), **{"layout.css": old})
    assert [fault.code for fault in found] == ["low-contrast"]
    assert "The smallest" in found[0].message


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("color: #56615e", "color: #a6b1ae", "low-contrast"),
        (".colophon { color: #a7b2ae !important; }", ".colophon { color: #5b6562 !important; }", "low-contrast"),
        ("font-size: 17px", "font-size: 13px", "small-text"),
        (".masthead { padding", ".masthead { display: flex; padding", "client-support"),
    ],
)
def test_a_layout_that_was_made_worse_is_noticed(before: str, after: str, code: str) -> None:
    css = (TEMPLATES / "email" / "default" / "layout.css").read_text()
    assert before in css
    assert code in [fault.code for fault in checked(ARTICLE, **{"layout.css": css.replace(before, after, 1)})]
